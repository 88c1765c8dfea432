"""The group of commands: help, exit codes, and one line for every expected failure."""

import errno
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner, Result

from notifygate.cli import COMMANDS, main
from notifygate.errors import ConfigurationError, FieldError, InvalidRequestError

NAMES = ["serve", "key", "token", "send", "watch", "migrate", "doctor", "prune", "log", "type", "topic"]


def run_raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Result:
    """Run a command that only raises."""

    @click.command()
    def stand_in() -> None:
        raise error

    return run_stand_in(monkeypatch, stand_in)


def run_stand_in(monkeypatch: pytest.MonkeyPatch, command: click.Command) -> Result:
    """Run `command` as one of the group's."""
    monkeypatch.setitem(sys.modules, "stand_in_command", SimpleNamespace(command=command))
    monkeypatch.setitem(COMMANDS, "stand-in", ("stand_in_command:command", "Only for tests."))
    return CliRunner().invoke(main, ["stand-in"], prog_name="notifygate")


def run_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_help_lists_every_command_with_what_it_does() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(COMMANDS) == NAMES
    for name, (_, short_help) in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert short_help in result.stdout
    assert "Example:" in result.stdout


def test_help_imports_no_command() -> None:
    code = """
import sys
from notifygate.cli import main
try:
    main(["--help"])
finally:
    print(*sorted(name for name in sys.modules if name.startswith("notifygate.")), file=sys.stderr)
"""
    done = run_process("-c", code)
    assert done.returncode == 0
    assert done.stderr.split() == ["notifygate.cli", "notifygate.cli.one_line", "notifygate.errors"]


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_carries_an_example(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert_has_example(name, command)


def assert_has_example(path: str, command: click.Command) -> None:
    """Check the command's help, and that of the commands below it."""
    with click.Context(command, info_name=path) as context:
        text = command.get_help(context)
        assert "Example" in text, path
        assert "notifygate " in text.partition("Example")[2], path
    if isinstance(command, click.Group):
        for name, nested in command.commands.items():
            assert_has_example(f"{path} {name}", nested)


def test_it_runs_as_a_module() -> None:
    done = run_process("-m", "notifygate.cli", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: notifygate [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "notifygate: Missing command. Try 'notifygate --help'.\n"),
        (["sned"], "notifygate: No such command 'sned'. Try 'notifygate --help'.\n"),
        (["send"], "notifygate: Missing argument 'AUDIENCE'. Try 'notifygate send --help'.\n"),
        (["send", "all", "hi", "there"], None),
        (["send", "all", "hi", "--ttl", "0"], None),
        (["send", "all", "hi", "--priority", "urgent"], None),
        (["send", "all", "hi", "--\x1b[2J"], None),
        (["watch", "--wait", "-1"], None),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_1(arguments: list[str], line: str | None) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="notifygate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("notifygate: ")
    assert "\x1b" not in result.stderr
    assert line in (None, result.stderr)


def test_a_bare_group_below_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_stand_in(monkeypatch, click.Group("nested", commands=[click.Command("inner")]))
    assert result.exit_code == 1
    assert result.stderr == "notifygate: Missing command. Try 'notifygate stand-in --help'.\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (click.ClickException("two\nlines and \x1b[2J"), "two lines and \\x1b[2J"),
        (ConfigurationError("NOTIFYGATE_WORKERS must be a number."), "NOTIFYGATE_WORKERS must be a number."),
        (InvalidRequestError([FieldError("a", "no"), FieldError("b", "never")]), "a: no; b: never"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), "/x: No such file or directory"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (click.Abort(), "aborted"),
    ],
)
def test_an_expected_failure_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception, line: str) -> None:
    result = run_raising(monkeypatch, error)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"notifygate: {line}\n")


def test_ctrl_c_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_raising(monkeypatch, KeyboardInterrupt())
    assert (result.exit_code, result.output) == (130, "")


def test_a_broken_pipe_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_raising(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert (result.exit_code, result.output) == (1, "")


def test_a_bug_shows_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(run_raising(monkeypatch, ZeroDivisionError()).exception, ZeroDivisionError)


def test_what_a_command_returns_is_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_stand_in(monkeypatch, click.Command("count", callback=lambda: 3)).exit_code == 0


def test_an_exit_code_of_a_command_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> None:
        click.get_current_context().exit(4)

    leaving: Callable[[], None] = leave
    assert run_stand_in(monkeypatch, click.Command("leave", callback=leaving)).exit_code == 4
