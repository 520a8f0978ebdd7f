"""Resumable uploads for other systems: tus at /api/v1/uploads (packages/views/tus.py).

A complete file is queued for import at once; its package has the id of the upload.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import fields
from sqlalchemy.orm import Session

from lrs.db import reading
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.api import (
    LOCATION,
    PREFIX,
    Answered,
    Blueprint,
    Instant,
    Uuid,
    Whole,
    text,
)
from lrs.views.application import parts
from packages.receiving import MAXIMUM_UPLOAD
from packages.uploads import Upload, accept_upload, get_upload, twin_of
from packages.views import tus

BLUEPRINT = Blueprint(
    "uploads_api",
    __name__,
    description="Large files in pieces that may break off and go on: tus 1.0.0. A "
    "complete file becomes a package of the same id and is imported.",
)

ADDRESS = f"{PREFIX}/uploads"
_REFUSALS = {409: "CONFLICT", 412: "PRECONDITION_FAILED"}
_TAKES = {
    413: "REQUEST_ENTITY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    460: {"description": "The piece is not what Upload-Checksum says."},
}


def _header(
    name: str, words: str, schema: dict[str, Any], *, required: bool = False
) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "description": words,
        "schema": schema,
        "required": required,
    }


_SPOKEN = _header(
    "Tus-Resumable",
    "The version of the protocol.",
    {"type": "string", "enum": [tus.VERSION]},
    required=True,
)
_LENGTH = _header(
    "Upload-Length",
    "How long the file is, in bytes.",
    {"type": "integer", "minimum": 1, "maximum": MAXIMUM_UPLOAD},
    required=True,
)
_METADATA = _header(
    "Upload-Metadata",
    "`filename` and the name in base64.",
    {"type": "string"},
)
_OFFSET = _header(
    "Upload-Offset",
    "Where the piece begins: as many bytes as are safe already.",
    {"type": "integer", "minimum": 0, "maximum": MAXIMUM_UPLOAD},
    required=True,
)
_CHECKSUM = _header(
    "Upload-Checksum",
    f"{', '.join(tus.ALGORITHMS)}, and the sum of the piece in base64.",
    {"type": "string"},
)
_PIECE = {"content": {tus.PIECE: {"schema": {"type": "string", "format": "binary"}}}}


class UploadAnswer(Answered):
    """A file on its way in."""

    id = Uuid(metadata={"description": "Of the upload, and of its package later."})
    filename = text("The name to show.")
    length = Whole(metadata={"description": "How many bytes the file has."})
    offset = Whole(metadata={"description": "How many of them are safe."})
    sha256 = text("Of the whole file; null while it is coming.", allow_none=True)
    expires_at = Instant(metadata={"description": "Until when it is kept."})
    package = Uuid(
        allow_none=True, metadata={"description": "The package it became; null before."}
    )
    duplicate_of = fields.UUID(
        allow_none=True,
        metadata={"description": "An imported package of the same bytes, if any."},
    )


@BLUEPRINT.route("/uploads", methods=["OPTIONS"])
@BLUEPRINT.response(204, description="The versions, extensions and the largest size.")
@allow("public")
def describe_uploads() -> Response:
    """What of the tus protocol is spoken here."""
    return tus.describe()


@BLUEPRINT.post("/uploads")
@BLUEPRINT.doc(parameters=[_SPOKEN, _LENGTH, _METADATA], responses=_REFUSALS | _TAKES)
@BLUEPRINT.response(201, description="Begun.", headers=LOCATION)
@allow("credential", scope="packages/write")
def begin_an_upload() -> Response:
    """A new upload; its bytes go to `Location` (tus: creation)."""
    return tus.create(_sender())


@BLUEPRINT.get("/uploads/<uuid:upload_id>")
@BLUEPRINT.response(200, UploadAnswer)
@allow("credential", scope="packages/write")
def show_an_upload(upload_id: UUID) -> Any:
    """How much of the file is safe, and what it became. HEAD is that of tus."""
    if request.method == "HEAD":
        return tus.look(_sender(), upload_id)
    sender = _sender()
    with reading(parts().engine) as db:
        upload = get_upload(
            db,
            upload_id=upload_id,
            tenant=sender.tenant,
            owner=sender.owner,
            now=datetime.now(UTC),
        )
        twin = None if upload.sha256 is None else twin_of(db, upload=upload)
        return {
            "id": upload.id,
            "filename": upload.filename,
            "length": upload.length,
            "offset": upload.received,
            "sha256": upload.sha256,
            "expires_at": upload.expires_at,
            "package": upload.id if upload.is_accepted else None,
            "duplicate_of": None if twin is None else twin.id,
        }


@BLUEPRINT.route("/uploads/<uuid:upload_id>", methods=["PATCH"])
@BLUEPRINT.doc(
    parameters=[_SPOKEN, _OFFSET, _CHECKSUM],
    requestBody=_PIECE | {"required": True},
    responses=_REFUSALS | _TAKES,
)
@BLUEPRINT.response(204, description="All of the piece is safe.")
@allow("credential", scope="packages/write")
def send_a_piece(upload_id: UUID) -> Response:
    """The next bytes of the file (tus: core)."""
    return tus.send(_sender(), upload_id)


@BLUEPRINT.delete("/uploads/<uuid:upload_id>")
@BLUEPRINT.doc(parameters=[_SPOKEN], responses=_REFUSALS)
@BLUEPRINT.response(204, description="Nothing of it is left.")
@allow("credential", scope="packages/write")
def end_an_upload(upload_id: UUID) -> Response:
    """An upload that is not complete ends (tus: termination)."""
    return tus.end(_sender(), upload_id)


@BLUEPRINT.post("/uploads/<uuid:upload_id>")
@BLUEPRINT.doc(
    parameters=[
        _SPOKEN,
        _header(
            "X-HTTP-Method-Override",
            "What is meant.",
            {"type": "string", "enum": ["PATCH", "DELETE"]},
            required=True,
        ),
        {**_OFFSET, "required": False},
        _CHECKSUM,
    ],
    requestBody=_PIECE,
    responses=_REFUSALS | _TAKES,
)
@BLUEPRINT.response(204, description="Done.")
@allow("credential", scope="packages/write")
def override_a_method(upload_id: UUID) -> Response:
    """PATCH or DELETE, for clients that cannot send those."""
    return tus.either(_sender(), upload_id)


def _sender() -> tus.Sender:
    caller = callers.current_credential()
    return tus.Sender(
        tenant=caller.tenant_id,
        owner=f"credential {caller.credential_id}",
        address=ADDRESS,
        complete=_complete,
    )


def _complete(db: Session, upload: Upload) -> None:
    accept_upload(db, upload=upload, now=datetime.now(UTC))
