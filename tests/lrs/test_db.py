"""Column types and transactions, on both engines."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, text

from lrs.db import Exact, Json, UtcDateTime, insert_new, make_engine, reading, writing
from lrs.tables import Tenant
from statements.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

KINDS = Table(
    "kinds",
    MetaData(),
    Column("at", UtcDateTime),
    Column("json", Json),
    Column("exact", Exact),
)


def test_values_come_back_as_they_went_in(engine: Engine) -> None:
    at = datetime(2026, 1, 1, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=-8)))
    value = {"b": [1, None, "ü"], "a": {"x": 0.5}}
    with writing(engine) as db:
        KINDS.create(db.connection())
        db.execute(insert(KINDS).values(at=at, json=value, exact=Decimal("0.80")))
        db.execute(insert(KINDS).values(at=None, json=None, exact=None))
    with reading(engine) as db:
        rows = db.execute(select(KINDS)).all()
    assert rows[0] == (at, value, Decimal("0.80"))
    assert rows[0].at.tzinfo == UTC
    assert str(rows[0].exact) == "0.80"
    assert rows[1] == (None, None, None)


def test_an_instant_without_a_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match="zone"), writing(engine) as db:
        KINDS.create(db.connection())
        db.execute(insert(KINDS).values(at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_raise_rolls_back_and_return_commits(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), writing(engine) as db:
        db.add(Tenant(id=7, name="seven"))
        db.flush()
        raise ZeroDivisionError
    with writing(engine) as db:
        db.add(Tenant(id=8, name="eight"))
    with reading(engine) as db:
        names = db.scalars(select(Tenant.name).order_by(Tenant.id)).all()
    assert names == ["main", "eight"]


def test_reading_cannot_write(engine: Engine) -> None:
    with reading(engine) as db:
        if engine.dialect.name == "postgresql":
            with pytest.raises(Exception, match="read-only"):
                db.execute(insert(Tenant).values(id=9, name="nine"))
        else:
            db.execute(insert(Tenant).values(id=9, name="nine"))
    with reading(engine) as db:
        assert db.get(Tenant, 9) is None


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    failures: list[Exception] = []

    def open_it(url: str, together: threading.Barrier) -> None:
        engine = make_engine(url)
        together.wait()
        try:
            with writing(engine) as db:
                db.execute(text("SELECT 1"))
        except Exception as error:  # noqa: BLE001 - whatever it is
            failures.append(error)
        finally:
            engine.dispose()

    for place in range(30):
        given = f"sqlite:///{tmp_path / str(place)}", threading.Barrier(8)
        opening = [threading.Thread(target=open_it, args=given) for _ in range(8)]
        for thread in opening:
            thread.start()
        for thread in opening:
            thread.join(60)
    assert failures == []


def test_a_row_is_inserted_once_and_that_is_told(engine: Engine) -> None:
    for is_new in (True, False):
        with writing(engine) as db:
            told = insert_new(db, Tenant, id=7, name="academy", revision=0)
        assert told is is_new


def test_a_reader_is_not_locked_out_by_a_writer(engine: Engine) -> None:
    with writing(engine) as db:
        db.add(Tenant(id=10, name="ten"))
        db.flush()
        with reading(engine) as other:
            assert other.get(Tenant, 10) is None


def test_a_lock_not_had_in_time_is_unavailable(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same wait as in use, shortened."""
    del monkeypatch
    waits = (
        "PRAGMA busy_timeout=200"
        if engine.dialect.name == "sqlite"
        else "SET lock_timeout='200ms'"
    )
    ready, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing(engine) as db:
            db.execute(text("UPDATE tenant SET name = 'held' WHERE id = 1"))
            ready.set()
            done.wait(120)

    holder = threading.Thread(target=hold)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    holder.start()
    assert ready.wait(120)
    try:
        with pytest.raises(Unavailable), writing(engine) as db:
            if engine.dialect.name == "postgresql":
                db.execute(text(waits))
            db.execute(text("UPDATE tenant SET name = 'mine' WHERE id = 1"))
    finally:
        done.set()
        holder.join()


def test_a_deadlock_is_unavailable(postgresql_engine: Engine) -> None:
    """Of two that wait for each other one is answered 503, the other succeeds."""
    with writing(postgresql_engine) as db:
        db.add(Tenant(id=2, name="two"))
    both = threading.Barrier(2, timeout=120)
    refused: list[int] = []

    def cross(first: int, second: int) -> None:
        try:
            with writing(postgresql_engine) as db:
                db.execute(
                    text("UPDATE tenant SET name = name WHERE id = :i"), {"i": first}
                )
                both.wait()
                db.execute(
                    text("UPDATE tenant SET name = name WHERE id = :i"), {"i": second}
                )
        except Unavailable:
            refused.append(first)

    crossing = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for one in crossing:
        one.start()
    for one in crossing:
        one.join()
    assert len(refused) == 1


def test_an_error_tells_no_values(engine: Engine) -> None:
    secret = "a name that no log may hold"
    with pytest.raises(Exception, match="tenant") as caught, writing(engine) as db:
        db.execute(insert(Tenant), [{"id": 1, "name": secret}])
    assert secret not in str(caught.value)


def test_instants_are_read_however_the_database_spells_its_own(
    postgresql_engine: Engine,
) -> None:
    name = postgresql_engine.url.database
    with writing(postgresql_engine) as db:
        db.execute(text(f"ALTER DATABASE {name} SET datestyle = 'German'"))
    postgresql_engine.dispose()
    with reading(postgresql_engine) as db:
        assert db.scalar(text("SHOW datestyle")).startswith("ISO")
        assert db.scalar(text("SELECT CAST(DATE '2026-03-02' AS text)")) == "2026-03-02"
