"""Error responses as one sentence for people (docs/protocol.md section 1, RFC 9457)."""

from __future__ import annotations

import http.client
import json
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from notifygate.cli.one_line import one_line

MAX_RETRY_AFTER_SECONDS = 600.0  # ten windows of the rate limits; more is an error of a proxy


def describe_refusal(status: int, headers: http.client.HTTPMessage, body: bytes) -> str:
    """Return one line: the status and, if the body is a problem document, its code and detail."""
    problem = _read_problem(body)
    name = one_line(str(problem.get("code") or http.client.responses.get(status, "")))
    explanation = str(problem.get("detail") or problem.get("title") or "")
    errors: Any = problem.get("errors")
    if isinstance(errors, list):
        explanation = "; ".join(_describe_field(error) for error in cast("list[Any]", errors)) or explanation
    if 300 <= status < 400:
        explanation = f"it redirects to {headers.get('Location', 'no Location')}; correct NOTIFYGATE_URL"
    line = one_line(f"the gateway answered {status} {name}")
    return line + (f": {one_line(explanation)}" if explanation else "")


def _describe_field(error: Any) -> str:
    """Return one item of a problem's `errors` as "field: message"."""
    if not isinstance(error, dict):
        return str(error)
    named = cast("dict[str, Any]", error)
    return f"{named.get('field')}: {named.get('message')}"


def problem_code(body: bytes) -> str:
    """Return the `code` of a problem document, "" for any other body."""
    return str(_read_problem(body).get("code", ""))


def read_retry_after_seconds(headers: http.client.HTTPMessage) -> float:
    """Return the seconds of Retry-After (RFC 9110, section 10.2.3), 0 without a valid one.

    The gateway sends seconds, proxies may send a date. At most MAX_RETRY_AFTER_SECONDS.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        if value.isdecimal():
            seconds = float(value)
        else:
            date = parsedate_to_datetime(value)
            seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else 0.0


def _read_problem(body: bytes) -> dict[str, Any]:
    """Return the problem document in `body`, empty without one."""
    try:
        problem: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", problem) if isinstance(problem, dict) else {}
