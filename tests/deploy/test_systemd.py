"""deploy/systemd/: systemd accepts the unit and rates it as safe, and the gateway works within its limits."""

import ctypes
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from notifygate.open_files import OTHER_FILES
from notifygate.settings import Settings
from tests.support.binaries import find_program
from tests.support.gateway_process import GatewayProcess
from tests.support.source import REPOSITORY

UNIT = REPOSITORY / "deploy" / "systemd" / "notifygate.service"

MOST_EXPOSURE = 15
"""Tenths of systemd's own points, of 100: a rating below 2.0 is OK."""

REFUSE_EXECUTABLE_MEMORY = (65, 1)
"""prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN): the call of MemoryDenyWriteExecute, since Linux 6.3."""


def values(name: str) -> list[str]:
    """Return all values of a directive in the unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [find_program("systemd-analyze", "systemd"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program of this machine."""
    text = UNIT.read_text()
    assert text.count("ExecStart=/opt/notifygate/bin/notifygate serve\n") == 1
    file = tmp_path / "notifygate.service"
    file.write_text(text.replace("/opt/notifygate/bin/notifygate", f"{sys.prefix}/bin/notifygate"))
    return file


def test_systemd_accepts_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", "--recursive-errors=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_mistake_in_a_unit_is_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectClock=true", "ProtectClocks=true"))
    assert "'ProtectClocks'" in analyze("verify", "--man=no", "--recursive-errors=no", unit).stderr


def test_systemd_rates_the_unit_as_safe(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout


def test_limits_fit_the_gateway() -> None:
    assert int(values("LimitNOFILE")[0]) >= 2 * Settings().holds_per_worker + 1000 + OTHER_FILES
    assert values("LimitCORE") == ["0"]
    assert int(values("TimeoutStopSec")[0]) > 20 + 1, "gunicorn's graceful_timeout"
    assert values("KillMode") == ["mixed"]


def test_files_of_the_gateway_are_private() -> None:
    assert (values("StateDirectory"), values("StateDirectoryMode"), values("UMask")) == (
        ["notifygate"],
        ["0700"],
        ["0077"],
    )
    assert values("Environment") == ["NOTIFYGATE_DATA_DIR=/var/lib/notifygate"]


WRAPPER = """#!{python}
import ctypes, os, resource, sys
files = min({files}, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # only root may raise the limit of the machine
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.umask({umask})
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl({option}, {value}, 0, 0, 0):
    sys.exit(f"prctl: {{os.strerror(ctypes.get_errno())}}")
command = sys.argv[1:] if sys.argv[1].startswith("/") else [{program!r}, *sys.argv[1:]]
os.execv(command[0], command)
"""


@pytest.fixture
def limited(tmp_path: Path) -> Path:
    """A program that sets the unit's limits for itself and becomes `notifygate`, or a given program."""
    option, value = REFUSE_EXECUTABLE_MEMORY
    if ctypes.CDLL(None).prctl(option + 1, 0, 0, 0, 0) < 0:
        pytest.skip("this kernel is older than Linux 6.3 and can't refuse memory that is written and run")
    assert values("MemoryDenyWriteExecute") == ["true"]
    file = tmp_path / "limited"
    text = WRAPPER.format(
        python=sys.executable,
        program=f"{sys.prefix}/bin/notifygate",
        files=values("LimitNOFILE")[0],
        umask=int(values("UMask")[0], 8),
        option=option,
        value=value,
    )
    file.write_text(text)
    file.chmod(0o755)
    return file


def test_gateway_serves_within_the_limits_of_the_unit(limited: Path) -> None:
    gateway = GatewayProcess(program=limited)
    try:
        gateway.start({"NOTIFYGATE_WORKERS": "2"})
        files = min(int(values("LimitNOFILE")[0]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        limits = Path(f"/proc/{gateway.pid}/limits").read_text()
        assert re.search(rf"^Max open files +{files} +{files} ", limits, re.MULTILINE)
        assert gateway.stop() == 0
    finally:
        print(gateway.output)
        gateway.close()


def test_limit_on_memory_has_an_effect(limited: Path) -> None:
    """Without it the test above would prove nothing."""
    script = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0
    refused = subprocess.run([limited, sys.executable, "-c", script], capture_output=True, text=True)
    assert "PermissionError" in refused.stderr
