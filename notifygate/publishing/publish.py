"""Publishing a notification, once per Idempotency-Key."""

from typing import Any

import orjson

from notifygate.clock import SYSTEM_CLOCK, Clock, unix_ms
from notifygate.domain.ids import new_id
from notifygate.domain.notification import NewNotification, encode_document
from notifygate.domain.principal import Publisher
from notifygate.domain.times import rfc3339, rfc3339_or_none
from notifygate.errors import ForbiddenError, IdempotencyMismatchError, UnavailableError
from notifygate.log.catalog import CatalogCache
from notifygate.log.writer import LogWriter
from notifygate.publishing.request import NotificationRequest
from notifygate.storage.database import Database
from notifygate.storage.stores.append import ClaimTakenError, IdempotencyClaim
from notifygate.storage.stores.idempotency import delete_old_outcome, read_outcome

IDEMPOTENCY_SECONDS = 24 * 3600
"""How long an Idempotency-Key is remembered (PROTOCOL section 3)."""


Outcome = dict[str, Any]
"""The parts of a response that its request does not contain: all that is stored for a repetition, independent of the
number of audiences."""


class Publishing:
    """Publishes."""

    def __init__(
        self,
        database: Database,
        writer: LogWriter,
        catalog: CatalogCache,
        default_ttl_seconds: int,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`default_ttl_seconds` is for notifications that get none from publisher or type; 0: they never expire."""
        self._clock = clock
        self._database = database
        self._writer = writer
        self._catalog = catalog
        self._default_ttl_seconds = default_ttl_seconds

    def publish(
        self, publisher: Publisher, request: NotificationRequest, idempotency_key: str | None
    ) -> tuple[dict[str, Any], bool]:
        """Publish a notification; when it is durable, return the body of the answer, and whether it is an earlier one.

        Raises ForbiddenError where the key may not use an audience, the type or the sender, IdempotencyMismatchError,
        and UnavailableError if the outcome is not known.
        """
        for audience in request.to:
            if not publisher.may_address(audience):
                raise ForbiddenError("The API key may not publish to one of these audiences.")
        if not publisher.may_use_type(request.content["type"]):
            raise ForbiddenError("The API key may not publish notifications of this type.")
        if publisher.has_fixed_sender and request.content["sender"] not in (None, publisher.name):
            # Not replaced silently: the publisher would not notice that its text is lost.
            raise ForbiddenError("The sender of the API key is fixed to its name; omit sender, or send that name.")
        if idempotency_key is None:
            notification, outcome = self._make(publisher, request)
            self._writer.publish(notification)
            return _answer_body(request, outcome), False
        outcome, is_earlier = self._publish_once(publisher, request, idempotency_key)
        return _answer_body(request, outcome), is_earlier

    def _publish_once(
        self, publisher: Publisher, request: NotificationRequest, idempotency_key: str
    ) -> tuple[Outcome, bool]:
        if outcome := self._recall(publisher.key_id, idempotency_key, request):
            return outcome, True
        notification, outcome = self._make(publisher, request)
        claim = IdempotencyClaim(publisher.key_id, idempotency_key, request.digest(), orjson.dumps(outcome).decode())
        try:
            self._writer.publish(notification, claim)
        except ClaimTakenError as error:
            # The same key at the same time: the table's primary key admitted the other request.
            if outcome := self._recall(publisher.key_id, idempotency_key, request):
                return outcome, True
            raise UnavailableError("The outcome of an earlier request with this Idempotency-Key is unknown.") from error
        return outcome, False

    def _recall(self, key_id: str, idempotency_key: str, request: NotificationRequest) -> Outcome | None:
        """Return the outcome of an earlier request with this key; None if there was none within IDEMPOTENCY_SECONDS.

        Raises IdempotencyMismatchError if that was another request.
        """
        record = self._database.read(lambda connection: read_outcome(connection, key_id, idempotency_key))
        if record is None:
            return None
        request_hash, answer, created_at = record
        cutoff = unix_ms(self._clock) - IDEMPOTENCY_SECONDS * 1000
        if created_at < cutoff:
            self._writer.transact(lambda tx: delete_old_outcome(tx.connection, key_id, idempotency_key, cutoff))
            return None
        if not request.has_digest(request_hash):
            raise IdempotencyMismatchError
        return orjson.loads(answer)

    def _make(self, publisher: Publisher, request: NotificationRequest) -> tuple[NewNotification, Outcome]:
        """Return the notification of a request, and the parts of the response that the request does not contain."""
        asked = request.content
        rule = self._catalog.current.rule(asked["type"])
        content = asked | {
            "priority": asked["priority"] or rule.priority,
            "sender": publisher.name if asked["sender"] is None else asked["sender"],
            "icon": rule.icon if asked["icon"] is None else asked["icon"],
        }
        notification_id, created_at = new_id(), unix_ms(self._clock)
        # None of them can be 0.
        ttl = request.ttl_seconds or rule.ttl_seconds or self._default_ttl_seconds
        expires_at = created_at + ttl * 1000 if ttl else None
        notification = NewNotification(
            seq=0,  # the log gives it its place
            id=notification_id,
            type=asked["type"],
            to=request.to,
            document=encode_document(notification_id, content, created_at, expires_at),
            key_id=publisher.key_id,
            created_at=created_at,
            expires_at=expires_at,
        )
        outcome = {
            "id": notification_id,
            "created_at": rfc3339(created_at),
            "expires_at": rfc3339_or_none(expires_at),
            "priority": content["priority"],
        }
        return notification, outcome


def _answer_body(request: NotificationRequest, outcome: Outcome) -> dict[str, Any]:
    """Return the answer to a request with this outcome; other fields, as in records of version 0.1, are ignored."""
    body = {name: outcome[name] for name in ("id", "created_at", "expires_at")}
    body |= {"to": list(request.to), "type": request.content["type"], "priority": outcome["priority"]}
    return {**body, "truncated": True} if request.cut_off else body
