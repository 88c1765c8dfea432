"""A long poll as one would write it as a Flask view: it waits in its greenlet. No authentication, no database.

    gunicorn -k gevent flask_view:app

The same three addresses as aiohttp_poll.py. Run in the peers' own environment, so it imports nothing of ours.
"""

from collections import defaultdict, deque

from flask import Flask, Response, jsonify, request
from gevent.event import Event

KEPT = 16
"""So many of the newest notifications are kept for each user, for clients on their way back."""

app = Flask(__name__)
log: dict[str, deque[tuple[int, str]]] = defaultdict(lambda: deque(maxlen=KEPT))
waiting: dict[str, set[Event]] = defaultdict(set)
last = 0


def found(user: str, cursor: int) -> list[tuple[int, str]]:
    return [item for to in (user, "all") for item in log.get(to, ()) if item[0] > cursor]


@app.get("/poll")
def poll() -> Response:
    user, cursor = request.args["user"], int(request.args["cursor"])
    if not found(user, cursor):
        event = Event()
        waiting[user].add(event)
        event.wait()
        waiting[user].discard(event)
        if not waiting[user]:
            del waiting[user]
    items = found(user, cursor)
    return jsonify(notifications=[{"title": title} for _, title in items], cursor=str(max(item[0] for item in items)))


@app.post("/publish")
def publish() -> Response:
    global last
    to, title = request.args["to"], request.get_data(as_text=True)
    last += 1
    log[to].append((last, title))
    for events in list(waiting.values()) if to == "all" else [waiting.get(to, set())]:
        for event in events:
            event.set()
    return Response("published")


@app.get("/v1/inbox")
def nothing() -> Response:
    return Response(status=304)
