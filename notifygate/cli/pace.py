"""Delays of retries: exponential backoff with full jitter, and its clock.

Full jitter (a delay drawn evenly between zero and the bound) spreads clients that failed together
over the whole interval, so that a gateway which comes back does not get all of their requests at once.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_BOUND_SECONDS = 1.0  # a restart of the gateway takes about that long
_MAX_DOUBLINGS = 16  # over 18 hours, beyond every bound in use; 2.0**1024 would overflow


@dataclass(frozen=True)
class Pace:
    """Sleep, clock (monotonic seconds) and chance of a command; tests give their own as click's `obj`."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    uniform: Callable[[float, float], float] = random.uniform

    def backoff_seconds(self, failures: int, longest_seconds: float) -> float:
        """Draw the delay after the `failures`-th failure in a row (1 or more), at most `longest_seconds`."""
        doublings = min(failures - 1, _MAX_DOUBLINGS)
        return self.uniform(0.0, min(longest_seconds, FIRST_BOUND_SECONDS * 2.0**doublings))
