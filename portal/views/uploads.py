"""Packages on their way in: sent by the author, then imported while the page looks on.

The page's script sends in pieces that may break off and go on (packages/views/tus.py);
where scripts do not run, the plain form sends the file in one go. A file that is
imported already is not imported again unasked.
"""

import uuid
from typing import Any, BinaryIO, cast

from flask import Response, flash, jsonify, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.tables import MAIN_TENANT
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import Package, get_package
from packages.intake import cancel_import
from packages.receiving import receive_file
from packages.uploads import (
    Upload,
    accept_upload,
    discard_upload,
    find_uploads,
    get_upload,
    twin_of,
)
from packages.views import tus
from portal import words
from portal.access import roles_for
from portal.audit import record_act
from portal.views.pages import clock, page_blueprint, render
from portal.views.signin import signed_in
from statements.errors import Invalid, NotFound

BLUEPRINT = page_blueprint("uploads")
ADDRESS = "/authoring/uploads"
AUTHORS = roles_for("packages.manage")
_MEGABYTE = 1_000_000


@BLUEPRINT.post(ADDRESS)
@allow("role", *AUTHORS)
def create() -> Response:
    return tus.create(_sender())


@BLUEPRINT.patch(f"{ADDRESS}/<uuid:upload_id>")
@allow("role", *AUTHORS)
def send(upload_id: uuid.UUID) -> Response:
    return tus.send(_sender(), upload_id)


@BLUEPRINT.delete(f"{ADDRESS}/<uuid:upload_id>")
@allow("role", *AUTHORS)
def end(upload_id: uuid.UUID) -> Response:
    return tus.end(_sender(), upload_id)


@BLUEPRINT.get(f"{ADDRESS}/<uuid:upload_id>")
@allow("role", *AUTHORS)
def show(upload_id: uuid.UUID) -> BaseResponse | str:
    """How far it is; a complete one leads to its package, or to the same one."""
    if request.method == "HEAD" and "Tus-Resumable" in request.headers:
        return tus.look(_sender(), upload_id)
    with reading(parts().engine) as db:
        upload = _mine(db, upload_id)
        if upload.is_accepted:
            return redirect(_page_of(upload_id))
        twin = None if upload.sha256 is None else twin_of(db, upload=upload)
        return render(
            "authoring/upload_known.html",
            upload=_told(upload),
            twin=None if twin is None else _twin(twin),
        )


@BLUEPRINT.post(f"{ADDRESS}/<uuid:upload_id>/accept")
@allow("role", *AUTHORS)
def accept(upload_id: uuid.UUID) -> BaseResponse:
    """Import the file although the same one is there already."""
    with writing(parts().engine) as db:
        _accept(db, _mine(db, upload_id, lock=True))
    return redirect(_page_of(upload_id))


@BLUEPRINT.post(f"{ADDRESS}/<uuid:upload_id>/discard")
@allow("role", *AUTHORS)
def discard(upload_id: uuid.UUID) -> BaseResponse:
    with reading(parts().engine) as db:
        upload = _mine(db, upload_id)
    if upload.is_accepted:
        return redirect(_page_of(upload_id))
    discard_upload(parts(), upload=upload)
    flash(f"{upload.filename} was discarded. Nothing of it was kept.", "done")
    return redirect("/authoring")


@BLUEPRINT.post("/authoring/packages")
@allow("role", *AUTHORS)
def upload_form() -> BaseResponse:
    """Take the file of the plain form, where scripts do not run."""
    file = request.files.get("file")
    if file is None or not file.filename:
        message = "Choose a file to upload."
        raise Invalid(message)
    sender = _sender()
    received = receive_file(
        parts(),
        tenant=sender.tenant,
        owner=sender.owner,
        filename=file.filename,
        data=cast("BinaryIO", file.stream),
        now=clock(),
    )
    with writing(parts().engine) as db:
        _accept_unless_known(db, db.get_one(Upload, received.id))
    return redirect(f"{ADDRESS}/{received.id}")


@BLUEPRINT.get("/authoring/packages/<uuid:package_id>/status")
@allow("role", *AUTHORS)
def status(package_id: uuid.UUID) -> Response:
    with reading(parts().engine) as db:
        package = _own(get_package(db, package_id=package_id))
        return jsonify(status=package.status, progress=package.progress)


@BLUEPRINT.post("/authoring/packages/<uuid:package_id>/cancel")
@allow("role", *AUTHORS)
def cancel(package_id: uuid.UUID) -> BaseResponse:
    with writing(parts().engine) as db:
        package = _own(get_package(db, package_id=package_id))
        if package.status in {"queued", "importing"}:
            cancel_import(db, package=package)
            _record(db, "package.import_cancelled", package)
    return redirect(_page_of(package_id))


@BLUEPRINT.app_template_global()
def waiting_uploads() -> list[dict[str, Any]]:
    """What the signed-in person has begun to send and not ended."""
    sender = _sender()
    with reading(parts().engine) as db:
        found = find_uploads(db, tenant=sender.tenant, owner=sender.owner, now=clock())
        return [_told(upload) for upload in found]


def _sender() -> tus.Sender:
    return tus.Sender(
        tenant=MAIN_TENANT,
        owner=str(signed_in().id),
        address=ADDRESS,
        complete=_accept_unless_known,
    )


def _accept_unless_known(db: Session, upload: Upload) -> None:
    """Queue the import, unless the same file is imported already: the author decides."""
    if twin_of(db, upload=upload) is None:
        _accept(db, upload)


def _accept(db: Session, upload: Upload) -> None:
    if not upload.is_accepted:
        package = accept_upload(db, upload=upload, now=clock())
        _record(db, "package.uploaded", package)


def _record(db: Session, action: str, package: Package) -> None:
    record_act(
        db,
        user_id=signed_in().id,
        action=action,
        subject="package",
        subject_id=package.id,
        detail={"sha256": package.sha256},
        now=clock(),
    )


def _mine(db: Session, upload_id: uuid.UUID, *, lock: bool = False) -> Upload:
    sender = _sender()
    return get_upload(
        db,
        upload_id=upload_id,
        tenant=sender.tenant,
        owner=sender.owner,
        now=clock(),
        lock=lock,
    )


def _own(package: Package) -> Package:
    """The package, if of the portal's own tenant."""
    if package.tenant_id != MAIN_TENANT:
        raise NotFound
    return package


def _page_of(package_id: uuid.UUID) -> str:
    return f"/authoring/packages/{package_id}"


def _told(upload: Upload) -> dict[str, Any]:
    whole = f"{upload.length / _MEGABYTE:,.1f} MB"
    share = 100 * upload.received // max(upload.length, 1)
    is_complete = upload.sha256 is not None
    return {
        "id": upload.id,
        "filename": upload.filename,
        "is_complete": is_complete,
        "told": whole if is_complete else f"{share} % of {whole} arrived",
    }


def _twin(package: Package) -> dict[str, Any]:
    return {
        "id": package.id,
        "title": package.title,
        "filename": package.filename,
        "created_text": words.instant_in(package.created_at, parts().config.timezone),
    }
