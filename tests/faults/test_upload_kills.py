"""Uploads and imports are killed; nothing half can be reached, and nothing stays behind.

Two ways: a process that kills itself at a step of its own choice, so that every step is
met sooner or later, and the server with its worker as it is run, killed in between.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, func, select

from lrs.config import Config
from lrs.db import make_engine, reading
from lrs.jobs import run_due
from lrs.parts import Parts
from lrs.storage import PART, make_storage
from lrs.tables import MAIN_TENANT
from packages.courses import Package, PackageFile
from packages.intake import import_package
from packages.receiving import append, create_upload
from packages.uploads import SETTLED, Upload, accept_upload, sweep_uploads
from tests.conftest import s3_config
from tests.faults.test_kills import settings_of
from tests.packages.make import course
from tests.served import Served

if TYPE_CHECKING:
    import uuid
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from tests.servers import Servers

KILLS = int(os.environ.get("ROLLCALLTEST_UPLOAD_KILLS", "8"))
SERVER_KILLS = int(os.environ.get("ROLLCALLTEST_UPLOAD_SERVER_KILLS", "1"))
HANDLERS = {"package.import": (import_package,)}
PATIENCE = 300
OWNER = "author"
STEPS = ("put", "open", "delete", "delete_prefix", "begin", "put_part", "join")


def a_package(number: int) -> bytes:
    """Give a package of a few files, larger than a part; none like another."""
    chance = random.Random(number)  # noqa: S311 - reproducible
    files: dict[str, str | bytes] = {
        f"f{n}.bin": chance.randbytes(200_000) for n in range(4)
    }
    return course(title=f"Package {number}", files=files | {"m.mp4": bytes(PART)})


# A process that kills itself


def parts_of(config: Config) -> Parts:
    return Parts(config, make_engine(config.database_url), make_storage(config))


def die_at(parts: Parts, step: int) -> None:
    """Let this process be killed at its `step`-th step in storage or database.

    A step of storage is met before and after it is done.
    """
    left = [step]

    def reached(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(parts.engine, "commit", reached)
    for name in STEPS:
        act = getattr(parts.storage, name)

        def stepped(*words: Any, _act: Any = act, **named: Any) -> Any:
            reached()
            done = _act(*words, **named)
            reached()
            return done

        setattr(parts.storage, name, stepped)


def go_on(parts: Parts, data: bytes, upload_id: uuid.UUID, now: datetime) -> None:
    """Send what is missing, then import it, as client and worker would."""
    with reading(parts.engine) as db:
        received = db.get_one(Upload, upload_id).received
    size = len(data) // 3

    def complete(db: Session, upload: Upload) -> None:
        accept_upload(db, upload=upload, now=now)

    while received < len(data):
        piece = data[received : received + size]
        received = append(
            parts,
            upload_id=upload_id,
            tenant=MAIN_TENANT,
            owner=OWNER,
            offset=received,
            size=len(piece),
            data=io.BytesIO(piece),
            complete=complete,
            now=now,
        ).received
    run_due(parts, HANDLERS, now)


def victim(
    config: Config, number: int, upload_id: uuid.UUID, step: int, now: datetime
) -> None:
    parts = parts_of(config)
    die_at(parts, step)
    go_on(parts, a_package(number), upload_id, now)


def check(parts: Parts) -> int:
    """The number of imported packages; each is whole, and nothing else is reachable."""
    with reading(parts.engine) as db:
        packages = {one.id: one for one in db.scalars(select(Package))}
        rows = db.scalars(select(PackageFile)).all()
    for row in rows:
        assert packages[row.package_id].status == "imported"
        with parts.storage.open(row.storage_key) as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == row.sha256
    imported = [one for one in packages.values() if one.status == "imported"]
    for one in imported:
        # six files and the manifest
        assert sum(row.package_id == one.id for row in rows) == 7
    return len(imported)


def check_nothing_else(parts: Parts) -> None:
    """Storage holds the files of imported packages alone, once the sweep was there."""
    sweep_uploads(parts, datetime.now(UTC) + timedelta(days=40) + SETTLED)
    with reading(parts.engine) as db:
        rows = db.scalars(select(PackageFile)).all()
        assert db.scalar(select(func.count()).select_from(Upload)) == 0
    beside = {f"{row.storage_key}.gz" for row in rows if row.gzip_size is not None}
    assert set(parts.storage.keys("")) == {row.storage_key for row in rows} | beside


@pytest.fixture
def config(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, servers: Servers
) -> Config:
    """Give SQLite with files, then PostgreSQL with S3."""
    engine: Engine = request.getfixturevalue(f"{database}_engine")
    url = engine.url.render_as_string(hide_password=False)
    made = Config(data=tmp_path, secret_key="a secret", database_url=url)
    return s3_config(servers, made) if database == "postgresql" else made


def test_killed_at_any_step(config: Config) -> None:
    """One upload after another is killed at random steps until it is imported."""
    chance = random.Random(5)  # noqa: S311 - reproducible
    # forked from a process without threads, which has imported everything once
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    parts = parts_of(config)
    kills = number = 0
    try:
        while kills < KILLS:
            number += 1
            now = datetime.now(UTC)
            upload_id = create_upload(
                parts,
                tenant=MAIN_TENANT,
                owner=OWNER,
                filename="a.zip",
                length=len(a_package(number)),
                now=now,
            ).id
            parts.engine.dispose()
            for tries in range(1, 5):
                step = chance.randint(1, 32)
                # when the lease of the one before is over
                later = now + timedelta(minutes=10) * tries
                process = context.Process(
                    target=victim, args=(config, number, upload_id, step, later)
                )
                process.start()
                process.join(PATIENCE)
                assert process.exitcode in {0, -signal.SIGKILL}
                kills += process.exitcode != 0
                check(parts)
            go_on(parts, a_package(number), upload_id, now + timedelta(hours=5))
            assert check(parts) == number
        check_nothing_else(parts)
    finally:
        parts.engine.dispose()
    print(  # noqa: T201 - the figure
        f"uploads {parts.engine.dialect.name}: {kills} kills at steps, {number} "
        "packages, 0 half, 0 left behind"
    )


# The server as it is run


class Sender:
    """Sends packages in pieces over HTTP; the same piece again after a break."""

    def __init__(self, served: Served, credential: tuple[str, str]) -> None:
        """Speak as `credential`."""
        self.served = served
        token = base64.b64encode(":".join(credential).encode()).decode()
        self.headers = {
            "Authorization": f"Basic {token}",
            "Host": f"localhost:{served.port}",
            "Tus-Resumable": "1.0.0",
            "Content-Type": "application/offset+octet-stream",
        }

    def call(
        self, method: str, place: str, body: bytes = b"", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes] | None:
        """What is answered; None when nobody answers."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.served.port, timeout=PATIENCE
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, place, body, self.headers | named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def begin(self, size: int) -> str:
        """The address of a new upload."""
        answer = self.call("POST", "/api/v1/uploads", Upload_Length=str(size))
        assert answer is not None
        assert answer[0] == http.HTTPStatus.CREATED, answer
        return str(answer[1]["Location"])

    def step(self, place: str, data: bytes, size: int) -> bool:
        """Send a piece, or ask how far it is; whether all is there."""
        looked = self.call("HEAD", place)
        if looked is None:
            return False
        assert looked[0] == http.HTTPStatus.OK, looked
        offset = int(looked[1]["Upload-Offset"])
        if offset < len(data):
            self.call(
                "PATCH", place, data[offset : offset + size], Upload_Offset=str(offset)
            )
        return offset == len(data)

    def status(self, place: str) -> str:
        """How the import stands."""
        answer = self.call("GET", place.replace("uploads", "packages"))
        return "" if answer is None else str(json.loads(answer[2]).get("status"))


def test_the_server_is_killed(sqlite_engine: Engine, tmp_path: Path) -> None:
    """At random between the pieces of uploads and within imports; then all is there."""
    chance = random.Random(SERVER_KILLS)  # noqa: S311 - reproducible
    served = Served(
        settings_of(sqlite_engine, tmp_path) | {"WORKERS": "1"}, tmp_path / "log"
    )
    config = replace(
        Config(data=tmp_path / "data", secret_key="a secret"),
        database_url=sqlite_engine.url.render_as_string(hide_password=False),
    )
    parts = Parts(config, sqlite_engine, make_storage(config))
    sender = Sender(served, served.credential())
    try:
        served.start()
        sent: dict[str, bytes] = {}
        for number in range(SERVER_KILLS):
            data = a_package(number)
            place = sender.begin(len(data))
            sent[place] = data
            for _ in range(chance.randint(0, 5)):
                sender.step(place, data, len(data) // 4)
            served.kill()
            check(parts)
            served.start()
        end = time.monotonic() + PATIENCE
        for place, data in sent.items():
            while not sender.step(place, data, len(data) // 4):
                assert time.monotonic() < end
            while sender.status(place) != "imported":
                assert time.monotonic() < end, sender.status(place)
                time.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            served.kill()
    assert check(parts) == SERVER_KILLS
    check_nothing_else(parts)
    print(  # noqa: T201 - the figure
        f"uploads server: {SERVER_KILLS} kills, as many packages, 0 half, 0 left behind"
    )
