"""How a run goes: how many clients, how long, how often, against whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import SERVER_CORE
from benchmarks.results import GATEWAY
from benchmarks.servers.gateway import Gateway

LASTING = {"GUNICORN_CMD_ARGS": "--keep-alive 3600", "NOTIFYGATE_MAX_WAIT": "250"}
"""For a gateway whose clients wait while others have their turn: neither a publisher's idle connection nor a hold comes
to its end meanwhile, as with the peers."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A gateway that is measured beside others."""

    name: str = GATEWAY
    """Under which its figures are noted."""
    log: Path | None = None
    """A SQLite file with history, of which each gateway gets a copy, so that no row meets what another has left; None
    for an empty one."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its environment has besides the defaults."""

    def gateway(self, folder: Path, env: Mapping[str, str] | None = None, core: int = SERVER_CORE) -> Gateway:
        """Return such a gateway, not yet started; `env` comes on top."""
        return Gateway(folder, env={**self.env, **(env or {})}, log=self.log, core=core)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the rows are told."""

    folder: Path
    """For the files between this program and the load generator."""
    clients: int = 10_000
    """Recipients, each with a token, a cursor and an inbox of its own."""
    connections: int = 256
    """Connections of a throughput measurement; recipients take turns on them."""
    seconds: float = 0.4
    """Length of a throughput measurement. Short: a noisy machine changes its speed from one second to the next."""
    rounds: int = 24
    """How often gateways and peers take turns at throughput."""
    wake_rounds: int = 8
    """How often they take turns at single wakes."""
    broadcasts: int = 30
    """How often they take turns at broadcasts, and as often at storms."""
    wakes: int = 500
    """Single wake-ups a round."""
    idle_seconds: float = 20.0
    """How long idle gateways are watched; once, not every round."""
    variants: tuple[Variant, ...] = (Variant(),)
    """The gateways to measure."""
    peers: frozenset[str] = frozenset()
    """Names of the peers to measure as well."""
