"""The management API of launches and registrations, for other systems.

A package imported by API may be launched at once: it needs no offer, and stands under
its own IRI.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from flask import url_for
from marshmallow import fields, validate

from lrs.credentials import holds
from lrs.db import reading, writing
from lrs.views import callers
from lrs.views.access import allow
from lrs.views.api import (
    LOCATION,
    Answered,
    Blueprint,
    Given,
    NoBody,
    Uuid,
    Whole,
    text,
)
from lrs.views.application import parts
from packages.courses import manifest_of
from packages.views.manage import own_package
from player import launches, registrations, urls
from player.cmi5 import sessions
from player.registrations import Standing
from player.sittings import get_launch
from statements.errors import Invalid, InvalidParameter, NotFound
from statements.scalars import format_timestamp
from statements.validate import check_actor

BLUEPRINT = Blueprint(
    "launches",
    __name__,
    description="Opening units for learners, and where learners stand.",
)

LONGEST_URL = 2000
LONGEST_IRI = 8000
MODES = ["Normal", "Browse", "Review"]
COMPLETIONS = ["completed", "incomplete", "not attempted", "unknown"]
SUCCESSES = ["passed", "failed", "unknown"]
REASONS = ["not_started", "not_finished", "not_reported", "waived"]
MBOX = (
    r"^[Mm][Aa][Ii][Ll][Tt][Oo]:[^\x00-\x20\x7f@<>()\[\]\\,;:\"?#]+"
    r"@[^\x00-\x20\x7f@<>()\\,;\"?#/]+$"
)
WEB_ADDRESS = (
    r"^(https?://([A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
    r"([/?#][^\s]*)?)?$"
)
IRI = {
    "type": "string",
    "format": "iri",
    "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:[^\\s]",
    "maxLength": LONGEST_IRI,
}


def _agent(title: str, member: str, schema: dict[str, Any]) -> dict[str, Any]:
    """An agent that is known by this member."""
    return {
        "title": title,
        "type": "object",
        "properties": {
            "objectType": {"enum": ["Agent"]},
            "name": {"type": "string"},
            member: schema,
        },
        "required": [member],
        "additionalProperties": False,
    }


AGENTS = [
    _agent(
        "agent by account",
        "account",
        {
            "type": "object",
            "properties": {"homePage": IRI, "name": {"type": "string", "minLength": 1}},
            "required": ["homePage", "name"],
            "additionalProperties": False,
        },
    ),
    _agent(
        "agent by mbox",
        "mbox",
        {"type": "string", "pattern": MBOX, "maxLength": LONGEST_IRI},
    ),
    _agent(
        "agent by mbox_sha1sum",
        "mbox_sha1sum",
        {"type": "string", "pattern": "^[0-9A-Fa-f]{40}$"},
    ),
    _agent("agent by openid", "openid", IRI),
]


class LaunchBody(Given):
    """What to open, for whom."""

    unit = Whole(load_default=0, metadata={"description": "Its index in the package."})
    actor = fields.Dict(
        required=True,
        metadata={"oneOf": AGENTS, "description": "The learner: an Agent of xAPI."},
    )
    registration = Uuid(
        metadata={"description": "To go on within; a new one where none is given."}
    )
    mode = text(
        "Browse and Review leave no record.",
        load_default="Normal",
        validate=validate.OneOf(MODES),
    )
    return_url = text(
        "Where Exit leads: absolute, http or https.",
        pattern=WEB_ADDRESS,
        load_default="",
        longest=LONGEST_URL,
    )


class LaunchAnswer(Answered):
    """A launch that was opened."""

    launch = Uuid()
    registration = Uuid()
    url = text("The player page: no sign-in, for 12 hours.", form="uri")
    content_url = text("The unit itself, with its launch parameters.", form="uri")


class WaiverBody(Given):
    """What need not be done."""

    unit = Whole(required=True, metadata={"description": "Its index in the package."})
    reason = text("Why.", required=True, validate=validate.Length(1, 1000))


class WaiverAnswer(Answered):
    """A waiver that is recorded."""

    statement = Uuid(metadata={"description": "The same each time."})


class UnitStandingAnswer(Answered):
    """Where the learner stands in a unit."""

    unit = Whole(metadata={"description": "Its index in the package."})
    id = text("Its identifier in the package.")
    title = text("What it is called.")
    completion = fields.String(metadata={"enum": COMPLETIONS})
    success = fields.String(metadata={"enum": SUCCESSES})
    scaled = fields.Float(allow_none=True, metadata={"minimum": -1, "maximum": 1})
    total_seconds = fields.Float(metadata={"minimum": 0})
    suspended = fields.Boolean()
    waived = fields.Boolean()
    hidden = fields.Boolean(
        metadata={"description": "It may be a pre-test: its result is not told."}
    )
    saved_at = text("When it was last heard of.", form="date-time", allow_none=True)


class ReasonAnswer(Answered):
    """Why the whole is not complete yet."""

    code = fields.String(metadata={"enum": REASONS})
    unit = Whole()
    text = text("In a sentence.")


class RegistrationAnswer(Answered):
    """Where the learner stands: as a whole, per unit, and why not yet."""

    registration = Uuid()
    package = Uuid()
    completion = fields.String(metadata={"enum": COMPLETIONS})
    success = fields.String(metadata={"enum": SUCCESSES})
    scaled = fields.Float(allow_none=True, metadata={"minimum": -1, "maximum": 1})
    total_seconds = fields.Float(metadata={"minimum": 0})
    suspended = fields.Boolean()
    completed_at = text("When it was.", form="date-time", allow_none=True)
    units = fields.List(fields.Nested(UnitStandingAnswer))
    reasons = fields.List(fields.Nested(ReasonAnswer))


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
@BLUEPRINT.arguments(LaunchBody)
@BLUEPRINT.response(201, LaunchAnswer, headers=LOCATION)
@BLUEPRINT.alt_response(409, "CONFLICT")
@allow("credential", scope="launches/write")
def open_a_launch(
    body: dict[str, Any], package_id: UUID
) -> tuple[dict[str, Any], int, Any]:
    """A new launch of a unit for a learner.

    409 where the unit cannot be played, and for a registration of another person or
    another course.
    """
    config, registration = parts().config, body.get("registration") or uuid4()
    check_actor(body["actor"], version="1.0.3")
    if body["actor"].get("objectType", "Agent") != "Agent":
        raise Invalid("A unit is launched for one person: an Agent.", field="actor")
    with writing(parts().engine) as db:
        package = own_package(db, package_id)
        opened = launches.open_launch(
            db,
            config=config,
            package=package,
            unit=body["unit"],
            course_iri=urls.course_iri(config, package.id),
            revision="1",
            actor=body["actor"],
            registration=registration,
            mode=body["mode"],
            mastery={},
            return_url=_web_address(body["return_url"]),
            now=datetime.now(UTC),
        )
        launch = get_launch(db, launch_id=opened.launch_id)
        unit = manifest_of(package).units[launch.unit]
        origin = urls.content_origin(config, launch.label)
        address = unit.address if unit.is_external else f"{origin}/{unit.address}"
        if launch.standard == sessions.KIND:
            address = sessions.address_of(config, launch, unit)
    answer = {
        "launch": opened.launch_id,
        "registration": registration,
        "url": opened.url,
        "content_url": address,
    }
    return answer, 201, {"Location": opened.url}


@BLUEPRINT.post("/launches/<uuid:launch_id>/abandon")
@BLUEPRINT.arguments(NoBody, required=False)
@BLUEPRINT.response(204)
@allow("credential", scope="launches/write")
def abandon_a_launch(body: dict[str, Any], launch_id: UUID) -> None:
    """End a launch; what it saved stays. Twice is once."""
    del body
    with writing(parts().engine) as db:
        launch = get_launch(db, launch_id=launch_id)
        if launch.tenant_id != callers.current_credential().tenant_id:
            raise NotFound("There is no such launch.")
        launches.end(
            db, config=parts().config, launch_id=launch_id, now=datetime.now(UTC)
        )


@BLUEPRINT.get("/registrations/<uuid:registration>")
@BLUEPRINT.response(200, RegistrationAnswer)
@allow("credential", scope="registrations/read")
def show_a_registration(registration: UUID) -> dict[str, Any]:
    """Where a learner stands in a registration.

    Results of what may be a pre-test are told to callers with `pretest/read` alone.
    """
    credential = callers.current_credential()
    with reading(parts().engine) as db:
        standing = registrations.get_standing(
            db,
            tenant=credential.tenant_id,
            registration=registration,
            sees_pretests=holds(credential, "pretest/read"),
        )
    return standing_json(standing)


@BLUEPRINT.post("/registrations/<uuid:registration>/waivers")
@BLUEPRINT.arguments(WaiverBody)
@BLUEPRINT.response(201, WaiverAnswer, headers=LOCATION)
@allow("credential", scope="registrations/write")
def waive_a_unit(
    body: dict[str, Any], registration: UUID
) -> tuple[dict[str, Any], int, Any]:
    """Record that a unit need not be done.

    It shows as progress and gives neither score nor credit by itself.
    """
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
    place = url_for(".show_a_registration", registration=registration)
    return {"statement": statement_id}, 201, {"Location": place}


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
