"""The fast path in this process, called as by the reactor, without a socket."""

from collections.abc import Callable, Sequence
from typing import Any

import gevent
from gevent.event import AsyncResult

from notifygate.endpoints import FAST_ENDPOINTS
from notifygate.endpoints.polling import PollHold
from notifygate.fastpath.fast_path import FastPath
from notifygate.protocol.request import Request
from notifygate.server.handler import Deferred, Outgoing, Reply
from notifygate.server.plain_request import read_request
from tests.support.in_process import InProcessGateway
from tests.support.waiting import eventually


class Client:
    """A connection that records the answers that are sent on it."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.is_gone = False

    def answer(self, data: bytes, *, keep_alive: bool) -> None:
        self.answers.append(data)


def send_all(answers: Sequence[Outgoing]) -> None:
    for client, data, keep_alive in answers:
        client.answer(data, keep_alive=keep_alive)


def in_hub(work: Callable[[], Any]) -> Any:
    """Run work in the hub, as the server does, and return its result or raise its exception."""
    done: AsyncResult[Any] = AsyncResult()

    def run() -> None:
        try:
            done.set(work())
        except Exception as error:
            done.set_exception(error)

    gevent.get_hub().loop.run_callback(run)
    return done.get(timeout=10)


class InProcessFastPath:
    """The fast path of a gateway. `stop` it at the end."""

    def __init__(self, app: InProcessGateway) -> None:
        self.app = app
        self.path = FastPath(app.services, FAST_ENDPOINTS)
        self.path.start(send_all)

    def take_request(self, request: Request, client: Client | None = None) -> Any:
        """Take a request in the hub."""
        return in_hub(lambda: self.path.take(request, client or Client()))

    def answer(self, data: bytes) -> tuple[bytes, bool] | None:
        """Return the response to a request, after its wait, and whether the connection stays open.

        None for a request that is left to gunicorn's parser and Flask.
        """
        request, client = read_request(data), Client()
        if request is None:
            return None
        taken = self.take_request(request, client)
        if isinstance(taken, Deferred):
            taken = taken.run()
        if isinstance(taken, PollHold):
            self.app.clock.sleep(max(0.0, taken.deadline - self.app.clock.monotonic()))
            in_hub(taken.expire)
            eventually(lambda: client.answers, "the end of the wait")
            (sent,) = client.answers
            return sent, taken.exchange.keep_alive
        return (taken.data, taken.keep_alive) if isinstance(taken, Reply) else None

    def stop(self) -> None:
        self.path._timer.stop()
