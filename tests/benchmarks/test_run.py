"""`make bench` and `make capacity` as a whole, tiny: all rows are measured, and the tables are written into a document."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import capacity
from benchmarks.__main__ import ROWS, main
from benchmarks.report import BEGIN, DOCUMENT, END, keep
from benchmarks.results import GATEWAY, GOALS, MEASURES, Goal, Results
from tests.benchmarks.compiler import need_compiler
from tests.support.source import REPOSITORY

# So many clients that the default limits aren't reached, however fast the machine is.
TINY = "--quick --peers none --clients 60 --seconds 0.1 --wakes 5 --idle-seconds 0.2 --seed-recipients 60".split()
MEASURED = {
    *("repeated", "cache_busters", "new_heads", "news", "publish", "audiences", "memory", "wake_p50", "wake_p99"),
    *("answered_p50", "idle", "broadcast", "storm", "storm_middle"),
    *("redis_p50", "redis_p99", "redis_commit_p50", "redis_commit_p99"),
}
"""By all rows together."""

CAPACITY_ROWS = ("memory", "workers_memory", "wake_p50", "wake_p99", "broadcast", "storm", "repeated", "publish")


def run(module: str, *arguments: str) -> str:
    """Run the benchmarks; return their output."""
    need_compiler()
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def has_figure(printed: str, measure: str) -> bool:
    return any(
        line.startswith(f"    {GATEWAY}  ") and f"  {MEASURES[measure].title}  " in line
        for line in printed.splitlines()
    )


@pytest.mark.timeout(400)
def test_every_row_measures_the_gateway() -> None:
    printed = run("benchmarks", *TINY, "--no-full-log")
    assert {name for name in MEASURES if has_figure(printed, name)} >= MEASURED | {goal.measure for goal in GOALS}
    begun = [line.partition(" (")[0] for line in printed.splitlines()]
    assert [row for row in begun if row in ROWS] == list(ROWS)


@pytest.mark.timeout(400)
def test_row_measures_a_full_log_too() -> None:
    # A ratio needs answers on both sides: on a machine that is busy elsewhere none may come within a tenth of a second.
    printed = run("benchmarks", *TINY, "--rows", "news", "--seconds", "0.4")
    assert has_figure(printed, "news")
    assert f"| {MEASURES['news'].title} |" in printed.partition("With a full log")[2]


@pytest.mark.timeout(400)
def test_capacity_of_every_installation_is_measured() -> None:
    lines = run("benchmarks.capacity", "--quick", "--clients", "40").partition("\n- ")[2].splitlines()
    (head,) = [line for line in lines if line.startswith("|  |")]
    assert head == "|  | " + " | ".join(case.name for case in capacity.CASES) + " |"
    for row in CAPACITY_ROWS:
        (line,) = [line for line in lines if line.startswith(f"| {MEASURES[row].title} |")]
        assert "–" not in line, line


def test_row_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--rows", "no-such"])
    with pytest.raises(SystemExit, match="There is no row no-such"):
        main()


def test_tables_replace_earlier_ones_and_no_other_text(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"Before.\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n")
    keep("new\n", document)
    assert document.read_text() == f"Before.\n\n{BEGIN}\n\nnew\n\n{END}\n\nAfter.\n"
    for place in (DOCUMENT, capacity.DOCUMENT):
        text = place.read_text()
        assert text.count(BEGIN) == text.count(END) == 1
        assert text.find(BEGIN) < text.find(END)


def test_the_result_is_the_median() -> None:
    results = Results()
    for value in (1.0, 100.0, 3.0):
        results.add("memory", GATEWAY, value)
    assert results.get("memory", GATEWAY) == 3.0


@pytest.mark.parametrize(
    ("measure", "figure", "goal", "is_reached"),
    [
        ("memory", 2.0, Goal("memory", 2.0), True),
        ("memory", 2.1, Goal("memory", 2.0), False),
        ("memory", 2.0, Goal("memory", 0.2, "Nchan"), None),
        ("repeated", 80_000.0, Goal("repeated", 0.8, "nginx return 304"), True),
        ("repeated", 79_000.0, Goal("repeated", 0.8, "nginx return 304"), False),
    ],
)
def test_goal_is_reached_from_below_or_from_above(
    measure: str, figure: float, goal: Goal, is_reached: bool | None
) -> None:
    results = Results()
    results.add(measure, GATEWAY, figure)
    results.add("repeated", "nginx return 304", 100_000.0)
    assert results.reaches(goal) is is_reached
