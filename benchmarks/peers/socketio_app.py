"""Flask-SocketIO on its polling transport: each user has a session and a room. No authentication, no database.

    gunicorn -k gevent socketio_app:app

POST /publish?to= emits its body as a title to one user's room, or to all. Run in the peers' own environment, so it
imports nothing of ours.
"""

from flask import Flask, Response, request
from flask_socketio import SocketIO, join_room

# Pings would end the held polls; a run is over before the first.
PING_SECONDS = 3600

app = Flask(__name__)
socketio = SocketIO(
    app, async_mode="gevent", transports=["polling"], ping_interval=PING_SECONDS, cookie=None, cors_allowed_origins=[]
)


@socketio.on("connect")
def connect() -> None:
    join_room(request.args["user"])


@app.post("/publish")
def publish() -> Response:
    to, title = request.args["to"], request.get_data(as_text=True)
    socketio.emit("notification", {"title": title}, to=None if to == "all" else to)
    return Response("published")
