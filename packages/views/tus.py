"""Resumable uploads over HTTP: tus 1.0.0, for whoever the caller turns out to be.

Core, and the extensions creation (also with-upload), termination, expiration and
checksum (https://tus.io/protocols/resumable-upload). The management API and the
author's pages have addresses of their own and share what is here; they differ in who
sends and in what becomes of a file that is complete.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import BinaryIO, cast
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.http import http_date

from lrs.db import reading
from lrs.problems import MEDIA_TYPE, headers_of, problem, status_of
from lrs.views.application import parts
from packages import receiving
from packages.receiving import (
    ChecksumDiffers,
    Complete,
    OffsetDiffers,
    append,
    create_upload,
)
from packages.uploads import Upload, discard_upload, get_upload
from statements.errors import Conflict, DomainError, Invalid

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
ALGORITHMS = ("sha1", "sha256", "sha512")
PIECE = "application/offset+octet-stream"
# the protocol's own (checksum)
MISMATCH = 460
# what stands before the limit of a number that anybody would send
_DIGITS = 18
_METADATA = 4096


class OtherVersion(Invalid):
    """Send the header Tus-Resumable: 1.0.0; no other version is spoken here."""


class NoPiece(Invalid):
    """A piece is sent as application/offset+octet-stream."""


class UploadAccepted(Conflict):
    """The upload is complete and a package by now; end that."""


@dataclass(frozen=True)
class Sender:
    """Who sends, the address of their uploads, and what is done with a whole file."""

    tenant: int
    owner: str
    address: str
    complete: Complete


def describe() -> Response:
    """The answer to OPTIONS: what is spoken here."""
    return _answer(
        HTTPStatus.NO_CONTENT,
        {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            "Tus-Max-Size": str(receiving.MAXIMUM_UPLOAD),
        },
    )


def create(sender: Sender) -> Response:
    """The answer to POST: a new upload, with its first bytes if they came along."""
    return _spoken(lambda: _create(sender))


def look(sender: Sender, upload_id: UUID) -> Response:
    """The answer to HEAD: how much of the file is safe."""
    return _spoken(lambda: _look(sender, upload_id))


def send(sender: Sender, upload_id: UUID) -> Response:
    """The answer to PATCH: the next bytes are safe."""
    return _spoken(lambda: _send(sender, upload_id))


def end(sender: Sender, upload_id: UUID) -> Response:
    """The answer to DELETE: nothing of the upload is left."""
    return _spoken(lambda: _end(sender, upload_id))


def either(sender: Sender, upload_id: UUID) -> Response:
    """The answer to POST at an upload: X-HTTP-Method-Override says what is meant."""
    wanted = request.headers.get("X-HTTP-Method-Override", "").upper()
    if wanted == "PATCH":
        return send(sender, upload_id)
    if wanted == "DELETE":
        return end(sender, upload_id)
    return _problem(Invalid("Say in X-HTTP-Method-Override: PATCH or DELETE."))


def _create(sender: Sender) -> Response:
    if "Upload-Defer-Length" in request.headers:
        raise Invalid("Say with Upload-Length how long the file is.")
    upload = create_upload(
        parts(),
        tenant=sender.tenant,
        owner=sender.owner,
        filename=_filename(request.headers.get("Upload-Metadata", "")),
        length=_number("Upload-Length"),
        now=_now(),
    )
    headers = {"Location": f"{sender.address}/{upload.id}"}
    if request.content_length and request.mimetype == PIECE:
        upload = _append(sender, upload.id, offset=0)
    return _answer(HTTPStatus.CREATED, headers | _progress(upload, sender))


def _look(sender: Sender, upload_id: UUID) -> Response:
    with reading(parts().engine) as db:
        upload = _found(db, sender, upload_id)
    name = base64.b64encode(upload.filename.encode()).decode()
    headers = {
        "Upload-Length": str(upload.length),
        "Upload-Metadata": f"filename {name}",
    }
    return _answer(HTTPStatus.OK, headers | _progress(upload, sender))


def _send(sender: Sender, upload_id: UUID) -> Response:
    if request.mimetype != PIECE:
        raise NoPiece
    upload = _append(sender, upload_id, offset=_number("Upload-Offset"))
    return _answer(HTTPStatus.NO_CONTENT, _progress(upload, sender))


def _append(sender: Sender, upload_id: UUID, *, offset: int) -> Upload:
    return append(
        parts(),
        upload_id=upload_id,
        tenant=sender.tenant,
        owner=sender.owner,
        offset=offset,
        size=request.content_length or 0,
        data=cast("BinaryIO", request.stream),
        complete=sender.complete,
        now=_now(),
        checksum=_checksum(request.headers.get("Upload-Checksum")),
    )


def _end(sender: Sender, upload_id: UUID) -> Response:
    with reading(parts().engine) as db:
        upload = _found(db, sender, upload_id)
    if upload.is_accepted:
        raise UploadAccepted
    discard_upload(parts(), upload=upload)
    return _answer(HTTPStatus.NO_CONTENT, {})


def _found(db: Session, sender: Sender, upload_id: UUID) -> Upload:
    return get_upload(
        db, upload_id=upload_id, tenant=sender.tenant, owner=sender.owner, now=_now()
    )


def _spoken(act: Callable[[], Response]) -> Response:
    """What `act` answers, if the version is spoken; refusals have the headers, too."""
    try:
        if request.headers.get("Tus-Resumable") != VERSION:
            raise OtherVersion
        return act()
    except DomainError as error:
        return _problem(error)


def _problem(error: DomainError) -> Response:
    """The refusal, with the statuses that the protocol wants."""
    own: dict[type[DomainError], int] = {
        OtherVersion: int(HTTPStatus.PRECONDITION_FAILED),
        NoPiece: int(HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        ChecksumDiffers: MISMATCH,
    }
    status = own.get(type(error), status_of(error))
    body = problem(error) | {"status": status}
    if status != status_of(error):
        body["title"] = "Checksum Mismatch"
        if status != MISMATCH:
            body["title"] = HTTPStatus(status).phrase
    headers = headers_of(error)
    if isinstance(error, OtherVersion):
        headers["Tus-Version"] = VERSION
    if isinstance(error, OffsetDiffers):
        headers["Upload-Offset"] = str(error.extra["offset"])
    answer = _answer(status, headers)
    answer.data = orjson.dumps(body)
    answer.content_type = MEDIA_TYPE
    return answer


def _answer(status: int, headers: dict[str, str]) -> Response:
    common = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
    answer = Response(status=status, headers=common | headers)
    del answer.headers["Content-Type"]
    return answer


def _progress(upload: Upload, sender: Sender) -> dict[str, str]:
    """How far it is; a whole file's package, or the address that tells of it."""
    headers = {
        "Upload-Offset": str(upload.received),
        "Upload-Expires": http_date(upload.expires_at),
    }
    if upload.sha256 is not None:
        headers["Content-Location"] = f"{sender.address}/{upload.id}"
    return headers


def _number(header: str) -> int:
    """The header's number; raises Invalid."""
    given = request.headers.get(header, "")
    if not (given.isascii() and given.isdecimal()) or len(given) > _DIGITS:
        raise Invalid(f"{header} is a number of bytes.", field=header)
    return int(given)


def _filename(metadata: str) -> str:
    """The name among the metadata: `filename` and its value in base64; else none."""
    if len(metadata) > _METADATA:
        raise Invalid("Upload-Metadata is too long.", field="Upload-Metadata")
    found = ""
    for pair in metadata.split(","):
        name, _, value = pair.strip().partition(" ")
        if name not in {"filename", "name"}:
            continue
        try:
            found = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise Invalid(
                "The filename of Upload-Metadata is in UTF-8, and that in base64.",
                field="Upload-Metadata",
            ) from error
    return found


def _checksum(header: str | None) -> receiving.Checksum | None:
    """What the header says the piece sums to; raises Invalid."""
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in ALGORITHMS or not digest:
        raise Invalid(
            f"Upload-Checksum is {', '.join(ALGORITHMS)}, and the sum in base64.",
            field="Upload-Checksum",
        )
    return receiving.Checksum(algorithm, digest)


def _now() -> datetime:
    return datetime.now(UTC)
