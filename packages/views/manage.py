"""The management API of packages, for other systems.

Basic with a credential. The body of an upload is the file itself, whatever its type
says; it is read straight into storage. `Prefer: wait=N` (RFC 7240) holds the answer
back until the import is done, at most that long.
"""

import re
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, BinaryIO, cast
from uuid import UUID

import orjson
from flask import Blueprint, Flask, Response, request, url_for
from sqlalchemy.orm import Session

from lrs.db import reading, writing
from lrs.jobs import enqueue
from lrs.problems import MEDIA_TYPE
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import (
    Package,
    PackageNotFound,
    delete_package,
    get_package,
    package_json,
)
from packages.intake import receive_package
from statements.errors import DomainError

BLUEPRINT = Blueprint("packages", __name__, url_prefix="/api/v1")
BLUEPRINT.record_once(lambda state: callers.install(cast("Flask", state.app)))

LONGEST_WAIT = 120
_WAIT = re.compile(r"(?:^|[\s,;])wait\s*=\s*\"?(\d{1,6})")
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 0.5


@BLUEPRINT.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    return callers.problem_response(error)


@BLUEPRINT.post("/packages")
@allow("credential", scope="packages/write")
def upload() -> Response:
    credential = callers.current_credential()
    with writing(parts().engine) as db:
        package = receive_package(
            parts(),
            db,
            filename=request.args.get("filename", ""),
            data=cast("BinaryIO", request.stream),
            created_by=f"credential {credential.credential_id}",
            now=datetime.now(UTC),
            tenant=credential.tenant_id,
            length=request.content_length,
        )
        shown = package_json(package)
    wait = wanted_wait(request.headers.get("Prefer", ""))
    if wait is not None:
        shown = _wait_for(UUID(shown["id"]), wait)
    answer = _answer(shown)
    if wait is not None:
        answer.headers["Preference-Applied"] = f"wait={wait}"
    return answer


@BLUEPRINT.get("/packages/<uuid:package_id>")
@allow("credential", scope="packages/read")
def show(package_id: UUID) -> Response:
    with reading(parts().engine) as db:
        return _json(package_json(_own(db, package_id)))


@BLUEPRINT.delete("/packages/<uuid:package_id>")
@allow("credential", scope="packages/write")
def delete(package_id: UUID) -> Response:
    with writing(parts().engine) as db:
        delete_package(db, package=_own(db, package_id))
        payload = {"package": str(package_id)}
        enqueue(db, "package.delete", payload, run_at=datetime.now(UTC))
    return Response(status=204)


def wanted_wait(prefer: str) -> int | None:
    """The seconds that a `Prefer` header asks to wait, within our bound."""
    match = _WAIT.search(prefer)
    return min(int(match[1]), LONGEST_WAIT) if match else None


def _own(db: Session, package_id: UUID) -> Package:
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


def _answer(shown: dict[str, Any]) -> Response:
    """201 for an imported package, 422 for a rejected one, 202 while it is neither."""
    if shown["status"] == "rejected":
        return _rejected(shown)
    done = shown["status"] == "imported"
    answer = _json(shown, HTTPStatus.CREATED if done else HTTPStatus.ACCEPTED)
    answer.headers["Location"] = url_for(".show", package_id=shown["id"])
    return answer


def _rejected(shown: dict[str, Any]) -> Response:
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
    return Response(orjson.dumps(body), status, content_type=MEDIA_TYPE)


def _json(value: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(value),
        status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
