import pytest

from lrs.problems import headers_of, problem, status_of
from statements import errors
from statements.errors import (
    DomainError,
    Forbidden,
    InvalidStatement,
    InvalidToken,
    MissingScope,
    StatementConflict,
    TooMany,
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
        (InvalidToken(), 401),
        (TooMany(), 429),
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
    stranger = headers_of(Unauthenticated())["WWW-Authenticate"]
    assert stranger.startswith("Basic")
    assert "Bearer" in stranger
    assert int(headers_of(Unavailable())["Retry-After"]) > 0
    assert headers_of(TooMany(retry_after=17)) == {"Retry-After": "17"}
    assert headers_of(Forbidden()) == {}


def test_a_bearer_learns_what_is_wrong_with_the_token() -> None:
    over = headers_of(InvalidToken())["WWW-Authenticate"]
    assert over.startswith('Bearer realm="Rollcall", error="invalid_token"')
    narrow = headers_of(MissingScope(scope="state"))["WWW-Authenticate"]
    assert narrow.endswith('error="insufficient_scope", scope="state"')
