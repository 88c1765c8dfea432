"""The fast path's handler: bytes become a `Request`, the pipeline answers, and a hold is parked as a record.

Everything runs in the hub, from memory. A request that needs the database is deferred to a greenlet; one with a
credential that is not in memory is left to the WSGI side.
"""

import functools
import logging
import time
from collections.abc import Sequence
from typing import Any, cast

import gevent

from notifygate.delivery.hold import Hold
from notifygate.endpoints.polling import PollHold, not_modified_fields
from notifygate.errors import UnauthorizedError
from notifygate.fastpath.broadcast import BroadcastTemplate
from notifygate.fastpath.record import FastPathRecord
from notifygate.fastpath.revalidation import PollRevalidation, can_be_revalidated
from notifygate.protocol.encoder import Encoder
from notifygate.protocol.exchange import Exchange
from notifygate.protocol.pipeline import Endpoint, Pipeline
from notifygate.protocol.record import record
from notifygate.protocol.request import NO_REQUEST, Request
from notifygate.protocol.response import CLIENT_GONE, Response
from notifygate.server.handler import Client, Deferred, Outgoing, ParkedRequest, Reply, Sender
from notifygate.services import Services
from notifygate.waiting import WouldWaitError

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0
"""Interval at which shared header fields are encoded again: the Date has seconds."""


class FastPath:
    """See `server.handler.Handler`; for its holds it is the transport."""

    def __init__(self, services: Services, endpoints: Sequence[Endpoint]) -> None:
        self._routes = {(endpoint.method, endpoint.path.encode()): endpoint for endpoint in endpoints}
        self._services = services
        self._registry = services.holds
        self._pipeline = Pipeline(services, self._park)
        self._encoder = Encoder(services.settings.cors_origins, services.limits)
        self._poll_limit = services.limits.windows("poll")
        self._template: BroadcastTemplate | None = None
        self._send: Sender
        self.tail = services.tail
        self.revocations = services.revocations
        self.guard = services.limits.windows("guard")
        self.record = FastPathRecord()
        self.generation = 1
        """Counts the refreshes."""
        self.may_revalidate = False
        self.not_modified_start = b""

    def start(self, send: Sender) -> None:
        """See `Handler`."""
        self._send = send
        self._timer = gevent.get_hub().loop.timer(REFRESH_SECONDS, REFRESH_SECONDS)
        self._timer.start(self.refresh)
        self.refresh()

    def record_rejected(self, status: int) -> str:
        """See `Handler`."""
        exchange = Exchange(NO_REQUEST, "unknown")
        record(exchange, status)
        return exchange.request_id

    def drain(self) -> None:
        """See `Handler`."""
        self._registry.drain()
        self.refresh()

    def refresh(self) -> None:
        """Encode the shared header fields again. Called every second."""
        self._encoder.refresh()
        self._template = None
        self.record.flush()
        self.not_modified_start = self._encoder.start(304, is_http_11=True, keep_alive=True)
        self.generation += 1
        # While access lines are on, each response takes the path that logs it.
        self.may_revalidate = self._services.follower.is_fed and not self._registry.is_draining and not self.record.logs

    def not_modified_end(self, cursor: str) -> bytes:
        """Return the rest of a 304 after `not_modified_start`, for one client."""
        private = self._encoder.private
        return not_modified_fields(cursor, self._services.pacing.poll_after(), b"", private) + b"\r\n"

    # --- Requests -----------------------------------------------------------------------------

    def take(self, request: Request, client: Client) -> Reply | ParkedRequest | Deferred | None:
        """See `Handler`."""
        endpoint = self._routes.get((request.method, request.path))
        if endpoint is None:
            return None
        exchange = Exchange(request, endpoint.path, client)
        if request.method == "GET":  # any other waits for a commit
            try:
                return self._answer(exchange, endpoint)
            except WouldWaitError:
                pass
        return Deferred(functools.partial(self._answer, exchange, endpoint))

    def _answer(self, exchange: Exchange, endpoint: Endpoint) -> Reply | ParkedRequest | None:
        if exchange.principal is None and not self._pipeline.recall(exchange):
            try:  # a new token; failures are counted by address, which the WSGI side alone knows behind proxies
                self._pipeline.verify_token(exchange)
            except UnauthorizedError:
                return None
        outcome = self._pipeline.handle(exchange, endpoint.access, endpoint.run)
        if isinstance(outcome, Hold):
            return outcome
        data = self._encode(exchange, outcome)
        if outcome.status != 304 or not self.may_revalidate or not can_be_revalidated(exchange):
            return Reply(data, exchange.keep_alive)
        return Reply(data, True, functools.partial(PollRevalidation, self, exchange.recipient, outcome.revalidation))

    def _park(self, exchange: Exchange, hold: Hold[Response]) -> Response | Hold[Response]:
        hold.transport = self
        return self._registry.begin(hold) or hold

    def _encode(self, exchange: Exchange, response: Response) -> bytes:
        if self._registry.is_draining:
            exchange.keep_alive = False
        data = self._encoder.encode(exchange, response)
        self.record.answered(exchange, response.status)
        return data

    # --- Holds --------------------------------------------------------------------------------

    def deliver_many(self, holds: Sequence[Hold[Any]]) -> None:
        """See `delivery.hold.Transport`. Holds of the common form are answered together, the others one by one."""
        holds = cast("Sequence[PollHold]", holds)
        try:
            self._broadcast(holds)
        except Exception:  # a defect with one of them must not cost the others their responses
            logger.exception("Answering a broadcast failed; the remaining holds are answered one by one")
        for hold in holds:
            if hold.state == "ended":
                gevent.get_hub().loop.run_callback(self._conclude_ended, hold)

    def _broadcast(self, holds: Sequence[PollHold]) -> None:
        """Answer the holds whose response is one new notification in the common form.

        The others are not changed, nor are those past their limit or with a revocation to check.
        """
        guard, limit = self.guard, self._poll_limit
        if guard is None or limit is None or self.record.logs:
            return
        if not self._services.follower.is_fed or self._registry.is_draining:
            return
        revoked = self.revocations.recipients
        answered = self._services.polls.answer_single(
            [
                hold
                for hold in holds
                if hold.state == "ended" and hold.has_common_form and hold.view.recipient not in revoked
            ]
        )
        if not answered:
            return
        # Before the template: these two begin a new window if the last one is over. The keys are the recipients' own
        # audiences.
        guard_counts = guard.present()
        counts = limit.add_each([hold.view.audiences[0] for hold, _ in answered])
        template = self._template_for(guard, limit)
        outgoing: list[Outgoing] = []
        commits: list[float | None] = []
        try:
            for (hold, notification), count in zip(answered, counts, strict=True):
                left = limit.limit - count
                if left < 0:
                    continue
                exchange, view = hold.exchange, hold.view
                guard_left = guard.limit - guard_counts.get(view.audiences[0], 0)
                if guard_left < 0:
                    guard_left = 0
                data = template.fill(notification, view, exchange.granted_wait, exchange.request_id, guard_left, left)
                hold.change("resume")
                outgoing.append((exchange.client, data, True))
                commits.append(hold.committed_at)
        finally:  # a defect with one of them must not cost those before it their responses
            self._send(outgoing)
            self.record.woken(commits)
            self.record.count("/v1/inbox", 200, len(outgoing))

    def _template_for(self, guard: Any, limit: Any) -> BroadcastTemplate:
        template = self._template
        if template is None or template.valid_for != (guard.ends_at, limit.ends_at):
            pacing = self._services.pacing
            template = BroadcastTemplate(self._encoder, guard, limit, pacing.poll_after(), pacing.longest_wait())
            self._template = template
        return template

    def _conclude_ended(self, hold: PollHold) -> None:
        if hold.state == "ended":  # unless its client left
            self._conclude_in_hub(hold)

    def _conclude_in_hub(self, hold: PollHold) -> None:
        """Answer an ended hold from memory, or in a greenlet if that needs the database."""
        try:
            self._conclude(hold)
        except WouldWaitError:
            gevent.spawn(self._conclude, hold)

    def _conclude(self, hold: PollHold) -> None:
        try:
            self._answer_ended(hold)
        except WouldWaitError:
            raise
        except Exception:  # a defect: without a response the client would wait for ever
            logger.exception("Answering an ended hold failed; its connection is closed")
            hold.exchange.client.answer(b"", keep_alive=False)

    def _answer_ended(self, hold: PollHold) -> None:
        exchange = hold.exchange
        outcome = self._pipeline.conclude(exchange, hold)
        if isinstance(outcome, Response):
            exchange.held_seconds = time.monotonic() - exchange.began_at
            if outcome.status == 200:
                self.record.woken([hold.committed_at])
            data = self._encode(exchange, outcome)
            exchange.client.answer(data, keep_alive=exchange.keep_alive)
        elif exchange.client.is_gone:  # while the database was read
            self.abandon(hold)
        elif hold.deadline <= self._services.clock.monotonic():
            self.expire(hold)

    def expire(self, hold: Hold[Any]) -> None:
        """See `Transport`. A hold that is being answered is not parked again."""
        if hold.state != "waiting":
            hold.deadline = 0.0
            return
        self._registry.leave(hold, "timeout")
        self._conclude_in_hub(cast(PollHold, hold))

    def abandon(self, hold: Hold[Any]) -> bytes:
        """See `Transport`."""
        if hold.state not in ("waiting", "ended"):
            return b""
        self._registry.leave(hold, "gone")
        if hold.state == "ended":
            hold.change("resume")
        exchange = cast(PollHold, hold).exchange
        exchange.held_seconds = time.monotonic() - exchange.began_at
        return self._encode(exchange, Response(CLIENT_GONE))
