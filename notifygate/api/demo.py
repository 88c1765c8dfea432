"""The demo at /demo: the screens of two recipients side by side, a form to publish with, and buttons that break things.

A visitor can log in, without a password, as each of `PEOPLE`, gets a key that publishes to all audiences, and can
restart the gateway. The page therefore exists only with the setting `demo`, which must be off on a gateway with other
recipients.
"""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Literal

import orjson

from notifygate.api.static_files import cacheable_response, hashed_name, media_type_of
from notifygate.auth.keys import create_key
from notifygate.auth.tokens import issue_token
from notifygate.domain.times import now_ms, rfc3339
from notifygate.domain.visibility import TypeRule
from notifygate.errors import ConfigurationError, NotFoundError
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.parsing import parse_body
from notifygate.protocol.pipeline import Endpoint
from notifygate.protocol.response import Response, field_lines
from notifygate.publishing.registry import put_topic, put_type
from notifygate.services import Services
from notifygate.settings import Settings
from notifygate.validation import BodyModel

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parents[1] / "web" / "demo"
STATIC_FILES = ("notifygate.js", "notifygate-bell.js", "notifygate-bell.de.js", "notifygate-bell.css")
"""Their names in the page, between two @, become the ones with the hash."""

TOKEN_SECONDS = 600
"""Short, so that a demo that is left open shows how the client gets a new one."""

KEY_SECONDS = 3600

HEADERS = {
    # Frames of the page's own: /demo shows two of /demo/device.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

PEOPLE: dict[str, dict[str, Any]] = {
    "alice": {"name": "Alice Martin", "initials": "AM", "job": "Customer support", "roles": ["support"]},
    "bob": {"name": "Bob Okafor", "initials": "BO", "job": "Engineering", "roles": ["engineering"]},
}
"""The recipients of the demo, as their pages get them."""

TYPES = {
    "comment": TypeRule(title="Comments and mentions", icon="comment"),
    "deploy": TypeRule(title="Deployments", icon="deploy"),
    "billing": TypeRule(title="Billing", icon="billing"),
    "calendar": TypeRule(title="Calendar", icon="calendar", ttl_seconds=86_400),
    "newsletter": TypeRule(title="Product news", icon="news", priority="low", display="badge"),
    "security": TypeRule(title="Security", icon="security", priority="high", mandatory=True),
    "incident": TypeRule(title="Incidents", icon="server", priority="critical", display="modal", mandatory=True),
}
TOPICS = ("deploys", "incidents", "product-news")


class LoginBody(BodyModel):
    """The recipient to log in as."""

    person: Literal["alice", "bob"]


class RestartBody(BodyModel):
    """An empty object: a body that only a script of the page's own origin can send."""


class _DemoKey:
    """This worker's API key for the demo, replaced before it expires."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # gevent's, in the gateway's own worker
        self._text = ""
        self._expires_at = 0

    def get(self, services: Services) -> tuple[str, int]:
        """Return a key that is good for half its life at least, and when it expires (Unix milliseconds)."""
        with self._lock:
            if self._expires_at - now_ms() < KEY_SECONDS * 1000 // 2:
                self._expires_at = now_ms() + KEY_SECONDS * 1000
                self._text = services.writer.transact(create_key("demo", ["publish"], ["*"], ["*"], self._expires_at))
            return self._text, self._expires_at


def demo(settings: Settings) -> tuple[Endpoint, ...]:
    """Return the endpoints of the demo, if the setting asks for it. Raises ConfigurationError without an HMAC key."""
    if not settings.demo:
        return ()
    if not settings.jwt_algorithms[0].startswith("HS"):
        raise ConfigurationError(
            "NOTIFYGATE_DEMO needs tokens of its own: let NOTIFYGATE_JWT_ALGORITHMS begin with HS256."
        )
    if 0 < settings.jwt_max_lifetime < TOKEN_SECONDS:
        raise ConfigurationError(f"NOTIFYGATE_DEMO needs a NOTIFYGATE_JWT_MAX_LIFETIME of at least {TOKEN_SECONDS} s.")
    logger.warning(
        "The demo is on: every visitor of /demo can read and publish as its people, and restart the gateway."
    )
    key = _DemoKey()
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
    files["device"] = _with_hashed_names(files.pop("device.html"))

    def get_page(exchange: Exchange, services: Services) -> Response:
        name = exchange.request.params.get("name", "index.html")
        if name not in files:
            raise NotFoundError("There is no such file.")
        media_type = media_type_of(name if "." in name else f"{name}.html")
        return cacheable_response(exchange, files[name], media_type, HEADERS)

    def log_in(exchange: Exchange, services: Services) -> Response:
        # JSON only: another site's page can't send that without asking CORS first.
        body = parse_body(exchange.request, LoginBody)
        return _json(200, _credentials(services, body.person, key))

    def restart(exchange: Exchange, services: Services) -> Response:
        parse_body(exchange.request, RestartBody)
        # gunicorn's master replaces its workers, as `systemctl reload` has it do.
        os.kill(os.getppid(), signal.SIGHUP)
        return _json(202, {})

    return (
        Endpoint("GET", "/demo", "open", get_page),
        Endpoint("GET", "/demo/<name>", "open", get_page),
        Endpoint("POST", "/demo/login", "open", log_in),
        *((Endpoint("POST", "/demo/restart", "open", restart),) if _is_gunicorn_worker() else ()),
    )


def _is_gunicorn_worker() -> bool:
    """Return whether the parent of this process is gunicorn's master: a worker has the command line of its master."""
    program = Path(sys.argv[0])
    return "gunicorn" in (program.name, program.parent.name)  # the script, or `python -m gunicorn`


def _json(status: int, document: dict[str, Any]) -> Response:
    fields = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(status, orjson.dumps(document), field_lines(fields))


def _with_hashed_names(html: bytes) -> bytes:
    for name in STATIC_FILES:
        html = html.replace(f"@{name}@".encode(), f"/static/notifygate/{hashed_name(name)}".encode())
    return html


def _credentials(services: Services, name: str, demo_key: _DemoKey) -> dict[str, Any]:
    """Return a recipient: a token for the inbox, a key to publish with, and what a bell shows of types."""
    person = PEOPLE[name]
    _register_types(services)
    key, expires_at = demo_key.get(services)
    types = {**TYPES, **services.catalog.current.types}
    return {
        "recipient": name,
        **person,
        "token": issue_token(services.settings, name, person["roles"], TOKEN_SECONDS),
        "key": key,
        "key_expires_at": rfc3339(expires_at),
        "types": {
            type_name: {"title": rule.title, "icon": rule.icon, "display": rule.display, "mandatory": rule.mandatory}
            for type_name, rule in types.items()
        },
    }


def _register_types(services: Services) -> None:
    """Register the demo's types and topics where they aren't yet; what an operator has changed stays as it is."""
    known = services.catalog.current
    for name, rule in TYPES.items():
        if name not in known.types:
            services.writer.transact(put_type(name, rule))
    for name in TOPICS:
        if name not in known.topic_roles:
            services.writer.transact(put_topic(name, ()))
