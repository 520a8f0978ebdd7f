"""Whatever is sent: refused with a reason, or taken and then consistent."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import orjson
import pytest

from statements import formats
from statements.compare import same_statement
from statements.errors import Invalid, InvalidStatement
from statements.prepare import Prepared, prepare
from statements.text import split_statements
from tests.statements.mutations import mutated

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
COUNT = 10_000


def outcome(body: bytes, version: str) -> Prepared | Invalid:
    try:
        statements = split_statements(body)
        made = [prepare(one, raw, version=version, now=NOW) for one, raw in statements]
    except Invalid as error:
        return error
    return made[0] if made else Invalid("an empty list")


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_every_mutated_statement_is_refused_or_consistent(version: str) -> None:
    chance = random.Random(f"mutations {version}")  # noqa: S311 - a repeatable choice
    taken = 0
    for _ in range(COUNT):
        made = outcome(orjson.dumps(mutated(chance)), version)
        if isinstance(made, InvalidStatement):
            assert made.extra["path"].startswith("$")
            assert made.extra["requirement"]
        if isinstance(made, Invalid):
            assert made.detail
            continue
        taken += 1
        again = prepare(orjson.loads(made.raw), made.raw, version=version, now=NOW)
        assert again.raw == made.raw
        assert again.references == made.references
        assert same_statement(made.statement, made.received)
        plain = {"1.0.3": made.is_plain_1, "2.0.0": made.is_plain_2}
        for returned, is_plain in plain.items():
            text = formats.exact(made.raw, version=returned)
            assert (text is made.raw) is is_plain
            read = orjson.loads(text)
            assert same_statement(read, made.statement)
            formats.ids(read)
            formats.canonical(read, definitions={}.get, languages=["en"])
    # both outcomes must have been tried
    assert COUNT * 0.05 < taken < COUNT * 0.9
