"""The response to a request that gunicorn can't parse, or that fails outside the application: a problem (RFC 9457).

gunicorn's own response and log line quote the request: a header without its colon may be a credential, and a URL may
contain the text of a notification.
"""

import logging
from email.utils import formatdate

import orjson
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine
from gunicorn.http.errors import ParseException as RequestParseError

from notifygate.domain.ids import new_request_id
from notifygate.problem_catalogue import CATALOGUE, problem_document
from notifygate.protocol.response import SERVER_NAME
from notifygate.server.host import InvalidHostError

logger = logging.getLogger(__name__)


def reject(error: BaseException) -> bytes:
    """Log the reason of a rejection, and return the bytes of the response, which closes its connection."""
    if isinstance(error, LimitRequestLine):
        code = "uri-too-long"
    elif isinstance(error, LimitRequestHeaders):
        code = "headers-too-large"
    elif isinstance(error, RequestParseError | InvalidHostError):
        code = "invalid-request"
    else:
        code = "internal"
    request_id = new_request_id()
    defect = error if code == "internal" else None
    logger.warning("Request rejected: %s", type(error).__name__, exc_info=defect, extra={"request_id": request_id})
    problem = CATALOGUE[code]
    detail = problem.explanation if defect else "The request is not valid HTTP/1.1."
    body = orjson.dumps(problem_document(code, detail, request_id))
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\nServer: {SERVER_NAME}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"Connection: close\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
