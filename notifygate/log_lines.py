"""Log lines: JSON, one object a line, or plain text for people. Never a token, a key or a notification's text."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

EXTRA_FIELDS = ("request_id", "principal", "method", "route", "status", "duration_seconds", "held_seconds")


class JsonLines(logging.Formatter):
    """One JSON object per record, with the fields of an access line where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
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
        """Write a record."""
        fields = " ".join(f"{name}={vars(record)[name]}" for name in EXTRA_FIELDS if vars(record).get(name) is not None)
        text = f"{record.levelname.lower():7} {record.name}: {record.getMessage()} {fields}".rstrip()
        return f"{text}\n{describe_exception(record)}" if record.exc_info else text


def describe_exception(record: logging.LogRecord) -> str:
    """Return where an exception came from, as type and stack without its message.

    A driver's message quotes the statement's parameters, and those are notification texts.
    """
    error = record.exc_info[1] if record.exc_info else None
    parts: list[str] = []
    while error is not None:
        trace, frames = error.__traceback__, list[str]()
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        parts.append(f"{type(error).__module__}.{type(error).__name__} at {' > '.join(frames)}")
        error = error.__cause__ or error.__context__
    return " | caused by ".join(parts)


def logging_config(level: str, line_format: str) -> dict[str, Any]:
    """Return the configuration (for `logging.config.dictConfig`) that sends all lines to standard error.

    `level` is the lowest that is written, `line_format` json or text. gunicorn's own lines on starting and stopping
    are left out unless the level is debug. Other libraries' lines for debugging are never written: they quote what
    passes through them, tokens and notification texts too.
    """
    formatter = JsonLines if line_format == "json" else TextLines
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
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
