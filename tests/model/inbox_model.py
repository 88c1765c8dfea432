"""The inbox of docs/protocol.md in the simplest terms: a list of all changes, evaluated from its beginning each time.

It has no tails, caches, incremental counts or SQL, and is not meant to be fast. A moment is the number of changes so
far; a cursor stands for a moment.

Where the protocol leaves a choice, the model follows the design:
- `up_to` is a watermark on the inbox: it covers all notifications up to the cursor, also those that this device
  isn't shown (a muted type, another device's role), provided that it changes any that it is shown.
- Several notifications changed by one request are changed in the order in which they were published.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Operation = Literal["seen", "read", "unread", "dismiss"]
Kind = Literal["published", "state", "dismissed", "removed"]


class View(NamedTuple):
    """The principal of a poll: a recipient, and the roles in the token."""

    recipient: str
    roles: tuple[str, ...]


class State(NamedTuple):
    """A recipient's state of a notification."""

    is_seen: bool = False
    is_read: bool = False


class Counts(NamedTuple):
    """The numbers of unread and unseen notifications in an inbox."""

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
class Recipient:
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
    recipient: str | None = None


class ViewChange(NamedTuple):
    """A change of a view as a whole, which may be a reset for these recipients (None: for all)."""

    moment: int
    recipients: frozenset[str] | None


class Page(NamedTuple):
    """The expected changes of a poll after a moment."""

    shown: list[str]
    removed: list[str]
    moment: int
    has_more: bool


class InboxModel:
    """All inboxes, and all their changes."""

    def __init__(self) -> None:
        self.now = 0
        self.epoch = 0
        self.floor = 0
        """Retention may have pruned the changes up to this moment: older cursors may get a reset."""
        self.items: dict[str, Item] = {}
        self.gone: set[str] = set()
        self.recipients: dict[str, Recipient] = {}
        self.types: dict[str, TypeRule] = {}
        self.topics: dict[str, frozenset[str]] = {}
        self.changes: list[Change] = []
        self.view_changes: list[ViewChange] = []
        self._past: dict[tuple[View, int], dict[str, State]] = {}
        self._views: set[View] = set()

    # --- state --------------------------------------------------------------------------------------------------

    def entitling(self, view: View, item: Item) -> set[str]:
        """Return the audiences of a notification of which the recipient is a member."""
        recipient = self.recipients[view.recipient]

        def entitles(audience: str) -> bool:
            kind, _, name = audience.partition(":")
            if kind == "topic":
                allowed = self.topics.get(name, frozenset())
                followed_at = recipient.follows.get(name)
                return (
                    followed_at is not None
                    and item.moment > followed_at
                    and (not allowed or not allowed.isdisjoint(view.roles))
                )
            return (kind == "role" and name in view.roles) or audience in ("all", f"user:{view.recipient}")

        return {audience for audience in item.to if entitles(audience)}

    def concerns(self, view: View, item: Item) -> bool:
        """Return whether a notification belongs to this inbox, apart from dismissals and removals."""
        recipient = self.recipients[view.recipient]
        rule = self.types.get(item.type, TypeRule())
        return (
            item.moment > max(recipient.started, recipient.dismissed_up_to)
            and bool(self.entitling(view, item))
            and (not rule.roles or not rule.roles.isdisjoint(view.roles))
            and (item.type not in recipient.muted or rule.is_mandatory)
        )

    def inbox(self, view: View) -> dict[str, State]:
        """Return the notifications in an inbox now, oldest first, with their states."""
        recipient = self.recipients[view.recipient]
        return {
            item.id: recipient.states.get(item.id, State())
            for item in self.items.values()
            if item.id not in self.gone and item.id not in recipient.dismissed and self.concerns(view, item)
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

    def visible_changes_after(self, view: View, moment: int) -> list[Change]:
        """Return the changes after a moment that are visible to a recipient."""
        recipient = self.recipients[view.recipient]

        def is_visible(change: Change) -> bool:
            if not self.concerns(view, self.items[change.id]):
                return False
            if change.kind == "removed":
                return change.id not in recipient.dismissed
            return change.recipient in (None, view.recipient)

        return [change for change in self.changes if change.moment > moment and is_visible(change)]

    def may_reset(self, view: View, moment: int) -> bool:
        """Return whether a cursor of a moment may get a reset, although it is of this epoch."""
        return moment < self.floor or self.view_changed_after(view, moment)

    def view_changed_after(self, view: View, moment: int) -> bool:
        """Return whether the recipient's view changed as a whole since a moment."""
        return any(
            view_change.moment > moment and (view_change.recipients is None or view.recipient in view_change.recipients)
            for view_change in self.view_changes
        )

    def page_after(self, view: View, moment: int, limit: int) -> Page:
        """Return the expected response of a poll: each notification once, in its present state, oldest change first."""
        ids: list[str] = []
        for change in self.visible_changes_after(view, moment):
            if change.id in ids:
                continue
            if len(ids) == limit:
                return self._page(view, ids, change.moment - 1, has_more=True)
            ids.append(change.id)
        return self._page(view, ids, self.now, has_more=False)

    def _page(self, view: View, ids: list[str], until: int, *, has_more: bool) -> Page:
        present = self.inbox(view)
        shown = [name for name in ids if name in present]
        return Page(shown, [name for name in ids if name not in present], until, has_more)

    # --- changes ------------------------------------------------------------------------------------------------

    def begin_inbox(self, view: View) -> None:
        """Begin an inbox, as the recipient's first request does; later requests change nothing."""
        self.recipients.setdefault(view.recipient, Recipient(self.now))
        if view not in self._views:
            self._views.add(view)
            self._past[view, self.now] = self.inbox(view)

    def publish(self, notification_id: str, to: tuple[str, ...], type_name: str, title: str) -> None:
        for audience in to:
            kind, _, name = audience.partition(":")
            if kind == "user":
                self.recipients.setdefault(name, Recipient(self.now))
        self.items[notification_id] = Item(notification_id, self.now + 1, to, type_name, title)
        self._append("published", notification_id)

    def remove(self, notification_id: str) -> None:
        """Remove a notification that was retracted or expired."""
        self.gone.add(notification_id)
        self._append("removed", notification_id)

    def change_state(self, view: View, operation: Operation, ids: list[str]) -> list[str]:
        """Change states by id; return those that changed."""
        recipient, changed = self.recipients[view.recipient], list[str]()
        for name in sorted(set(ids) & set(self.inbox(view)), key=lambda name: self.items[name].moment):
            if operation == "dismiss":
                recipient.dismissed.add(name)
                self._append("dismissed", name, view.recipient)
            else:
                old = recipient.states.get(name, State())
                new = _after(old, operation)
                if new == old:
                    continue
                recipient.states[name] = new
                self._append("state", name, view.recipient)
            changed.append(name)
        return changed

    def change_state_up_to(self, view: View, operation: Operation, moment: int) -> int:
        """Change the state of everything up to a moment; return how many of those that are shown changed."""
        recipient, shown = self.recipients[view.recipient], self.inbox(view)
        covered = [item.id for item in self.items.values() if item.moment <= moment]
        if operation == "dismiss":
            changed = [name for name in covered if name in shown]
        else:
            changed = [name for name in covered if name in shown and _after(shown[name], operation) != shown[name]]
        if not changed:
            return 0
        if operation == "dismiss":
            recipient.dismissed_up_to = max(recipient.dismissed_up_to, moment)
        else:
            for name in covered:
                recipient.states[name] = _after(recipient.states.get(name, State()), operation)
        self._change_views({view.recipient})
        return len(changed)

    def may_follow(self, view: View, topic: str) -> bool:
        allowed = self.topics.get(topic, frozenset())
        return not allowed or not allowed.isdisjoint(view.roles)

    def follow(self, view: View, topic: str) -> None:
        recipient = self.recipients[view.recipient]
        if topic not in recipient.follows:
            recipient.follows[topic] = self.now + 1
            self._change_views({view.recipient})

    def unfollow(self, view: View, topic: str) -> None:
        if self.recipients[view.recipient].follows.pop(topic, None) is not None:
            self._change_views({view.recipient})

    def mute(self, view: View, types: frozenset[str]) -> None:
        recipient = self.recipients[view.recipient]
        if recipient.muted != types:
            recipient.muted = types
            self._change_views({view.recipient})

    def set_type(self, name: str, roles: frozenset[str], *, is_mandatory: bool) -> None:
        """Register a type; with neither roles nor `is_mandatory` it is as if it weren't registered."""
        rule = TypeRule(roles, is_mandatory)
        if self.types.get(name, TypeRule()) != rule:
            self.types[name] = rule
            self._change_views(None)

    def set_topic_roles(self, topic: str, roles: frozenset[str]) -> None:
        if self.topics.get(topic, frozenset()) != roles:
            self.topics[topic] = roles
            self._change_views({name for name, recipient in self.recipients.items() if topic in recipient.follows})

    def begin_new_epoch(self) -> None:
        self.epoch += 1

    def prune(self, moment: int) -> None:
        """Prune the changes up to a moment, as retention does, and with them the inboxes that were never polled."""
        self.floor = max(self.floor, moment)
        pruned = {change.id for change in self.changes if change.kind == "removed" and change.moment <= self.floor}
        addressed = {audience for item in self.items.values() if item.id not in pruned for audience in item.to}
        for name in self.recipients.keys() - {view.recipient for view in self._views}:
            if f"user:{name}" not in addressed:
                del self.recipients[name]

    def _append(self, kind: Kind, notification_id: str, recipient: str | None = None) -> None:
        self.changes.append(Change(self.now + 1, kind, notification_id, recipient))
        self._tick()

    def _change_views(self, recipients: set[str] | None) -> None:
        self.view_changes.append(ViewChange(self.now + 1, None if recipients is None else frozenset(recipients)))
        self._tick()

    def _tick(self) -> None:
        self.now += 1
        for view in self._views:
            self._past[view, self.now] = self.inbox(view)


def _after(state: State, operation: Operation) -> State:
    """Return the state after an operation: reading implies seeing, and a seen notification stays seen."""
    if operation == "unread":
        return State(state.is_seen, False)
    return State(True, state.is_read or operation == "read")
