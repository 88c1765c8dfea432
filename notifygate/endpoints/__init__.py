"""The endpoints of docs/protocol.md, one line each. Each module contains one plain function (or one resource)."""

from notifygate.endpoints.delete_notification import delete_notification
from notifygate.endpoints.get_history import get_history
from notifygate.endpoints.get_inbox import get_inbox
from notifygate.endpoints.get_metrics import get_metrics
from notifygate.endpoints.get_openapi import get_openapi
from notifygate.endpoints.get_probe import get_probe
from notifygate.endpoints.get_problem import get_problem
from notifygate.endpoints.get_unread import get_unread
from notifygate.endpoints.health import get_healthz, get_readyz
from notifygate.endpoints.notification_types import delete_type, get_types, put_type
from notifygate.endpoints.post_notifications import post_notifications
from notifygate.endpoints.post_notify import post_notify
from notifygate.endpoints.post_state import post_state
from notifygate.endpoints.preferences import get_preferences, put_preferences
from notifygate.endpoints.topics import delete_topic, get_topics, put_topic
from notifygate.protocol.pipeline import Endpoint

FAST_ENDPOINTS = (
    Endpoint("GET", "/v1/inbox", "recipient", get_inbox),
    Endpoint("GET", "/v1/inbox/unread", "recipient", get_unread),
    Endpoint("POST", "/v1/notifications", "publisher", post_notifications),
)
"""Endpoints whose plain requests need neither gunicorn's parser nor Flask."""

ENDPOINTS = (
    *FAST_ENDPOINTS,
    Endpoint("GET", "/v1/inbox/history", "recipient", get_history),
    Endpoint("POST", "/v1/inbox/state", "recipient", post_state),
    Endpoint("GET", "/v1/inbox/topics", "recipient", get_topics),
    Endpoint("PUT", "/v1/inbox/topics/<topic>", "recipient", put_topic),
    Endpoint("DELETE", "/v1/inbox/topics/<topic>", "recipient", delete_topic),
    Endpoint("GET", "/v1/inbox/preferences", "recipient", get_preferences),
    Endpoint("PUT", "/v1/inbox/preferences", "recipient", put_preferences),
    Endpoint("GET", "/v1/probe", "recipient", get_probe),
    Endpoint("DELETE", "/v1/notifications/<id>", "publisher", delete_notification),
    Endpoint("POST", "/v1/notify/<path:audience>", "publisher", post_notify),
    Endpoint("GET", "/v1/types", "admin", get_types),
    Endpoint("PUT", "/v1/types/<type>", "admin", put_type),
    Endpoint("DELETE", "/v1/types/<type>", "admin", delete_type),
    Endpoint("GET", "/healthz", "open", get_healthz),
    Endpoint("GET", "/readyz", "open", get_readyz),
    Endpoint("GET", "/metrics", "open", get_metrics),
    Endpoint("GET", "/openapi.json", "open", get_openapi),
    Endpoint("GET", "/problems/<code>", "open", get_problem),
)
"""All endpoints."""
