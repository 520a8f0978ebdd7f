"""The Statement Resource.

xAPI 1.0.3 Communication 2.1; xAPI 2.0 4.1.6.1.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from werkzeug.http import http_date

from lrs import query, resource, sessions
from lrs.clock import Glance, consistent_through
from lrs.cursors import read_cursor
from lrs.db import reading, writing
from lrs.query import Found
from lrs.resource import Asked
from lrs.store import LOOKS, Stale
from lrs.views import express, xapi
from lrs.views.access import allow
from lrs.views.application import parts, process
from lrs.views.application import sessions as known_sessions
from lrs.views.bodies import JSON, statements_body, whole, with_data
from lrs.views.callers import (
    confirm,
    current_credential,
    current_glance,
    known_revision,
    presumed_revision,
    readmit,
)
from lrs.views.parameters import NoQuery, PutQuery, StatementQuery, load
from statements import formats, text
from statements.errors import Forbidden, Invalid, InvalidStatement, Unavailable
from statements.prepare import Prepared


@xapi.BLUEPRINT.post("/statements")
@allow("credential", scope="statements/write", presumes=True)
def post_statements() -> Response:
    """Store one statement or a list of them, all or none; the ids in order."""
    express.raise_met(request.environ)
    load(NoQuery, request.args)
    now = datetime.now(UTC)
    with statements_body() as body:
        prepared = resource.prepare_body(body.json, version=xapi.version(), now=now)
        body.keep_data(prepared, now)
    _store(prepared, now)
    return Response(resource.ids_of(prepared), content_type=JSON)


@xapi.BLUEPRINT.put("/statements")
@allow("credential", scope="statements/write", presumes=True)
def put_statement() -> Response:
    """Store one statement under the id of the address."""
    statement_id: UUID = load(PutQuery, request.args)["statement_id"]
    now = datetime.now(UTC)
    with statements_body() as body:
        raw = body.json
        statement = text.load(raw)
        if not isinstance(statement, dict):
            raise Invalid("PUT takes one statement.")
        if "id" not in statement:
            statement["id"] = str(statement_id)
            raw = text.append(raw, {"id": str(statement_id)})
        prepared = resource.prepare_one(statement, raw, xapi.version(), now)
        if prepared.id != statement_id:
            raise InvalidStatement(
                "The id of the statement is not that of the address.",
                path="$.id",
                requirement="the id must be the statementId of the address",
                section="Communication 2.1.1; 2.0 4.1.6.1",
            )
        body.keep_data([prepared], now)
    _store([prepared], now)
    return Response(status=204)


@xapi.BLUEPRINT.get("/statements")
@allow("credential", scope="statements/read/mine", presumes=True)
def get_statements() -> Response:
    """One statement by id, or a page of those that match."""
    express.raise_met(request.environ)
    given = load(StatementQuery, request.args)
    given = _within_bounds(given)
    if "statement_id" in given:
        return _one(given, given["statement_id"], is_voided=False)
    if "voided_statement_id" in given:
        return _one(given, given["voided_statement_id"], is_voided=True)
    return _page(given)


def _seen() -> Glance:
    """How things stand, with an instant as late as can be had; the answer says it."""
    now = datetime.now(UTC)
    seen = consistent_through(parts().engine, current_glance(), now=now)
    xapi.say_consistent_through(seen.stored)
    return seen


def _store(prepared: list[Prepared], now: datetime) -> None:
    expires_at = current_credential().expires_at
    if expires_at is not None and expires_at <= datetime.now(UTC):
        # the body took its time
        readmit()
    if current_credential().bounds is not None:
        _store_bounded(prepared, now)
        return
    for _ in range(LOOKS):
        revision = known_revision()
        write = resource.write_of(
            current_credential(), prepared, now=now, revision=revision
        )
        try:
            stored = process().commits.store(write)
        except Stale:
            # who it is now, if anybody
            readmit()
        else:
            break
    else:
        raise Unavailable("Credentials change too fast; try again.")
    if stored is not None:
        xapi.say_consistent_through(stored)


def _store_bounded(prepared: list[Prepared], now: datetime) -> None:
    """Store what a launched unit sent, with all that follows from it."""
    # refuses what no request may hold
    resource.write_of(current_credential(), prepared, now=now, revision=0)
    caller, known = current_credential(), known_sessions()
    try:
        with writing(parts().engine) as db:
            stored = sessions.store(
                db, known, caller=caller, statements=prepared, now=now
            )
    except Forbidden as refusal:
        with writing(parts().engine) as db:
            sessions.keep_refused(
                db,
                known,
                caller=caller,
                statements=prepared,
                refusal=refusal,
                now=now,
            )
        raise
    if stored is not None:
        xapi.say_consistent_through(stored)


def _within_bounds(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters, of a launched unit's query within its registration."""
    caller = current_credential()
    if caller.bounds is None:
        return given
    with writing(parts().engine) as db:
        return sessions.bounded_query(
            db, known_sessions(), caller=caller, given=given, now=datetime.now(UTC)
        )


def _asked(given: dict[str, Any], position: dict[str, Any] | None = None) -> Asked:
    return Asked(current_credential(), xapi.version(), given, position or {})


def _one(given: dict[str, Any], statement_id: UUID, *, is_voided: bool) -> Response:
    seen = _seen()
    wall = process().remembered.wall(seen)
    with process().direct.driver() as driver:
        found = query.get_statement(
            driver,
            tenant=seen.tenant,
            statement_id=statement_id,
            is_voided=is_voided,
            filter=_asked({}).filter,
            wall=wall,
        )
    if current_credential().bounds is not None:
        sessions.check_found(current_credential(), orjson.loads(found.payload))
    (body,) = _bodies([found], given["format"])
    answer = _answer(body, attachments=given["attachments"])
    answer.headers["Last-Modified"] = http_date(found.stored)
    return answer


def _page(given: dict[str, Any]) -> Response:
    position: dict[str, Any] = {}
    secret = parts().config.secret_key
    if "cursor" in given:
        caller = current_credential()
        position = read_cursor(given["cursor"], secret=secret, caller=caller.key)
        given = load(StatementQuery, request.args.__class__(position["query"]))
        given = _within_bounds(given)
    asked = _asked(given, position)
    page = _presumed_page(asked)
    if page is None:
        seen = _seen()
        wall = process().remembered.wall(seen)
        asked = _asked(given, position)
        page = resource.find_page(
            process(), asked, wall, newest=seen.seq, glances=False
        )
    body = resource.page_body(
        asked,
        page,
        _bodies(page.found, given["format"]),
        query=dict(request.args.items()),
        newest=current_glance().seq,
        path=request.path,
        secret=secret,
    )
    answer = _answer(body, attachments=given["attachments"])
    newest_stored = resource.newest_of(asked, page)
    if newest_stored is not None:
        answer.headers["Last-Modified"] = http_date(newest_stored)
    return answer


def _presumed_page(asked: Asked) -> query.Page | None:
    """The page, if the command that finds it also finds the caller unchanged."""
    revision = presumed_revision()
    if revision is None:
        return None
    now = datetime.now(UTC)
    read = resource.presumed_page(parts(), process(), asked, revision=revision, now=now)
    if read is None or not confirm(read.seen):
        return None
    xapi.say_consistent_through(read.instant)
    return read.page


def _bodies(page: list[Found], format: str) -> Sequence[bytes]:
    """The text of each statement in the format asked for."""
    complete = resource.exact(page, version=xapi.version())
    if format == "exact":
        return complete
    decoded = [orjson.loads(one) for one in complete]
    if format == "ids":
        return [orjson.dumps(formats.ids(one)) for one in decoded]
    with reading(parts().engine) as db:
        known = query.definitions(
            db,
            tenant=current_credential().tenant_id,
            iris={iri for one in decoded for iri in formats.activity_iris(one)},
        )
    languages = [tag for tag, _ in request.accept_languages]
    return [
        orjson.dumps(formats.canonical(one, definitions=known.get, languages=languages))
        for one in decoded
    ]


def _answer(body: bytes, *, attachments: bool) -> Response:
    """JSON, or multipart/mixed with it as the first part where data was asked for."""
    if not attachments:
        return Response(body, content_type=JSON)
    with reading(parts().engine) as db:
        answer = with_data(db, body)
    return whole(answer)
