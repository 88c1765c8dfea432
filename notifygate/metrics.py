"""Metrics for Prometheus. Labels are routes, statuses and kinds: never a principal, a token or a text.

Each metric is explained in docs/operations.md. With several workers prometheus_client stores the values in files
(PROMETHEUS_MULTIPROC_DIR, set by gunicorn.conf.py), and `/metrics` adds them up.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping

import gevent
from prometheus_client import Counter, Gauge, Histogram

requests = Counter("notifygate_requests_total", "Responses, by route and status.", ["route", "status"])
hub_answers = Counter(
    "notifygate_hub_answers_total", "Polls answered from memory, without a greenlet, by status.", ["status"]
)
request_seconds = Histogram(
    "notifygate_request_seconds",
    "Seconds from a request to its response, without the time held, for requests with a greenlet.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# With a label for the worker (`pid`): a full one among others that are not is not visible in a sum.
holds = Gauge("notifygate_holds", "Requests held now, by worker.", multiprocess_mode="liveall")
holds_limit = Gauge("notifygate_holds_limit", "Maximum of requests held by a worker.", multiprocess_mode="liveall")
open_files = Gauge(
    "notifygate_open_files", "Open files, by worker: its connections and some 30 others.", multiprocess_mode="liveall"
)
open_files_limit = Gauge(
    "notifygate_open_files_limit", "Open files past which a worker accepts no connection.", multiprocess_mode="liveall"
)
log_lines_dropped = Counter("notifygate_log_lines_dropped_total", "Log lines that could not be written in time.")
hold_ends = Counter("notifygate_hold_ends_total", "Ended holds, by reason.", ["reason"])
wakes = Counter("notifygate_wakes_total", "Holds ended because their inbox changed.")
wake_seconds = Histogram(
    "notifygate_wake_seconds",
    "Seconds from the commit to the response of a woken hold.",
    buckets=(
        0.0002, 0.0003, 0.0004, 0.0005, 0.0006, 0.0008, 0.001, 0.0015, 0.002, 0.003,
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
    ),
)  # fmt: skip
lost_wake_rescues = Counter(
    "notifygate_lost_wake_rescues_total",
    "Commits of other workers found by reading the head without an announcement from Redis. 0 is normal.",
)
appends = Counter("notifygate_appends_total", "Entries committed to the log by this gateway.")
batch_entries = Histogram(
    "notifygate_batch_entries", "Entries per commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
)
commit_seconds = Histogram(
    "notifygate_commit_seconds",
    "Seconds of one group commit.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
tail_hits = Counter("notifygate_tail_hits_total", "Reads of the log answered from memory.")
tail_misses = Counter("notifygate_tail_misses_total", "Reads of the log that needed the database.")
view_loads = Counter("notifygate_view_loads_total", "Recipients' views read from the database.")
follower_errors = Counter("notifygate_follower_errors_total", "Failed attempts to follow the log.")
redis_up = Gauge("notifygate_redis_up", "Whether wake-ups come through Redis.", multiprocess_mode="livemin")
redis_errors = Counter("notifygate_redis_errors_total", "Failed Redis commands of wake-ups and rate limits.")
announcements_refused = Counter(
    "notifygate_announcements_refused_total",
    "Messages on the Redis channel that are not announcements of this gateway.",
)
shared_counts_refused = Counter(
    "notifygate_shared_counts_refused_total", "Shared counts in Redis that no worker of this gateway wrote."
)
rate_limited = Counter("notifygate_rate_limited_total", "Rejected requests, by limit.", ["limit"])
expired = Counter("notifygate_expired_total", "Expired notifications.")
pruned = Counter("notifygate_pruned_total", "Rows removed by retention, by kind.", ["kind"])


FLUSH_SECONDS = 0.1
"""Delay of frequent metrics. Flushing them after each turn of the hub took 2 % of the time of a broadcast."""

_pending: list[Callable[[], None]] = []


def flush_later(work: Callable[[], None]) -> None:
    """Run `work` at the next flush: a metric takes locks, and responses come first. Call it in the hub's thread
    only."""
    if not _pending:
        gevent.get_hub().loop.timer(FLUSH_SECONDS).start(flush)
    _pending.append(work)


def flush() -> None:
    """Update the pending metrics: after FLUSH_SECONDS, before `/metrics` is rendered, and when the worker ends."""
    works = _pending[:]
    _pending.clear()
    for work in works:
        work()


class Tally:
    """Counts for a counter without its locks."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._count = 0

    def inc(self) -> None:
        """Count one."""
        self._count += 1
        if self._count == 1:
            flush_later(self._flush)

    def _flush(self) -> None:
        count, self._count = self._count, 0
        self._counter.inc(count)


def observe_all(histogram: Histogram, values: Mapping[float, int]) -> None:
    """Observe many values at once. `values`: how often each value occurred.

    The library takes two locks for each observation; for a broadcast to ten thousand they cost more than the responses.
    """
    # The library has no public function for this; a test compares the result with `observe`.
    bounds = histogram._upper_bounds  # pyright: ignore[reportPrivateUsage]
    counts: dict[int, int] = {}
    for value, times in values.items():
        place = bisect_left(bounds, value)
        counts[place] = counts.get(place, 0) + times
    histogram._sum.inc(sum(value * times for value, times in values.items()))  # pyright: ignore[reportPrivateUsage]
    for place, count in counts.items():
        histogram._buckets[place].inc(count)  # pyright: ignore[reportPrivateUsage]
