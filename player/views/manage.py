"""The management API of launches and registrations, for other systems.

Basic with a credential. A package imported by API may be launched at once: it needs
no offer, and stands under its own IRI. Every answer is JSON, refusals are problem
documents (RFC 9457).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson
from flask import Blueprint, Flask, Response, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from lrs.credentials import holds
from lrs.db import reading, writing
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.application import parts
from packages.courses import Package, get_package, manifest_of
from player import launches, registrations, urls
from player.registrations import Standing
from player.sittings import get_launch
from statements.errors import DomainError, Invalid, InvalidParameter, NotFound, TooLarge
from statements.scalars import format_timestamp
from statements.validate import check_actor

BLUEPRINT = Blueprint("launching", __name__, url_prefix="/api/v1")
BLUEPRINT.record_once(lambda state: callers.install(cast("Flask", state.app)))

LARGEST_BODY = 64 * 1024
LONGEST_URL = 2000


class LaunchBody(Schema):
    """Body of POST /packages/{id}/launches."""

    class Meta:
        """Unknown members are mistakes."""

        unknown = RAISE

    unit = fields.Integer(strict=True, load_default=0)
    actor = fields.Dict(required=True)
    registration = fields.UUID(load_default=uuid4)
    mode = fields.String(
        load_default="Normal", validate=validate.OneOf(["Normal", "Browse", "Review"])
    )
    return_url = fields.String(
        load_default="", validate=validate.Length(max=LONGEST_URL)
    )


class WaiverBody(Schema):
    """Body of POST /registrations/{uuid}/waivers."""

    class Meta:
        """Unknown members are mistakes."""

        unknown = RAISE

    unit = fields.Integer(strict=True, required=True)
    reason = fields.String(required=True, validate=validate.Length(min=1, max=1000))


class NoBody(Schema):
    """An empty object."""

    class Meta:
        """Unknown members are mistakes."""

        unknown = RAISE


@BLUEPRINT.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    return callers.problem_response(error)


def _load(schema: Schema) -> dict[str, Any]:
    """The request's JSON by a schema; no body at all stands for `{}`."""
    request.max_content_length = LARGEST_BODY
    try:
        text = request.get_data() or b"{}"
        given = orjson.loads(text)
        loaded: dict[str, Any] = schema.load(given)
    except RequestEntityTooLarge:
        raise TooLarge(f"At most {LARGEST_BODY} bytes are taken.") from None
    except orjson.JSONDecodeError:
        raise Invalid("The body is not JSON.") from None
    except ValidationError as error:
        raise InvalidParameter(_words(error.messages)) from None
    if b"\\u0000" in text:
        raise Invalid("Texts may not hold NUL.")
    return loaded


def _words(messages: object) -> str:
    if isinstance(messages, Mapping):
        return " ".join(f"{name}: {_words(one)}" for name, one in messages.items())
    if isinstance(messages, list):
        return " ".join(_words(one) for one in messages)
    return str(messages)


def _json(value: object, status: int = 200) -> Response:
    return Response(
        orjson.dumps(value),
        status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _own_package(db: Session, package_id: UUID) -> Package:
    """The package if it is the caller's tenant's; raises NotFound."""
    package = get_package(db, package_id=package_id)
    if (
        package.tenant_id != callers.current_credential().tenant_id
        or package.status == "deleted"
    ):
        raise NotFound("There is no such package.")
    return package


def _web_address(url: str) -> str:
    """The address, absolute and http; raises InvalidParameter."""
    try:
        given = urlsplit(url)
        usable = given.scheme in {"http", "https"} and bool(given.netloc)
    except ValueError:
        usable = False
    if url and not usable:
        raise InvalidParameter("return_url is not an absolute web address.")
    return url


@BLUEPRINT.post("/packages/<uuid:package_id>/launches")
@allow("credential", scope="launches/write")
def open_launch(package_id: UUID) -> Response:
    body, config = _load(LaunchBody()), parts().config
    check_actor(body["actor"], version="1.0.3")
    with writing(parts().engine) as db:
        package = _own_package(db, package_id)
        opened = launches.open_launch(
            db,
            config=config,
            package=package,
            unit=body["unit"],
            course_iri=urls.course_iri(config, package.id),
            revision="1",
            actor=body["actor"],
            registration=body["registration"],
            mode=body["mode"],
            mastery={},
            return_url=_web_address(body["return_url"]),
            now=datetime.now(UTC),
        )
        launch = get_launch(db, launch_id=opened.launch_id)
        unit = manifest_of(package).units[launch.unit]
        origin = urls.content_origin(config, launch.label)
        address = unit.address if unit.is_external else f"{origin}/{unit.address}"
    answer = _json(
        {
            "launch": str(opened.launch_id),
            "registration": str(body["registration"]),
            "url": opened.url,
            "content_url": address,
        },
        201,
    )
    answer.headers["Location"] = opened.url
    return answer


@BLUEPRINT.post("/launches/<uuid:launch_id>/abandon")
@allow("credential", scope="launches/write")
def abandon(launch_id: UUID) -> Response:
    _load(NoBody())
    with writing(parts().engine) as db:
        launch = get_launch(db, launch_id=launch_id)
        if launch.tenant_id != callers.current_credential().tenant_id:
            raise NotFound("There is no such launch.")
        launches.end(
            db, config=parts().config, launch_id=launch_id, now=datetime.now(UTC)
        )
    return Response(status=204)


@BLUEPRINT.get("/registrations/<uuid:registration>")
@allow("credential", scope="registrations/read")
def show_registration(registration: UUID) -> Response:
    credential = callers.current_credential()
    with reading(parts().engine) as db:
        standing = registrations.get_standing(
            db,
            tenant=credential.tenant_id,
            registration=registration,
            sees_pretests=holds(credential, "pretest/read"),
        )
    return _json(standing_json(standing))


@BLUEPRINT.post("/registrations/<uuid:registration>/waivers")
@allow("credential", scope="registrations/write")
def waive(registration: UUID) -> Response:
    body = _load(WaiverBody())
    with writing(parts().engine) as db:
        statement_id = registrations.waive(
            db,
            config=parts().config,
            tenant=callers.current_credential().tenant_id,
            registration=registration,
            unit=body["unit"],
            reason=body["reason"],
            now=datetime.now(UTC),
        )
    return _json({"statement": str(statement_id)}, 201)


def standing_json(standing: Standing) -> dict[str, Any]:
    """The standing as the API shows it; scores and seconds are numbers."""
    return {
        "registration": str(standing.registration),
        "package": str(standing.package_id),
        "completion": standing.completion,
        "success": standing.success,
        "scaled": _number(standing.scaled),
        "total_seconds": _number(standing.total_seconds),
        "suspended": standing.suspended,
        "completed_at": _time(standing.completed_at),
        "units": [
            {
                "unit": unit.unit,
                "id": unit.identifier,
                "title": unit.title,
                "completion": unit.completion,
                "success": unit.success,
                "scaled": _number(unit.scaled),
                "total_seconds": _number(unit.total_seconds),
                "suspended": unit.suspended,
                "waived": unit.waived,
                "hidden": unit.is_hidden,
                "saved_at": _time(unit.saved_at),
            }
            for unit in standing.units
        ],
        "reasons": [
            {"code": one.code, "unit": one.unit, "text": one.text}
            for one in standing.reasons
        ],
    }


def _number(value: Any) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else format_timestamp(instant)
