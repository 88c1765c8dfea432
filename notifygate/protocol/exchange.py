"""An exchange: one request with the results of the pipeline's steps, until its response is recorded."""

import time
from typing import Any

from notifygate.domain.address import counted_address
from notifygate.domain.ids import new_request_id
from notifygate.domain.principal import Publisher, Recipient
from notifygate.limits.windows import LimitName
from notifygate.protocol.request import Request
from notifygate.protocol.response import SANE_REQUEST_ID


class Exchange:
    """A request, its principal, and the limits that it was counted against.

    An exchange survives a change from the hub to a greenlet: authentication and counting are not repeated.
    """

    __slots__ = (
        "_request_id", "began_at", "client", "counted", "granted_wait", "held_seconds", "is_http_11", "keep_alive",
        "method", "origin", "principal", "request", "route",
    )  # fmt: skip

    def __init__(self, request: Request, route: str, client: Any = None) -> None:
        self.client = client
        """The transport's connection to the client."""
        self.request = request
        """Unavailable once the exchange is held."""
        self.route = route
        """The path with its variable parts in angle brackets; a label in logs and metrics."""
        self.method = request.method
        self.is_http_11 = request.is_http_11
        self.keep_alive = request.keep_alive
        """Whether the connection stays open after the response (RFC 9112 section 9.3)."""
        fields = request.fields
        self.origin = fields[b"origin"].decode("latin-1") if b"origin" in fields else None
        self.began_at = time.monotonic()
        self._request_id: str | None = None
        if b"x-request-id" in fields and SANE_REQUEST_ID.fullmatch(given := fields[b"x-request-id"].decode("latin-1")):
            self._request_id = given
        self.principal: Recipient | Publisher | None = None
        self.counted: tuple[LimitName, ...] = ()
        """The limits that the request was counted against, in order."""
        self.granted_wait: int | None = None
        """Granted seconds of a wait, None if the request asked for none."""
        self.held_seconds = 0.0

    @property
    def request_id(self) -> str:
        """The caller's id of the request, else a new one. Created on first use: most held requests never need one."""
        if self._request_id is None:
            self._request_id = new_request_id()
        return self._request_id

    def limit_key(self, name: LimitName) -> str:
        """Return the key of the request in a limit: the principal, or the address that failed to authenticate."""
        if self.principal is None:
            return counted_address(self.request.address)
        return self.principal.label

    @property
    def recipient(self) -> Recipient:
        """The recipient, at an endpoint for recipients."""
        assert isinstance(self.principal, Recipient)  # the pipeline admits no other  # noqa: S101
        return self.principal

    @property
    def publisher(self) -> Publisher:
        """The publisher, at an endpoint for publishers or administrators."""
        assert isinstance(self.principal, Publisher)  # the pipeline admits no other  # noqa: S101
        return self.principal
