"""`--help` of every command."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from notifygate.cli import main
from tests.support.gateway_process import REPOSITORY


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found
            yield from commands(found, (*path, name))


ALL = dict(commands(main))


def test_commands_are_those_that_were_promised() -> None:
    assert {" ".join(path) for path, command in ALL.items() if not isinstance(command, click.Group)} == {
        "serve", "doctor", "key create", "key list", "key rotate", "key revoke", "token issue", "token revoke",
        "token revocations", "send", "watch", "migrate", "prune",
        "log status", "log new-epoch", "type set", "type list", "type delete", "topic set", "topic list",
    }  # fmt: skip


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "notifygate")
def test_help_has_an_example_that_calls_the_command(path: tuple[str, ...]) -> None:
    command = ALL[path]
    text = command.get_help(click.Context(command, info_name=" ".join(("notifygate", *path)), max_content_width=120))
    assert "Example" in text
    assert " ".join(("notifygate", *path)) in text[text.index("Example") :]


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "notifygate")
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option) and not isinstance(option.type, click.Choice):
            assert option.help, f"{option.name} has no help"


def test_help_is_printed_without_a_database_and_without_settings() -> None:
    for path in ((), ("key",), ("key", "create"), ("watch",)):
        done = subprocess.run(
            [sys.executable, "-m", "notifygate.cli", *path, "--help"],
            cwd=REPOSITORY,
            env={"PATH": "/usr/bin:/bin", "NOTIFYGATE_WORKERS": "bad", "NOTIFYGATE_DATA_DIR": "/proc/nowhere"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage: notifygate" in done.stdout
