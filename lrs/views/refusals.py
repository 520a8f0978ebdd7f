"""What a refusal of xAPI says: what is wrong where, which requirement, which section.

xAPI 1.0.3 Communication 3.2; xAPI 2.0 4.1.5. An error that knows its requirement keeps
it; the others get that of their kind, with the section in the version spoken. It is
`application/problem+json`, or plain text or HTML where the caller prefers those.
"""

from html import escape
from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException

from lrs import problems
from lrs.documents import NotMergeable, PreconditionMissing
from lrs.multipart import MalformedMultipart
from lrs.views.etags import MalformedPrecondition
from statements.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidParameter,
    NotFound,
    PreconditionFailed,
    StatementConflict,
    TooLarge,
    TooMany,
    Unauthenticated,
)

# by resource: its section in xAPI 1.0.3 and in 2.0
RESOURCES = {
    "statements": ("Communication 2.1", "4.1.6.1"),
    "activities/state": ("Communication 2.3", "4.1.6.2"),
    "agents": ("Communication 2.4", "4.1.6.3"),
    "activities": ("Communication 2.5", "4.1.6.4"),
    "agents/profile": ("Communication 2.6", "4.1.6.5"),
    "activities/profile": ("Communication 2.7", "4.1.6.6"),
    "about": ("Communication 2.8", "4.1.6.7"),
}
ELSEWHERE = ("Communication 2.0", "4.1.6")
OF_ITS_RESOURCE = ("", "")
ERRORS = ("Communication 3.2", "4.1.5")
CONCURRENCY = ("Communication 3.1", "4.1.4")
# by kind of error: the requirement, and its section in both versions
REQUIREMENTS: dict[type[DomainError], tuple[str, tuple[str, str]]] = {
    InvalidParameter: (
        "a resource takes its own parameters, each once and in its form",
        OF_ITS_RESOURCE,
    ),
    MalformedMultipart: (
        "multipart/mixed is as RFC 2046 says, the statements first",
        ("Communication 1.5.2", "4.1.3"),
    ),
    MalformedPrecondition: ("preconditions name ETags", CONCURRENCY),
    PreconditionMissing: ("the preconditions of the request hold", CONCURRENCY),
    NotMergeable: ("JSON objects are merged", ("Communication 2.2", ELSEWHERE[1])),
    Unauthenticated: (
        "requests come with valid credentials",
        ("Communication 4.0", "4.1.8"),
    ),
    Forbidden: ("credentials permit what is asked with them", ERRORS),
    NotFound: ("what is asked for is there", OF_ITS_RESOURCE),
    StatementConflict: (
        "a statement of a known id is the same statement",
        ("Communication 2.1; Data 2.3.1", "4.1.6.1; 4.2"),
    ),
    Conflict: ("what is recorded is not contradicted", CONCURRENCY),
    PreconditionFailed: ("the preconditions of the request hold", CONCURRENCY),
    TooLarge: ("a request is not larger than the record store takes", ERRORS),
    TooMany: ("a request is not one of too many", ERRORS),
    DomainError: (
        "method, headers and body are such as the resource takes",
        OF_ITS_RESOURCE,
    ),
}
NO_SUCH_METHOD = "a resource takes its own methods"
FORMS = (problems.MEDIA_TYPE, "application/json", "text/plain", "text/html")


def refusal(error: DomainError, *, version: str) -> Response:
    """The error as an answer."""
    requirement, sections = next(
        REQUIREMENTS[kind] for kind in type(error).__mro__ if kind in REQUIREMENTS
    )
    body = problems.problem(error)
    if body["status"] < 500:
        body.setdefault("requirement", requirement)
        body.setdefault("section", _section(sections, version))
    return _answer(body, problems.headers_of(error))


def framework_refusal(error: HTTPException, *, version: str) -> Response:
    """What Flask refuses (method, length) in the same form, with its own headers."""
    status = error.code or 500
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": error.name,
        "status": status,
        "code": error.name.lower().replace(" ", "_"),
        "detail": error.description,
    }
    if status < 500:
        body["requirement"] = NO_SUCH_METHOD
        body["section"] = _section(OF_ITS_RESOURCE, version)
    if status != 405:
        body.pop("requirement", None)
    own = {"content-type", "content-length"}
    headers = [pair for pair in error.get_headers() if pair[0].lower() not in own]
    return _answer(body, dict(headers))


def _section(sections: tuple[str, str], version: str) -> str:
    if sections == OF_ITS_RESOURCE:
        address = request.path.strip("/").partition("/")[2]
        sections = RESOURCES.get(address, ELSEWHERE)
    return sections[version.startswith("2")]


def _answer(body: dict[str, Any], headers: dict[str, str]) -> Response:
    form = request.accept_mimetypes.best_match(FORMS, FORMS[0])
    if form == "text/plain":
        text = "".join(f"{name}: {_plain(value)}\n" for name, value in body.items())
        return Response(text, body["status"], headers, content_type=_utf8(form))
    if form == "text/html":
        rows = "".join(
            f"<dt>{escape(name)}<dd>{escape(_plain(value))}"
            for name, value in body.items()
        )
        title = escape(str(body["title"]))
        page = f"<!doctype html><title>{title}</title><h1>{title}</h1><dl>{rows}</dl>"
        return Response(page, body["status"], headers, content_type=_utf8(form))
    return Response(
        orjson.dumps(body), body["status"], headers, content_type=problems.MEDIA_TYPE
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _utf8(form: str) -> str:
    return f"{form}; charset=utf-8"
