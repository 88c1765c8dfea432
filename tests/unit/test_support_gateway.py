"""A gateway started by a test is a real one, keeps what it should over restarts, and leaves nothing behind."""

import signal
import socket
from collections.abc import Callable

import pytest
import requests

from tests.support.gateway_process import GatewayProcess
from tests.support.processes import ServerStartError

Start = Callable[..., GatewayProcess]


def status_of(gateway: GatewayProcess, path: str = "/healthz") -> int:
    return requests.get(gateway.url + path, timeout=5).status_code


def is_listening(gateway: GatewayProcess) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", gateway.port)) == 0


def test_started_gateway_answers(gateway: Start) -> None:
    assert status_of(gateway()) == 200


def test_two_gateways_have_ports_and_data_of_their_own(gateway: Start) -> None:
    first, second = gateway(), gateway()
    assert first.port != second.port
    assert first.data_dir != second.data_dir
    assert [status_of(first), status_of(second)] == [200, 200]


def test_stopped_gateway_ends_well(gateway: Start) -> None:
    running = gateway()
    assert running.stop() == 0
    assert not running.is_running
    assert not is_listening(running)


@pytest.mark.parametrize("end", [GatewayProcess.stop, GatewayProcess.kill])
def test_restart_keeps_port_and_data(gateway: Start, end: Callable[[GatewayProcess], object]) -> None:
    running = gateway()
    url = running.url
    (running.data_dir / "kept").touch()
    end(running)
    running.restart()
    assert running.url == url
    assert (running.data_dir / "kept").exists()
    assert status_of(running) == 200


def test_restart_stops_a_gateway_that_runs(gateway: Start) -> None:
    running = gateway()
    before = running.pid
    running.restart()
    assert running.pid != before
    assert status_of(running) == 200


def test_killed_gateway_takes_its_workers_with_it(gateway: Start) -> None:
    running = gateway({"NOTIFYGATE_WORKERS": "2"})
    running.kill()
    assert not is_listening(running)


def test_gateway_whose_first_process_was_killed_leaves_no_worker_behind(gateway: Start) -> None:
    running = gateway()
    running.stop(signal.SIGKILL)
    assert not is_listening(running)


def test_gateway_that_can_not_start_is_reported_with_its_output(gateway: Start) -> None:
    with pytest.raises(ServerStartError, match="NOTIFYGATE_LIMIT_POLL"):
        gateway({"NOTIFYGATE_LIMIT_POLL": "none of your business"})


def test_settings_of_the_developer_do_not_reach_the_gateway(gateway: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFYGATE_WORKERS", "none of your business")
    assert status_of(gateway()) == 200
