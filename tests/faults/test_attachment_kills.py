"""The server is killed while it receives attachments; no statement lacks its data.

It holds for every statement stored, acknowledged or not: data is in the storage before
its statement. What is left over without one goes with the sweep.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from lrs import multipart
from lrs.attachments import Attachment, find_data, open_data, sweep
from lrs.config import Config
from lrs.db import reading
from lrs.parts import Parts
from lrs.storage import make_storage
from lrs.tables import MAIN_TENANT, Statement
from tests.faults import test_kills
from tests.faults.test_kills import Client, lost_of, run_kills, settings_of
from tests.faults.writers import a_statement
from tests.served import Served

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import pytest
    from sqlalchemy import Engine

KILLS = int(os.environ.get("ROLLCALLTEST_ATTACHMENT_KILLS", "3"))
KIND = {"Content-Type": "multipart/mixed; boundary=b"}


class Sender(Client):
    """Posts statements with data, some of it sent before."""

    def run(self) -> None:
        """Post; the same again after a broken connection."""
        while not self.stop.is_set():
            size = self.chance.choice([0, 100, 50_000])
            fresh = self.chance.randbytes(size) + str(self.number).encode()
            known = b"known %d" % self.chance.randrange(3)
            made = a_statement(self.number)
            made["attachments"] = [declare(fresh), declare(known)]
            if self.send(multipart_of(made, fresh, known)):
                self.acknowledged.append(made["id"])

    def send(self, body: bytes) -> bool:
        """Post until answered; whether it was accepted."""
        while not self.stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                connection.request(
                    "POST", "/xapi/statements", body, self.headers | KIND
                )
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
                continue
            if answer.status != http.HTTPStatus.OK:
                self.refused.append((answer.status, text))
            return answer.status == http.HTTPStatus.OK
        return False


def declare(data: bytes) -> dict[str, Any]:
    return {
        "usageType": "https://lrs.example/usage",
        "display": {"en": "Data"},
        "contentType": "application/octet-stream",
        "length": len(data),
        "sha2": hashlib.sha256(data).hexdigest(),
    }


def multipart_of(made: dict[str, Any], *parts: bytes) -> bytes:
    body = multipart.head("b", {"Content-Type": "application/json"})
    body += json.dumps(made).encode()
    for data in parts:
        sha2 = hashlib.sha256(data).hexdigest()
        body += multipart.head("b", {"X-Experience-API-Hash": sha2}) + data
    return body + multipart.tail("b")


def test_no_statement_lacks_its_data(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_kills, "Client", Sender)
    served = Served(settings_of(engine, tmp_path), tmp_path / "log")
    try:
        clients = run_kills(served, served.credential(), KILLS)
    finally:
        served.kill()
    assert [one for client in clients for one in client.refused] == []
    assert sum(len(client.acknowledged) for client in clients) >= KILLS * 25
    assert lost_of(engine, clients) == set()
    config = Config(data=tmp_path / "data")
    parts = Parts(config, engine, make_storage(config))
    hashes = check_data(parts)
    sweep(parts, datetime.now(UTC) + timedelta(hours=25))
    assert check_data(parts) == hashes
    with reading(engine) as db:
        assert set(db.scalars(select(Attachment.sha2))) == hashes
    kept = {key.rpartition("/")[2] for key in parts.storage.keys("attachments/")}
    assert kept == hashes


def check_data(parts: Parts) -> set[str]:
    """The hashes that stored statements declare; the data of each is whole."""
    with reading(parts.engine) as db:
        declared = {
            id: {one["sha2"] for one in json.loads(payload)["attachments"]}
            for id, payload in db.execute(
                select(Statement.statement_id, Statement.payload)
            )
        }
        hashes = set().union(*declared.values())
        assert find_data(db, tenant=MAIN_TENANT, declared=declared).keys() == hashes
    for sha2 in hashes:
        with open_data(parts.storage, tenant=MAIN_TENANT, sha2=sha2):
            pass
    return hashes
