"""What all tests share. The servers' fixtures are in `tests/support/fixtures.py`."""

from gevent import monkey

assert monkey.is_module_patched("socket"), "pytest must load tests/support/gevent_first.py, as pyproject.toml says"

pytest_plugins = ["tests.support.fixtures", "tests.support.app_fixtures"]
