"""`--help` of every command."""

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from notifygate import __version__
from notifygate.cli import COMMANDS, main
from tests.support.gateway_process import REPOSITORY


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            assert subcommand
            yield from commands(subcommand, (*path, name))


ALL = dict(commands(main))


def test_commands_are_those_documented() -> None:
    assert [" ".join(path) for path, command in ALL.items() if not isinstance(command, click.Group)] == [
        "serve", "key create", "key list", "key revoke", "key rotate", "token check", "token issue",
        "token revocations", "token revoke", "send", "watch", "migrate", "doctor", "prune", "log new-epoch", "log status",
        "type delete", "type list", "type set", "topic list", "topic set",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "notifygate")
def test_help_describes_each_option_and_has_an_example(path: tuple[str, ...]) -> None:
    command = ALL[path]
    text = command.get_help(click.Context(command, info_name=" ".join(("notifygate", *path)), max_content_width=120))
    assert "Example" in text
    assert " ".join(("notifygate", *path)) in text[text.index("Example") :]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option) and not isinstance(option.type, click.Choice):
            assert option.help, f"{option.name} has no help"


def test_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "notifygate.cli", "--version"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"notifygate {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [("notifygate ", list(COMMANDS)), ("notifygate key ", ["create", "list", "revoke", "rotate"])],
)
def test_shells_complete_commands(words: str, expected: list[str]) -> None:
    env = {"_NOTIFYGATE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    # The module's `__main__` gives the name of the program, which click names the variable after.
    done = subprocess.run(
        [sys.executable, "-m", "notifygate.cli"],
        cwd=REPOSITORY,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [f"plain,{name}" for name in expected]


@pytest.mark.parametrize("path", [(), ("key", "create")])
def test_help_is_printed_without_a_database_and_without_settings(path: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "notifygate.cli", *path, "--help"],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "NOTIFYGATE_WORKERS": "bad", "NOTIFYGATE_DATA_DIR": "/proc/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: notifygate")
    for name, (_, short_help) in () if path else COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert short_help in done.stdout
