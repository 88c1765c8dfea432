"""Durations on the command line: 30s, 15m, 24h, 90d."""

import re

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_SECONDS = 100 * 365 * 86400
"""A hundred years: longer durations are typing errors."""

MAX_TTL_SECONDS = 31_536_000
"""A year, the maximum of docs/protocol.md section 3. Here once more: `notifygate send` imports few modules."""


class Duration(click.ParamType[int]):
    """A whole number and a unit (s, m, h or d); converts to seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]{1,9})([smhd])", str(value))
        seconds = int(match.group(1)) * _UNITS[match.group(2)] if match else 0
        if not 0 < seconds <= MAX_SECONDS and str(value) != "0s":
            self.fail(f"{value!r} is invalid; expected a duration such as 30s, 15m, 24h or 90d.", param, ctx)
        return seconds


class Ttl(Duration):
    """A duration with its unit or, as in the protocol, a number of seconds alone."""

    name = "ttl"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds, 1 to MAX_TTL_SECONDS."""
        seconds = super().convert(f"{value}s" if str(value).isdecimal() else value, param, ctx)
        if not 1 <= seconds <= MAX_TTL_SECONDS:
            self.fail(f"{value} is out of range; expected a second to a year.", param, ctx)
        return seconds
