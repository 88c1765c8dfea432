"""`notifygate watch` against gateways and networks that fail."""

import json
import os
import re
import signal
import stat
from collections.abc import Mapping
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from click.testing import Result

from notifygate.cli import watch
from notifygate.cli.gateway_http import Gateway
from notifygate.cli.http_answer import Answer
from notifygate.cli.watch_state import MAX_SHOWN_IDS, WatchState, load_state, save_state
from tests.support.site import state_of
from tests.support.waiting import eventually
from tests.unit.cli.scripted_gateway import Shell

SCRIPT_OVER = "notifygate: the gateway answered 410 script-over: The script is over.\n"
READ_AT = "2026-11-20T09:31:00.000Z"


def item(number: int, **changes: object) -> dict[str, Any]:
    """A notification as in a response; `number` makes its id, title and time."""
    return {
        **{"id": f"id-{number:06}", "type": "general", "title": f"title {number}", "body": "", "priority": "normal"},
        **{"sender": "tests", "icon": None, "action_url": None, "data": {}, "audience": "all"},
        **{"created_at": f"2026-11-20T09:30:{number % 60:02}.000Z", "expires_at": None, "seen_at": None},
        **{"read_at": None, **changes},
    }


def page(cursor: str, *items: dict[str, Any], wait: int = 55, **changes: object) -> dict[str, Any]:
    fields = {"notifications": list(items), "removed": [], "unread": 0, "unseen": 0, "cursor": cursor}
    return {**fields, "has_more": False, "reset": False, "poll": {"after": 15, "wait": wait}, **changes}


def tagged(number: int, **headers: str) -> dict[str, str]:
    """Return the headers of an answer with an ETag."""
    return {"ETag": f'W/"{number}"', **{name.replace("_", "-"): value for name, value in headers.items()}}


class Watching:
    """`notifygate watch` on a scripted gateway and a clock that only it moves."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.gateway = shell.gateway
        self.pace = shell.pace

    def script(self, *answers: Any, lasts: float = 0.0) -> None:
        """Add answers: pages, or a page and its headers, or a status and its headers. Each takes so many seconds."""
        for answer in answers:
            body, headers = answer if isinstance(answer, tuple) else (answer, {})
            status, body = (body, None) if isinstance(body, int) else (200, body)
            self.gateway.then(status, body, headers, before=lambda: self.pace.advance(lasts))

    def run(self, *arguments: str, **env: str | None) -> Result:
        return self.shell.run("watch", *arguments, **env)

    def __call__(self, *arguments: str, ends_with: str = SCRIPT_OVER) -> list[int]:
        """Run it to the end of the script; return the numbers of the printed notifications, line by line."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (1, ends_with)
        return [int(number) for number in re.findall(r"^\S+ +title (\d+)\n", result.stdout, re.MULTILINE)]

    @property
    def cursors(self) -> list[str | None]:
        return [request.query.get("cursor") for request in self.gateway.requests]

    @property
    def tags(self) -> list[str | None]:
        return [request.headers["If-None-Match"] for request in self.gateway.requests]

    @property
    def waits(self) -> list[str | None]:
        return [request.query.get("wait") for request in self.gateway.requests]


@pytest.fixture
def watching(shell: Shell) -> Watching:
    return Watching(shell)


# Printing


def test_unread_notifications_are_printed_oldest_first_and_then_new_ones(watching: Watching) -> None:
    watching.script(page("c1", item(3), item(2, read_at=READ_AT), item(1)), page("c2", item(4), item(5)))
    assert watching() == [1, 3, 4, 5]
    assert watching.cursors == [None, "c1", "c2"]
    assert watching.pace.slept == []
    first, second, _ = watching.gateway.requests
    assert (first.path, first.headers["Authorization"]) == ("/v1/inbox", "Bearer very.secret.token")
    assert second.query == {"limit": "200", "cursor": "c1", "wait": "55"}


def test_a_line_has_time_mark_title_and_body(watching: Watching) -> None:
    critical = item(4, title="Disk full", body="Disk full on db1", priority="critical")
    high = item(3, body="two\nlines", priority="high")
    watching.script(page("c1", critical, high, item(2, priority="low"), item(1, priority="unheard of")))
    watching.script(page("c2", item(5, title="Grüße 👩\u200d🚒 می\u200cخواهم"), removed=["id-000001"]))
    assert watching.run().stdout.splitlines() == [
        "2026-11-20T09:30:01+00:00    title 1",
        "2026-11-20T09:30:02+00:00 -  title 2",
        "2026-11-20T09:30:03+00:00 !  title 3: two lines",
        "2026-11-20T09:30:04+00:00 !! Disk full on db1",
        "2026-11-20T09:30:05+00:00    Grüße 👩\u200d🚒 می\u200cخواهم",
    ]


def test_json_lines_are_the_notifications_as_received(watching: Watching) -> None:
    strange = item(1, data={"n": [1.5, None]}, body="\x1b[2J\x9b\u202e\n\U0001f514", new_field="kept")
    watching.script(page("c1", strange), page("c2", item(2), removed=["id-000001"]))
    printed = watching.run("--json").stdout
    assert list(map(json.loads, printed.splitlines())) == [strange, item(2), {"removed": "id-000001"}]
    assert printed.isascii()
    assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize("member", ["title", "body", "created_at"])
def test_no_text_can_control_the_terminal_or_forge_a_line(watching: Watching, member: str) -> None:
    codes = [*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
    evil = "".join(f"a{chr(code)}" for code in [*codes, 0x061C, 0x200E, 0x200F, 0xD800, 0xDFFF])
    watching.script(page("c1", item(1, **{member: evil + "]0;owned\x07"})))
    [line] = watching.run().stdout.splitlines()
    assert line.isprintable()
    for escaped in (r"a\x1b", r"a\x9b", r"a\u202e", r"a\ud800"):
        assert escaped in line


# Following


def test_notifications_read_or_printed_before_are_not_printed(watching: Watching) -> None:
    """Number 5 was beyond the limit of the first snapshot."""
    watching.script(
        page("c1", item(12), item(11, read_at=READ_AT), has_more=True),
        page("c2", item(12, seen_at=READ_AT, read_at=READ_AT), item(11, seen_at=READ_AT), item(5, read_at=READ_AT)),
        page("c3", item(13, seen_at=READ_AT, read_at=READ_AT)),
    )
    assert watching() == [12, 13]


def test_an_older_notification_of_the_millisecond_of_the_first_page_is_not_printed(watching: Watching) -> None:
    """Ids of one millisecond are in no particular order: the id of a notification before the page may be greater."""
    newest, oldest = item(3, id="01a1fc5f-e2c0-7000"), item(2, id="01a1fc5f-e2be-7333")
    older = item(1, id="01a1fc5f-e2be-7fff", read_at=READ_AT)
    watching.script(
        page("c1", newest, oldest, has_more=True),
        page("c2", older),
        page("c9", newest, oldest, has_more=True, reset=True),
        {"notifications": [older], "has_more": False},
        page("c10", item(4, id="01a1fc5f-e2be-7555")),
    )
    assert watching() == [2, 3, 4], "number 4 is new although it sorts before the page"


def test_more_changes_are_fetched_at_once(watching: Watching) -> None:
    pages = page("c1", wait=0), page("c2", item(1), has_more=True, wait=0), page("c3", item(2), wait=0)
    watching.script(*pages)
    assert watching() == [1, 2]
    assert watching.cursors == [None, "c1", "c2", "c3"]
    assert watching.pace.slept == [15.0, 15.0]


def test_a_hold_that_lasted_its_whole_wait_is_followed_by_the_next(watching: Watching) -> None:
    watching.script((page("c1"), tagged(1)))
    watching.script((page("c2"), tagged(2, Preference_Applied="wait=55")), lasts=50)
    watching.script((304, tagged(2, Preference_Applied="wait=55", Poll_Interval="20")), lasts=50)
    watching.script((page("c3"), {"Preference-Applied": "wait=10"}), lasts=9)  # a shorter hold was granted
    assert watching() == []
    assert watching.cursors == [None, "c1", "c2", "c2", "c3"]
    assert watching.tags == [None, 'W/"1"', 'W/"2"', 'W/"2"', None]
    assert watching.pace.slept == []


@pytest.mark.parametrize("granted", ["wait=55", "wait=0", "other=1", "wait=x"])
def test_a_hold_that_ended_early_without_changes_is_followed_by_a_pause(watching: Watching, granted: str) -> None:
    headers = {"Preference-Applied": granted, "Poll-Interval": "20"}
    watching.script((page("c1"), tagged(1)), (page("c2"), headers), (304, headers))
    watching()
    assert watching.pace.slept == [15.0, 20.0]
    watching.script((page("c1"), tagged(1)), (304, tagged(1, Poll_Interval="7")))
    watching("--wait", "0")
    assert watching.waits[-3:] == [None, "0", "0"]
    assert watching.pace.slept[2:] == [15.0, 7.0]


def test_without_holds_watch_polls_at_the_interval_until_holds_are_accepted(watching: Watching) -> None:
    watching.script(
        (page("c1", wait=0, has_more=True), tagged(1)),
        (page("c2", item(1), wait=0, poll={"after": 4, "wait": 0}), tagged(2)),
        (page("c3", poll={"after": 5, "wait": 30}), tagged(3)),
    )
    watching()
    assert watching.waits == [None, "0", "0", "30"]
    # A 304 could not show that holds are accepted again.
    assert watching.tags == [None, None, None, 'W/"3"']
    assert watching.pace.slept == [15.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("after", "pause"), [("0", 1.0), ("-1", 1.0), ("NaN", 1.0), ("Infinity", 600.0), ("1e9", 600.0)]
)
def test_an_invalid_interval_is_bounded(watching: Watching, after: str, pause: float) -> None:
    watching.script(json.dumps(page("c1", wait=0)).replace('"after": 15', f'"after": {after}').encode())
    watching()
    assert watching.pace.slept == [pause]


def test_the_client_waits_longer_than_the_hold(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts: list[tuple[int, float]] = []
    real = Gateway.request

    def request_and_record(self: Gateway, method: str, path: str, *, query: Mapping[str, Any], **rest: Any) -> Answer:
        timeouts.append((query.get("wait", 0), rest["timeout_seconds"]))
        return real(self, method, path, query=query, **rest)

    monkeypatch.setattr(Gateway, "request", request_and_record)
    watching.script(page("c1", wait=300))
    watching("--wait", "120")
    assert timeouts == [(0, 15.0), (120, 135.0)]


# Resets


def test_only_notifications_not_printed_before_are_printed_after_a_reset(watching: Watching) -> None:
    watching.script(page("c1", item(1)), page("c2", item(2)))
    watching.script(page("c9", item(4), item(3), item(2), item(1), reset=True), page("c10", item(5)))
    assert watching() == [1, 2, 3, 4, 5]
    assert watching.cursors == [None, "c1", "c2", "c9", "c10"]
    assert watching.pace.slept == []


def test_notifications_beyond_the_snapshot_of_a_reset_are_read_from_history(watching: Watching) -> None:
    watching.script(page("c1", item(2), item(1)), page("c9", item(8), item(7), has_more=True, reset=True))
    for numbers in ((6, 5), (4, 3, 2), (1,)):
        watching.script({"notifications": [item(number) for number in numbers], "has_more": True})
    assert watching() == list(range(1, 9))
    history = [request.query for request in watching.gateway.requests if request.path == "/v1/inbox/history"]
    assert [query["before"] for query in history] == ["id-000007", "id-000005", "id-000002"]


def test_a_reset_is_read_again_when_the_inbox_changes_meanwhile(watching: Watching) -> None:
    watching.script(page("c1"), page("c9", item(2), has_more=True, reset=True))
    watching.gateway.then_problem(404, "not-found")
    watching.script(page("c10", item(3), reset=True))
    assert watching() == [3]
    assert watching.cursors == [None, "c1", None, "c1", "c10"]


def test_watch_pauses_between_endless_resets(watching: Watching) -> None:
    watching.script(page("c1", item(1)), *(page(f"r{number}", item(1), reset=True) for number in range(3)))
    assert watching() == [1]
    assert watching.pace.slept == [15.0] * 3


def test_a_rejected_cursor_is_handled_like_a_reset(watching: Watching) -> None:
    watching.script((page("c1", item(1)), tagged(1)))
    watching.gateway.then_problem(400, "invalid-cursor")
    watching.script(page("c2", item(2, read_at=READ_AT), item(1)))
    assert watching() == [1, 2]
    assert watching.cursors == [None, "c1", None, "c2"]
    assert watching.tags[2] is None


# Failures


def test_faults_resets_and_limits_are_retried(watching: Watching) -> None:
    gateway = watching.gateway
    watching.script(page("c1"))
    gateway.then_problem(503, "unavailable")
    gateway.then_reset(half_way=True)
    watching.script(page("c2", item(1)))
    gateway.then_problem(429, "rate-limited", Retry_After="30")
    gateway.then(200, b"<html>Please log in to the hotel's network</html>")
    watching.script(page("c3", item(2)))
    gateway.then_problem(503, "unavailable", Retry_After="999999")
    assert watching() == [1, 2]
    assert watching.cursors == [None, "c1", "c1", "c1", "c2", "c2", "c2", "c3", "c3"]
    assert watching.pace.slept == [1.0, 2.0, 30.0 + 1.0, 2.0, 600.0 + 1.0], "a Retry-After of days is bounded"


def test_a_kept_connection_that_was_closed_is_not_a_failure(watching: Watching) -> None:
    watching.gateway.then_close_quietly(200, page("c1"))
    watching.gateway.then_close_quietly(200, page("c2", item(1)))
    assert watching() == [1]
    assert watching.pace.slept == []


def test_a_long_loss_is_reported_once_and_retried_with_bounded_pauses(watching: Watching) -> None:
    for _ in range(40):
        watching.gateway.then_problem(502, "bad-gateway", "\x1b[2J\n")
    lost = r"notifygate: the gateway answered 502 bad-gateway: \x1b[2J; retrying"
    assert watching(ends_with=f"{lost}\n{SCRIPT_OVER}") == []
    assert watching.pace.slept == [1.0, 2.0, 4.0, 8.0, 16.0] + [30.0] * 35
    assert watching.pace.as_pace().backoff_seconds(100_000, 30.0) == 30.0


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"{}", b"3", json.dumps(page("c1", {"title": "no id"})).encode(), b"[" * 100_000),
        *(json.dumps(page(cursor, {"id": id_})).encode() for cursor, id_ in (("\ud800", "id"), ("c1", "\ud800"))),
    ],
)
def test_an_answer_that_is_not_an_inbox_is_retried(watching: Watching, body: bytes) -> None:
    watching.script(body, page("c1", item(1)))
    (line,) = watching.run().stdout.splitlines()
    assert line.endswith(" title 1")


@pytest.mark.parametrize(
    ("status", "code", "pages"),
    [(401, "unauthorized", 1), (403, "forbidden", 1), (404, "nothing", 1), (400, "invalid-cursor", 0)],
)
def test_a_refusal_ends_watch_with_one_line(watching: Watching, status: int, code: str, pages: int) -> None:
    watching.script(*[page("c1")] * pages)
    watching.gateway.then_problem(status, code, "Not with very.secret.token.")
    assert watching(ends_with=f"notifygate: the gateway answered {status} {code}: Not with ***.\n") == []
    assert watching.pace.slept == []


# Processes


def test_ctrl_c_in_a_hold_is_silent_and_a_terminal_may_lack_a_character(shell: Shell) -> None:
    shell.gateway.then(200, page("c1", item(1, title="Grüße 🔔")))
    shell.gateway.then_silence()
    env = {"PYTHONIOENCODING": "latin-1:strict"}
    with shell.start("watch", env=env, stdout=PIPE, stderr=PIPE) as process:
        # gevent's Popen ignores `encoding`.
        assert process.stdout.readline().decode("latin-1").endswith(" Grüße \\U0001f514\n")
        # Python handles a signal that arrives right before the wait for the response only after that wait.
        eventually(lambda: len(shell.gateway.requests) == 2 and state_of(process.pid) == "S", "the hold")
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 130


def test_a_closed_output_ends_watch_silently(shell: Shell) -> None:
    shell.gateway.then(200, page("c1", item(1)))
    shell.gateway.then(200, page("c2", item(2)), before=lambda: process.stdout.close())
    with shell.start("watch", stdout=PIPE, stderr=PIPE) as process:
        process.wait(timeout=30)
        assert process.stderr.read() == b""
    assert process.returncode == 1


# The state file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_the_next_run_continues_where_the_last_one_ended(watching: Watching, path: Path) -> None:
    old_mask = os.umask(0)
    try:
        watching.script(page("c1", item(1)), page("c2", item(2)))
        assert watching("--state", str(path)) == [1, 2]
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]
    assert "very.secret.token" not in path.read_text()
    watching.script(page("c3", item(2, read_at=READ_AT), item(3)))
    assert watching("--state", str(path)) == [3]
    watching.script(page("c9", item(4), item(3), item(1), reset=True))
    assert watching("--state", str(path)) == [4], "a reset repeats nothing"
    assert watching.cursors == [None, "c1", "c2", "c2", "c3", "c3", "c9"]


def test_a_crash_after_printing_repeats_the_lines_and_loses_none(
    watching: Watching, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(path: Path, state: WatchState) -> None:
        if state.cursor == "c2":
            raise OSError(5, "a crash")
        save_state(path, state)

    watching.script(page("c1", item(1)), page("c2", item(2)))
    with monkeypatch.context() as patch:
        patch.setattr(watch, "save_state", crash)
        assert watching("--state", str(path), ends_with="notifygate: a crash\n") == [1, 2]
    watching.script(page("c2", item(2)))
    assert watching("--state", str(path)) == [2]
    assert watching.cursors == [None, "c1", "c1", "c2"]


def test_a_failed_print_does_not_move_the_cursor(
    watching: Watching, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(notifications: list[Any], removed: list[str]) -> None:
        raise OSError(28, "No space left on device")

    watching.script(page("c1", item(1)))
    monkeypatch.setattr(watch, "print_lines", fail)
    assert watching("--state", str(path), ends_with="notifygate: No space left on device\n") == []
    assert load_state(path) == WatchState()


def test_a_failed_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    save_state(path, WatchState("c1"))
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Exception, match="can't write the state file"):
        save_state(path, WatchState("c2"))
    assert load_state(path) == WatchState("c1")


def test_nothing_is_written_through_a_link(path: Path) -> None:
    victim = path.with_name("victim")
    victim.write_text("untouched")
    path.with_name(path.name + ".tmp").symlink_to(victim)
    save_state(path, WatchState("c1"))
    assert victim.read_text() == "untouched"
    assert load_state(path) == WatchState("c1")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b"{}"),
        b'{"version": 2, "cursor": "c", "horizon": "", "told": []}',
        b'{"version": 1, "cursor": 7, "horizon": "", "told": []}',
        b'{"version": 1, "cursor": "\\ud800", "horizon": "", "told": []}',
        b'{"version": 1, "cursor": "c", "horizon": null, "told": []}',
        b'{"version": 1, "cursor": "c", "horizon": "", "told": [7]}',
        b'{"version": 1, "cursor": "c", "horizon": "", "told": null}',
    ],
)
def test_a_damaged_file_is_reported_in_one_line_and_kept(watching: Watching, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    result = watching.run("--state", str(path))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"notifygate: the state file {path} is not a state file")
    assert result.stderr.count("\n") == 1
    assert path.read_bytes() == content
    assert watching.gateway.requests == []


def test_nothing_is_written_or_sent_without_a_token_or_a_folder_for_the_state(watching: Watching, path: Path) -> None:
    result = watching.run("--state", str(path), NOTIFYGATE_TOKEN=None)
    assert result.stderr.startswith("notifygate: NOTIFYGATE_TOKEN is not set; expected a recipient's token")
    assert list(path.parent.iterdir()) == []
    assert "can't write the state file" in watching.run("--state", str(path / "missing" / "state")).stderr
    assert watching.gateway.requests == []


def test_old_ids_are_replaced_by_the_horizon() -> None:
    state = WatchState()
    state.remember(item(number) for number in range(MAX_SHOWN_IDS + 10))
    assert len(state.shown_ids) == MAX_SHOWN_IDS
    assert state.horizon == "id-000009"
    new = state.select_new([item(number) for number in range(MAX_SHOWN_IDS + 12)], is_snapshot=True)
    assert [notification["id"] for notification in new] == ["id-000510", "id-000511"]


def test_an_unseen_change_below_the_horizon_is_new() -> None:
    """The clock of the publishing node may be slow."""
    state = WatchState(horizon="id-000009")
    assert state.select_new([item(5)], is_snapshot=False) == [item(5)]
    assert state.select_new([item(5)], is_snapshot=True) == []
    assert state.select_new([item(5, seen_at=READ_AT)], is_snapshot=False) == []
