"""The wake of one of many through Redis: two gateways that share a database, each with half of the clients."""

from contextlib import ExitStack
from dataclasses import replace

from benchmarks.loadgen import HoldRun
from benchmarks.machine import LOAD_CORE, on_core
from benchmarks.results import Results
from benchmarks.rows.holds import WAKE_GAP_MS
from benchmarks.rows.plan import Plan, Variant
from benchmarks.servers.gateway import Gateway
from tests.support.redis_server import RedisServer


def measure_redis_wakes(plan: Plan, results: Results) -> None:
    """Measure the clients of the gateway that the publisher doesn't talk to: all their wakes come through Redis.

    Both gateways share the server's core; Redis shares the load generator's.
    """
    for _ in range(plan.hold_rounds):
        for variant in plan.variants:
            _measure(plan, variant, results)


def _measure(plan: Plan, variant: Variant, results: Results) -> None:
    with ExitStack() as stack:
        redis = RedisServer()
        stack.callback(redis.close)
        with on_core(LOAD_CORE):
            redis.start()
        env = {"NOTIFYGATE_REDIS_URL": redis.url}
        near = stack.enter_context(variant.gateway(plan.folder, env))
        far = stack.enter_context(Gateway(plan.folder, env=env, database_url=near.database_url))
        hold_plan = replace(
            near.hold_plan(range(plan.clients)),
            addresses=[near.address, far.address],
            watch=[*near.pids, *far.pids],
        )
        with HoldRun(hold_plan, plan.folder) as run:
            run.open()
            latency = run.wake(2 * plan.wakes, WAKE_GAP_MS)["latency_1"]
            run.finish()
    results.add("redis_p50", variant.name, latency["p50_ms"])
    results.add("redis_p99", variant.name, latency["p99_ms"])
