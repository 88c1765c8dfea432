"""How a run goes: how many clients, how long, how often, against whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.results import GATEWAY
from benchmarks.servers.gateway import Gateway


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the rows are told."""

    folder: Path
    """For the files between this program and the load generator."""
    clients: int = 10_000
    """Recipients, each with a token, a cursor and an inbox of its own."""
    connections: int = 256
    """Connections of a throughput measurement; recipients take turns on them."""
    seconds: float = 3.0
    """Length of a throughput measurement."""
    rounds: int = 3
    """How often gateway and peers take turns; the median counts."""
    wakes: int = 500
    """Single wake-ups a round."""
    idle_seconds: float = 20.0
    peers: frozenset[str] = frozenset()
    """Names of the peers to measure as well."""
    gateway_name: str = GATEWAY
    """Under which name the gateway's figures are noted."""
    database_url: str | None = None
    """A database that has been filled; None for an empty one."""
    gateway_env: Mapping[str, str] = field(default_factory=dict[str, str])

    def gateway(self, env: Mapping[str, str] | None = None) -> Gateway:
        """Return a gateway, not yet started."""
        return Gateway(self.folder, env={**self.gateway_env, **(env or {})}, database_url=self.database_url)
