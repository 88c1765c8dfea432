"""A gateway inside the test process, and the actors that call it.

The application is the real one with its writer, follower and jobs; only gunicorn is missing. Requests may
wait (long polls): run them with `gevent.spawn`.
"""

import time
from collections.abc import Sequence
from typing import Any, cast

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notifygate.app import create_app
from notifygate.auth.keys import create_key, revoke_key, rotate_key
from notifygate.auth.tokens import issue_token
from notifygate.clock import SYSTEM_CLOCK, Clock
from notifygate.jobs.runner import JobRunner
from notifygate.services import EXTENSION, Services
from notifygate.storage.database import Database, make_engine
from notifygate.storage.migrate import migrate

SECRET_KEY = "a secret for cursors, of more than 32 bytes"
JWT_SECRET = "a secret for tokens, also of more than 32 bytes"
UNLIMITED = {f"limit_{name}": "" for name in ("publish", "audiences", "poll", "state", "failed_auth", "guard")}


class Actor:
    """A client with a credential. Methods are HTTP's; the answer is Werkzeug's."""

    def __init__(self, client: FlaskClient, credential: str) -> None:
        self.client = client
        self.credential = credential

    def open(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
        given = {"Authorization": f"Bearer {self.credential}", **(headers or {})}
        return self.client.open(path, method=method, headers=given, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.open("POST", path, **options)

    def put(self, path: str, **options: Any) -> TestResponse:
        return self.open("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.open("DELETE", path, **options)


class RecipientActor(Actor):
    """A recipient with shorthands for polling."""

    def poll(self, cursor: str | None = None, *, etag: str | None = None, **query: Any) -> TestResponse:
        """Poll the inbox; `etag` goes into If-None-Match."""
        if cursor is not None:
            query["cursor"] = cursor
        return self.get("/v1/inbox", query_string=query, headers={"If-None-Match": etag} if etag else None)

    def inbox(self, cursor: str | None = None, **query: Any) -> dict[str, Any]:
        """Poll the inbox, expect 200 and return the body."""
        answer = self.poll(cursor, **query)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json)

    def change_state(self, operation: str, **target: Any) -> dict[str, Any]:
        """Change states (`ids=[...]` or `up_to=cursor`), expect 200 and return the body."""
        answer = self.post("/v1/inbox/state", json={"op": operation, **target})
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json)


class PublisherActor(Actor):
    """A publisher with a shorthand for publishing."""

    def publish(self, to: str | Sequence[str], title: str = "A title", **fields: Any) -> str:
        """Publish a notification, expect 201 and return its id."""
        answer = self.post("/v1/notifications", json={"to": to, "title": title, **fields})
        assert answer.status_code == 201, answer.text
        return cast(dict[str, str], answer.json)["id"]

    @property
    def key_id(self) -> str:
        """The id in this publisher's key."""
        return self.credential.split("_")[1]


class InProcessGateway:
    """A gateway in this process on a database of its own. Settings are field names of `Settings`."""

    def __init__(
        self, database_url: str, *, is_migrated: bool = False, clock: Clock = SYSTEM_CLOCK, **settings: Any
    ) -> None:
        """Start on a database, which is migrated first unless it is already."""
        self.clock = clock
        if not is_migrated:
            engine = make_engine(database_url)
            migrate(Database(engine))
            engine.dispose()
        self.config = {
            "database_url": database_url,
            "secret_key": (SECRET_KEY,),
            "jwt_secrets": (JWT_SECRET,),
            "head_check_interval": 0.2,
            **UNLIMITED,
            **settings,
        }
        self.start()

    def start(self) -> None:
        """Start (again) on the same database."""
        self.app = create_app(self.config, self.clock)
        self.services = cast(Services, self.app.extensions[EXTENSION])

    @property
    def hold_count(self) -> int:
        """The number of requests that this gateway holds."""
        return self.services.holds._count

    def stop(self) -> None:
        """Stop; every hold is answered."""
        self.services.components.stop()

    def stop_jobs(self) -> None:
        """Stop the jobs, so that only requests change anything."""
        for component in self.services.components:
            if isinstance(component, JobRunner):
                component.stop()

    def restart(self) -> None:
        """Stop and start on the same database, with empty memory. Actors made before belong to the old one."""
        self.stop()
        self.start()

    def anonymous(self) -> FlaskClient:
        """Return a client without a credential."""
        return self.app.test_client()

    def recipient(self, name: str, *roles: str, expires_seconds: int = 3600) -> RecipientActor:
        """Return a recipient with a token for these roles."""
        token = issue_token(self.services.settings, name, list(roles), expires_seconds)
        return RecipientActor(self.app.test_client(), token)

    def token(self, secret: str = JWT_SECRET, algorithm: str = "HS256", **claims: Any) -> str:
        """Sign a token with any claims, for tests of bad ones."""
        claims = {"sub": "alice", "exp": int(time.time()) + 3600, **claims}
        return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)

    def publisher(
        self,
        name: str = "publisher",
        *,
        scopes: Sequence[str] = ("publish",),
        audiences: Sequence[str] = ("*",),
        types: Sequence[str] = ("*",),
        expires_at: int | None = None,
        has_fixed_sender: bool = False,
    ) -> PublisherActor:
        """Make an API key and return its publisher."""
        change = create_key(name, scopes, audiences, types, expires_at, has_fixed_sender=has_fixed_sender)
        text = self.services.writer.transact(change)
        return PublisherActor(self.app.test_client(), text)

    def admin(self) -> PublisherActor:
        """Make an API key with the scope `admin`."""
        return self.publisher("admin", scopes=("admin",))

    def rotate(self, publisher: PublisherActor, grace_seconds: int) -> PublisherActor:
        """Rotate a publisher's key and return the publisher with the new one."""
        text = self.services.writer.transact(rotate_key(publisher.key_id, grace_seconds))
        return PublisherActor(self.app.test_client(), text)

    def revoke(self, publisher: PublisherActor) -> None:
        """Revoke a publisher's key."""
        self.services.writer.transact(revoke_key(publisher.key_id))
