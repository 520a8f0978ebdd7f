from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update

from lrs.clock import STEP, consistent_through, stored_through
from lrs.db import writing
from lrs.tables import MAIN_TENANT, Clock


def test_an_idle_store_moves_with_the_time(engine: Engine, now: datetime) -> None:
    for minutes in (0, 1, 2):
        instant = now + timedelta(minutes=minutes)
        assert consistent_through(engine, tenant=MAIN_TENANT, now=instant) == instant
    assert stored_through(engine, tenant=MAIN_TENANT) == instant


def test_small_steps_write_nothing(engine: Engine, now: datetime) -> None:
    consistent_through(engine, tenant=MAIN_TENANT, now=now)
    soon = now + STEP / 2
    assert consistent_through(engine, tenant=MAIN_TENANT, now=soon) == now


def test_it_never_goes_back(engine: Engine, now: datetime) -> None:
    consistent_through(engine, tenant=MAIN_TENANT, now=now)
    past = now - timedelta(days=1)
    assert consistent_through(engine, tenant=MAIN_TENANT, now=past) == now


def test_it_stays_behind_a_write_under_way(engine: Engine, now: datetime) -> None:
    """Nothing later than the numbers a writer may have taken is promised, at once."""
    consistent_through(engine, tenant=MAIN_TENANT, now=now)
    later = now + timedelta(minutes=1)
    with writing(engine) as db:
        db.execute(
            update(Clock)
            .where(Clock.tenant_id == MAIN_TENANT)
            .values(seq=Clock.seq + 1, stored=now + timedelta(seconds=1))
        )
        assert consistent_through(engine, tenant=MAIN_TENANT, now=later) == now
    assert consistent_through(engine, tenant=MAIN_TENANT, now=later) == later


def test_a_writer_waits_again_after_a_look_at_the_clock(
    engine: Engine, now: datetime
) -> None:
    consistent_through(engine, tenant=MAIN_TENANT, now=now)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        assert patience == 5000
    with writing(engine) as db:
        assert db.scalar(select(Clock.seq)) == 0
