"""The lines of each level."""

import re
import subprocess
import sys
from itertools import product

LOGGERS = ("redis", "sqlalchemy.engine", "notifygate.log", "gunicorn.error")

LOG_AT_EVERY_LEVEL = f"""
import logging, logging.config
from notifygate.log_lines import logging_config

for configured in ("debug", "info", "warning"):
    logging.config.dictConfig(logging_config(configured, "text"))
    for name in {LOGGERS}:
        for level in ("debug", "info", "warning"):
            getattr(logging.getLogger(name), level)(f"{{configured}}: {{name}} says {{level}}")
"""

WRITTEN = {
    "debug": {("redis", "info"), ("sqlalchemy.engine", "info"), *product(LOGGERS[2:], ("debug", "info"))},
    "info": {(name, "info") for name in LOGGERS if name != "gunicorn.error"},
    "warning": set[tuple[str, str]](),
}
"""By the configured level, besides warnings."""


def test_debug_lines_of_libraries_are_never_written() -> None:
    """They quote the data that they handle: redis-py, for example, the messages that it receives."""
    done = subprocess.run(
        [sys.executable, "-c", LOG_AT_EVERY_LEVEL], capture_output=True, text=True, timeout=60, check=True
    )
    for configured, written in WRITTEN.items():
        lines = re.findall(rf"{configured}: (\S+) says (\w+)", done.stderr)
        assert set(lines) == {*written, *product(LOGGERS, ("warning",))}, configured
