"""The Statement Resource.

xAPI 1.0.3 Communication 2.1; xAPI 2.0 4.1.6.1.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.http import http_date

from lrs import query
from lrs.clock import consistent_through
from lrs.credentials import holds
from lrs.cursors import read_cursor, write_cursor
from lrs.db import reading, writing
from lrs.query import Filter, Found
from lrs.rules import wall
from lrs.store import store_statements
from lrs.tables import key_of
from lrs.views import xapi
from lrs.views.access import allow
from lrs.views.application import parts
from lrs.views.bodies import JSON, statements_body, whole, with_data
from lrs.views.callers import current_credential
from lrs.views.parameters import MAX_LIMIT, NoQuery, PutQuery, StatementQuery, load
from statements import formats, scalars, text
from statements.errors import Invalid, InvalidStatement, TooLarge
from statements.prepare import Prepared, prepare

# what one transaction takes at most: others wait for it
MAX_STATEMENTS = 10_000
MAX_REFERENCES = 20_000
log = logging.getLogger("rollcall.statements")
_FILTERS = (
    "agent",
    "verb",
    "activity",
    "registration",
    "related_agents",
    "related_activities",
    "since",
    "until",
)


@xapi.BLUEPRINT.post("/statements")
@allow("credential", scope="statements/write")
def post_statements() -> Response:
    """Store one statement or a list of them, all or none; the ids in order."""
    load(NoQuery(), request.args)
    now = datetime.now(UTC)
    with statements_body() as body:
        received = text.split_statements(body.json)
        if len(received) > MAX_STATEMENTS:
            raise TooLarge(
                f"A request may have {MAX_STATEMENTS} statements; send them in parts.",
                limit=MAX_STATEMENTS,
            )
        prepared = [
            _prepared(statement, raw, now, None if len(received) == 1 else index)
            for index, (statement, raw) in enumerate(received)
        ]
        body.keep_data(prepared, now)
    ids = _store(prepared, now)
    return Response(orjson.dumps([str(one) for one in ids]), content_type=JSON)


@xapi.BLUEPRINT.put("/statements")
@allow("credential", scope="statements/write")
def put_statement() -> Response:
    """Store one statement under the id of the address."""
    statement_id: UUID = load(PutQuery(), request.args)["statement_id"]
    now = datetime.now(UTC)
    with statements_body() as body:
        raw = body.json
        statement = text.load(raw)
        if not isinstance(statement, dict):
            raise Invalid("PUT takes one statement.")
        if "id" not in statement:
            statement["id"] = str(statement_id)
            raw = text.append(raw, {"id": str(statement_id)})
        prepared = _prepared(statement, raw, now, None)
        if prepared.id != statement_id:
            raise InvalidStatement(
                "The id of the statement is not that of the address.",
                path="$.id",
                requirement="the id must be the statementId of the address",
                section="Communication 2.1.1",
            )
        body.keep_data([prepared], now)
    _store([prepared], now)
    return Response(status=204)


@xapi.BLUEPRINT.get("/statements")
@allow("credential", scope="statements/read/mine")
def get_statements() -> Response:
    """One statement by id, or a page of those that match."""
    given = load(StatementQuery(), request.args)
    engine, tenant = parts().engine, current_credential().tenant_id
    now = datetime.now(UTC)
    xapi.say_consistent_through(consistent_through(engine, tenant=tenant, now=now))
    with reading(engine) as db:
        if "statement_id" in given:
            answer = _one(db, given, given["statement_id"], is_voided=False)
        elif "voided_statement_id" in given:
            answer = _one(db, given, given["voided_statement_id"], is_voided=True)
        else:
            answer = _page(db, given)
    return whole(answer)


def _prepared(
    statement: dict[str, Any], raw: bytes, now: datetime, index: int | None
) -> Prepared:
    """The statement ready for the store; paths in errors start at the whole body."""
    try:
        return prepare(statement, raw, version=xapi.version(), now=now)
    except InvalidStatement as error:
        if index is not None:
            path = f"$[{index}]{error.extra.get('path', '$')[1:]}"
            detail = error.detail.replace(str(error.extra.get("path")), path, 1)
            raise InvalidStatement(detail, **{**error.extra, "path": path}) from error
        raise


def _store(prepared: list[Prepared], now: datetime) -> list[UUID]:
    credential = current_credential()
    named = (one.references for one in prepared)
    if sum(len(one.actors) + len(one.activities) for one in named) > MAX_REFERENCES:
        raise TooLarge(
            f"The statements of a request may name {MAX_REFERENCES} actors and "
            "activities; send them in parts.",
            limit=MAX_REFERENCES,
        )
    with writing(parts().engine) as db:
        return store_statements(
            db,
            tenant=credential.tenant_id,
            statements=prepared,
            authority=credential.authority,
            now=now,
            may_void_any=holds(credential, "statements/void"),
        )


def _filter(given: dict[str, Any]) -> Filter:
    """What was asked for, within what the credential may read."""
    credential = current_credential()
    behind_wall = holds(credential, wall.SCOPE)
    if behind_wall:
        log.warning(
            "reading behind the pre-test wall",
            extra={"tenant": credential.tenant_id, "credential": credential.key},
        )
    mine = None
    if not holds(credential, "statements/read"):
        own = orjson.dumps(credential.authority, option=orjson.OPT_SORT_KEYS)
        mine = key_of(own.decode())
    return Filter(
        **{name: given[name] for name in _FILTERS if name in given},
        authority=mine,
        behind_wall=behind_wall,
    )


def _one(
    db: Session, given: dict[str, Any], statement_id: UUID, *, is_voided: bool
) -> Response:
    found = query.get_statement(
        db,
        tenant=current_credential().tenant_id,
        statement_id=statement_id,
        is_voided=is_voided,
        filter=_filter({}),
    )
    (body,) = _bodies(db, [found], given["format"])
    answer = _answer(db, body, attachments=given["attachments"])
    answer.headers["Last-Modified"] = http_date(found.stored)
    return answer


def _page(db: Session, given: dict[str, Any]) -> Response:
    caller = current_credential()
    position: dict[str, Any] = {}
    if "cursor" in given:
        position = read_cursor(
            given["cursor"], secret=parts().config.secret_key, caller=caller.key
        )
        given = load(StatementQuery(), request.args.__class__(position["query"]))
    asked = dict(position.get("query", request.args.items()))
    newest = position.get("newest") or query.last_seq(db, tenant=caller.tenant_id)
    page = query.find_statements(
        db,
        tenant=caller.tenant_id,
        filter=_filter(given),
        limit=min(given["limit"] or MAX_LIMIT, MAX_LIMIT),
        ascending=given["ascending"],
        after=position.get("after"),
        newest=newest,
    )
    more = ""
    if page.has_more:
        cursor = write_cursor(
            {"query": asked, "after": page.found[-1].seq, "newest": newest},
            secret=parts().config.secret_key,
            caller=caller.key,
        )
        more = f"{request.path}?{urlencode({'cursor': cursor})}"
    bodies = b",".join(_bodies(db, page.found, given["format"]))
    body = b'{"statements":[' + bodies + b'],"more":' + orjson.dumps(more) + b"}"
    answer = _answer(db, body, attachments=given["attachments"])
    if page.found:
        newest_stored = max(found.stored for found in page.found)
        answer.headers["Last-Modified"] = http_date(newest_stored)
    return answer


def _bodies(db: Session, page: list[Found], format: str) -> Iterator[bytes]:
    """The text of each statement in the format asked for, complete."""
    version = xapi.version()
    complete = [
        text.append(
            formats.exact(found.payload, version=version),
            {
                "stored": scalars.format_timestamp(found.stored),
                "authority": found.authority.encode(),
            },
        )
        for found in page
    ]
    if format == "exact":
        yield from complete
        return
    decoded = [orjson.loads(one) for one in complete]
    if format == "ids":
        yield from (orjson.dumps(formats.ids(one)) for one in decoded)
        return
    known = query.definitions(
        db,
        tenant=current_credential().tenant_id,
        iris={iri for one in decoded for iri in formats.activity_iris(one)},
    )
    languages = [tag for tag, _ in request.accept_languages]
    for one in decoded:
        yield orjson.dumps(
            formats.canonical(one, definitions=known.get, languages=languages)
        )


def _answer(db: Session, body: bytes, *, attachments: bool) -> Response:
    """JSON, or multipart/mixed with it as the first part where data was asked for."""
    return with_data(db, body) if attachments else Response(body, content_type=JSON)
