"""The group of commands: exit codes, and one line for every expected failure. `tests/cli/test_help.py` has the help."""

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

RunCommand = Callable[[click.Command], Result]


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Return a function that runs a command as one of the group's."""

    def run_command(command: click.Command) -> Result:
        monkeypatch.setitem(sys.modules, "stand_in_command", SimpleNamespace(command=command))
        monkeypatch.setitem(COMMANDS, "stand-in", ("stand_in_command:command", "Only for tests."))
        return CliRunner().invoke(main, ["stand-in"], prog_name="notifygate")

    return run_command


def raising(error: BaseException) -> click.Command:
    """Return a command that only raises."""

    def fail() -> None:
        raise error

    return click.Command("stand-in", callback=fail)


def test_help_imports_no_command() -> None:
    code = """
import sys
from notifygate.cli import main
try:
    main(["--help"])
finally:
    print(*sorted(name for name in sys.modules if name.startswith("notifygate.")), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["notifygate.cli", "notifygate.cli.one_line", "notifygate.errors"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "notifygate: Missing command. Try 'notifygate --help'.\n"),
        (["sned"], "notifygate: No such command 'sned'. Try 'notifygate --help'.\n"),
        (["send"], "notifygate: Missing argument 'AUDIENCE'. Try 'notifygate send --help'.\n"),
        (["send", "all", "hi", "there"], None),
        (["send", "all", "hi", "--priority", "urgent"], None),
        (["send", "all", "hi", "--\x1b[2J"], None),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_1(arguments: list[str], line: str | None) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="notifygate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("notifygate: ")
    assert "\x1b" not in result.stderr
    assert line in (None, result.stderr)


@pytest.mark.parametrize(
    ("command", "exit_code", "line"),
    [
        *(
            pytest.param(raising(error), 1, line, id=type(error).__name__)
            for error, line in (
                (click.ClickException("two\nlines and \x1b[2J"), "two lines and \\x1b[2J"),
                (ConfigurationError("NOTIFYGATE_WORKERS must be a number."), "NOTIFYGATE_WORKERS must be a number."),
                (InvalidRequestError([FieldError("a", "no"), FieldError("b", "never")]), "a: no; b: never"),
                (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), "/x: No such file or directory"),
                (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
                (click.Abort(), "aborted"),
            )
        ),
        pytest.param(raising(KeyboardInterrupt()), 130, None, id="Ctrl-C"),
        pytest.param(raising(BrokenPipeError(errno.EPIPE, "Broken pipe")), 1, None, id="broken pipe"),
        pytest.param(
            click.Group("nested", commands=[click.Command("inner")]),
            1,
            "Missing command. Try 'notifygate stand-in --help'.",
            id="bare group below",
        ),
        pytest.param(click.Command("count", callback=lambda: 3), 0, None, id="result"),
        pytest.param(
            click.Command("leave", callback=lambda: click.get_current_context().exit(4)), 4, None, id="exit code"
        ),
    ],
)
def test_a_command_ends_with_an_exit_code_and_at_most_one_line(
    run_command: RunCommand, command: click.Command, exit_code: int, line: str | None
) -> None:
    result = run_command(command)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr == (f"notifygate: {line}\n" if line else "")


def test_a_bug_shows_its_stack(run_command: RunCommand) -> None:
    assert isinstance(run_command(raising(ZeroDivisionError())).exception, ZeroDivisionError)
