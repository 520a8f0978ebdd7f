"""Documents of a course: the author adds and removes them, learners download them."""

import uuid
from contextlib import closing
from functools import partial
from http import HTTPStatus
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Response, flash, redirect, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.problems import status_of
from lrs.views.access import allow
from lrs.views.application import parts
from portal import enrolments
from portal.access import may, roles_for
from portal.audit import record_act
from portal.documents import (
    DocumentNotFound,
    DocumentTooLarge,
    add_document,
    get_document,
    refusal,
    remove_document,
)
from portal.views.authoring import own_course
from portal.views.courses import course_page
from portal.views.pages import DOCUMENTS, clock, error_page, page_blueprint
from portal.views.signin import signed_in
from statements.errors import DomainError, Invalid, TooLarge

BLUEPRINT = page_blueprint("documents")

_BLOCK = 1 << 16


class NoFile(Invalid):
    """Choose a file to add."""


@BLUEPRINT.post("/authoring/courses/<uuid:course_id>/documents")
@allow("role", *roles_for("courses.publish"))
def add(course_id: uuid.UUID) -> BaseResponse | tuple[str, int]:
    file = request.files.get("file")
    with reading(parts().engine) as db:
        own_course(db, course_id)
    if file is None or not file.filename:
        return _refused(course_id, NoFile(), NoFile().detail)
    with closing(file.stream):
        try:
            title = _add(course_id, file)
        except (Invalid, TooLarge) as error:
            data = cast("BinaryIO", file.stream)
            return _refused(course_id, error, refusal(error, file.filename, data))
    flash(f"“{title}” is added.", "done")
    return redirect(f"/authoring/courses/{course_id}#documents")


def _add(course_id: uuid.UUID, file: FileStorage) -> str:
    """The name under which learners see it."""
    me, now = signed_in(), clock()
    with writing(parts().engine) as db:
        document = add_document(
            parts().storage,
            db,
            course_id=course_id,
            title=request.form.get("title", "")[:200],
            filename=file.filename or "",
            data=cast("BinaryIO", file.stream),
            audience=request.form.get("audience", ""),
            by=me.id,
            now=now,
        )
        record_act(
            db,
            user_id=me.id,
            action="document.added",
            subject="course",
            subject_id=course_id,
            detail={"document": str(document.id), "sha256": document.sha256},
            now=now,
        )
        return document.title


@BLUEPRINT.get("/authoring/courses/<uuid:course_id>/documents")
@allow("role", *roles_for("packages.manage"))
def show_form(course_id: uuid.UUID) -> BaseResponse:
    """To the form, which a refusal shows under this address."""
    return redirect(f"/authoring/courses/{course_id}#documents")


def _refused(course_id: uuid.UUID, error: DomainError, problem: str) -> tuple[str, int]:
    """The course's page with the reason at the form, and what was sent with the file."""
    sent = {name: request.form.get(name, "")[:200] for name in ("title", "audience")}
    page = course_page(course_id, document=sent | {"problem": problem})
    return page, status_of(error)


@BLUEPRINT.errorhandler(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
def refuse_unread(_error: Any) -> BaseResponse | tuple[str, int]:
    """More than the form takes: what came with it is not known, the form is."""
    course_id = (request.view_args or {}).get("course_id")
    error = DocumentTooLarge()
    if request.endpoint not in DOCUMENTS or not isinstance(course_id, uuid.UUID):
        return error_page(error)
    with reading(parts().engine) as db:
        own_course(db, course_id)
    problem = f"The file is too large. {error.detail}"
    page = course_page(course_id, document={"problem": problem})
    return page, status_of(error)


@BLUEPRINT.post(
    "/authoring/courses/<uuid:course_id>/documents/<uuid:document_id>/remove"
)
@allow("role", *roles_for("courses.publish"))
def remove(course_id: uuid.UUID, document_id: uuid.UUID) -> BaseResponse:
    me, now = signed_in(), clock()
    with writing(parts().engine) as db:
        own_course(db, course_id)
        document = get_document(db, course_id=course_id, document_id=document_id)
        title = document.title
        key = remove_document(db, document=document, now=now)
        record_act(
            db,
            user_id=me.id,
            action="document.removed",
            subject="course",
            subject_id=course_id,
            detail={"document": str(document.id)},
            now=now,
        )
    # only now, so that a row never names bytes that are gone
    parts().storage.delete(key)
    flash(f"“{title}” is taken away.", "done")
    return redirect(f"/authoring/courses/{course_id}#documents")


@BLUEPRINT.get("/courses/<uuid:course_id>/documents/<uuid:document_id>")
@allow("role", *roles_for("courses.browse"))
def download(course_id: uuid.UUID, document_id: uuid.UUID) -> Response:
    """The document, always as a download; as if it were not there to others."""
    me = signed_in()
    with reading(parts().engine) as db:
        document = get_document(db, course_id=course_id, document_id=document_id)
        is_enrolled = bool(
            enrolments.find_enrolments(db, user_id=me.id, course_id=course_id)
        )
        if not (
            document.audience == "everyone"
            or is_enrolled
            or may(me.principal, "packages.manage")
        ):
            raise DocumentNotFound
        headers = {
            "Content-Length": str(document.size),
            "Content-Disposition": "attachment; filename*=UTF-8''"
            + quote(document.filename, safe=""),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        }
        key, kind = document.storage_key, document.content_type
    stream = parts().storage.open(key)
    blocks = iter(partial(stream.read, _BLOCK), b"")
    answer = Response(blocks, headers=headers, content_type=kind)
    # HEAD reads nothing, and who goes away not all of it
    answer.call_on_close(stream.close)
    return answer
