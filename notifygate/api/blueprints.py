"""The three kinds of endpoints under /v1. Which one an endpoint belongs to decides who may call it."""

from flask_openapi3.blueprint import APIBlueprint

from notifygate.api.guard import require_admin, require_publisher, require_recipient
from notifygate.api.schemas import problem_responses

COMMON_PROBLEMS = problem_responses(400, 401, 403, 414, 429, 431, 500, 503)

recipients = APIBlueprint(
    "recipients",
    __name__,
    url_prefix="/v1",
    abp_security=[{"recipientToken": []}],
    abp_responses=COMMON_PROBLEMS,
)
publishers = APIBlueprint(
    "publishers", __name__, url_prefix="/v1", abp_security=[{"apiKey": []}], abp_responses=COMMON_PROBLEMS
)
admins = APIBlueprint(
    "admins", __name__, url_prefix="/v1", abp_security=[{"apiKey": []}], abp_responses=COMMON_PROBLEMS
)

recipients.before_request(require_recipient)
publishers.before_request(require_publisher)
admins.before_request(require_admin)
