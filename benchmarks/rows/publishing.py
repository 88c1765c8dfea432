"""Durable publishing: many small requests at a time, and requests with 1,000 audiences."""

from sqlalchemy import create_engine, func, select

from benchmarks import loadgen
from benchmarks.loadgen import LoadError
from benchmarks.results import Results
from benchmarks.rows.news import MOST_AUDIENCES
from benchmarks.rows.plan import Plan
from benchmarks.servers.gateway import Gateway, recipient_name
from notifygate.storage.tables import NotificationRow, table

CONNECTIONS = 64
PUBLISHERS = 256
"""API keys: at 1,200 requests a minute and key they are enough for 5,000 a second, so the limit stays on."""

WIDE_CONNECTIONS = 4
"""Connections that publish to 1,000 audiences at a time."""


def measure_publishing(plan: Plan, results: Results) -> None:
    """Measure both. Whatever was answered with 201 must be in the database afterwards."""
    with plan.gateway() as gateway:
        gateway.first_polls(1)
        gateway.key_header(PUBLISHERS - 1)
        single = [
            gateway.publication(f"user:{recipient_name(number)}", number % PUBLISHERS) for number in range(plan.clients)
        ]
        audiences = [f"user:{recipient_name(number)}" for number in range(max(plan.clients, MOST_AUDIENCES))]
        wide = [
            gateway.publication(audiences[start : start + MOST_AUDIENCES], start // MOST_AUDIENCES % PUBLISHERS)
            for start in range(0, len(audiences), MOST_AUDIENCES)
        ]
        for _ in range(plan.rounds):
            results.add("publish", plan.gateway_name, _rate(plan, gateway, single, CONNECTIONS))
            per_second = _rate(plan, gateway, wide, min(WIDE_CONNECTIONS, len(wide)))
            results.add("audiences", plan.gateway_name, per_second * MOST_AUDIENCES)


def _rate(plan: Plan, gateway: Gateway, requests: list[bytes], connections: int) -> float:
    before = _count_notifications(gateway)
    figures = loadgen.throughput(
        gateway.address, requests, plan.folder, seconds=plan.seconds, connections=connections, expect=201,
        watch=gateway.pids,
    )  # fmt: skip
    kept = _count_notifications(gateway) - before
    if kept != figures["answered"]:
        raise LoadError(f"{figures['answered']} notifications were confirmed, and {kept} are in the database.")
    return figures["per_second"]


def _count_notifications(gateway: Gateway) -> int:
    engine = create_engine(gateway.database_url)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(table(NotificationRow))).scalar_one()
    engine.dispose()
    return count
