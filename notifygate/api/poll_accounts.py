"""What is kept of answers that the poll desk gives: the same as of others, told to the metrics in bulk."""

import time

import gevent

from notifygate import metrics
from notifygate.api.accounting import count_answers, log_request, logs_requests
from notifygate.api.poll_request import INBOX, Poll
from notifygate.domain.ids import new_request_id
from notifygate.domain.principal import Recipient


class PollAccounts:
    """Counts and logs answers. Each metric takes locks, so they are told at the end of a turn of the hub."""

    def __init__(self) -> None:
        self.repeated = 0
        """304s to repeated polls that are not in the metrics yet; `tell` comes by once a second."""
        self.logs = True
        """Whether each answer gets a line in the log; looked up once a second."""
        self._answers: dict[tuple[str, int], int] = {}
        self._wake_delays: list[float] = []
        self._is_telling = False

    def answered(self, poll: Poll, principal: Recipient, status: int, began: float, held_seconds: float) -> None:
        """Account for an answer to a poll that began at `began` (`time.monotonic()`)."""
        key = (poll.route, status)
        self._answers[key] = self._answers.get(key, 0) + 1
        if not self._is_telling:
            self._is_telling = True
            gevent.get_hub().loop.run_callback(self.tell)
        if self.logs:
            log_request(
                request_id=poll.request_id or new_request_id(),
                principal=principal.audience,
                method="GET",
                route=poll.route,
                status=status,
                duration_seconds=time.monotonic() - began,
                held_seconds=held_seconds,
            )

    def woken(self, committed_at: float) -> None:
        """Account for a poll that is answered because of what was committed at that time (`time.time()`)."""
        self._wake_delays.append(max(0.0, time.time() - committed_at))

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
            metrics.hub_answers.labels(status).inc(count)
        if self._wake_delays:
            metrics.observe_all(metrics.wake_seconds, self._wake_delays)
            self._wake_delays = []
