"""`notifygate watch` against gateways and networks that fail."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from notifygate.cli import watch
from notifygate.cli.gateway_http import Gateway
from notifygate.cli.http_answer import Answer
from notifygate.cli.watch_state import MAX_SHOWN_IDS, WatchState, load_state, save_state
from tests.unit.cli.scripted_gateway import FakePace, ScriptedGateway

Run = Callable[..., Result]

SCRIPT_OVER = "notifygate: the gateway answered 410 script-over: The script is over.\n"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def item(number: int, **changes: object) -> dict[str, Any]:
    """A notification as in a response; `number` makes its id, title and time."""
    return {
        "id": f"id-{number:06}",
        "type": "general",
        "title": f"title {number}",
        "body": "",
        "priority": "normal",
        "sender": "tests",
        "icon": None,
        "action_url": None,
        "data": {},
        "audience": "all",
        "created_at": f"2026-11-20T09:30:{number % 60:02}.000Z",
        "expires_at": None,
        "seen_at": None,
        "read_at": None,
        **changes,
    }


def page(cursor: str, *items: dict[str, Any], wait: int = 55, **changes: object) -> dict[str, Any]:
    return {
        "notifications": list(items),
        "removed": [],
        "unread": 0,
        "unseen": 0,
        "cursor": cursor,
        "has_more": False,
        "reset": False,
        "poll": {"after": 15, "wait": wait},
        **changes,
    }


def titles(result: Result) -> list[str]:
    """The printed lines, without time and mark."""
    return [line.split(maxsplit=1)[1] for line in result.stdout.splitlines()]


def cursors(gateway: ScriptedGateway) -> list[str | None]:
    return [request.query.get("cursor") for request in gateway.requests]


def full_hold(gateway: ScriptedGateway, pace: FakePace, cursor: str) -> None:
    """Script a hold of full length that ends without changes."""
    gateway.then(200, page(cursor), {"Preference-Applied": "wait=55"}, before=lambda: pace.advance(50))


class TestPrinting:
    def test_unread_ones_come_oldest_first_and_then_what_arrives(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then(200, page("c1", item(3), item(2, read_at="2026-11-20T09:31:00.000Z"), item(1)))
        gateway.then(200, page("c2", item(4), item(5)))
        result = run("watch")
        assert titles(result) == ["title 1", "title 3", "title 4", "title 5"]
        assert (result.exit_code, result.stderr) == (1, SCRIPT_OVER)
        assert cursors(gateway) == [None, "c1", "c2"]
        assert pace.slept == []
        assert gateway.requests[0].path == "/v1/inbox"
        assert gateway.requests[0].headers["Authorization"] == "Bearer very.secret.token"
        assert gateway.requests[1].query == {"limit": "200", "cursor": "c1", "wait": "55"}

    def test_a_line_has_time_mark_title_and_body(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then(
            200,
            page(
                "c1",
                item(4, title="Disk full", body="Disk full on db1", priority="critical"),
                item(3, body="two\nlines", priority="high"),
                item(2, priority="low"),
                item(1, priority="unheard of"),
            ),
        )
        assert run("watch", TZ="UTC").stdout.splitlines() == [
            "2026-11-20T09:30:01+00:00    title 1",
            "2026-11-20T09:30:02+00:00 -  title 2",
            "2026-11-20T09:30:03+00:00 !  title 3: two lines",
            "2026-11-20T09:30:04+00:00 !! Disk full on db1",
        ]

    def test_json_lines_are_the_notifications_as_received(self, gateway: ScriptedGateway, run: Run) -> None:
        strange = item(1, data={"n": [1.5, None]}, body="\x1b[2J\x9b\u202e\n\U0001f514", new_field="kept")
        gateway.then(200, page("c1", strange))
        gateway.then(200, page("c2", item(2), removed=["id-000001"]))
        result = run("watch", "--json")
        assert [json.loads(line) for line in result.stdout.splitlines()] == [
            strange,
            item(2),
            {"removed": "id-000001"},
        ]
        assert result.stdout.isascii()
        assert result.stdout.replace("\n", "").isprintable()

    def test_removed_ones_are_no_line_of_text(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then(200, page("c1"))
        gateway.then(200, page("c2", removed=["id-000001"]))
        assert run("watch").stdout == ""

    @pytest.mark.parametrize("member", ["title", "body", "created_at"])
    def test_no_text_can_drive_the_terminal_or_forge_a_line(
        self, gateway: ScriptedGateway, run: Run, member: str
    ) -> None:
        codes = [*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
        evil = "".join(f"a{chr(code)}" for code in [*codes, 0x061C, 0x200E, 0x200F, 0xD800, 0xDFFF])
        gateway.then(200, page("c1", item(1, **{member: evil + "]0;owned\x07"})))
        result = run("watch")
        [line] = result.stdout.splitlines()
        assert line.isprintable()
        assert r"a\x1b" in line
        assert r"a\x9b" in line
        assert r"a\u202e" in line
        assert r"a\ud800" in line

    def test_emoji_and_other_scripts_stay_readable(self, gateway: ScriptedGateway, run: Run) -> None:
        text = "Grüße 👩\u200d🚒 می\u200cخواهم"
        gateway.then(200, page("c1", item(1, title=text)))
        assert titles(run("watch")) == [text]

    def test_a_terminal_that_lacks_a_character_does_not_end_it(
        self, gateway: ScriptedGateway, process_environment: dict[str, str]
    ) -> None:
        gateway.then(200, page("c1", item(1, title="Grüße 🔔")))
        done = subprocess.run(
            [sys.executable, "-m", "notifygate.cli", "watch"],
            env={**process_environment, "PYTHONIOENCODING": "latin-1:strict"},
            capture_output=True,
            encoding="latin-1",
            check=False,
        )
        assert done.stdout.endswith(r" Grüße \U0001f514" + "\n")


class TestFollowing:
    def test_what_was_only_seen_or_read_is_not_printed_again(self, gateway: ScriptedGateway, run: Run) -> None:
        read_at = "2026-11-20T09:31:00.000Z"
        gateway.then(200, page("c1", item(2), item(1, read_at=read_at)))
        gateway.then(200, page("c2", item(2, seen_at=read_at, read_at=read_at), item(1, seen_at=read_at)))
        gateway.then(200, page("c3", item(3, seen_at=read_at, read_at=read_at)))
        assert titles(run("watch")) == ["title 2", "title 3"]

    def test_an_old_notification_that_was_read_is_not_printed(self, gateway: ScriptedGateway, run: Run) -> None:
        """It lay beyond the snapshot that the watch began with."""
        gateway.then(200, page("c1", item(12), item(11), has_more=True))
        gateway.then(200, page("c2", item(5, read_at="2026-11-20T09:31:00.000Z"), item(13)))
        assert titles(run("watch")) == ["title 11", "title 12", "title 13"]

    def test_more_changes_are_fetched_at_once(self, gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
        gateway.then(200, page("c1", wait=0))
        gateway.then(200, page("c2", item(1), has_more=True, wait=0))
        gateway.then(200, page("c3", item(2), wait=0))
        assert titles(run("watch")) == ["title 1", "title 2"]
        assert cursors(gateway) == [None, "c1", "c2", "c3"]
        assert pace.slept == [15.0, 15.0]

    def test_a_hold_that_ran_its_time_is_followed_by_the_next(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then(200, page("c1"), {"ETag": 'W/"1"'})
        full_hold(gateway, pace, "c2")
        headers = {"ETag": 'W/"2"', "Preference-Applied": "wait=55", "Poll-Interval": "20"}
        gateway.then(304, None, headers, before=lambda: pace.advance(50))
        assert run("watch").exit_code == 1
        assert cursors(gateway) == [None, "c1", "c2", "c2"]
        assert pace.slept == []

    @pytest.mark.parametrize("granted", ["wait=55", "wait=0", "other=1", "wait=x"])
    def test_a_hold_that_ended_early_with_nothing_is_followed_by_a_pause(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace, granted: str
    ) -> None:
        headers = {"Preference-Applied": granted, "Poll-Interval": "20"}
        gateway.then(200, page("c1"), {"ETag": 'W/"1"'})
        gateway.then(200, page("c2"), headers)
        gateway.then(304, None, headers)
        run("watch")
        assert pace.slept == [15.0, 20.0]

    def test_a_shorter_hold_that_was_granted_counts_as_full(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then(200, page("c1"))
        gateway.then(200, page("c2"), {"Preference-Applied": "wait=10"}, before=lambda: pace.advance(9))
        run("watch")
        assert pace.slept == []

    def test_an_etag_is_sent_back(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then(200, page("c1"), {"ETag": 'W/"1"'})
        gateway.then(200, page("c2", item(1)), {"ETag": 'W/"2"'})
        run("watch")
        sent = [request.headers["If-None-Match"] for request in gateway.requests]
        assert sent == [None, 'W/"1"', 'W/"2"']

    def test_without_holds_it_polls_now_and_then_until_they_are_back(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then(200, page("c1", wait=0, has_more=True), {"ETag": 'W/"1"'})
        gateway.then(200, page("c2", item(1), wait=0, poll={"after": 4, "wait": 0}), {"ETag": 'W/"2"'})
        gateway.then(200, page("c3", poll={"after": 5, "wait": 30}), {"ETag": 'W/"3"'})
        run("watch")
        assert [request.query.get("wait") for request in gateway.requests] == [None, "0", "0", "30"]
        # A 304 could not show that holds are accepted again.
        sent = [request.headers["If-None-Match"] for request in gateway.requests]
        assert sent == [None, None, None, 'W/"3"']
        assert pace.slept == [15.0, 4.0, 5.0]

    def test_wait_0_polls_now_and_then(self, gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
        gateway.then(200, page("c1"), {"ETag": 'W/"1"'})
        gateway.then(304, None, {"ETag": 'W/"1"', "Poll-Interval": "7"})
        run("watch", "--wait", "0")
        assert [request.query.get("wait") for request in gateway.requests] == [None, "0", "0"]
        assert pace.slept == [15.0, 7.0]

    @pytest.mark.parametrize(
        ("after", "pause"), [("0", 1.0), ("-1", 1.0), ("NaN", 1.0), ("Infinity", 600.0), ("1e9", 600.0)]
    )
    def test_a_mistaken_interval_is_bounded(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace, after: str, pause: float
    ) -> None:
        body = json.dumps(page("c1", wait=0)).replace('"after": 15', f'"after": {after}').encode()
        gateway.then(200, body)
        run("watch")
        assert pace.slept == [pause]

    def test_the_client_waits_longer_than_the_hold(
        self, gateway: ScriptedGateway, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        timeouts: list[tuple[int, float]] = []
        real = Gateway.request

        def spy(self: Gateway, method: str, path: str, *, query: Mapping[str, Any], **rest: Any) -> Answer:
            timeouts.append((query.get("wait", 0), rest["timeout_seconds"]))
            return real(self, method, path, query=query, **rest)

        monkeypatch.setattr(Gateway, "request", spy)
        gateway.then(200, page("c1", wait=300))
        run("watch", "--wait", "120")
        assert timeouts == [(0, 15.0), (120, 135.0)]


class TestResets:
    def test_only_what_was_not_printed_yet_is_printed(self, gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
        gateway.then(200, page("c1", item(1)))
        gateway.then(200, page("c2", item(2)))
        gateway.then(200, page("c9", item(4), item(3), item(2), item(1), reset=True))
        gateway.then(200, page("c10", item(5)))
        assert titles(run("watch")) == ["title 1", "title 2", "title 3", "title 4", "title 5"]
        assert cursors(gateway) == [None, "c1", "c2", "c9", "c10"]
        assert pace.slept == []

    def test_what_lies_behind_its_snapshot_is_read_from_history(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then(200, page("c1", item(2), item(1)))
        gateway.then(200, page("c9", item(8), item(7), has_more=True, reset=True))
        gateway.then(200, {"notifications": [item(6), item(5)], "has_more": True})
        gateway.then(200, {"notifications": [item(4), item(3), item(2)], "has_more": True})
        gateway.then(200, {"notifications": [item(1)], "has_more": True})
        assert titles(run("watch")) == [f"title {number}" for number in range(1, 9)]
        history = [request.query for request in gateway.requests if request.path == "/v1/inbox/history"]
        assert [query["before"] for query in history] == ["id-000007", "id-000005", "id-000002"]

    def test_a_reset_is_read_again_when_the_inbox_changes_meanwhile(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then(200, page("c1"))
        gateway.then(200, page("c9", item(2), has_more=True, reset=True))
        gateway.then_problem(404, "not-found")
        gateway.then(200, page("c10", item(3), reset=True))
        assert titles(run("watch")) == ["title 3"]
        assert cursors(gateway) == [None, "c1", None, "c1", "c10"]

    def test_endless_resets_are_not_followed_without_pauses(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then(200, page("c1", item(1)))
        for number in range(3):
            gateway.then(200, page(f"r{number}", item(1), reset=True))
        assert titles(run("watch")) == ["title 1"]
        assert pace.slept == [15.0] * 3

    def test_a_cursor_that_is_none_any_more_is_as_good_as_a_reset(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then(200, page("c1", item(1)), {"ETag": 'W/"1"'})
        gateway.then_problem(400, "invalid-cursor")
        gateway.then(200, page("c2", item(2, read_at="2026-11-20T09:31:00.000Z"), item(1)))
        assert titles(run("watch")) == ["title 1", "title 2"]
        assert cursors(gateway) == [None, "c1", None, "c2"]
        assert gateway.requests[2].headers["If-None-Match"] is None

    def test_invalid_cursor_without_a_cursor_ends_it(self, gateway: ScriptedGateway, run: Run) -> None:
        gateway.then_problem(400, "invalid-cursor")
        assert run("watch").stderr.startswith("notifygate: the gateway answered 400 invalid-cursor")


class TestFailures:
    def test_faults_cuts_and_limits_are_sat_out(self, gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
        gateway.then(200, page("c1"))
        gateway.then_problem(503, "unavailable")
        gateway.then_reset(half_way=True)
        gateway.then(200, page("c2", item(1)))
        gateway.then_problem(429, "rate-limited", Retry_After="30")
        gateway.then(200, b"<html>Please log in to the hotel's network</html>")
        gateway.then(200, page("c3", item(2)))
        result = run("watch")
        assert titles(result) == ["title 1", "title 2"]
        assert result.stderr == SCRIPT_OVER
        assert cursors(gateway) == [None, "c1", "c1", "c1", "c2", "c2", "c2", "c3"]
        assert pace.slept == [1.0, 2.0, 30.0 + 1.0, 2.0]

    def test_a_retry_after_of_days_is_not_believed(self, gateway: ScriptedGateway, run: Run, pace: FakePace) -> None:
        gateway.then_problem(503, "unavailable", Retry_After="999999")
        run("watch")
        assert pace.slept == [600.0 + 1.0]

    def test_a_restart_of_the_gateway_loses_and_repeats_nothing(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then(200, page("c1", item(1)))
        gateway.then_reset(half_way=False, before=gateway.stop)
        gateway.then(200, page("c2", item(2)))
        pace.before_sleep = gateway.start
        assert titles(run("watch")) == ["title 1", "title 2"]
        assert pace.slept == [1.0]

    def test_a_kept_connection_that_was_closed_is_no_failure(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        gateway.then_close_quietly(200, page("c1"))
        gateway.then_close_quietly(200, page("c2", item(1)))
        assert titles(run("watch")) == ["title 1"]
        assert pace.slept == []

    def test_a_long_loss_is_reported_once_and_retried_with_bounded_pauses(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace
    ) -> None:
        for _ in range(40):
            gateway.then_problem(502, "bad-gateway", "\x1b[2J\n")
        result = run("watch")
        assert result.stderr.splitlines() == [
            r"notifygate: the gateway answered 502 bad-gateway: \x1b[2J; retrying",
            SCRIPT_OVER.strip(),
        ]
        assert pace.slept == [1.0, 2.0, 4.0, 8.0, 16.0] + [30.0] * 35

    @pytest.mark.parametrize(
        "body",
        [b"[]", b"{}", b"3", json.dumps(page("c1", {"title": "no id"})).encode(), b"[" * 100_000],
    )
    def test_an_answer_that_is_no_inbox_is_a_failure_to_sit_out(
        self, gateway: ScriptedGateway, run: Run, body: bytes
    ) -> None:
        gateway.then(200, body)
        gateway.then(200, page("c1", item(1)))
        assert titles(run("watch")) == ["title 1"]

    @pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (403, "forbidden"), (404, "nothing")])
    def test_a_refusal_ends_it_with_one_line(
        self, gateway: ScriptedGateway, run: Run, pace: FakePace, status: int, code: str
    ) -> None:
        gateway.then(200, page("c1"))
        gateway.then_problem(status, code, "Not with very.secret.token.")
        result = run("watch")
        assert result.exit_code == 1
        assert result.stderr == f"notifygate: the gateway answered {status} {code}: Not with ***.\n"
        assert pace.slept == []

    def test_a_missing_token_is_one_line_and_leaves_no_file(self, run: Run, tmp_path: Path) -> None:
        result = run("watch", "--state", str(tmp_path / "state"), NOTIFYGATE_TOKEN=None)
        assert (result.exit_code, result.stderr) == (
            1,
            "notifygate: NOTIFYGATE_TOKEN is not set; set it to the credential\n",
        )
        assert list(tmp_path.iterdir()) == []

    def test_pauses_stay_bounded_after_any_number_of_failures(self) -> None:
        assert FakePace().as_pace().backoff_seconds(100_000, 30.0) == 30.0


class TestProcess:
    """Tests that need a process of their own: signals and pipes."""

    @staticmethod
    def start(environment: dict[str, str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "notifygate.cli", "watch"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_ctrl_c_in_a_hold_is_silent(self, gateway: ScriptedGateway, process_environment: dict[str, str]) -> None:
        gateway.then(200, page("c1", item(1)))
        gateway.then_silence()
        with self.start(process_environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline().endswith("title 1\n")
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
        assert (process.returncode, stdout, stderr) == (130, "", "")

    def test_a_reader_that_went_away_ends_it_silently(
        self, gateway: ScriptedGateway, process_environment: dict[str, str]
    ) -> None:
        def go_away() -> None:
            assert process.stdout is not None
            process.stdout.close()

        gateway.then(200, page("c1", item(1)))
        gateway.then(200, page("c2", item(2)), before=go_away)
        with self.start(process_environment) as process:
            process.wait(timeout=30)
            assert process.stderr is not None
            assert process.stderr.read() == ""
        assert process.returncode == 1


class TestStateFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "state.json"

    def test_the_next_run_goes_on_where_the_last_one_ended(
        self, gateway: ScriptedGateway, run: Run, path: Path
    ) -> None:
        gateway.then(200, page("c1", item(1)))
        gateway.then(200, page("c2", item(2)))
        gateway.then_problem(401, "unauthorized")
        assert titles(run("watch", "--state", str(path))) == ["title 1", "title 2"]
        gateway.then(200, page("c3", item(2, read_at="2026-11-20T09:31:00.000Z"), item(3)))
        assert titles(run("watch", "--state", str(path))) == ["title 3"]
        assert cursors(gateway) == [None, "c1", "c2", "c2", "c3"]

    def test_a_reset_after_a_restart_repeats_nothing(self, gateway: ScriptedGateway, run: Run, path: Path) -> None:
        gateway.then(200, page("c1", item(1)))
        gateway.then_problem(401, "unauthorized")
        run("watch", "--state", str(path))
        gateway.then(200, page("c9", item(2), item(1), reset=True))
        assert titles(run("watch", "--state", str(path))) == ["title 2"]

    def test_it_is_for_its_owner_only(self, gateway: ScriptedGateway, run: Run, path: Path) -> None:
        gateway.then(200, page("c1", item(1)))
        old_mask = os.umask(0)
        try:
            run("watch", "--state", str(path))
        finally:
            os.umask(old_mask)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]
        assert "very.secret.token" not in path.read_text()

    def test_a_crash_after_printing_repeats_the_lines_and_loses_none(
        self, gateway: ScriptedGateway, run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(path: Path, state: WatchState) -> None:
            if state.cursor == "c2":
                raise KeyboardInterrupt
            save_state(path, state)

        gateway.then(200, page("c1", item(1)))
        gateway.then(200, page("c2", item(2)))
        with monkeypatch.context() as patch:
            patch.setattr(watch, "save_state", crash)
            assert titles(run("watch", "--state", str(path))) == ["title 1", "title 2"]
        gateway.then(200, page("c2", item(2)))
        assert titles(run("watch", "--state", str(path))) == ["title 2"]
        assert cursors(gateway) == [None, "c1", "c1", "c2"]

    def test_a_failed_print_does_not_move_the_place(
        self, gateway: ScriptedGateway, run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(notifications: list[Any], removed: list[str]) -> None:
            raise OSError(28, "No space left on device")

        gateway.then(200, page("c1", item(1)))
        monkeypatch.setattr(watch, "print_lines", fail)
        result = run("watch", "--state", str(path))
        assert (result.exit_code, result.stderr) == (1, "notifygate: No space left on device\n")
        assert load_state(path) == WatchState()

    def test_a_failed_write_leaves_the_old_file(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(descriptor: int) -> None:
            raise OSError(5, "Input/output error")

        save_state(path, WatchState("c1"))
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(Exception, match="can't write the state file"):
            save_state(path, WatchState("c2"))
        assert load_state(path) == WatchState("c1")

    def test_nothing_is_written_through_a_link(self, path: Path) -> None:
        victim = path.with_name("victim")
        victim.write_text("untouched")
        path.with_name(path.name + ".tmp").symlink_to(victim)
        save_state(path, WatchState("c1"))
        assert victim.read_text() == "untouched"
        assert load_state(path) == WatchState("c1")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff",
            b"[" * 100_000,
            b"{}",
            b'{"version": 2, "cursor": "c", "horizon": "", "told": []}',
            b'{"version": 1, "cursor": 7, "horizon": "", "told": []}',
            b'{"version": 1, "cursor": "c", "horizon": null, "told": []}',
            b'{"version": 1, "cursor": "c", "horizon": "", "told": [7]}',
            b'{"version": 1, "cursor": "c", "horizon": "", "told": null}',
        ],
    )
    def test_a_damaged_file_is_one_line_and_kept(
        self, gateway: ScriptedGateway, run: Run, path: Path, content: bytes
    ) -> None:
        path.write_bytes(content)
        result = run("watch", "--state", str(path))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"notifygate: the state file {path} is not a state file")
        assert result.stderr.count("\n") == 1
        assert path.read_bytes() == content
        assert gateway.requests == []

    def test_a_place_that_can_not_be_written_is_reported_before_the_first_poll(
        self, gateway: ScriptedGateway, run: Run, path: Path
    ) -> None:
        result = run("watch", "--state", str(path / "missing" / "state"))
        assert result.exit_code == 1
        assert "can't write the state file" in result.stderr
        assert gateway.requests == []


class TestMemory:
    def test_old_ids_give_way_to_the_horizon(self) -> None:
        state = WatchState()
        state.remember(item(number) for number in range(MAX_SHOWN_IDS + 10))
        assert len(state.shown_ids) == MAX_SHOWN_IDS
        assert state.horizon == "id-000009"
        everything = [item(number) for number in range(MAX_SHOWN_IDS + 12)]
        new = state.select_new(everything, is_snapshot=True)
        assert [found["id"] for found in new] == ["id-000510", "id-000511"]

    def test_an_unseen_change_below_the_horizon_is_new(self) -> None:
        """The clock of the publishing node may be slow."""
        state = WatchState(horizon="id-000009")
        assert state.select_new([item(5)], is_snapshot=False) == [item(5)]
        assert state.select_new([item(5)], is_snapshot=True) == []
        seen = item(5, seen_at="2026-11-20T09:31:00.000Z")
        assert state.select_new([seen], is_snapshot=False) == []
