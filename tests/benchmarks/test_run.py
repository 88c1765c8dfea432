"""`make bench` as a whole, tiny: every row measures something, and the tables are put where they belong."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import ROWS
from benchmarks.report import BEGIN, DOCUMENT, END, keep
from benchmarks.results import GATEWAY, GOALS, MEASURES, Goal, Results
from tests.benchmarks.compiler import need_compiler

REPOSITORY = Path(__file__).resolve().parents[2]
# So many clients that the default limits aren't met, however fast the machine is.
TINY = "--quick --peers none --clients 60 --seconds 0.1 --wakes 5 --idle-seconds 0.2 --seed-recipients 60".split()
MEASURED_BY = {
    "nothing-new": {"repeated", "cache_busters", "new_heads"},
    "news": {"news"},
    "publishing": {"publish", "audiences"},
    "holds": {"memory", "wake_p50", "wake_p99", "answered_p50", "idle"},
    "broadcasts": {"broadcast", "storm", "storm_middle"},
    "redis-wakes": {"redis_p50", "redis_p99", "redis_commit_p50", "redis_commit_p99"},
}


def run_rows(*arguments: str) -> str:
    """Run the benchmarks; return what they print while they measure."""
    need_compiler()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *TINY, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def has_figure(printed: str, server: str, measure: str) -> bool:
    return any(
        line.startswith(f"    {server}  ") and f"  {MEASURES[measure].title}  " in line for line in printed.splitlines()
    )


@pytest.mark.parametrize("row", MEASURED_BY)
def test_row_measures_the_gateway(row: str) -> None:
    printed = run_rows("--rows", row, "--no-full-log")
    assert {name for name in MEASURES if has_figure(printed, GATEWAY, name)} >= MEASURED_BY[row]


def test_row_measures_a_full_log_too() -> None:
    # A ratio needs answers on both sides: on a machine that is busy elsewhere none may come within a tenth of a second.
    printed = run_rows("--rows", "news", "--seconds", "0.4")
    assert has_figure(printed, GATEWAY, "news")
    assert f"| {MEASURES['news'].title} |" in printed.partition("With a full log")[2]


def test_every_goal_is_measured_by_a_row() -> None:
    assert set(ROWS) == set(MEASURED_BY)
    assert {goal.measure for goal in GOALS} <= set().union(*MEASURED_BY.values())


def test_row_that_does_not_exist_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rows", "no-such"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "There is no row no-such" in done.stderr


def test_tables_replace_the_ones_before_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"Before.\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n")
    keep("new\n", document)
    assert document.read_text() == f"Before.\n\n{BEGIN}\n\nnew\n\n{END}\n\nAfter.\n"


def test_document_has_the_place_for_the_tables() -> None:
    text = DOCUMENT.read_text()
    assert 0 <= text.find(BEGIN) < text.find(END)


def test_the_median_counts() -> None:
    results = Results()
    for value in (1.0, 100.0, 3.0):
        results.add("memory", GATEWAY, value)
    assert results.get("memory", GATEWAY) == 3.0


@pytest.mark.parametrize(("figure", "is_reached"), [(2.0, True), (2.1, False)])
def test_what_is_to_be_small_reaches_its_goal_from_below(figure: float, is_reached: bool) -> None:
    results = Results()
    results.add("memory", GATEWAY, figure)
    assert results.reaches(Goal("memory", 2.0)) is is_reached
    assert results.reaches(Goal("memory", 0.2, "Nchan")) is None


@pytest.mark.parametrize(("figure", "is_reached"), [(80_000.0, True), (79_000.0, False)])
def test_a_rate_reaches_its_goal_from_above(figure: float, is_reached: bool) -> None:
    results = Results()
    results.add("repeated", GATEWAY, figure)
    results.add("repeated", "nginx return 304", 100_000.0)
    assert results.reaches(Goal("repeated", 0.8, "nginx return 304")) is is_reached
