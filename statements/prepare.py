"""A received or built statement made ready for the store.

Checking, stamping and the walk over references happen here, before the store takes
its lock: nothing that can refuse a statement is left for the transaction.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from statements import formats, scalars, text
from statements.references import References, references
from statements.stamp import stamp
from statements.validate import check_statement


class Prepared(NamedTuple):
    """A valid statement, complete but for what the store sets.

    `raw` holds the bytes as received, with `id`, `timestamp` and `version` added
    where they were missing and without `authority` and `stored`. `received` is the
    statement before anything was added: what an honest retry is compared by.
    """

    id: UUID
    statement: dict[str, Any]
    received: dict[str, Any]
    raw: bytes
    timestamp: datetime
    references: References
    version: str
    # whether a reader under 1.0.3 or 2.0.0 gets `raw` as it is
    is_plain_1: bool
    is_plain_2: bool


def prepare(
    statement: dict[str, Any],
    raw: bytes | None = None,
    *,
    version: str = "1.0.3",
    now: datetime,
) -> Prepared:
    """The statement, checked and stamped; raises InvalidStatement.

    `version` is the version of xAPI that the request speaks. Without `raw` the text
    is made from the statement.
    """
    if raw is None:
        raw = orjson.dumps(statement)
        text.load(raw)
    check_statement(statement, version=version)
    received = statement
    statement, raw = stamp(statement, raw, version=version, now=now)
    is_plain_1, is_plain_2 = formats.plain_versions(statement)
    return Prepared(
        id=UUID(statement["id"]),
        statement=statement,
        received=received,
        raw=raw,
        timestamp=scalars.parse_timestamp(statement["timestamp"]),
        references=references(statement),
        version=statement["version"],
        is_plain_1=is_plain_1,
        is_plain_2=is_plain_2,
    )
