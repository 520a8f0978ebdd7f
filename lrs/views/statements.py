"""The Statement Resource.

xAPI 1.0.3 Communication 2.1; xAPI 2.0 4.1.6.1.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from flask import Response, request
from werkzeug.http import http_date

from lrs import query
from lrs.clock import Glance, consistent_through
from lrs.credentials import holds
from lrs.cursors import read_cursor, write_cursor
from lrs.db import reading
from lrs.query import Filter, Found
from lrs.rules.wall import SCOPE, Wall
from lrs.store import LOOKS, Stale, Write
from lrs.tables import PLAIN, key_of
from lrs.views import xapi
from lrs.views.access import allow
from lrs.views.application import parts, process
from lrs.views.bodies import JSON, statements_body, whole, with_data
from lrs.views.callers import (
    confirm,
    current_credential,
    current_glance,
    known_revision,
    presumed_revision,
    readmit,
)
from lrs.views.parameters import MAX_LIMIT, NoQuery, PutQuery, StatementQuery, load
from statements import formats, text
from statements.errors import Invalid, InvalidStatement, TooLarge, Unavailable
from statements.prepare import Prepared, prepare

# what one transaction takes at most: others wait for it
MAX_STATEMENTS = 10_000
MAX_REFERENCES = 20_000
# how long a writer may have waited with the instant of its request
SETTLED = timedelta(minutes=1)
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
@allow("credential", scope="statements/write", presumes=True)
def post_statements() -> Response:
    """Store one statement or a list of them, all or none; the ids in order."""
    load(NoQuery, request.args)
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
@allow("credential", scope="statements/read/mine", presumes=True)
def get_statements() -> Response:
    """One statement by id, or a page of those that match."""
    given = load(StatementQuery, request.args)
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
    named = (one.references for one in prepared)
    count = sum(
        len(one.actors) + len(one.activities) + len(one.attachments) for one in named
    )
    if count > MAX_REFERENCES:
        raise TooLarge(
            f"The statements of a request may name {MAX_REFERENCES} actors, "
            "activities and attachments; send them in parts.",
            limit=MAX_REFERENCES,
        )
    expires_at = current_credential().expires_at
    if expires_at is not None and expires_at <= datetime.now(UTC):
        # the body took its time
        readmit()
    for _ in range(LOOKS):
        write = _write(prepared, now, known_revision())
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
    return [one.id for one in prepared]


def _write(prepared: list[Prepared], now: datetime, revision: int) -> Write:
    credential = current_credential()
    return Write(
        tenant=credential.tenant_id,
        statements=prepared,
        authority=credential.authority_text,
        now=now,
        may_void_any=holds(credential, "statements/void"),
        may_define=holds(credential, "define"),
        revision=revision,
    )


def _filter(given: dict[str, Any]) -> Filter:
    """What was asked for, within what the credential may read."""
    credential = current_credential()
    behind_wall = holds(credential, SCOPE)
    if behind_wall:
        log.warning(
            "reading behind the pre-test wall",
            extra={"tenant": credential.tenant_id, "credential": credential.key},
        )
    is_reader = holds(credential, "statements/read")
    return Filter(
        **{name: given[name] for name in _FILTERS if name in given},
        authority=None if is_reader else key_of(credential.authority_text),
        behind_wall=behind_wall,
    )


def _one(given: dict[str, Any], statement_id: UUID, *, is_voided: bool) -> Response:
    seen = _seen()
    wall = process().remembered.wall(seen)
    with process().direct.driver() as driver:
        found = query.get_statement(
            driver,
            tenant=seen.tenant,
            statement_id=statement_id,
            is_voided=is_voided,
            filter=_filter({}),
            wall=wall,
        )
    (body,) = _bodies([found], given["format"])
    answer = _answer(body, attachments=given["attachments"])
    answer.headers["Last-Modified"] = http_date(found.stored)
    return answer


def _page(given: dict[str, Any]) -> Response:
    caller = current_credential()
    position: dict[str, Any] = {}
    if "cursor" in given:
        position = read_cursor(
            given["cursor"], secret=parts().config.secret_key, caller=caller.key
        )
        given = load(StatementQuery, request.args.__class__(position["query"]))
    page = _presumed_page(given, position)
    if page is None:
        seen = _seen()
        wall = process().remembered.wall(seen)
        page = _found(given, position, seen.tenant, wall, newest=seen.seq)
    newest = position.get("newest", current_glance().seq)
    more = ""
    if page.has_more:
        asked = dict(position.get("query", request.args.items()))
        cursor = write_cursor(
            {"query": asked, "after": page.found[-1].seq, "newest": newest},
            secret=parts().config.secret_key,
            caller=caller.key,
        )
        more = f"{request.path}?{urlencode({'cursor': cursor})}"
    bodies = b",".join(_bodies(page.found, given["format"]))
    body = b'{"statements":[' + bodies + b'],"more":' + orjson.dumps(more) + b"}"
    answer = _answer(body, attachments=given["attachments"])
    if page.found:
        newest_stored = page.found[-1 if given["ascending"] else 0].stored
        answer.headers["Last-Modified"] = http_date(newest_stored)
    return answer


def _presumed_page(
    given: dict[str, Any], position: dict[str, Any]
) -> query.Page | None:
    """The page, if the command that finds it also finds the caller unchanged."""
    revision, tenant = presumed_revision(), current_credential().tenant_id
    instants = [given[name] for name in ("since", "until") if name in given]
    if revision is None or any(one > datetime.now(UTC) - SETTLED for one in instants):
        # what may yet be stored before such an instant needs the glance to come first
        return None
    wall = process().remembered.presumed_wall(tenant, revision)
    if wall is None:
        return None
    page = _found(given, position, tenant, wall, newest=None)
    seen = page.seen
    if seen is None or not confirm(seen):
        return None
    latest = consistent_through(parts().engine, seen, now=datetime.now(UTC))
    # what was stored since the page was read is later than the instant of its reading
    instant = latest.stored if latest.seq == seen.seq else seen.stored
    xapi.say_consistent_through(instant)
    return page


def _found(
    given: dict[str, Any],
    position: dict[str, Any],
    tenant: int,
    wall: Wall,
    *,
    newest: int | None,
) -> query.Page:
    filter, remembered = _filter(given), process().remembered
    with process().direct.driver() as driver:
        return query.find_statements(
            driver,
            tenant=tenant,
            filter=filter,
            limit=min(given["limit"] or MAX_LIMIT, MAX_LIMIT),
            ascending=given["ascending"],
            after=position.get("after"),
            newest=position.get("newest", newest),
            wall=wall,
            refers=lambda: remembered.refers(driver, tenant),
            glances=presumed_revision() is not None,
        )


def _bodies(page: list[Found], format: str) -> Iterable[bytes]:
    """The text of each statement in the format asked for."""
    version = xapi.version()
    plain = PLAIN[version]
    complete = [
        payload if bits & plain else formats.exact(payload, version=version)
        for _, payload, bits in page
    ]
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
