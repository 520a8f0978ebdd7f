"""F1: the server is killed under eight clients; nothing acknowledged is lost.

Each client posts lists of statements and, when the connection breaks, posts the same
list again until it is answered. A kill counts only after 25 new acknowledgements.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lrs.db import reading
from lrs.tables import Statement
from tests.faults.writers import a_statement
from tests.served import Served

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

KILLS = int(os.environ.get("ROLLCALLTEST_F1_KILLS", "20"))
CLIENTS = 8
ACKNOWLEDGED_PER_KILL = 25


class Client(threading.Thread):
    """Posts lists of statements until told to stop."""

    def __init__(self, port: int, credential: tuple[str, str], number: int) -> None:
        """Speak as `credential` to the server on `port`."""
        super().__init__(daemon=True)
        self.port, self.number = port, number
        self.chance = random.Random(number)  # noqa: S311 - reproducible
        token = base64.b64encode(":".join(credential).encode()).decode()
        self.headers = {
            "Authorization": f"Basic {token}",
            "Content-Type": "application/json",
            "X-Experience-API-Version": "1.0.3",
            "Host": f"localhost:{port}",
        }
        self.acknowledged: list[str] = []
        self.refused: list[tuple[int, bytes]] = []
        self.retried: list[tuple[str, float]] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Post; the same list again after a broken connection."""
        while not self.stop.is_set():
            made = [a_statement(self.number) for _ in range(self.chance.randint(1, 10))]
            if self.post(made):
                self.acknowledged += [one["id"] for one in made]

    def post(self, made: list[dict[str, Any]]) -> bool:
        """Post until answered; whether it was accepted."""
        body = json.dumps(made)
        broken = None
        while not self.stop.is_set() or broken is not None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                connection.request("POST", "/xapi/statements", body, self.headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                broken = time.time()
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
                continue
            if answer.status != http.HTTPStatus.OK:
                self.refused.append((answer.status, text))
                return False
            if broken is not None:
                self.retried.append((made[0]["id"], broken))
            return True
        return False


def run_kills(served: Served, credential: tuple[str, str], kills: int) -> list[Client]:
    """Kill and start the server again and again under the clients."""
    clients = [Client(served.port, credential, n) for n in range(CLIENTS)]
    chance = random.Random(kills)  # noqa: S311 - reproducible
    served.start("--no-worker")
    for client in clients:
        client.start()
    for _ in range(kills):
        before = sum(len(client.acknowledged) for client in clients)
        end = time.monotonic() + 300
        while (
            sum(len(client.acknowledged) for client in clients) - before
            < ACKNOWLEDGED_PER_KILL
        ):
            assert time.monotonic() < end, "no new acknowledgements for five minutes"
            time.sleep(0.005)
        time.sleep(chance.random() * 0.2)
        served.kill()
        served.start("--no-worker")
    for client in clients:
        client.stop.set()
    for client in clients:
        client.join(timeout=300)
        assert not client.is_alive()
    return clients


def lost_of(engine: Engine, clients: list[Client]) -> set[str]:
    """Give the acknowledged ids that the database does not hold."""
    with reading(engine) as db:
        held = {str(one) for one in db.scalars(select(Statement.statement_id))}
    return {one for client in clients for one in client.acknowledged} - held


def settings_of(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """Give the settings of a server on the test's database."""
    return {
        "DATA": str(tmp_path / "data"),
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "WORKERS": "2",
    }


def test_f1_no_acknowledged_statement_is_lost(engine: Engine, tmp_path: Path) -> None:
    """Nothing lost, nothing twice, no number missing, retries succeed."""
    served = Served(settings_of(engine, tmp_path), tmp_path / "log")
    try:
        clients = run_kills(served, served.credential(), KILLS)
    finally:
        served.kill()
    assert [one for client in clients for one in client.refused] == []
    acknowledged = [one for client in clients for one in client.acknowledged]
    assert len(acknowledged) == len(set(acknowledged)) >= KILLS * ACKNOWLEDGED_PER_KILL
    assert lost_of(engine, clients) == set()
    with reading(engine) as db:
        rows = db.execute(
            select(Statement.seq, Statement.statement_id, Statement.stored).order_by(
                Statement.seq
            )
        ).all()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    stored = [row.stored for row in rows]
    assert stored == sorted(set(stored))
    when = {row.statement_id: row.stored.timestamp() for row in rows}
    retries = [one for client in clients for one in client.retried]
    committed = [one for one, broke in retries if when[uuid.UUID(one)] < broke]
    print(  # noqa: T201 - the figure
        f"F1 {engine.dialect.name}: {KILLS} kills, {len(acknowledged)} acknowledged, "
        f"0 lost, 0 twice, 0 gaps, {len(retries)} retries, "
        f"{len(committed)} of them had committed"
    )
    assert retries


def test_f1_control_an_early_answer_is_caught(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    """A server that answers before it commits loses statements, and this sees it."""
    served = Served(settings_of(sqlite_engine, tmp_path), tmp_path / "log")
    credential = served.credential()
    served.command = [sys.executable, "-m", "tests.faults.early"]
    try:
        clients = run_kills(served, credential, 5)
    finally:
        served.kill()
    assert lost_of(sqlite_engine, clients)
