"""Reads the findings of `notifygate doctor`."""

import json
import re

from tests.support.command_line import CommandLine


def report(cli: CommandLine, *arguments: str, env: dict[str, str] | None = None) -> list[dict[str, str]]:
    """Return the findings, and check that exit code and last line agree with them."""
    # Few enough holds for any limit on open files.
    done = cli.run("doctor", "--json", *arguments, env={"NOTIFYGATE_HOLDS_PER_WORKER": "100", **(env or {})})
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    faults = sum(finding["level"] == "wrong" for finding in findings)
    assert done.returncode == (1 if faults else 0), done
    assert bool(done.stderr) == bool(faults), done
    if faults:
        assert re.fullmatch(rf"notifygate: {faults} things? (is|are) wrong\n", done.stderr)
    return findings


def wrong(findings: list[dict[str, str]], level: str = "wrong") -> str:
    return "\n".join(finding["message"] for finding in findings if finding["level"] == level)
