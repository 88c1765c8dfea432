"""Network addresses as keys of rate limits."""

import ipaddress


def counted_address(text: str) -> str:
    """Return the key for an address: itself for IPv4, its /64 for IPv6, without a zone id.

    A host has a whole /64 to itself (RFC 6177, RFC 4291 section 2.5.4), so counting single addresses would limit
    nothing. An IPv4-mapped address (`::ffff:192.0.2.1`) counts as the IPv4 address. A text that is not an address, as a
    server on a Unix socket reports, is its own key.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))
