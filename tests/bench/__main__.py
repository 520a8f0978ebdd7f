"""The bench: all of it, or the parts named.

python -m tests.bench                         all, and writes docs/performance.md
python -m tests.bench post-1 get-50 --seconds 3 --rounds 2
python -m tests.bench profile-post-1          where the time of a request goes
python -m tests.bench million --statements 200000
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lrs.db import make_engine
from tests.bench import assets, million, player, profile, speed
from tests.bench.cost import durable_ms
from tests.bench.report import Report, say
from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.served import Served
from tests.servers import Servers, start_postgres, watch

if TYPE_CHECKING:
    from tests.bench.report import Table

# as an operator would have it: every commit waits for the disk
PRODUCTION = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}
# target and stretch of the ratio to PostgreSQL
TARGETS = {"post-1": (0.20, 0.40), "post-50": (0.35, 0.50), "get-50": (0.45, 0.75)}
VALIDATION = 5.0
SINGLE_MS = 1.0
PAIR_P99_MS, PAIR_WORST_MS = 5.0, 100.0
# page 10,000 may differ from page 1 by what two measurements differ by
DEEP_RATIO, DEEP_MS = 1.5, 0.3
KINDS = ("post-1", "post-50", "get-50", "get-50-hex", "mixed")
NAMES = {
    "post-1": "POST of one statement",
    "post-50": "POST of 50 statements",
    "get-50": "GET of 50 statements",
    "get-50-hex": "the same, pgbench taking bytes in hexadecimal, as it does unasked",
    "mixed": "seven POSTs of one to three GETs of 50",
}
PARTS = (
    *KINDS,
    *(f"sqlite-{kind}" for kind in KINDS[:3]),
    *(f"profile-{kind}" for kind in KINDS[:3]),
    *(f"profile-sqlite-{kind}" for kind in KINDS[:3]),
    "validation",
    *assets.PARTS,
    *player.PARTS,
    "million",
    "million-sqlite",
)
ALL = tuple(part for part in PARTS if not part.startswith("profile-"))


class Bench:
    """One run: its folder, its servers, what it found."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        """Take what the command line says."""
        self.seconds: float = arguments.seconds
        self.rounds: int = arguments.rounds
        self.statements: int = arguments.statements
        self.plans: int = arguments.plans
        self.parts: tuple[str, ...] = tuple(arguments.parts) or ALL
        self.folder = folder
        (folder / "servers").mkdir()
        self.servers = Servers(folder / "servers")
        watch(folder / "servers")
        self.report = Report(
            f"Rounds of {self.seconds:g} seconds, {self.rounds} of each side after one "
            "for warmth; eight connections; clients, server and database on the same "
            f"cores; a page reaches the disk in {durable_ms(folder):.2f} ms. PostgreSQL "
            "with "
            + ", ".join(f"`{name}={value}`" for name, value in PRODUCTION.items())
            + "."
        )

    def run(self) -> None:
        """Do every part."""
        alone = ("sqlite", "validation", "s3")
        if any(not any(word in part for word in alone) for part in self.parts):
            self.servers.once("postgres", lambda: start_postgres(**PRODUCTION))
        self.postgresql()
        self.sqlite()
        if "validation" in self.parts:
            self.validation()
        self.assets()
        self.learners()
        self.tables()

    # Over HTTP

    def postgresql(self) -> None:
        """Compare with pgbench; profile."""
        kinds = [kind for kind in KINDS if kind in self.parts]
        profiles = [kind for kind in KINDS if f"profile-{kind}" in self.parts]
        if not kinds and not profiles:
            return
        site = speed.Site("postgresql", self.servers, self.folder / "postgresql")
        try:
            for kind in profiles:
                self.profile(site, kind)
            if kinds:
                self.compare(site, kinds)
        finally:
            site.stop()

    def compare(self, site: speed.Site, kinds: list[str]) -> None:
        """Measure each kind of request against the database by itself."""
        on_sqlite = site.kind == "sqlite"
        if on_sqlite:
            table = self.report.table(
                "Beside SQLite",
                "SQLite lets one writer in at a time, so what ours stands beside is one "
                "process that writes the same rows, made beforehand, into the same "
                "tables with the same indexes in WAL mode with `synchronous=FULL`, and "
                "checks nothing. Reading, it is one process per core.",
                *("", "ours per second", "raw SQLite per second", "ratio"),
                *("spread", "median, p99", "CPU ours, raw"),
            )
        else:
            table = self.report.table(
                "Beside PostgreSQL",
                "`pgbench` with eight prepared clients writes the same rows (statement, "
                "references, actors and activities that are unknown) into the same "
                "tables with the same indexes, each transaction one command and one "
                "durable commit, and reads the same pages of 50 statements by the same "
                "indexes. It checks nothing, authenticates nobody, and its transactions take no "
                "numbers from a common clock, as the record store's must so that no "
                "reader misses a row.",
                *("", "ours per second", "pgbench per second", "ratio"),
                *("spread", "target (stretch)", "median, p99", "CPU ours, pgbench"),
            )
        site.start()
        for kind in kinds:
            before, acknowledged = site.count(), site.acknowledged
            figure = speed.compare(
                kind,
                lambda kind=kind: site.ask(kind, self.seconds),  # type: ignore[misc]
                lambda kind=kind: site.theirs(kind, self.seconds),  # type: ignore[misc]
                rounds=self.rounds,
            )
            if kind != "mixed":
                lost = site.acknowledged - acknowledged - (site.count() - before)
                assert 0 <= lost <= speed.TWICE, f"{lost} statements are not there"
            self.add_figure(table, kind, figure, judged=not on_sqlite)
        site.served.stop()

    def add_figure(
        self, table: Table, kind: str, figure: speed.Figure, *, judged: bool
    ) -> None:
        """Add the row of a figure."""
        low, high = figure.spread
        times, sides = ("median_ms", "p99_ms"), ("ours", "theirs")
        cells = [
            NAMES[kind],
            f"{figure.middle('ours', 'rate'):,.0f}",
            f"{figure.middle('theirs', 'rate'):,.0f}",
            f"{figure.ratio:.2f}",
            f"{low:.2f}–{high:.2f}",
        ]
        target = TARGETS.get(kind) if judged else None
        if judged:
            cells.append("" if target is None else f"{target[0]:.2f} ({target[1]:.2f})")
        cells += [
            " ms, ".join(f"{figure.middle('ours', p):.1f}" for p in times) + " ms",
            " µs, ".join(f"{figure.middle(s, 'cpu_us'):.0f}" for s in sides) + " µs",
        ]
        table.add(*cells, holds=None if target is None else figure.ratio >= target[0])

    def sqlite(self) -> None:
        """Compare with raw SQLite."""
        kinds = [kind for kind in KINDS if f"sqlite-{kind}" in self.parts]
        profiles = [k for k in KINDS if f"profile-sqlite-{k}" in self.parts]
        if not kinds and not profiles:
            return
        site = speed.Site("sqlite", self.servers, self.folder / "sqlite")
        try:
            for kind in profiles:
                self.profile(site, kind)
            if kinds:
                self.compare(site, kinds)
        finally:
            site.stop()

    def profile(self, site: speed.Site, kind: str) -> None:
        """Show where the time of a request goes."""
        say(f"\n{NAMES[kind]}")
        path = site.requests(kind)
        content = f"http://content.localhost:{site.served.port}"
        application = profile.Application(
            site.url, site.folder, site.served.portal, content
        )
        try:
            profile.show(application, path, self.seconds)
        finally:
            application.close()

    def assets(self) -> None:
        """Compare files of packages with a static mount."""
        for part in [part for part in assets.PARTS if part in self.parts]:
            table = self.report.table(
                assets.TITLES[part], assets.WORDS[part], *assets.HEADS
            )
            site = assets.Assets(part, self.servers, self.folder / part)
            try:
                site.start()
                assets.measure(table, site, seconds=self.seconds, rounds=self.rounds)
            finally:
                site.stop()

    def learners(self) -> None:
        """Measure learners who commit, and launches."""
        for part in [part for part in player.PARTS if part in self.parts]:
            table = self.report.table(player.TITLES[part], player.WORDS, *player.HEADS)
            learning = player.Learning(part, self.servers, self.folder / part)
            try:
                learning.start()
                player.measure(
                    table, learning, seconds=self.seconds * 2, rounds=self.rounds
                )
            finally:
                learning.stop()

    # In the process

    def validation(self) -> None:
        """Compare checking a statement with decoding it."""
        from tests.bench import pure

        table = self.report.table(
            "Checking a statement",
            "Microseconds of one thread for a statement, the mean of a dozen kinds of "
            "0.4 to 1.8 KB, beside `orjson.loads` of the same bytes.",
            *("", "µs", "times orjson.loads", "target"),
        )
        for name, microseconds, ratio in pure.rows():
            judged = name == pure.JUDGED
            table.add(
                name,
                f"{microseconds:.1f}",
                f"{ratio:.1f}",
                f"{VALIDATION:g}" if judged else "",
                holds=ratio <= VALIDATION if judged else None,
            )

    # The large table

    def tables(self) -> None:
        """Fill a large table on each database, at once, and measure its queries."""
        kinds = {
            "postgresql": "million" in self.parts,
            "sqlite": "million-sqlite" in self.parts,
        }
        if not self.statements or not any(kinds.values()):
            return
        urls: dict[str, str] = {}
        filling = {}
        began = time.monotonic()
        for kind in [kind for kind, wanted in kinds.items() if wanted]:
            folder = self.folder / f"large-{kind}"
            folder.mkdir()
            urls[kind] = (
                sqlite_url(self.servers, folder)
                if kind == "sqlite"
                else postgres_url(self.servers, cloned_postgres(self.servers))
            )
            filling[kind] = multiprocessing.get_context("spawn").Process(
                target=million.fill, args=(urls[kind], self.statements)
            )
            filling[kind].start()
        for kind, process in filling.items():
            process.join()
            if process.exitcode:
                message = f"filling {kind} ended with {process.exitcode}"
                raise RuntimeError(message)
        say(f"filled in {time.monotonic() - began:.0f} seconds")
        for kind, url in urls.items():
            with profile.quiet():
                self.large(kind, url)

    def large(self, kind: str, url: str) -> None:
        """Measure every filter on a large table."""
        folder = self.folder / f"large-{kind}"
        served = Served({"DATA": str(folder), "DATABASE_URL": url}, folder / "log")
        headers = speed.headers_for(served)
        log = None
        if kind == "postgresql":
            log = Path(self.servers.postgres()["socket"]) / "log"
        engine = make_engine(url)
        ids, voided, ends = million.some_ids(engine)
        known = million.met(engine)
        size = million.sized(engine) // 1_000_000
        engine.dispose()
        measured = million.Measured(kind, url, folder, log)
        try:
            singles = million.single_filters(known, ids, voided, ends)
            million.measure(measured, singles, headers, million.RUNS)
            chance = random.Random(4)  # noqa: S311
            pairs = list(million.random_pairs(known, ends, chance))
            million.measure(measured, pairs, headers, million.PAIR_RUNS)
            deep = min(million.DEEP, self.statements // million.PAGE // 2)
            pages = million.follow(measured, headers, deep + million.AROUND)
            slow = [*worst(singles)[: self.plans], *worst(pairs)[: self.plans]]
            plans = [
                (one, measured.plans(million.page_of(one, headers))) for one in slow
            ]
        finally:
            measured.close()
        name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[kind]
        told = (
            "PostgreSQL's own time for the execution of all commands of the request; "
            "*with planning* adds parsing and planning"
            if kind == "postgresql"
            else "the request's commands executed again on a connection of their own; *with "
            "planning*, when they come there for the first time"
        )
        table = self.report.table(
            f"{self.statements:,} statements on {name}",
            f"{size:,} MB with indexes. Pages of {million.PAGE}; *in the database* is "
            f"{told}. Each single filter was asked {million.RUNS} times, each pair "
            f"{million.PAIR_RUNS} times, all in random order on one connection; a "
            "query's figure is its median.",
            *("", "in the database", "with planning", "whole request", "target"),
        )
        self.add_singles(table, singles)
        self.add_pairs(table, pairs)
        self.add_pages(table, pages, deep)
        for query, plan in plans:
            say(f"\n{query.name}: {query.middle('executing'):.2f} ms\n{plan}")
        every = self.report.table(
            f"Every filter on {name}",
            "Milliseconds; *common* is the value met most, *old only* one that only "
            "the oldest hundredth of the statements has, *unknown* one that none has.",
            *("filter", "found", "in the database", "with planning", "whole request"),
        )
        for query in singles:
            every.add(
                query.name,
                str(query.found),
                f"{query.middle('executing'):.2f}",
                f"{query.middle('database'):.2f}",
                f"{query.middle('request'):.2f}",
            )

    def add_singles(self, table: Table, queries: list[million.Query]) -> None:
        """Add the median and the worst of the single filters."""
        ordered = worst(queries)[::-1]
        over = [one for one in ordered if one.middle("executing") >= SINGLE_MS]
        for words, query in (
            (f"single filter, median of {len(ordered)}", ordered[len(ordered) // 2]),
            ("single filter, worst", ordered[-1]),
        ):
            table.add(
                f"{words}: {query.name}",
                *(
                    f"{query.middle(p):.2f} ms"
                    for p in ("executing", "database", "request")
                ),
                f"{SINGLE_MS:g} ms",
                holds=query.middle("executing") < SINGLE_MS,
            )
        table.add(
            "single filters over the target",
            str(len(over)),
            "",
            "",
            "0",
            holds=not over,
        )

    def add_pairs(self, table: Table, queries: list[million.Query]) -> None:
        """Add the 99th percentile and the worst of the pairs."""
        ordered = worst(queries)[::-1]
        p99 = ordered[int(len(ordered) * 0.99) - 1]
        for words, query, limit in (
            (
                f"two filters, median of {len(ordered)}",
                ordered[len(ordered) // 2],
                None,
            ),
            ("two filters, p99", p99, PAIR_P99_MS),
            ("two filters, worst", ordered[-1], PAIR_WORST_MS),
        ):
            taken = query.middle("executing")
            table.add(
                f"{words}: {query.name}",
                *(
                    f"{query.middle(p):.2f} ms"
                    for p in ("executing", "database", "request")
                ),
                "" if limit is None else f"{limit:g} ms",
                holds=None if limit is None else taken < limit,
            )

    def add_pages(self, table: Table, pages: list[million.Cost], deep: int) -> None:
        """Add the first pages and those around the deep one, by `more`."""
        around = million.AROUND
        # the first page is asked for by filters, those after it by a cursor
        first, last = pages[1 : 1 + around], pages[-2 * around :]

        def middle(costs: list[million.Cost], part: str) -> float:
            return statistics.median(getattr(one, part) for one in costs)

        parts = ("executing", "database", "request")
        table.add(
            "page 1 and after", *(f"{middle(first, p):.2f} ms" for p in parts), ""
        )
        at_first, at_last = middle(first, "executing"), middle(last, "executing")
        table.add(
            f"page {deep:,} by `more`",
            *(f"{middle(last, p):.2f} ms" for p in parts),
            "as page 1",
            holds=at_last <= max(at_first * DEEP_RATIO, at_first + DEEP_MS),
        )


def worst(queries: list[million.Query]) -> list[million.Query]:
    """Give the queries, the slowest first."""
    return sorted(queries, key=lambda one: -one.middle("executing"))


def main() -> None:
    """Do what the command line says; ends with 1 when a figure does not hold."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=", ".join(PARTS), choices=[[], *PARTS]
    )
    environ = os.environ.get
    for name, kind, default in (
        ("seconds", float, environ("ROLLCALLTEST_BENCH_SECONDS", "5")),
        ("rounds", int, environ("ROLLCALLTEST_BENCH_ROUNDS", "5")),
        ("statements", int, environ("ROLLCALLTEST_BENCH_STATEMENTS", "1000000")),
    ):
        parser.add_argument(f"--{name}", type=kind, default=kind(default))
    parser.add_argument(
        "--plans", type=int, default=0, help="show the plans of so many slow queries"
    )
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    bench = Bench(arguments, folder)
    try:
        bench.run()
    finally:
        bench.servers.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    missed = bench.report.missed()
    if not arguments.parts:
        bench.report.write()
    say(
        f"\nnot held: {'; '.join(missed)}"
        if missed
        else "\nall that has a target holds"
    )
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
