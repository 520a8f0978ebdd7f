"""Learners at work: each commits once a second, and each waits for its own answer.

A commit is what a browser sends when a unit calls LMSCommit: one entry with the place,
two kilobytes of suspended data and the time of the session; every tenth brings an
answer to a question, which is told as a statement. The time of a commit is counted
from the moment it was due, so that a generator that comes late flatters nobody.

    python -m tests.bench.player FILE PORT SECONDS        the generator by itself
"""

from __future__ import annotations

import hashlib
import http.client
import json
import pickle
import select
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lrs.config import Config
from lrs.db import make_engine, reading
from lrs.parts import Parts
from lrs.storage import make_storage
from player import urls
from player.launches import get_launch
from tests.bench import load
from tests.bench.cost import seconds_of
from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.player.packages import scorm_12, unit
from tests.player.site import Site
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from player.launches import Opened
    from tests.bench.report import Table
    from tests.servers import Servers

LEARNERS = 100
EVERY = 1.0
ANSWERS = 10
SUSPENDED = 2000
# milliseconds: a commit in the median, the first byte of a unit after its launch
COMMIT_MS, FIRST_BYTE_MS = 15.0, 300.0
LAUNCHES = 20
COMMITS = 20
PARTS = ("player", "player-sqlite")
TITLES = {"player": "Learners, on PostgreSQL", "player-sqlite": "Learners, on SQLite"}
WORDS = (
    f"{LEARNERS} learners, each with a connection of its own, commit once a second: a "
    "place, two kilobytes of suspended data, the time; every tenth time an answer, which "
    "becomes a statement. The generator runs on the same cores, and a commit's time "
    "counts from the moment it was due. *First byte* is from the moment the learner "
    "chose the unit: launch opened, player page, shell, start, first byte of the unit. "
    "The browser's own times are those of one Chromium on the same cores, nothing else "
    "at work."
)
HEADS = (
    *("", "median", "p95", "p99", "worst", "target"),
    "CPU of a request: server and database, generator",
)
PAGE = """
api.LMSInitialize("");
document.getElementById("out").textContent = "ready";
window.turn = 0;
window.step = () => {
  window.turn += 1;
  api.LMSSetValue("cmi.core.lesson_location", String(window.turn));
  api.LMSSetValue("cmi.suspend_data", "x".repeat(2000));
  const began = performance.now();
  api.LMSCommit("");
  return performance.now() - began;
};
"""
# in every frame: when an entry left the unit's shell, and when it was said committed
NOTE = """
window.left = {}; window.took = [];
const send = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (data, ...rest) {
  if (data && data.type === "entry") {
    window.left[data.entry.seq] = performance.now();
    if (!this.isHeard) {
      this.isHeard = true;
      this.addEventListener("message", ({ data: said }) => {
        if (said.type !== "committed") return;
        for (const seq of Object.keys(window.left)) {
          if (Number(seq) > said.seq) continue;
          window.took.push(performance.now() - window.left[seq]);
          delete window.left[seq];
        }
      });
    }
  }
  return send.call(this, data, ...rest);
};
"""


@dataclass
class Learner:
    """A learner's page as far as the server sees it."""

    launch: str
    token: str
    host: str
    seq: int = 0
    prev: str = ""
    answered: int = 0
    log: list[float] = field(default_factory=list)

    def request(self, kind: str, mono: float) -> bytes:
        """Give the request that brings the next entry."""
        self.seq += 1
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        at = at.replace("+00:00", "Z")
        changes = [] if kind == "initialize" else self.changes(mono)
        row = [str(uuid.uuid4()), self.seq, kind, changes, at, int(mono * 1000)]
        row.append(self.prev)
        self.prev = hashlib.sha256(orjson.dumps(row)).hexdigest()
        names = ("uuid", "seq", "kind", "changes", "at", "mono", "prev")
        entry = dict(zip(names, row, strict=True))
        return load.request(
            "POST",
            f"/launches/{self.launch}/entries",
            headers={
                "Host": self.host,
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            body=orjson.dumps({"entries": [entry], "sent": at}),
        ).data

    def changes(self, mono: float) -> list[list[str]]:
        """Give what the unit has set since the last time."""
        seconds = int(mono)
        spent = f"{seconds // 3600:04}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        found = [
            ["cmi.core.lesson_location", f"page {self.seq}"],
            ["cmi.suspend_data", f"{self.seq};" + "abcdefgh" * (SUSPENDED // 8)],
            ["cmi.core.session_time", spent],
        ]
        if self.seq % ANSWERS == 0:
            name = f"cmi.interactions.{self.answered}"
            self.answered += 1
            found += [
                [f"{name}.id", f"question-{self.answered}"],
                [f"{name}.type", "choice"],
                [f"{name}.student_response", "a"],
                [f"{name}.result", "correct"],
            ]
        return found


class Line(load.Line):
    """A learner's connection, and when its next commit is due."""

    def __init__(self, port: int, learner: Learner, due: float) -> None:
        """Connect."""
        super().__init__(port)
        self.learner, self.due = learner, due
        self.is_waiting = False
        self.last = load.Request(b"", ())


def work(learners: list[Learner], port: int, seconds: float) -> dict[str, Any]:
    """Let all commit for some seconds; the times and what it cost here."""
    began = time.perf_counter()
    lines = [
        Line(port, one, began + EVERY * place / len(learners))
        for place, one in enumerate(learners)
    ]
    by_number = {line.socket.fileno(): line for line in lines}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    end = began + EVERY + seconds
    took: list[float] = []
    refused: dict[str, int] = {}
    again = 0
    processor = time.process_time()
    waiting = len(lines)
    while waiting:
        now = time.perf_counter()
        idle = [line for line in lines if not line.is_waiting and line.due < end]
        for line in [line for line in idle if line.due <= now]:
            kind = "commit" if line.learner.seq else "initialize"
            line.last = load.Request(line.learner.request(kind, now - began), ())
            line.send(line.last)
            line.is_waiting = True
        following = min((line.due for line in idle), default=now + load.PATIENCE)
        pause = max(0.0, following - time.perf_counter())
        for number, _ in poll.poll(min(pause, load.PATIENCE)):
            line = by_number[number]
            if not line.take():
                continue
            if line.status == b"503":
                # as browsers do: the same again, and the learner waits
                again += 1
                line.send(line.last)
                continue
            # the first brings initialize, for warmth
            if line.learner.seq > 1:
                took.append(time.perf_counter() - line.due)
            if line.status != b"200":
                text = line.status.decode()
                refused[text] = refused.get(text, 0) + 1
            line.is_waiting = False
            line.due += EVERY
        waiting = sum(line.is_waiting or line.due < end for line in lines)
    processor = time.process_time() - processor
    for line in lines:
        line.socket.close()
    return {
        "count": len(took),
        "rate": len(took) / (time.perf_counter() - began),
        "took_ms": sorted(one * 1000 for one in took),
        "own_us": processor / (len(took) + len(lines)) * 1e6,
        "again": again,
        "refused": refused,
    }


class Learning:
    """The product serving a package, with its database."""

    def __init__(self, part: str, servers: Servers, folder: Path) -> None:
        """Import the package."""
        self.part, self.folder, self.servers = part, folder, servers
        folder.mkdir()
        self.is_postgresql = part == "player"
        url = (
            postgres_url(servers, cloned_postgres(servers))
            if self.is_postgresql
            else sqlite_url(servers, folder)
        )
        secret = "bench"
        settings = {"DATA": str(folder), "DATABASE_URL": url, "SECRET_KEY": secret}
        self.served = Served(settings, folder / "log")
        config = Config(
            data=folder,
            database_url=url,
            portal_url=self.served.portal,
            content_url=f"http://content.localhost:{self.served.port}",
            secret_key=secret,
        )
        self.parts = Parts(config, make_engine(url), make_storage(config))
        self.site = Site(self.parts, self.served.port)
        self.package = self.site.add(scorm_12({"One": unit("One", PAGE)}))
        self.written = 0

    def start(self) -> None:
        """Serve."""
        self.served.start("--no-worker")

    def stop(self) -> None:
        """End the server and let go of the database."""
        self.served.stop()
        self.parts.engine.dispose()

    def pids(self) -> list[int]:
        """Give the first processes of the server and of its database."""
        assert self.served.process is not None
        found = [self.served.process.pid]
        if self.is_postgresql:
            found.append(self.servers.postgres()["pid"])
        return found

    def open(self) -> Opened:
        """Open a launch for a learner who is new."""
        return self.site.launch(self.package, learner=f"learner-{uuid.uuid4()}")

    def ask(self, method: str, path: str, host: str, **headers: str) -> bytes:
        """Ask once on a connection of its own; raises where it is refused."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.served.port, timeout=load.PATIENCE
        )
        try:
            body = b"{}" if method == "POST" else None
            connection.request(method, path, body, {"Host": host, **headers})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{path}: {answer.status} {answer.read()!r}")
            return answer.read()
        finally:
            connection.close()

    def learner(self) -> Learner:
        """Give a learner whose unit has been started."""
        opened = self.open()
        host = f"localhost:{self.served.port}"
        path = f"/launches/{opened.launch_id}/start"
        self.ask("POST", path, host, Authorization=f"Bearer {opened.token}")
        return Learner(str(opened.launch_id), opened.token, host)

    def commits(self, seconds: float) -> dict[str, Any]:
        """Let new learners commit, by a process of its own."""
        self.written += 1
        path = self.folder / f"learners-{self.written}"
        path.write_bytes(pickle.dumps([self.learner() for _ in range(LEARNERS)]))
        before = seconds_of(*self.pids())
        command = [sys.executable, "-m", "tests.bench.player", str(path)]
        done = subprocess.run(
            [*command, str(self.served.port), str(seconds)],
            check=False,
            capture_output=True,
            text=True,
        )
        spent = seconds_of(*self.pids()) - before
        if done.returncode:
            raise RuntimeError(done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout)
        if answer["refused"]:
            raise RuntimeError(f"{answer['refused']}, see {self.served.log}")
        answer["cpu_us"] = spent / (answer["count"] + LEARNERS) * 1e6
        return answer

    def first_byte(self) -> float:
        """Give the milliseconds from choosing a unit to its first byte."""
        began = time.perf_counter()
        opened = self.open()
        host = f"localhost:{self.served.port}"
        path, _, query = opened.url.partition(host)[2].partition("?")
        self.ask("GET", f"{path}?{query}", host)
        with reading(self.parts.engine) as db:
            label = get_launch(db, launch_id=opened.launch_id).label
        origin = urls.content_origin(self.parts.config, label)
        content = origin.partition("//")[2]
        self.ask("GET", "/__player/shell", content)
        started = self.ask(
            "POST", f"{path}/start", host, Authorization=f"Bearer {opened.token}"
        )
        address = orjson.loads(started)["entry"]
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.served.port, timeout=load.PATIENCE
        )
        connection.request("GET", f"/{address}", headers={"Host": content})
        answer = connection.getresponse()
        answer.read(1)
        took = (time.perf_counter() - began) * 1000
        connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{address}: {answer.status}")
        return took


def of_the_browser(page: Page, learning: Learning) -> dict[str, list[float]]:
    """Give what one Chromium takes, in milliseconds: the call, the commit, the launch."""
    found: dict[str, list[float]] = {"call": [], "commit": [], "first": []}
    page.add_init_script(NOTE)
    for number in range(LAUNCHES // 4):
        opened = learning.open()
        page.goto(opened.url)
        inner = page.frame_locator("#unit").frame_locator("#unit")
        inner.get_by_text("ready").wait_for()
        started = page.evaluate("performance.timeOrigin")
        frame = next(one for one in page.frames if "/page.html" in one.url)
        shell = next(one for one in page.frames if "/__player/shell" in one.url)
        byte = frame.evaluate(
            "performance.timeOrigin +"
            " performance.getEntriesByType('navigation')[0].responseStart"
        )
        if number:
            found["first"].append(byte - started)
        for turn in range(COMMITS):
            found["call"].append(frame.evaluate("step()"))
            shell.wait_for_function("(count) => took.length >= count", arg=turn + 2)
        found["commit"] += shell.evaluate("took")[1:]
    return {name: sorted(times) for name, times in found.items()}


@contextmanager
def one_page() -> Iterator[Page]:
    """Give a page of Chromium."""
    import os

    from playwright.sync_api import sync_playwright

    from tests.servers import chromium

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium(), chromium_sandbox=os.geteuid() != 0
        )
        yield browser.new_page()
        browser.close()


def measure(table: Table, learning: Learning, *, seconds: float, rounds: int) -> None:
    """Measure commits in rounds, then launches, then the browser; add the rows."""
    learning.commits(min(seconds, 2.0))
    answers = [learning.commits(seconds) for _ in range(rounds)]
    took = sorted(one for answer in answers for one in answer["took_ms"])
    count = sum(answer["count"] for answer in answers)
    cpu = sum(answer["cpu_us"] * answer["count"] for answer in answers) / count
    own = sum(answer["own_us"] * answer["count"] for answer in answers) / count
    again = sum(answer["again"] for answer in answers)
    add_times(
        table,
        f"a commit over HTTP, {LEARNERS} a second"
        + (f" ({again} of {count + again} sent again after 503)" if again else ""),
        took,
        target=COMMIT_MS,
        cpu=f"{cpu:.0f} µs, {own:.0f} µs",
    )
    learning.first_byte()
    firsts = sorted(learning.first_byte() for _ in range(LAUNCHES))
    add_times(table, "first byte of a unit over HTTP", firsts, target=FIRST_BYTE_MS)
    with one_page() as page:
        found = of_the_browser(page, learning)
    add_times(table, "LMSCommit as the unit sees it", found["call"])
    add_times(table, "in Chromium, from LMSCommit to committed", found["commit"])
    add_times(table, "in Chromium, first byte of a unit", found["first"])


def add_times(
    table: Table,
    name: str,
    times: list[float],
    *,
    target: float | None = None,
    cpu: str = "",
) -> None:
    """Add the row of some times, which come in order; the median is judged."""
    last = len(times) - 1
    cells = [f"{times[round(last * part)]:.1f} ms" for part in (0.5, 0.95, 0.99, 1.0)]
    table.add(
        name,
        *cells,
        "" if target is None else f"{target:g} ms",
        cpu,
        holds=None if target is None else times[round(last * 0.5)] < target,
    )


def main() -> None:
    """Work as the command line says; the result as JSON on standard output."""
    path, port, seconds = sys.argv[1:4]
    learners: list[Learner] = pickle.loads(Path(path).read_bytes())  # noqa: S301
    sys.stdout.write(json.dumps(work(learners, int(port), float(seconds))))


if __name__ == "__main__":
    main()
