"""What is kept of answers that the desk gives: the same as of others, told to the metrics in bulk."""

import time
from collections import Counter
from collections.abc import Sequence

from notifygate import metrics
from notifygate.api.accounting import count_answers, log_request, logs_requests
from notifygate.api.desk.requests import INBOX, NOTIFICATIONS, DeskRequest
from notifygate.domain.ids import new_request_id


class Accounts:
    """Counts and logs answers."""

    def __init__(self) -> None:
        self.repeated = 0
        """304s to repeated polls that are not in the metrics yet; `tell` comes by once a second."""
        self.logs = True
        """Whether each answer gets a line in the log; looked up once a second."""
        self._answers: dict[tuple[str, int], int] = {}
        self._woken: list[tuple[float, Sequence[float | None]]] = []
        self._publishing: list[float] = []
        self._is_telling = False

    def answered(self, asked: DeskRequest, name: str, status: int, began: float, held_seconds: float) -> None:
        """Account for an answer to a request of the principal of that name, begun at `began` (`time.monotonic()`)."""
        self.count(asked.route, status)
        if asked.route == NOTIFICATIONS:
            self._publishing.append(time.monotonic() - began)
        if self.logs:
            log_request(
                request_id=asked.request_id or new_request_id(),
                principal=name,
                method=asked.method,
                route=asked.route,
                status=status,
                duration_seconds=time.monotonic() - began,
                held_seconds=held_seconds,
            )

    def woken(self, commits: Sequence[float | None]) -> None:
        """Account for polls that are answered because of what was committed at these times (`time.time()`)."""
        self._woken.append((time.time(), commits))

    def count(self, route: str, status: int, count: int = 1) -> None:
        """Count answers, for which there is nothing else to be done where answers get no line in the log."""
        key = (route, status)
        self._answers[key] = self._answers.get(key, 0) + count
        if not self._is_telling:
            self._is_telling = True
            metrics.tell_later(self.tell)

    def tell(self) -> None:
        """Tell the metrics."""
        self._is_telling = False
        self.logs = logs_requests()
        answers, self._answers = self._answers, {}
        if self.repeated:
            answers[INBOX, 304] = answers.get((INBOX, 304), 0) + self.repeated
            self.repeated = 0
        for (route, status), count in answers.items():
            count_answers(route, status, count)
            if route != NOTIFICATIONS:
                metrics.hub_answers.labels(status).inc(count)
        # Each list is emptied before the work on it: what can't be counted must not come back with every call.
        publishing, self._publishing = self._publishing, []
        if publishing:
            metrics.observe_all(metrics.request_seconds.labels(NOTIFICATIONS), Counter(publishing))
        woken, self._woken = self._woken, []
        if woken:
            metrics.observe_all(metrics.wake_seconds, _delays(woken))


def _delays(woken: Sequence[tuple[float, Sequence[float | None]]]) -> Counter[float]:
    """Return how often which time has passed from a commit to the answers, in seconds."""
    delays: Counter[float] = Counter()
    for answered_at, commits in woken:
        for committed_at, count in Counter(commits).items():
            if committed_at is not None:
                delays[max(0.0, answered_at - committed_at)] += count
    return delays
