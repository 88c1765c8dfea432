"""The wake of one of many through Redis: two gateways that share a database, each with half of the clients."""

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.loadgen import HoldRun
from benchmarks.machine import LOAD_CORE, SERVER_CORE, on_core
from benchmarks.results import Results
from benchmarks.rows.holds import WAKE_GAP_MS
from benchmarks.rows.plan import LASTING, Plan, Variant
from benchmarks.servers.gateway import Gateway
from tests.support.redis_server import RedisServer

WAKES = "notifygate_wake_seconds"
"""The gateway's own histogram of the time from the commit to the answer of a woken hold."""


def measure_redis_wakes(plan: Plan, results: Results) -> None:
    """Measure the clients of the gateway that the publisher doesn't talk to: all their wakes come through Redis.

    Their gateway shares the server's core with Redis, the publisher's shares the other one with the load generator: so
    that finishing the publisher's answer isn't what a woken client, or Redis, waits for.
    """
    with ExitStack() as stack:
        pairs = [(variant.name, *_hold(stack, plan, variant)) for variant in plan.variants]
        for _ in range(plan.wake_rounds):
            for name, far, run in pairs:
                _measure(plan, name, results, far, run)
        for _, _, run in pairs:
            run.finish()


def _hold(stack: ExitStack, plan: Plan, variant: Variant) -> tuple[Gateway, HoldRun]:
    """Start two gateways and let half of the clients wait at each; return the one that publishers don't talk to."""
    redis = RedisServer()
    stack.callback(redis.close)
    with on_core(SERVER_CORE):
        redis.start()
    env = {**LASTING, "NOTIFYGATE_REDIS_URL": redis.url}
    near = stack.enter_context(variant.gateway(plan.folder, env, core=LOAD_CORE))
    far = stack.enter_context(Gateway(plan.folder, env=env, database_url=near.database_url))
    hold_plan = replace(
        near.hold_plan(range(plan.clients)),
        addresses=[near.address, far.address],
        watch=[*near.pids, *far.pids],
    )
    run = stack.enter_context(HoldRun(hold_plan, plan.folder))
    run.open()
    return far, run


def _measure(plan: Plan, name: str, results: Results, far: Gateway, run: HoldRun) -> None:
    before = far.buckets(WAKES)
    latency = run.wake(2 * plan.wakes, WAKE_GAP_MS)["latency_1"]
    passed = {limit: count - before.get(limit, 0) for limit, count in far.buckets(WAKES).items()}
    results.add("redis_commit_p50", name, 1000 * quantile(passed, 0.5))
    results.add("redis_commit_p99", name, 1000 * quantile(passed, 0.99))
    results.add("redis_p50", name, latency["p50_ms"])
    results.add("redis_p99", name, latency["p99_ms"])


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """Return the value below which a share of a histogram's observations lie, within a bucket by its proportion.

    `buckets`: observations up to each limit. What lies beyond the last finite limit counts as being at it.
    """
    limits = sorted(buckets)
    wanted = share * buckets[limits[-1]]
    lower, below = 0.0, 0.0
    for limit in limits:
        if limit == math.inf:
            break
        if buckets[limit] >= wanted:
            inside = buckets[limit] - below
            return lower + (limit - lower) * ((wanted - below) / inside if inside else 1.0)
        lower, below = limit, buckets[limit]
    return lower
