"""Requests a second of the served product, in turn with the database by itself."""

from __future__ import annotations

import base64
import functools
import http.client
import json
import os
import pickle
import statistics
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Engine, func, select

from lrs.db import make_engine, reading, writing
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Statement, key_of
from statements import actors
from statements.prepare import prepare
from tests.bench import load, pgbench
from tests.bench.cost import seconds_of
from tests.bench.report import say
from tests.bench.samples import Samples, body
from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Servers

BATCH = 50
PAGE = 50
PAGES = f"/xapi/statements?limit={PAGE}"
# an id may be drawn twice for the same statement, which is then stored once
TWICE = 5
# stored before anything is measured
BASE = 10_000
SINGLES = 2000
BATCHES = 200
AUTHORITY = {"account": {"homePage": "https://bench.example", "name": "bench"}}


@dataclass(frozen=True)
class Rate:
    """How many a second, what one cost in processor time, and its times."""

    rate: float
    cpu_us: float
    median_ms: float = 0.0
    p99_ms: float = 0.0
    generator_us: float = 0.0


@dataclass
class Figure:
    """The rounds of one figure: ours and theirs, in turn."""

    name: str
    ours: list[Rate] = field(default_factory=list)
    theirs: list[Rate] = field(default_factory=list)

    def middle(self, side: str, part: str) -> float:
        """Give the median of a part over the rounds of `ours` or `theirs`."""
        return statistics.median(getattr(one, part) for one in getattr(self, side))

    @property
    def ratio(self) -> float:
        """Ratio of the medians."""
        return self.middle("ours", "rate") / self.middle("theirs", "rate")

    @property
    def spread(self) -> tuple[float, float]:
        """Least and greatest ratio of a round."""
        pairs = zip(self.ours, self.theirs, strict=True)
        ratios = [ours.rate / theirs.rate for ours, theirs in pairs]
        return min(ratios), max(ratios)


def fill(engine: Engine, samples: Samples, count: int) -> None:
    """Store `count` statements by the product's own write path."""
    for _ in range(0, count, 500):
        now = datetime.now(UTC)
        made = []
        for _ in range(500):
            statement = samples.statement()
            made.append(prepare(statement, orjson.dumps(statement), now=now))
        with writing(engine) as db:
            store_statements(
                db,
                tenant=MAIN_TENANT,
                statements=made,
                authority=AUTHORITY,
                now=now,
                may_void_any=True,
            )


class Site:
    """A database with statements in it, and the product serving on it."""

    def __init__(self, kind: str, servers: Servers, folder: Path) -> None:
        """Make the database and fill it."""
        self.kind, self.servers, self.folder = kind, servers, folder
        folder.mkdir()
        self.database = ""
        if kind == "postgresql":
            self.database = cloned_postgres(servers)
            self.url = postgres_url(servers, self.database)
        else:
            self.url = sqlite_url(servers, folder)
        self.engine = make_engine(self.url)
        self.samples = Samples(total=BASE)
        fill(self.engine, self.samples, BASE)
        if kind == "postgresql":
            # what autovacuum comes to do; nobody does it on SQLite
            with self.engine.begin() as connection:
                connection.exec_driver_sql("ANALYZE")
        settings = {"DATA": str(folder), "DATABASE_URL": self.url}
        self.served = Served(settings, folder / "log")
        self.headers = headers_for(self.served)
        self.acknowledged = 0
        self.written: dict[str, Path] = {}
        self.scripts: dict[str, list[pgbench.Script]] = {}

    def start(self) -> None:
        """Serve; what follows the log is left out, for it would work on in the pauses."""
        self.served.start("--no-worker")
        self.check_pages()

    def check_pages(self) -> None:
        """Make sure that every page asked for is full, and what it should be."""
        for query, condition in self.filters():
            line = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
            line.request("GET", f"{PAGES}{query}", headers=self.headers)
            answer = orjson.loads(line.getresponse().read())
            line.close()
            with self.engine.connect() as connection:
                (newest,) = connection.exec_driver_sql(
                    "SELECT statement_id FROM statement WHERE tenant_id = 1 "  # noqa: S608
                    f"{'AND ' if condition else ''}{self.spelled(condition)} "
                    "ORDER BY seq DESC LIMIT 1"
                ).one()
            assert "statements" in answer, answer
            found = [uuid.UUID(one["id"]) for one in answer["statements"]]
            assert len(found) == PAGE, query
            assert found[0] == uuid.UUID(str(newest)), query

    def spelled(self, condition: str) -> str:
        """Give the condition as the database at hand spells keys."""
        # those of SQLite are text without hyphens
        return condition if self.kind == "postgresql" else condition.replace("-", "")

    def stop(self) -> None:
        """End the server and let go of the database."""
        self.served.stop()
        self.engine.dispose()

    def pids(self) -> list[int]:
        """Give the first processes of the server and of its database."""
        assert self.served.process is not None
        found = [self.served.process.pid]
        if self.kind == "postgresql":
            found.append(self.servers.postgres()["pid"])
        return found

    def count(self) -> int:
        """Give how many statements are stored for us."""
        with reading(self.engine) as db:
            counted = select(func.count()).select_from(Statement)
            return db.scalar(counted.where(Statement.tenant_id == MAIN_TENANT)) or 0

    # What is asked

    def requests(self, kind: str) -> Path:
        """Give the file with the requests of a kind, made at its first use."""
        if kind not in self.written:
            made = {
                "post-1": lambda: self.posts(1, SINGLES),
                "post-50": lambda: self.posts(BATCH, BATCHES),
                "get-50": self.gets,
                "get-50-hex": self.gets,
                "mixed": self.mixed,
            }[kind]()
            self.written[kind] = self.folder / f"{kind}.requests"
            self.written[kind].write_bytes(pickle.dumps(made))
        return self.written[kind]

    def posts(self, size: int, count: int) -> list[load.Request]:
        """Give requests that post `size` statements each."""
        made = []
        for _ in range(count):
            statements = [self.samples.statement() for _ in range(size)]
            ids = tuple(one["id"] for one in statements)
            made.append(
                load.request(
                    "POST",
                    "/xapi/statements",
                    headers=self.headers,
                    body=body(statements),
                    ids=ids,
                )
            )
        return made

    @functools.cache  # noqa: B019 - a site lives as long as the run
    def common(self) -> dict[str, list[str]]:
        """Give the three verbs, activities and agents met most, but for their order."""
        with reading(self.engine) as db:
            rows = db.scalars(
                select(Statement.payload)
                .where(Statement.tenant_id == MAIN_TENANT)
                .order_by(Statement.seq)
                .limit(BASE)
            )
            counted: dict[str, dict[str, int]] = {
                "verb": {},
                "activity": {},
                "agent": {},
            }
            for row in rows:
                one = orjson.loads(row)
                found = {"verb": one["verb"]["id"], "activity": one["object"].get("id")}
                found["agent"] = actors.ifi(one["actor"])
                if one["object"].get("objectType", "Activity") != "Activity":
                    del found["activity"]
                for name, value in found.items():
                    counted[name][value] = counted[name].get(value, 0) + 1
        return {
            name: sorted(values, key=lambda v: -values[v])[:3]
            for name, values in counted.items()
        }

    def filters(self) -> list[tuple[str, str]]:
        """Give pages to ask for, each as a query and as a condition of SQL."""
        found = [("", "")] * 3
        columns = {"verb": "verb_key", "activity": "activity_key", "agent": "actor_key"}
        for name, values in self.common().items():
            for value in values:
                given = value
                if name == "agent":
                    given = json.dumps(actors.actor_of(value))
                found.append(
                    (
                        "&" + urlencode({name: given}),
                        f"{columns[name]} = '{key_of(value)}'",
                    )
                )
        return found

    def gets(self) -> list[load.Request]:
        """Give requests for a page of the newest statements, by one filter or none."""
        headers = {k: v for k, v in self.headers.items() if k != "Content-Type"}
        made = [
            load.request("GET", f"{PAGES}{query}", headers=headers)
            for query, _ in self.filters()
        ]
        # one after the other, the kinds take turns
        return [made[(place * 5) % len(made)] for place in range(len(made))]

    def mixed(self) -> list[load.Request]:
        """Give seven posts of one for three pages."""
        posts, gets = self.posts(1, SINGLES), self.gets()
        return [
            gets[place % len(gets)] if place % 10 in {2, 5, 8} else posts[place]
            for place in range(SINGLES)
        ]

    def ask(self, kind: str, seconds: float) -> Rate:
        """Ask for some seconds by a process of its own."""
        path = self.requests(kind)
        before = seconds_of(*self.pids())
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.bench.load", str(path)),
                *(str(self.served.port), str(seconds)),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        spent = seconds_of(*self.pids()) - before
        if done.returncode:
            log = self.served.log.read_text()[-2000:]
            message = f"{kind}: {done.stderr}\n{log}"
            raise RuntimeError(message)
        answer: dict[str, Any] = json.loads(done.stdout)
        if answer["refused"]:
            message = f"{kind}: {answer['refused']}"
            raise RuntimeError(message)
        if kind.startswith("post"):
            self.acknowledged += answer["count"] * (BATCH if kind == "post-50" else 1)
        return Rate(
            rate=answer["rate"],
            cpu_us=spent / answer["count"] * 1e6 + answer["own_us"],
            median_ms=answer["median_ms"],
            p99_ms=answer["p99_ms"],
            generator_us=answer["own_us"],
        )

    # What the database does by itself

    def theirs(self, kind: str, seconds: float) -> Rate:
        """Let the database do the same by itself for some seconds."""
        if self.kind == "sqlite":
            return self.raw(kind, seconds)
        return self.run_pgbench(self.scripts_for(kind), seconds)

    def run_pgbench(self, scripts: list[pgbench.Script], seconds: float) -> Rate:
        """Run pgbench, and count what it and its backends cost."""
        noted = self.servers.postgres()
        before = seconds_of(noted["pid"], os.getpid())
        count, rate = pgbench.run(noted, self.database, scripts, seconds)
        spent = seconds_of(noted["pid"], os.getpid()) - before
        return Rate(rate=rate, cpu_us=spent / count * 1e6)

    def scripts_for(self, kind: str) -> list[pgbench.Script]:
        """Give what pgbench runs beside a figure of ours, made at its first use."""
        if kind not in self.scripts:
            self.scripts[kind] = self.make_scripts(kind)
        return self.scripts[kind]

    def make_scripts(self, kind: str) -> list[pgbench.Script]:
        """Write the scripts of a kind."""
        if kind == "mixed":
            gets = self.scripts_for("get-50")
            posts = self.scripts_for("post-1")
            often = [pgbench.Script(one.path, 7 * len(gets)) for one in posts]
            return often + [pgbench.Script(one.path, 3) for one in gets]
        if kind.startswith("get-50"):
            return pgbench.write_get(
                self.folder,
                tenant=MAIN_TENANT,
                conditions=[condition for _, condition in self.filters()],
                limit=PAGE,
                in_hex=kind.endswith("-hex"),
            )
        size = BATCH if kind == "post-50" else 1
        batches = BATCHES if kind == "post-50" else SINGLES
        pgbench.prepare(self.engine, tenant=MAIN_TENANT, size=size, batches=batches)
        return pgbench.write_post(self.engine, self.folder, size=size, batches=batches)

    def raw(self, kind: str, seconds: float) -> Rate:
        """Let a process write or read SQLite by itself; as many read as there are cores."""
        what = {"post-1": "1", "post-50": str(BATCH)}.get(kind, "")
        if not what:
            conditions = self.folder / "conditions"
            lines = [self.spelled(condition) for _, condition in self.filters()]
            conditions.write_text("\n".join(lines), encoding="utf-8")
            what = str(conditions)
        verb, _, _ = kind.partition("-")
        command = [
            *(sys.executable, "-m", "tests.bench.raw", str(self.engine.url.database)),
            *(verb, what, str(seconds)),
        ]
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE)
            for _ in range(1 if verb == "post" else os.cpu_count() or 1)
        ]
        answers = [json.loads(one.communicate()[0]) for one in processes]
        return Rate(
            rate=sum(one["rate"] for one in answers),
            cpu_us=statistics.mean(one["us"] for one in answers),
        )


def headers_for(served: Served) -> dict[str, str]:
    """Give the headers of a credential that may do anything."""
    token = base64.b64encode(
        ":".join(served.credential("all", "statements/void")).encode()
    ).decode()
    return {
        "Host": f"localhost:{served.port}",
        "Authorization": f"Basic {token}",
        "X-Experience-API-Version": "1.0.3",
        "Content-Type": "application/json",
    }


def compare(
    name: str,
    ours: Callable[[], Rate],
    theirs: Callable[[], Rate],
    *,
    rounds: int,
) -> Figure:
    """Measure in turn: a round of ours, a round of theirs; the first pair is for warmth."""
    figure = Figure(name)
    for number in range(rounds + 1):
        one, other = ours(), theirs()
        if not number:
            continue
        figure.ours.append(one)
        figure.theirs.append(other)
        say(
            f"  {name} {number}: ours {one.rate:.0f}/s cpu {one.cpu_us:.0f} us "
            f"(median {one.median_ms:.1f} ms, p99 {one.p99_ms:.1f} ms, "
            f"generator {one.generator_us:.0f} us), theirs {other.rate:.0f}/s "
            f"cpu {other.cpu_us:.0f} us, ratio {one.rate / other.rate:.3f}"
        )
    return figure
