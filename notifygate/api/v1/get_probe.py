"""GET /v1/probe: how long a hold survives the way between a client and the gateway (PROTOCOL section 4)."""

import time

import orjson
from flask import Response, request
from pydantic import Field

from notifygate.api.answers import json_answer
from notifygate.api.blueprints import recipients
from notifygate.api.gateway import gateway
from notifygate.api.guard import recipient
from notifygate.api.long_poll import ClientGoneError
from notifygate.api.schemas import ProbeAnswer
from notifygate.api.validated import QueryModel, WholeNumber, validated
from notifygate.domain.entry import Entry
from notifygate.holds.in_place import InPlaceWait


class ProbeQuery(QueryModel):
    """A probe."""

    hold: WholeNumber = Field(description="Seconds to hold, lowered to the longest hold that the gateway grants.")


class ProbeView:
    """What a probe waits for: nothing."""

    def __init__(self, name: str) -> None:
        self.recipient = name
        self.audiences: tuple[str, ...] = ()

    def tells(self, entry: Entry) -> bool:
        """Tell nothing."""
        return False


@recipients.get("/probe", responses={200: ProbeAnswer})
@validated
def get_probe(query: ProbeQuery) -> Response:
    """Hold the request for exactly so long, then say how long it was held, in whole seconds.

    It counts against the recipient's holds: a further hold may end it early, as may the gateway's stop.
    """
    seconds = min(query.hold, gateway().advice.longest_wait(), max(0, recipient().expires_at / 1000 - time.time()))
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        with InPlaceWait(gateway().room, ProbeView(recipient().id)) as hold:
            reason = hold.wait(left, request.environ.get("gunicorn.socket"))
        if reason == "gone":
            raise ClientGoneError
        gateway().revocations.check(recipient())
        if reason != "news":  # of the log there is none for a probe: another token of the recipient was revoked
            break
    return json_answer(orjson.dumps({"held": round(time.monotonic() - began)}))
