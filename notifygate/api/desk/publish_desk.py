"""The publish desk: plain publications, in a greenlet but without gunicorn's parser and Flask.

It does what the endpoint does (`api.v1.post_notifications`) for a request that is in order: a valid key, a valid body,
a guard that isn't reached. Everything else it leaves to the endpoint by answering None, before anything was counted.
"""

import time

import orjson

from notifygate.api.desk.accounts import Accounts
from notifygate.api.desk.requests import Publication, read_publication
from notifygate.api.desk.writer import AnswerWriter
from notifygate.api.gateway import Gateway
from notifygate.api.v1.published import published_headers, sane_idempotency_key
from notifygate.domain.ids import new_request_id
from notifygate.domain.principal import Publisher
from notifygate.errors import NotifygateError, RateLimitedError
from notifygate.limits.windows import LimitName, Quota
from notifygate.publishing.publish import NotificationRequest
from notifygate.server.desk import Reply
from notifygate.server.plain_request import PlainRequest
from notifygate.waiting import may_wait


class PublishDesk:
    """Takes publications."""

    def __init__(self, gateway: Gateway, writer: AnswerWriter, accounts: Accounts) -> None:
        self._writer = writer
        self._accounts = accounts
        self._keys = gateway.keys
        self._limits = gateway.limits
        self._guard = gateway.limits.windows("guard")
        self._publishing = gateway.publishing
        self._room = gateway.room

    def take(self, request: PlainRequest) -> Reply | None:
        """Publish; None if the request is for the ordinary way. See `server.desk.Desk`."""
        may_wait()  # a commit always does
        began = time.monotonic()
        asked = read_publication(request)
        if asked is None:
            return None
        try:
            publisher = self._keys.verify(asked.key)
            sane_idempotency_key(asked.idempotency_key)
            wanted = asked.wanted()
        except NotifygateError:
            return None
        guard = self._guard
        if not publisher.has_scope("publish") or (guard and guard.counted(publisher.label) >= guard.limit):
            return None
        asked.request_id = asked.request_id or new_request_id()
        # From here on the request is counted, and soon done: it must not get to the endpoint any more.
        status, data = self._publish(asked, publisher, wanted)
        self._accounts.answered(asked, publisher.label, status, began, 0.0)
        return Reply(data, asked.keeps_alive)

    def _publish(self, asked: Publication, publisher: Publisher, wanted: NotificationRequest) -> tuple[int, bytes]:
        quotas: list[Quota] = []
        try:
            amounts: dict[LimitName, int] = {"guard": 1, "publish": 1, "audiences": len(wanted.to)}
            for name, amount in amounts.items():
                quota = self._limits.take(name, publisher.label, amount)
                if quota is not None:
                    quotas.append(quota)
                    if quota.is_exceeded:
                        raise RateLimitedError(quota.reset_seconds)
            answer = self._publishing.publish(publisher, wanted, asked.idempotency_key)
            self._say_whether_it_stays(asked)
            return 201, self._writer.created(asked, orjson.dumps(answer.body), published_headers(answer), quotas)
        except Exception as error:  # a defect, too: the endpoint would publish once more
            self._say_whether_it_stays(asked)
            return self._writer.error(asked, error, quotas)

    def _say_whether_it_stays(self, asked: Publication) -> None:
        if self._room.is_draining:
            asked.keeps_alive = False
