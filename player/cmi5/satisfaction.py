"""What a learner has reached in a registration, and what that satisfies.

cmi5 9.3.9 and 9.6.1: in the same transaction as what caused it, once for each block and
course of a registration.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.tables import Statement as Stored
from packages.manifest import Manifest
from player import urls
from player.cmi5 import moveon, statements
from player.cmi5.statements import Course, Statement
from player.cmi5.tables import Cmi5Session
from player.tables import Registration
from player.waivers import waived_units


@dataclass(frozen=True)
class Scope:
    """Where it is judged: one package in one registration of a tenant."""

    tenant: int
    package_id: UUID
    course: Course


def known_verbs(
    db: Session,
    *,
    tenant: int,
    registration: UUID,
    package_id: UUID,
    course_iri: str,
    manifest: Manifest,
) -> dict[int, set[str]]:
    """What the units have said, and what was waived, by unit."""
    places = {
        urls.unit_iri(course_iri, unit.slug): unit.index for unit in manifest.units
    }
    known: dict[int, set[str]] = {place: set() for place in places.values()}
    rows = db.execute(
        select(
            Cmi5Session.activity, Cmi5Session.completed_at, Cmi5Session.passed_at
        ).where(
            Cmi5Session.tenant_id == tenant, Cmi5Session.registration == registration
        )
    )
    for activity, completed_at, passed_at in rows:
        place = places.get(activity)
        if place is None:
            continue
        if completed_at is not None:
            known[place].add("completed")
        if passed_at is not None:
            known[place].add("passed")
    for place in waived_units(
        db,
        tenant=tenant,
        registration=registration,
        package_id=package_id,
        units=manifest.units,
    ):
        known[place].add(moveon.WAIVED)
    return known


def newly_satisfied(
    db: Session,
    scope: Scope,
    *,
    row: Registration,
    session_id: str,
    now: datetime,
    also_waived: int | None = None,
) -> list[Statement]:
    """The statements for what is satisfied by now and was not said before.

    `row` is the registration's, locked; it learns when the course is complete.
    `also_waived` is a unit whose waiver is stored together with these.
    """
    course = scope.course
    known = known_verbs(
        db,
        tenant=scope.tenant,
        registration=course.registration,
        package_id=scope.package_id,
        course_iri=course.iri,
        manifest=course.manifest,
    )
    if also_waived is not None:
        known[also_waived].add(moveon.WAIVED)
    met = moveon.met_units(course.manifest, known)
    targets = moveon.satisfied(course.manifest, met)
    if None in targets and row.completed_at is None:
        row.completed_at = now
    ids = {statements.satisfied_id(course, target): target for target in targets}
    said = set(
        db.scalars(
            select(Stored.statement_id).where(
                Stored.tenant_id == scope.tenant, Stored.statement_id.in_(list(ids))
            )
        )
    )
    return [
        statements.satisfied(course, target, session_id=session_id, at=now)
        for statement_id, target in ids.items()
        if statement_id not in said
    ]
