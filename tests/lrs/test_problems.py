import pytest

from lrs.problems import headers_of, problem, status_of
from statements import errors
from statements.errors import (
    DomainError,
    InvalidStatement,
    MissingScope,
    StatementConflict,
    Unauthenticated,
    Unavailable,
)


def families() -> list[type[DomainError]]:
    return [
        found
        for found in vars(errors).values()
        if isinstance(found, type)
        and issubclass(found, DomainError)
        and found is not DomainError
    ]


@pytest.mark.parametrize("kind", families(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_a_sentence(kind: type[DomainError]) -> None:
    body = problem(kind())
    assert 400 <= status_of(kind()) < 600
    assert body["detail"].endswith(".") or ";" in body["detail"]
    assert body["code"] == kind().code


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidStatement(), 400),
        (Unauthenticated(), 401),
        (MissingScope(), 403),
        (StatementConflict(), 409),
        (Unavailable(), 503),
    ],
)
def test_statuses(error: DomainError, status: int) -> None:
    assert status_of(error) == status


def test_extra_members_are_shown_as_json() -> None:
    body = problem(InvalidStatement("no", path="$.id", seq=3, odd={1, 2}, none=None))
    assert body["path"] == "$.id"
    assert body["seq"] == 3
    assert isinstance(body["odd"], str)
    assert "none" not in body


def test_headers_say_how_to_go_on() -> None:
    assert headers_of(Unauthenticated())["WWW-Authenticate"].startswith("Basic")
    assert int(headers_of(Unavailable())["Retry-After"]) > 0
    assert headers_of(MissingScope()) == {}
