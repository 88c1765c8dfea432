"""History: the notifications before a given one in the inbox."""

from sqlalchemy import Connection

from notifygate.domain.cursor import CursorCodec
from notifygate.domain.principal import Recipient
from notifygate.errors import NotFoundError
from notifygate.inbox.page import read_page
from notifygate.inbox.view_reader import read_view
from notifygate.inbox.views import Views
from notifygate.storage.database import Database
from notifygate.storage.stores.notifications import read_notification


class History:
    """Answers requests for older notifications."""

    def __init__(self, database: Database, views: Views, codec: CursorCodec) -> None:
        self._database = database
        self._views = views
        self._codec = codec

    def before(self, principal: Recipient, notification_id: str | None, limit: int) -> tuple[list[bytes], bool]:
        """Return up to `limit` notifications before a given one as JSON, newest first, and whether there are more.

        Without an id, the newest. Raises NotFoundError for an id that was never visible to this recipient; one that was
        dismissed, or that left the inbox since, still marks its position.
        """
        self._views.current(principal)  # the first request of a recipient begins their inbox

        def work(connection: Connection) -> list[bytes]:
            view = read_view(connection, principal, self._codec)
            if view is None:
                return []
            if notification_id is None:
                return read_page(connection, view, limit + 1)
            stored = read_notification(connection, notification_id)
            if stored is None or not set(view.audiences) & stored.notification.audiences:
                raise NotFoundError("The notification is not in this inbox.")
            return read_page(connection, view, limit + 1, before=stored.notification.seq)

        items = self._database.read_in_turn(work)
        return items[:limit], len(items) > limit
