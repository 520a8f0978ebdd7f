from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from statements.stamp import stamp, statement_id
from tests.statements.cases import FULL, ID, SMALL

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def test_a_complete_statement_loses_what_the_server_sets() -> None:
    given = {name: item for name, item in FULL.items() if name != "authority"}
    statement, raw = stamp(given, orjson.dumps(given), version="1.0.3", now=NOW)
    assert statement == {n: i for n, i in given.items() if n != "stored"}
    assert orjson.loads(raw) == statement
    assert str(statement_id(statement)) == ID


@pytest.mark.parametrize(
    ("version", "stamped"), [("1.0.3", "1.0.0"), ("2.0.0", "2.0.0")]
)
def test_what_is_missing_is_added(version: str, stamped: str) -> None:
    statement, raw = stamp(SMALL, orjson.dumps(SMALL), version=version, now=NOW)
    assert orjson.loads(raw) == statement
    assert statement["version"] == stamped
    assert statement["timestamp"] == "2026-03-02T17:00:00.000000Z"
    assert statement_id(statement).version == 4
    assert SMALL.keys() == {"actor", "verb", "object"}


def test_two_statements_never_share_an_id() -> None:
    ids = {
        statement_id(stamp(SMALL, orjson.dumps(SMALL), version="1.0.3", now=NOW)[0])
        for _ in range(100)
    }
    assert len(ids) == 100
