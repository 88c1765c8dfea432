"""The runner of jobs: the times of their runs, and the effect of a failure."""

import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import gevent
import pytest
from gevent.event import Event

from notifygate.errors import UnavailableError
from notifygate.jobs import JOBS
from notifygate.jobs.runner import Job, JobRunner
from notifygate.services import Services
from tests.support.manual_clock import ManualClock
from tests.support.waiting import eventually

Run = Callable[..., JobRunner]


@pytest.fixture
def run(clock: ManualClock) -> Iterator[Run]:
    """Return a function that starts a runner of some jobs."""
    runners: list[JobRunner] = []

    def run(*jobs: Job) -> JobRunner:
        runners.append(JobRunner(jobs, cast(Services, SimpleNamespace(clock=clock))))
        runners[-1].start()
        eventually(lambda: clock.waits == len(jobs), "the first pauses")
        return runners[-1]

    yield run
    for runner in runners:
        runner.stop()


def test_job_runs_after_each_pause(run: Run, clock: ManualClock) -> None:
    runs: list[Services] = []
    run(Job("job", 10.0, runs.append))
    for count in (1, 2, 3):
        clock.advance(9.9)
        gevent.idle()
        assert len(runs) == count - 1
        clock.advance(0.2)
        eventually(lambda count=count: len(runs) == count and clock.waits == count + 1, "a run")


def test_pause_is_shortened_by_no_more_than_the_jitter(run: Run, clock: ManualClock) -> None:
    runs: list[Services] = []
    run(*(Job("job", 100.0, runs.append, jitter=0.5) for _ in range(40)))
    clock.advance(49.9)
    gevent.idle()
    assert runs == []
    clock.advance(25.1)
    eventually(lambda: len(runs) > 0, "the first runs")
    gevent.idle()
    assert len(runs) < 40
    clock.advance(25.1)
    eventually(lambda: len(runs) >= 40, "the others")


def test_job_that_fails_is_logged_and_runs_again(
    run: Run, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    errors = iter([UnavailableError("The database can't be reached.", "start it"), RuntimeError("a defect")])
    runs: list[Services] = []

    def fail_twice(services: Services) -> None:
        runs.append(services)
        for error in errors:
            raise error

    run(Job("the job", 1.0, fail_twice))
    for count in (1, 2, 3):
        clock.advance(1.0)
        eventually(lambda count=count: len(runs) == count and clock.waits == count + 1, "a run")
    assert [record[1:] for record in caplog.record_tuples if record[0] == "notifygate.jobs.runner"] == [
        (logging.WARNING, "The job the job is postponed: The database can't be reached: start it"),
        (logging.ERROR, "The job the job failed"),
    ]


def test_long_job_delays_no_other_and_the_runner_waits_for_it_when_it_stops(run: Run, clock: ManualClock) -> None:
    begun, go_on, ended, others = Event(), Event(), Event(), list[Services]()

    def take_long(_: Services) -> None:
        begun.set()
        go_on.wait()
        ended.set()

    runner = run(Job("long", 1.0, take_long), Job("other", 1.0, others.append))
    clock.advance(1.0)
    eventually(lambda: begun.is_set() and len(others) == 1, "both runs")
    stopping = gevent.spawn(runner.stop)
    gevent.idle()
    assert not stopping.ready()
    go_on.set()
    stopping.join()
    assert ended.is_set()


def test_names_of_jobs_differ() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
