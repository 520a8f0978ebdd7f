"""Up to which instant readers see everything: X-Experience-API-Consistent-Through.

xAPI 1.0.3 Communication 2.1.3. The clock row of a tenant is locked from the moment a
write takes its numbers until it commits. So the committed `stored` is always a true
answer; and whoever gets the lock knows that nothing is under way, may move the clock
to the present, and answer with that. A store that nobody writes to so keeps moving,
and clients that wait for the instant to pass get on.
"""

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Connection, Engine, bindparam, select, update
from sqlalchemy.exc import OperationalError

from lrs.db import LOCK_TIMEOUT_SECONDS, reading
from lrs.tables import Clock

# how far behind the answer may be before a write is spent on it
STEP = timedelta(milliseconds=200)
# made once: every request asks this
_STORED = select(Clock.stored).where(Clock.tenant_id == bindparam("tenant"))


def stored_through(engine: Engine, *, tenant: int) -> datetime:
    """The instant of the newest statement, or the last one the clock was moved to."""
    with reading(engine) as db:
        return db.execute(_STORED, {"tenant": tenant}).scalar_one()


def consistent_through(engine: Engine, *, tenant: int, now: datetime) -> datetime:
    """An instant such that a reading begun after this call misses nothing before it."""
    stored = stored_through(engine, tenant=tenant)
    if now - stored < STEP:
        return stored
    return _move(engine, tenant, now) or stored


def _move(engine: Engine, tenant: int, now: datetime) -> datetime | None:
    """The present, if nothing is under way; never waits for a writer."""
    with engine.connect() as connection:
        _set_patience(connection, 0)
        try:
            with connection.begin():
                stored = connection.execute(
                    select(Clock.stored)
                    .where(Clock.tenant_id == tenant)
                    .with_for_update(skip_locked=True)
                ).scalar()
                if stored is None or stored >= now:
                    return stored
                connection.execute(
                    update(Clock).where(Clock.tenant_id == tenant).values(stored=now)
                )
        except OperationalError:
            return None
        finally:
            _set_patience(connection, LOCK_TIMEOUT_SECONDS)
    return now


def _set_patience(connection: Connection, seconds: int) -> None:
    """SQLite waits for locks by a setting of the connection, PostgreSQL skips them."""
    if connection.dialect.name == "sqlite":
        driver = cast("object", connection.connection.driver_connection)
        driver.execute(f"PRAGMA busy_timeout={seconds * 1000}")  # type: ignore[attr-defined]
