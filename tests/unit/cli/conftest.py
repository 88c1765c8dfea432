"""Shared fixtures of the tests of `send` and `watch`: a scripted gateway, a clock, and a function to run commands."""

import os
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from notifygate.cli import main
from tests.unit.cli.scripted_gateway import FakePace, ScriptedGateway

SECRETS = {"NOTIFYGATE_KEY": "ng_k1_very-secret-key", "NOTIFYGATE_TOKEN": "very.secret.token"}

Run = Callable[..., Result]


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    scripted = ScriptedGateway()
    scripted.start()
    yield scripted
    scripted.close()


@pytest.fixture
def pace() -> FakePace:
    return FakePace()


@pytest.fixture
def environment(gateway: ScriptedGateway) -> dict[str, str]:
    return {**SECRETS, "NOTIFYGATE_URL": gateway.url}


@pytest.fixture
def process_environment(environment: dict[str, str]) -> dict[str, str]:
    """The environment for a command in a process of its own, with output buffered as it usually is."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**inherited, **environment}


@pytest.fixture
def run(environment: dict[str, str], pace: FakePace) -> Run:
    """Run the command line in this process. Its output must never contain a secret."""

    def run(*arguments: str, stdin: bytes | None = None, **changes: str | None) -> Result:
        env = {**environment, **changes}
        result = CliRunner().invoke(main, arguments, input=stdin, env=env, obj=pace.as_pace(), catch_exceptions=False)
        for secret in {*SECRETS.values(), *(env[name] for name in SECRETS)} - {None, ""}:
            assert str(secret) not in result.output
        return result

    return run
