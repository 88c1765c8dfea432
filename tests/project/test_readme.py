"""Every document's commands work, and so do the ones that the gateway prints when it starts. See `support.documents`."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.documents import SECONDS, blocks_of, read_blocks, run_document, run_script
from tests.support.gateway_process import REPOSITORY, GatewayProcess

DOCUMENTS = ("README.md", "docs/protocol.md", "docs/operations.md")

pytestmark = pytest.mark.timeout(SECONDS + 60)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_works(
    document: str, gateway: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    run_document((REPOSITORY / document).read_text(), gateway(), tmp_path)


def test_the_commands_that_the_gateway_prints_work_and_a_broken_one_fails(
    gateway: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    process = gateway()
    for text, complaint in (
        ("```sh\nfalse\n```\n", "bash ended with 1"),
        ("```sh\nnosuchcommand\n```\n", "bash ended with 127"),
        ("<!-- expect: two -->\n```sh\necho one\n```\n", "line 2: no 'two'"),
        ("```sh\nexit 0\n```\n<!-- expect: two -->\n```sh\necho two\n```\n", "line 5: no 'two'"),
        ("```sh\ncurl -fsS http://127.0.0.1:8080/v1/inbox\n```\n", "bash ended with 22"),
    ):
        with TemporaryDirectory(dir=tmp_path) as folder, pytest.raises(AssertionError, match=re.escape(complaint)):
            run_document(text, process, Path(folder))
    paste = process.output.partition("Paste into another terminal:\n\n")[2].partition("\n\n")[0]
    assert paste.count("curl") == 2
    done = run_script(paste, process, tmp_path)
    assert done.returncode == 0, done.stdout
    assert '"title":"Hello","body":"Hello, Alice"' in done.stdout


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_or_has_a_reason(document: str) -> None:
    for block in read_blocks(document):
        if block.language == "json":
            json.loads(block.text)
        elif block.language != "sh":
            assert block.reason, f"{document}:{block.line} has no line <!-- not run: reason -->"
        elif "curl " in block.text and block.reason is None:
            assert block.expected, f"{document}:{block.line} has no expected output"


def test_no_cron_recipe_shows_its_key_in_the_process_list() -> None:
    recipes = (REPOSITORY / "README.md").read_text().partition("## Cron recipes")[2].partition("\n## ")[0]
    commands = [
        line for block in blocks_of(recipes) for line in block.lines if "curl" in line or "notifygate send" in line
    ]
    assert len(commands) == 3
    assert not [line for line in commands if "Bearer" in line or "--key" in line]


def test_make_run_serves() -> None:
    # Under another make, such as that of the tests, make inherits its flags and prints the folder.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--dry-run", "run"], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "exec .venv/bin/notifygate serve"
