"""Connections of the driver: one command a transaction, none shared, none left broken."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

import lrs.direct
from lrs.db import writing
from lrs.direct import Direct, driver_of
from statements.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def direct(engine: Engine) -> Iterator[Direct]:
    made = Direct(engine, limit=2)
    yield made
    made.close()


def tenants(direct: Direct) -> list[tuple[str]]:
    with direct.driver() as driver:
        return driver.rows("SELECT name FROM tenant ORDER BY name")


def test_a_command_commits_by_itself(direct: Direct) -> None:
    with direct.driver() as driver:
        driver.rows(
            "INSERT INTO tenant (id, name, revision) VALUES (2, 'two', 0) RETURNING id"
        )
    assert tenants(direct) == [("main",), ("two",)]


def test_a_connection_is_used_again(direct: Direct) -> None:
    with direct.driver() as first:
        pass
    with pytest.raises(NotFound), direct.driver():
        raise NotFound
    with direct.driver() as second:
        assert second is first


def test_what_failed_inside_a_transaction_is_not_handed_on(direct: Direct) -> None:
    with pytest.raises(Exception, match="nowhere"), direct.driver() as first:
        first.rows("SELECT 1 FROM nowhere")
    with pytest.raises(Exception, match="nowhere"), direct.driver() as second:
        assert second is first
        second.connection.execute("BEGIN")
        second.rows("SELECT 1 FROM nowhere")
    with direct.driver() as third:
        assert third is not first
    assert tenants(direct) == [("main",)]


def test_a_command_that_takes_too_long_is_given_up(
    direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrs.direct, "LONGEST_SECONDS", 0.2)
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT max(i) FROM n"
    )
    with pytest.raises(Unavailable), direct.driver() as driver:
        driver.rows(endless)
    assert tenants(direct) == [("main",)]


def test_who_finds_no_place_is_told_to_come_again(
    direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrs.direct, "LOCK_TIMEOUT_SECONDS", 0.05)
    with (
        direct.driver(),
        direct.driver(),
        pytest.raises(Unavailable),
        direct.driver(),
    ):
        pass
    assert tenants(direct) == [("main",)]


def test_a_connection_that_broke_while_idle_is_replaced(
    direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    with direct.driver() as driver:
        pass
    driver.connection.close()
    monkeypatch.setattr(lrs.direct, "FRESH_SECONDS", 0.0)
    assert tenants(direct) == [("main",)]
    monkeypatch.undo()
    assert tenants(direct) == [("main",)]


def test_a_server_that_went_is_unavailable(postgresql_engine: Engine) -> None:
    direct = Direct(postgresql_engine)
    with direct.driver() as driver:
        ((pid,),) = driver.rows("SELECT pg_backend_pid()")
    with writing(postgresql_engine) as db:
        # waits until it has gone
        db.execute(text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})
    with pytest.raises(Unavailable):
        tenants(direct)
    assert tenants(direct) == [("main",)]
    direct.close()


def test_a_restart_of_the_server_is_met_once(postgresql_engine: Engine) -> None:
    direct = Direct(postgresql_engine)
    pids = []
    with direct.driver() as one, direct.driver() as two, direct.driver() as three:
        for driver in (one, two, three):
            [(pid,)] = driver.rows("SELECT pg_backend_pid()")
            pids.append(pid)
    with writing(postgresql_engine) as db:
        for pid in pids:
            # waits until it has gone
            db.execute(text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})
    with pytest.raises(Unavailable):
        tenants(direct)
    with direct.driver() as one, direct.driver() as two:
        assert [driver.rows("SELECT 1") for driver in (one, two)] == [[(1,)], [(1,)]]
    direct.close()


def test_inside_a_session_it_is_the_session(engine: Engine, direct: Direct) -> None:
    with writing(engine) as db:
        driver_of(db).rows(
            "INSERT INTO tenant (id, name, revision) VALUES (2, 'two', 0) RETURNING id"
        )
        if engine.dialect.name == "postgresql":
            assert tenants(direct) == [("main",)]
        db.rollback()
    assert tenants(direct) == [("main",)]


def test_the_end_of_the_engine_closes_what_is_idle(engine: Engine) -> None:
    direct = Direct(engine)
    with direct.driver() as driver:
        pass
    engine.dispose()
    with pytest.raises(Exception, match="closed"):
        driver.rows("SELECT 1")


def test_threads_share_no_connection(direct: Direct) -> None:
    seen: list[int] = []
    inside = threading.Barrier(2, timeout=120)

    def use() -> None:
        with direct.driver() as driver:
            inside.wait()
            seen.append(id(driver))
            inside.wait()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 2
