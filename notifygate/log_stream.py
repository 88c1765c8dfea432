"""Standard error as the stream of log lines, which never waits for its reader.

A pipe whose reader has stalled (a container runtime, a journal, a program that rotates) is full after some 250 lines.
The next write would block the hub, and with it every request of the worker, until the reader continues. So lines that
can't be written at once are kept up to a limit and written when it continues; further ones are dropped and counted.
"""

import _socket
import atexit
import os
import select
import socket
import stat
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any

MAX_KEPT_BYTES = 4 * 1024 * 1024
"""Maximum of the lines that wait: some 16,000, more than a broadcast to a full worker writes at once."""

CLOSING_SECONDS = 1.0
"""How long a process that ends waits for its reader."""

_WRITABLE = 2
"""libev's EV_WRITE."""


class LogStream:
    """A stream of whole lines for `logging.StreamHandler`. Its methods raise no OSError: a log that can't be written
    must not fail requests."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._opened: tuple[int, Callable[[bytes], int]] | None = None
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._dropped = 0
        self._watcher: Any = None

    def write(self, line: str) -> None:
        """Write a line, or keep it until the lines before it are written, or drop it if too many are kept."""
        data = line.encode("utf-8", "backslashreplace")
        if self._kept and self._watcher is None:
            self._write_kept()
        if self._kept_bytes + len(data) > MAX_KEPT_BYTES:
            self._dropped += 1
            return
        self._kept.append(data)
        self._kept_bytes += len(data)
        if len(self._kept) == 1:
            if self._watcher is None:
                self._write_kept()
            else:
                self._watcher.loop.run_callback_threadsafe(self._write_kept)

    def flush(self) -> None:
        """Do nothing: each line is written as soon as possible."""

    def take_dropped(self) -> int:
        """Return the number of lines that were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def use_loop(self, loop: Any) -> None:
        """From now on write in this process's loop (gevent's): the lines of one turn together, and kept lines as soon
        as the reader continues. Without a loop each line is written at once, or with a later one."""
        self._watcher = loop.io(self._open()[0], _WRITABLE)
        self._write_kept()

    def close(self) -> None:
        """Write what is kept, in at most CLOSING_SECONDS. Later lines are written as before."""
        until = time.monotonic() + CLOSING_SECONDS
        poll = select.poll()
        poll.register(self._open()[0], select.POLLOUT)
        while self._write_kept() and (remaining := until - time.monotonic()) > 0:
            poll.poll(remaining * 1000)

    def forget(self) -> None:
        """Drop the lines that the parent process has kept; it writes them itself. For a process after a fork."""
        self._kept.clear()
        self._kept_bytes = self._dropped = 0

    def _write_kept(self) -> bool:
        """Write what can be written without waiting; return whether something is left."""
        _, write = self._open()
        while self._kept:
            count, data = self._next_lines()
            try:
                self._remove(write(data))
            except BlockingIOError:
                break
            except OSError:  # nothing reads any more, or the disk is full
                self._remove(len(data))
                self._dropped += count
        if self._watcher is not None:
            if not self._kept:
                self._watcher.stop()
            elif not self._watcher.active:
                self._watcher.start(self._write_kept)
        return bool(self._kept)

    def _next_lines(self) -> tuple[int, bytes]:
        """Return how many lines to write at a time, and their bytes.

        Writes of up to PIPE_BUF bytes are not divided, so lines of several workers don't mix.
        """
        count = size = 0
        for line in self._kept:
            size += len(line)
            if count and size > select.PIPE_BUF:
                break
            count += 1
        return count, b"".join(islice(self._kept, count))

    def _remove(self, written: int) -> None:
        """Remove so many bytes from the kept lines."""
        self._kept_bytes -= written
        while written:
            line = self._kept.popleft()
            if written < len(line):
                self._kept.appendleft(line[written:])
                return
            written -= len(line)

    def _open(self) -> tuple[int, Callable[[bytes], int]]:
        """Return a descriptor and its function to write without waiting."""
        if self._opened is None:
            self._opened = _open_without_waiting(self._descriptor)
        return self._opened


def _open_without_waiting(descriptor: int) -> tuple[int, Callable[[bytes], int]]:
    """Return a descriptor of the same file, and a function that writes to it and raises BlockingIOError where it would
    wait. O_NONBLOCK on the file as it is open would apply to the other programs that have it."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):  # systemd's journal
        client = _socket.socket(fileno=os.dup(descriptor))  # gevent's would wait
        return client.fileno(), lambda data: client.send(data, socket.MSG_DONTWAIT)
    if not stat.S_ISREG(mode):
        with suppress(
            OSError
        ):  # it belongs to another user, nothing reads it, or there is no /proc: it is written as it is
            opened = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            return opened, lambda data: os.write(opened, data)
    return descriptor, lambda data: os.write(descriptor, data)


# In a process that was started without standard error its number may be that of any file, such as the database.
standard_error = LogStream(2 if sys.__stderr__ else os.open(os.devnull, os.O_WRONLY))
"""The log of this process."""

atexit.register(standard_error.close)
os.register_at_fork(after_in_child=standard_error.forget)
