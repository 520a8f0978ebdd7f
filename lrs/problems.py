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
    NotFound,
    PreconditionFailed,
    TooLarge,
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
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
# what a caller should wait before trying again, in seconds
RETRY_AFTER = 2


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
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Basic realm="Rollcall", charset="UTF-8"'}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(RETRY_AFTER)}
    return {}
