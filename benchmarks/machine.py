"""The machine that is measured on: its cores, its limits, and what processes use of it. Linux only."""

import os
import platform
import resource
import statistics
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE = 0
"""What is measured runs here, and nothing else that belongs to the run."""
LOAD_CORE = 1
"""The load generator and this program run here."""

ANY_CORE = -1
"""For what is not to be kept on one core."""

SPARE_FILES = 500
"""Files that a server has open besides its connections, generously."""

MOST_CONNECTIONS = 60_000
"""More than are ever asked for."""


class MachineError(RuntimeError):
    """The machine can't be measured on; the message says what to do."""


@contextmanager
def on_core(core: int) -> Generator[None, None, None]:
    """Let this thread, and processes that are started meanwhile, run on one core alone.

    A machine with a single core is used as it is: ratios still tell something there. ANY_CORE changes nothing.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} if core in before else before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_connections(count: int) -> None:
    """Raise the limit of open files, here and in processes that are started from now on, for so many connections.

    Raises MachineError where that is not allowed.
    """
    wanted = count + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, OSError) as error:
        raise MachineError(
            f"{count} connections need {wanted} open files and {hard} are allowed: "
            f"raise the limit (`ulimit -Hn`, /etc/security/limits.conf) or take fewer with --clients."
        ) from error


def allow_most_connections() -> int:
    """Allow as many connections as can be allowed here, MOST_CONNECTIONS at most; return how many that is."""
    try:
        allow_connections(MOST_CONNECTIONS)
    except MachineError:
        count = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_FILES
        allow_connections(count)
        return count
    return MOST_CONNECTIONS


_favoured_nice: int | None = None
"""What `favour` gives; None for nothing."""


def use_priority(nice: int) -> None:
    """Run this program, and every process that `favour` is called for, with such a priority, as in nice(1).

    Raises MachineError where that is not allowed.
    """
    global _favoured_nice
    _favoured_nice = nice
    favour(os.getpid())


def favour(pid: int) -> None:
    """Give the priority that was asked for to a process, which leads its session, and to those it starts later."""
    if _favoured_nice is None:
        return
    # Where the kernel shares the processor between sessions first (sched(7), "The autogroup feature"), a process's own
    # priority counts only within its session.
    session = Path(f"/proc/{pid}/autogroup")
    try:
        os.setpriority(os.PRIO_PROCESS, pid, _favoured_nice)
        if session.exists():
            session.write_text(str(_favoured_nice))
    except OSError as error:
        raise MachineError(f"A priority of {_favoured_nice} is not allowed: {error.strerror}.") from error


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, with theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children(int(child))]
    return found


def memory_bytes(pids: Iterable[int]) -> int:
    """Return the proportional set size of processes together: what they have in memory, shared pages counted once."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that processes have used, with all their threads, those that have ended included."""
    # What clock_getcpuclockid(3) does, which Python lacks: finer than the hundredths of a second in /proc/<pid>/stat.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def cpu_share(pids: Iterable[int], seconds: float) -> float:
    """Return which share of a core processes use, watched for so long."""
    pids = list(pids)
    before, began = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pids) - before) / (time.monotonic() - began)


def sync_ms(folder: Path, count: int = 50) -> float:
    """Return how long the disk under a folder takes to keep 4 KiB for good, the median of some trials."""
    times: list[float] = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(1000 * (time.perf_counter() - began))
    path.unlink()
    return statistics.median(times)


def describe() -> str:
    """Return one line on the machine: processor, cores, memory, kernel."""
    processor = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = platform.release().split("-")[0]
    return f"{os.cpu_count()} cores of {processor}, {memory:.0f} GB, Linux {kernel}"
