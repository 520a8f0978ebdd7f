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
import operator
import os
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2

# of one transaction, by table; each row with its place in the list before it
Rows = dict[str, list[list[Any]]]
TENANT = 2
# what is written where it is not known yet
NAMED = ("actor", "activity")
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
        self.names: dict[str, list[str]] = {}
        for (table,) in self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            rows = self.connection.execute(f"PRAGMA table_info({table})")
            self.names[table] = [row[1] for row in rows]
        # the tables that have rows for the number of a statement, but its own
        self.besides = [
            table
            for table, names in self.names.items()
            if {"ref_key", "seq"} <= {*names}
        ]
        self.commands = {
            table: f"INSERT {'OR IGNORE ' if table in NAMED else ''}INTO {table} "  # noqa: S608
            f"({', '.join(self.names[table])}) "
            f"VALUES ({', '.join('?' for _ in self.names[table])})"
            for table in ("statement", *self.besides, *NAMED)
        }
        (self.next,) = self.connection.execute(
            "SELECT coalesce(max(seq), 0) + 1 FROM statement WHERE tenant_id = ?",
            (TENANT,),
        ).fetchone()

    def rows(self, table: str, order: str = "") -> list[list[Any]]:
        """Give the rows of tenant 1, already those of our own tenant."""
        at = self.names[table].index("tenant_id")
        rows = self.connection.execute(
            f"SELECT {', '.join(self.names[table])} FROM {table} "  # noqa: S608
            f"WHERE tenant_id = 1 {order}"
        )
        return [[*row[:at], TENANT, *row[at + 1 :]] for row in rows]

    def at(self, table: str, column: str) -> int:
        """Give the place of a column."""
        return self.names[table].index(column)

    def transactions(self) -> list[Rows]:
        """Give the rows of every transaction, made before the time is taken."""
        seq = self.at("statement", "seq")
        stored = self.rows("statement", "ORDER BY seq LIMIT 10000")
        besides: dict[str, dict[int, list[Any]]] = {}
        for table in self.besides:
            at = self.at(table, "seq")
            found = groupby(self.rows(table, "ORDER BY seq"), operator.itemgetter(at))
            besides[table] = {number: list(rows) for number, rows in found}
        known = {
            table: {
                row[self.at(table, f"{table}_key")]: row for row in self.rows(table)
            }
            for table in NAMED
        }
        made = []
        for start in range(0, len(stored) - self.size + 1, self.size):
            own = stored[start : start + self.size]
            rows: Rows = {"statement": [[n, *one] for n, one in enumerate(own)]}
            for table, by_number in besides.items():
                rows[table] = [
                    [n, *row]
                    for n, one in enumerate(own)
                    for row in by_number.get(one[seq], [])
                ]
            at = 1 + self.at("reference", "ref_key")
            keys = {row[at] for row in rows["reference"]}
            for table, by_key in known.items():
                rows[table] = [
                    [0, *by_key[one]] for one in sorted(keys & by_key.keys())
                ]
            made.append(rows)
        return made

    def run(self, made: list[Rows], seconds: float) -> tuple[int, float]:
        """Write for some seconds; how many transactions, and how long it took."""
        numbers = {
            table: 1 + self.at(table, "seq") for table in ("statement", *self.besides)
        }
        id = 1 + self.at("statement", "statement_id")
        count, began = 0, time.perf_counter()
        end = began + seconds
        while (now := time.perf_counter()) < end:
            written = made[count % len(made)]
            for row in written["statement"]:
                row[id] = os.urandom(16).hex()
            for table, at in numbers.items():
                for row in written[table]:
                    row[at] = self.next + row[0]
            self.next += self.size
            self.connection.execute("BEGIN IMMEDIATE")
            for table, rows in written.items():
                self.connection.executemany(
                    self.commands[table], [row[1:] for row in rows]
                )
            self.connection.execute("COMMIT")
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
