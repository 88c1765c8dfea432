"""Shared fixtures of all tests. Those of the servers are in `tests/support/fixtures.py`."""

import signal

from gevent import monkey

assert monkey.is_module_patched("socket"), (
    "pytest must load tests/support/gevent_first.py, as configured in pyproject.toml"
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: processes of the tests would inherit that, and Ctrl-C could not be tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.support.fixtures", "tests.support.app_fixtures"]
