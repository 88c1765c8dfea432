"""The poll desk: plain polls answered from memory, in the hub, before gunicorn's parser or Flask see them.

It does what the endpoints do (`api.v1.get_inbox`, `api.v1.get_unread`) for requests that leave nothing open: a valid
token, sane parameters, a limit that isn't reached. Everything else it leaves to them by answering None, errors too.
The log, the views, the limits and the waiting room are the same objects.
"""

import functools
import logging
import time
from collections.abc import Sequence

import gevent

from notifygate.api.accounting import CLIENT_GONE
from notifygate.api.desk.accounts import Accounts
from notifygate.api.desk.held_poll import HeldPoll
from notifygate.api.desk.repeated_poll import Repeated, can_be_repeated
from notifygate.api.desk.requests import INBOX, Poll, read_poll
from notifygate.api.desk.writer import AnswerWriter
from notifygate.api.gateway import Gateway
from notifygate.domain.ids import new_request_id
from notifygate.domain.principal import Recipient
from notifygate.errors import RateLimitedError
from notifygate.inbox.answer import Found, Nothing
from notifygate.limits.windows import FixedWindows, Quota
from notifygate.log.tail import Tail
from notifygate.server.desk import Answer, Caller, Reply, Sender
from notifygate.server.plain_request import PlainRequest
from notifygate.waiting import WouldWaitError

logger = logging.getLogger(__name__)


class PollDesk:
    """Takes polls."""

    def __init__(self, gateway: Gateway, writer: AnswerWriter, accounts: Accounts) -> None:
        self.tail: Tail = gateway.tail
        self.writer = writer
        self.accounts = accounts
        self._follower = gateway.follower
        self._tokens = gateway.tokens
        self.revocations = gateway.revocations
        self._limits = gateway.limits
        self.guard: FixedWindows | None = gateway.limits.windows("guard")
        self._limit = gateway.limits.windows("poll")
        self._views = gateway.views
        self._polls = gateway.polls
        self._room = gateway.room
        self._advice = gateway.advice
        self.beat = 1
        """Counts the renewals."""
        self.may_repeat = False
        self.repeated_start = b""
        self.send: Sender
        """The server's, from the start on."""
        self._ended: list[HeldPoll] = []

    def renew(self) -> None:
        """Begin another beat, in which answers carry the present Date."""
        self.repeated_start = self.writer.start(304, is_http_11=True, keeps_alive=True)
        self.beat += 1
        # With access lines on, each answer takes the way on which it gets its line.
        self.may_repeat = self._follower.is_fed and not self._room.is_draining and not self.accounts.logs

    # --- Taking polls -------------------------------------------------------------------------

    def take(self, request: PlainRequest, caller: Caller) -> Reply | HeldPoll | None:
        """See `server.desk.Desk`."""
        began = time.monotonic()
        poll = read_poll(request)
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
        except WouldWaitError:
            raise
        except Exception:  # the caller's error, or a defect: nothing was counted yet, and the endpoint says what it is
            return None
        if guard is not None:
            guard.add(principal.audience, time.time())
        if outcome is None:
            poll.token = b""
            return hold
        quota = self._take_quota(outcome, principal)
        if quota is not None and quota.is_exceeded:
            return None
        status, data = self._write(poll, principal, outcome, quota)
        self.accounts.answered(poll, principal.audience, status, began, 0.0)
        if status != 304 or not isinstance(outcome, Nothing) or not self.may_repeat or not can_be_repeated(poll):
            return Reply(data, poll.keeps_alive)
        return Reply(data, True, functools.partial(Repeated, self, principal, outcome))

    def _recognise(self, token: bytes) -> Recipient:
        """Return whom a token speaks for; a token that is new costs its verification. Raises UnauthorizedError."""
        principal = self._tokens.recall(token)
        if principal is None or principal.expires_at <= time.time() * 1000:
            principal = self._tokens.verify(token.decode())
        return principal

    def _look(self, poll: Poll, principal: Recipient) -> Found | Nothing:
        """Look. Raises UnauthorizedError if the token was revoked, at the latest while the database was read."""
        if poll.route == INBOX:
            outcome = self._polls.look(principal, poll.cursor, poll.tags, poll.limit)
        else:
            outcome = self._polls.look_at_counts(principal, poll.tags)
        self.revocations.check(principal)
        return outcome

    def _wait(self, hold: HeldPoll) -> Found | Nothing | None:
        """Register a hold, look, and let it wait: None. Or return what there is to be said at once.

        In that order nothing can slip between the look and the wait. Where the look reads the database, the room may
        end the hold meanwhile; `waits` tells it to leave the rest to this method.
        """
        while True:
            self._room.enter(hold)
            try:
                outcome = None if self._has_nothing_to_find(hold) else self._look(hold.poll, hold.principal)
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
            if outcome is not None:
                hold.view = outcome.view  # what ended the wait may have ended the view that it was filtered by

    def _has_nothing_to_find(self, hold: HeldPoll) -> bool:
        """Tell whether a poll that begins to wait needs no look: nearly all that come back after a broadcast."""
        poll = hold.poll
        if hold.reason is not None or poll.route != INBOX or not self.revocations.accepts(hold.principal):
            return False
        return self._polls.is_at_the_end(hold.view, poll.cursor)

    # --- Ending holds -------------------------------------------------------------------------

    def conclude_soon(self, hold: HeldPoll) -> None:
        """Answer a poll at the end of this turn, together with the others that the room ends in it."""
        if not self._ended:
            gevent.get_hub().loop.run_callback(self._conclude_ended)
        self._ended.append(hold)

    def _conclude_ended(self) -> None:
        """Answer the polls that were ended: together where that is possible, the others by themselves."""
        ended, self._ended = self._ended, []
        try:
            self._answer_together(ended)
        except Exception:  # a defect with one of them must not cost the others their answers
            logger.exception("Woken polls could not be answered together")
        for hold in ended:
            if hold.waits:
                gevent.get_hub().loop.run_callback(self.conclude, hold)

    def _answer_together(self, ended: Sequence[HeldPoll]) -> None:
        """Answer those that are told one new notification each: `_answer`, with what they share done once.

        Those that are told something else or in another form, have reached their limit, or whose token was revoked are
        left waiting.
        """
        guard, limit = self.guard, self._limit
        if guard is None or limit is None or self.accounts.logs:
            return
        if not self._follower.is_fed or self._room.is_draining:
            return
        accepts = self.revocations.accepts
        told = self._polls.tell_single(
            [hold for hold in ended if hold.waits and hold.is_common and accepts(hold.principal)]
        )
        if not told:
            return
        # In this order: these two begin a new window where the last one is over.
        guard_counts, counts = guard.present(), limit.add_each([hold.principal.audience for hold, _ in told])
        forms = self.writer.single_news_forms(guard, limit)
        answers: list[Answer] = []
        commits: list[float | None] = []
        try:
            for (hold, text), count in zip(told, counts, strict=True):
                left = limit.limit - count
                if left < 0:
                    continue
                guard_left = guard.limit - guard_counts.get(hold.principal.audience, 0)
                poll = hold.poll
                request_id = poll.request_id or new_request_id()
                data = forms.fill(text, hold.view, poll.wait, request_id, guard_left if guard_left > 0 else 0, left)
                hold.waits = False
                answers.append((hold.caller, data, True))
                commits.append(hold.committed_at)
        finally:  # a defect with one of them must not cost those before it their answers
            self.send(answers)
            self.accounts.woken(commits)
            self.accounts.count(INBOX, 200, len(answers))

    def conclude(self, hold: HeldPoll) -> None:
        """Answer a poll whose wait is over, from memory where that is enough. Called in the hub."""
        if not hold.waits:
            return
        hold.waits = False
        reason = hold.reason
        try:
            self._conclude(hold)
        except WouldWaitError:
            hold.reason = reason
            gevent.spawn(self._conclude, hold)

    def time_is_over(self, hold: HeldPoll) -> None:
        """End a hold that nothing else has ended. One that is being answered just now must not wait any further."""
        if not hold.waits:
            hold.deadline = 0.0
            return
        self._room.leave(hold, "timeout")
        self.conclude(hold)

    def client_is_gone(self, hold: HeldPoll) -> bytes:
        """Forget a hold; one that is being answered just now is answered."""
        if not hold.waits:
            return b""
        hold.waits = False
        self._room.leave(hold, "gone")
        hold.poll.request_id = hold.poll.request_id or new_request_id()
        self.accounts.answered(
            hold.poll, hold.principal.audience, CLIENT_GONE, hold.began, time.monotonic() - hold.began
        )
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
        elif hold.caller.is_gone:  # while the database was read
            self.client_is_gone(hold)
        elif hold.deadline <= time.monotonic():
            self.time_is_over(hold)

    def _answer(self, hold: HeldPoll, outcome: Found | Nothing | Exception) -> None:
        """Send the answer to a poll that was held."""
        poll, principal = hold.poll, hold.principal
        held_seconds = time.monotonic() - hold.began
        if self._room.is_draining:
            poll.keeps_alive = False
        quota = None if isinstance(outcome, Exception) else self._take_quota(outcome, principal)
        if isinstance(outcome, Exception):
            status, data = self.writer.error(poll, outcome, self._guard_quota(principal))
        elif quota is not None and quota.is_exceeded:
            quotas = [*self._guard_quota(principal), quota]
            status, data = self.writer.error(poll, RateLimitedError(quota.reset_seconds), quotas)
        else:
            status, data = self._write(poll, principal, outcome, quota)
        if status == 200:
            self.accounts.woken([hold.committed_at])
        self.accounts.answered(poll, principal.audience, status, hold.began, held_seconds)
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
