"""`python -m benchmarks`, which `make bench` runs: measure, print the tables, keep them in docs/performance.md."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import loadgen, machine, report
from benchmarks.results import FULL_LOG, Results
from benchmarks.rows.broadcasts import measure_broadcasts
from benchmarks.rows.holds import measure_holds
from benchmarks.rows.news import measure_news
from benchmarks.rows.nothing_new import measure_nothing_new
from benchmarks.rows.plan import Plan, Variant
from benchmarks.rows.publishing import measure_publishing
from benchmarks.rows.redis_wakes import measure_redis_wakes
from benchmarks.seed import Seed, fill
from benchmarks.servers.gateway import Gateway
from benchmarks.servers.nginx import Nchan, Nginx
from benchmarks.servers.peer import ENVIRONMENT, AiohttpPoll, FlaskSocketIO, FlaskView, Peer

ROWS: dict[str, Callable[[Plan, Results], None]] = {
    "nothing-new": measure_nothing_new,
    "news": measure_news,
    "publishing": measure_publishing,
    "holds": measure_holds,
    "broadcasts": measure_broadcasts,
    "redis-wakes": measure_redis_wakes,
}
QUICK_SEED = Seed(recipients=10_000, heavy=1_000)

PEERS: tuple[type[Peer], ...] = (Nginx, Nchan, AiohttpPoll, FlaskView, FlaskSocketIO)


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(f"“{kind.name}”" for kind in PEERS)
    parser.add_argument("--rows", metavar="ROW,ROW", default=",".join(ROWS), help="some of: " + ", ".join(ROWS))
    parser.add_argument("--peers", metavar="PEER,PEER", default="all", help=f"all, none, or some of: {names}")
    parser.add_argument(
        "--quick", action="store_true", help="one short round with 1,000 clients; docs stay as they are"
    )
    parser.add_argument("--clients", type=int, help="recipients (10,000)")
    parser.add_argument("--seconds", type=float, help="length of a throughput measurement (0.4)")
    parser.add_argument("--rounds", type=int, help="how often gateway and peers take turns at throughput (24)")
    parser.add_argument("--wake-rounds", type=int, help="how often they take turns at single wakes (8)")
    parser.add_argument("--broadcasts", type=int, help="how often they take turns at broadcasts (30)")
    parser.add_argument("--wakes", type=int, help="single wake-ups a round (500)")
    parser.add_argument("--idle-seconds", type=float, help="how long idle gateways are watched (20)")
    parser.add_argument("--seed-recipients", type=int, help="recipients in the full log, 10 entries each (100,000)")
    parser.add_argument(
        "--full-log", action=argparse.BooleanOptionalAction, default=True, help="also measure with 1,000,000 entries"
    )
    parser.add_argument("--nice", type=int, help="priority of everything, as in nice(1): -10 keeps others away")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/performance.md as it is")
    return parser.parse_args(arguments)


def make_plan(options: argparse.Namespace, folder: Path) -> Plan:
    """Return the plan that the command line asks for."""
    plan = Plan(folder=folder, peers=available_peers(options.peers))
    if options.quick:
        plan = replace(plan, clients=1000, rounds=1, wake_rounds=1, broadcasts=1, wakes=200, idle_seconds=3.0)
    if options.full_log:
        seed = QUICK_SEED if options.quick else Seed()
        if options.seed_recipients is not None:
            seed = replace(seed, recipients=options.seed_recipients)
        plan = replace(plan, variants=(*plan.variants, make_full_log(plan, seed)))
    given = {
        name: getattr(options, name)
        for name in ("clients", "seconds", "rounds", "wake_rounds", "broadcasts", "wakes", "idle_seconds")
    }
    return replace(plan, **{name: value for name, value in given.items() if value is not None})


def make_full_log(plan: Plan, seed: Seed) -> Variant:
    """Fill a database and return the gateway on it."""
    path = plan.folder / "full_log.db"
    with Gateway(plan.folder, database_url=f"sqlite:///{path}"):
        pass  # it migrates the database
    began = time.monotonic()
    fill(path, seed)
    print(f"{seed.entries:,} entries in the log, in {time.monotonic() - began:.0f} s", flush=True)
    return Variant(name=FULL_LOG, log=path)


def available_peers(wanted: str) -> frozenset[str]:
    """Return the names of the peers that were asked for and are there; say loudly which are not."""
    if wanted == "none":
        return frozenset()
    names = {kind.name for kind in PEERS} if wanted == "all" else {name.strip() for name in wanted.split(",")}
    if unknown := names - {kind.name for kind in PEERS}:
        sys.exit(f"There is no peer {', '.join(sorted(unknown))}.")
    found: set[str] = set()
    for kind in PEERS:
        missing = kind.missing
        if not missing and not issubclass(kind, Nginx) and not (ENVIRONMENT / "bin/gunicorn").exists():
            missing = "the peers' Python packages (make bench installs them)"
        if kind.name in names and missing:
            print(f"*** NOT MEASURED: {kind.name}, for want of {missing} ***", file=sys.stderr)
        elif kind.name in names:
            found.add(kind.name)
    return frozenset(found)


def main() -> None:
    """Measure what was asked for."""
    options = parse_arguments()
    rows = options.rows.split(",")
    if unknown := set(rows) - set(ROWS):
        sys.exit(f"There is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}.")
    with tempfile.TemporaryDirectory(prefix="notifygate-bench-") as folder:
        try:
            if options.nice is not None:
                machine.use_priority(options.nice)
            text = measure(make_plan(options, Path(folder)), rows)
        except (loadgen.LoadError, machine.MachineError) as error:
            sys.exit(f"*** {error}")
    if not (options.quick or options.no_docs):
        report.keep(text)


def measure(plan: Plan, rows: Sequence[str]) -> str:
    """Measure rows; print the tables, even of a run that comes to a bad end, and return them."""
    began = time.monotonic()
    results = Results()
    machine.allow_connections(plan.clients)
    loadgen.build()
    try:
        for row in rows:
            print(f"{row} ({time.monotonic() - began:.0f} s)", flush=True)
            ROWS[row](plan, results)
    finally:
        text = report.tables(results, plan)
        print(f"\n{text}\nIt took {time.monotonic() - began:.0f} s.", flush=True)
    return text


if __name__ == "__main__":
    main()
