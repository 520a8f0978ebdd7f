"""Packages on their way in: sent by the author, then imported while the page looks on."""

import uuid
from typing import BinaryIO, cast

from flask import Response, jsonify, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from lrs.db import reading, writing
from lrs.tables import MAIN_TENANT
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import Package, get_package
from packages.intake import receive_package
from portal.access import roles_for
from portal.audit import record_act
from portal.views.pages import clock, page_blueprint
from portal.views.signin import signed_in
from statements.errors import Invalid, NotFound

BLUEPRINT = page_blueprint("uploads")


@BLUEPRINT.post("/authoring/packages/upload")
@allow("role", *roles_for("packages.manage"))
def upload() -> tuple[Response, int]:
    """Take the raw file of our own script."""
    package_id = _receive(
        request.args.get("filename", "package.zip"),
        cast("BinaryIO", request.stream),
        request.content_length,
    )
    body = {"id": str(package_id), "url": f"/authoring/packages/{package_id}"}
    return jsonify(body), 201


@BLUEPRINT.post("/authoring/packages")
@allow("role", *roles_for("packages.manage"))
def upload_form() -> BaseResponse:
    """Take the file of the plain form, where scripts do not run."""
    file = request.files.get("file")
    if file is None or not file.filename:
        message = "Choose a file to upload."
        raise Invalid(message)
    package_id = _receive(file.filename, cast("BinaryIO", file.stream), None)
    return redirect(f"/authoring/packages/{package_id}")


def _receive(filename: str, data: BinaryIO, length: int | None) -> uuid.UUID:
    me, now = signed_in(), clock()
    with writing(parts().engine) as db:
        package = receive_package(
            parts(),
            db,
            filename=filename,
            data=data,
            created_by=str(me.id),
            now=now,
            length=length,
        )
        record_act(
            db,
            user_id=me.id,
            action="package.uploaded",
            subject="package",
            subject_id=package.id,
            detail={"sha256": package.sha256},
            now=now,
        )
        return package.id


@BLUEPRINT.get("/authoring/packages/<uuid:package_id>/status")
@allow("role", *roles_for("packages.manage"))
def status(package_id: uuid.UUID) -> Response:
    with reading(parts().engine) as db:
        package = _own(get_package(db, package_id=package_id))
        return jsonify(status=package.status, progress=package.progress)


def _own(package: Package) -> Package:
    """The package, if of the portal's own tenant."""
    if package.tenant_id != MAIN_TENANT:
        raise NotFound
    return package
