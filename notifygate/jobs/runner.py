"""The runner of jobs: each in a greenlet of its own, so that a long one delays no other."""

import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from notifygate.background import Background
from notifygate.errors import NotifygateError
from notifygate.services import Services

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is repeated, with a pause before each run, the first included."""

    name: str
    every_seconds: float
    """The longest pause."""
    run: Callable[[Services], object]
    """Does all that is due. A NotifygateError means that it has to wait until the next run."""
    jitter: float = 0.0
    """The share of the pause that is random, so that workers don't run the job at the same time."""


class JobRunner:
    """Runs jobs while it is started."""

    def __init__(self, jobs: Iterable[Job], services: Services) -> None:
        self._loops = [_JobLoop(job, services) for job in jobs]

    def start(self) -> None:
        """Begin."""
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Stop. A job that is running ends what it has begun."""
        for loop in self._loops:
            loop.stop()


class _JobLoop(Background):
    """Repeats one job."""

    def __init__(self, job: Job, services: Services) -> None:
        super().__init__(self._pause_and_run)
        self._job = job
        self._services = services

    def _pause_and_run(self) -> None:
        job = self._job
        with self.idle:
            self._services.clock.sleep(job.every_seconds * random.uniform(1 - job.jitter, 1))  # noqa: S311 - guards nothing
        try:
            job.run(self._services)
        except NotifygateError as error:
            logger.warning("The job %s is postponed: %s", job.name, error.for_operators)
        except Exception:
            logger.exception("The job %s failed", job.name)
