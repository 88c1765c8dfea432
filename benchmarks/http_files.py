"""Files that the load generator reads and writes: rows of HTTP requests, rows of answers.

A request may hold `STAMP`, which is replaced by a running number each time that it is sent, and `slot(value)`, which
is replaced by what the last answer brought. See the top of loadgen.c.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAMP = "@" * 10

MARK = "bench-"
"""What a notification's number stands after; the load generator looks for it in every answer."""

MARKED_TITLE = MARK + STAMP


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: status, the head as text, the body."""

    status: int
    head: str
    body: bytes

    def field(self, name: str) -> str:
        """Return a header's value, "" where there is none."""
        for line in self.head.split("\r\n"):
            field, _, value = line.partition(":")
            if field.lower() == name.lower():
                return value.strip()
        return ""


def slot(value: str) -> str:
    """Return the place of a value that the load generator keeps up to date."""
    return f"\x01{value}\x02"


def get(target: str, headers: Mapping[str, str]) -> bytes:
    """Return a GET request with the headers that a small client sends."""
    return _head("GET", target, {"Accept": "application/json", **headers}).encode()


def post(target: str, body: str, headers: Mapping[str, str]) -> bytes:
    """Return a POST request."""
    length = len(body.encode())
    return (_head("POST", target, {**headers, "Content-Length": str(length)}) + body).encode()


def post_json(target: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    """Return a POST request with a JSON body."""
    return post(target, json.dumps(body), {"Content-Type": "application/json", **headers})


def _head(method: str, target: str, headers: Mapping[str, str]) -> str:
    fields = {"Host": "127.0.0.1", "User-Agent": "loadgen", **headers}
    return f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {fields[name]}\r\n" for name in fields) + "\r\n"


def write_requests(path: Path, requests: Iterable[bytes]) -> Path:
    """Write a file of requests; return its path."""
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%d\n%b" % (len(request), request))
    return path


def read_answers(path: Path) -> Iterator[tuple[int, Answer]]:
    """Yield the answers of a file, each with the index of the request that it answers; they lie in no order."""
    with path.open("rb") as file:
        while line := file.readline():
            index, status, length = map(int, line.split())
            head, _, body = file.read(length).partition(b"\r\n\r\n")
            yield index, Answer(status, head.decode("latin-1"), body)
