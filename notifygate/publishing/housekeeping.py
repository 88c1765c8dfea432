"""Housekeeping: what nobody asks for. Expiry about every second, retention about every hour, in every worker.

No worker is elected: both jobs look first and lock only when there is something to do, and who comes second finds
nothing left. So there is no lease to lose and no moment without a housekeeper.
"""

import logging
import random
from collections.abc import Callable

import gevent

from notifygate.background import Background
from notifygate.errors import NotifygateError
from notifygate.publishing.removal import Removal
from notifygate.publishing.retention import Retention

logger = logging.getLogger(__name__)

EXPIRY_SECONDS = 1.0
RETENTION_SECONDS = 3600.0


class Housekeeping:
    """The greenlet that does it."""

    def __init__(self, removal: Removal, retention: Retention) -> None:
        self._removal = removal
        self._retention = retention
        self._expiring = Background(self._expire)
        self._pruning = Background(self._prune)

    def start(self) -> None:
        """Begin; the first retention comes at a random moment of the first interval, so that workers don't coincide."""
        self._expiring.start()
        self._pruning.start()

    def stop(self) -> None:
        """Stop."""
        self._expiring.stop()
        self._pruning.stop()

    def _expire(self) -> None:
        with self._expiring.idle:
            gevent.sleep(EXPIRY_SECONDS)
        self._try(self._removal.expire_due)

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
