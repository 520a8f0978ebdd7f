from __future__ import annotations

import pytest
from sqlalchemy import String, literal_column, select
from sqlalchemy.orm import Session

from lrs.preconditions import Precondition

ANY = frozenset({"*"})
A, B, NEITHER = frozenset({"a"}), frozenset({"b"}), frozenset({"c", "d"})
BOTH, NOTHING = frozenset({"a", "b"}), frozenset()


@pytest.mark.parametrize(
    ("match", "none_match", "absent", "is_a"),
    [
        # RFC 9110 13.1.1
        (None, None, True, True),
        (ANY, None, False, True),
        (A, None, False, True),
        (B, None, False, False),
        (BOTH, None, False, True),
        (NEITHER, None, False, False),
        # weak tags alone leave nothing that could match
        (NOTHING, None, False, False),
        # RFC 9110 13.1.2
        (None, ANY, True, False),
        (None, A, True, False),
        (None, B, True, True),
        (None, BOTH, True, False),
        (None, NEITHER, True, True),
        # both must hold
        (A, ANY, False, False),
        (A, B, False, True),
        (B, A, False, False),
        (ANY, NEITHER, False, True),
    ],
)
def test_what_holds_holds_in_sql(
    db: Session,
    match: frozenset[str] | None,
    none_match: frozenset[str] | None,
    *,
    absent: bool,
    is_a: bool,
) -> None:
    precondition = Precondition(match, none_match)
    assert precondition.holds(None) is absent
    assert precondition.holds("a") is is_a
    there = select(literal_column("'a'", String).label("etag")).subquery()
    row = select(there.c.etag).where(*precondition.conditions(there.c.etag))
    assert (db.scalar(row) == "a") is is_a


@pytest.mark.parametrize(
    ("match", "none_match", "names"),
    [
        (None, None, False),
        (ANY, ANY, False),
        (A, None, True),
        (None, A, True),
        (ANY, A, True),
    ],
)
def test_tags_are_guesses_at_the_content(
    match: frozenset[str] | None, none_match: frozenset[str] | None, *, names: bool
) -> None:
    assert Precondition(match, none_match).names_tags is names
    assert Precondition(match, none_match).is_given is bool(match or none_match)
