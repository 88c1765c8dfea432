"""The front desk: hands each plain request to the desk that it is for, and keeps what both of them share."""

import gevent

from notifygate.api.desk.accounts import Accounts
from notifygate.api.desk.poll_desk import PollDesk
from notifygate.api.desk.publish_desk import PublishDesk
from notifygate.api.desk.writer import AnswerWriter
from notifygate.api.gateway import Gateway
from notifygate.server.desk import Caller, HeldPoll, Reply, Sender
from notifygate.server.plain_request import PlainRequest

RENEW_SECONDS = 1.0
"""How often what answers have in common is made anew: the Date counts seconds."""


class FrontDesk:
    """Answers plain requests. See `server.desk.Desk`."""

    def __init__(self, gateway: Gateway) -> None:
        self._writer = AnswerWriter(gateway.advice, gateway.settings.cors_origins)
        self._accounts = Accounts()
        self._room = gateway.room
        self.polls = PollDesk(gateway, self._writer, self._accounts)
        self.publications = PublishDesk(gateway, self._writer, self._accounts)

    def take(self, request: PlainRequest, caller: Caller) -> Reply | HeldPoll | None:
        """See `server.desk.Desk`."""
        return self.polls.take(request, caller) if request.body is None else self.publications.take(request)

    def start(self, send: Sender) -> None:
        """See `server.desk.Desk`."""
        self.polls.send = send
        self._timer = gevent.get_hub().loop.timer(RENEW_SECONDS, RENEW_SECONDS)
        self._timer.start(self._renew)
        self._renew()

    def drain(self) -> None:
        """See `server.desk.Desk`."""
        self._room.drain()
        self._renew()

    def _renew(self) -> None:
        self._writer.renew()
        self._accounts.tell()
        self.polls.renew()
