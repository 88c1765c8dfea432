"""Short polls that find nothing new, answered with 304: repeated, with another cache-buster each time, never seen."""

from contextlib import ExitStack

from benchmarks.results import GATEWAY, Results
from benchmarks.rows.plan import Plan, Variant
from benchmarks.rows.throughput import measure
from benchmarks.servers.gateway import Variation, unvaried, with_cache_buster, with_new_head
from benchmarks.servers.nginx import Nginx
from benchmarks.servers.peer import AiohttpPoll, FlaskView, Peer

PEERS: tuple[type[Peer], ...] = (Nginx, AiohttpPoll, FlaskView)
WITH_ACCESS_LINES = Variant(name=f"{GATEWAY}, access lines", env={"NOTIFYGATE_LOG_LEVEL": "info"})
ROWS: dict[str, Variation] = {
    "repeated": unvaried,
    "cache_busters": with_cache_buster,
    "new_heads": with_new_head,
}
"""How the polls of each row differ from one to the next."""


def measure_nothing_new(plan: Plan, results: Results) -> None:
    """Measure gateways and peers in turn; peers get the same requests. While one is measured the others are idle."""
    with ExitStack() as stack:
        gateways = [
            (variant.name, stack.enter_context(variant.gateway(plan.folder)))
            for variant in (*plan.variants, WITH_ACCESS_LINES)
        ]
        peers = [stack.enter_context(kind(plan.folder)) for kind in PEERS if kind.name in plan.peers]
        requests = {
            name: {row: gateway.short_polls(cursors, vary) for row, vary in ROWS.items()}
            for name, gateway, cursors in [(*pair, pair[1].first_polls(range(plan.clients))) for pair in gateways]
        }
        for _ in range(plan.rounds):
            for row in ROWS:
                for name, gateway in gateways:
                    measure(plan, results, name, gateway, requests[name][row], row=row, expect=304)
                for peer in peers:
                    polls = requests[gateways[0][0]][row]
                    measure(plan, results, peer.name, peer, polls, row=row, expect=304)
