"""Documents of a course: the author adds and removes them, learners download them."""

import uuid
from contextlib import closing
from functools import partial
from typing import BinaryIO, cast
from urllib.parse import quote

from flask import Response, flash, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.views.access import allow
from lrs.views.application import parts
from portal import enrolments
from portal.access import may, roles_for
from portal.audit import record_act
from portal.documents import (
    DocumentNotFound,
    add_document,
    get_document,
    remove_document,
)
from portal.views.authoring import own_course
from portal.views.pages import clock, page_blueprint
from portal.views.signin import signed_in
from statements.errors import Invalid

BLUEPRINT = page_blueprint("documents")

_BLOCK = 1 << 16


class NoFile(Invalid):
    """Choose a file to add."""


@BLUEPRINT.post("/authoring/courses/<uuid:course_id>/documents")
@allow("role", *roles_for("courses.publish"))
def add(course_id: uuid.UUID) -> BaseResponse:
    me, now = signed_in(), clock()
    file = request.files.get("file")
    if file is None or not file.filename:
        raise NoFile
    with reading(parts().engine) as db:
        own_course(db, course_id)
    with closing(file.stream), writing(parts().engine) as db:
        document = add_document(
            parts().storage,
            db,
            course_id=course_id,
            title=request.form.get("title", "")[:200],
            filename=file.filename,
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
        title = document.title
    flash(f"“{title}” is added.", "done")
    return redirect(f"/authoring/courses/{course_id}#documents")


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
