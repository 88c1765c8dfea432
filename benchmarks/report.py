"""The tables, in Markdown."""

from collections.abc import Sequence

from benchmarks.results import GATEWAY, GOALS, MEASURES, Goal, Measure, Results


def tables(results: Results) -> str:
    """Return the table of goals and the table of all figures."""
    return f"{goal_table(results)}\n{figure_table(results)}"


def goal_table(results: Results) -> str:
    """Return a row for each goal that was measured."""
    rows = [_goal_row(results, goal) for goal in GOALS if results.reaches(goal) is not None]
    return _table(("goal", "at least / at most", "measured", "reached"), rows)


def _goal_row(results: Results, goal: Goal) -> tuple[str, ...]:
    measure = MEASURES[goal.measure]
    sign = "≥" if measure.is_rate else "≤"
    figure = results.get(goal.measure, GATEWAY) or 0.0
    reached = "yes" if results.reaches(goal) else "**no**"
    if not goal.peer:
        return measure.title, f"{sign} {goal.limit:,g} {measure.unit}", _figure(figure, measure), reached
    ratio = results.ratio(goal.measure, GATEWAY, goal.peer) or 0.0
    return measure.title, f"{sign} {goal.limit:g} × {goal.peer}", f"{ratio:.2f} ×", reached


def figure_table(results: Results) -> str:
    """Return a row for each measure, a column for each server, and the gateway's ratio to each peer."""
    servers = list(dict.fromkeys(server for measure in MEASURES for server in results.servers(measure)))
    rows: list[tuple[str, ...]] = []
    for measure in results.measures():
        cells: list[str] = []
        for server in servers:
            figure = results.get(measure.name, server)
            ratio = results.ratio(measure.name, GATEWAY, server)
            text = "–" if figure is None else _figure(figure, measure)
            cells.append(text if ratio is None or server == GATEWAY else f"{text} ({ratio:.2f} ×)")
        rows.append((measure.title, *cells))
    return _table(("", *servers), rows)


def _figure(value: float, measure: Measure) -> str:
    return f"{value:,.{measure.digits}f} {measure.unit}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
