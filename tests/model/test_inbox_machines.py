"""Random programs against the model: nothing lost, nothing delivered twice, in order, counts right, ETags true.

`make campaign-model` runs 1,000 random programs per machine and database instead of the same few each time.
"""

import os
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import make_url

from tests.model.machine import InboxMachine
from tests.model.nodes import Nodes

EXAMPLES_VARIABLE = "NOTIFYGATE_MODEL_EXAMPLES"

IS_CAMPAIGN = EXAMPLES_VARIABLE in os.environ

EXAMPLES = {"sqlite": 25, "postgresql": 10}
"""The first programs of SQLite are run on PostgreSQL too, where each takes twice the time."""

PROFILE = settings(
    stateful_step_count=50,
    derandomize=not IS_CAMPAIGN,
    database=None,
    deadline=None,
    # Without `explain`, which traces every line and makes all of it several times slower.
    phases=[Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
    print_blob=IS_CAMPAIGN,
    suppress_health_check=list(HealthCheck),
)

# Passing takes well under a minute; failing takes longer, since the failure is made as small as possible.
pytestmark = [pytest.mark.both_databases, pytest.mark.timeout(0 if IS_CAMPAIGN else 600)]


def run(database_url: str, make: Callable[[], RuleBasedStateMachine]) -> None:
    examples = os.environ.get(EXAMPLES_VARIABLE) or EXAMPLES[make_url(database_url).get_backend_name()]
    run_state_machine_as_test(make, settings=settings(PROFILE, max_examples=int(examples)))  # type: ignore[arg-type]


def test_one_node_with_everything_in_memory(database_url: str) -> None:
    with closing(Nodes(database_url, 1)) as nodes:
        run(database_url, lambda: InboxMachine(nodes, expects_304=True))


def test_two_nodes_with_very_little_memory(database_url: str) -> None:
    """Most polls begin before the tail, and most views were evicted since their last use."""
    with closing(Nodes(database_url, 2, cached_views=2, tail_entries=12)) as nodes:
        run(database_url, lambda: InboxMachine(nodes, expects_304=False))
