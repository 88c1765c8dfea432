"""The pacing of clients: when to come back, and how long a hold they may ask for."""

import pytest

from notifygate.delivery import pacing as pacing_module
from notifygate.delivery.hold import Hold
from notifygate.delivery.pacing import MAX_STRETCH, PollPacing
from notifygate.delivery.registry import HoldRegistry
from tests.unit.delivery.fake_view import FakeView

AFTER_SECONDS = 20
SETTLED_SECONDS = 3600.0


def make_pacing(monkeypatch: pytest.MonkeyPatch, *, age_seconds: float, delay_seconds: float = 0.0) -> PollPacing:
    """Make the pacing of a gateway of a certain age whose hub comes late by so much."""
    pacing = PollPacing(HoldRegistry(3, 1), AFTER_SECONDS, 55)
    monkeypatch.setattr(pacing, "_started_at", pacing._started_at - age_seconds)
    monkeypatch.setattr(pacing, "_delay_seconds", delay_seconds)
    pacing._work_out(pacing._started_at + age_seconds)
    return pacing


def test_an_idle_gateway_asks_for_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    pacing = make_pacing(monkeypatch, age_seconds=SETTLED_SECONDS)
    assert {pacing.poll_after() for _ in range(50)} == {AFTER_SECONDS}


def test_a_busy_gateway_asks_for_more_but_not_for_ever_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        make_pacing(monkeypatch, age_seconds=SETTLED_SECONDS, delay_seconds=delay).poll_after()
        for delay in (0.0, 0.02, 0.05, 0.1, 1.0, 100.0)
    ]
    assert asked == sorted(asked)
    assert asked[2] == 2 * AFTER_SECONDS
    assert asked[-1] == MAX_STRETCH * AFTER_SECONDS


def test_after_a_start_clients_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    pacing = make_pacing(monkeypatch, age_seconds=0)
    asked = {pacing.poll_after() for _ in range(200)}
    assert len(asked) > 3
    assert asked <= set(range(AFTER_SECONDS, AFTER_SECONDS * 3 // 2 + 1))


def test_when_it_stops_clients_are_asked_back_soon_and_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    pacing = make_pacing(monkeypatch, age_seconds=SETTLED_SECONDS, delay_seconds=100)
    pacing._holds.drain()
    asked = {pacing.poll_after() for _ in range(200)}
    assert len(asked) > 1
    assert asked <= set(range(1, 6))


def test_no_hold_is_offered_when_the_registry_is_full_or_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    pacing = make_pacing(monkeypatch, age_seconds=SETTLED_SECONDS)
    assert pacing.longest_wait() == 55
    hold = Hold(FakeView("alice"), deadline=0.0)
    pacing._holds.arm(hold)
    assert pacing.longest_wait() == 0
    pacing._holds.leave(hold, "gone")
    assert pacing.longest_wait() == 55
    pacing._holds.drain()
    assert pacing.longest_wait() == 0


def test_the_hubs_delay_is_measured_and_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each measurement changes the delay by a fifth, so that one hiccup does not stretch all intervals."""
    pacing = make_pacing(monkeypatch, age_seconds=SETTLED_SECONDS)
    moments = iter([0.0, pacing_module.MEASURE_SECONDS + 1.0])
    with monkeypatch.context() as patch:
        patch.setattr(pacing_module.gevent, "sleep", lambda _: None)
        patch.setattr(pacing_module.time, "monotonic", lambda: next(moments))
        pacing._measure()
    assert pacing._delay_seconds == pytest.approx(0.2)
    with monkeypatch.context() as patch:
        moments = iter([0.0, pacing_module.MEASURE_SECONDS] * 20)
        patch.setattr(pacing_module.gevent, "sleep", lambda _: None)
        patch.setattr(pacing_module.time, "monotonic", lambda: next(moments))
        for _ in range(20):
            pacing._measure()
    assert pacing._delay_seconds < 0.01
