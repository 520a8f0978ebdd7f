"""The database's driver itself, for the few commands that every xAPI request needs.

A session of SQLAlchemy costs two hundred microseconds before the first row, the
driver twenty (measured). Here a command is its own transaction: one round trip. What
the commands are stands where their tables are; SQLAlchemy may have written them
(lrs/query.py), and everything that is not in every request goes through it.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from pysqlite3 import dbapi2
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from lrs.db import LOCK_TIMEOUT_SECONDS, busy_is_unavailable
from lrs.prepared import Prepared
from statements.errors import Unavailable

# how many connections one of us opens
LIMIT = 8
# connections that wait longer are asked whether they are still there
FRESH_SECONDS = 5.0
# a command that takes longer is given up
LONGEST_SECONDS = 10.0
# Each command here finds a few rows by an index. Where a planner with many of one key
# before it chose to read the whole table in parallel, a page took 300 ms (measured, a
# million statements), by the index it takes less than one.
_SETTINGS = f"""
SET statement_timeout = {round(LONGEST_SECONDS * 1000)};
SET max_parallel_workers_per_gather = 0;
SET enable_seqscan = off
""".encode()
# how many steps SQLite takes between two looks at the time
STEPS = 100_000


class Driver:
    """A connection of the driver; outside a transaction of somebody's."""

    __slots__ = ("began", "connection", "dialect", "prepared", "used")

    def __init__(
        self, connection: Any, dialect: str, prepared: Prepared | None = None
    ) -> None:
        """Use a connection of `psycopg` or `pysqlite3`."""
        self.connection = connection
        self.dialect = dialect
        self.prepared = prepared
        self.used = self.began = time.monotonic()

    def rows(
        self,
        command: str,
        values: Mapping[str, Any] | Sequence[Any] = (),
        *,
        is_planned_anew: bool = False,
    ) -> list[Any]:
        """What the command finds or returns."""
        if self.prepared is not None:
            return self.prepared.rows(command, values, is_planned_anew=is_planned_anew)
        self.began = time.monotonic()
        # PostgreSQL's text form of bytes is twice as long
        form = {"binary": True} if self.dialect == "postgresql" else {}
        found: list[Any] = self.connection.execute(command, values, **form).fetchall()
        return found

    def is_idle(self) -> bool:
        """Whether it is whole and in no transaction."""
        if self.dialect == "postgresql":
            status = self.connection.info.transaction_status
            return bool(status == TransactionStatus.IDLE)
        try:
            return not self.connection.in_transaction
        except dbapi2.ProgrammingError:
            return False

    def is_late(self) -> bool:
        """Whether the command at hand takes longer than any may."""
        return time.monotonic() - self.began > LONGEST_SECONDS


def driver_of(db: Session) -> Driver:
    """The driver's connection inside a session's transaction."""
    connection = db.connection()
    return Driver(connection.connection.driver_connection, connection.dialect.name)


class Direct:
    """Connections of the driver, each used by one thread at a time."""

    def __init__(self, engine: Engine, *, limit: int = LIMIT) -> None:
        """Open up to `limit` connections as `engine` does, when they are needed."""
        self._engine = engine
        self._idle: deque[Driver] = deque()
        self._places = threading.BoundedSemaphore(limit)
        # what was used before one broke may have broken, too
        self._broke = 0.0
        event.listen(engine, "engine_disposed", lambda _engine: self.close())

    @contextmanager
    def driver(self) -> Iterator[Driver]:
        """A connection that commits by itself; raises Unavailable."""
        if not self._places.acquire(timeout=LOCK_TIMEOUT_SECONDS):
            raise Unavailable("The database is busy; try again.")
        try:
            with busy_is_unavailable():
                driver = self._take()
                try:
                    yield driver
                except BaseException:
                    # in whatever state it is, nobody else gets it
                    if driver.is_idle():
                        self._idle.append(driver)
                    else:
                        self._broke = time.monotonic()
                        driver.connection.close()
                    raise
                driver.used = time.monotonic()
                self._idle.append(driver)
        finally:
            self._places.release()

    def _take(self) -> Driver:
        while self._idle:
            try:
                driver = self._idle.pop()
            except IndexError:
                break
            if driver.used > max(self._broke, time.monotonic() - FRESH_SECONDS):
                return driver
            try:
                driver.rows("SELECT 1")
            except Exception:  # noqa: BLE001 - however it is broken, it goes
                driver.connection.close()
            else:
                return driver
        raw = self._engine.raw_connection()
        connection = raw.driver_connection
        raw.detach()
        if isinstance(connection, psycopg.Connection):
            connection.autocommit = True
            connection.execute(_SETTINGS)
            return Driver(connection, "postgresql", Prepared(connection))
        driver = Driver(connection, self._engine.dialect.name)
        driver.connection.set_progress_handler(driver.is_late, STEPS)
        return driver

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().connection.close()
