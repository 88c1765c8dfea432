"""The stream of log lines, where its reader stalls, goes away, or reads slowly."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from notifygate import log_stream
from notifygate.log_stream import LogStream
from tests.support.waiting import eventually

LINE = "{:06d} " + "x" * 500 + "\n"
MANY = 2 * log_stream.MAX_KEPT_BYTES // len(LINE.format(0))
"""More lines than are kept."""


@dataclass
class Ends:
    """Both ends of a pipe or of a pair of sockets; reading raises BlockingIOError where nothing is written."""

    reading: int
    writing: int

    def read(self) -> bytes:
        try:
            return os.read(self.reading, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture(params=["pipe", "sockets"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    with ExitStack() as stack:
        if request.param == "pipe":
            reading, writing = os.pipe()
            stack.callback(os.close, writing)
        else:
            first, second = socket.socketpair()
            reading, writing = first.detach(), stack.enter_context(closing(second)).fileno()
        os.set_blocking(reading, False)
        stack.callback(os.close, reading)
        os.set_blocking(writing, True)
        yield Ends(reading, writing)


def numbers(written: bytes) -> list[int]:
    """Return the numbers of lines, all of which must be whole."""
    lines = written.decode().splitlines(keepends=True)
    assert all(line == LINE.format(int(line[:6])) for line in lines)
    return [int(line[:6]) for line in lines]


def test_lines_wait_for_a_stalled_reader_and_those_beyond_the_limit_are_counted(ends: Ends) -> None:
    stream = LogStream(ends.writing)
    for number in range(MANY):
        stream.write(LINE.format(number))
    dropped = stream.take_dropped()
    assert 0 < dropped < MANY
    assert stream.take_dropped() == 0
    written = bytearray()

    def has_continued() -> bool:
        written.extend(ends.read())
        stream.write(LINE.format(MANY))
        return LINE.format(MANY).encode() in written

    eventually(has_continued, "the kept lines")
    arrived = [number for number in numbers(bytes(written)) if number < MANY]
    assert arrived == list(range(MANY - dropped))
    assert os.get_blocking(ends.writing), "other programs have it open, too"


def test_kept_lines_are_written_when_the_reader_continues_without_another_line(ends: Ends) -> None:
    loop, watchers = gevent.get_hub().loop, list[Any]()

    def watch(descriptor: int, events: int) -> Any:
        watchers.append(loop.io(descriptor, events))
        return watchers[-1]

    stream = LogStream(ends.writing)
    stream.use_loop(SimpleNamespace(io=watch))
    count = MANY // 4
    for number in range(count):
        stream.write(LINE.format(number))
    written = bytearray()

    def has_all() -> bool:
        written.extend(ends.read())
        return len(written) == count * len(LINE.format(0))

    eventually(has_all, "all lines")
    assert numbers(bytes(written)) == list(range(count))
    assert not watchers[0].active, "else the hub would never pause"
    stream.write(LINE.format(count))
    gevent.idle()
    assert numbers(ends.read()) == [count]


def test_a_long_line_is_continued_where_it_was_interrupted(ends: Ends) -> None:
    stream = LogStream(ends.writing)
    text = "".join(LINE.format(number) for number in range(2000))
    stream.write(text)
    written = bytearray(ends.read())
    assert len(written) < len(text)

    def has_ended() -> bool:
        stream.write("-")
        written.extend(ends.read())
        return written.endswith(b"-")

    eventually(has_ended, "the end")
    assert written.decode().rstrip("-") == text


def test_a_reader_that_has_gone_fails_no_request_and_kept_lines_are_counted(ends: Ends) -> None:
    stream = LogStream(ends.writing)
    for number in range(1000):
        stream.write(LINE.format(number))
    read = ends.read().count(b"\n")
    assert 0 < read < 1000
    os.dup2(os.open(os.devnull, os.O_RDONLY), ends.reading)
    stream.write(LINE.format(1000))
    assert stream.take_dropped() == 1001 - read


def test_kept_lines_are_written_at_the_end_and_not_by_a_child_as_well() -> None:
    lines = 1000
    program = f"""
import os
from notifygate import log_stream
from notifygate.log_stream import standard_error
log_stream.CLOSING_SECONDS = 60.0
for number in range({lines}):
    standard_error.write(f"{{number}} {"x" * 200}\\n")
if os.fork():
    print("forked", flush=True)
else:
    standard_error.write("child\\n")
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"forked\n"
        written = process.stderr.read().decode().splitlines()
    assert process.returncode == 0
    assert written.count("child") == 1
    assert [line.split()[0] for line in written if line != "child"] == [str(number) for number in range(lines)]


def test_process_without_standard_error_writes_its_lines_into_no_other_file(tmp_path: Path) -> None:
    program = """
import sys
file = open(sys.argv[1], "w")
assert file.fileno() == 2
from notifygate.log_stream import standard_error
standard_error.write("a line\\n")
"""
    file = tmp_path / "file"
    subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-c", program, file], check=True)
    assert file.read_text() == ""
