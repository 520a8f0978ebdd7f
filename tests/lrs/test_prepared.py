"""Commands by libpq: values there and back, errors, lost connections."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.errors import InvalidSqlStatementName, UniqueViolation
from psycopg.errors import SyntaxError as WrongSyntax

import lrs.prepared
from lrs.prepared import Prepared
from tests.conftest import cloned_postgres, postgres_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers


@pytest.fixture
def url(servers: Servers) -> str:
    address = postgres_url(servers, cloned_postgres(servers))
    return address.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as made:
        yield made


Connection = psycopg.Connection[tuple[object, ...]]
VALUES = {
    "nothing": ("text", None),
    "small": ("bigint", 7),
    "large": ("bigint", 2**40),
    "text": ("text", "Zoë 100%"),
    "bytes": ("bytea", bytes(range(256))),
    "uuid": ("uuid", uuid.UUID(int=5)),
    "instant": ("timestamptz", datetime(2026, 3, 2, 17, 0, 0, 123456, UTC)),
    "truth": ("boolean", True),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back(connection: Connection, name: str) -> None:
    kind, value = VALUES[name]
    command = f"SELECT CAST(%s AS {kind}), 1"
    assert Prepared(connection).rows(command, (value,)) == [(value, 1)]


def test_a_name_may_stand_twice_and_percent_is_doubled(connection: Connection) -> None:
    prepared = Prepared(connection)
    command = "SELECT %(b)s::int + %(a)s::int * 10 + %(b)s::int, 5 %% 3, 'a' LIKE 'a%%'"
    assert prepared.rows(command, {"a": 4, "b": 1, "c": 9}) == [(42, 2, True)]
    assert prepared.rows(command, {"a": 5, "b": 2}) == [(54, 2, True)]


def test_values_of_another_size_are_another_command(connection: Connection) -> None:
    prepared = Prepared(connection)
    found = [prepared.rows("SELECT %s + 1", (one,)) for one in (1, 70_000, 2**40)]
    assert found == [[(2,)], [(70_001,)], [(2**40 + 1,)]]


def test_what_returns_nothing_gives_no_rows(connection: Connection) -> None:
    assert Prepared(connection).rows("CREATE TABLE one (id int PRIMARY KEY)") == []


def test_what_was_found_is_not_kept(connection: Connection) -> None:
    prepared = Prepared(connection)
    assert prepared.rows("SELECT repeat('a', %s)", (1000,)) == [("a" * 1000,)]
    assert prepared._convert.pgresult is None


def test_errors_are_those_of_the_driver_and_leave_it_usable(
    connection: Connection,
) -> None:
    prepared = Prepared(connection)
    prepared.rows("CREATE TABLE one (id int PRIMARY KEY)")
    prepared.rows("INSERT INTO one VALUES (%s)", (1,))
    with pytest.raises(UniqueViolation, match="one_pkey"):
        prepared.rows("INSERT INTO one VALUES (%s)", (1,))
    with pytest.raises(WrongSyntax):
        prepared.rows("SELECTED 1")
    assert prepared.rows("SELECT count(*) FROM one") == [(1,)]


def test_a_lost_connection_says_so(connection: Connection, url: str) -> None:
    prepared = Prepared(connection)
    [(process,)] = prepared.rows("SELECT pg_backend_pid()")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (process,))
    with pytest.raises(psycopg.OperationalError):
        prepared.rows("SELECT 1")
    assert connection.broken


def test_too_many_commands_are_forgotten(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrs.prepared, "MAX_PREPARED", 5)
    prepared = Prepared(connection)
    for number in range(12):
        assert prepared.rows(f"SELECT {number}") == [(number,)]
    [(count,)] = prepared.rows("SELECT count(*) FROM pg_prepared_statements")
    assert 1 <= count <= 5


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE one ALTER COLUMN id TYPE bigint",
        "ALTER TABLE one ADD COLUMN more text",
        "DEALLOCATE ALL",
        "DISCARD ALL",
    ],
)
def test_what_the_server_no_longer_runs_is_prepared_anew(
    connection: Connection, change: str
) -> None:
    prepared = Prepared(connection)
    prepared.rows("CREATE TABLE one (id int PRIMARY KEY)")
    add, find = "INSERT INTO one VALUES (%s) RETURNING id", "SELECT * FROM one"
    assert prepared.rows(add, (1,)) == [(1,)]
    assert prepared.rows(find) == [(1,)]
    connection.execute(change.encode())
    for number in (2, 3):
        assert prepared.rows(add, (number,)) == [(number,)]
        assert [row[0] for row in prepared.rows(find)] == [*range(1, number + 1)]
    names = "SELECT count(*), count(DISTINCT statement) FROM pg_prepared_statements"
    [(count, distinct)] = prepared.rows(names)
    assert count == distinct


def test_inside_a_transaction_an_outdated_command_fails_with_it(
    connection: Connection,
) -> None:
    prepared = Prepared(connection)
    prepared.rows("SELECT 1")
    connection.execute("DEALLOCATE ALL")
    connection.execute("BEGIN")
    with pytest.raises(InvalidSqlStatementName):
        prepared.rows("SELECT 1")
    connection.execute("ROLLBACK")
    assert prepared.rows("SELECT 1") == [(1,)]


def test_what_is_planned_anew_is_not_prepared(connection: Connection) -> None:
    prepared = Prepared(connection)
    for value in (1, 2**40):
        found = prepared.rows("SELECT %s + 1", (value,), is_planned_anew=True)
        assert found == [(value + 1,)]
    with pytest.raises(WrongSyntax):
        prepared.rows("SELECTED 1", is_planned_anew=True)
    command = "SELECT count(*) FROM pg_prepared_statements"
    assert prepared.rows(command, is_planned_anew=True) == [(0,)]
