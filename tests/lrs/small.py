"""A server with an application of a few lines, for the tests of `lrs/server.py`."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs import server
from lrs.config import Config
from lrs.worker import Work
from statements.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from lrs.parts import Parts


def create(_parts: Parts) -> server.Wsgi:
    return server.Observed(answer, site="small")


def answer(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    say = {
        "/health/ready": lambda: "ready",
        "/pid": lambda: str(os.getpid()),
        "/slow": slow,
        "/read": lambda: keep(environ["wsgi.input"].read()),
    }[environ["PATH_INFO"]]
    try:
        status, body = "200 OK", say().encode()
    except DomainError as error:
        status, body = "503 Service Unavailable", error.code.encode()
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]


def slow() -> str:
    (Path(os.environ["ROLLCALL_DATA"]) / "slow").touch()
    time.sleep(1.5)
    return "slow"


def keep(body: bytes) -> str:
    with (Path(os.environ["ROLLCALL_DATA"]) / "kept").open("ab") as file:
        file.write(body + b"\n")
    return str(len(body))


def note(parts: Parts, now: datetime) -> None:
    (parts.config.data / "worker").write_text(f"{os.getpid()} {now.isoformat()}")


WORK = Work(handlers={}, followers={}, periodic={"note": (timedelta(0), note)})

if __name__ == "__main__":
    sys.exit(server.serve(Config.from_env(os.environ), create, WORK))
