"""Short polls that find nothing new: 304, from clients that repeat themselves and with every head different."""

from contextlib import ExitStack

from benchmarks import loadgen
from benchmarks.results import Results
from benchmarks.rows.plan import Plan
from benchmarks.servers.nginx import Nginx
from benchmarks.servers.peer import AiohttpPoll, FlaskView, Peer

KINDS: tuple[type[Peer], ...] = (Nginx, AiohttpPoll, FlaskView)
WITH_ACCESS_LINES = "{} with access lines"


def measure_nothing_new(plan: Plan, results: Results) -> None:
    """Measure gateway and peers in turn, all with the same requests; while one is measured the others are idle."""
    with ExitStack() as stack:
        gateways = [(plan.gateway_name, stack.enter_context(plan.gateway()))]
        if plan.database_url is None:  # two gateways on one database would share nothing but that
            logging = stack.enter_context(plan.gateway({"NOTIFYGATE_LOG_LEVEL": "info"}))
            gateways.append((WITH_ACCESS_LINES.format(plan.gateway_name), logging))
        peers = [stack.enter_context(kind(plan.folder)) for kind in KINDS if kind.name in plan.peers]
        asked = [(name, gateway, gateway.first_polls(plan.clients)) for name, gateway in gateways]
        for _ in range(plan.rounds):
            for measure in ("repeated", "different"):
                for name, gateway, cursors in asked:
                    requests = gateway.short_polls(cursors, all_different=measure == "different")
                    results.add(measure, name, _rate(plan, gateway.address, requests, gateway.pids))
                requests = gateways[0][1].short_polls(asked[0][2], all_different=measure == "different")
                for peer in peers:
                    results.add(measure, peer.name, _rate(plan, peer.address, requests, peer.pids))


def _rate(plan: Plan, address: str, requests: list[bytes], pids: list[int]) -> float:
    figures = loadgen.throughput(
        address, requests, plan.folder, seconds=plan.seconds, connections=plan.connections, expect=304, watch=pids
    )
    return figures["per_second"]
