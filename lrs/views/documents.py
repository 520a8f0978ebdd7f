"""The three Document Resources: State, Agent Profile, Activity Profile.

xAPI 1.0.3 Communication 2.2, 2.3, 2.6, 2.7, 3.1; xAPI 2.0 4.1.4, 4.1.6.2, 4.1.6.5,
4.1.6.6. What a document holds is somebody's data, never a page of ours: it is answered
as an attachment, in a sandbox (`views/xapi.py` adds the policy), under the type it came
with. Documents of activities that may tell a pre-test score are not there for callers
without the scope `pretest/read`.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response, request
from marshmallow import Schema
from sqlalchemy.orm import Session

from lrs import documents, sessions
from lrs.credentials import holds
from lrs.db import reading, writing
from lrs.documents import Content, Context
from lrs.preconditions import Precondition
from lrs.rules import wall
from lrs.views import xapi
from lrs.views.access import allow
from lrs.views.application import parts, process
from lrs.views.application import sessions as known_sessions
from lrs.views.callers import current_credential, current_glance
from lrs.views.etags import read_precondition, tagged
from lrs.views.parameters import (
    ActivityProfileGet,
    ActivityProfileQuery,
    AgentProfileGet,
    AgentProfileQuery,
    StateGet,
    StateQuery,
    StatesQuery,
    load,
)
from statements import actors, scalars
from statements.errors import Forbidden, Invalid, NotFound

log = logging.getLogger("rollcall.documents")


@dataclass(frozen=True)
class Resource:
    """A Document Resource: its address, its scope, its parameters by method.

    `bare` says what a PUT without precondition does, by version (see
    `lrs.documents.put_document`).
    """

    kind: str
    address: str
    scope: str
    get: type[Schema]
    put: type[Schema]
    delete: type[Schema]
    bare: dict[str, str]


RESOURCES = (
    Resource(
        documents.STATE,
        "/activities/state",
        "state",
        StateGet,
        StateQuery,
        StatesQuery,
        {"1.0.3": "replace", "2.0.0": "create"},
    ),
    Resource(
        documents.AGENT_PROFILE,
        "/agents/profile",
        "profile",
        AgentProfileGet,
        AgentProfileQuery,
        AgentProfileQuery,
        {"1.0.3": "refuse", "2.0.0": "create"},
    ),
    Resource(
        documents.ACTIVITY_PROFILE,
        "/activities/profile",
        "profile",
        ActivityProfileGet,
        ActivityProfileQuery,
        ActivityProfileQuery,
        {"1.0.3": "refuse", "2.0.0": "create"},
    ),
)


def _serve(resource: Resource) -> None:
    """Register the four methods of a resource; HEAD comes with GET."""

    @xapi.BLUEPRINT.get(resource.address, endpoint=f"get_{resource.kind}")
    @allow("credential", scope=f"{resource.scope}/read")
    def get() -> Response:
        return _get(resource)

    @xapi.BLUEPRINT.put(resource.address, endpoint=f"put_{resource.kind}")
    @allow("credential", scope=resource.scope)
    def put() -> Response:
        return _put(resource)

    @xapi.BLUEPRINT.post(resource.address, endpoint=f"post_{resource.kind}")
    @allow("credential", scope=resource.scope)
    def post() -> Response:
        return _post(resource)

    @xapi.BLUEPRINT.delete(resource.address, endpoint=f"delete_{resource.kind}")
    @allow("credential", scope=resource.scope)
    def delete() -> Response:
        return _delete(resource)


for each in RESOURCES:
    _serve(each)


def _get(resource: Resource) -> Response:
    """One document, or the ids of those there are."""
    given = load(resource.get, request.args)
    context = _context(resource, given)
    if current_credential().bounds is not None:
        with writing(parts().engine) as db:
            _check_bounds(db, context, given)
    is_hidden = _is_hidden(context)
    if "document_id" not in given:
        return _list([] if is_hidden else _listed(context, given.get("since")))
    if is_hidden:
        # as where there is none: whoever may not read it may not know of it
        raise NotFound(f"There is no document {given['document_id'][:80]!r} here.")
    with reading(parts().engine) as db:
        document = documents.get_document(
            db, context=context, document_id=given["document_id"]
        )
    answer = Response(document.data)
    answer.headers["Content-Type"] = document.content_type
    answer.headers["Content-Disposition"] = "attachment"
    return tagged(answer, etag=document.etag, last_modified=document.updated)


def _listed(context: Context, since: datetime | None) -> list[documents.Named]:
    with reading(parts().engine) as db:
        return documents.find_documents(db, context=context, since=since)


def _list(found: list[documents.Named]) -> Response:
    """The ids as a JSON array, changed when the last of them was."""
    body = orjson.dumps([one.document_id for one in found])
    newest = max((one.updated for one in found), default=None)
    answer = Response(body, content_type=documents.JSON)
    return tagged(answer, etag=documents.etag_of(body), last_modified=newest)


def _put(resource: Resource) -> Response:
    """Store the body as the whole document."""
    given = load(resource.put, request.args)
    context, precondition = _context(resource, given), read_precondition()
    bare = resource.bare[xapi.version()]
    _refuse_guesses(context, precondition, bare)
    content = _content()
    with writing(parts().engine) as db:
        _check_bounds(db, context, given, content)
        documents.put_document(
            db,
            context=context,
            document_id=given["document_id"],
            content=content,
            precondition=precondition,
            bare=bare,
            now=datetime.now(UTC),
        )
    # kept as sent, so the writer knows what it wrote: nobody else's secret
    return Response(status=204, headers={"ETag": f'"{content.etag}"'})


def _post(resource: Resource) -> Response:
    """Set the members of the body in a JSON document, or store it."""
    given = load(resource.put, request.args)
    context, precondition = _context(resource, given), read_precondition()
    _refuse_guesses(context, precondition)
    content, is_secret = _content(), _is_hidden(context)
    with writing(parts().engine) as db:
        _check_bounds(db, context, given, content)
        documents.post_document(
            db,
            context=context,
            document_id=given["document_id"],
            content=content,
            precondition=precondition,
            now=datetime.now(UTC),
            is_secret=is_secret,
        )
    return Response(status=204)


def _delete(resource: Resource) -> Response:
    """Remove one document, or all state of an actor in an activity."""
    given = load(resource.delete, request.args)
    context, precondition = _context(resource, given), read_precondition()
    if precondition.is_given and "document_id" not in given:
        raise Invalid("If-Match and If-None-Match are for one document: name it.")
    _refuse_guesses(context, precondition)
    with writing(parts().engine) as db:
        _check_bounds(db, context, given)
        if "document_id" in given:
            documents.delete_document(
                db,
                context=context,
                document_id=given["document_id"],
                precondition=precondition,
            )
        else:
            documents.delete_documents(db, context=context)
    return Response(status=204)


def _context(resource: Resource, given: dict[str, Any]) -> Context:
    return Context(
        tenant=current_credential().tenant_id,
        kind=resource.kind,
        ifi=actors.ifi(given["agent"]) if "agent" in given else None,
        activity=given.get("activity"),
        registration=given.get("registration"),
    )


def _check_bounds(
    db: Session,
    context: Context,
    given: dict[str, Any],
    content: Content | None = None,
) -> None:
    """Nothing, or Forbidden for what a launched unit may not do."""
    caller = current_credential()
    if caller.bounds is None:
        return
    call = sessions.DocumentCall(
        method="GET" if request.method == "HEAD" else request.method,
        context=context,
        document_id=given.get("document_id"),
        content=content,
    )
    sessions.check_document(
        db, known_sessions(), caller=caller, call=call, now=datetime.now(UTC)
    )


def _content() -> Content:
    """The body as sent, with its type; raises Invalid."""
    kind = request.headers.get("Content-Type", "").strip()
    if kind and not scalars.is_media_type(kind):
        raise Invalid(f"Content-Type {kind[:80]!r} is not a media type.")
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Invalid(f"Send the document as it is, not encoded ({encoding[:80]}).")
    return Content(xapi.body(), kind or "application/octet-stream")


def _is_hidden(context: Context) -> bool:
    """Whether the documents of a context are behind the pre-test wall for the caller.

    A document may hold anything, a score too: it is hidden wherever a score would be.
    """
    if context.activity is None:
        return False
    remembered = process().remembered.wall(current_glance())
    if not remembered.hides_score_of(context.activity):
        return False
    caller = current_credential()
    if not holds(caller, wall.SCOPE):
        return not sessions.is_own_state(caller, context)
    log.warning(
        "reading documents behind the pre-test wall",
        extra={
            "tenant": context.tenant,
            "credential": caller.key,
            "activity": context.activity,
        },
    )
    return False


def _refuse_guesses(
    context: Context, precondition: Precondition, bare: str = "replace"
) -> None:
    """Nobody finds out a hidden document by guessing the ETag of what it may hold.

    Nor by a PUT without precondition (`bare`), where the answer to that depends on
    what there is. `If-Match: *` is answered as where there is none.
    """
    is_bare = bare != "replace" and not precondition.is_given
    is_asked = is_bare or precondition.names_tags or precondition.match is not None
    if not is_asked or not _is_hidden(context):
        return
    if is_bare or precondition.names_tags:
        raise Forbidden(
            "Documents of this activity may tell a pre-test score, so what is there "
            f"is for the scope {wall.SCOPE} alone. A new document is stored with "
            "If-None-Match: *; a POST sets members of a JSON document unseen."
        )
    documents.expect(0)
