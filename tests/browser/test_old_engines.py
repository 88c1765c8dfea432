"""The client in an engine with ES5 and nothing else, not even a window."""

import json
import shutil
import subprocess
from pathlib import Path

from notifygate.api.static_files import FOLDER
from tests.support.browser import go_without

SCRIPT = Path(__file__).with_name("old_engine.js")


def test_client_polls_in_an_engine_of_es5_alone() -> None:
    program = shutil.which("mujs")
    if program is None:
        go_without("no MuJS on this machine. Install it (Debian: apt-get install mujs)")
    command = [str(program), SCRIPT, FOLDER / "notifygate.js"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["pending", 0, []],
        ["GET", "/v1/inbox", "", None],
        ["GET", "/v1/inbox?cursor=c1&wait=55", '"tag"', None],
        ["success", 1, ["first"]],
        ["success", 2, ["second", "first"]],
        ["POST", "/v1/inbox/state", "", {"op": "read", "ids": ["first"]}],
        ["success", 2, ["second", "first read"]],
        ["success", 1, ["second", "first read"]],
    ]
