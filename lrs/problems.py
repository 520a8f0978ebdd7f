"""What the world sees of an error: its status and its body.

The only file that knows HTTP statuses of errors. Bodies follow RFC 9457 (problem
details); everything in `extra` is shown beside `code` and `detail`.
"""

from http import HTTPStatus
from typing import Any

from statements.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    InvalidToken,
    MissingScope,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
STATUSES: dict[type[DomainError], HTTPStatus] = {
    Invalid: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
# what a caller should wait before trying again, in seconds, where nothing else is known
RETRY_AFTER = 2
WAITS = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})
# how to come in: RFC 7617, RFC 6750
BASIC = 'Basic realm="Rollcall", charset="UTF-8"'
BEARER = 'Bearer realm="Rollcall"'


def status_of(error: DomainError) -> int:
    """The HTTP status of the error's family."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return int(STATUSES[kind])
    return int(HTTPStatus.BAD_REQUEST)


def problem(error: DomainError) -> dict[str, Any]:
    """The members of a problem document; values of `extra` become JSON values."""
    status = status_of(error)
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": error.code,
        "detail": error.detail,
    } | {
        name: value if isinstance(value, (str, int, float, list, dict)) else str(value)
        for name, value in error.extra.items()
        if value is not None
    }


def headers_of(error: DomainError) -> dict[str, str]:
    """Headers that go with the status: how to sign in, when to try again."""
    status = status_of(error)
    if isinstance(error, InvalidToken):
        return {"WWW-Authenticate": f'{BEARER}, error="invalid_token", {BASIC}'}
    if isinstance(error, MissingScope) and "scope" in error.extra:
        wanted = f'error="insufficient_scope", scope="{error.extra["scope"]}"'
        return {"WWW-Authenticate": f"{BEARER}, {wanted}"}
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": f"{BASIC}, {BEARER}"}
    if status in WAITS:
        return {"Retry-After": str(error.extra.get("retry_after", RETRY_AFTER))}
    return {}
