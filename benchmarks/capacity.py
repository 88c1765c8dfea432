"""`python -m benchmarks.capacity`, which `make capacity` runs: what one machine carries, for docs/capacity.md.

Unlike `make bench` this measures an installation, not the gateway's code: PostgreSQL that syncs to the disk, Redis, all
workers, nginx and the load generator on the same cores.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import loadgen, machine, report
from benchmarks.loadgen import HoldRun, LoadError
from benchmarks.results import Results
from benchmarks.rows.holds import WAKE_GAP_MS
from benchmarks.rows.plan import LASTING
from benchmarks.rows.publishing import CONNECTIONS, PUBLISHERS
from benchmarks.servers.gateway import Gateway, recipient_name
from benchmarks.servers.nginx import Proxy
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer

DOCUMENT = loadgen.HERE.parent / "docs/capacity.md"
POLLERS = 1000
"""Clients whose polls are repeated. A worker remembers a poll that it has seen twice; of so few, each worker has seen
all within the first round, also where a proxy spreads them."""

AGREE_SECONDS = 30.0
"""How long the metrics of several workers may take to add up."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """An installation on this machine."""

    name: str
    workers: int
    has_proxy: bool = False


CASES = (
    Case(name="1 worker", workers=1),
    Case(name="2 workers", workers=2),
    Case(name="2 workers behind nginx", workers=2, has_proxy=True),
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured."""

    clients: int
    """Held polls; fewer where the machine doesn't allow so many open files."""
    rounds: int = 5
    """How often each throughput is measured."""
    seconds: float = 2.0
    """How long each time."""
    wakes: int = 1000
    broadcasts: int = 5


class Installation:
    """A case, running: PostgreSQL, Redis, the gateway, and a proxy where there is one."""

    def __init__(self, stack: ExitStack, folder: Path, case: Case, clients: int) -> None:
        postgres, redis = PostgresServer(is_synced=True), RedisServer()
        stack.callback(postgres.close)
        postgres.start()
        stack.callback(redis.close)
        redis.start()
        env = {
            **LASTING,
            "NOTIFYGATE_WORKERS": str(case.workers),
            "NOTIFYGATE_REDIS_URL": redis.url,
            # Which worker gets a connection is the kernel's choice: one may get far more than its share.
            "NOTIFYGATE_HOLDS_PER_WORKER": str(clients),
        }
        self.gateway = stack.enter_context(
            Gateway(folder, env=env, database_url=postgres.create_database(), core=machine.ANY_CORE)
        )
        self.address = self.gateway.address
        self.pids = self.gateway.pids
        if case.has_proxy:
            self.address = stack.enter_context(Proxy(folder, self.gateway.address)).address

    def await_holds(self, count: int) -> None:
        """Return when the workers together hold so many polls. Raises LoadError."""
        deadline = time.monotonic() + AGREE_SECONDS
        while (held := self.gateway.metric("notifygate_holds")) != count:
            if time.monotonic() > deadline:
                raise LoadError(f"{held:.0f} of {count} polls are held.\n{self.gateway.output[-2000:]}")
            time.sleep(0.1)


def measure_case(case: Case, size: Size, folder: Path, results: Results) -> None:
    """Measure an installation. Raises LoadError, ServerStartError."""
    with ExitStack() as stack:
        site = Installation(stack, folder, case, size.clients)
        cursors = site.gateway.first_polls(range(size.clients))
        polls = site.gateway.short_polls(cursors[:POLLERS])
        site.gateway.key_header(PUBLISHERS - 1)  # makes all of them at once
        single = [
            site.gateway.publication(f"user:{recipient_name(number)}", number % PUBLISHERS)
            for number in range(size.clients)
        ]
        # Polls without news first: what is published makes news for them.
        for requests, row, expect, connections in (
            (polls, "repeated", 304, 256),
            (single, "publish", 201, CONNECTIONS),
        ):
            for _ in range(size.rounds):
                figures = loadgen.throughput(
                    site.address, requests, folder,
                    seconds=size.seconds, connections=connections, expect=expect, watch=site.pids,
                )  # fmt: skip
                results.add(row, case.name, figures["per_second"])
                results.note_waiting(figures["server_kept_waiting"])
        measure_holds(case, size, site, folder, results)


def measure_holds(case: Case, size: Size, site: Installation, folder: Path, results: Results) -> None:
    """Measure all clients waiting: their memory, the wake of one, broadcasts."""
    plan = site.gateway.hold_plan(range(size.clients))
    plan = replace(plan, addresses=[site.address], publish_address=site.address, patience_seconds=120.0)
    before = machine.memory_bytes(site.pids)
    with HoldRun(plan, folder) as run:
        run.open()
        site.await_holds(size.clients)
        after = machine.memory_bytes(site.pids)
        results.add("memory", case.name, (after - before) / size.clients / 1000)
        results.add("workers_memory", case.name, after / 1e6)
        figures = run.wake(size.wakes, WAKE_GAP_MS)
        results.add("wake_p50", case.name, figures["latency"]["p50_ms"])
        results.add("wake_p99", case.name, figures["latency"]["p99_ms"])
        for _ in range(size.broadcasts):
            figures = run.broadcast()
            results.add("broadcast", case.name, figures["all_ms"])
            results.note_waiting(figures["server_kept_waiting"])
        for _ in range(size.broadcasts):
            figures = run.storm()
            results.add("storm", case.name, figures["settled_ms"])
            results.note_waiting(figures["server_kept_waiting"])
        run.finish()


def table(results: Results, size: Size, clients: dict[str, int], folder: Path) -> str:
    """Return the circumstances and the figures in Markdown."""
    held = ", ".join(f"{name}: {count:,}" for name, count in clients.items())
    return "\n".join((
        report.where_and_when(folder),
        f"- Held polls: {held}. {size.rounds} rounds of {size.seconds:g} s for throughput, {size.wakes:,} single "
        f"wakes, {size.broadcasts} broadcasts and as many storms; medians.",
        "- Everything shares the cores: all workers together waited for one, ready to run, for up to "
        f"{results.most_waiting:.0%} of a measurement.",
        "",
        report.figure_table(results),
    ))  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all cases, print the table and keep it in the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 clients, one short round, for a trial; no docs")
    parser.add_argument("--clients", type=int, default=20_000, help="held polls (20,000)")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/capacity.md as it is")
    options = parser.parse_args(arguments)
    size = Size(clients=options.clients)
    if options.quick:
        size = Size(clients=min(200, options.clients), rounds=1, seconds=0.3, wakes=50, broadcasts=1)
    loadgen.build()
    results, clients = Results(), dict[str, int]()
    allowed = machine.allow_most_connections()
    with tempfile.TemporaryDirectory(prefix="notifygate-capacity-") as name:
        folder = Path(name)
        try:
            for case in CASES:
                # nginx has an open file on each side.
                clients[case.name] = min(size.clients, allowed // 2 if case.has_proxy else allowed)
                print(f"{case.name}, {clients[case.name]:,} clients", flush=True)
                measure_case(case, replace(size, clients=clients[case.name]), folder, results)
        except (loadgen.LoadError, machine.MachineError) as error:
            sys.exit(f"*** {error}")
        text = table(results, size, clients, folder)
    print(f"\n{text}")
    if not (options.quick or options.no_docs):
        report.keep(text, DOCUMENT)


if __name__ == "__main__":
    main()
