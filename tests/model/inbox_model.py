"""The inbox of docs/protocol.md in the simplest terms: a list of all changes, evaluated from its beginning each time.

It has no tails, caches, incremental counts or SQL, and is not meant to be fast. A moment is the number of changes so
far; a cursor is true of a moment.

Where the protocol leaves a choice, the model takes that of the design:
- `up_to` is a watermark on the inbox: it covers everything up to the cursor, what this device isn't shown too (a muted
  type, another device's role), provided that it changes anything that the device is shown.
- Several notifications changed by one request are changed in the order in which they were published.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Operation = Literal["seen", "read", "unread", "dismiss"]
Kind = Literal["published", "state", "dismissed", "removed"]


class View(NamedTuple):
    """The principal of a poll: a recipient, and the roles in the token."""

    person: str
    roles: tuple[str, ...]


class State(NamedTuple):
    """A recipient's state of a notification."""

    is_seen: bool = False
    is_read: bool = False


class Counts(NamedTuple):
    """How much in an inbox is unread and unseen."""

    unread: int
    unseen: int


@dataclass
class Item:
    """A notification as it was published."""

    id: str
    moment: int
    to: tuple[str, ...]
    type: str
    title: str


@dataclass
class Person:
    """A recipient."""

    started: int
    """Notifications after this moment can be in the inbox."""
    follows: dict[str, int] = field(default_factory=dict[str, int])
    muted: frozenset[str] = frozenset()
    states: dict[str, State] = field(default_factory=dict[str, State])
    dismissed: set[str] = field(default_factory=set[str])
    dismissed_up_to: int = 0


@dataclass
class TypeRule:
    """A registered type."""

    roles: frozenset[str] = frozenset()
    is_mandatory: bool = False


class Change(NamedTuple):
    """One change of one notification."""

    moment: int
    kind: Kind
    id: str
    person: str | None = None


class Upheaval(NamedTuple):
    """A change of a view as a whole, which may be a reset for these recipients (None: for all)."""

    moment: int
    persons: frozenset[str] | None


class Page(NamedTuple):
    """The expected changes of a poll after a moment."""

    shown: list[str]
    removed: list[str]
    moment: int
    has_more: bool


class InboxModel:
    """All inboxes, and all that has happened to them."""

    def __init__(self) -> None:
        self.now = 0
        self.epoch = 0
        self.floor = 0
        """Retention may have forgotten what happened up to this moment: older cursors may get a reset."""
        self.items: dict[str, Item] = {}
        self.gone: set[str] = set()
        self.persons: dict[str, Person] = {}
        self.types: dict[str, TypeRule] = {}
        self.topics: dict[str, frozenset[str]] = {}
        self.changes: list[Change] = []
        self.upheavals: list[Upheaval] = []
        self._past: dict[tuple[View, int], dict[str, State]] = {}
        self._views: set[View] = set()

    # --- what is ------------------------------------------------------------------------------------------------

    def entitling(self, view: View, item: Item) -> set[str]:
        """Return the audiences as a member of which a recipient is entitled to a notification."""
        person = self.persons[view.person]

        def entitles(audience: str) -> bool:
            kind, _, name = audience.partition(":")
            if kind == "topic":
                allowed = self.topics.get(name, frozenset())
                followed_at = person.follows.get(name)
                return (
                    followed_at is not None
                    and item.moment > followed_at
                    and (not allowed or not allowed.isdisjoint(view.roles))
                )
            return (kind == "role" and name in view.roles) or audience in ("all", f"user:{view.person}")

        return {audience for audience in item.to if entitles(audience)}

    def concerns(self, view: View, item: Item) -> bool:
        """Return whether a notification belongs to this inbox, dismissals and removals aside."""
        person = self.persons[view.person]
        rule = self.types.get(item.type, TypeRule())
        return (
            item.moment > max(person.started, person.dismissed_up_to)
            and bool(self.entitling(view, item))
            and (not rule.roles or not rule.roles.isdisjoint(view.roles))
            and (item.type not in person.muted or rule.is_mandatory)
        )

    def inbox(self, view: View) -> dict[str, State]:
        """Return what is in an inbox now, oldest first, and its states."""
        person = self.persons[view.person]
        return {
            item.id: person.states.get(item.id, State())
            for item in self.items.values()
            if item.id not in self.gone and item.id not in person.dismissed and self.concerns(view, item)
        }

    def inbox_at(self, view: View, moment: int) -> dict[str, State]:
        """Return the content of an inbox at a moment, since its beginning."""
        return self._past[view, moment]

    def counts_at(self, view: View, moment: int) -> Counts:
        """Return the counts of an inbox at a moment."""
        states = self.inbox_at(view, moment).values()
        return Counts(sum(not state.is_read for state in states), sum(not state.is_seen for state in states))

    def counts(self, view: View) -> Counts:
        """Return the counts of an inbox now."""
        return self.counts_at(view, self.now)

    def told_after(self, view: View, moment: int) -> list[Change]:
        """Return the changes after a moment that are visible to a recipient."""
        person = self.persons[view.person]

        def is_told(change: Change) -> bool:
            if not self.concerns(view, self.items[change.id]):
                return False
            if change.kind == "removed":
                return change.id not in person.dismissed
            return change.person in (None, view.person)

        return [change for change in self.changes if change.moment > moment and is_told(change)]

    def may_reset(self, view: View, moment: int) -> bool:
        """Return whether a cursor of a moment may get a reset, although it is of this epoch."""
        return moment < self.floor or self.was_upset(view, moment)

    def was_upset(self, view: View, moment: int) -> bool:
        """Return whether the recipient's view changed as a whole since a moment."""
        return any(
            upheaval.moment > moment and (upheaval.persons is None or view.person in upheaval.persons)
            for upheaval in self.upheavals
        )

    def page_after(self, view: View, moment: int, limit: int) -> Page:
        """Return the expected response of a poll: each notification once, in its present state, oldest change first."""
        told: list[str] = []
        for change in self.told_after(view, moment):
            if change.id in told:
                continue
            if len(told) == limit:
                return self._page(view, told, change.moment - 1, has_more=True)
            told.append(change.id)
        return self._page(view, told, self.now, has_more=False)

    def _page(self, view: View, told: list[str], until: int, *, has_more: bool) -> Page:
        present = self.inbox(view)
        shown = [name for name in told if name in present]
        return Page(shown, [name for name in told if name not in present], until, has_more)

    # --- what happens -------------------------------------------------------------------------------------------

    def look(self, view: View) -> None:
        """A recipient asks for their inbox, which begins by that if it has not begun before."""
        self.persons.setdefault(view.person, Person(self.now))
        if view not in self._views:
            self._views.add(view)
            self._past[view, self.now] = self.inbox(view)

    def publish(self, notification_id: str, to: tuple[str, ...], type_name: str, title: str) -> None:
        for audience in to:
            kind, _, name = audience.partition(":")
            if kind == "user":
                self.persons.setdefault(name, Person(self.now))
        self.items[notification_id] = Item(notification_id, self.now + 1, to, type_name, title)
        self._happen("published", notification_id)

    def remove(self, notification_id: str) -> None:
        """A notification is retracted or has expired."""
        self.gone.add(notification_id)
        self._happen("removed", notification_id)

    def change_state(self, view: View, operation: Operation, ids: list[str]) -> list[str]:
        """Change states by id; return those that changed."""
        person, changed = self.persons[view.person], list[str]()
        for name in sorted(set(ids) & set(self.inbox(view)), key=lambda name: self.items[name].moment):
            if operation == "dismiss":
                person.dismissed.add(name)
                self._happen("dismissed", name, view.person)
            else:
                old = person.states.get(name, State())
                new = _after(old, operation)
                if new == old:
                    continue
                person.states[name] = new
                self._happen("state", name, view.person)
            changed.append(name)
        return changed

    def change_state_up_to(self, view: View, operation: Operation, moment: int) -> int:
        """Change the state of everything up to a moment; return how many of those that are shown changed."""
        person, shown = self.persons[view.person], self.inbox(view)
        covered = [item.id for item in self.items.values() if item.moment <= moment]
        if operation == "dismiss":
            changed = [name for name in covered if name in shown]
        else:
            changed = [name for name in covered if name in shown and _after(shown[name], operation) != shown[name]]
        if not changed:
            return 0
        if operation == "dismiss":
            person.dismissed_up_to = max(person.dismissed_up_to, moment)
        else:
            for name in covered:
                person.states[name] = _after(person.states.get(name, State()), operation)
        self._upset({view.person})
        return len(changed)

    def may_follow(self, view: View, topic: str) -> bool:
        allowed = self.topics.get(topic, frozenset())
        return not allowed or not allowed.isdisjoint(view.roles)

    def follow(self, view: View, topic: str) -> None:
        person = self.persons[view.person]
        if topic not in person.follows:
            person.follows[topic] = self.now + 1
            self._upset({view.person})

    def unfollow(self, view: View, topic: str) -> None:
        if self.persons[view.person].follows.pop(topic, None) is not None:
            self._upset({view.person})

    def mute(self, view: View, types: frozenset[str]) -> None:
        person = self.persons[view.person]
        if person.muted != types:
            person.muted = types
            self._upset({view.person})

    def set_type(self, name: str, roles: frozenset[str], *, is_mandatory: bool) -> None:
        """Register a type; with neither roles nor `is_mandatory` it is as if it weren't registered."""
        rule = TypeRule(roles, is_mandatory)
        if self.types.get(name, TypeRule()) != rule:
            self.types[name] = rule
            self._upset(None)

    def set_topic_roles(self, topic: str, roles: frozenset[str]) -> None:
        if self.topics.get(topic, frozenset()) != roles:
            self.topics[topic] = roles
            self._upset({name for name, person in self.persons.items() if topic in person.follows})

    def begin_new_epoch(self) -> None:
        self.epoch += 1

    def forget(self, moment: int) -> None:
        """Retention forgets what happened up to a moment, and inboxes that were never asked for with it."""
        self.floor = max(self.floor, moment)
        forgotten = {change.id for change in self.changes if change.kind == "removed" and change.moment <= self.floor}
        addressed = {audience for item in self.items.values() if item.id not in forgotten for audience in item.to}
        for name in self.persons.keys() - {view.person for view in self._views}:
            if f"user:{name}" not in addressed:
                del self.persons[name]

    def _happen(self, kind: Kind, notification_id: str, person: str | None = None) -> None:
        self.changes.append(Change(self.now + 1, kind, notification_id, person))
        self._tick()

    def _upset(self, persons: set[str] | None) -> None:
        self.upheavals.append(Upheaval(self.now + 1, None if persons is None else frozenset(persons)))
        self._tick()

    def _tick(self) -> None:
        self.now += 1
        for view in self._views:
            self._past[view, self.now] = self.inbox(view)


def _after(state: State, operation: Operation) -> State:
    """Return the state that an operation leads to: reading implies seeing, and what was seen stays so."""
    if operation == "unread":
        return State(state.is_seen, False)
    return State(True, state.is_read or operation == "read")
