"""gunicorn's configuration. Every number has its reason; tests/project/test_gunicorn_conf.py pins them."""

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from notifygate.errors import ConfigurationError
from notifygate.log_lines import logging_config
from notifygate.open_files import raise_open_files_limit, wanted_connections
from notifygate.private_files import PRIVATE_UMASK, warn_of_readers
from notifygate.server.arbiter import take_over
from notifygate.settings_reader import load_settings, warn_of_unknown_variables

try:
    _settings = load_settings()
except ConfigurationError as error:
    sys.exit(f"notifygate: {error}")

bind = [_settings.bind]
workers = _settings.workers
worker_class = (
    "notifygate.server.detaching_worker.DetachingWorker"
    if _settings.detached
    else "notifygate.server.worker.GatewayWorker"
)

# Each worker makes its own application after gevent has patched it and after the fork: connections, greenlets and
# locks must not be shared between processes.
preload_app = False

worker_connections = wanted_connections(_settings.holds_per_worker)

# Longer than nginx keeps an idle upstream connection (60 s), so that gunicorn never closes one just as a request is on
# its way.
keepalive = 75

# The worker's heartbeat, not a limit on requests: a hold may last much longer than this.
timeout = 30

# A stopping gateway answers holds at once; the remaining requests wait for the database.
graceful_timeout = 20

# A second gateway on the machine would take the first one's socket.
control_socket_disable = True

# Headers carry tokens, and POST /v1/notify reads fields from the URL: gunicorn's maxima.
limit_request_field_size = 8190
limit_request_line = 8190

# The gateway's own log has one line per request, without tokens; gunicorn's would double it.
accesslog = None
loglevel = _settings.log_level
logconfig_dict = logging_config(_settings.log_level, _settings.log_format)

# No line has the place in the code, the thread or the process, which take a third of a record's time to find out
# (https://docs.python.org/3/howto/logging.html#optimization).
logging._srcfile = None  # pyright: ignore[reportPrivateUsage] - documented
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

# gunicorn itself trusts no header about the client's address; `trusted_proxies` does (see docs/operations.md).
forwarded_allow_ips = "127.0.0.1,::1"

# Nor one about the path: by default a client behind a proxy on this machine may send SCRIPT_NAME, and so reach paths
# that the proxy closes.
forwarder_headers = ""

if _settings.workers > 1:
    # The workers' metrics are added up from files. Set here, since prometheus_client reads it when it is imported.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_settings.data_dir / "metrics"))


def on_starting(server: Any) -> None:
    """Prepare the master and the state that workers inherit. Not run on a reload."""
    take_over(server)
    os.umask(PRIVATE_UMASK)
    warn_of_unknown_variables(os.environ)
    if _settings.data_dir.is_dir():
        warn_of_readers(_settings.data_dir)
    raise_open_files_limit(worker_connections, _settings.holds_per_worker)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob("*.db"):
            left_over.unlink(missing_ok=True)


def worker_exit(server: Any, worker: Any) -> None:
    """Flush the pending metrics of a worker that ends. Run by the worker."""
    from notifygate import metrics  # noqa: PLC0415 - as below

    metrics.flush()


def child_exit(server: Any, worker: Any) -> None:
    """Drop the gauges of a worker that ended."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client import multiprocess  # noqa: PLC0415 - it may only be imported once the folder is set

        multiprocess.mark_process_dead(worker.pid)


def _command_line() -> str:
    """Return what a shell in this folder calls this environment's `notifygate` by."""
    program = Path(sys.executable).with_name("notifygate")
    found = shutil.which("notifygate")
    if found and Path(found).resolve() == program.resolve():
        return "notifygate"
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)


def post_worker_init(worker: Any) -> None:
    """Print the address and the first commands, once the first worker serves."""
    if worker.age > 1:
        return
    url, command = f"http://{_settings.bind}", _command_line()
    print(
        f"""notifygate listens on {url}

Paste into another terminal:

  KEY=$({command} key create demo)
  TOKEN=$({command} token alice)
  curl -sS -H "Authorization: Bearer $KEY" -d "Hello, Alice" "{url}/v1/notify/user:alice?title=Hello"; echo; \\
  curl -sS -H "Authorization: Bearer $TOKEN" "{url}/v1/inbox?wait=20"; echo
""",
        flush=True,
    )
