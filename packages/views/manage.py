"""The management API of packages, for other systems.

The body of an upload is the file itself, whatever its type says; it is read straight
into storage. Only a form (multipart/form-data) is refused: it would be stored as sent. `Prefer: wait=N` (RFC 7240) holds the answer back until the import is
done, at most that long.
"""

import re
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, BinaryIO, cast, get_args
from uuid import UUID

import orjson
from flask import Response, request, url_for
from marshmallow import fields, validate
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from lrs.db import reading, writing
from lrs.jobs import enqueue
from lrs.problems import MEDIA_TYPE
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.api import (
    LOCATION,
    Answered,
    Blueprint,
    Given,
    NoBody,
    PageQuery,
    Problem,
    Uuid,
    Whole,
    cursor_to,
    position,
    text,
)
from lrs.views.application import parts
from packages.courses import (
    Package,
    PackageNotFound,
    Status,
    delete_package,
    find_files,
    find_packages,
    get_package,
    package_json,
)
from packages.intake import cancel_import, receive_package
from packages.manifest import Severity, Standard
from packages.receiving import UploadEmpty

BLUEPRINT = Blueprint(
    "packages",
    __name__,
    description="Course packages: upload, import, what was found, removal.",
)

LONGEST_WAIT = 120
LIST, FILES = "packages", "files"
STATUSES = [one for one in get_args(Status) if one != "deleted"]
STANDARDS = list(get_args(Standard))
SEVERITIES = list(get_args(Severity))
SHA256 = "^[0-9a-f]{64}$"
FILE = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_WAIT = re.compile(r"(?:^|[\s,;])wait\s*=\s*\"?(\d{1,6})")
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5


class UploadQuery(Given):
    """What the file is called."""

    filename = text("The name to show; never a path.", load_default="")
    lenient = text(
        "Take a course of cmi5 that breaks rules which do not change what it means; "
        "what it breaks becomes a warning.",
        validate=validate.OneOf(["true", "false"]),
        load_default="false",
    )


class UploadHeaders(Given):
    """Whether to wait."""

    prefer = fields.String(
        data_key="Prefer",
        load_default="",
        metadata={
            "description": f"`wait=N`: answer once the import is done, or after N "
            f"seconds, at most {LONGEST_WAIT} (RFC 7240).",
        },
    )


class PackagesQuery(PageQuery):
    """Which packages."""

    status = text("Only of this status.", validate=validate.OneOf(STATUSES))
    standard = text("Only of this standard.", validate=validate.OneOf(STANDARDS))
    sha256 = text("Only of exactly this file.", pattern=SHA256)


class FindingsQuery(Given):
    """Which findings."""

    severity = text("Only of this severity.", validate=validate.OneOf(SEVERITIES))


class UnitAnswer(Answered):
    """A part of a course that is launched by itself."""

    index = Whole(metadata={"description": "What launches name it by."})
    id = text("Its identifier in the package.")
    title = text("What it is called.")
    launch = text("Its address in the package, or elsewhere, with parameters.")


class FindingAnswer(Answered):
    """Something that the author should know."""

    severity = fields.String(
        metadata={
            "enum": SEVERITIES,
            "description": "`error` refuses the package; `repair` was mended.",
        }
    )
    code = text("For programs; it does not change.")
    message = text("What it is, in a sentence.")
    advice = text("How to mend it.")
    path = text("The file concerned.", allow_none=True)
    line = Whole(allow_none=True)


class PackageAnswer(Answered):
    """A package and what its import has made of it so far."""

    id = Uuid()
    status = fields.String(metadata={"enum": STATUSES})
    progress = fields.Float(
        metadata={"minimum": 0, "maximum": 1, "description": "Of the import."}
    )
    standard = fields.String(allow_none=True, metadata={"enum": [*STANDARDS, None]})
    edition = text("Of the standard, empty where unknown.")
    title = text("What the course calls itself.")
    filename = text("As uploaded.")
    sha256 = text("Of the file as uploaded.")
    size = Whole(metadata={"description": "Bytes as uploaded."})
    created_at = text("When it was uploaded.", form="date-time")
    units = fields.List(fields.Nested(UnitAnswer))
    findings = fields.List(fields.Nested(FindingAnswer))


class PackagesAnswer(Answered):
    """A page of packages."""

    packages = fields.List(fields.Nested(PackageAnswer))
    cursor = text("Leads on; null ends.", allow_none=True)


class FileAnswer(Answered):
    """A file of a package."""

    path = text("Where it is in the package.")
    size = Whole()
    sha256 = text("Of its bytes.")
    content_type = text("What it is served as.")


class FilesAnswer(Answered):
    """A page of files."""

    files = fields.List(fields.Nested(FileAnswer))
    cursor = text("Leads on; null ends.", allow_none=True)


class FindingsAnswer(Answered):
    """What the import found."""

    findings = fields.List(fields.Nested(FindingAnswer))


class PackageProblem(Problem):
    """Why a package is refused."""

    id = Uuid(required=True)
    findings = fields.List(fields.Nested(FindingAnswer), required=True)


@BLUEPRINT.post("/packages")
@BLUEPRINT.doc(
    requestBody={
        "required": True,
        "description": "The file itself, whatever its type says; no form.",
        "content": {
            "application/octet-stream": FILE,
            "application/zip": FILE,
            "text/xml": FILE,
        },
    }
)
@BLUEPRINT.arguments(UploadQuery, location="query")
@BLUEPRINT.arguments(UploadHeaders, location="headers")
@BLUEPRINT.response(201, PackageAnswer, description="Imported.", headers=LOCATION)
@BLUEPRINT.alt_response(
    202, schema=PackageAnswer, description="Being imported.", headers=LOCATION
)
@BLUEPRINT.alt_response(
    422, schema=PackageProblem, content_type=MEDIA_TYPE, description="Refused."
)
@BLUEPRINT.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@allow("credential", scope="packages/write")
def upload_a_package(query: dict[str, Any], headers: dict[str, Any]) -> Any:
    """A new package; its file is imported in the background.

    201 when the import was done within the wait that `Prefer` asked for, 422 when the
    package was refused within it, else 202: ask again at `Location`.
    """
    credential = callers.current_credential()
    if request.mimetype == "multipart/form-data":
        raise UnsupportedMediaType(
            "Send the file itself as the body, as with curl --data-binary @course.zip; "
            "a form is not taken apart."
        )
    if not request.content_length:
        raise UploadEmpty
    with writing(parts().engine) as db:
        package = receive_package(
            parts(),
            db,
            filename=query["filename"],
            data=cast("BinaryIO", request.stream),
            created_by=f"credential {credential.credential_id}",
            now=datetime.now(UTC),
            tenant=credential.tenant_id,
            length=request.content_length,
            lenient=query["lenient"] == "true",
        )
        shown = package_json(package)
    wait = wanted_wait(headers["prefer"])
    if wait is not None:
        shown = _wait_for(UUID(shown["id"]), wait)
    applied = {} if wait is None else {"Preference-Applied": f"wait={wait}"}
    if shown["status"] == "rejected":
        return _rejected(shown, applied)
    done = shown["status"] == "imported"
    place = {"Location": url_for(".show_a_package", package_id=shown["id"])}
    return shown, HTTPStatus.CREATED if done else HTTPStatus.ACCEPTED, place | applied


@BLUEPRINT.get("/packages")
@BLUEPRINT.arguments(PackagesQuery, location="query")
@BLUEPRINT.response(200, PackagesAnswer)
@allow("credential", scope="packages/read")
def list_packages(query: dict[str, Any]) -> dict[str, Any]:
    """The packages of the caller's record store, newest first."""
    size = query.pop("limit")
    place, after = position(query.pop("cursor", None), of=LIST), None
    if place is not None:
        after = (datetime.fromisoformat(place["at"]), UUID(place["id"]))
    with reading(parts().engine) as db:
        tenant = callers.current_credential().tenant_id
        found = find_packages(db, tenant=tenant, after=after, limit=size + 1, **query)
        shown = [package_json(one) for one in found[:size]]
    more = None
    if len(found) > size:
        last = found[size - 1]
        more = cursor_to(
            {"at": last.created_at.isoformat(), "id": str(last.id)}, of=LIST
        )
    return {"packages": shown, "cursor": more}


@BLUEPRINT.get("/packages/<uuid:package_id>")
@BLUEPRINT.response(200, PackageAnswer)
@allow("credential", scope="packages/read")
def show_a_package(package_id: UUID) -> dict[str, Any]:
    """One package: how far its import is, what was found, its units."""
    with reading(parts().engine) as db:
        return package_json(own_package(db, package_id))


@BLUEPRINT.get("/packages/<uuid:package_id>/findings")
@BLUEPRINT.arguments(FindingsQuery, location="query")
@BLUEPRINT.response(200, FindingsAnswer)
@allow("credential", scope="packages/read")
def list_findings(query: dict[str, Any], package_id: UUID) -> dict[str, Any]:
    """What the import found in a package."""
    with reading(parts().engine) as db:
        found = own_package(db, package_id).findings
    wanted = query.get("severity")
    return {"findings": [one for one in found if wanted in {None, one["severity"]}]}


@BLUEPRINT.get("/packages/<uuid:package_id>/files")
@BLUEPRINT.arguments(PageQuery, location="query")
@BLUEPRINT.response(200, FilesAnswer)
@allow("credential", scope="packages/read")
def list_files(query: dict[str, Any], package_id: UUID) -> dict[str, Any]:
    """The files of an imported package, by path."""
    of, size = f"{FILES} {package_id}", query["limit"]
    place = position(query.get("cursor"), of=of)
    with reading(parts().engine) as db:
        own_package(db, package_id)
        after = None if place is None else place["path"]
        found = find_files(db, package_id=package_id, after=after, limit=size + 1)
        shown = [
            {name: getattr(one, name) for name in FileAnswer().fields}
            for one in found[:size]
        ]
    more = None
    if len(found) > size:
        more = cursor_to({"path": shown[-1]["path"]}, of=of)
    return {"files": shown, "cursor": more}


@BLUEPRINT.post("/packages/<uuid:package_id>/cancel")
@BLUEPRINT.arguments(NoBody, required=False)
@BLUEPRINT.response(200, PackageAnswer)
@BLUEPRINT.alt_response(409, "CONFLICT")
@allow("credential", scope="packages/write")
def cancel_an_import(body: dict[str, Any], package_id: UUID) -> dict[str, Any]:
    """Stop an import that is not over; the package is refused, its file not kept."""
    del body
    with writing(parts().engine) as db:
        package = own_package(db, package_id)
        cancel_import(db, package=package)
        return package_json(package)


@BLUEPRINT.delete("/packages/<uuid:package_id>")
@BLUEPRINT.response(204)
@BLUEPRINT.alt_response(409, "CONFLICT")
@allow("credential", scope="packages/write")
def delete_a_package(package_id: UUID) -> None:
    """Remove a package's files; records of learners stay."""
    with writing(parts().engine) as db:
        delete_package(db, package=own_package(db, package_id))
        payload = {"package": str(package_id)}
        enqueue(db, "package.delete", payload, run_at=datetime.now(UTC))


def wanted_wait(prefer: str) -> int | None:
    """The seconds that a `Prefer` header asks to wait, within our bound."""
    match = _WAIT.search(prefer)
    return min(int(match[1]), LONGEST_WAIT) if match else None


def own_package(db: Session, package_id: UUID) -> Package:
    """The package, if it is the caller's tenant's; raises PackageNotFound."""
    package = get_package(db, package_id=package_id)
    own = callers.current_credential().tenant_id
    if package.tenant_id != own or package.status == "deleted":
        raise PackageNotFound
    return package


def _wait_for(package_id: UUID, seconds: int) -> dict[str, Any]:
    """The package once it is imported or rejected, or when the time is over."""
    end = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while True:
        with reading(parts().engine) as db:
            shown = package_json(get_package(db, package_id=package_id))
        left = end - time.monotonic()
        if shown["status"] not in {"queued", "importing"} or left <= 0:
            return shown
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _rejected(shown: dict[str, Any], headers: dict[str, str]) -> Response:
    """A problem document with the findings; its detail is the gravest one."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": "invalid_package",
        "detail": " ".join(one["message"] for one in shown["findings"][:1]),
        "id": shown["id"],
        "findings": shown["findings"],
    }
    return Response(orjson.dumps(body), status, headers, content_type=MEDIA_TYPE)
