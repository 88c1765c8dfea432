"""The response to a request that gunicorn can't parse, or that fails outside the application: a problem (RFC 9457).

gunicorn's own response and log line quote the request: a header without its colon may be a credential, and a URL may
contain the text of a notification.
"""

import logging
from email.utils import formatdate

import orjson
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine
from gunicorn.http.errors import ParseException as RequestParseError

from notifygate.problem_catalogue import CATALOGUE, problem_document
from notifygate.protocol.response import SERVER_NAME
from notifygate.server.handler import registered_handler
from notifygate.server.host import InvalidHostError

logger = logging.getLogger(__name__)


def reject(error: BaseException) -> bytes:
    """Record a rejected request, and return the bytes of the response, which closes its connection."""
    if isinstance(error, LimitRequestLine):
        code = "uri-too-long"
    elif isinstance(error, LimitRequestHeaders):
        code = "headers-too-large"
    elif isinstance(error, RequestParseError | InvalidHostError):
        code = "invalid-request"
    else:
        code = "internal"
    problem = CATALOGUE[code]
    request_id = registered_handler().record_rejected(problem.status)
    if code == "internal":
        detail = problem.explanation
        logger.error("Request failed", exc_info=error, extra={"request_id": request_id})
    else:
        detail = "The request is not valid HTTP/1.1."
        logger.debug("Request rejected: %s", type(error).__name__, extra={"request_id": request_id})
    body = orjson.dumps(problem_document(code, detail, request_id))
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\nServer: {SERVER_NAME}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"Connection: close\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
