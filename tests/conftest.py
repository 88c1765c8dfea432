"""What all tests share. The servers' fixtures are in `tests/support/fixtures.py`."""

from gevent import monkey

assert monkey.is_module_patched("socket"), "run the tests with `python -m pytest` from the repository's root"

pytest_plugins = ["tests.support.fixtures", "tests.support.app_fixtures"]
