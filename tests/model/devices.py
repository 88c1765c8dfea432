"""Devices: each polls for one recipient, merges the responses as a client should, and compares them with the model."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from werkzeug.test import TestResponse

from tests.model.inbox_model import Counts, InboxModel, State, View
from tests.support.in_process import RecipientActor


class Times(NamedTuple):
    """The times when a notification was seen and read, in the gateway's responses; None for never."""

    seen_at: str | None
    read_at: str | None

    @property
    def state(self) -> State:
        return State(self.seen_at is not None, self.read_at is not None)


class FirstTimes:
    """The first times that any device received: all later ones must be equal."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str, str], str] = {}

    def check(self, recipient: str, notification_id: str, times: Times) -> None:
        """Compare the times of a state with the first ones; a state that ended starts again."""
        for name, time in times._asdict().items():
            if time is None:
                self._times.pop((recipient, notification_id, name), None)
            else:
                first = self._times.setdefault((recipient, notification_id, name), time)
                assert time == first, f"{name} of {notification_id} changed from {first} to {time}"

    def forget_reading(self, recipient: str, ids: list[str]) -> None:
        """Forget when notifications were read that are unread again: the next time will be a new one."""
        for name in ids:
            self._times.pop((recipient, name, "read_at"), None)


class Mark(NamedTuple):
    """A cursor or an ETag, with its view, moment and epoch."""

    token: str
    view: View
    moment: int
    epoch: int


class Saved(NamedTuple):
    """The state of a device at some time, to which it returns when it loses a response."""

    cursor: Mark
    local: dict[str, Times]


@dataclass
class Device:
    """One device of a recipient."""

    name: str
    view: View
    cursor: Mark | None = None
    etag: Mark | None = None
    counts_etag: Mark | None = None
    has_more: bool = False
    local: dict[str, Times] = field(default_factory=dict[str, Times])
    saved: list[Saved] = field(default_factory=list[Saved])


class Checker:
    """Compares answers to devices with the model and merges them."""

    def __init__(self, model: InboxModel, *, expects_304: bool) -> None:
        self.model = model
        self.first_times = FirstTimes()
        self.expects_304 = expects_304
        """Whether each tag is young enough for the gateway to detect that nothing changed."""

    # --- answers ------------------------------------------------------------------------------------------------

    def take_inbox(
        self,
        device: Device,
        answer: TestResponse,
        sent: Mark | None,
        tag: Mark | None,
        limit: int,
        actor: RecipientActor,
    ) -> None:
        """Check and merge the answer to a poll of the inbox (`sent`: its cursor, `tag`: its If-None-Match)."""
        model = self.model
        if answer.status_code == 304:
            self._check_304(device, answer, tag)
            if sent is not None:
                assert self._is_usable(sent, device), "304 to a cursor that can't be continued"
                assert not model.visible_changes_after(device.view, sent.moment), (
                    "304 although there are changes after the cursor"
                )
            return
        assert answer.status_code == 200, answer.text
        body = cast(dict[str, Any], answer.json)
        new = Mark(body["cursor"], device.view, model.now, model.epoch)
        assert answer.headers["ETag"] == f'W/"{new.token}"'
        if sent is None or body["reset"]:
            if sent is None:
                assert body["reset"] is False
                self._check_200(device, tag)
            else:
                assert not self._is_usable(sent, device) or model.may_reset(device.view, sent.moment), (
                    "a needless reset"
                )
            self._take_snapshot(device, body, limit, actor)
        else:
            assert self._is_usable(sent, device), "a cursor that can't be continued was continued"
            new = self._take_changes(device, body, sent, tag, limit)
        device.cursor = device.etag = new
        device.saved.append(Saved(new, dict(device.local)))
        device.has_more = body["has_more"] if sent is not None and not body["reset"] else False
        if not device.has_more:
            self.check_local(device)

    def take_counts(self, device: Device, answer: TestResponse, tag: Mark | None) -> None:
        """Check the answer to a poll of the counts."""
        if answer.status_code == 304:
            self._check_304(device, answer, tag)
            return
        assert answer.status_code == 200, answer.text
        self._check_200(device, tag)
        assert answer.json == self.model.counts(device.view)._asdict()
        token = answer.headers["ETag"].removeprefix('W/"').removesuffix('"')
        device.counts_etag = Mark(token, device.view, self.model.now, self.model.epoch)

    def check_local(self, device: Device) -> None:
        """Compare the notifications of a device that received all changes with the inbox."""
        assert {name: times.state for name, times in device.local.items()} == self.model.inbox(device.view)

    # --- parts of answers ---------------------------------------------------------------------------------------

    def _take_snapshot(self, device: Device, body: dict[str, Any], limit: int, actor: RecipientActor) -> None:
        """Check and merge the newest notifications, and the rest from the history."""
        model = self.model
        wanted = list(model.inbox(device.view))[::-1]
        assert [item["id"] for item in body["notifications"]] == wanted[:limit]
        assert body["removed"] == []
        assert body["has_more"] == (len(wanted) > limit)
        assert _counts(body) == model.counts(device.view)
        device.local = {}
        self._merge(device, body["notifications"])
        page, received = body, body["notifications"]
        while page["has_more"]:
            answer = actor.get("/v1/inbox/history", query_string={"before": received[-1]["id"], "limit": limit})
            assert answer.status_code == 200, answer.text
            page = cast(dict[str, Any], answer.json)
            assert 0 < len(page["notifications"]) <= limit
            self._merge(device, page["notifications"])
            received = received + page["notifications"]
        assert [item["id"] for item in received] == wanted, "the history doesn't continue the snapshot exactly"

    def _take_changes(self, device: Device, body: dict[str, Any], sent: Mark, tag: Mark | None, limit: int) -> Mark:
        """Check and merge the changes after a cursor; return the new cursor with its moment."""
        model = self.model
        page = model.page_after(device.view, sent.moment, limit)
        if not model.view_changed_after(device.view, sent.moment):  # else the gateway chooses the order
            assert [item["id"] for item in body["notifications"]] == page.shown
            assert body["removed"] == page.removed
            assert body["has_more"] == page.has_more
            assert _counts(body) == model.counts_at(device.view, page.moment)
        if not page.shown and not page.removed:
            self._check_200(device, tag)
        self._merge(device, body["notifications"])
        for name in body["removed"]:
            device.local.pop(name, None)
        return Mark(body["cursor"], device.view, page.moment, model.epoch)

    def _merge(self, device: Device, notifications: list[dict[str, Any]]) -> None:
        inbox = self.model.inbox(device.view)
        for item in notifications:
            published = self.model.items[item["id"]]
            assert (item["title"], item["type"]) == (published.title, published.type)
            assert item["audience"] in self.model.entitling(device.view, published)
            times = Times(item["seen_at"], item["read_at"])
            assert times.state == inbox[item["id"]], f"{item['id']} is returned with {times}"
            self.first_times.check(device.view.recipient, item["id"], times)
            device.local[item["id"]] = times

    # --- ETags --------------------------------------------------------------------------------------------------

    def _is_usable(self, mark: Mark, device: Device) -> bool:
        return mark.view == device.view and mark.epoch == self.model.epoch

    def _check_304(self, device: Device, answer: TestResponse, tag: Mark | None) -> None:
        assert tag is not None, "304 to a request without If-None-Match"
        assert self._is_usable(tag, device), "304 to a tag of another recipient, other roles or another epoch"
        assert not self.model.visible_changes_after(device.view, tag.moment), "304 although there are visible changes"
        before = self.model.inbox_at(device.view, tag.moment)
        assert before == self.model.inbox(device.view), "304 although the inbox changed"
        assert answer.headers["ETag"] == f'W/"{tag.token}"'
        assert answer.data == b""

    def _check_200(self, device: Device, tag: Mark | None) -> None:
        """Fail for a 200 that should be a 304."""
        if self.expects_304 and tag is not None and self._is_usable(tag, device):
            assert self.model.may_reset(device.view, tag.moment) or self.model.visible_changes_after(
                device.view, tag.moment
            ), "200 although nothing changed since the tag"


def _counts(body: dict[str, Any]) -> Counts:
    return Counts(body["unread"], body["unseen"])
