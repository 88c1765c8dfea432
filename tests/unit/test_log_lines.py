"""The lines of each level."""

import subprocess
import sys

import pytest

SAY_SOMETHING = """
import logging, logging.config, sys
from notifygate.log_lines import logging_config

logging.config.dictConfig(logging_config(sys.argv[1], "text"))
for name in ("redis", "sqlalchemy.engine", "notifygate.log", "gunicorn.error"):
    for level in ("debug", "info", "warning"):
        getattr(logging.getLogger(name), level)(f"{name} says {level}")
"""


@pytest.mark.parametrize(
    ("level", "left_out"),
    [
        ("debug", {"redis says debug", "sqlalchemy.engine says debug"}),
        ("info", {"gunicorn.error says info"}),
        (
            "warning",
            {f"{name} says info" for name in ("redis", "sqlalchemy.engine", "notifygate.log", "gunicorn.error")},
        ),
    ],
)
def test_libraries_lines_for_debugging_are_never_written(level: str, left_out: set[str]) -> None:
    """They quote what passes through them: redis-py, for one, what is pushed to it."""
    done = subprocess.run(
        [sys.executable, "-c", SAY_SOMETHING, level], capture_output=True, text=True, timeout=60, check=True
    )
    for name in ("redis", "sqlalchemy.engine", "notifygate.log", "gunicorn.error"):
        for said in ("debug", "info", "warning"):
            line = f"{name} says {said}"
            is_wanted = line not in left_out and (said != "debug" or level == "debug")
            assert (line in done.stderr) == is_wanted, line
