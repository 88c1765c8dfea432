"""`make capacity` as a whole, tiny: every installation is measured, and the document has a place for the table."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.capacity import CASES, DOCUMENT
from benchmarks.report import BEGIN, END
from benchmarks.results import MEASURES
from tests.benchmarks.compiler import need_compiler

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS = ("memory", "workers_memory", "wake_p50", "wake_p99", "broadcast", "storm", "repeated", "publish")


@pytest.mark.timeout(400)
def test_every_installation_is_measured() -> None:
    need_compiler()
    command = [sys.executable, "-m", "benchmarks.capacity", "--quick", "--clients", "40"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.partition("\n- ")[2].splitlines()
    (head,) = [line for line in lines if line.startswith("|  |")]
    assert head == "|  | " + " | ".join(case.name for case in CASES) + " |"
    for row in ROWS:
        (line,) = [line for line in lines if line.startswith(f"| {MEASURES[row].title} |")]
        assert "–" not in line, line


def test_document_has_the_place_for_the_table() -> None:
    text = DOCUMENT.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
