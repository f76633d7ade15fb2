"""JSON lines on stderr."""

import json
import logging
import sys
import time
from typing import Any

STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One object a record: time, level, logger, message, and whatever came in ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, Any] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: item for key, item in record.__dict__.items() if key not in STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _timestamp(seconds: float) -> str:
    """UTC with milliseconds, ISO 8601."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def configure(level: str) -> None:
    """Send everything the process logs to stderr as JSON lines."""
    _skip_what_is_not_shown()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    # Its access log repeats ours, and what it says at start and end our own lines say.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def _skip_what_is_not_shown() -> None:
    """A record costs less without it (Python's logging how-to, "Optimization")."""
    logging._srcfile = None  # which module logs is known by the logger's name
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False
