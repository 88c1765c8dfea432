"""The record of the fast path's responses: the same as `protocol.record`, but metrics are updated in bulk."""

import time
from collections import Counter
from collections.abc import Sequence

from notifygate import metrics
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.record import log_request, logs_requests


class FastPathRecord:
    """Counts and logs responses."""

    def __init__(self) -> None:
        self.revalidated = 0
        """304s to repeated polls that are not in the metrics yet; `flush` is called once a second."""
        self.logs = True
        """Whether each response is logged; refreshed once a second."""
        self._responses: dict[tuple[str, int], int] = {}
        self._woken: list[tuple[float, Sequence[float | None]]] = []
        self._seconds: dict[str, list[float]] = {}
        self._is_scheduled = False

    def answered(self, exchange: Exchange, status: int) -> None:
        """Record a response."""
        self.count(exchange.route, status)
        if exchange.method != "GET":
            self._seconds.setdefault(exchange.route, []).append(time.monotonic() - exchange.began_at)
        if self.logs:
            log_request(exchange, status, time.monotonic() - exchange.began_at)

    def woken(self, commits: Sequence[float | None]) -> None:
        """Record woken polls that are answered now. `commits`: the times (`time.time()`) of the commits that woke
        them."""
        self._woken.append((time.time(), commits))

    def count(self, route: str, status: int, count: int = 1) -> None:
        """Count responses."""
        key = (route, status)
        self._responses[key] = self._responses.get(key, 0) + count
        if not self._is_scheduled:
            self._is_scheduled = True
            metrics.flush_later(self.flush)

    def flush(self) -> None:
        """Update the metrics."""
        self._is_scheduled = False
        self.logs = logs_requests()
        responses, self._responses = self._responses, {}
        if self.revalidated:
            key = ("/v1/inbox", 304)
            responses[key] = responses.get(key, 0) + self.revalidated
            self.revalidated = 0
        seconds, self._seconds = self._seconds, {}
        woken, self._woken = self._woken, []
        for (route, status), count in responses.items():
            metrics.requests.labels(route, status).inc(count)
            if route not in seconds:
                metrics.hub_answers.labels(status).inc(count)
        for route, values in seconds.items():
            metrics.observe_all(metrics.request_seconds.labels(route), Counter(values))
        if woken:
            metrics.observe_all(metrics.wake_seconds, _delays(woken))


def _delays(woken: Sequence[tuple[float, Sequence[float | None]]]) -> Counter[float]:
    """Return the seconds from commits to responses, and how often each occurred."""
    delays: Counter[float] = Counter()
    for answered_at, commits in woken:
        for committed_at, count in Counter(commits).items():
            if committed_at is not None:
                delays[max(0.0, answered_at - committed_at)] += count
    return delays
