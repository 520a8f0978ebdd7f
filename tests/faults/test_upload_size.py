"""A large package goes through the server and the worker in bounded memory.

Sent in one go and in pieces, with files and with S3; the peak of each process of the
server is compared with what it had before the first byte came.
"""

from __future__ import annotations

import http.client
import os
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from sqlalchemy import select

from lrs.config import Config
from lrs.db import reading
from packages.courses import Package
from tests.conftest import s3_config
from tests.faults.test_kills import settings_of
from tests.faults.test_upload_kills import Sender
from tests.packages.make import START_PAGE, manifest
from tests.served import Served

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.servers import Servers

# the S3 server of the tests holds three gigabytes in all
MEGABYTES = {
    "files": int(os.environ.get("ROLLCALLTEST_UPLOAD_MB", "200")),
    "s3": int(os.environ.get("ROLLCALLTEST_UPLOAD_S3_MB", "60")),
}
MOST = 150 << 20
PIECE = 16 << 20
PATIENCE = 600


def write_package(path: Path, megabytes: int) -> None:
    """Write a package of that many megabytes, of which nothing gets smaller."""
    block = os.urandom(1_000_000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imsmanifest.xml", manifest(title="Large"))
        archive.writestr("index.html", START_PAGE)
        for number in range(10):
            with archive.open(f"film-{number}.mp4", "w", force_zip64=True) as file:
                for _ in range(megabytes // 10):
                    file.write(block)


def peaks(served: Served) -> dict[int, int]:
    """The most memory that each process of the server has had, in bytes."""
    assert served.process is not None
    first = psutil.Process(served.process.pid)
    found = {}
    for process in [first, *first.children(recursive=True)]:
        status = Path(f"/proc/{process.pid}/status").read_text()
        line = next(one for one in status.splitlines() if one.startswith("VmHWM"))
        found[process.pid] = int(line.split()[1]) * 1024
    return found


def send_whole(served: Served, sender: Sender, path: Path) -> None:
    """Send the file in one request, as a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    headers = {**sender.headers, "Content-Type": "application/zip"}
    with path.open("rb") as file:
        headers["Content-Length"] = str(path.stat().st_size)
        connection.request("POST", "/api/v1/packages", file, headers)
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.ACCEPTED, answer.read()
    connection.close()


def send_pieces(sender: Sender, path: Path) -> None:
    """Send the file piece by piece."""
    size = path.stat().st_size
    place = sender.begin(size)
    with path.open("rb") as file:
        for offset in range(0, size, PIECE):
            answer = sender.call(
                "PATCH", place, file.read(PIECE), Upload_Offset=str(offset)
            )
            assert answer is not None
            assert answer[0] == http.HTTPStatus.NO_CONTENT, answer


@pytest.mark.parametrize("kind", ["files", "s3"])
def test_memory_is_bounded(
    sqlite_engine: Engine, tmp_path: Path, servers: Servers, kind: str
) -> None:
    settings = settings_of(sqlite_engine, tmp_path) | {"WORKERS": "1"}
    if kind == "s3":
        config = s3_config(servers, Config(data=tmp_path))
        settings["STORAGE_URL"] = config.storage_url
        settings["S3_ENDPOINT_URL"] = config.s3_endpoint_url
    served = Served(settings, tmp_path / "log")
    sender = Sender(served, served.credential())
    path = tmp_path / "large.zip"
    write_package(path, MEGABYTES[kind])
    times = []
    try:
        served.start()
        before = peaks(served)
        began = time.monotonic()
        for send in (
            lambda: send_whole(served, sender, path),
            lambda: send_pieces(sender, path),
        ):
            send()
            times.append(time.monotonic() - began)
            wait_for_imports(sqlite_engine)
            times.append(time.monotonic() - began)
            began = time.monotonic()
        after = peaks(served)
    finally:
        served.kill()
    assert before.keys() <= after.keys()
    grown = {pid: after[pid] - before[pid] for pid in before}
    assert max(grown.values()) < MOST
    print(  # noqa: T201 - the figure
        f"upload {kind}: {MEGABYTES[kind]} MB in one go {times[0]:.1f} s (imported after "
        f"{times[1]:.1f} s), in pieces {times[2]:.1f} s ({times[3]:.1f} s); peak "
        f"{max(grown.values()) >> 20} MB over start"
    )


def wait_for_imports(engine: Engine) -> None:
    """Wait until no package is waiting or being imported; none may be refused."""
    end = time.monotonic() + PATIENCE
    while True:
        with reading(engine) as db:
            states = set(db.scalars(select(Package.status)))
        assert states <= {"queued", "importing", "imported"}
        if states == {"imported"}:
            return
        assert time.monotonic() < end
        time.sleep(0.1)
