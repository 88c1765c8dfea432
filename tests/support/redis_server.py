"""A real Redis for the tests."""

import os
import signal

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.binaries import find_redis
from tests.support.ports import free_port
from tests.support.processes import ServerProcess, ServerStartError, make_folder, remove_folder

URL_VARIABLE = "NOTIFYGATE_TEST_REDIS_URL"


class NotOurServerError(RuntimeError):
    """A test tried to stop or pause a Redis that is given by URL."""


class RedisServer:
    """A Redis that keeps everything in memory, on a port of its own that survives restarts.

    `given_url` names a running one, which is used unchanged and can't be stopped or paused.
    """

    def __init__(self, given_url: str | None = None) -> None:
        self._is_given = given_url is not None
        self._port = 0 if self._is_given else free_port()
        self.url = given_url or f"redis://127.0.0.1:{self._port}/0"
        self._folder = make_folder("redis")
        self._process: ServerProcess | None = None

    @classmethod
    def from_environment(cls) -> "RedisServer":
        """Return the server named by NOTIFYGATE_TEST_REDIS_URL, or else one of our own, not yet started."""
        return cls(os.environ.get(URL_VARIABLE) or None)

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises BinaryNotFoundError, ServerStartError.
        """
        if self._is_given:
            if not self._answers():
                raise ServerStartError(f"the Redis of {URL_VARIABLE} does not answer")
            return
        # Nothing is written to disk, neither snapshots nor a log of commands: a restart begins empty.
        arguments = ["--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "", "--appendonly", "no"]
        command = [*self._command(), *arguments]
        self._process = ServerProcess("Redis", command, output_file=self._folder / "output.txt")
        self._process.wait_until(self._answers)

    def stop(self) -> None:
        """Stop the server; its port stays its own for the next start. Stopping again has no effect."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def restart(self) -> None:
        """Stop the server and start it again, empty, on the same port."""
        self._own().stop()
        self.start()

    def pause(self) -> None:
        """Pause the server: connections are still accepted, nothing is answered."""
        self._own().send(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume a paused server; it answers the requests that arrived meanwhile."""
        self._own().send(signal.SIGCONT)

    def flush(self) -> None:
        """Remove everything from the database that the URL names."""
        with self.connect() as client:
            client.flushdb()

    def connect(self, timeout_seconds: float = 5.0) -> redis.Redis:
        """Return a client that gives up after `timeout_seconds` and never retries."""
        return redis.Redis.from_url(
            self.url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )

    def close(self) -> None:
        """Stop the server and remove its folder; the object can't be used again."""
        self.stop()
        remove_folder(self._folder)

    def _command(self) -> list[str]:
        return [str(find_redis()), "--port", str(self._port)]

    def _own(self) -> ServerProcess:
        if self._is_given:
            raise NotOurServerError(f"the Redis of {URL_VARIABLE} is not ours: use the own_redis_server fixture")
        assert self._process is not None, "the server has not been started"
        return self._process

    def _answers(self) -> bool:
        try:
            with self.connect(timeout_seconds=2.0) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
