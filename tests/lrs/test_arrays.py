"""Arrays as PostgreSQL itself reads them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from lrs import arrays
from lrs.direct import driver_of

ONE = uuid.UUID(int=1)
INSTANTS = [
    datetime(1999, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2026, 3, 2, 17, 0, 0, 1, UTC),
]
ARRAYS = {
    "uuid": (arrays.uuids([ONE.bytes, None]), [ONE, None]),
    "text": (arrays.texts(["", "ä\n", None]), ["", "ä\n", None]),
    "bytea": (arrays.blobs([b"", b"\0\xff", None]), [b"", b"\0\xff", None]),
    "integer": (arrays.integers([0, -1, 2**31 - 1]), [0, -1, 2**31 - 1]),
    "bigint": (arrays.longs([0, -1, 2**62]), [0, -1, 2**62]),
    "boolean": (arrays.booleans([True, False]), [True, False]),
    "timestamp with time zone": (arrays.instants(INSTANTS), INSTANTS),
    "no element": (arrays.uuids([]), []),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("database", ["postgresql"])
def test_an_array_arrives(db: Session, name: str) -> None:
    sent, expected = ARRAYS[name]
    ((kind, found),) = driver_of(db).rows(
        "SELECT pg_typeof(given)::text, given FROM (SELECT %(sent)s AS given) AS g",
        {"sent": sent},
    )
    assert kind == ("uuid[]" if name == "no element" else f"{name}[]")
    assert found == expected


def test_a_number_too_large_is_no_number() -> None:
    values: list[Any] = [2**31]
    with pytest.raises(Exception, match="format"):
        arrays.integers(values)
