"""What SQLite does by itself with the same rows: a process of its own, one writer.

    python -m tests.bench.raw DATABASE post SIZE SECONDS
    python -m tests.bench.raw DATABASE get CONDITIONS SECONDS

It writes rows as the product stored them, as another tenant: the statement, its
references and whatever actor or activity is unknown, in transactions of SIZE
statements, durably, with nothing checked or made. SQLite has one writer at a time, so
one process is what writes most. CONDITIONS is a file of lines, each a condition of
SQL: pages of fifty are read by each in turn.
"""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2

# of the four tables, for one transaction
Rows = tuple[list[Any], list[Any], list[Any], list[Any]]
TENANT = 2
TABLES = ("statement", "reference", "actor", "activity")
PAGE = 50


def connect(path: str) -> Any:
    """Give a connection with the settings that the product has."""
    connection = dbapi2.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


class Writer:
    """Writes transactions of `size` statements copied from tenant 1."""

    def __init__(self, path: str, size: int) -> None:
        """Read up to 10,000 statements and what belongs to them."""
        self.connection = connect(path)
        self.size = size
        self.names, self.commands = {}, {}
        for table in TABLES:
            rows = self.connection.execute(f"PRAGMA table_info({table})")
            self.names[table] = names = [row[1] for row in rows]
            places = ", ".join("?" for _ in names)
            verb = (
                "INSERT" if table in {"statement", "reference"} else "INSERT OR IGNORE"
            )
            self.commands[table] = (
                f"{verb} INTO {table} ({', '.join(names)}) VALUES ({places})"
            )
        self.statements = self.rows("statement", "ORDER BY seq LIMIT 10000")
        at = self.names["reference"].index("seq")
        references = self.rows("reference", "ORDER BY seq")
        self.references = {
            seq: list(rows) for seq, rows in groupby(references, lambda row: row[at])
        }
        self.known = {}
        for table in ("actor", "activity"):
            key = self.names[table].index(f"{table}_key")
            self.known[table] = {row[key]: row for row in self.rows(table, "")}
        (self.next,) = self.connection.execute(
            "SELECT coalesce(max(seq), 0) + 1 FROM statement WHERE tenant_id = ?",
            (TENANT,),
        ).fetchone()
        self.turn = 0

    def rows(self, table: str, order: str) -> list[list[Any]]:
        """Give the rows of tenant 1, already those of our own tenant."""
        at = self.names[table].index("tenant_id")
        rows = self.connection.execute(
            f"SELECT {', '.join(self.names[table])} FROM {table} "  # noqa: S608
            f"WHERE tenant_id = 1 {order}"
        )
        return [[*row[:at], TENANT, *row[at + 1 :]] for row in rows]

    def transactions(self) -> list[Rows]:
        """Give the rows of every transaction, made before the time is taken."""
        seq = self.names["statement"].index("seq")
        key = self.names["reference"].index("ref_key")
        made = []
        for start in range(0, len(self.statements) - self.size + 1, self.size):
            statements = self.statements[start : start + self.size]
            references = [
                [n, *row]
                for n, one in enumerate(statements)
                for row in self.references.get(one[seq], [])
            ]
            keys = {row[1 + key] for row in references}
            actors, activities = (
                [
                    self.known[table][one]
                    for one in sorted(keys & self.known[table].keys())
                ]
                for table in ("actor", "activity")
            )
            made.append((statements, references, actors, activities))
        return made

    def run(self, made: list[Rows], seconds: float) -> tuple[int, float]:
        """Write for some seconds; how many transactions, and how long it took."""
        seq = self.names["statement"].index("seq")
        id = self.names["statement"].index("statement_id")
        seq_there = self.names["reference"].index("seq") + 1
        execute, executemany = self.connection.execute, self.connection.executemany
        count, began = 0, time.perf_counter()
        end = began + seconds
        while (now := time.perf_counter()) < end:
            statements, references, actors, activities = made[count % len(made)]
            base = self.next
            self.next += self.size
            for n, statement in enumerate(statements):
                statement[seq] = base + n
                statement[id] = os.urandom(16).hex()
            for row in references:
                row[seq_there] = base + row[0]
            execute("BEGIN IMMEDIATE")
            executemany(self.commands["statement"], statements)
            executemany(self.commands["reference"], [row[1:] for row in references])
            executemany(self.commands["actor"], actors)
            executemany(self.commands["activity"], activities)
            execute("COMMIT")
            count += 1
        return count, now - began


def read(path: str, conditions: list[str], seconds: float) -> tuple[int, float]:
    """Read pages for some seconds; how many, and how long it took."""
    connection = connect(path)
    commands = [
        "SELECT seq, stored, payload FROM statement WHERE tenant_id = 1"  # noqa: S608
        f"{' AND ' if one else ''}{one} ORDER BY seq DESC LIMIT {PAGE}"
        for one in conditions
    ]
    count, began = 0, time.perf_counter()
    end = began + seconds
    while (now := time.perf_counter()) < end:
        connection.execute(commands[count % len(commands)]).fetchall()
        count += 1
    return count, now - began


def main() -> None:
    """Do as the command line says; the rate and what it cost, as JSON."""
    path, kind, what, seconds = sys.argv[1:5]
    if kind == "post":
        writer = Writer(path, int(what))
        made = writer.transactions()
        before = time.process_time()
        count, took = writer.run(made, float(seconds))
    else:
        conditions = Path(what).read_text(encoding="utf-8").split("\n")
        before = time.process_time()
        count, took = read(path, conditions, float(seconds))
    spent = time.process_time() - before
    sys.stdout.write(json.dumps({"rate": count / took, "us": spent / count * 1e6}))


if __name__ == "__main__":
    main()
