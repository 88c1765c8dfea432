"""The Host field of requests that gunicorn's parser has read (RFC 9112 section 3.2).

The parser rejects a second Host, and accepts any value or none.
"""

import re
from typing import Any

_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"  # a name, which may be empty, or an IPv4 address
    r"|\[[A-Za-z0-9._~!$&'()*+,;=:-]+\])"  # an IPv6 address or a later one
    r"(?::[0-9]*)?"
)
"""`uri-host [ ":" port ]` (RFC 3986 section 3.2.2), by its characters."""


class InvalidHostError(Exception):
    """A request without the Host that HTTP/1.1 requires, or with an invalid one."""


def check_host(req: Any) -> None:
    """Raise InvalidHostError unless a request has a valid Host. In HTTP/1.0 it may be missing."""
    hosts = [value for name, value in req.headers if name == "HOST"]
    if not hosts and req.version < (1, 1):
        return
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise InvalidHostError
