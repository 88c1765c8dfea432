"""The state machine: publishers, recipients on several devices, jobs and accidents, at random.

Each rule makes at most one visible change (several of one kind in one commit), brings every node to the log's head,
and compares the held polls with the model. Polls compare the rest.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gevent
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from notifygate.log.transaction import LogTransaction
from notifygate.publishing.registry import put_topic
from tests.model.devices import Checker, Device, Mark
from tests.model.inbox_model import InboxModel, Operation, View
from tests.model.nodes import Nodes
from tests.support.in_process import RecipientActor
from tests.support.waiting import PATIENCE_SECONDS, eventually

ROLES = ("admin", "ops")
TYPES = ("general", "like", "alert")
TOPICS = ("deploys", "news")
AUDIENCES = (
    *("user:alice", "user:bob", "user:carol"),
    *(f"role:{role}" for role in ROLES),
    *(f"topic:{topic}" for topic in TOPICS),
    "all",
)
VIEWS = (
    View("alice", ()),
    View("alice", ("admin",)),
    View("alice", ("admin",)),  # two devices that share a view, and so its place in the gateway's cache
    View("alice", ("admin", "ops")),
    View("bob", ("ops",)),
    View("bob", ("ops",)),
    View("carol", ()),
)
LIMITS = (1, 2, 3, 5, 50, 200)

QUIET_CHANGES = 4
"""Changes of notifications between two of the rare rules; without them, rare rules would be most of a program."""

MOST_HELD = 4
"""Requests held at once; the other devices are free to poll."""

choice = st.integers(0, 10_000)
"""Chooses one of the present devices, nodes, notifications or moments."""
some_audiences = st.lists(st.sampled_from(AUDIENCES), min_size=1, max_size=3, unique=True)
some_roles = st.sets(st.sampled_from(ROLES)).map(lambda names: tuple(sorted(names)))


def changes(*, is_rare: bool = False, if_any: str = "", **strategies: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a rule after which all nodes are brought to the log's head.

    A rare one runs only after some changes since the last; `if_any`: the attribute of the model that must not be empty.
    """

    def decorate(function: Callable[..., None]) -> Any:
        @wraps(function)
        def run(machine: "InboxMachine", *given: Any, **named: Any) -> None:
            if is_rare:
                machine.quiet_until = len(machine.model.changes) + QUIET_CHANGES
            function(machine, *given, **named)
            machine.settle()

        def may_run(machine: "InboxMachine") -> bool:
            is_time = not is_rare or len(machine.model.changes) >= machine.quiet_until
            return is_time and (not if_any or bool(getattr(machine.model, if_any)))

        return precondition(may_run)(rule(**strategies)(run))

    return decorate


@dataclass(eq=False)
class Held:
    """A request that a node holds."""

    device: Device
    actor: RecipientActor
    node: int
    sent: Mark
    tag: Mark | None
    limit: int
    greenlet: gevent.Greenlet


class InboxMachine(RuleBasedStateMachine):
    """Runs nodes and compares them with the model."""

    def __init__(self, nodes: Nodes, *, expects_304: bool) -> None:
        super().__init__()
        self.nodes = nodes
        nodes.empty()
        self.model = InboxModel()
        self.checker = Checker(self.model, expects_304=expects_304)
        self.devices = [Device(f"{view.recipient}'s device {n}", view) for n, view in enumerate(VIEWS)]
        self.held: list[Held] = []
        self.quiet_until = QUIET_CHANGES
        self.heads = {0: nodes.head.seq}
        """The log's head at the beginning of each moment, for retention."""

    # --- publishers ---------------------------------------------------------------------------------------------

    @changes(node=choice, to=some_audiences, type_name=st.sampled_from(TYPES), ttl=st.none() | st.just(3600))
    def publish(self, node: int, to: list[str], type_name: str, ttl: int | None = None) -> None:
        title = f"number {len(self.model.items)}"
        fields = {"ttl": ttl} if ttl else {}
        notification_id = self.nodes.publisher(self._node(node)).publish(to, title, type=type_name, **fields)
        self.model.publish(notification_id, tuple(to), type_name, title)

    @rule(node=choice, several=st.lists(st.tuples(some_audiences, st.sampled_from(TYPES)), min_size=2, max_size=6))
    def publish_several(self, node: int, several: list[tuple[list[str], str]]) -> None:
        for number, (to, type_name) in enumerate(several):
            self.publish(node + number, to, type_name)

    @changes(node=choice, count=st.integers(1, 12))
    def publish_to_others(self, node: int, count: int) -> None:
        """Append to the log, so that cursors leave the tails of the nodes."""
        publisher = self.nodes.publisher(self._node(node))
        gevent.joinall([gevent.spawn(publisher.publish, "user:nobody") for _ in range(count)], raise_error=True)

    @changes(if_any="items", node=choice, item=choice)
    def retract(self, node: int, item: int) -> None:
        name = list(self.model.items)[item % len(self.model.items)]
        answer = self.nodes.publisher(self._node(node)).delete(f"/v1/notifications/{name}")
        # A notification that left all inboxes may be pruned already.
        assert answer.status_code == 204 or (answer.status_code == 404 and not self._is_anywhere(name))
        if name not in self.model.gone and answer.status_code == 204:
            self.model.remove(name)

    @changes(if_any="items", node=choice, items=st.lists(choice, min_size=1, max_size=3))
    def expire(self, node: int, items: list[int]) -> None:
        names = self._items(items)
        expired = self.nodes.expire(names, self._node(node))
        live = [name for name in names if name not in self.model.gone]
        known = [name for name in live if self._is_anywhere(name)]
        assert len(known) <= expired <= len(live)
        for name in sorted(known, key=lambda name: self.model.items[name].moment):
            self.model.remove(name)

    # --- recipients ---------------------------------------------------------------------------------------------

    @rule(device=choice, node=choice, limit=st.sampled_from(LIMITS), with_tag=st.booleans())
    def poll(self, device: int, node: int, limit: int, with_tag: bool) -> None:
        self._poll(self._free_device(device), self._node(node), limit, with_tag=with_tag)

    @rule(node=choice, limit=st.sampled_from(LIMITS), with_tag=st.booleans())
    def poll_with_every_device(self, node: int, limit: int, with_tag: bool) -> None:
        waiting = [held.device for held in self.held]
        for number, device in enumerate(self.devices):
            if device not in waiting:
                self._poll(device, self._node(node + number), limit, with_tag=with_tag)

    @rule(device=choice, node=choice, limit=st.sampled_from(LIMITS))
    def poll_to_the_end(self, device: int, node: int, limit: int) -> None:
        chosen = self._free_device(device)
        self._poll(chosen, self._node(node), limit)
        while chosen.has_more:
            node += 1
            self._poll(chosen, self._node(node), limit)

    @rule(device=choice, node=choice, limit=st.sampled_from(LIMITS), with_tag=st.booleans())
    def poll_snapshot(self, device: int, node: int, limit: int, with_tag: bool) -> None:
        self._poll(self._free_device(device), self._node(node), limit, with_cursor=False, with_tag=with_tag)

    @rule(device=choice, node=choice)
    def poll_counts(self, device: int, node: int) -> None:
        chosen = self._free_device(device)
        self.model.begin_inbox(chosen.view)
        tag = chosen.counts_etag
        actor = self.nodes.recipient(chosen.view, self._node(node))
        answer = actor.get("/v1/inbox/unread", headers={"If-None-Match": f'W/"{tag.token}"'} if tag else None)
        self.checker.take_counts(chosen, answer, tag)

    @precondition(lambda self: len(self.held) < MOST_HELD)
    @rule(device=choice, node=choice, limit=st.sampled_from(LIMITS), with_tag=st.booleans())
    def hold(self, device: int, node: int, limit: int, with_tag: bool) -> None:
        """Begin a long poll, which stays open while other rules run, until there are changes."""
        chosen, number = self._free_device(device), self._node(node)
        if chosen.cursor is None:
            return
        self.model.begin_inbox(chosen.view)
        actor = self.nodes.recipient(chosen.view, number)
        tag = chosen.etag if with_tag else None
        greenlet = gevent.spawn(self._open, actor, chosen.cursor, tag, limit, wait=55)
        self.held.append(Held(chosen, actor, number, chosen.cursor, tag, limit, greenlet))
        self.settle()

    @precondition(lambda self: self.model.changes)
    @rule(device=choice, node=choice, back=st.integers(1, 5), limit=st.sampled_from(LIMITS), with_tag=st.booleans())
    def poll_again(self, device: int, node: int, back: int, limit: int, with_tag: bool) -> None:
        """Poll with an older cursor, as a device that lost its last responses, but not its ETag."""
        chosen = self._free_device(device)
        if chosen.saved:
            saved = chosen.saved[-min(back + 1, len(chosen.saved))]
            chosen.cursor, chosen.local = saved.cursor, dict(saved.local)
        self._poll(chosen, self._node(node), limit, with_tag=with_tag)

    @changes(is_rare=True, device=choice, roles=some_roles)
    def change_roles(self, device: int, roles: tuple[str, ...]) -> None:
        chosen = self._free_device(device)
        chosen.view = View(chosen.view.recipient, roles)

    @changes(
        if_any="items",
        device=choice,
        node=choice,
        operation=st.sampled_from(["seen", "read", "unread", "dismiss"]),
        items=st.lists(choice, min_size=1, max_size=4),
    )
    def change_state(self, device: int, node: int, operation: Operation, items: list[int]) -> None:
        view = self._begun_view(device)
        if view is None:
            return
        names = self._items(items)
        changed = self.model.change_state(view, operation, names)
        answer = self.nodes.recipient(view, self._node(node)).change_state(operation, ids=[*names, "unknown"])
        counts = self.model.counts(view)
        assert answer == {"changed": len(changed), "unread": counts.unread, "unseen": counts.unseen}
        if operation == "unread":
            self.checker.first_times.forget_reading(view.recipient, changed)

    @changes(device=choice, node=choice, operation=st.sampled_from(["seen", "read", "dismiss"]), back=st.integers(0, 3))
    def change_state_up_to(self, device: int, node: int, operation: Operation, back: int) -> None:
        chosen = self.devices[device % len(self.devices)]
        if not chosen.saved:
            return
        cursor = chosen.saved[-min(back + 1, len(chosen.saved))].cursor
        self.model.begin_inbox(chosen.view)
        answer = self.nodes.recipient(chosen.view, self._node(node)).post(
            "/v1/inbox/state", json={"op": operation, "up_to": cursor.token}
        )
        if cursor.view != chosen.view or cursor.epoch != self.model.epoch:
            assert answer.status_code == 400
            assert (answer.json or {})["code"] == "invalid-cursor"
        else:
            assert answer.status_code == 200, answer.text
            changed = self.model.change_state_up_to(chosen.view, operation, cursor.moment)
            counts = self.model.counts(chosen.view)
            assert answer.json == {"changed": changed, "unread": counts.unread, "unseen": counts.unseen}

    @changes(device=choice, node=choice, topic=st.sampled_from(TOPICS), wanted=st.sampled_from([True, True, False]))
    def follow(self, device: int, node: int, topic: str, wanted: bool) -> None:
        """Follow a topic, or stop following it."""
        view = self._begun_view(device)
        if view is None:
            return
        actor, path = self.nodes.recipient(view, self._node(node)), f"/v1/inbox/topics/{topic}"
        if not wanted:
            assert actor.delete(path).status_code == 200
            self.model.unfollow(view, topic)
            return
        may_follow = self.model.may_follow(view, topic)
        assert actor.put(path).status_code == (200 if may_follow else 403)
        if may_follow:
            self.model.follow(view, topic)

    @changes(is_rare=True, device=choice, node=choice, types=st.sets(st.sampled_from(TYPES), max_size=2))
    def mute(self, device: int, node: int, types: set[str]) -> None:
        view = self._begun_view(device)
        if view is None:
            return
        body = {"types": {name: {"muted": True} for name in sorted(types)}}
        answer = self.nodes.recipient(view, self._node(node)).put("/v1/inbox/preferences", json=body)
        assert answer.status_code == 200, answer.text
        self.model.mute(view, frozenset(types))

    # --- administrators -----------------------------------------------------------------------------------------

    @changes(is_rare=True, node=choice, name=st.sampled_from(TYPES), roles=some_roles, mandatory=st.booleans())
    def set_type(self, node: int, name: str, roles: tuple[str, ...], mandatory: bool) -> None:
        body = {"roles": list(roles), "mandatory": mandatory}
        answer = self.nodes.publisher(self._node(node)).put(f"/v1/types/{name}", json=body)
        assert answer.status_code == 200, answer.text
        self.model.set_type(name, frozenset(roles), is_mandatory=mandatory)

    @changes(is_rare=True, if_any="types", node=choice, name=st.sampled_from(TYPES))
    def delete_type(self, node: int, name: str) -> None:
        answer = self.nodes.publisher(self._node(node)).delete(f"/v1/types/{name}")
        assert answer.status_code in (204, 404)
        self.model.set_type(name, frozenset(), is_mandatory=False)

    @changes(is_rare=True, node=choice, topic=st.sampled_from(TOPICS), roles=some_roles)
    def set_topic_roles(self, node: int, topic: str, roles: tuple[str, ...]) -> None:
        self.nodes.gateways[self._node(node)].services.writer.transact(put_topic(topic, roles))
        self.model.set_topic_roles(topic, frozenset(roles))

    @changes(is_rare=True, node=choice, moment=choice)
    def prune(self, node: int, moment: int) -> None:
        """Make all entries up to a moment so old that retention removes them."""
        moments = list(self.heads)
        chosen = moments[moment % len(moments)]
        self.nodes.age(self.heads[chosen])
        self.nodes.gateways[self._node(node)].services.retention.prune()
        self.model.prune(chosen)

    @changes(is_rare=True)
    def begin_new_epoch(self) -> None:
        """Begin a new epoch, as `notifygate log new-epoch` does after a restore."""

        def change(connection: Connection) -> None:
            transaction = LogTransaction(connection)
            transaction.begin_new_epoch((transaction.epoch + 1) % (1 << 20))

        self.nodes.database.write(change)
        self.model.begin_new_epoch()

    @changes(is_rare=True, node=choice)
    def restart(self, node: int) -> None:
        """Stop a node, which answers all that it holds as if their wait were over, and start it again."""
        number = self._node(node)
        self.nodes.gateways[number].stop()
        for held in [held for held in self.held if held.node == number]:
            self._take(held)
        self.nodes.start(number)

    def teardown(self) -> None:
        """Check that in the end every device has all notifications."""
        if sys.exc_info()[0] is not None:
            return  # a rule failed; its failure is the one to report
        for number in range(len(self.nodes.gateways)):
            self.restart(number)
        for device in self.devices:
            self._poll(device, 0, 3)
            while device.has_more:
                self._poll(device, 0, 3)
            self._poll(device, len(self.nodes.gateways) - 1, 3)

    # --- helpers ------------------------------------------------------------------------------------------------

    @initialize(begun=st.sets(st.integers(0, len(VIEWS) - 1)))
    def begin(self, begun: set[int]) -> None:
        """Begin some inboxes; the others begin with their first request or notification."""
        for number in sorted(begun):
            self._poll(self.devices[number], 0, 50)

    def _node(self, number: int) -> int:
        return number % len(self.nodes.gateways)

    def _free_device(self, number: int) -> Device:
        """Return a device that isn't waiting for an answer."""
        waiting = {held.device.name for held in self.held}
        free = [device for device in self.devices if device.name not in waiting]
        return free[number % len(free)]

    def _begun_view(self, number: int) -> View | None:
        view = self.devices[number % len(self.devices)].view
        if view.recipient not in self.model.recipients:
            return None
        self.model.begin_inbox(view)
        return view

    def _items(self, numbers: list[int]) -> list[str]:
        names = list(self.model.items)
        return list(dict.fromkeys(names[number % len(names)] for number in numbers))

    def _is_anywhere(self, name: str) -> bool:
        """Return whether a notification is live and not dismissed by its only recipient."""
        item = self.model.items[name]
        if name in self.model.gone:
            return False
        if len(item.to) > 1 or not item.to[0].startswith("user:"):
            return True
        recipient = self.model.recipients[item.to[0].removeprefix("user:")]
        return name not in recipient.dismissed and item.moment > recipient.dismissed_up_to

    def _open(
        self, actor: RecipientActor, cursor: Mark | None, tag: Mark | None, limit: int, **query: int
    ) -> TestResponse:
        return actor.poll(
            cursor.token if cursor else None, etag=f'W/"{tag.token}"' if tag else None, limit=limit, **query
        )

    def _poll(self, device: Device, node: int, limit: int, *, with_cursor: bool = True, with_tag: bool = False) -> None:
        self.model.begin_inbox(device.view)
        actor = self.nodes.recipient(device.view, node)
        sent = device.cursor if with_cursor else None
        tag = device.etag if with_tag else None
        self.checker.take_inbox(device, self._open(actor, sent, tag, limit), sent, tag, limit, actor)

    def settle(self) -> None:
        """Bring all nodes to the log's head, and check that exactly the holds that must end have ended."""
        head = self.nodes.settle()
        self.heads.setdefault(self.model.now, head.seq)
        for number in range(len(self.nodes.gateways)):
            here = [held for held in self.held if held.node == number]
            eventually(
                lambda here=here, number=number: (  # type: ignore[misc]
                    self.nodes.holds(number) == sum(not held.greenlet.ready() for held in here)
                ),
                "each request is either answered or held",
            )
        for held in list(self.held):
            must_end, may_end = self._ends(held)
            if held.greenlet.ready():
                assert may_end, f"{held.device.name} was woken without a visible change: {text_of(held)}"
                self._take(held)
            else:
                assert not must_end, f"{held.device.name} was not woken"

    def _ends(self, held: Held) -> tuple[bool, bool]:
        """Return whether a hold must have ended, and whether it may have."""
        model, view = self.model, held.device.view
        must = (
            held.sent.view != view
            or held.sent.epoch != model.epoch
            or bool(model.visible_changes_after(view, held.sent.moment))
        )
        # A cursor that is about to leave the node's tail is answered at once with a fresh one.
        may = must or model.may_reset(view, held.sent.moment) or not self.checker.expects_304
        return must and not model.view_changed_after(view, held.sent.moment), may

    def _take(self, held: Held) -> None:
        """Check the answer to a hold that ended."""
        self.held.remove(held)
        answer = held.greenlet.get(timeout=PATIENCE_SECONDS)
        self.checker.take_inbox(held.device, answer, held.sent, held.tag, held.limit, held.actor)


def text_of(held: Held) -> str:
    """Return the answer to a hold, for the message of a failure."""
    answer = held.greenlet.get(block=False)
    return f"{answer.status_code} {answer.text}"
