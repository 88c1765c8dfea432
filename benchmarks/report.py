"""The tables, in Markdown, and the place in docs/performance.md where they are kept."""

import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.loadgen import HERE
from benchmarks.machine import describe, sync_ms
from benchmarks.results import FULL_LOG, FULL_LOG_TOLERANCE, GATEWAY, GOALS, MEASURES, Goal, Measure, Results
from benchmarks.rows.plan import Plan
from benchmarks.servers.nginx import Nchan, Nginx, nginx_program

DOCUMENT = HERE.parent / "docs/performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

NONE = "–"


def keep(text: str, document: Path = DOCUMENT) -> None:
    """Put a text between the markers of the document. Raises ValueError where they aren't."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no place for the tables.")
    document.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")


def tables(results: Results, plan: Plan) -> str:
    """Return everything that is kept of a run: its circumstances and its tables."""
    parts = [
        circumstances(results, plan),
        "### Goals",
        goal_table(results),
        "### Gateway and peers",
        figure_table(results),
    ]
    if full := full_log_table(results):
        parts += ["### With a full log", full]
    return "\n".join(parts)


def circumstances(results: Results, plan: Plan) -> str:
    """Return when, where and with what it was measured."""
    size = (
        f"{plan.clients:,} recipients; {plan.rounds} rounds of {plan.seconds:g} s for throughput, {plan.wake_rounds} "
        f"of {plan.wakes} single wakes, {plan.broadcasts} broadcasts and as many storms; medians."
    )
    noise = (
        f"Something else had the servers' core for up to {results.most_waiting:.0%} of a measurement "
        f"while a server was ready to run. The load generator was busy for up to {results.most_load:.0%} of one."
    )
    lines = (where_and_when(plan.folder), f"- {versions(plan)}.", f"- {size}", f"- {noise}")
    return "\n".join(lines) + "\n"


def where_and_when(folder: Path) -> str:
    """Return the date, the machine and its disk."""
    return f"- {datetime.now(UTC):%Y-%m-%d}, {describe()}; its disk keeps 4 KiB in {sync_ms(folder):.2f} ms."


def versions(plan: Plan) -> str:
    """Return the versions of what was measured."""
    own = [
        f"Python {platform.python_version()}",
        *(f"{name} {metadata.version(name)}" for name in ("gunicorn", "gevent")),
    ]
    pins = dict(re.findall(r"^([a-z-]+)(?:\[.*\])?==(\S+)", (HERE / "requirements.in").read_text(), re.MULTILINE))
    peers = [f"{name} {pins[name]}" for name in ("aiohttp", "flask", "flask-socketio")]
    if plan.peers & {Nginx.name, Nchan.name}:
        peers += [_printed([nginx_program(), "-v"]).replace("nginx version: nginx/", "nginx ").split(" (")[0]]
    if Nchan.name in plan.peers:
        package = _printed(["dpkg-query", "--show", "--showformat", "${Version}", "libnginx-mod-nchan"])
        peers += [f"Nchan {package.partition(':')[2] or package or 'of unknown version'}"]
    return ", ".join([*own, *peers])


def _printed(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def goal_table(results: Results) -> str:
    """Return a row for each goal that was measured."""
    rows = [_goal_row(results, goal) for goal in GOALS if results.reaches(goal) is not None]
    return _table(("", "goal", "measured", "reached"), rows)


def _goal_row(results: Results, goal: Goal) -> tuple[str, ...]:
    measure = MEASURES[goal.measure]
    sign = "≥" if measure.is_rate else "≤"
    reached = "yes" if results.reaches(goal) else "**no**"
    figure = results.get(goal.measure, GATEWAY) or 0.0
    if not goal.peer:
        return measure.title, f"{sign} {goal.limit:,g} {measure.unit}", _figure(figure, measure), reached
    ratio = results.ratio(goal.measure, GATEWAY, goal.peer) or 0.0
    measured = f"{ratio:.2f} ×"
    if (by_processor := results.ratio(f"{goal.measure}_cpu", GATEWAY, goal.peer)) is not None:
        measured += f"; {by_processor:.2f} × by processor time"
    return measure.title, f"{sign} {goal.limit:g} × {goal.peer}", measured, reached


def figure_table(results: Results) -> str:
    """Return a row for each measure, a column for each server, and the gateway's ratio to each peer."""
    servers = list(dict.fromkeys(server for measure in MEASURES for server in results.servers(measure)))
    servers = [server for server in servers if server != FULL_LOG]
    rows: list[tuple[str, ...]] = []
    for measure in results.measures():
        cells: list[str] = []
        for server in servers:
            figure = results.get(measure.name, server)
            ratio = results.ratio(measure.name, GATEWAY, server)
            text = NONE if figure is None else _figure(figure, measure)
            cells.append(text if ratio is None or server == GATEWAY else f"{text} ({ratio:.2f} ×)")
        rows.append((measure.title, *cells))
    return _table(("", *servers), rows)


def full_log_table(results: Results) -> str:
    """Return how each figure changes where the log is full; "" where that wasn't measured."""
    rows: list[tuple[str, ...]] = []
    for measure in results.measures():
        empty, full = results.get(measure.name, GATEWAY), results.get(measure.name, FULL_LOG)
        ratio = results.ratio(measure.name, FULL_LOG, GATEWAY)
        if empty is None or full is None or ratio is None:
            continue
        is_near = ratio >= 1 - FULL_LOG_TOLERANCE if measure.is_rate else ratio <= 1 + FULL_LOG_TOLERANCE
        cells = (_figure(empty, measure), _figure(full, measure), f"{ratio - 1:+.0%}", "yes" if is_near else "**no**")
        rows.append((measure.title, *cells))
    head = ("", "empty log", "full log", "change", f"not more than {FULL_LOG_TOLERANCE:.0%} worse")
    return _table(head, rows) if rows else ""


def _figure(value: float, measure: Measure) -> str:
    return f"{value:,.{measure.digits}f} {measure.unit}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
