from datetime import datetime, timedelta

from sqlalchemy import Engine, select, update

from lrs.clock import STEP, Glance, consistent_through, glance
from lrs.db import reading, writing
from lrs.direct import driver_of
from lrs.tables import MAIN_TENANT, Clock


def look(engine: Engine) -> Glance:
    with reading(engine) as db:
        return glance(driver_of(db), tenant=MAIN_TENANT)


def through(engine: Engine, now: datetime) -> datetime:
    return consistent_through(engine, look(engine), now=now).stored


def test_an_idle_store_moves_with_the_time(engine: Engine, now: datetime) -> None:
    for minutes in (0, 1, 2):
        instant = now + timedelta(minutes=minutes)
        assert through(engine, instant) == instant
    assert look(engine).stored == instant


def test_small_steps_write_nothing(engine: Engine, now: datetime) -> None:
    through(engine, now)
    soon = now + STEP / 2
    assert through(engine, soon) == now


def test_it_never_goes_back(engine: Engine, now: datetime) -> None:
    through(engine, now)
    past = now - timedelta(days=1)
    assert through(engine, past) == now


def test_it_stays_behind_a_write_under_way(engine: Engine, now: datetime) -> None:
    """Nothing later than the numbers a writer may have taken is promised, at once."""
    through(engine, now)
    later = now + timedelta(minutes=1)
    with writing(engine) as db:
        db.execute(
            update(Clock)
            .where(Clock.tenant_id == MAIN_TENANT)
            .values(seq=Clock.seq + 1, stored=now + timedelta(seconds=1))
        )
        assert through(engine, later) == now
    assert through(engine, later) == later


def test_a_writer_waits_again_after_a_look_at_the_clock(
    engine: Engine, now: datetime
) -> None:
    through(engine, now)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        assert patience == 5000
    with writing(engine) as db:
        assert db.scalar(select(Clock.seq)) == 0


def test_what_was_stored_since_the_glance_is_seen_with_its_instant(
    engine: Engine, now: datetime
) -> None:
    seen = look(engine)
    with writing(engine) as db:
        stored = now - timedelta(seconds=1)
        db.execute(
            update(Clock)
            .where(Clock.tenant_id == MAIN_TENANT)
            .values(seq=Clock.seq + 1, stored=stored)
        )
    newer = consistent_through(engine, seen, now=now)
    assert (newer.seq, newer.stored) == (seen.seq + 1, now)
