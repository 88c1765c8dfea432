"""The command line `notifygate`: one group, one module per command, each imported only when it is used.

`notifygate send` runs in cron jobs and loops, so it must not import the web framework and the
database that `notifygate key` needs. That is why the group knows its commands by name alone.

Every command ends with exit code 0, or 1 with exactly one line on stderr. Ctrl-C ends it with 130 and
a reader that closed the pipe with 1, both without output. A command reports an expected failure by
raising `click.ClickException` or one of `notifygate.errors`; any other exception is a bug and shows
its stack.
"""

import io
import pkgutil
import sys
from typing import Any, NoReturn, cast

import click

from notifygate import __version__
from notifygate.cli.one_line import one_line
from notifygate.errors import InvalidRequestError, NotifygateError

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("notifygate.cli.serve:command", "Serve, after the migrations of a SQLite file."),
    "key": ("notifygate.cli.key:command", "Create, list, rotate and revoke API keys of publishers."),
    "token": ("notifygate.cli.token_command:command", "Print, check and revoke tokens of recipients."),
    "send": ("notifygate.cli.send:command", "Publish a notification through a gateway."),
    "watch": ("notifygate.cli.watch:command", "Print a recipient's notifications as they arrive."),
    "migrate": ("notifygate.cli.migrate:command", "Upgrade the database to this version's schema."),
    "doctor": ("notifygate.cli.doctor.command:command", "Check a gateway's environment and name what to change."),
    "prune": ("notifygate.cli.prune:command", "Delete rows past their retention."),
    "log": ("notifygate.cli.log_command:command", "Show the log's state, or begin a new epoch."),
    "type": ("notifygate.cli.type_command:command", "Set, list and delete notification types."),
    "topic": ("notifygate.cli.topic:command", "Set and list topics."),
}
"""Command name -> ("module:attribute", its line in `notifygate --help`)."""

INTERRUPTED = 130
"""128 + SIGINT, the exit code in a shell of a program that Ctrl-C ended."""


class LazyGroup(click.Group):
    """A click group over `COMMANDS` that imports a command's module on its first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table, without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command `cmd_name`; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        return cast("click.Command", pkgutil.resolve_name(COMMANDS[cmd_name][0]))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table: click's own method would import all of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> None:
        """Run the command and drop its result, so that `main` gets exit codes only."""
        try:
            super().invoke(ctx)
        except KeyboardInterrupt:  # click would write an empty line and end with 1
            raise click.exceptions.Exit(INTERRUPTED) from None

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command line and end the process as described in the module's docstring.

        The arguments are those of `click.Command.main`. Usage errors end with 1 like all other failures;
        click alone would end them with 2 and several lines.
        """
        try:
            _prepare_stdout()
            sys.exit(super().main(*args, standalone_mode=False, **extra))
        except click.UsageError as error:
            _fail(_usage_message(error))
        except click.ClickException as error:
            _fail(error.format_message())
        except InvalidRequestError as error:
            _fail("; ".join(f"{wrong.field}: {wrong.message}" for wrong in error.errors))
        except NotifygateError as error:
            _fail(error.for_operators)
        except click.Abort:
            _fail("aborted")
        except OSError as error:  # a full disk under stdout, a file that can't be read; EPIPE is click's
            # Unwritten output is still in the buffer of stdout. The interpreter flushes it at its end, and
            # would report the same failure in three lines.
            sys.stdout = io.StringIO()
            _fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))


def _prepare_stdout() -> None:
    """Escape characters that the encoding of stdout lacks. Raises `click.ClickException` if it is closed.

    With a closed stdout Python drops all output: a key would be created and never shown, and `watch` would record
    notifications as printed.
    """
    if sys.stdout is None:
        raise click.ClickException("stdout is closed; to drop the output, use > /dev/null")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _usage_message(error: click.UsageError) -> str:
    """Return the message of a usage error with a hint at the command's help."""
    is_bare_group = isinstance(error, click.exceptions.NoArgsIsHelpError)
    message = "Missing command." if is_bare_group else error.format_message()
    return f"{message} Try '{error.ctx.command_path} --help'." if error.ctx else message


def _fail(message: str) -> NoReturn:
    """End the process with 1 and `message` as the one line on stderr."""
    click.echo(f"notifygate: {one_line(message)}", err=True)
    sys.exit(1)


@click.version_option(__version__, message="%(prog)s %(version)s")
@click.group(
    cls=LazyGroup,
    epilog="""\b
Example:
  notifygate key create backups
  NOTIFYGATE_KEY=ng_... notifygate send user:alice "Backup finished"
""",
)
def main() -> None:
    """Operate a notifygate gateway, publish to it and read from it."""
