"""The requests that come most, answered before Flask: GET and POST of statements.

Flask's request, routing and hooks cost more than reading or storing a statement does
(docs/performance.md). So what is plain is answered here: a caller whom this process
remembers, without a rate limit; a page in the format `exact` without attachments; JSON
statements without attachments. All else goes on to Flask untouched, refusals included:
an error met here is raised again by the view, once the caller is known. What is done
stands in `lrs/resource.py`, for both ways.

xAPI 1.0.3 Communication 2.1, 3.3; xAPI 2.0 4.1.6.1.
"""

import io
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.http import http_date
from werkzeug.wrappers import Request

from lrs import resource
from lrs.credentials import Caller, holds
from lrs.cursors import read_cursor
from lrs.parts import Parts
from lrs.process import Process
from lrs.resource import Asked
from lrs.rules.wall import SCOPE
from lrs.server import ROUTE
from lrs.store import Stale
from lrs.views import callers, xapi
from lrs.views.access import Allowed, allowed_of
from lrs.views.application import process_of
from lrs.views.bodies import JSON
from lrs.views.parameters import StatementQuery, load
from statements import scalars
from statements.errors import Unavailable

Environ = dict[str, Any]
Start = Callable[..., Any]

PATH = "/xapi/statements"
ENDPOINTS = {"GET": "xapi.get_statements", "POST": "xapi.post_statements"}
_MET = "rollcall.met"
_SLASHES = re.compile("//+")
_JSON_TYPES = frozenset({JSON, f"{JSON};charset=utf-8", f"{JSON}; charset=utf-8"})
_MAX_QUERY = 2000
_ELSEWHERE = frozenset({"statement_id", "voided_statement_id"})


class StoreApp(Flask):
    """A Flask application of the record store, with the express way before it."""

    def wsgi_app(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        """The answer to a request."""
        if "//" in environ["PATH_INFO"]:
            # content that puts a slash of its own between endpoint and resource
            environ["PATH_INFO"] = _SLASHES.sub("/", environ["PATH_INFO"])
        if environ["PATH_INFO"] == PATH and (
            answer := _answer(self, environ, start_response)
        ):
            return answer
        return super().wsgi_app(environ, start_response)

    def headers_before_flask(self, environ: Environ) -> tuple[tuple[str, str], ...]:
        """What an answer of a resource has that is refused before it comes here."""
        if not f"{environ['PATH_INFO']}/".startswith("/xapi/"):
            return ()
        version = xapi.version_of(environ.get("HTTP_X_EXPERIENCE_API_VERSION", ""))
        parts: Parts = self.extensions["rollcall"]
        return xapi.fixed_headers(version or xapi.VERSIONS[-1], parts.config.portal_url)


class _Known(NamedTuple):
    """A request whose caller is remembered under a revision."""

    parts: Parts
    process: Process
    caller: Caller
    revision: int
    version: str
    now: datetime


def raise_met(environ: Environ) -> None:
    """Raise what the express way met in this request, if it met anything."""
    met: Exception | None = environ.get(_MET)
    if met is not None:
        raise met


def _answer(app: Flask, environ: Environ, start: Start) -> list[bytes] | None:
    """The whole answer; None where the request is not a plain one."""
    method = environ["REQUEST_METHOD"]
    endpoint = ENDPOINTS.get(method)
    declared = allowed_of(app, endpoint) if endpoint else None
    if endpoint is None or declared is None:
        return None
    known = _known(app, environ, declared)
    if known is None:
        return None
    try:
        answer = (_read if method == "GET" else _store)(known, environ)
    except Exception as error:  # noqa: BLE001 - raised again by the view
        environ[_MET] = error
        return None
    if answer is None:
        return None
    ROUTE.set(endpoint)
    body, instant, headers = answer
    if instant is not None:
        headers.append((xapi.CONSISTENT_HEADER, scalars.format_timestamp(instant)))
    start(
        "200 OK",
        [
            ("Content-Type", JSON),
            ("Content-Length", str(len(body))),
            *headers,
            *xapi.fixed_headers(known.version, known.parts.config.portal_url),
        ],
    )
    return [body]


def _known(app: Flask, environ: Environ, declared: Allowed) -> _Known | None:
    """The request with its caller, if that needs no look at the database."""
    version = xapi.version_of(environ.get("HTTP_X_EXPERIENCE_API_VERSION", ""))
    if version is None:
        return None
    now = datetime.now(UTC)
    process = process_of(app)
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    presumed = process.remembered.presumed(authorization, now=now)
    if presumed is None:
        return None
    caller, revision = presumed
    if caller.per_minute is not None or not callers.is_noted(caller, now):
        return None
    if not holds(caller, declared.scope):
        return None
    parts: Parts = app.extensions["rollcall"]
    return _Known(parts, process, caller, revision, version, now)


class _Answer(NamedTuple):
    """A body, the instant before which nothing is missing, and headers of its own."""

    body: bytes
    instant: datetime | None
    headers: list[tuple[str, str]]


def _read(known: _Known, environ: Environ) -> _Answer | None:
    """A page, if the command that finds it also finds the revision unchanged."""
    asked_for = environ.get("QUERY_STRING", "")
    # reading behind the wall is logged, once
    if len(asked_for) > _MAX_QUERY or holds(known.caller, SCOPE):
        return None
    given, named = _parameters(asked_for)
    position: dict[str, Any] = {}
    secret = known.parts.config.secret_key
    if "cursor" in given:
        position = read_cursor(given["cursor"], secret=secret, caller=known.caller.key)
        given = load(StatementQuery, MultiDict(position["query"]))
    is_other = given["format"] != "exact" or given["attachments"]
    if is_other or not _ELSEWHERE.isdisjoint(given):
        return None
    asked = Asked(known.caller, known.version, given, position)
    read = resource.presumed_page(
        known.parts, known.process, asked, revision=known.revision, now=known.now
    )
    if read is None:
        return None
    body = resource.page_body(
        asked,
        read.page,
        resource.exact(read.page.found, version=known.version),
        query=named,
        newest=read.seen.seq,
        path=PATH,
        secret=secret,
    )
    newest = resource.newest_of(asked, read.page)
    headers = [] if newest is None else [("Last-Modified", _http_date(newest))]
    return _Answer(body, read.instant, headers)


# the newest pages are asked for again and again
_http_date = lru_cache(maxsize=1000)(http_date)


@lru_cache(maxsize=1000)
def _parameters(asked_for: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The parameters of an address, typed and as given; not to be changed."""
    named = Request({"REQUEST_METHOD": "GET", "QUERY_STRING": asked_for}).args
    return load(StatementQuery, named), dict(named.items())


def _store(known: _Known, environ: Environ) -> _Answer | None:
    """What the body holds, stored; where that is for the view, the body is still there."""
    kind, length = environ.get("CONTENT_TYPE", ""), environ.get("CONTENT_LENGTH", "")
    if environ.get("QUERY_STRING") or kind not in _JSON_TYPES:
        return None
    if not length.isdecimal() or int(length) > xapi.MAX_BODY:
        return None
    body = _body(environ["wsgi.input"], int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    caller, now = known.caller, known.now
    prepared = resource.prepare_body(body, version=known.version, now=now)
    if not prepared or any(one.references.attachments for one in prepared):
        return None
    expires_at = caller.expires_at
    if expires_at is not None and expires_at <= datetime.now(UTC):
        # the body took its time
        return None
    write = resource.write_of(caller, prepared, now=now, revision=known.revision)
    try:
        stored = known.process.commits.store(write)
    except Stale:
        return None
    if stored is None:
        with suppress(Unavailable):
            stored = known.process.remembered.glance(caller.tenant_id).stored
    return _Answer(resource.ids_of(prepared), stored, [])


def _body(stream: Any, length: int) -> bytes:
    """As much as was announced; what breaks off is for the view, or raises here."""
    found = bytearray()
    while len(found) < length and (block := stream.read(length - len(found))):
        found += block
    return bytes(found)
