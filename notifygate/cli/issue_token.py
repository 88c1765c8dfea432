"""`notifygate token`: a recipient's token, signed with the gateway's own secret."""

import click

from notifygate.auth.tokens import MAX_ROLES, issue_token
from notifygate.cli.durations import DURATION
from notifygate.domain.audience import is_name
from notifygate.settings import load_settings


@click.command(name="token", epilog="\b\nExample:\n  notifygate token alice --role admin --expires 8h")
@click.argument("recipient")
@click.option("--role", "roles", multiple=True, help="A role that the token carries.")
@click.option("--expires", type=DURATION, default="1h", show_default=True, help="How long it is valid.")
def command(recipient: str, roles: tuple[str, ...], expires: int) -> None:
    """Print a token for a recipient, and nothing else."""
    if not all(is_name(name) for name in (recipient, *roles)) or len(roles) > MAX_ROLES:
        raise click.UsageError("A recipient or role is 1-128 characters without control characters.")
    settings = load_settings()
    if not settings.jwt_algorithms[0].startswith("HS"):
        raise click.ClickException(
            "Tokens are signed elsewhere: NOTIFYGATE_JWT_ALGORITHMS begins with a public-key one."
        )
    click.echo(issue_token(settings, recipient, list(roles), expires))
