"""Speed of the record store over HTTP, on both databases: one line per figure.

    make bench

Clients and server share the machine, so these are ratios to compare with, not limits.
"""

from __future__ import annotations

import base64
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.faults.writers import a_statement
from tests.served import Served
from tests.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = float(os.environ.get("ROLLCALLTEST_BENCH_SECONDS", "10"))
CLIENTS = 8
BATCH = 50


def post(count: int) -> Callable[[int], tuple[str, str, bytes | None]]:
    """Give what makes requests that store `count` statements each."""

    def make(number: int) -> tuple[str, str, bytes | None]:
        made: Any = [a_statement(number) for _ in range(count)]
        body = json.dumps(made if count > 1 else made[0])
        return "POST", "/xapi/statements", body.encode()

    return make


def get(_number: int) -> tuple[str, str, bytes | None]:
    """Give a request for the newest statements."""
    return "GET", f"/xapi/statements?limit={BATCH}", None


FIGURES: dict[str, tuple[Callable[[int], tuple[str, str, bytes | None]], int]] = {
    "post 1": (post(1), 1),
    f"post {BATCH}": (post(BATCH), BATCH),
    f"get {BATCH}": (get, BATCH),
}


def ask(figure: str, port: int, token: str, number: int) -> list[float]:
    """Send requests one after the other for SECONDS; the seconds each one took."""
    make, _ = FIGURES[figure]
    headers = {
        "Authorization": f"Basic {token}",
        "Content-Type": "application/json",
        "X-Experience-API-Version": "1.0.3",
        "Host": f"localhost:{port}",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        method, path, body = make(number)
        began = time.monotonic()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        took.append(time.monotonic() - began)
        if answer.status != http.HTTPStatus.OK:
            message = f"{figure}: {answer.status}"
            raise RuntimeError(message)
    return took


def measure(database: str, url: str, folder: Path) -> None:
    """Serve on a database and print a line for each figure."""
    settings = {"DATA": str(folder), "DATABASE_URL": url}
    served = Served(settings, folder / "log")
    token = base64.b64encode(":".join(served.credential()).encode()).decode()
    served.start()
    try:
        with multiprocessing.Pool(CLIENTS) as pool:
            for figure, (_, count) in FIGURES.items():
                given = [(figure, served.port, token, n) for n in range(CLIENTS)]
                took = sorted(chain.from_iterable(pool.starmap(ask, given)))
                rate = len(took) / SECONDS
                p95 = took[int(len(took) * 0.95)] * 1000
                sys.stdout.write(
                    f"{database:<11}{figure:<8} {rate:8.0f} requests/s "
                    f"{rate * count:8.0f} statements/s "
                    f"median {statistics.median(took) * 1000:6.1f} ms p95 {p95:6.1f} ms\n"
                )
                sys.stdout.flush()
    finally:
        served.stop()


def main() -> None:
    """Measure on SQLite, then on PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as text:
        folder = Path(text)
        (folder / "servers").mkdir()
        servers = Servers(folder / "servers")
        try:
            for database in ("sqlite", "postgresql"):
                (folder / database).mkdir()
                url = (
                    sqlite_url(servers, folder / database)
                    if database == "sqlite"
                    else postgres_url(servers, cloned_postgres(servers))
                )
                measure(database, url, folder / database)
        finally:
            servers.stop_all()


if __name__ == "__main__":
    main()
