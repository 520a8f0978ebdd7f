"""What holds for every xAPI resource: versions, errors, headers, CORS.

xAPI 1.0.3 Communication 1.1 to 1.3, 3.2, 3.3; xAPI 2.0 4.1.1, 4.1.5, 4.1.7. Two
versions by one address: a request that speaks 1.0.x is answered as 1.0.3, one that
speaks 2.0.x as 2.0.0.
"""

import contextlib
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from flask import Blueprint, Flask, Request, Response, current_app, g, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed

from lrs.alternate import is_alternate, unfold
from lrs.clock import Glance, consistent_through
from lrs.credentials import Caller
from lrs.db import busy_is_unavailable
from lrs.tables import MAIN_TENANT
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.application import parts, process
from lrs.views.refusals import framework_refusal, refusal
from statements import scalars
from statements.errors import DomainError, Invalid, NotFound, TooLarge, Unavailable

BLUEPRINT = Blueprint("xapi", __name__, url_prefix="/xapi")

VERSIONS = ("1.0.3", "2.0.0")
VERSION_HEADER = "X-Experience-API-Version"
CONSISTENT_HEADER = "X-Experience-API-Consistent-Through"
_SPOKEN = re.compile(r"(1\.0(?:\.[0-9]{1,3})?)|(2\.0(?:\.[0-9]{1,3})?)")
# browsers come back by https alone for this many seconds
ENCRYPTED = "max-age=31536000"
MAX_BODY = 16 * 1024 * 1024
# what is read of a refused request so that its sender, still sending, hears of it
MAX_DRAINED = MAX_BODY
MAX_DRAINED_OF_STRANGERS = 256 * 1024
CHUNK = 64 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
# every site may read the answers; there are no cookies, so they are never the user's
HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Allow, Content-Disposition, Content-Length, Content-Type, ETag, "
        "Last-Modified, Retry-After, WWW-Authenticate, X-Request-ID, "
        f"{VERSION_HEADER}, {CONSISTENT_HEADER}"
    ),
    "X-Content-Type-Options": "nosniff",
    # statements and documents are data; nothing in an answer may run or load
    "Content-Security-Policy": "default-src 'none'; sandbox",
    # what was found a moment ago may be out of date; an entity tag can tell
    "Cache-Control": "private, no-cache",
    # one address, several answers: by version, caller, language and form of refusals
    "Vary": f"Accept, Accept-Language, Authorization, {VERSION_HEADER}",
}
PREFLIGHT = {
    # a star is for headers that are none of ours; it never covers Authorization
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Content-Length, Content-Transfer-Encoding, "
        "Accept, Accept-Language, If-Match, If-None-Match, X-Requested-With, "
        f"X-Request-ID, {VERSION_HEADER}, *"
    ),
    "Access-Control-Max-Age": "7200",
}


class UnsupportedVersion(Invalid):
    """Send X-Experience-API-Version 1.0.3 or 2.0.0."""

    def __init__(self) -> None:
        super().__init__(
            requirement="every request names the version that it speaks",
            section="Communication 3.3; 2.0 4.1.7",
        )


class XapiRequest(Request):
    """A request as it is meant, in whichever syntax it came."""

    refusal: DomainError | None = None
    is_alternate = False

    def __init__(self, environ: dict[str, Any], *words: Any, **named: Any) -> None:
        if is_alternate(environ):
            try:
                environ = unfold(environ)
                self.is_alternate = True
            except DomainError as error:
                self.refusal = error
        super().__init__(environ, *words, **named)


@BLUEPRINT.record_once
def install(state: BlueprintSetupState) -> None:
    """Let the application understand both syntaxes and know callers."""
    app = cast("Flask", state.app)
    app.request_class = XapiRequest
    app.before_request(_refuse_unreadable)
    callers.install(app)


def _refuse_unreadable() -> None:
    """Refuse what could not be unfolded, before its credentials are missed."""
    refused: DomainError | None = getattr(request, "refusal", None)
    if refused is not None:
        raise refused


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


def version_of(given: str) -> str | None:
    """The version that a header chooses; None where it chooses none."""
    match = _SPOKEN.fullmatch(given.strip())
    if match is None:
        return None
    return VERSIONS[0] if match[1] else VERSIONS[1]


@BLUEPRINT.before_request
def negotiate() -> None:
    """Choose the version; About needs none, it tells which there are."""
    chosen = version_of(request.headers.get(VERSION_HEADER, ""))
    if chosen is not None:
        g.xapi_version = chosen
        return
    if request.method == "OPTIONS" or request.endpoint == "xapi.about":
        g.xapi_version = VERSIONS[-1]
        return
    raise UnsupportedVersion


@BLUEPRINT.route("/<path:address>", methods=METHODS)
@BLUEPRINT.route("/", defaults={"address": ""}, methods=METHODS, strict_slashes=False)
@allow("public")
def nothing(address: str) -> Response:
    """What no resource answers: 405 with the methods it has, or 404."""
    if request.method == "OPTIONS":
        return Response(status=204)
    if methods := _methods():
        raise MethodNotAllowed(methods)
    raise NotFound(f"There is no resource {address[:80]!r} here.")


def _methods() -> list[str]:
    """The methods of the resource at this address; none where there is no resource."""
    path = request.path
    methods: set[str] = set()
    for rule in current_app.url_map.iter_rules():
        if rule.rule == path and rule.endpoint != f"{BLUEPRINT.name}.nothing":
            methods |= rule.methods or set()
    return sorted(methods)


@BLUEPRINT.errorhandler(DomainError)
def refused(error: DomainError) -> Response:
    """The problem, with what went wrong where."""
    return refusal(callers.heard_first(error), version=_spoken())


@BLUEPRINT.errorhandler(HTTPException)
def refused_by_the_framework(error: HTTPException) -> Response:
    """What Flask refuses (method, length) keeps its status and gets the same form."""
    return framework_refusal(error, version=_spoken())


@BLUEPRINT.app_errorhandler(HTTPException)
def unroutable(error: HTTPException) -> Response:
    """What belongs to no route, such as the method TRACE, is refused like the rest."""
    answer = framework_refusal(error, version=_spoken())
    if request.blueprint is None and request.path.startswith("/xapi/"):
        return add_headers(answer)
    return answer


@lru_cache(maxsize=20)
def fixed_headers(version: str, portal_url: str) -> tuple[tuple[str, str], ...]:
    """What every answer in a version has, unless it says otherwise."""
    found = {VERSION_HEADER: version, **HEADERS}
    if portal_url.startswith("https:"):
        found["Strict-Transport-Security"] = ENCRYPTED
    return tuple(found.items())


@BLUEPRINT.after_request
def add_headers(answer: Response) -> Response:
    """Version, consistency and CORS on every answer, refusals included."""
    headers = answer.headers
    own = headers.get("Cache-Control")
    # no view sets the others, so that nothing need be looked for and replaced
    headers.extend(fixed_headers(_spoken(), parts().config.portal_url))
    if own is not None:
        headers["Cache-Control"] = own
    if request.method == "OPTIONS":
        methods = ", ".join(_methods() or METHODS)
        headers["Allow"] = headers["Access-Control-Allow-Methods"] = methods
        headers.update(PREFLIGHT)
    if request.path.rstrip("/").endswith("/statements"):
        with contextlib.suppress(Unavailable), busy_is_unavailable():
            instant = _consistent(is_refusal=answer.status_code >= 400)
            headers[CONSISTENT_HEADER] = scalars.format_timestamp(instant)
    if answer.status_code >= 400 and not _drain():
        # the server hangs up on whoever still sends, and does not always say so
        headers["Connection"] = "close"
    if request.method == "HEAD" and getattr(request, "is_alternate", False):
        # of HTTP it is the answer to a POST, which has a body
        answer.close()
        answer.set_data(b"")
    return answer


def _drain() -> bool:
    """Read what is left of a refused request's body; whether all of it is read.

    A connection closed on somebody who still sends loses the answer. Who asked before
    sending (`Expect: 100-continue`) has sent nothing yet.
    """
    if "Expect" in request.headers:
        return False
    known = getattr(g, "credential", None) is not None
    limit = MAX_DRAINED if known else MAX_DRAINED_OF_STRANGERS
    length = request.content_length or 0
    if length > limit:
        return False
    with contextlib.suppress(DomainError, ClientDisconnected, OSError):
        while length and request.stream.read(CHUNK):
            pass
        return True
    return False


def say_consistent_through(instant: datetime) -> None:
    """Remember the instant found before the answer's own transaction began."""
    g.consistent_through = instant


def _consistent(*, is_refusal: bool) -> datetime:
    """The instant up to which nothing is missing."""
    known: datetime | None = getattr(g, "consistent_through", None)
    if known is not None:
        return known
    seen: Glance | None = getattr(g, "glance", None)
    if seen is None:
        caller: Caller | None = getattr(g, "credential", None)
        tenant = MAIN_TENANT if caller is None else caller.tenant_id
        seen = process().remembered.glance(tenant)
        if caller is None:
            # strangers may not make the store write
            return seen.stored
    if not is_refusal:
        # as things stood when the request came: what it wrote has moved the clock
        return seen.stored
    # who waits for an instant to pass may do so with a request that is refused
    return consistent_through(parts().engine, seen, now=datetime.now(UTC)).stored


def _spoken() -> str:
    """The version agreed on, or what is named where none was.

    A request that names none is by rule one of 0.95, which is not spoken here.
    """
    agreed: str | None = getattr(g, "xapi_version", None)
    if agreed is not None:
        return agreed
    given = request.headers.get(VERSION_HEADER, "")
    if not given:
        return "0.95"
    return VERSIONS[-1] if given.startswith("2") else VERSIONS[0]
