"""The commands in the documents, run against a real gateway.

A fenced block in a document is one of three things:

- `sh` is run. All of a document's are run in order by one bash, so that a variable set in one block is there in the
  next; a command that fails ends the run. Lines `<!-- expect: text -->` above a block name text of its output, and a
  block that calls curl has at least one.
- `json` is parsed.
- Any other block, or a command that can't be run here, has a line `<!-- not run: reason -->` above it.

The commands are run unchanged, in a folder where `.venv` is this test run's environment and `var` the gateway's
data. Only the address is replaced: the documents' http://127.0.0.1:8080 by the one of the gateway under test.
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.gateway_process import REPOSITORY, GatewayProcess

DOCUMENTED_URL = "http://127.0.0.1:8080"
MARKER = "@@ the block of line"
PREAMBLE = """set -euo pipefail
# A command that fails must not have to wait for a long poll in the background.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
"""
SECONDS = 600
"""Ends a document that hangs. The longest takes some 20 s, nearly all of it processor time, so ten times that on a busy
machine."""


@dataclass
class Block:
    """A fenced block: its language, its text, and the values of the comments above it."""

    line: int
    language: str
    lines: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    reason: str | None = None
    """The reason if it is not run."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a document, with the comments right above each."""
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
                kind, _, value = comment.removeprefix("<!-- ").removesuffix(" -->").partition(": ")
                if kind == "expect":
                    block.expected.append(value)
                elif kind == "not run":
                    block.reason = value
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
        # The command line's default is the documented address; no proxy of the machine may be in between.
        env={**given, "NOTIFYGATE_URL": gateway.url, "HOME": str(folder), "no_proxy": "*"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )


def run_document(text: str, gateway: GatewayProcess, folder: Path, environment: Path | str = sys.prefix) -> None:
    """Run all `sh` blocks of a document and check their output."""
    blocks = [block for block in blocks_of(text) if block.language == "sh" and block.reason is None]
    script = "\n".join(f"echo '{MARKER} {block.line}'\n{block.text}" for block in blocks)
    done = run_script(script.replace(DOCUMENTED_URL, gateway.url), gateway, folder, environment)
    printed = {int(part.split("\n", 1)[0]): part for part in done.stdout.split(f"{MARKER} ")[1:]}
    for block in blocks:
        for expected in block.expected:
            output = printed.get(block.line, "nothing: it was not reached")
            assert expected in output, f"line {block.line}: no {expected!r} in\n{done.stdout}"
    assert done.returncode == 0, f"bash ended with {done.returncode}:\n{done.stdout}"
