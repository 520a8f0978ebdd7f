"""What holds for every xAPI resource: versions, errors, headers, CORS.

xAPI 1.0.3 Communication 1.2, 3.2, 3.3; xAPI 2.0 4.1.1. Two versions by one address:
a request that speaks 1.0.x is answered as 1.0.3, one that speaks 2.0.x as 2.0.0.
"""

import re
from datetime import UTC, datetime
from typing import cast

import orjson
from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from lrs.clock import consistent_through, stored_through
from lrs.problems import MEDIA_TYPE
from lrs.tables import MAIN_TENANT
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.application import parts
from statements import scalars
from statements.errors import DomainError, Invalid, NotFound, TooLarge

BLUEPRINT = Blueprint("xapi", __name__, url_prefix="/xapi")
BLUEPRINT.record_once(lambda state: callers.install(cast("Flask", state.app)))

VERSIONS = ("1.0.3", "2.0.0")
VERSION_HEADER = "X-Experience-API-Version"
CONSISTENT_HEADER = "X-Experience-API-Consistent-Through"
_SPOKEN = re.compile(r"(1\.0(?:\.[0-9]{1,3})?)|(2\.0(?:\.[0-9]{1,3})?)")
# browsers come back by https alone for this many seconds
ENCRYPTED = "max-age=31536000"
MAX_BODY = 16 * 1024 * 1024
EXPOSED = f"ETag, Last-Modified, Content-Type, {VERSION_HEADER}, {CONSISTENT_HEADER}"


class UnsupportedVersion(Invalid):
    """Send X-Experience-API-Version 1.0.3 or 2.0.0."""


def version() -> str:
    """The version of xAPI that this request is answered in."""
    return cast("str", g.xapi_version)


def body() -> bytes:
    """The request's body; raises TooLarge, before reading where it says its length."""
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise TooLarge(f"A request may have {MAX_BODY} bytes.", limit=MAX_BODY)
    # not from the stream: whoever asked for JSON before has emptied it
    data = request.get_data()
    if len(data) > MAX_BODY:
        raise TooLarge(f"A request may have {MAX_BODY} bytes.", limit=MAX_BODY)
    return data


@BLUEPRINT.before_request
def negotiate() -> None:
    """Choose the version; About needs none, it tells which there are."""
    given = request.headers.get(VERSION_HEADER, "").strip()
    match = _SPOKEN.fullmatch(given)
    if match is not None:
        g.xapi_version = VERSIONS[0] if match[1] else VERSIONS[1]
        return
    if request.method == "OPTIONS" or request.endpoint == "xapi.about":
        g.xapi_version = VERSIONS[-1]
        return
    raise UnsupportedVersion


@BLUEPRINT.route("/<path:address>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
@allow("public")
def nothing(address: str) -> Response:
    """What no resource answers: 405 with the methods it has, or 404."""
    rules = current_app.url_map.iter_rules()
    methods = {
        method
        for rule in rules
        if rule.rule == request.path
        for method in rule.methods or ()
    }
    if methods:
        raise MethodNotAllowed(sorted(methods))
    raise NotFound(f"There is no resource {address[:80]!r} here.")


@BLUEPRINT.errorhandler(DomainError)
def refused(error: DomainError) -> Response:
    """The problem, with what went wrong where."""
    return callers.problem_response(error)


@BLUEPRINT.errorhandler(HTTPException)
def refused_by_the_framework(error: HTTPException) -> Response:
    """What Flask refuses (method, length) keeps its status and gets the same form."""
    status = error.code or 500
    body = {
        "type": "about:blank",
        "title": error.name,
        "status": status,
        "code": error.name.lower().replace(" ", "_"),
        "detail": error.description,
    }
    answer = Response(orjson.dumps(body), status, content_type=MEDIA_TYPE)
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            answer.headers.setdefault(name, value)
    return answer


@BLUEPRINT.after_request
def add_headers(answer: Response) -> Response:
    """Version, consistency and CORS on every answer, refusals included."""
    answer.headers[VERSION_HEADER] = getattr(g, "xapi_version", None) or _fallback()
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, DELETE"
        answer.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, "
            f"{VERSION_HEADER}"
        )
        answer.headers["Access-Control-Max-Age"] = "7200"
    if parts().config.portal_url.startswith("https:"):
        answer.headers["Strict-Transport-Security"] = ENCRYPTED
    answer.headers["X-Content-Type-Options"] = "nosniff"
    # statements are data; nothing in an answer may run or load
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if request.path.rstrip("/").endswith("/statements"):
        answer.headers[CONSISTENT_HEADER] = scalars.format_timestamp(_consistent())
    return answer


def say_consistent_through(instant: datetime) -> None:
    """Remember the instant found before the answer's own transaction began."""
    g.consistent_through = instant


def _consistent() -> datetime:
    known: datetime | None = getattr(g, "consistent_through", None)
    if known is not None:
        return known
    engine, credential = parts().engine, getattr(g, "credential", None)
    if credential is None:
        # strangers may not make the store write
        return stored_through(engine, tenant=MAIN_TENANT)
    now = datetime.now(UTC)
    return consistent_through(engine, tenant=credential.tenant_id, now=now)


def _fallback() -> str:
    """The version named where none was agreed on.

    A request that names none is by rule one of 0.95, which is not spoken here.
    """
    given = request.headers.get(VERSION_HEADER, "")
    if not given:
        return "0.95"
    return VERSIONS[-1] if given.startswith("2") else VERSIONS[0]
