"""What every request asks of a tenant first: how far its log is, and how consistent.

xAPI 1.0.3 Communication 2.1.3 (X-Experience-API-Consistent-Through). The clock row of
a tenant is locked from the moment a write takes its numbers until it commits. So the
committed `stored` is always a true answer; and whoever gets the lock knows that
nothing is under way, may move the clock to the present, and answer with that. A store
that nobody writes to so keeps moving, and clients that wait for the instant to pass
get on.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    Text,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.exc import OperationalError

from lrs.db import LOCK_TIMEOUT_SECONDS, busy_is_unavailable
from lrs.direct import Driver
from lrs.tables import Clock, Tenant
from statements.errors import Unavailable

# how far behind the answer may be before a write is spent on it
STEP = timedelta(milliseconds=200)
_GLANCE = """
SELECT clock.seq, clock.stored, tenant.revision, clock.largest
FROM clock JOIN tenant ON tenant.id = clock.tenant_id WHERE clock.tenant_id = {}
"""
_GLANCES = {"postgresql": _GLANCE.format("%s"), "sqlite": _GLANCE.format("?")}


@dataclass(frozen=True, slots=True)
class Glance:
    """The newest number and instant of a tenant, and the revision of its settings.

    `largest` is about the length of the largest statement, in bytes.
    """

    tenant: int
    seq: int
    stored: datetime
    revision: int
    largest: int


def glance(driver: Driver, *, tenant: int) -> Glance:
    """How things stand with a tenant, in one round trip."""
    ((seq, stored, revision, largest),) = driver.rows(
        _GLANCES[driver.dialect], (tenant,)
    )
    return Glance(tenant, seq, as_instant(stored), revision, largest)


def glance_column(tenant: BindParameter[int]) -> ColumnElement[str]:
    """The same as one column of another command, for `as_glance`."""
    parts = Tenant.revision, Clock.largest, Clock.seq, Clock.stored
    revision, largest, seq, stored = (cast_to(part, Text) for part in parts)
    return (
        select(revision + " " + largest + " " + seq + " " + stored)
        .select_from(Clock)
        .join(Tenant, Tenant.id == Clock.tenant_id)
        .where(Clock.tenant_id == tenant)
        .scalar_subquery()
    )


def as_glance(tenant: int, column: str) -> Glance:
    """What a `glance_column` says."""
    revision, largest, seq, stored = column.split(" ", 3)
    instant = datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return Glance(tenant, int(seq), instant, int(revision), int(largest))


def as_instant(value: Any) -> datetime:
    """The instant that a driver gave: SQLite's are text without a zone."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return cast("datetime", value)


def consistent_through(engine: Engine, seen: Glance, *, now: datetime) -> Glance:
    """How things stand with an instant that is not long ago, if that can be had.

    A reading begun after this call, up to its number, misses nothing before its
    `stored`.
    """
    if now - seen.stored < STEP:
        return seen
    try:
        with busy_is_unavailable():
            return _move(engine, seen, now) or seen
    except Unavailable:
        return seen


def _move(engine: Engine, seen: Glance, now: datetime) -> Glance | None:
    """The present, if nothing is under way; never waits for a writer."""
    with engine.connect() as connection:
        set_patience(connection, 0)
        try:
            with connection.begin():
                row = connection.execute(
                    select(Clock.seq, Clock.stored)
                    .where(Clock.tenant_id == seen.tenant)
                    .with_for_update(skip_locked=True)
                ).first()
                if row is None:
                    return None
                if row.stored < now:
                    connection.execute(
                        update(Clock)
                        .where(Clock.tenant_id == seen.tenant)
                        .values(stored=now)
                    )
                return replace(seen, seq=row.seq, stored=max(row.stored, now))
        except OperationalError:
            return None
        finally:
            set_patience(connection, LOCK_TIMEOUT_SECONDS)


def set_patience(connection: Connection, seconds: int) -> None:
    """How long SQLite waits for a lock; on PostgreSQL the commands say so themselves."""
    if connection.dialect.name == "sqlite":
        driver = cast("object", connection.connection.driver_connection)
        driver.execute(f"PRAGMA busy_timeout={seconds * 1000}")  # type: ignore[attr-defined]
