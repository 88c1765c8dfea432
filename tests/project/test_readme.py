"""The commands in the documents, run against a real gateway, and the ones that the gateway prints when it starts.

A fenced block in a document is one of three things:

- `sh` is run. All of a document's are run in order by one bash, so that a variable set in one block is there in the
  next; a command that fails ends the run. Lines `<!-- expect: text -->` above a block say what its output must
  contain, and a block that calls curl has at least one.
- `json` is parsed.
- Whatever else it is, or a command that can't be run here, has a line `<!-- not run: reason -->` above it.

The commands are run as they stand, in a folder where `.venv` is this test run's environment and `var` the gateway's
data. Only the address is replaced: the documents' http://127.0.0.1:8080 by the one of the gateway under test.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.gateway_process import GatewayProcess

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "docs/protocol.md", "docs/operations.md")
DOCUMENTED_URL = "http://127.0.0.1:8080"
MARKER = "@@ the block of line"
PREAMBLE = """set -euo pipefail
# A command that fails must not have to wait for a long poll in the background.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
"""
SECONDS = 100
"""Longer than all holds in a document together."""


@dataclass
class Block:
    """A fenced block: its language, its text, and what the comments above it say."""

    line: int
    language: str
    lines: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    reason: str | None = None
    """Why it is not run."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a document, with the comments that stand right above each."""
    blocks: list[Block] = []
    comments: list[str] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = not line.startswith("```")
            if inside:
                blocks[-1].lines.append(line)
        elif line.startswith("```"):
            block = Block(number, line.removeprefix("```"))
            for comment in comments:
                kind, _, said = comment.removeprefix("<!-- ").removesuffix(" -->").partition(": ")
                if kind == "expect":
                    block.expected.append(said)
                elif kind == "not run":
                    block.reason = said
            blocks.append(block)
            inside, comments = True, []
        else:
            comments = [*comments, line] if line.startswith("<!-- ") else []
    return blocks


def read_blocks(document: str) -> list[Block]:
    return blocks_of((REPOSITORY / document).read_text())


def run_script(
    script: str, gateway: GatewayProcess, folder: Path, environment: Path | str = sys.prefix
) -> subprocess.CompletedProcess[str]:
    """Run bash in a folder that looks like the repository to the documents' commands, with the gateway's data."""
    (folder / ".venv").symlink_to(environment)
    (folder / "var").symlink_to(gateway.data_dir)
    given = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFYGATE_")}
    return subprocess.run(
        ["bash", "-c", PREAMBLE + script],
        cwd=folder,
        # The command line's default is the documented address; no proxy of the machine may come in between.
        env={**given, "NOTIFYGATE_URL": gateway.url, "HOME": str(folder), "no_proxy": "*"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )


def run_document(text: str, gateway: GatewayProcess, folder: Path, environment: Path | str = sys.prefix) -> None:
    """Run all `sh` blocks of a document and check what they print."""
    blocks = [block for block in blocks_of(text) if block.language == "sh" and block.reason is None]
    script = "\n".join(f"echo '{MARKER} {block.line}'\n{block.text}" for block in blocks)
    done = run_script(script.replace(DOCUMENTED_URL, gateway.url), gateway, folder, environment)
    printed = {int(part.split("\n", 1)[0]): part for part in done.stdout.split(f"{MARKER} ")[1:]}
    for block in blocks:
        for expected in block.expected:
            found = printed.get(block.line, "nothing: it was not reached")
            assert expected in found, f"line {block.line}: no {expected!r} in\n{done.stdout}"
    assert done.returncode == 0, f"bash ended with {done.returncode}:\n{done.stdout}"


@pytest.fixture(scope="module")
def any_gateway() -> Iterator[GatewayProcess]:
    """A gateway for tests to which its data mean nothing."""
    process = GatewayProcess()
    try:
        process.start()
        yield process
    finally:
        process.close()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_of_a_document_works(
    document: str, gateway: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    run_document((REPOSITORY / document).read_text(), gateway(), tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```sh\nfalse\n```\n", "bash ended with 1"),
        ("```sh\nnosuchcommand\n```\n", "bash ended with 127"),
        ("<!-- expect: two -->\n```sh\necho one\n```\n", "line 2: no 'two'"),
        ("```sh\nexit 0\n```\n<!-- expect: two -->\n```sh\necho two\n```\n", "line 5: no 'two'"),
        ("```sh\ncurl -fsS http://127.0.0.1:8080/v1/inbox\n```\n", "bash ended with 22"),
    ],
)
def test_a_broken_command_is_noticed(text: str, complaint: str, any_gateway: GatewayProcess, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        run_document(text, any_gateway, tmp_path)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_or_says_why_not(document: str) -> None:
    for block in read_blocks(document):
        if block.language == "json":
            json.loads(block.text)
        elif block.language != "sh":
            assert block.reason, f"{document}:{block.line} has no line <!-- not run: reason -->"
        elif "curl " in block.text and block.reason is None:
            assert block.expected, f"{document}:{block.line} doesn't say what it prints"


def test_no_cron_recipe_shows_its_key_in_the_process_list() -> None:
    recipes = (REPOSITORY / "README.md").read_text().partition("## Cron recipes")[2].partition("\n## ")[0]
    commands = [
        line for block in blocks_of(recipes) for line in block.lines if "curl" in line or "notifygate send" in line
    ]
    assert len(commands) == 3
    assert not [line for line in commands if "Bearer" in line or "--key" in line]


def test_the_commands_that_the_gateway_prints_work(gateway: Callable[..., GatewayProcess], tmp_path: Path) -> None:
    process = gateway()
    paste = process.output.partition("Paste into another terminal:\n\n")[2].partition("\n\n")[0]
    assert paste.count("curl") == 2
    done = run_script(paste, process, tmp_path)
    assert done.returncode == 0, done.stdout
    assert '"title":"Hello","body":"Hello, Alice"' in done.stdout


def test_make_run_serves() -> None:
    # Below another make, such as the one that runs the tests, make takes on its flags and says which folder it is in.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--dry-run", "run"], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "exec .venv/bin/notifygate serve"
