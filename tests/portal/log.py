"""The stored statements of a verb."""

from typing import Any

import orjson
from sqlalchemy import select

from lrs.db import reading
from lrs.parts import Parts
from lrs.tables import Statement, key_of
from statements.vocabulary import VERBS


def statements_of(parts: Parts, verb: str) -> list[dict[str, Any]]:
    """In the order of storing."""
    with reading(parts.engine) as db:
        return [
            orjson.loads(row.payload)
            for row in db.scalars(
                select(Statement)
                .where(Statement.verb_key == key_of(VERBS[verb]))
                .order_by(Statement.seq)
            )
        ]
