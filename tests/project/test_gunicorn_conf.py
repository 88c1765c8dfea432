"""gunicorn.conf.py: every number is pinned here with its reason, so that none is changed by accident."""

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
"""The time for which nginx keeps an idle connection to an upstream (`keepalive_timeout` in `upstream`)."""

GUNICORNS_MAXIMUM = 8190
"""The upper bound of `limit_request_line`, and the default of `limit_request_field_size`."""


def environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    mine = ("NOTIFYGATE_", "PROMETHEUS_MULTIPROC_DIR")
    env = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    env["NOTIFYGATE_DATA_DIR"] = str(tmp_path / "var")
    return env | {f"NOTIFYGATE_{name}": value for name, value in settings.items()}


def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, Any]:
    """Return the values of the file under some settings."""
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


PINNED = {
    "bind": ["127.0.0.1:8080"],
    "workers": 1,
    "worker_class": "notifygate.server.detaching_worker.DetachingWorker",
    # No module may be imported before gevent has patched the worker.
    "preload_app": False,
    # A client has an idle connection beside its hold, and publishers need connections too.
    "worker_connections": 21_000,
    # Proxies close idle connections first: NGINX_KEEPALIVE_SECONDS.
    "keepalive": 75,
    # gunicorn's own: a worker whose hub is stuck for so long is replaced. No limit on requests, which may be held longer.
    "timeout": 30,
    # A stop waits for the database at most so long: longer than a transaction waits for the log's lock (5 s) or for
    # SQLite's (10 s).
    "graceful_timeout": 20,
    # A second gateway on a machine has no effect on the first.
    "control_socket_disable": True,
    # Credentials and quick notifications fit into a request.
    "limit_request_field_size": GUNICORNS_MAXIMUM,
    "limit_request_line": GUNICORNS_MAXIMUM,
    # Requests are logged once, by the gateway.
    "accesslog": None,
    "loglevel": "info",
    # Headers about the client are accepted from this machine only.
    "forwarded_allow_ips": "127.0.0.1,::1",
    "forwarder_headers": "",
}
"""Every value, with its reason. An added setting needs one here, too."""


def test_every_value_is_pinned_with_its_reason(conf: dict[str, Any]) -> None:
    known = {setting.name for setting in KNOWN_SETTINGS}
    others = {"logconfig_dict", "on_starting", "worker_exit", "child_exit", "post_worker_init"}
    assert {name: value for name, value in conf.items() if name in known - others} == PINNED
    assert others <= set(conf)
    assert conf["worker_connections"] >= 2 * Settings().holds_per_worker + 1000
    assert conf["keepalive"] > NGINX_KEEPALIVE_SECONDS
    assert conf["timeout"] < Settings().max_wait


def test_settings_are_passed_to_gunicorn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = read(tmp_path, monkeypatch, BIND="0.0.0.0:80", WORKERS="3", HOLDS_PER_WORKER="500", LOG_LEVEL="warning")
    assert (conf["bind"], conf["workers"], conf["loglevel"]) == (["0.0.0.0:80"], 3, "warning")
    assert conf["worker_connections"] == 2000


def test_no_client_may_set_the_path(conf: dict[str, Any]) -> None:
    assert conf["forwarder_headers"] == ""


def test_metrics_of_several_workers_are_kept_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(tmp_path, monkeypatch, WORKERS="2")
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "var" / "metrics")
    read(tmp_path, monkeypatch, WORKERS="1")
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_start_removes_old_metrics_and_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_files_of_workers_are_private(conf: dict[str, Any]) -> None:
    conf["on_starting"](Arbiter.__new__(Arbiter))
    assert os.umask(0o022) == 0o077


def test_worker_that_ends_flushes_its_last_counts(conf: dict[str, Any]) -> None:
    registry = CollectorRegistry()
    Tally(Counter("c", "Help.", registry=registry)).inc()
    assert registry.get_sample_value("c_total") == 0
    conf["worker_exit"](None, None)
    assert registry.get_sample_value("c_total") == 1


def test_gunicorn_accepts_the_file(tmp_path: Path) -> None:
    """`--check-config` beside a running gateway must not affect it: it starts no part."""
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
