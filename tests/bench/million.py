"""A large table: what each filter costs in the database, however much it matches.

Statements are stored by the product's own write path, in the order of a year. Then
pages are asked of the application, in this process and on one connection that stays,
as those of a server do: so plans are what they come to be after many executions.
PostgreSQL itself tells how long every command took (`log_min_duration_statement`),
so what is measured is the execution of the product, not a repetition. Of SQLite,
which is part of the process, the commands are recorded and executed again.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import orjson
from sqlalchemy import Engine, event, select, update

from lrs.db import make_engine, reading, writing
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Clock, Statement
from statements import actors
from statements.prepare import prepare
from tests.bench import samples
from tests.bench.load import Request, request
from tests.bench.profile import Application
from tests.bench.report import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = 50
FILL = 1000
TOLD = 50_000
RUNS = 7
PAIRS = 200
PAIR_RUNS = 3
DEEP = 10_000
AROUND = 20
TIME_SETTINGS = (
    "SET log_min_duration_statement = 0",
    "SET log_parameter_max_length = 0",
)
PLAN_SETTINGS = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_buffers = on",
)
AUTHORITY = {"account": {"homePage": "https://bench.example", "name": "bench"}}
_DURATION = re.compile(rb"duration: ([0-9.]+) ms  (parse|bind|execute|statement)\b")
_PLAN = re.compile(r"(duration: [0-9.]+ ms  plan:\n(?:\t.*\n)+)")


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a request: executing in the database, all there, all of it."""

    executing: float
    database: float
    request: float


@dataclass
class Query:
    """A page asked for, and what it cost each time."""

    name: str
    given: dict[str, str]
    costs: list[Cost] = field(default_factory=list)
    found: int = 0

    def middle(self, part: str) -> float:
        """Give the median of a part of the cost."""
        return statistics.median(getattr(one, part) for one in self.costs)


def fill(url: str, total: int) -> None:
    """Store `total` statements over a year, without waiting for the disk."""
    began = time.monotonic()
    engine = make_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    setting = "PRAGMA synchronous=OFF" if is_sqlite else "SET synchronous_commit=off"

    @event.listens_for(engine, "connect")
    def _loose(connection: Any, _record: object) -> None:
        connection.execute(setting)
        if not is_sqlite:
            connection.commit()

    stream = samples.Samples(total=total, learners=max(500, total // 100))
    with writing(engine) as db:
        first = samples.BEGAN - timedelta(days=1)
        clock = update(Clock).where(Clock.tenant_id == MAIN_TENANT)
        db.execute(clock.values(stored=first))
    for start in range(0, total, FILL):
        now = samples.BEGAN + start * samples.STEP
        made = []
        for _ in range(min(FILL, total - start)):
            statement = stream.statement()
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
        if (done := start + len(made)) % TOLD == 0:
            took = time.monotonic() - began
            say(f"  {engine.dialect.name}: {done:,} stored in {took:.0f} s")
    if not is_sqlite:
        # what autovacuum comes to do; nobody does it on SQLite
        connection = engine.raw_connection()
        raw: Any = connection.driver_connection
        raw.autocommit = True
        raw.execute("VACUUM ANALYZE")
        raw.execute("CHECKPOINT")
        raw.autocommit = False
        connection.close()
    engine.dispose()


# What is asked


def met(engine: Engine, sample: int = 20_000) -> dict[str, list[str]]:
    """Give verbs, activities, agents and registrations in use, common ones first."""
    found: dict[str, Counter[str]] = {
        name: Counter() for name in ("verb", "activity", "agent", "registration")
    }
    with reading(engine) as db:
        last = db.scalar(select(Clock.seq).where(Clock.tenant_id == MAIN_TENANT)) or 0
        step = max(1, last // sample)
        rows = db.scalars(
            select(Statement.payload).where(
                Statement.tenant_id == MAIN_TENANT,
                Statement.seq.in_(range(1, last + 1, step)),
            )
            if engine.dialect.name == "postgresql"
            else select(Statement.payload).where(
                Statement.tenant_id == MAIN_TENANT, Statement.seq % step == 0
            )
        )
        for row in rows:
            one = orjson.loads(row)
            found["verb"][one["verb"]["id"]] += 1
            if one["object"].get("objectType", "Activity") == "Activity":
                found["activity"][one["object"]["id"]] += 1
            name = actors.ifi(one["actor"])
            if name:
                found["agent"][name] += 1
            found["registration"][one["context"]["registration"]] += 1
    return {
        name: [value for value, _ in counted.most_common()]
        for name, counted in found.items()
    }


def agent(name: str) -> str:
    """Give the parameter for an identifier."""
    return json.dumps(actors.actor_of(name))


def single_filters(
    known: dict[str, list[str]],
    ids: list[str],
    voided: list[str],
    ends: tuple[datetime, datetime],
) -> list[Query]:
    """Give every parameter alone, from what all statements match to what none does."""
    first, last = ends
    span = last - first

    def at(share: float) -> str:
        return (first + share * span).isoformat()

    def some(name: str) -> dict[str, str]:
        values = known[name]
        return {
            "common": values[0],
            "middling": values[len(values) // 4],
            "seldom": values[-1],
        }

    old = actors.ifi(samples.OLD_LEARNER) or ""
    rare = actors.ifi(samples.RARE_LEARNER) or ""
    nowhere = "https://nowhere.example/thing"
    verbs = some("verb") | {
        "rare": samples.RARE["verb"],
        "old only": samples.OLD["verb"],
        "unknown": nowhere,
    }
    activities = some("activity") | {
        "rare": samples.RARE["activity"],
        "old only": samples.OLD["activity"],
        "unknown": nowhere,
    }
    agents = some("agent") | {
        "rare": rare,
        "old only": old,
        "unknown": actors.ifi({"mbox": "mailto:nobody@nowhere.example"}) or "",
    }
    registrations = some("registration") | {
        "unknown": "00000000-0000-4000-8000-000000000000"
    }
    related_agents = agents | {
        "authority of all": actors.ifi(AUTHORITY) or "",
        "instructor": actors.ifi(samples.Samples().actor(0)) or "",
    }
    related_activities = activities | {
        "category of all": "https://w3id.org/xapi/cmi5/context/categories/cmi5",
        "course": f"{samples.COURSES}/0",
        "small course": f"{samples.COURSES}/39",
    }
    wanted: list[tuple[str, dict[str, str]]] = [("no filter", {})]
    wanted += [(f"verb, {kind}", {"verb": value}) for kind, value in verbs.items()]
    wanted += [
        (f"activity, {k}", {"activity": value}) for k, value in activities.items()
    ]
    wanted += [(f"agent, {kind}", {"agent": agent(v)}) for kind, v in agents.items()]
    wanted += [
        (f"registration, {kind}", {"registration": value})
        for kind, value in registrations.items()
    ]
    wanted += [
        (f"related_agents, {kind}", {"agent": agent(value), "related_agents": "true"})
        for kind, value in related_agents.items()
    ]
    wanted += [
        (
            f"related_activities, {kind}",
            {"activity": value, "related_activities": "true"},
        )
        for kind, value in related_activities.items()
    ]
    for name in ("since", "until"):
        wanted += [
            (f"{name}, {kind}", {name: at(share)})
            for kind, share in (
                ("before all", -0.01),
                ("first hundredth", 0.01),
                ("middle", 0.5),
                ("last hundredth", 0.99),
                ("after all", 1.01),
            )
        ]
    wanted += [
        (f"{name}, ascending", {**given, "ascending": "true"}) for name, given in wanted
    ]
    wanted += [("statementId", {"statementId": ids[len(ids) // 2]})]
    wanted += [("statementId, unknown", {"statementId": registrations["unknown"]})]
    wanted += [("voidedStatementId", {"voidedStatementId": one}) for one in voided[:1]]
    return [Query(name, given) for name, given in wanted]


def random_pairs(
    known: dict[str, list[str]], ends: tuple[datetime, datetime], chance: random.Random
) -> Iterator[Query]:
    """Give queries by two filters whose values were drawn from what is in use."""
    first, last = ends

    def drawn(name: str) -> str:
        values = known[name]
        # common and rare ones alike
        return values[int(len(values) * chance.random() ** 3)]

    def moment() -> str:
        return (first + chance.random() * (last - first)).isoformat()

    kinds: dict[str, Callable[[], dict[str, str]]] = {
        "verb": lambda: {"verb": drawn("verb")},
        "activity": lambda: {"activity": drawn("activity")},
        "agent": lambda: {"agent": agent(drawn("agent"))},
        "registration": lambda: {"registration": drawn("registration")},
        "related_activities": lambda: {
            "activity": chance.choice(
                [drawn("activity"), f"{samples.COURSES}/{chance.randrange(40)}"]
            ),
            "related_activities": "true",
        },
        "related_agents": lambda: {
            "agent": agent(drawn("agent")),
            "related_agents": "true",
        },
        "since": lambda: {"since": moment()},
        "until": lambda: {"until": moment()},
    }
    pairs = [
        pair
        for pair in itertools.combinations(kinds, 2)
        if not any(
            {f"related_{a}", b} == set(pair)
            for a, b in (("agents", "agent"), ("activities", "activity"))
        )
    ]
    for number in range(PAIRS):
        one, other = pairs[number % len(pairs)]
        given = kinds[one]() | kinds[other]()
        if chance.random() < 0.5:
            given["ascending"] = "true"
        yield Query(f"{one} and {other}", given)


# How it is measured


class Measured:
    """The application on a filled database, with what times the database."""

    def __init__(self, kind: str, url: str, folder: Path, log: Path | None) -> None:
        """Build it; `log` is where PostgreSQL tells its times."""
        self.kind, self.log = kind, log
        self.at = 0
        self.commands: list[str] = []
        self.settings = list(TIME_SETTINGS)
        origin = "http://localhost:8000"
        content = "http://content.localhost:8000"
        self.application = Application(url, folder, origin, content)
        engine = self.application.parts.engine
        if kind == "sqlite":
            path = engine.url.database

            @event.listens_for(engine, "connect")
            def _trace(connection: Any, _record: object) -> None:
                connection.set_trace_callback(self.commands.append)

            from tests.bench.raw import connect

            self.again = connect(str(path))
        else:

            @event.listens_for(engine, "connect")
            def _time(connection: Any, _record: object) -> None:
                for setting in self.settings:
                    connection.execute(setting)
                connection.commit()

        # a connection opened before would not tell
        engine.dispose()

    def plans(self, wanted: Request) -> str:
        """Give the plans that a page is answered by, with what each step took.

        A query of its own: what telling a plan costs is in no figure.
        """
        if self.log is None:
            self.ask(wanted)
            return "\n".join(
                f"{command}\n  "
                + "\n  ".join(row[3] for row in self.again.execute(explained + command))
                for command in self.commands
                for explained in ("EXPLAIN QUERY PLAN ",)
                if is_query(command)
            )
        for setting in PLAN_SETTINGS:
            self.settings.append(setting)
        self.application.parts.engine.dispose()
        at = self.log.stat().st_size
        self.application.ask(wanted)
        with self.log.open("rb") as file:
            file.seek(at)
            text = file.read().decode(errors="replace")
        self.settings = self.settings[: -len(PLAN_SETTINGS)]
        self.application.parts.engine.dispose()
        return "\n".join(_PLAN.findall(text))

    def ask(self, wanted: Request) -> tuple[Cost, bytes]:
        """Give what the page cost, and the page."""
        self.commands.clear()
        self._skip()
        began = time.perf_counter()
        status, answer = self.application.ask(wanted)
        took = (time.perf_counter() - began) * 1000
        if not status.startswith(("200", "404")):
            message = f"{status}: {answer[:600]!r}"
            raise RuntimeError(message)
        executing, database = self._spent()
        return Cost(executing, database, took), answer

    def _skip(self) -> None:
        if self.log is not None:
            self.at = self.log.stat().st_size

    def _spent(self) -> tuple[float, float]:
        if self.log is None:
            return self._replayed()
        with self.log.open("rb") as file:
            file.seek(self.at)
            found = _DURATION.findall(file.read())
        executing = sum(
            float(took) for took, step in found if step in {b"execute", b"statement"}
        )
        return executing, sum(float(took) for took, _ in found)

    def _replayed(self) -> tuple[float, float]:
        """Executing, the command being known, and the same with what plans it."""
        took = {"planning": 0.0, "executing": 0.0}
        for command in self.commands:
            if is_query(command):
                for part in took:
                    began = time.perf_counter()
                    self.again.execute(command).fetchall()
                    took[part] += (time.perf_counter() - began) * 1000
        return took["executing"], took["planning"]

    def close(self) -> None:
        """Let go of the database."""
        self.application.close()
        if self.kind == "sqlite":
            self.again.close()


def is_query(command: str) -> bool:
    """Tell whether a command reads, and can be executed again."""
    return command.lstrip().upper().startswith(("SELECT", "WITH"))


def page_of(query: Query, headers: dict[str, str]) -> Request:
    """Give the request for the first page of a query."""
    given = query.given
    if not {"statementId", "voidedStatementId"} & given.keys():
        given = {**given, "limit": str(PAGE)}
    return request("GET", f"/xapi/statements?{urlencode(given)}", headers=headers)


def measure(
    measured: Measured, queries: list[Query], headers: dict[str, str], runs: int
) -> None:
    """Ask each query `runs` times, all in turn in another order each time."""
    chance = random.Random(3)  # noqa: S311
    for _ in range(runs):
        for query in chance.sample(queries, len(queries)):
            cost, answer = measured.ask(page_of(query, headers))
            query.costs.append(cost)
            decoded = orjson.loads(answer)
            query.found = len(
                decoded.get("statements", [1] if "actor" in decoded else [])
            )


def follow(measured: Measured, headers: dict[str, str], pages: int) -> list[Cost]:
    """Give the cost of every page up to `pages`, by following `more`."""
    address = f"/xapi/statements?limit={PAGE}"
    costs: list[Cost] = []
    while address and len(costs) < pages:
        cost, answer = measured.ask(request("GET", address, headers=headers))
        costs.append(cost)
        # the last member: no need to decode all of the page
        more = orjson.loads(b'{"m":' + answer.rpartition(b'"more":')[2])["m"]
        parts = urlsplit(more)
        address = f"{parts.path}?{parts.query}" if more else ""
    return costs


def sized(engine: Engine) -> int:
    """Give the size of the database in bytes."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
            (size,) = connection.exec_driver_sql("PRAGMA page_size").one()
            return int(pages) * int(size)
        found = connection.exec_driver_sql(
            "SELECT pg_database_size(current_database())"
        )
        return int(found.scalar_one())


def some_ids(engine: Engine) -> tuple[list[str], list[str], tuple[datetime, datetime]]:
    """Give ids, ids of voided statements, and the first and the last instant."""
    with reading(engine) as db:
        own = Statement.tenant_id == MAIN_TENANT
        middle = db.scalar(select(Clock.seq).where(Clock.tenant_id == MAIN_TENANT)) or 0
        ids = db.scalars(
            select(Statement.statement_id)
            .where(own, Statement.seq >= middle // 2, Statement.voids_id.is_(None))
            .order_by(Statement.seq)
            .limit(50)
        ).all()
        voided = db.scalars(
            select(Statement.voids_id)
            .where(own, Statement.voids_id.is_not(None))
            .order_by(Statement.voids_id)
            .limit(20)
        ).all()
        first, last = (
            db.scalars(
                select(Statement.stored).where(own).order_by(order).limit(1)
            ).one()
            for order in (Statement.stored.asc(), Statement.stored.desc())
        )
    return [str(one) for one in ids], [str(one) for one in voided], (first, last)
