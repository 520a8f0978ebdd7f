"""Publishing a package: the course, its version, its parts' roles and its offer."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules import catalogue
from lrs.rules.facts import UnitTerms
from lrs.rules.policy import PolicyVersion, policy_book
from lrs.rules.terms import day_of
from lrs.tables import MAIN_TENANT
from packages.courses import (
    Course,
    CourseVersion,
    Package,
    add_version,
    create_course,
    get_course,
    manifest_of,
    publish_version,
)
from packages.manifest import Manifest
from packages.roles import is_piece, pretests
from player.urls import course_iri as course_iri_of
from player.urls import interaction_iri, objective_iri, unit_iri
from portal.audit import record_act
from statements.errors import Conflict, Invalid

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


class NoPostTest(Invalid):
    """The rule asks for a post-test score: say which part is the post-test."""


class AlreadyPublished(Conflict):
    """The package is published as a course already; choose it to change the offer."""


@dataclass(frozen=True, kw_only=True)
class PartRole:
    """A test inside a unit: an objective or interaction of it, and its role."""

    unit: int
    kind: str
    part: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What an author says when publishing a package."""

    title: str
    description: str = ""
    course_id: uuid.UUID | None = None
    roles: Mapping[int, str] = field(default_factory=dict)
    parts: Sequence[PartRole] = ()
    policy: str
    hours: Decimal | None = None
    credit: Decimal | None = None
    transfer: str = "none"
    audience: Sequence[str] = ()
    effective_from: datetime


def part_iri_of(unit: str, kind: str, part: str) -> str:
    """The activity IRI of an objective or interaction of a unit."""
    return (objective_iri if kind == "objectives" else interaction_iri)(unit, part)


def policy_at(policy: str, instant: datetime, *, zone: str) -> PolicyVersion | None:
    """The version of a policy in force at an instant."""
    day = day_of(instant, zone)
    for version in policy_book().versions.get(policy, ()):
        if version.start <= day < version.end:
            return version
    return None


def threshold_at(policy: str, instant: datetime, *, zone: str) -> Decimal | None:
    """The post-test score (scaled) that a policy asks at an instant, if it does."""
    version = policy_at(policy, instant, zone=zone)
    if version is None:
        return None
    asked = [
        one.at_least
        for one in version.require
        if one.kind == "min_scaled" and one.role == "posttest"
    ]
    return max(asked, default=None)


def published_as(
    db: Session, *, package: Package
) -> tuple[Course, CourseVersion] | None:
    """The course whose published version the package is, the oldest such."""
    row = db.execute(
        select(Course, CourseVersion)
        .join(CourseVersion, CourseVersion.course_id == Course.id)
        .where(
            CourseVersion.package_id == package.id, CourseVersion.state == "published"
        )
        .order_by(Course.created_at, Course.id)
    ).first()
    return None if row is None else (row[0], row[1])


def publish(
    db: Session,
    *,
    config: Config,
    package: Package,
    publication: Publication,
    by: uuid.UUID,
    now: datetime,
) -> CourseVersion:
    """The package published as the next version of a course, a new one by default.

    Confirms the role of every unit. Raises NoPostTest, Invalid, PackageNotImported,
    and AlreadyPublished for a new course of a package that has one.
    """
    # of two that publish at once the second sees what the first did
    db.refresh(package, with_for_update=True)
    manifest = manifest_of(package)
    _check(config, publication, manifest, now)
    if publication.course_id is None:
        if published_as(db, package=package) is not None:
            raise AlreadyPublished(field="course")
        course = create_course(
            db,
            title=publication.title,
            description=publication.description,
            created_by=str(by),
            now=now,
        )
    else:
        course = get_course(db, course_id=publication.course_id)
        course.title = publication.title
        course.description = publication.description
    version = add_version(db, course_id=course.id, package_id=package.id, now=now)
    publish_version(db, version_id=version.id, now=now)
    record_act(
        db,
        user_id=by,
        action="course.published",
        subject="course",
        subject_id=course.id,
        detail={"version": version.number, "policy": publication.policy},
        now=now,
    )
    db.flush()
    course_iri = course_iri_of(config, course.id)
    _record(db, config, manifest, publication, course_iri, str(version.number), by, now)
    return version


def _check(
    config: Config, publication: Publication, manifest: Manifest, now: datetime
) -> None:
    if not publication.title.strip():
        message = "Give the course a title."
        raise Invalid(message, field="title")
    chosen = [*publication.roles.values(), *(part.role for part in publication.parts)]
    for role in chosen:
        if role not in ROLES:
            raise Invalid(f"There is no role {role!r}.", field="roles")
    for part in publication.parts:
        known = 0 <= part.unit < len(manifest.units) and part.kind in PART_KINDS
        if not known or not part.part.strip():
            message = "Name the objective or interaction inside a part by its id."
            raise Invalid(message, field="parts")
    # learners take it from the day of the offer on, and not before now
    first = max(publication.effective_from, now)
    asks = threshold_at(publication.policy, first, zone=config.timezone) is not None
    if asks and "posttest" not in chosen:
        raise NoPostTest(field="roles")


def _record(
    db: Session,
    config: Config,
    manifest: Manifest,
    publication: Publication,
    course_iri: str,
    revision: str,
    by: uuid.UUID,
    now: datetime,
) -> None:
    """The dated rows that the rules read; the clock stays locked from here on."""
    iris = [unit_iri(course_iri, unit.slug) for unit in manifest.units]
    catalogue.record_structure(
        db,
        tenant=MAIN_TENANT,
        course_iri=course_iri,
        revision=revision,
        title=publication.title,
        units=[
            # no learner can open one that is hidden from the menu
            UnitTerms(iri=iri, title=unit.title, required=unit.visible)
            for iri, unit in zip(iris, manifest.units, strict=True)
        ],
        now=now,
    )
    _propose_pretests(db, manifest, publication, course_iri, revision, now)
    proposed = {unit.index for unit, part in pretests(manifest) if part is None}
    for iri, unit in zip(iris, manifest.units, strict=True):
        if unit.index in proposed and unit.index not in publication.roles:
            continue
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=course_iri,
            activity_iri=iri,
            role=publication.roles.get(unit.index, "unit"),
            revision=revision,
            title=unit.title,
            by=str(by),
            now=now,
        )
    for part in publication.parts:
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=course_iri,
            activity_iri=part_iri_of(iris[part.unit], part.kind, part.part.strip()),
            unit_iri=iris[part.unit],
            role=part.role,
            revision=revision,
            title=part.part.strip(),
            by=str(by),
            now=now,
        )
    catalogue.record_offer(
        db,
        tenant=MAIN_TENANT,
        course_iri=course_iri,
        policy=publication.policy,
        effective_from=publication.effective_from,
        now=now,
        zone=config.timezone,
        hours=publication.hours,
        credit=publication.credit,
        transfer=publication.transfer,
        audience=publication.audience,
    )


def _propose_pretests(
    db: Session,
    manifest: Manifest,
    publication: Publication,
    course_iri: str,
    revision: str,
    now: datetime,
) -> None:
    """Wall in what looks like a pre-test until the author says what it is.

    Said to be something else, a part speaks for its pieces too.
    """
    other = {
        (one.unit, one.part.strip())
        for one in publication.parts
        if one.role != "pretest"
    }
    for unit, part in pretests(manifest):
        iri = unit_iri(course_iri, unit.slug)
        if part is None:
            activities = [] if unit.index in publication.roles else [iri]
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
                course_iri=course_iri,
                activity_iri=activity,
                unit_iri=None if part is None else iri,
                role="pretest",
                revision=revision,
                title=part or unit.title,
                proposed=True,
                now=now,
            )
