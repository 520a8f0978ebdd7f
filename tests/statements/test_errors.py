from __future__ import annotations

import pytest

from statements.errors import DomainError, InvalidStatement, NotFound, StatementConflict


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (NotFound, "not_found"),
        (StatementConflict, "statement_conflict"),
        (DomainError, "domain_error"),
    ],
)
def test_codes_are_stable_names(kind: type[DomainError], code: str) -> None:
    assert kind().code == code


def test_the_docstring_is_the_default_message() -> None:
    assert NotFound().detail == " ".join((NotFound.__doc__ or "").split())
    assert NotFound("No such course.").detail == "No such course."
    assert str(NotFound("No such course.")) == "No such course."


def test_what_travels_with_the_error() -> None:
    assert InvalidStatement("no", path="$.id").extra == {"path": "$.id"}
    assert InvalidStatement().extra == {}
