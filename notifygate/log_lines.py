"""Log lines: JSON, one object a line, or plain text for people. Never a token, a key or a notification's text."""

import json
import logging
import sys
from datetime import UTC, datetime

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


def configure_logging(level: str, line_format: str) -> None:
    """Send all records of a level and above to standard error, as `json` or `text`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if line_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
