"""gunicorn.conf.py: every number is pinned here with its reason, so that none is changed in passing."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.config import KNOWN_SETTINGS
from gunicorn.sock import BaseSocket
from prometheus_client import CollectorRegistry, Counter

from notifygate.metrics import Tally
from notifygate.server.arbiter import GatewayArbiter
from notifygate.settings import Settings
from tests.support.source import REPOSITORY

NGINX_KEEPALIVE_SECONDS = 60
"""How long nginx keeps an idle connection to an upstream (`keepalive_timeout` in `upstream`)."""

MOST_THAT_GUNICORN_ALLOWS = 8190
"""The upper bound of `limit_request_line`, and the default of `limit_request_field_size`."""


def environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NOTIFYGATE_") and name != "PROMETHEUS_MULTIPROC_DIR"
    }
    return {
        **env,
        "NOTIFYGATE_DATA_DIR": str(tmp_path / "var"),
        **{f"NOTIFYGATE_{name}": value for name, value in settings.items()},
    }


def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, Any]:
    """Return what the file defines under some settings."""
    monkeypatch.setattr(os, "environ", environment(tmp_path, **settings))
    return runpy.run_path(str(REPOSITORY / "gunicorn.conf.py"))


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    """Starting in this process must not change it for the other tests."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The file under the default settings."""
    return read(tmp_path, monkeypatch)


def test_defaults_are_those_of_the_settings(conf: dict[str, Any]) -> None:
    assert conf["bind"] == ["127.0.0.1:8080"]
    assert conf["workers"] == 1


def test_settings_are_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = read(tmp_path, monkeypatch, BIND="0.0.0.0:80", WORKERS="3", HOLDS_PER_WORKER="500", LOG_LEVEL="warning")
    assert (conf["bind"], conf["workers"], conf["loglevel"]) == (["0.0.0.0:80"], 3, "warning")
    assert conf["worker_connections"] == 2000


def test_worker_is_ours_and_loads_the_application_after_the_fork(conf: dict[str, Any]) -> None:
    assert conf["worker_class"] == "notifygate.server.detaching_worker.DetachingWorker"
    assert conf["preload_app"] is False  # nothing may be imported before gevent has patched the worker


def test_holds_never_use_up_the_connections(conf: dict[str, Any]) -> None:
    assert conf["worker_connections"] == 21_000
    # A client has an idle connection beside its hold, and those who publish need some, too.
    assert conf["worker_connections"] >= 2 * Settings().holds_per_worker + 1000


def test_proxies_close_idle_connections_first(conf: dict[str, Any]) -> None:
    assert conf["keepalive"] == 75
    assert conf["keepalive"] > NGINX_KEEPALIVE_SECONDS


def test_heartbeat_is_no_limit_on_requests(conf: dict[str, Any]) -> None:
    assert conf["timeout"] == 30  # gunicorn's own: a worker whose hub is stuck for so long is replaced
    assert conf["timeout"] < Settings().max_wait


def test_stop_waits_for_the_database_at_most_so_long(conf: dict[str, Any]) -> None:
    # Longer than a transaction waits for the log's lock (5 s) or for SQLite's (10 s).
    assert conf["graceful_timeout"] == 20


def test_second_gateway_on_a_machine_takes_nothing_from_the_first(conf: dict[str, Any]) -> None:
    assert conf["control_socket_disable"] is True


def test_credentials_and_quick_notifications_fit_into_a_request(conf: dict[str, Any]) -> None:
    assert conf["limit_request_field_size"] == MOST_THAT_GUNICORN_ALLOWS
    assert conf["limit_request_line"] == MOST_THAT_GUNICORN_ALLOWS


def test_requests_are_logged_once(conf: dict[str, Any]) -> None:
    assert conf["accesslog"] is None


def test_headers_about_the_client_are_believed_from_this_machine_only(conf: dict[str, Any]) -> None:
    assert conf["forwarded_allow_ips"] == "127.0.0.1,::1"


def test_no_client_may_set_the_path(conf: dict[str, Any]) -> None:
    assert conf["forwarder_headers"] == ""


def test_nothing_else_is_set(conf: dict[str, Any]) -> None:
    """An added setting needs a test here with its reason."""
    known = {setting.name for setting in KNOWN_SETTINGS}
    assert {name for name in conf if name in known} == {
        "bind", "workers", "worker_class", "preload_app", "worker_connections", "keepalive", "timeout",
        "graceful_timeout", "control_socket_disable", "limit_request_field_size", "limit_request_line", "accesslog",
        "loglevel", "logconfig_dict", "forwarded_allow_ips", "forwarder_headers", "on_starting", "worker_exit",
        "child_exit", "post_worker_init",
    }  # fmt: skip


def test_metrics_of_several_workers_are_kept_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(tmp_path, monkeypatch, WORKERS="2")
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "var" / "metrics")
    read(tmp_path, monkeypatch, WORKERS="1")
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_start_removes_old_metrics_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "operator's own"
    (folder / "more").mkdir(parents=True)
    kept = [folder / "letter.txt", folder / "more" / "picture.db"]
    for path in (*kept, folder / "counter_17.db"):
        path.touch()
    conf = read(tmp_path, monkeypatch, WORKERS="2")
    monkeypatch.setitem(os.environ, "PROMETHEUS_MULTIPROC_DIR", str(folder))
    assert len(list(folder.iterdir())) == 3, "reading the file, as a reload does, removes nothing"
    master = Arbiter.__new__(Arbiter)
    monkeypatch.setattr(BaseSocket, "_is_listening", None)  # changed by the call
    conf["on_starting"](master)
    assert type(master) is GatewayArbiter
    assert sorted(folder.rglob("*")) == sorted([folder / "more", *kept])


def test_what_workers_create_is_private(conf: dict[str, Any]) -> None:
    conf["on_starting"](Arbiter.__new__(Arbiter))
    assert os.umask(0o022) == 0o077


def test_worker_that_ends_flushes_its_last_counts(conf: dict[str, Any]) -> None:
    registry = CollectorRegistry()
    Tally(Counter("c", "Help.", registry=registry)).inc()
    assert registry.get_sample_value("c_total") == 0
    conf["worker_exit"](None, None)
    assert registry.get_sample_value("c_total") == 1


def test_gunicorn_itself_accepts_the_file(tmp_path: Path) -> None:
    """`--check-config` beside a running gateway must do that no harm: it starts nothing."""
    metrics = tmp_path / "var" / "metrics"
    metrics.mkdir(parents=True)
    (metrics / "counter_17.db").touch()
    command = [sys.executable, "-m", "gunicorn", "--check-config", "--print-config", "notifygate.domain.times:now_ms"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment(tmp_path, WORKERS="2"), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^worker_connections *= 21000$", done.stdout, re.MULTILINE)
    assert (metrics / "counter_17.db").exists()
