"""GET /problems/<code>: the page of a problem, for people (docs/protocol.md section 8)."""

import html

from notifygate.errors import NotFoundError
from notifygate.problem_catalogue import CATALOGUE
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import refuse_parameters
from notifygate.protocol.response import Response, field_lines
from notifygate.services import Services


def get_problem(exchange: Exchange, services: Services) -> Response:
    """Return the meaning of a problem and the action of a client as HTML. 200; 404."""
    refuse_parameters(exchange.request)
    problem = CATALOGUE.get(exchange.request.params["code"])
    if problem is None:
        raise NotFoundError("The problem does not exist.")
    title, explanation = html.escape(problem.title), html.escape(problem.explanation)
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<h1>{title}</h1><p>HTTP status {problem.status}, code <code>{problem.code}</code></p>"
        f"<p>{explanation}</p></html>"
    )
    fields = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    return Response(200, page.encode(), field_lines(fields))
