"""Durable publishing: many small requests at a time, and requests with 1,000 audiences."""

from collections.abc import Sequence
from contextlib import ExitStack

from sqlalchemy import create_engine, func, select

from benchmarks.loadgen import LoadError
from benchmarks.results import Results
from benchmarks.rows.news import MOST_AUDIENCES
from benchmarks.rows.plan import Plan
from benchmarks.rows.throughput import measure
from benchmarks.servers.gateway import Gateway, recipient_name
from notifygate.storage.tables import NOTIFICATIONS

CONNECTIONS = 64
PUBLISHERS = 1000
"""API keys: at 1,200 requests a minute and key they are enough for every speed that is to be expected, so the limit
stays on."""

WIDE_CONNECTIONS = 4
"""Connections that publish to 1,000 audiences at a time."""

WIDE_PUBLISHERS = 200
"""API keys for that: at 60,000 audiences a minute and key they are enough for 200,000 a second."""


def measure_publishing(plan: Plan, results: Results) -> None:
    """Measure both, of the gateways in turn."""
    with ExitStack() as stack:
        gateways = [(variant.name, stack.enter_context(variant.gateway(plan.folder))) for variant in plan.variants]
        requests = {name: (_single(plan, gateway), _wide(gateway)) for name, gateway in gateways}
        for _ in range(plan.rounds):
            for name, gateway in gateways:
                single, wide = requests[name]
                _measure(plan, results, name, gateway, single, "publish", CONNECTIONS, 1)
                _measure(plan, results, name, gateway, wide, "audiences", WIDE_CONNECTIONS, MOST_AUDIENCES)


def _single(plan: Plan, gateway: Gateway) -> list[bytes]:
    gateway.key_header(PUBLISHERS - 1)  # makes all of them at once
    return [
        gateway.publication(f"user:{recipient_name(number)}", number % PUBLISHERS) for number in range(plan.clients)
    ]


def _wide(gateway: Gateway) -> list[bytes]:
    recipients = [f"user:{recipient_name(number)}" for number in range(10 * MOST_AUDIENCES)]
    starts = range(0, len(recipients), MOST_AUDIENCES)
    audiences = [recipients[start : start + MOST_AUDIENCES] for start in starts]
    return [gateway.publication(audiences[key % len(audiences)], key) for key in range(WIDE_PUBLISHERS)]


def _measure(
    plan: Plan, results: Results, name: str, gateway: Gateway, requests: Sequence[bytes], row: str, connections: int,
    each: int,
) -> None:  # fmt: skip
    """Raise LoadError unless whatever was answered with 201 is in the database afterwards."""
    before = _count_notifications(gateway)
    figures = measure(plan, results, name, gateway, requests, row=row, expect=201, connections=connections, each=each)
    kept = _count_notifications(gateway) - before
    if kept != figures["answered"]:
        raise LoadError(f"{figures['answered']} notifications were confirmed, and {kept} are in the database.")


def _count_notifications(gateway: Gateway) -> int:
    engine = create_engine(gateway.database_url)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(NOTIFICATIONS)).scalar_one()
    engine.dispose()
    return count
