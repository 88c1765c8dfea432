"""`notifygate log` and `notifygate prune` beside a running gateway."""

import json
import re
import sqlite3

from notifygate.publishing.retention import DAY_MS
from tests.support.command_line import Ask, CommandLine
from tests.support.waiting import eventually


def status(command_line: CommandLine) -> dict[str, int]:
    return json.loads(command_line("log", "status", "--json"))


def test_status_has_the_counts_of_the_tables(cli: CommandLine, beside: CommandLine, ask: Ask, key: str) -> None:
    empty = status(cli)
    assert empty == {"epoch": empty["epoch"], "head": 0, "floor": 0, "entries": 0, "notifications": 0, "inboxes": 0}
    assert f"epoch {empty['epoch']}  head 0  floor 0" in cli("log", "status")
    before = status(beside)
    ask(key, "POST", "/v1/notifications", json={"to": ["user:one", "user:two"], "title": "Hello"})
    added = {"epoch": 0, "head": 1, "floor": 0, "entries": 2, "notifications": 1, "inboxes": 2}
    assert status(beside) == {name: before[name] + more for name, more in added.items()}


def test_new_epoch_resets_every_cursor_within_about_a_second(beside: CommandLine, ask: Ask, key: str) -> None:
    token = beside("token", "erich").strip()
    ask(token, "GET", "/v1/inbox")
    notification_id = ask(key, "POST", "/v1/notifications", json={"to": "user:erich", "title": "Hello"}).json()["id"]
    first = ask(token, "GET", "/v1/inbox")
    cursor = first.json()["cursor"]
    assert ask(token, "GET", "/v1/inbox", params={"cursor": cursor}).json()["reset"] is False
    before = status(beside)
    printed = beside("log", "new-epoch")
    after = status(beside)
    assert printed == f"new epoch {after['epoch']}\n"
    assert after["epoch"] != before["epoch"]
    assert after["head"] == before["head"]

    def is_reset() -> bool:
        return ask(token, "GET", "/v1/inbox", params={"cursor": cursor}).json()["reset"]

    eventually(is_reset, "the old cursor gets a reset", seconds=5)
    fresh = ask(token, "GET", "/v1/inbox", params={"cursor": cursor}).json()
    assert [item["id"] for item in fresh["notifications"]] == [notification_id]
    follow_up = ask(token, "GET", "/v1/inbox", params={"cursor": fresh["cursor"]}).json()
    assert (follow_up["reset"], follow_up["notifications"]) == (False, [])


def test_prune_removes_rows_past_their_retention_and_no_others(beside: CommandLine, ask: Ask, key: str) -> None:
    assert beside("prune") == "pruned 0 entries, 0 notifications, 0 inboxes, 0 idempotency records\n"
    token = beside("token", "paul").strip()
    cursor = ask(token, "GET", "/v1/inbox").json()["cursor"]
    ids = [
        ask(key, "POST", "/v1/notifications", json={"to": "user:paul", "title": f"number {number}"}).json()["id"]
        for number in range(3)
    ]
    ask(token, "POST", "/v1/inbox/state", json={"op": "dismiss", "ids": ids[:1]})
    ask(key, "DELETE", f"/v1/notifications/{ids[1]}")
    with sqlite3.connect(beside.data_dir / "notifygate.db", timeout=30) as database:
        for table, column in (("log_entries", "created_at"), ("inbox_states", "dismissed_at")):  # 31 days pass
            database.execute(f"UPDATE {table} SET {column} = {column} - ?", (31 * DAY_MS,))
    database.close()
    before = status(beside)
    printed = beside("prune")
    after = status(beside)
    assert re.fullmatch(r"pruned [1-9]\d* entries, 2 notifications, 0 inboxes, 0 idempotency records\n", printed)
    assert after["notifications"] == before["notifications"] - 2
    assert after["entries"] < before["entries"]
    assert after["floor"] > before["floor"]
    assert (after["head"], after["epoch"]) == (before["head"], before["epoch"])
    body = ask(token, "GET", "/v1/inbox", params={"cursor": cursor}).json()
    assert [item["id"] for item in body["notifications"]] == ids[2:], "live notifications stay"
    assert beside("prune") == "pruned 0 entries, 0 notifications, 0 inboxes, 0 idempotency records\n"
