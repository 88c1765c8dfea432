"""The load generator (loadgen.c): compiled, started, and asked."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from benchmarks.http_files import Answer, read_answers, write_requests
from benchmarks.machine import LOAD_CORE, on_core

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
"""Ignored by git; `make clean` removes it."""

Figures = dict[str, Any]
"""What the load generator reports, as it is in its JSON."""


class LoadError(RuntimeError):
    """The load generator could not do its work, or answers were wrong. The message ends with what it said."""


def build() -> Path:
    """Compile the load generator unless that has been done; return the program.

    Raises LoadError where there is no C compiler, or the source doesn't compile.
    """
    source, program = HERE / "loadgen.c", BUILD / "loadgen"
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        raise LoadError("no C compiler: install one (Debian, Ubuntu: apt-get install gcc libc6-dev)")
    BUILD.mkdir(exist_ok=True)
    # Under another name first: two runs may compile at the same time.
    draft = BUILD / f"loadgen.{os.getpid()}"
    command = [compiler, "-O2", "-Wall", "-Wextra", "-std=c11", "-o", draft, source]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise LoadError(f"loadgen.c doesn't compile:\n{done.stderr}")
    draft.replace(program)
    return program


def _start(arguments: Sequence[str | os.PathLike[str]]) -> "subprocess.Popen[str]":
    with on_core(LOAD_CORE):
        return subprocess.Popen(
            [build(), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


def _run(arguments: Sequence[str | os.PathLike[str]]) -> Figures:
    process = _start(arguments)
    printed, complaints = process.communicate()
    if process.returncode != 0:
        raise LoadError(f"loadgen {arguments[0]} ended with {process.returncode}:\n{complaints}{printed}")
    return json.loads(printed)


def _watch(pids: Sequence[int]) -> list[str]:
    return ["--watch", ",".join(map(str, pids))] if pids else []


def throughput(
    address: str,
    requests: Sequence[bytes],
    folder: Path,
    *,
    seconds: float,
    connections: int = 256,
    expect: int = 200,
    contain: str | None = None,
    watch: Sequence[int] = (),
) -> Figures:
    """Ask as fast as answers come, for so many seconds after a fifth of that to warm up.

    Every answer must have the status `expect` and hold the text `contain`. `watch`: the server's processes, whose
    use of the processor is in the figures. Raises LoadError.
    """
    path = write_requests(folder / "throughput.requests", requests)
    return _run([
        "throughput", "--to", address, "--requests", path, "--connections", str(connections),
        "--seconds", str(seconds), "--warmup", str(seconds / 5), "--expect", str(expect),
        *(["--contain", contain] if contain else []), *_watch(watch),
    ])  # fmt: skip


def once(
    address: str,
    requests: Sequence[bytes],
    folder: Path,
    *,
    connections: int = 64,
    expect: int = 200,
    contain: str | None = None,
) -> list[Answer]:
    """Send every request once; return the answers in the same order. Raises LoadError."""
    answers = folder / "once.answers"
    _run([
        "once", "--to", address, "--requests", write_requests(folder / "once.requests", requests),
        "--connections", str(connections), "--expect", str(expect), "--answers", answers,
        *(["--contain", contain] if contain else []),
    ])  # fmt: skip
    found = dict(read_answers(answers))
    return [found[index] for index in range(len(requests))]


@dataclass(frozen=True, kw_only=True)
class HoldPlan:
    """Long polls to hold, one a client, and what is published to them."""

    addresses: Sequence[str]
    """Where the clients connect to, in turn."""
    polls: Sequence[bytes]
    publish_address: str
    publications: Sequence[bytes]
    """One for each client, and one for all at the end."""
    carry: Sequence[str] = ()
    """What stands before the values of a poll's slots in an answer."""
    watch: Sequence[int] = field(default=())
    """The server's processes: when they have come to rest, all polls are held."""
    patience_seconds: float = 30.0
    """What has not arrived by then counts as lost: longer than a slow peer needs for a broadcast to all."""


class HoldRun:
    """Clients that wait, each on its own connection, until the block is left. Raises LoadError for wrong answers."""

    def __init__(self, plan: HoldPlan, folder: Path) -> None:
        self._arguments: list[str | os.PathLike[str]] = [
            "hold", "--to", ",".join(plan.addresses), "--requests",
            write_requests(folder / "polls.requests", plan.polls), "--publish-to", plan.publish_address, "--publish",
            write_requests(folder / "publications.requests", plan.publications), *_watch(plan.watch),
            "--patience", str(plan.patience_seconds), *[part for text in plan.carry for part in ("--carry", text)],
        ]  # fmt: skip
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the load generator; nothing is connected yet."""
        self._process = _start(self._arguments)
        return self

    def open(self) -> Figures:
        """Connect all clients, poll, and wait until the server has come to rest."""
        return self._ask("open")

    def wake(self, count: int, gap_ms: int) -> Figures:
        """Wake one client after another with a notification of its own."""
        return self._ask(f"wake {count} {gap_ms}")

    def broadcast(self) -> Figures:
        """Wake all clients with one notification; they poll again once everybody has it."""
        return self._ask("broadcast")

    def storm(self) -> Figures:
        """Wake all clients, who poll again at once, and publish one more notification meanwhile."""
        return self._ask("storm")

    def finish(self) -> Figures:
        """Close all connections; return what was counted over the whole run."""
        return self._ask("quit")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the load generator. Whatever was wrong and hasn't been told yet is raised."""
        process = self._started()
        if kind is not None:
            process.kill()
        complaints = process.communicate()[1]
        if kind is None and process.returncode != 0:
            raise LoadError(f"loadgen hold ended with {process.returncode}:\n{complaints}")

    def _ask(self, command: str) -> Figures:
        process = self._started()
        commands, figures = _pipe(process.stdin), _pipe(process.stdout)
        try:
            commands.write(command + "\n")
            commands.flush()
        except BrokenPipeError:
            pass  # It has ended: what it said is read below.
        line = figures.readline()
        found: Figures = json.loads(line) if line else {}
        if not found or found["wrong"]:
            commands.close()
            process.stdin = None
            complaints = process.communicate()[1]
            raise LoadError(f"loadgen hold, `{command}`:\n{complaints}{line}")
        return found

    def _started(self) -> "subprocess.Popen[str]":
        assert self._process is not None, "a HoldRun is used in a with statement"
        return self._process


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
