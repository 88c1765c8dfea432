"""The format of log lines: one JSON object a line, or plain text for people, without tokens, keys and notifications."""

import json
import logging
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

EXTRA_FIELDS = ("request_id", "principal", "method", "route", "status", "duration_seconds", "held_seconds")
"""Fields of access lines, in order (docs/operations.md, "Log lines")."""


@lru_cache(maxsize=1)
def _second(unix_time: int) -> str:
    """Return a second of UTC as text, without a zone."""
    return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JsonLines(logging.Formatter):
    """One JSON object per record, with the fields of access lines if the record has any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        line: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: vars(record)[name] for name in EXTRA_FIELDS if vars(record).get(name) is not None})
        if record.exc_info:
            line["exception"] = describe_exception(record)
        return json.dumps(line, ensure_ascii=True)


class TextLines(logging.Formatter):
    """One line per record for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        fields = " ".join(f"{name}={vars(record)[name]}" for name in EXTRA_FIELDS if vars(record).get(name) is not None)
        text = f"{record.levelname.lower():7} {record.name}: {record.getMessage()} {fields}".rstrip()
        return f"{text}\n{describe_exception(record)}" if record.exc_info else text


def describe_exception(record: logging.LogRecord) -> str:
    """Return the type and the stack of an exception, without its message.

    A driver's message quotes the statement's parameters, which contain notification texts.
    """
    error = record.exc_info[1] if record.exc_info else None
    parts: list[str] = []
    while error is not None:
        steps = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        frames = [f"{code.co_filename}:{line} {code.co_name}" for code, line in steps]
        parts.append(f"{type(error).__module__}.{type(error).__name__} at {' > '.join(frames)}")
        error = error.__cause__ or error.__context__
    return " | caused by ".join(parts)


def logging_config(level: str, line_format: str) -> dict[str, Any]:
    """Return the configuration (for `logging.config.dictConfig`) that sends all lines to standard error.

    `level` is the lowest level that is written, `line_format` json or text. gunicorn's own lines on starting and
    stopping are left out unless the level is debug. Debug lines of other libraries are never written: they quote their
    input, tokens and notification texts too.
    """
    formatter = JsonLines if line_format == "json" else TextLines
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://notifygate.log_stream.standard_error",
            }
        },
        "root": {"level": "INFO" if level == "debug" else level.upper(), "handlers": ["stderr"]},
        "loggers": {
            "notifygate": {"level": level.upper()},
            "gunicorn.error": {
                "level": "WARNING" if level == "info" else level.upper(),
                "handlers": [],
                "propagate": True,
            },
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }
