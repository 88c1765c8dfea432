"""`notifygate token`: recipients' tokens, signed with the gateway's own secret, and their revocation."""

import click

from notifygate.auth.revocations import Revocations, revoke_tokens
from notifygate.auth.tokens import MAX_ROLES, TokenVerifier, issue_token
from notifygate.cli.database import GatewayDatabase
from notifygate.cli.durations import Duration
from notifygate.cli.gateway_http import require_credential
from notifygate.domain.audience import is_name
from notifygate.domain.times import rfc3339
from notifygate.errors import UnauthorizedError
from notifygate.settings_reader import load_settings
from notifygate.storage.stores.revocations import read_revocations


class _TokenGroup(click.Group):
    """A group whose command `issue` needs no name: `notifygate token alice` is `notifygate token issue alice`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `issue` unless the first word is a command of the group or a help option."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["issue", *args]
        return super().parse_args(ctx, args)


@click.group(
    name="token",
    cls=_TokenGroup,
    epilog="\b\nExample:\n  notifygate token alice --role admin --expires 8h\n  notifygate token revoke alice",
)
def command() -> None:
    """Print, check and revoke tokens of recipients.

    `notifygate token alice` is short for `notifygate token issue alice`. A recipient whose name is one of the commands
    below needs the long form.
    """


@command.command(epilog="\b\nExample:\n  notifygate token issue alice --role admin --expires 8h")
@click.argument("recipient")
@click.option("--role", "roles", multiple=True, help="A role that the token carries.")
@click.option("--expires", type=Duration(), default="1h", show_default=True, help="How long it is valid.")
def issue(recipient: str, roles: tuple[str, ...], expires: int) -> None:
    """Print a token for a recipient."""
    if not all(is_name(name) for name in (recipient, *roles)):
        raise click.UsageError("Invalid recipient or role; expected 1-128 characters without control characters.")
    if len(roles) > MAX_ROLES:
        raise click.UsageError(f"Too many roles; the maximum is {MAX_ROLES}.")
    settings = load_settings()
    if not settings.jwt_algorithms[0].startswith("HS"):
        raise click.ClickException(
            "The gateway has no private key to sign tokens with: NOTIFYGATE_JWT_ALGORITHMS begins with a public-key "
            "algorithm; expected HS256, HS384 or HS512."
        )
    if 0 < settings.jwt_max_lifetime < expires:
        raise click.ClickException(
            f"--expires {expires} s is too long; the maximum is {settings.jwt_max_lifetime} s "
            "(NOTIFYGATE_JWT_MAX_LIFETIME)."
        )
    click.echo(issue_token(settings, recipient, list(roles), expires))


@command.command(epilog="\b\nExample:\n  NOTIFYGATE_TOKEN=eyJ... notifygate token check")
def check() -> None:
    """Check the token in NOTIFYGATE_TOKEN as a gateway does, and name the fault for which it is rejected."""
    token = require_credential("NOTIFYGATE_TOKEN")
    gateway = GatewayDatabase()
    revocations = Revocations(gateway.database, on_revoked=lambda _: None)
    revocations.load()
    try:
        recipient = TokenVerifier(gateway.settings, revocations).verify(token)
    except UnauthorizedError as error:
        reason = error.__cause__ or "it is revoked; expected an iat after the revocation"
        raise click.ClickException(f"the token is rejected: {reason}") from None
    roles = f" with the roles {', '.join(recipient.roles)}" if recipient.roles else ""
    click.echo(f"valid for {recipient.id}{roles} until {rfc3339(recipient.expires_at)}")


@command.command(epilog="\b\nExample:\n  notifygate token revoke alice")
@click.argument("recipient")
def revoke(recipient: str) -> None:
    """Revoke all tokens of a recipient that were issued before now, or without iat."""
    if not is_name(recipient):
        raise click.UsageError("Invalid recipient; expected 1-128 characters without control characters.")
    revoked_at = GatewayDatabase().commit(revoke_tokens(recipient))
    click.echo(f"revoked the tokens of {recipient} issued before {rfc3339(revoked_at)}")


@command.command(epilog="\b\nExample:\n  notifygate token revocations")
def revocations() -> None:
    """List the revocations: the time before which tokens are rejected, and the recipient."""
    for recipient, issued_before in GatewayDatabase().database.read(read_revocations).items():
        click.echo(f"{rfc3339(issued_before)}  {recipient}")
