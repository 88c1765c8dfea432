"""A log with history: fills a gateway's SQLite file in seconds, with what publishing and reading would have left there.

    python -m benchmarks.seed var/notifygate.db

The file must have been migrated, and nothing may have been published yet. What the rows mean is in
docs/architecture.md and notifygate/storage/tables.py.

One recipient, number 0, gets `heavy` notifications first. Then in `ROUNDS` rounds something happens to each of
`recipients`: in the first rounds a notification for each, in the last `READ_ROUNDS` each reads the oldest unread one.
"""

import argparse
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers.gateway import recipient_name
from notifygate.domain.notification import encode_document

ROUNDS = 10
READ_ROUNDS = 2
PUBLISHED_ROUNDS = ROUNDS - READ_ROUNDS

DAYS = 20
"""The history is evenly spread over so many days: less than what is kept by default."""

CACHE_KIB = 1_000_000
"""All of it fits into memory while it is written in the order of keys."""


@dataclass(frozen=True, slots=True)
class Seed:
    """How much history there is."""

    recipients: int = 100_000
    heavy: int = 10_000
    """Notifications that recipient 0 has besides."""

    @property
    def entries(self) -> int:
        """Entries in the log: the sequence of the newest."""
        return self.heavy + ROUNDS * self.recipients

    def published(self) -> Iterator[tuple[int, int]]:
        """Yield (recipient, sequence) of each published notification, ordered by recipient."""
        for number in range(self.recipients):
            if number == 0:
                yield from ((0, seq) for seq in range(1, self.heavy + 1))
            yield from ((number, self.seq(turn, number)) for turn in range(PUBLISHED_ROUNDS))

    def read(self) -> Iterator[tuple[int, int, int]]:
        """Yield (recipient, sequence of the notification, sequence at which it was read), ordered by recipient."""
        for number in range(self.recipients):
            for turn in range(READ_ROUNDS):
                yield number, self.seq(turn, number), self.seq(PUBLISHED_ROUNDS + turn, number)

    def seq(self, turn: int, recipient: int) -> int:
        """Return the sequence of what happens to a recipient in a round."""
        return self.heavy + turn * self.recipients + recipient + 1


def fill(path: Path, seed: Seed | None = None) -> Seed:
    """Write the history into a migrated, unused SQLite file; return what was written.

    Raises ValueError for a file that is used.
    """
    seed = seed or Seed()
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        if connection.execute("SELECT head FROM log_head WHERE id = 1").fetchone() != (0,):
            raise ValueError(f"{path} has a history already.")
        # Should the machine stop meanwhile, it is simply done again.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("BEGIN")
        _insert(connection, seed, now_ms=time.time_ns() // 1_000_000)
        connection.execute("UPDATE log_head SET head = ? WHERE id = 1", (seed.entries,))
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return seed


def _insert(connection: sqlite3.Connection, seed: Seed, now_ms: int) -> None:
    began = now_ms - DAYS * 24 * 3600 * 1000
    step = (now_ms - began) / (seed.entries + 1)

    def at(seq: int) -> int:
        return began + int(seq * step)

    connection.executemany(
        "INSERT INTO inboxes (recipient, started_seq) VALUES (?, 0)",
        ((recipient_name(number),) for number in range(seed.recipients)),
    )
    connection.executemany(
        "INSERT INTO notifications (seq, id, type, document, audiences, key_id, created_at)"
        " VALUES (?, ?, 'order.shipped', ?, ?, 'seed', ?)",
        (_notification(number, seq, at(seq)) for number, seq in sorted(seed.published(), key=lambda item: item[1])),
    )
    connection.executemany(
        "INSERT INTO log_entries (audience, seq, kind, notification_seq, seen_at, read_at, unread_delta, unseen_delta,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _entries(seed, at),
    )
    connection.executemany(
        "INSERT INTO inbox_states (recipient, seq, seen_at, read_at) VALUES (?, ?, ?, ?)",
        ((recipient_name(number), seq, at(read_seq), at(read_seq)) for number, seq, read_seq in seed.read()),
    )


def _notification(number: int, seq: int, created_at: int) -> tuple[Any, ...]:
    # A UUIDv7 whose random part is the sequence.
    text = f"{created_at << 80 | 0x7 << 76 | 0b10 << 62 | seq:032x}"
    notification_id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    content = {
        "type": "order.shipped",
        "title": f"Order {seq} is on its way",
        "body": f"Parcel {seq} has left the warehouse and will be with you in two days.",
        "priority": "normal",
        "sender": "shop",
        "icon": None,
        "action_url": None,
        "data": "{}",
    }
    document = encode_document(notification_id, content, created_at, None).decode()
    return seq, notification_id, document, f'["user:{recipient_name(number)}"]', created_at


def _entries(seed: Seed, at: Callable[[int], int]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of log_entries, nearly in the order of their key."""
    for number, seq in seed.published():
        yield f"user:{recipient_name(number)}", seq, "published", seq, None, None, 0, 0, at(seq)
    for number, notification_seq, seq in seed.read():
        yield f"user:{recipient_name(number)}", seq, "state", notification_seq, at(seq), at(seq), -1, -1, at(seq)


def main() -> None:
    """Fill the file that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    began = time.monotonic()
    seed = fill(path)
    print(f"{seed.entries:,} entries, {seed.recipients:,} recipients, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
