"""What was measured: figures by measure and server, and the goals that they are held against."""

import statistics
from collections import defaultdict
from dataclasses import dataclass

GATEWAY = "notifygate"


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is measured."""

    name: str
    title: str
    unit: str
    digits: int = 0
    """Decimals in the tables."""
    is_rate: bool = False
    """More is better; else less is."""


def _rate(name: str, title: str) -> tuple[Measure, Measure]:
    """Return a rate, and the same per second in which the server had the processor: noise hardly touches that."""
    return (
        Measure(name, title, "/s", is_rate=True),
        Measure(f"{name}_cpu", f"{title}, per processor second", "/s", is_rate=True),
    )


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("memory", "memory per held poll", "KB", 2),
        Measure("workers_memory", "memory of the workers with all held", "MB"),
        Measure("wake_p50", "wake of one, p50", "ms", 2),
        Measure("wake_p99", "wake of one, p99", "ms", 2),
        Measure("answered_p50", "publishing is answered, one at a time, p50", "ms", 2),
        Measure("redis_p50", "wake of one through Redis, p50", "ms", 2),
        Measure("redis_p99", "wake of one through Redis, p99", "ms", 2),
        Measure("redis_commit_p50", "wake of one through Redis, from the commit, p50", "ms", 2),
        Measure("redis_commit_p99", "wake of one through Redis, from the commit, p99", "ms", 2),
        Measure("broadcast", "broadcast until all have it", "ms"),
        Measure("broadcast_cpu", "broadcast until all have it, processor time", "ms"),
        Measure("storm", "broadcast until all have it and are held again", "ms"),
        Measure("storm_cpu", "broadcast until all have it and are held again, processor time", "ms"),
        Measure("storm_middle", "a notification in the middle of that", "ms", 1),
        Measure("idle", "processor use, all held, nothing to do", "%", 2),
        *_rate("repeated", "“nothing new”, clients repeat themselves"),
        *_rate("cache_busters", "“nothing new”, only cache-busters differ"),
        *_rate("new_heads", "“nothing new”, every head new"),
        *_rate("news", "polls that bring one new notification"),
        *_rate("publish", "durable publish, 64 connections"),
        *_rate("audiences", "audiences published, 1,000 a request"),
    )
}


@dataclass(frozen=True, slots=True)
class Goal:
    """What the gateway is to reach: a figure, or a ratio to a peer in the same run."""

    measure: str
    limit: float
    """At least this for a rate, at most this for anything else."""
    peer: str = ""
    """The limit is a multiple of this peer's figure; "" for a plain figure."""


GOALS = (
    Goal("memory", 2.0),
    Goal("memory", 1 / 5, "Nchan"),
    Goal("redis_p50", 0.5),
    Goal("redis_p99", 2.0),
    Goal("redis_commit_p50", 0.5),
    Goal("redis_commit_p99", 2.0),
    Goal("broadcast", 1.5, "Nchan"),
    Goal("repeated", 0.8, "nginx return 304"),
    Goal("cache_busters", 0.5, "nginx return 304"),
    Goal("new_heads", 0.35, "nginx return 304"),
    Goal("news", 5_000),
    Goal("publish", 3_000),
    Goal("audiences", 30_000),
    Goal("idle", 1.0),
)

FULL_LOG = f"{GATEWAY}, full log"
FULL_LOG_TOLERANCE = 0.2
"""With a full log every figure is to stay within so much of the one without."""


class Results:
    """The figures of a run. Each is measured several times; what counts is the median."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.most_waiting = 0.0
        """The largest share of a measurement in which something else kept a server from its core."""
        self.most_load = 0.0
        """The largest share of a measurement in which the load generator was busy: near 1 it was the limit."""

    def add(self, measure: str, server: str, value: float) -> None:
        """Note one figure, in the measure's unit, and print it."""
        kind = MEASURES[measure]
        self._values[measure, server].append(value)
        print(f"    {server:<25} {kind.title:<63} {value:>12,.{kind.digits}f} {kind.unit}", flush=True)

    def note_load(self, share: float) -> None:
        """Note which share of a measurement the load generator was busy."""
        self.most_load = max(self.most_load, share)

    def note_waiting(self, share: float) -> None:
        """Note which share of a measurement a server was kept waiting for its core."""
        self.most_waiting = max(self.most_waiting, share)

    def get(self, measure: str, server: str) -> float | None:
        """Return the median of a figure, None where it was not measured."""
        values = self._values.get((measure, server))
        return statistics.median(values) if values else None

    def values(self, measure: str, server: str) -> list[float]:
        """Return all that was measured, in order."""
        return list(self._values.get((measure, server), []))

    def servers(self, measure: str) -> list[str]:
        """Return the servers that a measure was taken of, in the order of their first figure."""
        return [server for name, server in self._values if name == measure]

    def measures(self) -> list[Measure]:
        """Return what was measured, in the order of the table of measures."""
        return [measure for measure in MEASURES.values() if self.servers(measure.name)]

    def ratio(self, measure: str, server: str, to: str) -> float | None:
        """Return a server's figure as a multiple of another's: the median of those that were measured in one round."""
        pairs = zip(self.values(measure, server), self.values(measure, to), strict=False)
        ratios = [mine / other for mine, other in pairs if other]
        return statistics.median(ratios) if ratios else None

    def reaches(self, goal: Goal) -> bool | None:
        """Tell whether the gateway reaches a goal; None where it was not measured."""
        value = self.ratio(goal.measure, GATEWAY, goal.peer) if goal.peer else self.get(goal.measure, GATEWAY)
        if value is None:
            return None
        return value >= goal.limit if MEASURES[goal.measure].is_rate else value <= goal.limit
