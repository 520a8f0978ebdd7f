"""Files of a package, served to learners with an open launch, beside a static mount.

What stands beside ours is the same server, granian, with the same processes and
threads, giving the same bytes from a folder: it looks nothing up, checks nobody, and
sends no headers but type and length. Files lie in a folder; then on an S3 server, which
nothing stands beside.

    python -m tests.bench.assets FOLDER PORT        the static mount by itself
"""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs.config import Config
from lrs.db import make_engine, reading
from lrs.parts import Parts
from lrs.server import THREADS, WAITING
from lrs.storage import make_storage
from player.launches import get_launch
from tests.bench import load
from tests.bench.cost import seconds_of
from tests.bench.speed import Rate, compare
from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.player.packages import scorm_12, unit
from tests.player.site import Site
from tests.served import Served
from tests.servers import S3_BUCKET, S3_KEY, S3_SECRET, free_ports

if TYPE_CHECKING:
    from tests.bench.report import Table
    from tests.bench.speed import Figure
    from tests.servers import Servers

# number and size of the files that are asked for in turn
SIZES = {"4k": (64, 4096), "1m": (16, 1 << 20)}
LEARNERS = 8
# of the mount's requests a second, and of its bytes
TARGETS = {"4k": 0.2, "1m": 0.5}
NAMES = {
    "4k": "a file of 4 KB",
    "1m": "a file of 1 MB",
    "text": "a script of 40 KB, compressed",
}
PARTS = ("assets", "assets-sqlite", "assets-s3")
TITLES = {
    "assets": "Files of packages, on PostgreSQL",
    "assets-sqlite": "Files of packages, on SQLite",
    "assets-s3": "Files of packages on an S3 server",
}
WORDS = {
    "assets": "Each request is for another file and of another learner, whose open launch "
    "is looked up again. Beside it granian, as many processes and threads, gives the "
    "same bytes from a folder as static files.",
    "assets-sqlite": "The same with the embedded database.",
    "assets-s3": "The same with an S3 server on this machine. Small files stay in memory "
    "for a while, larger ones are streamed; nothing comparable stands beside it.",
}


def script() -> bytes:
    """Give a text as scripts are, some 40 KB."""
    chance = random.Random(7)  # noqa: S311
    words = [f"value{chance.randrange(500)}" for _ in range(4000)]
    return " = ".join(words).encode()


def files() -> dict[str, bytes]:
    """Give the files of the package by path; pictures and films do not pack."""
    chance = random.Random(5)  # noqa: S311
    found = {"text/app.js": script()}
    for kind, (count, size) in SIZES.items():
        ending = "png" if kind == "4k" else "mp4"
        for number in range(count):
            found[f"{kind}/{number}.{ending}"] = chance.randbytes(size)
    return found


class Assets:
    """The product with a package, and a static mount of the same files."""

    def __init__(self, part: str, servers: Servers, folder: Path) -> None:
        """Import the package and open launches of it."""
        self.part, self.folder = part, folder
        folder.mkdir()
        self.files = files()
        url = (
            postgres_url(servers, cloned_postgres(servers))
            if part == "assets"
            else sqlite_url(servers, folder)
        )
        settings = {"DATA": str(folder), "DATABASE_URL": url}
        if part == "assets-s3":
            settings["STORAGE_URL"] = f"s3://{S3_BUCKET}/bench"
            settings["S3_ENDPOINT_URL"] = servers.s3()["url"]
            os.environ["AWS_ACCESS_KEY_ID"] = S3_KEY
            os.environ["AWS_SECRET_ACCESS_KEY"] = S3_SECRET
            os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        self.served = Served(settings, folder / "log")
        config = Config(
            data=folder,
            database_url=url,
            storage_url=settings.get("STORAGE_URL", ""),
            s3_endpoint_url=settings.get("S3_ENDPOINT_URL", ""),
            portal_url=self.served.portal,
            content_url=f"http://content.localhost:{self.served.port}",
            secret_key="bench",
        )
        parts = Parts(config, make_engine(url), make_storage(config))
        site = Site(parts, 0)
        package = site.add(scorm_12({"One": unit("One")}, dict(self.files)))
        self.hosts = []
        for number in range(LEARNERS):
            opened = site.launch(package, learner=f"learner-{number}")
            with reading(parts.engine) as db:
                label = get_launch(db, launch_id=opened.launch_id).label
            self.hosts.append(f"{label}.{config.content_host}")
        parts.engine.dispose()
        self.mount: subprocess.Popen[bytes] | None = None
        [self.port] = free_ports(1)

    def start(self) -> None:
        """Serve, and mount the same files."""
        self.served.start("--no-worker")
        if self.part == "assets-s3":
            return
        top = self.folder / "mount"
        for path, data in self.files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(data)
        command = [sys.executable, "-m", "tests.bench.assets", str(top), str(self.port)]
        self.mount = subprocess.Popen(command)
        warm = self.write("warm", self.requests("4k", mounted=True))
        for attempt in range(100):
            time.sleep(0.2)
            try:
                run(warm, self.port, 0.1)
            except RuntimeError:
                if attempt == 99:
                    raise
            else:
                return

    def stop(self) -> None:
        """End both."""
        self.served.stop()
        if self.mount is not None:
            self.mount.terminate()
            self.mount.wait()

    def requests(self, kind: str, *, mounted: bool) -> list[load.Request]:
        """Give the requests for files of a kind, in turn for each learner."""
        top = "/static" if mounted else ""
        paths = [path for path in self.files if path.startswith(f"{kind}/")]
        packed = {"Accept-Encoding": "gzip"} if kind == "text" else {}
        return [
            load.request("GET", f"{top}/{path}", headers={"Host": host, **packed})
            for number, path in enumerate(paths * LEARNERS)
            for host in [self.hosts[number % LEARNERS]]
        ]

    def write(self, name: str, requests: list[load.Request]) -> Path:
        """Write the requests where the generator finds them."""
        path = self.folder / f"{name}.requests"
        path.write_bytes(pickle.dumps(requests))
        return path

    def ours(self, kind: str, seconds: float) -> Rate:
        """Ask the product."""
        path = self.write(f"ours-{kind}", self.requests(kind, mounted=False))
        assert self.served.process is not None
        return rate(path, self.served.port, self.served.process.pid, seconds)

    def theirs(self, kind: str, seconds: float) -> Rate:
        """Ask the static mount."""
        if self.mount is None:
            return Rate(rate=1, cpu_us=0)
        path = self.write(f"theirs-{kind}", self.requests(kind, mounted=True))
        return rate(path, self.port, self.mount.pid, seconds)


def run(path: Path, port: int, seconds: float) -> dict[str, Any]:
    """Ask for some seconds by a process of its own."""
    command = [sys.executable, "-m", "tests.bench.load", str(path)]
    done = subprocess.run(
        [*command, str(port), str(seconds)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    if answer["refused"]:
        raise RuntimeError(str(answer["refused"]))
    return answer


def rate(path: Path, port: int, pid: int, seconds: float) -> Rate:
    """Ask, and tell what it cost."""
    before = seconds_of(pid)
    answer = run(path, port, seconds)
    spent = seconds_of(pid) - before
    return Rate(
        rate=answer["rate"],
        cpu_us=spent / answer["count"] * 1e6 + answer["own_us"],
        median_ms=answer["median_ms"],
        p99_ms=answer["p99_ms"],
        generator_us=answer["own_us"],
    )


def measure(
    table: Table, assets: Assets, *, seconds: float, rounds: int
) -> dict[str, Figure]:
    """Measure each kind and add its row."""
    found = {}
    for kind, name in NAMES.items():
        figure = found[kind] = compare(
            f"{assets.part} {kind}",
            lambda kind=kind: assets.ours(kind, seconds),  # type: ignore[misc]
            lambda kind=kind: assets.theirs(kind, seconds),  # type: ignore[misc]
            rounds=rounds,
        )
        # the mount packs nothing, so of text there is no ratio
        judged = kind in TARGETS and assets.mount is not None
        low, high = figure.spread
        size = SIZES[kind][1] if kind in SIZES else len(assets.files["text/app.js"])
        ours = figure.middle("ours", "rate")
        table.add(
            name,
            f"{ours:,.0f}",
            f"{ours * size / 1e6:,.0f}",
            *(
                (
                    f"{figure.middle('theirs', 'rate'):,.0f}",
                    f"{figure.ratio:.2f}",
                    f"{low:.2f}–{high:.2f}",
                    f"{TARGETS[kind]:.2f}",
                )
                if judged
                else ("", "", "", "")
            ),
            f"{figure.middle('ours', 'median_ms'):.1f} ms, "
            f"{figure.middle('ours', 'p99_ms'):.1f} ms",
            f"{figure.middle('ours', 'cpu_us'):.0f} µs"
            + (f", {figure.middle('theirs', 'cpu_us'):.0f} µs" if judged else ""),
            holds=figure.ratio >= TARGETS[kind] if judged else None,
        )
    return found


HEADS = (
    *("", "ours per second", "MB per second", "mount per second", "ratio"),
    *("spread", "target", "median, p99", "CPU ours, mount"),
)


def mount(folder: Path, port: int) -> None:
    """Serve a folder's files as granian does by itself."""
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "static",
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        address="127.0.0.1",
        port=port,
        workers=os.cpu_count() or 1,
        blocking_threads=THREADS,
        backpressure=WAITING,
        static_path_mount=[folder],
        static_path_route=["/static"],
        log_level=LogLevels.error,
    ).serve(target_loader=_nothing, wrap_loader=False)


def _nothing(*_: Any) -> Any:
    """Give an application that has nothing."""

    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []

    return application


if __name__ == "__main__":
    mount(Path(sys.argv[1]), int(sys.argv[2]))
