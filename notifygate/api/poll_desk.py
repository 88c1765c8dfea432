"""The poll desk: plain polls answered from memory, in the hub, before gunicorn's parser or Flask see them.

It does what the endpoints do (`api.v1.get_inbox`, `api.v1.get_unread`) for requests that leave nothing open: a valid
token, sane parameters, a limit that isn't reached. Everything else it leaves to them by answering None, errors too.
The log, the views, the limits and the waiting room are the same objects.
"""

import time
from collections.abc import Sequence

import gevent

from notifygate import metrics
from notifygate.api.accounting import CLIENT_GONE, count_answers, log_request, logs_requests
from notifygate.api.gateway import Gateway
from notifygate.api.long_poll import hold_seconds
from notifygate.api.poll_request import INBOX, Poll, read_poll
from notifygate.api.poll_writer import PollWriter
from notifygate.api.problems import describe_error
from notifygate.domain.entry import Entry
from notifygate.domain.ids import new_request_id
from notifygate.domain.principal import Recipient
from notifygate.errors import InvalidCursorError, RateLimitedError, UnauthorizedError, UnavailableError
from notifygate.holds.room import Hold
from notifygate.inbox.answer import Found, Nothing
from notifygate.inbox.view import View
from notifygate.limits.windows import FixedWindows, Quota
from notifygate.log.tail import Tail
from notifygate.problem_catalogue import CATALOGUE
from notifygate.recent import Recent
from notifygate.server.desk import Caller, Reply
from notifygate.server.head import Head
from notifygate.waiting import WouldWaitError

INBOX_PATH = INBOX.encode()

RENEW_SECONDS = 1.0
"""How often what answers have in common is made anew: the Date counts seconds."""


class HeldPoll(Hold):
    """A poll that waits: what remains of a request while its connection is on the server's board."""

    __slots__ = ("_desk", "began", "caller", "deadline", "poll", "principal", "waits")

    def __init__(self, desk: "PollDesk", caller: Caller, principal: Recipient, poll: Poll, view: View) -> None:
        super().__init__(view)
        self.view: View
        self._desk = desk
        self.caller = caller
        self.principal = principal
        self.poll = poll
        self.began = time.monotonic()
        self.deadline = self.began + hold_seconds(poll.wait or 0, principal)
        """See `server.desk.HeldPoll`."""
        self.waits = False
        """Whether its end is for `conclude`: it has begun to wait, and isn't being answered yet."""

    def settle(self) -> None:
        """Begin to wait. There may be ten thousand of these: what can be shared isn't kept twice."""
        self.waits = True
        token = self.view.token
        if self.poll.cursor == token:
            self.poll.cursor = token
        if self.poll.tags == (token,):
            self.poll.tags = (token,)

    def ended(self) -> None:
        """Answer: the room has ended the wait."""
        self._desk.conclude_soon(self)

    def time_is_over(self) -> None:
        """See `server.desk.HeldPoll`."""
        self._desk.time_is_over(self)

    def client_is_gone(self) -> bytes:
        """See `server.desk.HeldPoll`."""
        return self._desk.client_is_gone(self)


class Repeated:
    """A short poll that was answered with 304, for when the same client asks the same again.

    Only for polls that differ in nothing but their recipient and position: no wait, no origin, a connection that stays.
    """

    __slots__ = (
        "_beat",
        "_cursor_query",
        "_desk",
        "_end",
        "_epoch",
        "_expires_at",
        "_name",
        "_poll",
        "_seen",
        "_since",
        "_tag_header",
        "_token",
        "_view",
        "last_asked",
    )

    def __init__(
        self,
        desk: "PollDesk",
        head: Head,
        poll: Poll,
        principal: Recipient,
        nothing: Nothing,
    ) -> None:
        view, at, matched, since = nothing
        self._tag_header = head.if_none_match
        self._cursor_query = b"" if poll.cursor is None else b"cursor=" + poll.cursor.encode()
        self.last_asked = 0
        """See `server.desk.Repeat`."""
        self._desk = desk
        self._poll = poll
        self._view = view
        self._token = matched or ""
        self._epoch = at.epoch
        self._since = since
        self._seen = at.seq
        self._expires_at = principal.expires_at / 1000
        self._name = principal.audience
        self._beat = 0
        self._end = b""

    def is_asked_by(self, head: Head) -> bool:
        """Tell whether a head of the same client asks the same: at most its cache-buster is another."""
        if head.if_none_match != self._tag_header or head.path != INBOX_PATH or head.prefer or head.origin:
            return False
        if not (head.keeps_alive and head.is_http_11):
            return False
        query, _, rest = head.query.partition(b"_=")
        return query.rstrip(b"&") == self._cursor_query and b"&" not in rest

    def again(self, now: float) -> bytes | None:
        """See `server.desk.Repeat`."""
        desk = self._desk
        if self._expires_at <= now or not desk.may_repeat:
            return None
        tail = desk.tail
        if self._seen != tail.end or self._epoch != tail.epoch:
            entries = tail.after(self._view.audiences, self._seen) if self._epoch == tail.epoch else None
            if entries is None or any(self._view.tells(entry) for entry in entries) or tail.is_ageing(self._since):
                return None
            self._seen = tail.end
        guard = desk.guard
        if guard is not None and guard.add(self._name) > guard.limit:
            return None
        if self._beat != desk.beat:
            self._beat = desk.beat
            self._end = desk.writer.not_modified_end(self._poll, self._token)
        desk.repeated += 1
        return desk.repeated_start + self._end


class PollDesk:
    """Answers plain polls. See `server.desk.Desk`."""

    def __init__(self, gateway: Gateway) -> None:
        self.tail: Tail = gateway.tail
        self.writer = PollWriter(gateway.advice, gateway.settings.cors_origins)
        self._follower = gateway.follower
        self._tokens = gateway.tokens
        self._limits = gateway.limits
        self.guard: FixedWindows | None = gateway.limits.windows("guard")
        self._views = gateway.views
        self._polls = gateway.polls
        self._room = gateway.room
        self._advice = gateway.advice
        self.beat = 1
        """Counts the renewals."""
        self.may_repeat = False
        self._logs = True
        self.repeated = 0
        """304s by `Repeated.again` that are not in the metrics yet."""
        self.repeated_start = b""
        self._known: Recent[bytes | None, Repeated] = Recent(gateway.settings.cached_views)
        """By what their Authorization says."""
        self._answers: dict[tuple[str, int], int] = {}
        self._wake_delays: list[float] = []
        self._ended: list[HeldPoll] = []
        self._is_telling_metrics = False

    def start(self) -> None:
        """See `server.desk.Desk`."""
        self._timer = gevent.get_hub().loop.timer(RENEW_SECONDS, RENEW_SECONDS)
        self._timer.start(self._renew)
        self._renew()

    def drain(self) -> None:
        """See `server.desk.Desk`."""
        self._room.drain()
        self._renew()

    # --- Taking polls -------------------------------------------------------------------------

    def take(self, head: Head, caller: Caller) -> Reply | HeldPoll | None:
        """See `server.desk.Desk`."""
        known = self._known.get(head.authorization)
        if known is not None and known.is_asked_by(head) and (data := known.again(time.time())) is not None:
            return Reply(data, True, known)
        began = time.monotonic()
        poll = read_poll(head)
        if poll is None:
            return None
        if self._room.is_draining:
            poll.keeps_alive = False
        try:
            principal = self._recognise(poll.token)
            guard = self.guard
            if guard is not None and guard.counted(principal.audience) >= guard.limit:
                return None
            if poll.wait:
                poll.wait = min(poll.wait, self._advice.longest_wait())
            if poll.wait:
                hold = HeldPoll(self, caller, principal, poll, self._views.current(principal))
                outcome = self._wait(hold)
            else:
                hold, outcome = None, self._look(poll, principal)
        except (UnauthorizedError, InvalidCursorError, UnavailableError):
            return None
        if guard is not None:
            guard.add(principal.audience)
        if outcome is None:
            poll.token = b""
            return hold
        quota = self._take_quota(outcome, principal)
        if quota is not None and quota.is_exceeded:
            return None
        status, data = self._write(poll, principal, outcome, quota)
        self._account(poll, principal, status, began, 0.0)
        if status != 304 or not isinstance(outcome, Nothing) or not _is_common(poll):
            return Reply(data, poll.keeps_alive)
        repeated = Repeated(self, head, poll, principal, outcome)
        self._known.put(head.authorization, repeated)
        return Reply(data, True, repeated)

    def _recognise(self, token: bytes) -> Recipient:
        """Return whom a token speaks for; a token that is new costs its verification. Raises UnauthorizedError."""
        principal = self._tokens.recall(token)
        if principal is None or principal.expires_at <= time.time() * 1000:
            principal = self._tokens.verify(token.decode())
        return principal

    def _look(self, poll: Poll, principal: Recipient) -> Found | Nothing:
        if poll.route == INBOX:
            return self._polls.look(principal, poll.cursor, poll.tags, poll.limit)
        return self._polls.look_at_counts(principal, poll.tags)

    def _wait(self, hold: HeldPoll) -> Found | Nothing | None:
        """Register a hold, look, and let it wait: None. Or return what there is to be said at once.

        In that order nothing can slip between the look and the wait. Where the look reads the database, the room may
        end the hold meanwhile; `waits` tells it to leave the rest to this method.
        """
        while True:
            self._room.enter(hold)
            try:
                outcome = self._look(hold.poll, hold.principal)
            except BaseException:
                self._room.leave(hold, "raced")
                raise
            if isinstance(outcome, Found):
                self._room.leave(hold, "raced")
                return outcome
            if hold.reason is None:
                hold.settle()
                return None
            if hold.reason != "news":
                return outcome

    # --- Ending holds -------------------------------------------------------------------------

    def conclude_soon(self, hold: HeldPoll) -> None:
        """Answer a poll at the end of this turn, together with the others that the room ends in it."""
        if not self._ended:
            gevent.get_hub().loop.run_callback(self._conclude_ended)
        self._ended.append(hold)

    def _conclude_ended(self) -> None:
        """Answer the polls that were ended. Those that are told one new notification each are answered together."""
        ended, self._ended = self._ended, []
        news: list[tuple[View, Entry]] = []
        told: list[HeldPoll] = []
        for hold in ended:
            is_plain = hold.waits and hold.poll.route == INBOX and self._follower.is_fed and not self._room.is_draining
            entry = self._polls.single_news(hold.view, hold.poll.cursor) if is_plain else None
            if entry is None:
                gevent.get_hub().loop.run_callback(self.conclude, hold)  # by itself: whatever happens, the others go on
            else:
                hold.waits = False
                news.append((hold.view, entry))
                told.append(hold)
        if told:
            for hold, found in zip(told, self._polls.tell_single(news), strict=True):
                self._answer(hold, found)

    def conclude(self, hold: HeldPoll) -> None:
        """Answer a poll whose wait is over, from memory where that is enough. Called in the hub."""
        if not hold.waits:
            return
        hold.waits = False
        try:
            self._conclude(hold)
        except WouldWaitError:
            gevent.spawn(self._conclude, hold)

    def time_is_over(self, hold: HeldPoll) -> None:
        """End a hold that nothing else has ended."""
        self._room.leave(hold, "timeout")
        self.conclude(hold)

    def client_is_gone(self, hold: HeldPoll) -> bytes:
        """Forget a hold; one that is being answered just now is answered."""
        if not hold.waits:
            return b""
        hold.waits = False
        self._room.leave(hold, "gone")
        hold.poll.request_id = hold.poll.request_id or new_request_id()
        self._account(hold.poll, hold.principal, CLIENT_GONE, hold.began, time.monotonic() - hold.began)
        return self.writer.gone(hold.poll, self._guard_quota(hold.principal))

    def _conclude(self, hold: HeldPoll) -> None:
        outcome: Found | Nothing | Exception | None
        try:
            outcome = self._look(hold.poll, hold.principal)
            if isinstance(outcome, Nothing) and hold.reason == "news" and time.monotonic() < hold.deadline:
                outcome = self._wait(hold)  # what woke it has been taken back
        except WouldWaitError:
            raise
        except Exception as error:
            outcome = error
        if outcome is not None:
            self._answer(hold, outcome)

    def _answer(self, hold: HeldPoll, outcome: Found | Nothing | Exception) -> None:
        """Send the answer to a poll that was held."""
        poll, principal = hold.poll, hold.principal
        held_seconds = time.monotonic() - hold.began
        if self._room.is_draining:
            poll.keeps_alive = False
        quota = None if isinstance(outcome, Exception) else self._take_quota(outcome, principal)
        if isinstance(outcome, Exception):
            status, data = self._write_problem(poll, outcome, self._guard_quota(principal))
        elif quota is not None and quota.is_exceeded:
            quotas = [*self._guard_quota(principal), quota]
            status, data = self._write_problem(poll, RateLimitedError(quota.reset_seconds), quotas)
        else:
            status, data = self._write(poll, principal, outcome, quota)
        if hold.committed_at is not None and status == 200:
            self._wake_delays.append(max(0.0, time.time() - hold.committed_at))
        self._account(poll, principal, status, hold.began, held_seconds)
        hold.caller.answer(data, keeps_alive=poll.keeps_alive)

    # --- Writing ------------------------------------------------------------------------------

    def _take_quota(self, outcome: Found | Nothing, principal: Recipient) -> Quota | None:
        """Count a poll that brought something."""
        if isinstance(outcome, Found) and outcome.is_news:
            return self._limits.take("poll", principal.audience)
        return None

    def _write(
        self, poll: Poll, principal: Recipient, outcome: Found | Nothing, quota: Quota | None
    ) -> tuple[int, bytes]:
        if isinstance(outcome, Nothing):
            if outcome.matched is not None:
                return 304, self.writer.not_modified(poll, outcome.matched)
            outcome = self._polls.as_found(outcome)
        poll.request_id = poll.request_id or new_request_id()
        quotas = self._guard_quota(principal)
        if quota is not None:
            quotas.append(quota)
        return 200, self.writer.found(poll, outcome, quotas)

    def _guard_quota(self, principal: Recipient) -> list[Quota]:
        guard = self.guard
        return [] if guard is None else [guard.quota(guard.counted(principal.audience), guard.ends_at)]

    def _write_problem(self, poll: Poll, error: Exception, quotas: Sequence[Quota]) -> tuple[int, bytes]:
        poll.request_id = poll.request_id or new_request_id()
        code, detail, retry_after = describe_error(error, poll.request_id)
        return CATALOGUE[code].status, self.writer.problem(poll, code, detail, retry_after, quotas)

    def _renew(self) -> None:
        self.writer.renew()
        self.repeated_start = self.writer.start(304, is_http_11=True, keeps_alive=True)
        self.beat += 1
        # With access lines on, each answer takes the way on which it gets its line.
        self._logs = logs_requests()
        self.may_repeat = self._follower.is_fed and not self._room.is_draining and not self._logs
        self._tell_metrics()

    # --- Accounting ---------------------------------------------------------------------------

    def _account(self, poll: Poll, principal: Recipient, status: int, began: float, held_seconds: float) -> None:
        key = (poll.route, status)
        self._answers[key] = self._answers.get(key, 0) + 1
        if not self._is_telling_metrics:
            self._is_telling_metrics = True
            gevent.get_hub().loop.run_callback(self._tell_metrics)
        if self._logs:
            log_request(
                request_id=poll.request_id or new_request_id(),
                principal=principal.audience,
                method="GET",
                route=poll.route,
                status=status,
                duration_seconds=time.monotonic() - began,
                held_seconds=held_seconds,
            )

    def _tell_metrics(self) -> None:
        """Tell the metrics what a turn of the hub, or a second of repeated polls, has brought: each takes locks."""
        self._is_telling_metrics = False
        answers, self._answers = self._answers, {}
        if self.repeated:
            answers[INBOX, 304] = answers.get((INBOX, 304), 0) + self.repeated
            self.repeated = 0
        for (route, status), count in answers.items():
            count_answers(route, status, count)
            metrics.hub_answers.labels(status).inc(count)
        if self._wake_delays:
            metrics.observe_all(metrics.wake_seconds, self._wake_delays)
            self._wake_delays = []


def _is_common(poll: Poll) -> bool:
    """Tell whether a poll is of the kind that `Repeated` answers."""
    return poll.route == INBOX and poll.keeps_alive and poll.is_http_11 and poll.wait is None and poll.origin is None
