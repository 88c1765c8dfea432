"""A long poll as one would write it with aiohttp: no authentication, no database, a short log in memory.

    python aiohttp_poll.py PORT

GET /poll?user=&cursor= waits for what lies after the cursor, POST /publish?to= publishes its body as a title to one
user or to `all`, and /v1/inbox is always 304. Run in the peers' own environment, so it imports nothing of ours.
"""

import asyncio
import json
import sys
from collections import defaultdict, deque

from aiohttp import web

KEPT = 16
"""So many of the newest notifications are kept for each user, for clients on their way back."""

log: dict[str, deque[tuple[int, str]]] = defaultdict(lambda: deque(maxlen=KEPT))
waiting: dict[str, set["asyncio.Future[None]"]] = defaultdict(set)
last = 0


def found(user: str, cursor: int) -> list[tuple[int, str]]:
    return [item for to in (user, "all") for item in log.get(to, ()) if item[0] > cursor]


async def poll(request: web.Request) -> web.Response:
    user, cursor = request.query["user"], int(request.query["cursor"])
    if not found(user, cursor):
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting[user].add(future)
        try:
            await future
        finally:
            waiting[user].discard(future)
            if not waiting[user]:
                del waiting[user]
    items = found(user, cursor)
    answer = {"notifications": [{"title": title} for _, title in items], "cursor": str(max(item[0] for item in items))}
    return web.Response(text=json.dumps(answer, separators=(",", ":")), content_type="application/json")


async def publish(request: web.Request) -> web.Response:
    global last
    to, title = request.query["to"], await request.text()
    last += 1
    log[to].append((last, title))
    for futures in list(waiting.values()) if to == "all" else [waiting.get(to, set())]:
        for future in futures:
            if not future.done():
                future.set_result(None)
    return web.Response(text="published")


async def nothing(request: web.Request) -> web.Response:
    return web.Response(status=304)


if __name__ == "__main__":
    app = web.Application()
    app.add_routes([web.get("/poll", poll), web.post("/publish", publish), web.get("/v1/inbox", nothing)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, backlog=4096)
