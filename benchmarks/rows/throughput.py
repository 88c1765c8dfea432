"""One measurement of how many answers a second there are."""

from collections.abc import Sequence
from typing import Protocol

from benchmarks import loadgen
from benchmarks.loadgen import Figures
from benchmarks.results import Results
from benchmarks.rows.plan import Plan


class Server(Protocol):
    """What is asked of a gateway or a peer here."""

    address: str

    @property
    def pids(self) -> list[int]:
        """The processes that do the work."""
        ...


def measure(
    plan: Plan,
    results: Results,
    name: str,
    server: Server,
    requests: Sequence[bytes],
    *,
    row: str,
    expect: int,
    connections: int | None = None,
    contain: str | None = None,
    each: int = 1,
) -> Figures:
    """Measure a server, and note its answers per second, and per second of processor time, under `row`.

    `each`: what one answer counts for. Returns the load generator's figures.
    """
    figures = loadgen.throughput(
        server.address,
        requests,
        plan.folder,
        seconds=plan.seconds,
        connections=connections or plan.connections,
        expect=expect,
        contain=contain,
        watch=server.pids,
    )
    results.add(row, name, figures["per_second"] * each)
    results.add(f"{row}_cpu", name, figures["per_cpu_second"] * each)
    results.note_waiting(figures["server_kept_waiting"])
    results.note_load(figures["own_busy"])
    return figures
