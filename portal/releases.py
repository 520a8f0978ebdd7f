"""Versions of a course on their way: confirmed, published, rolled back, retired.

Each act is one transaction and an entry in the log. A version is published only when
the checklist holds; learners who began stay on the version of their enrolment.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules import catalogue
from lrs.rules.facts import UnitTerms
from lrs.tables import MAIN_TENANT
from packages.courses import (
    Course,
    CourseVersion,
    Package,
    add_version,
    create_course,
    discard_version,
    find_versions,
    get_course,
    get_package,
    lock_version,
    manifest_of,
    publish_version,
    retire_version,
)
from packages.hosts import allow_hosts
from packages.manifest import Manifest, Unit
from player.urls import course_iri, unit_iri
from portal import checklist, offers
from portal.assessments import (
    PartRole,
    check_roles,
    named_posttests,
    record_roles,
)
from portal.audit import record_act
from portal.enrolments import Enrolment
from statements.errors import Conflict, Invalid


class AlreadyPublished(Conflict):
    """The package is published as a course already; choose it to change the offer."""


@dataclass(frozen=True, kw_only=True)
class Publication(offers.Terms):
    """What an author says when publishing a package in one go."""

    title: str
    description: str = ""
    course_id: uuid.UUID | None = None
    roles: Mapping[int, str] = field(default_factory=dict)
    parts: Sequence[PartRole] = ()


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

    Confirms the role of every unit that is named. Raises NoPostTest, NotReady, Invalid,
    PackageNotImported, and AlreadyPublished for a new course of a package that has one.
    """
    # of two that publish at once the second sees what the first did
    db.refresh(package, with_for_update=True)
    manifest = manifest_of(package)
    if not publication.title.strip():
        message = "Give the course a title."
        raise Invalid(message, field="title")
    roles, parts = publication.roles, publication.parts
    check_roles(manifest, roles=roles, parts=parts)
    if offers.threshold_of(config, publication, now) is not None:
        named = named_posttests(manifest, roles=roles, parts=parts)
        offers.require_posttest(named, field="roles")
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
    detail = {"version": version.number, "policy": publication.policy}
    _note(db, "course.published", course.id, detail, by, now)
    db.flush()
    _record_structure(db, config, course, version, manifest, now)
    record_roles(
        db,
        config=config,
        course_id=course.id,
        revision=str(version.number),
        manifest=manifest,
        roles=roles,
        parts=parts,
        by=by,
        now=now,
    )
    offers.record_terms(
        db, config=config, course_id=course.id, terms=publication, now=now
    )
    items = checklist.check(db, config=config, course=course, version=version, now=now)
    # a proposal that nothing was said of stays one, and is walled in
    checklist.require_ready(items, but=frozenset({"roles"}))
    return version


def start_course(
    db: Session, *, package: Package | None, title: str, by: uuid.UUID, now: datetime
) -> Course:
    """A new course that nobody sees yet, with the package as its first version."""
    manifest = None if package is None else manifest_of(package)
    course = create_course(
        db,
        title=title,
        description="" if manifest is None else manifest.description,
        created_by=str(by),
        now=now,
    )
    _note(db, "course.created", course.id, {}, by, now)
    if package is not None:
        add(db, course_id=course.id, package_id=package.id, by=by, now=now)
    return course


def add(
    db: Session,
    *,
    course_id: uuid.UUID,
    package_id: uuid.UUID,
    by: uuid.UUID,
    now: datetime,
) -> CourseVersion:
    """The package as a draft of the course; the version that it already is, if it is."""
    known = {one.package_id: one for one in find_versions(db, course_id=course_id)}
    if package_id in known:
        return known[package_id]
    version = add_version(db, course_id=course_id, package_id=package_id, now=now)
    detail = {"version": version.number, "package": str(package_id)}
    _note(db, "version.added", course_id, detail, by, now)
    return version


def confirm_roles(
    db: Session,
    *,
    config: Config,
    version: CourseVersion,
    roles: Mapping[int, str],
    parts: Sequence[PartRole],
    by: uuid.UUID,
    now: datetime,
) -> None:
    """Say what every part of a version is. Last of the transaction; raises Invalid.

    Of a published version a late confirmation works backwards. Raises NoPostTest where
    the offer in force could no longer be fulfilled.
    """
    lock_version(db, version=version)
    manifest = manifest_of(get_package(db, package_id=version.package_id))
    check_named(manifest, roles)
    detail = {"version": version.number, "roles": _counted(roles, parts)}
    _note(db, "roles.confirmed", version.course_id, detail, by, now)
    db.flush()
    record_roles(
        db,
        config=config,
        course_id=version.course_id,
        revision=str(version.number),
        manifest=manifest,
        roles=roles,
        parts=parts,
        by=by,
        now=now,
    )
    if version.state == "published":
        course = get_course(db, course_id=version.course_id)
        for item in checklist.check(
            db, config=config, course=course, version=version, now=now
        ):
            if item.key == "posttest" and not item.is_met:
                raise offers.NoPostTest(item.text, field="roles")


def check_named(manifest: Manifest, roles: Mapping[int, str]) -> None:
    """Pass when the role of every unit is said; else raise Invalid."""
    unnamed = [unit.title for unit in manifest.units if unit.index not in roles]
    if unnamed:
        raise Invalid(f"Say what “{unnamed[0][:100]}” is.", field="roles")


def release(
    db: Session,
    *,
    config: Config,
    version: CourseVersion,
    by: uuid.UUID,
    now: datetime,
) -> CourseVersion:
    """The version published; an older one is rolled back to. Raises NotReady."""
    # what the checklist sees stays so until the version is published
    course = lock_version(db, version=version)
    package = get_package(db, package_id=version.package_id)
    items = checklist.check(db, config=config, course=course, version=version, now=now)
    checklist.require_ready(items)
    before = version.state
    publish_version(db, version_id=version.id, now=now)
    if before == "published":
        return version
    detail = {"version": version.number, "was": before}
    _note(db, "course.published", course.id, detail, by, now)
    db.flush()
    _record_structure(db, config, course, version, manifest_of(package), now)
    return version


def retire(
    db: Session, *, version: CourseVersion, by: uuid.UUID, now: datetime
) -> None:
    """Take the course out of the catalog; who is enrolled goes on."""
    retire_version(db, version_id=version.id)
    detail = {"version": version.number}
    _note(db, "course.retired", version.course_id, detail, by, now)


def discard(
    db: Session, *, version: CourseVersion, by: uuid.UUID, now: datetime
) -> None:
    """Put a draft aside; its package can be deleted then.

    Servers that it might load from are not allowed any more: other versions may have
    the same package.
    """
    discard_version(db, version_id=version.id)
    allow_hosts(db, version_id=version.id, hosts=(), by=str(by), now=now)
    detail = {"version": version.number}
    _note(db, "version.discarded", version.course_id, detail, by, now)


def learners_on(db: Session, *, course_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """How many are enrolled on each version, without those who dropped it."""
    rows = db.execute(
        select(Enrolment.course_version_id, func.count())
        .where(Enrolment.course_id == course_id, Enrolment.dropped_at.is_(None))
        .group_by(Enrolment.course_version_id)
    )
    return {row[0]: row[1] for row in rows}


def _record_structure(
    db: Session,
    config: Config,
    course: Course,
    version: CourseVersion,
    manifest: Manifest,
    now: datetime,
) -> None:
    """The units as the rules read them; the clock stays locked from here on."""
    iri = course_iri(config, course.id)
    catalogue.record_structure(
        db,
        tenant=MAIN_TENANT,
        course_iri=iri,
        revision=str(version.number),
        title=course.title,
        units=[
            UnitTerms(
                iri=unit_iri(iri, unit.slug),
                title=unit.title,
                # no learner can open one that is hidden from the menu
                required=unit.visible,
                move_on=criterion(manifest, unit),
            )
            for unit in manifest.units
        ],
        now=now,
    )


def _counted(roles: Mapping[int, str], parts: Sequence[PartRole]) -> dict[str, int]:
    chosen = [*roles.values(), *(part.role for part in parts)]
    return {role: chosen.count(role) for role in sorted(set(chosen))}


def _note(
    db: Session,
    action: str,
    course_id: uuid.UUID,
    detail: Mapping[str, Any],
    by: uuid.UUID,
    now: datetime,
) -> None:
    record_act(
        db,
        user_id=by,
        action=action,
        subject="course",
        subject_id=course_id,
        detail=detail,
        now=now,
    )


def criterion(manifest: Manifest, unit: Unit) -> str:
    """What a unit asks for, by `moveOn` where the package has that.

    A course that asks for nothing at all would be complete on enrolling: then each
    unit is to be completed or passed.
    """
    if not unit.move_on:
        return "Completed"
    asks = any(one.move_on != "NotApplicable" for one in manifest.units)
    return unit.move_on if asks else "CompletedOrPassed"
