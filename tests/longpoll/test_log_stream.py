"""A log that nothing reads for a while."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway_process import changed_configuration
from tests.support.processes import running
from tests.support.site import Site
from tests.support.waiting import eventually

PIPE_BYTES = 64 * 1024
"""Capacity of a pipe."""
LINE_BYTES = 250
"""A line has a few more."""


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    os.mkfifo(path)
    return path


@pytest.fixture
def site(tmp_path: Path, pipe: Path) -> Iterator[Site]:
    """A gateway that logs to a pipe."""
    env = changed_configuration(
        tmp_path,
        "import os",
        "from notifygate import log_stream",
        f"log_stream.MAX_KEPT_BYTES = {PIPE_BYTES}",
        f"os.dup2(os.open({str(pipe)!r}, os.O_RDWR), 2)",
    )
    with running(Site(f"sqlite:///{tmp_path}/notifygate.db", env)) as made:
        yield made


@pytest.fixture
def read_lines(pipe: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A function that reads what can be read of the log and returns all whole lines so far."""
    written = bytearray()
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as log:

        def read() -> list[dict[str, Any]]:
            written.extend(log.read(PIPE_BYTES) or b"")
            return [json.loads(line) for line in written[: written.rfind(b"\n") + 1].splitlines()]

        yield read


def test_log_that_nothing_reads_stops_no_request_and_dropped_lines_are_counted(
    site: Site, read_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    alice = site.recipient()

    def request(number_of_bytes: int) -> list[str]:
        return [alice.poll().headers["X-Request-Id"] for _ in range(number_of_bytes // LINE_BYTES)]

    def logged() -> list[str]:
        return [line["request_id"] for line in read_lines() if line.get("principal") == f"user:{alice.name}"]

    requested = request(PIPE_BYTES * 3 // 2)
    assert len(logged()) < len(requested), "the pipe was full"
    eventually(lambda: logged() == requested, "all lines")

    requested += request(PIPE_BYTES * 3)

    def is_written_again() -> bool:
        requested.extend(request(LINE_BYTES))
        return requested[-1] in logged()

    eventually(is_written_again, "another line")
    dropped = len(requested) - len(logged())
    assert dropped > 0
    eventually(lambda: site.metric("notifygate_log_lines_dropped_total") == dropped, "their count")
