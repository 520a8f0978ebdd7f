"""What each part of a version is: lesson, pre-test or post-test, as an author confirms it.

Roles are rows of the rules' catalogue. What looks like a pre-test is walled in until an
author says what it is; what looks like a post-test is only proposed.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules import catalogue
from lrs.rules.tables import ActivityRole
from lrs.tables import MAIN_TENANT
from packages.manifest import Manifest
from packages.roles import can_score, is_piece, pretests
from player.urls import course_iri as course_iri_of
from player.urls import interaction_iri, objective_iri, unit_iri
from statements.errors import Invalid

ROLES: Mapping[str, str] = {
    "unit": "A lesson",
    "pretest": "The pre-test",
    "posttest": "The post-test",
}
PART_ROLES: Mapping[str, str] = {
    "pretest": "The pre-test",
    "posttest": "The post-test",
    "unit": "Not a test",
}
PART_KINDS: Mapping[str, str] = {
    "objectives": "Objective",
    "interactions": "Interaction",
}


@dataclass(frozen=True, kw_only=True)
class PartRole:
    """A test inside a unit: an objective or interaction of it, and its role."""

    unit: int
    kind: str
    part: str
    role: str


@dataclass(frozen=True)
class Known:
    """A role as it stands: of which activity, and whether an author confirmed it."""

    activity_iri: str
    unit_iri: str | None
    title: str
    role: str
    confirmed: bool


def part_iri_of(unit: str, kind: str, part: str) -> str:
    """The activity IRI of an objective or interaction of a unit."""
    return (objective_iri if kind == "objectives" else interaction_iri)(unit, part)


def check_roles(
    manifest: Manifest, *, roles: Mapping[int, str], parts: Sequence[PartRole]
) -> None:
    """Pass when every role is one and every part can be found; else raise Invalid."""
    for role in (*roles.values(), *(part.role for part in parts)):
        if role not in ROLES:
            raise Invalid(f"There is no role {role[:40]!r}.", field="roles")
    for part in parts:
        known = 0 <= part.unit < len(manifest.units) and part.kind in PART_KINDS
        if not known or not part.part.strip():
            message = "Name the objective or interaction inside a part by its id."
            raise Invalid(message, field="parts")


def record_roles(
    db: Session,
    *,
    config: Config,
    course_id: uuid.UUID,
    revision: str,
    manifest: Manifest,
    roles: Mapping[int, str],
    parts: Sequence[PartRole],
    by: uuid.UUID,
    now: datetime,
) -> None:
    """Confirm what is said, and propose what is not and looks like a pre-test.

    A unit that nothing is said of is a lesson, unless it looks like a pre-test. Raises
    Invalid. The clock stays locked from here on.
    """
    check_roles(manifest, roles=roles, parts=parts)
    course = course_iri_of(config, course_id)
    _propose_pretests(db, manifest, roles, parts, course, revision, now)
    proposed = {unit.index for unit, part in pretests(manifest) if part is None}
    for unit in manifest.units:
        if unit.index in proposed and unit.index not in roles:
            continue
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=course,
            activity_iri=unit_iri(course, unit.slug),
            role=roles.get(unit.index, "unit"),
            revision=revision,
            title=unit.title,
            by=str(by),
            now=now,
        )
    for part in parts:
        iri = unit_iri(course, manifest.units[part.unit].slug)
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=course,
            activity_iri=part_iri_of(iri, part.kind, part.part.strip()),
            unit_iri=iri,
            role=part.role,
            revision=revision,
            title=part.part.strip(),
            by=str(by),
            now=now,
        )


def known_roles(
    db: Session, *, config: Config, course_id: uuid.UUID, revision: str
) -> dict[str, Known]:
    """The roles in a version as they stand, by activity."""
    course = course_iri_of(config, course_id)
    rows = catalogue.get_course_rows(db, tenant=MAIN_TENANT, course_iri=course).roles
    newest: dict[str, ActivityRole] = {}
    for row in rows:
        if row.revision in {"", revision}:
            newest[row.activity_iri] = row
    units = {row.activity_key: iri for iri, row in newest.items()}
    return {
        iri: Known(
            activity_iri=iri,
            unit_iri=None if row.unit_key is None else units.get(row.unit_key, ""),
            title=row.title,
            role=row.role,
            confirmed=not row.proposed,
        )
        for iri, row in newest.items()
    }


def named_posttests(
    manifest: Manifest,
    *,
    roles: Mapping[int, str],
    parts: Sequence[PartRole],
) -> Iterator[tuple[str, bool]]:
    """Title of each post-test that is said, and whether a score can come from it."""
    for unit in manifest.units:
        if roles.get(unit.index) == "posttest":
            yield unit.title, can_score(unit)
    for part in parts:
        if part.role == "posttest":
            yield part.part.strip(), can_score(manifest.units[part.unit])


def confirmed_posttests(
    known: Mapping[str, Known], manifest: Manifest, course_iri: str
) -> Iterator[tuple[str, bool]]:
    """Title of each confirmed post-test, and whether a score can come from it."""
    silent = {
        unit_iri(course_iri, unit.slug)
        for unit in manifest.units
        if not can_score(unit)
    }
    for one in known.values():
        if one.confirmed and one.role == "posttest":
            yield one.title, (one.unit_iri or one.activity_iri) not in silent


def _propose_pretests(
    db: Session,
    manifest: Manifest,
    roles: Mapping[int, str],
    parts: Sequence[PartRole],
    course: str,
    revision: str,
    now: datetime,
) -> None:
    """Wall in what looks like a pre-test until the author says what it is.

    Said to be something else, a part speaks for its pieces too.
    """
    other = {(one.unit, one.part.strip()) for one in parts if one.role != "pretest"}
    for unit, part in pretests(manifest):
        iri = unit_iri(course, unit.slug)
        if part is None:
            activities = [] if unit.index in roles else [iri]
        elif any(
            index == unit.index and (part == named or is_piece(part, (named,)))
            for index, named in other
        ):
            activities = []
        else:
            activities = [interaction_iri(iri, part)]
            if not is_piece(part, unit.parts):
                activities.append(objective_iri(iri, part))
        for activity in activities:
            catalogue.set_role(
                db,
                tenant=MAIN_TENANT,
                course_iri=course,
                activity_iri=activity,
                unit_iri=None if part is None else iri,
                role="pretest",
                revision=revision,
                title=part or unit.title,
                proposed=True,
                now=now,
            )
