"""Encoding of responses as bytes. The fields that all responses share are joined once a second, with the Date."""

import email.utils
from collections.abc import Sequence

from notifygate.limits.rate_limits import RateLimits
from notifygate.limits.windows import LimitName
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.response import NO_SNIFFING, PRIVATE, SERVER_NAME, Response, field_lines, reason_phrase

EXPOSED_HEADERS = "ETag, Poll-Interval, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
"""Header fields that scripts of other origins may read (docs/protocol.md, CORS)."""

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id"
"""Header fields that scripts of other origins may send."""

_EXPOSED = field_lines({"Access-Control-Expose-Headers": EXPOSED_HEADERS})
_PREFLIGHT = field_lines(
    {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",  # seconds for which a browser may cache this
    }
)


class Encoder:
    """Encodes responses with their common fields. `origins`: those whose scripts may read responses (CORS)."""

    def __init__(self, origins: Sequence[str], limits: RateLimits) -> None:
        self._rate_limits = limits
        self._origins = origins
        self.private = _with_vary(PRIVATE) if origins else PRIVATE
        """PRIVATE as it is sent in responses to requests without Origin."""
        self._cors = {origin: field_lines({"Access-Control-Allow-Origin": origin}) + _EXPOSED for origin in origins}
        self._starts: dict[tuple[int, bool, bool], bytes] = {}
        self._limits: dict[tuple[LimitName, ...], bytes] = {}

    def refresh(self) -> None:
        """Drop the lines with the old Date. Called once a second."""
        self._starts.clear()

    def encode(self, exchange: Exchange, response: Response) -> bytes:
        """Return a response as bytes (RFC 9112)."""
        start = self.start(response.status, is_http_11=exchange.is_http_11, keep_alive=exchange.keep_alive)
        if response.status in (204, 304):
            return b"%b%b\r\n" % (start, self.fields(exchange, response))
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (
            start,
            self.fields(exchange, response),
            len(response.body),
            response.body,
        )

    def fields(self, exchange: Exchange, response: Response) -> bytes:
        """Return the header lines of a response, without those of the connection and the body's length."""
        fields = response.fields
        if response.status != 304:
            fields = b"%b%bX-Request-Id: %b\r\n%b" % (
                fields,
                NO_SNIFFING,
                exchange.request_id.encode(),
                self._limit_lines(exchange),
            )
        return self._with_cors(exchange, fields) if self._origins else fields

    def start(self, status: int, *, is_http_11: bool, keep_alive: bool) -> bytes:
        """Return the status line and the fields that depend only on the second and the connection."""
        key = (status, is_http_11, keep_alive)
        start = self._starts.get(key)
        if start is None:
            lines = {
                "Server": SERVER_NAME,
                "Date": email.utils.formatdate(usegmt=True),
                "Connection": "keep-alive" if keep_alive else "close",
            }
            reason = reason_phrase(status).encode()
            start = b"HTTP/1.%d %d %b\r\n%b" % (is_http_11, status, reason, field_lines(lines))
            self._starts[key] = start
        return start

    def _limit_lines(self, exchange: Exchange) -> bytes:
        """Return the RateLimit fields of the limits that the request was counted against; empty without any."""
        names = exchange.counted
        if not names:
            return b""
        limits, numbers = self._rate_limits, list[int]()
        for name in names:
            numbers += limits.left(name, exchange.limit_key(name))
        return self.limit_template(names) % tuple(numbers)

    def limit_template(self, names: tuple[LimitName, ...]) -> bytes:
        """Return the lines of some limits with, for each, %d for the remaining number and the seconds until its
        reset."""
        template = self._limits.get(names)
        if template is None:
            limits = [windows for name in names if (windows := self._rate_limits.windows(name))]
            # draft-ietf-httpapi-ratelimit-headers-10
            fields = {
                "RateLimit-Policy": ", ".join([f'"{of.name}";q={of.limit};w={of.window_seconds}' for of in limits]),
                "RateLimit": ", ".join([f'"{of.name}";r=%d;t=%d' for of in limits]),
            }
            template = self._limits[names] = field_lines(fields)
        return template

    def _with_cors(self, exchange: Exchange, fields: bytes) -> bytes:
        fields = _with_vary(fields)
        allowed = self._cors.get(exchange.origin or "")
        if allowed is None:
            return fields
        return fields + allowed + (_PREFLIGHT if exchange.method == "OPTIONS" else b"")


def _with_vary(fields: bytes) -> bytes:
    """Return fields with Origin in Vary."""
    if b"Vary: " in fields:
        return fields.replace(b"Vary: ", b"Vary: Origin, ", 1)
    return fields + b"Vary: Origin\r\n"
