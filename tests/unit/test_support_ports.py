"""Ports for the tests' servers."""

import subprocess
import sys

import pytest

from tests.support import ports
from tests.support.gateway_process import REPOSITORY


def test_port_is_given_to_one_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ports.free_port()
    monkeypatch.setattr(ports, "_PORTS", range(own, own + 1))
    monkeypatch.setattr(ports, "_ATTEMPTS", 1)
    with pytest.raises(RuntimeError, match="was free"):
        ports.free_port()
    script = f"from tests.support import ports\nports._PORTS, ports._ATTEMPTS = range({own}, {own + 1}), 1\nports.free_port()"
    other = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True)
    assert "was free" in other.stderr
