"""The state of `notifygate watch` between polls, which its `--state` file stores.

The cursor is the position. The ids of printed notifications prevent that one is printed twice when the
gateway repeats it: because it was read on another device, or because a reset repeats the whole inbox.
The number of ids is limited. The horizon covers the older ones: ids sort by creation, so a repeated id at
or below it was printed before.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import click

from notifygate.cli.inbox_page import Notification, check_text
from notifygate.private_files import write_private_file

MAX_SHOWN_IDS = 500  # ids; more than two of the largest pages, in a file of 20 kB that is fast to write
_MILLISECOND_CHARACTERS = 13  # the beginning of an id (UUIDv7) that is its time; the rest is random
_AFTER_ALL_IDS = "~"  # follows each character of an id
_VERSION = 1


@dataclass
class WatchState:
    """`cursor` is None until the first response; `shown_ids` and `horizon` are ids of notifications."""

    cursor: str | None = None
    horizon: str = ""
    shown_ids: set[str] = field(default_factory=set[str])

    def select_new(self, items: Iterable[Notification], *, is_snapshot: bool) -> list[Notification]:
        """Return the items that were not printed before, in their order.

        A snapshot repeats old ones, so there the horizon alone decides about ids that are not remembered.
        A change below the horizon that is unseen is new all the same: the clock of the node that published
        it was slow. (In a snapshot such a one is missed if more than MAX_SHOWN_IDS newer ones were printed
        before it.)
        """
        return [
            item
            for item in items
            if item["id"] not in self.shown_ids
            and (item["id"] > self.horizon or not (is_snapshot or item.get("seen_at") or item.get("read_at")))
        ]

    def remember(self, items: Iterable[Notification]) -> None:
        """Record that the items were printed, and move the oldest ids into the horizon."""
        self.shown_ids.update(str(item["id"]) for item in items)
        surplus = sorted(self.shown_ids)[:-MAX_SHOWN_IDS]
        if surplus:
            self.shown_ids.difference_update(surplus)
            self.raise_horizon(surplus[-1])

    def begin_after(self, items: Iterable[Notification]) -> None:
        """Treat every notification before a first page as printed.

        An id sorts by creation to the millisecond only: an older one of the same millisecond as the oldest of the page
        may be greater. Those of the page itself are remembered.
        """
        oldest = min((str(item["id"]) for item in items), default="")
        if oldest:
            self.raise_horizon(oldest[:_MILLISECOND_CHARACTERS] + _AFTER_ALL_IDS)

    def raise_horizon(self, notification_id: str) -> None:
        """Treat every id up to this one as printed."""
        self.horizon = max(self.horizon, notification_id)


def load_state(path: Path) -> WatchState:
    """Return the state in the file, a new one if the file does not exist.

    Raises `click.ClickException` for a file that can't be read or is invalid.
    """
    try:
        kept: Any = json.loads(path.read_bytes())
        if kept["version"] != _VERSION or not isinstance(kept["cursor"], str | None):
            raise ValueError
        check_text(kept["cursor"] or "")
        shown_ids = cast("list[Any]", kept["told"])  # the name of version 1 of the file
        if not isinstance(kept["horizon"], str) or not all(isinstance(item, str) for item in shown_ids):
            raise ValueError
        return WatchState(kept["cursor"], kept["horizon"], set(shown_ids))
    except FileNotFoundError:
        return WatchState()
    except OSError as error:
        raise click.ClickException(f"can't read the state file {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise click.ClickException(
            f"the state file {path} is not a state file of notifygate watch, or damaged; remove it to start again"
        ) from None


def save_state(path: Path, state: WatchState) -> None:
    """Replace the file with the state, atomically, readable by its owner only.

    The new content is on disk before the file is renamed, and the rename when this returns: a crash
    leaves the old file or the new one. Raises `click.ClickException`.
    """
    content = {"version": _VERSION, "cursor": state.cursor, "horizon": state.horizon, "told": sorted(state.shown_ids)}
    fresh = path.with_name(path.name + ".tmp")
    try:
        write_private_file(fresh, json.dumps(content))
        os.replace(fresh, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise click.ClickException(f"can't write the state file {path}: {error.strerror}") from None
