"""Background work: its repetition after a defect."""

import pytest
from gevent.event import Event

from notifygate import background
from notifygate.background import Background


def test_work_with_a_defect_is_logged_and_repeated(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.01)
    failures = [LookupError("a defect"), ValueError("another one")]
    repeated = Event()

    def step() -> None:
        if failures:
            raise failures.pop()
        with work.idle:
            repeated.set()
            Event().wait()

    work = Background(step)
    work.start()
    assert repeated.wait(timeout=20)
    work.stop()
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info and record.exc_info[1]] == [
        ("another one",),
        ("a defect",),
    ]


def test_work_that_waits_after_a_defect_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", 1000.0)
    failed = Event()

    def step() -> None:
        failed.set()
        raise LookupError

    work = Background(step)
    work.start()
    assert failed.wait(timeout=20)
    work.stop()
