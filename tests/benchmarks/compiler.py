"""The C compiler that the load generator needs: without one its tests are skipped, in CI they fail."""

import os
import shutil

import pytest


def need_compiler() -> None:
    """Skip the test without a C compiler; in CI, fail it."""
    if os.environ.get("CC") or shutil.which("cc"):
        return
    message = "no C compiler for the load generator (Debian, Ubuntu: apt-get install gcc libc6-dev)"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
