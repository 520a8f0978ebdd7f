from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, inspect, select, text

from lrs import migrate as migrations
from lrs.db import make_engine, reading
from lrs.migrate import is_current, migrate, write_revision
from lrs.tables import MAIN_TENANT, Clock, Tenant
from tests.conftest import postgres_url, run_on_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.servers import Servers


@pytest.fixture
def empty(database: str, servers: Servers, tmp_path: Path) -> Iterator[Engine]:
    if database == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}")
        yield engine
        engine.dispose()
        return
    name = f"t_{uuid.uuid4().hex}"
    run_on_postgres(servers, f"CREATE DATABASE {name}")
    engine = make_engine(postgres_url(servers, name))
    yield engine
    engine.dispose()
    run_on_postgres(servers, f"DROP DATABASE {name} WITH (FORCE)")


def test_an_empty_database_gets_the_tables_and_the_main_tenant(empty: Engine) -> None:
    assert not is_current(empty)
    migrate(empty)
    assert is_current(empty)
    with reading(empty) as db:
        assert db.scalars(select(Tenant.name)).all() == ["main"]
        assert db.execute(select(Clock.tenant_id, Clock.seq)).all() == [
            (MAIN_TENANT, 0)
        ]


def test_migrating_again_changes_nothing(empty: Engine) -> None:
    migrate(empty)
    migrate(empty)
    assert is_current(empty)
    with reading(empty) as db:
        assert len(db.scalars(select(Tenant)).all()) == 1


def test_two_that_start_at_once_migrate_once(empty: Engine) -> None:
    failures: list[Exception] = []
    together = threading.Barrier(3)

    def start() -> None:
        engine = make_engine(empty.url.render_as_string(hide_password=False))
        together.wait()
        try:
            migrate(engine)
        except Exception as error:  # noqa: BLE001 - whatever it is
            failures.append(error)
        finally:
            engine.dispose()

    starting = [threading.Thread(target=start) for _ in range(3)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join(60)
    assert failures == []
    assert is_current(empty)


def test_a_database_of_a_later_release_is_not_current(empty: Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    assert not is_current(empty)


def test_a_revision_holds_what_differs(
    empty: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        (folder / name).write_text((migrations.FOLDER / name).read_text())
    monkeypatch.setattr(migrations, "FOLDER", folder)
    tables = MetaData()
    Table("thing", tables, Column("id", Integer, primary_key=True), Column("a", String))
    write_revision(empty, tables, "Add things", "0001")
    assert not is_current(empty)
    migrate(empty)
    assert is_current(empty)
    columns = inspect(empty).get_columns("thing")
    assert {column["name"] for column in columns} == {"id", "a"}
