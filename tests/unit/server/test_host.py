"""The Host of a request (RFC 9112 section 3.2)."""

from types import SimpleNamespace

import pytest

from notifygate.server.host import InvalidHostError, check_host


def check(*hosts: str, version: tuple[int, int] = (1, 1)) -> None:
    check_host(SimpleNamespace(version=version, headers=[("ACCEPT", "*/*"), *(("HOST", host) for host in hosts)]))


@pytest.mark.parametrize(
    "host",
    [
        "", "gateway", "gateway:8080", "gateway:", ":80", "gate_way.example.", "127.0.0.1:80", "[::1]", "[::1]:8080",
        "[v1.a:b]", "xn--bcher-kva.example", "b%C3%BCcher.example", "a,b", "!$&'()*+,;=~-",
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [(1, 0), (1, 1)])
def test_valid_host_is_accepted(host: str, version: tuple[int, int]) -> None:
    check(host, version=version)


@pytest.mark.parametrize(
    "host",
    [
        "a b", "a, b", "gateway/x", "gateway:80a", "gateway:80:80", "user@gateway", "[::1", "::1", "[]", "[::1]x", "%zz",
        "http://gateway", "g\xe4te", "gateway?x", "gateway#x", "gateway\\x", "<script>", '"gateway"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [(1, 0), (1, 1)])
def test_invalid_host_is_rejected(host: str, version: tuple[int, int]) -> None:
    with pytest.raises(InvalidHostError):
        check(host, version=version)


@pytest.mark.parametrize("version", [(1, 0), (1, 1)])
def test_two_hosts_are_rejected(version: tuple[int, int]) -> None:
    with pytest.raises(InvalidHostError):
        check("gateway", "gateway", version=version)


def test_only_http_1_0_needs_no_host() -> None:
    check(version=(1, 0))
    with pytest.raises(InvalidHostError):
        check()
