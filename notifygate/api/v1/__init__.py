"""The endpoints of version 1, one per file. Importing this package puts them on their blueprints."""

from notifygate.api.blueprints import admins, publishers, recipients
from notifygate.api.v1 import (
    get_history,
    get_inbox,
    get_probe,
    get_unread,
    notify,
    post_notifications,
    post_state,
    preferences,
    retract_notification,
    topics,
    types,
)

__all__ = [
    "BLUEPRINTS",
    "get_history",
    "get_inbox",
    "get_probe",
    "get_unread",
    "notify",
    "post_notifications",
    "post_state",
    "preferences",
    "retract_notification",
    "topics",
    "types",
]

BLUEPRINTS = (recipients, publishers, admins)
"""What an application registers to serve version 1."""
