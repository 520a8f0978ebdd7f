"""What the launching system says itself: launched, abandoned, waived, satisfied.

cmi5 9.3.1, 9.3.6, 9.3.7, 9.3.9 with the objects (9.4), results (9.5) and contexts (9.6)
that they need. Pure. Ids are made from secrets and from what each statement is about, so
that saying a thing twice is saying it once.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from packages.manifest import Manifest, Unit
from player.cmi5.moveon import Target
from statements import vocabulary
from statements.build import activity, build_statement
from statements.scalars import format_duration, is_iri

Statement = dict[str, Any]

# activities of ours: blocks stand under their course
BLOCK_TYPE = "cmi5_block"
COURSE_TYPE = "cmi5_course"


@dataclass(frozen=True)
class Course:
    """What all statements of a registration share; `key` is the secret of their ids."""

    actor: dict[str, Any]
    registration: UUID
    key: bytes
    revision: str
    iri: str
    title: str
    manifest: Manifest


def id_of(key: bytes, what: str) -> UUID:
    """The id of the one statement that says `what` under this secret."""
    digest = hmac.digest(key, what.encode(), hashlib.sha256)
    return UUID(bytes=digest[:16], version=4)


def activity_of(course: Course, unit: Unit, iri: str) -> dict[str, Any]:
    """A unit as an activity, told by its course structure."""
    return activity(
        iri,
        type=unit.activity_type or vocabulary.activity_type("lesson"),
        name=unit.title,
        description=unit.description,
        language=course.manifest.language or "und",
    )


def template(course: Course, unit: Unit, *, session_id: str) -> dict[str, Any]:
    """The `contextTemplate` of a launch (10.2.1)."""
    return {
        "contextActivities": {"grouping": _grouping(course, unit.identifier)},
        # a `revision` would be illegal in statements about anything but activities
        "extensions": {
            vocabulary.extension("cmi5_session"): session_id,
            vocabulary.extension("revision"): course.revision,
        },
    }


def launched(
    course: Course,
    unit: Unit,
    *,
    iri: str,
    session_id: str,
    launch_data: dict[str, Any],
    url: str,
    at: datetime,
) -> Statement:
    """The unit is launched, as its `LMS.LaunchData` says (9.3.1, 9.6.3)."""
    told = {
        "cmi5_launch_mode": launch_data["launchMode"],
        "cmi5_launch_url": url,
        "cmi5_move_on": launch_data["moveOn"],
        "cmi5_mastery_score": launch_data.get("masteryScore"),
        "cmi5_launch_parameters": launch_data.get("launchParameters"),
    }
    return _said(
        course,
        "launched",
        activity_of(course, unit, iri),
        id=id_of(course.key, f"launched {session_id}"),
        publisher_id=unit.identifier,
        session_id=session_id,
        at=at,
        extensions={
            vocabulary.extension(name): value
            for name, value in told.items()
            if value is not None
        },
    )


def abandoned(
    course: Course,
    unit: Unit,
    *,
    iri: str,
    session_id: str,
    seconds: Decimal,
    at: datetime,
) -> Statement:
    """A session has ended without `terminated` (9.3.6, 9.5.4.2)."""
    return _said(
        course,
        "abandoned",
        activity_of(course, unit, iri),
        id=id_of(course.key, f"abandoned {session_id}"),
        publisher_id=unit.identifier,
        session_id=session_id,
        at=at,
        result={"duration": format_duration(seconds)},
    )


def waived(
    course: Course,
    unit: Unit,
    *,
    id: UUID,
    iri: str,
    session_id: str,
    reason: str,
    at: datetime,
) -> Statement:
    """The unit need not be done, and why (9.3.7, 9.5.5.2)."""
    return _said(
        course,
        "waived",
        activity_of(course, unit, iri),
        id=id,
        publisher_id=unit.identifier,
        session_id=session_id,
        at=at,
        result={
            "success": True,
            "completion": True,
            "extensions": {vocabulary.extension("cmi5_reason"): reason},
        },
    )


def satisfied(
    course: Course, target: Target, *, session_id: str, at: datetime
) -> Statement:
    """All units of a block, or of the course, have met their criteria (9.3.9)."""
    if target is None:
        publisher_id = course.manifest.identifier
        about = activity(
            course.iri,
            type=vocabulary.activity_type(COURSE_TYPE),
            name=course.title,
            language=course.manifest.language or "und",
        )
    else:
        block = course.manifest.blocks[target]
        publisher_id = block.identifier
        about = activity(
            block_iri(course, target),
            type=vocabulary.activity_type(BLOCK_TYPE),
            name=block.title,
            description=block.description,
            language=course.manifest.language or "und",
        )
    return _said(
        course,
        "satisfied",
        about,
        id=satisfied_id(course, target),
        publisher_id=publisher_id,
        session_id=session_id,
        at=at,
    )


def satisfied_id(course: Course, target: Target) -> UUID:
    """The id of the one statement that says so within the registration."""
    about = course.iri if target is None else block_iri(course, target)
    return id_of(course.key, f"satisfied {about}")


def block_iri(course: Course, block: int) -> str:
    """Our IRI of a block: the same for every learner and version (9.4)."""
    known = course.manifest.blocks[block].identifier
    name = hashlib.sha256(known.encode()).hexdigest()[:16]
    return f"{course.iri}/blocks/{name}"


def _grouping(course: Course, publisher_id: str) -> list[dict[str, Any]]:
    """The publisher's id (9.6.2.3), and our course."""
    ids = dict.fromkeys([publisher_id, course.iri])
    # a package taken in leniently may have ids that are none
    return [{"objectType": "Activity", "id": iri} for iri in ids if is_iri(iri)]


def _said(
    course: Course,
    verb: str,
    about: dict[str, Any],
    *,
    id: UUID,
    publisher_id: str,
    session_id: str,
    at: datetime,
    result: dict[str, Any] | None = None,
    extensions: dict[str, Any] | None = None,
) -> Statement:
    """A statement of ours; the category of moveOn with success or completion (9.6.2.2)."""
    categories = ["cmi5"]
    if result and ("success" in result or "completion" in result):
        categories.append("cmi5_move_on")
    return build_statement(
        id=id,
        actor=course.actor,
        verb=verb,
        object=about,
        timestamp=at,
        result=result,
        context={
            "registration": str(course.registration),
            "revision": course.revision,
            "contextActivities": {
                "grouping": _grouping(course, publisher_id),
                "category": [
                    {"objectType": "Activity", "id": vocabulary.activity(name)}
                    for name in categories
                ],
            },
            "extensions": {
                vocabulary.extension("cmi5_session"): session_id,
                **(extensions or {}),
            },
        },
    )
