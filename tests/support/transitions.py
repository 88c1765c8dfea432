"""A check of objects whose states and transitions are in one table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest


def check_transitions(
    make: Callable[[], Any], transitions: Mapping[Any, Any], states: Sequence[str], events: Sequence[str]
) -> None:
    """Fail unless each event leads to the state of the table, and is an error where the table has none."""
    for state in states:
        for event in events:
            subject = make()
            subject.state = state
            if state in transitions[event]:
                subject.change(event)
                assert subject.state == transitions[event][state]
            else:
                with pytest.raises(KeyError):
                    subject.change(event)
