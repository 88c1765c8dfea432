"""Short polls that bring one new notification: 200."""

from benchmarks import loadgen
from benchmarks.http_files import MARK, get
from benchmarks.results import Results
from benchmarks.rows.plan import Plan
from benchmarks.servers.gateway import Gateway, recipient_name

MOST_AUDIENCES = 1000
"""In one request."""


def measure_news(plan: Plan, results: Results) -> None:
    """Measure polls with a cursor from before a notification to each recipient by name.

    The cursor is not moved on, so every poll brings the same one; with so many recipients nobody polls often.
    """
    with plan.gateway() as gateway:
        cursors = gateway.first_polls(plan.clients)
        _publish_to_each(gateway, plan.clients)
        polls = [
            get(f"/v1/inbox?cursor={cursor}", gateway.token_header(number)) for number, cursor in enumerate(cursors)
        ]
        for _ in range(plan.rounds):
            figures = loadgen.throughput(
                gateway.address, polls, plan.folder, seconds=plan.seconds, connections=plan.connections, expect=200,
                contain=f'"title":"{MARK}', watch=gateway.pids,
            )  # fmt: skip
            results.add("news", plan.gateway_name, figures["per_second"])


def _publish_to_each(gateway: Gateway, recipients: int) -> None:
    audiences = [f"user:{recipient_name(number)}" for number in range(recipients)]
    parts = [audiences[start : start + MOST_AUDIENCES] for start in range(0, recipients, MOST_AUDIENCES)]
    loadgen.once(gateway.address, [gateway.publication(part) for part in parts], gateway.folder, expect=201)
