"""A Redis with TLS, client certificates and one user with the documented rules, and nothing else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.ha.conftest import documented_rules, skip_without
from tests.support.binaries import BinaryNotFoundError
from tests.support.certificates import make_certificate
from tests.support.command_line import CommandLine
from tests.support.doctor import report, wrong
from tests.support.redis_with_tls import RedisWithTls
from tests.support.site import RARE_HEAD_READS, MakeSite, Site
from tests.support.waiting import all_done, eventually

RARE = {name.removeprefix("NOTIFYGATE_"): value for name, value in RARE_HEAD_READS.items()}


@pytest.fixture
def redis() -> Iterator[RedisWithTls]:
    try:
        made = RedisWithTls(documented_rules(is_old=True), "pass@word/1")
    except BinaryNotFoundError as error:
        skip_without(error)
    with closing(made):
        made.start()
        yield made


def is_connected(site: Site) -> bool:
    return all(site.metric("notifygate_redis_up", at) == 1 for at in range(len(site.gateways)))


def test_wake_ups_and_limits_use_a_redis_with_tls(make_site: MakeSite, postgres_url: str, redis: RedisWithTls) -> None:
    site = make_site(postgres_url, gateways=2, REDIS_URL=redis.url, LIMIT_PUBLISH="3/day", **RARE)
    reader, publisher = site.recipient(at=1), site.publisher(at=0)
    for _ in range(2):
        eventually(lambda: is_connected(site), "both gateways are connected")
        with site.held([reader]) as polls:
            publisher.publish(f"user:{reader.name}")
            all_done(polls)
        redis.stop()
        eventually(lambda: not is_connected(site), "the gateways notice that Redis is away")
        redis.start()
    assert "NOPERM" not in "".join(gateway.output for gateway in site.gateways)


def test_certificate_of_another_authority_is_refused(
    make_site: MakeSite, postgres_url: str, redis: RedisWithTls, tmp_path: Path
) -> None:
    other, _ = make_certificate(tmp_path)
    url = redis.url_trusting(other)
    faults = wrong(report(CommandLine(tmp_path / "var"), env={"NOTIFYGATE_REDIS_URL": url}))
    assert "its certificate is not trusted (self-signed certificate)" in faults
    site = make_site(postgres_url, REDIS_URL=url)
    eventually(lambda: "Wake-ups through Redis are down: ConnectionError" in site.gateways[0].output, "the refusal")
    assert not is_connected(site)
    site.publisher().publish("all")
