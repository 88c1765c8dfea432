"""Answers of the inbox: bodies, ETags and the headers that go with them."""

from flask import Response, g

from notifygate.api.gateway import gateway
from notifygate.api.guard import count
from notifygate.api.headers import PRIVATE
from notifygate.domain.cursor import etag
from notifygate.inbox.answer import Found, Nothing, counts_body, poll_body


def inbox_answer(outcome: Found | Nothing) -> Response:
    """Answer a poll of the inbox: 304 if an ETag still holds, else 200."""
    return _answer(outcome, counts_only=False)


def counts_answer(outcome: Found | Nothing) -> Response:
    """Answer a poll of the counts: 304 if an ETag still holds, else 200."""
    return _answer(outcome, counts_only=True)


def json_answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Make an answer of JSON that no cache may keep for anybody else."""
    return Response(body, status, {**PRIVATE, **(headers or {})}, mimetype="application/json")


def _answer(outcome: Found | Nothing, *, counts_only: bool) -> Response:
    advice = gateway().advice
    poll_after = advice.poll_after()
    headers = {"Poll-Interval": str(poll_after)}
    if (granted := g.get("granted_wait")) is not None:
        headers["Preference-Applied"] = f"wait={granted}"
    if isinstance(outcome, Nothing):
        if outcome.matched is not None:
            response = Response(status=304, headers={**PRIVATE, **headers, "ETag": etag(outcome.matched)})
            del response.headers["Content-Type"]
            return response
        outcome = gateway().polls.as_found(outcome)
    if outcome.is_news:
        count("poll")
    if counts_only:
        body = counts_body(outcome.unread, outcome.unseen)
    else:
        body = poll_body(outcome, poll_after, advice.longest_wait())
    return json_answer(body, headers={**headers, "ETag": etag(outcome.token)})
