"""Network addresses as keys of rate limits."""

import ipaddress
import re

_WITH_PORT = re.compile(r"(?P<ipv4>[0-9.]+):[0-9]+|\[(?P<ipv6>[^\]]+)\](?::[0-9]+)?")
"""An address as some proxies write it into X-Forwarded-For (RFC 7239 section 6 has the same form)."""


def counted_address(text: str) -> str:
    """Return the key for an address: itself for IPv4, its /64 for IPv6, without a port and a zone id.

    A host has a whole /64 to itself (RFC 6177, RFC 4291 section 2.5.4), so counting single addresses would limit
    nothing. An IPv4-mapped address (`::ffff:192.0.2.1`) counts as the IPv4 address. A text that is not an address, as a
    server on a Unix socket reports, is its own key.
    """
    with_port = _WITH_PORT.fullmatch(text)
    host = with_port["ipv4"] or with_port["ipv6"] if with_port else text
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))
