"""Short polls that bring one new notification: 200."""

from contextlib import ExitStack

from benchmarks import loadgen
from benchmarks.http_files import MARK, get
from benchmarks.results import Results
from benchmarks.rows.plan import Plan
from benchmarks.rows.throughput import measure
from benchmarks.servers.gateway import Gateway, recipient_name

MOST_AUDIENCES = 1000
"""In one request."""


def measure_news(plan: Plan, results: Results) -> None:
    """Measure polls with a cursor from before a notification to each recipient by name.

    The cursor is not moved on, so every poll brings the same one; with so many recipients nobody polls often.
    """
    with ExitStack() as stack:
        asked = [
            (variant.name, gateway, _polls_with_news(plan, gateway))
            for variant in plan.variants
            for gateway in [stack.enter_context(variant.gateway(plan.folder))]
        ]
        for _ in range(plan.rounds):
            for name, gateway, polls in asked:
                measure(plan, results, name, gateway, polls, row="news", expect=200, contain=f'"title":"{MARK}')


def _polls_with_news(plan: Plan, gateway: Gateway) -> list[bytes]:
    cursors = gateway.first_polls(range(plan.clients))
    audiences = [f"user:{recipient_name(number)}" for number in range(plan.clients)]
    parts = [audiences[start : start + MOST_AUDIENCES] for start in range(0, len(audiences), MOST_AUDIENCES)]
    loadgen.once(gateway.address, [gateway.publication(part) for part in parts], plan.folder, expect=201)
    return [get(f"/v1/inbox?cursor={cursor}", gateway.token_header(number)) for number, cursor in enumerate(cursors)]
