"""Log lines as JSON, one object a line, each with the id of its request.

Bodies, query strings and names of people are never logged: a statement's address
carries mail addresses in its query, a launch's carries its token.
"""

import logging
import logging.config
import re
import secrets
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
OWN_MEMBERS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """A record as one JSON object; what is passed as `extra` becomes members."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        members: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            members["request"] = request_id
        members |= {
            name: value
            for name, value in record.__dict__.items()
            if name not in OWN_MEMBERS
        }
        if record.exc_info:
            members["error"] = self.formatException(record.exc_info)
        return orjson.dumps(members, default=str).decode()


def log_settings(*, json: bool) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: JSON, or plain lines for a terminal."""
    plain = {"format": "%(asctime)s %(levelname)s %(message)s", "datefmt": "%H:%M:%S"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonFormatter} if json else plain},
        "handlers": {
            "output": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "line",
            }
        },
        "root": {"level": "INFO", "handlers": ["output"]},
        "loggers": {
            # the server's own chatter: which process began and ended
            "_granian": {"level": "INFO" if json else "ERROR", "propagate": True},
            "alembic": {"level": "WARNING"},
        },
    }


def configure_logs() -> None:
    """Log to standard error: plain lines on a terminal, else JSON."""
    logging.config.dictConfig(log_settings(json=not sys.stderr.isatty()))
    spare_what_is_not_shown()


def spare_what_is_not_shown() -> None:
    """Let records do without the thread, process and task that no line names."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def begin_request(given: str | None) -> str:
    """The id of the request that begins on this thread, shown in its log lines.

    One from outside is taken when it looks like one.
    """
    name = given if given and GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
    REQUEST_ID.set(name)
    return name
