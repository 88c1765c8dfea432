"""Housekeeping: what nobody asks for, in every worker.

About every second expiry and SQLite's checkpoint, and a probe while commits fail; about every hour retention. No worker
is elected: the jobs look first and lock only when there is something to do, and who comes second finds nothing left. So
there is no lease to lose and no moment without a housekeeper.
"""

import logging
import random
from collections.abc import Callable

import gevent

from notifygate.background import Background
from notifygate.errors import NotifygateError
from notifygate.log.writer import LogWriter
from notifygate.publishing.removal import Removal
from notifygate.publishing.retention import Retention
from notifygate.storage.database import Database

logger = logging.getLogger(__name__)

TIDY_SECONDS = 1.0
RETENTION_SECONDS = 3600.0


class Housekeeping:
    """The greenlet that does it."""

    def __init__(self, database: Database, writer: LogWriter, removal: Removal, retention: Retention) -> None:
        self._database = database
        self._writer = writer
        self._removal = removal
        self._retention = retention
        self._tidying = Background(self._tidy)
        self._pruning = Background(self._prune)

    def start(self) -> None:
        """Begin; the first retention comes at a random moment of the first interval, so that workers don't coincide."""
        self._tidying.start()
        self._pruning.start()

    def stop(self) -> None:
        """Stop."""
        self._tidying.stop()
        self._pruning.stop()

    def _tidy(self) -> None:
        with self._tidying.idle:
            gevent.sleep(TIDY_SECONDS)
        self._try(self._writer.probe)
        self._try(self._removal.expire_due)
        self._try(self._database.checkpoint)

    def _prune(self) -> None:
        with self._pruning.idle:
            gevent.sleep(RETENTION_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
        self._try(self._retention.prune)

    def _try(self, job: Callable[[], object]) -> None:
        try:
            job()
        except NotifygateError as error:
            logger.warning("Housekeeping has to wait: %s", error)
        except Exception:
            logger.exception("Housekeeping failed")
