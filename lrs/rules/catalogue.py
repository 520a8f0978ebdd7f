"""The dated catalogue: offers, structures and roles of courses, and late reviews.

Rows are only ever added. Each change is numbered under the lock of the tenant's clock
row, so that it has one place between the statements of the log: the rules, and every
replay of them, see it from there on. Call these late in a transaction: the clock
stays locked until it ends.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.jobs import enqueue
from lrs.rules.facts import LONGEST_WORD, Observation, RoleTerms, Shape, UnitTerms
from lrs.rules.policy import PERIODS, ROLES, OfferTerms, policy_book
from lrs.rules.tables import (
    ActivityRole,
    Change,
    CourseUnit,
    Offer,
    Review,
    Structure,
)
from lrs.tables import Clock, key_of
from lrs.tenants import touch
from statements.errors import Invalid

POSITIONS = ("sworn", "dispatcher", "npo", "community")
MOVE_ON = (
    "Completed",
    "Passed",
    "CompletedOrPassed",
    "CompletedAndPassed",
    "NotApplicable",
)
CLOCKS = ("timestamp", "stored")
CHUNK = 400
LONGEST_PRODUCT = 400


def note_change(
    db: Session, *, tenant: int, kind: str, course_key: uuid.UUID | None, now: datetime
) -> int:
    """Take the next number of the change log; the rules look at it soon after."""
    position = db.scalars(
        select(Clock.seq).where(Clock.tenant_id == tenant).with_for_update()
    ).one()
    last = db.scalar(select(func.max(Change.number)).where(Change.tenant_id == tenant))
    number = (last or 0) + 1
    db.add(
        Change(
            tenant_id=tenant,
            number=number,
            position=position,
            kind=kind,
            course_key=course_key,
            recorded_at=now,
        )
    )
    enqueue(db, "rules.changed", {"tenant": tenant}, run_at=now)
    return number


def record_offer(
    db: Session,
    *,
    tenant: int,
    course_iri: str,
    policy: str,
    effective_from: datetime,
    now: datetime,
    zone: str,
    hours: Decimal | None = None,
    credit: Decimal | None = None,
    transfer: str = "none",
    audience: Collection[str] = (),
    mandates: Sequence[str] = (),
    approvals: Sequence[Mapping[str, str]] = (),
    product: str | None = None,
    period: str | None = None,
) -> Offer:
    """Offer a course from an instant on, or change the offer from then on.

    `credit` 0 is a value; None grants none. An empty audience is everyone. `product`
    (the course itself by default) joins deliveries that earn credit only once
    together; `period` is the product's own, else the policy's. Raises Invalid.
    """
    book = policy_book()
    _known("policy", policy, book.versions)
    _known("transfer", transfer, book.transfers)
    _known_all("audience", audience, POSITIONS)
    known = {mandate.id for mandate in book.mandates} | {
        f"{mandate.id}:{category}"
        for mandate in book.mandates
        for category in mandate.categories
    }
    _known_all("mandates", mandates, known)
    if period is not None:
        _known("period", period, PERIODS)
    _check_amount("hours", hours)
    _check_amount("credit", credit)
    _check_zone(zone)
    product = product or course_iri
    if len(product) > LONGEST_PRODUCT:
        message = f"product: give one of at most {LONGEST_PRODUCT} characters."
        raise Invalid(message, field="product")
    course_key = key_of(course_iri)
    offer = Offer(
        tenant_id=tenant,
        number=note_change(
            db, tenant=tenant, kind="offer", course_key=course_key, now=now
        ),
        course_key=course_key,
        course_iri=course_iri,
        policy=policy,
        product=product,
        period=period,
        zone=zone,
        hours=hours,
        credit=credit,
        transfer=transfer,
        audience=sorted(set(audience)),
        mandates=list(mandates),
        approvals=[dict(one) for one in approvals],
        effective_from=effective_from,
        recorded_at=now,
    )
    db.add(offer)
    db.flush()
    return offer


def record_structure(
    db: Session,
    *,
    tenant: int,
    course_iri: str,
    revision: str,
    units: Sequence[UnitTerms],
    now: datetime,
    effective_from: datetime | None = None,
    title: str = "",
) -> Structure:
    """Say which units a revision of a course has; the newest row counts."""
    for unit in units:
        _known("move_on", unit.move_on, MOVE_ON)
    _check_revision(revision)
    course_key = key_of(course_iri)
    structure = Structure(
        tenant_id=tenant,
        number=note_change(
            db, tenant=tenant, kind="structure", course_key=course_key, now=now
        ),
        course_key=course_key,
        course_iri=course_iri,
        revision=revision,
        title=title,
        units=[
            {
                "iri": unit.iri,
                "title": unit.title,
                "required": unit.required,
                "move_on": unit.move_on,
            }
            for unit in units
        ],
        effective_from=effective_from or now,
        recorded_at=now,
    )
    db.add(structure)
    for activity_key in {key_of(unit.iri) for unit in units}:
        db.merge(
            CourseUnit(
                tenant_id=tenant, activity_key=activity_key, course_key=course_key
            )
        )
    db.flush()
    return structure


def set_role(
    db: Session,
    *,
    tenant: int,
    course_iri: str,
    activity_iri: str,
    role: str,
    now: datetime,
    revision: str = "",
    title: str = "",
    unit_iri: str | None = None,
    proposed: bool = False,
    by: str | None = None,
) -> ActivityRole:
    """Say what an activity is in a course: confirmed, or `proposed` by the import.

    Roles have no date: a late confirmation works backwards. `unit_iri` names the unit
    that an objective or interaction is part of; `by` who confirmed. To say that a
    proposed test is none, confirm it as `unit`.
    """
    _known("role", role, ROLES)
    _check_revision(revision)
    course_key = key_of(course_iri)
    row = ActivityRole(
        tenant_id=tenant,
        number=note_change(
            db, tenant=tenant, kind="role", course_key=course_key, now=now
        ),
        activity_key=key_of(activity_iri),
        activity_iri=activity_iri,
        unit_key=None if unit_iri is None else key_of(unit_iri),
        course_key=course_key,
        course_iri=course_iri,
        revision=revision,
        role=role,
        title=title,
        proposed=proposed,
        confirmed_at=None if proposed else now,
        confirmed_by=None if proposed else by,
        recorded_at=now,
    )
    db.add(row)
    db.flush()
    touch(db, tenant=tenant)
    return row


def record_review(
    db: Session,
    *,
    tenant: int,
    statement_id: uuid.UUID,
    clock: str,
    reason: str,
    by: str,
    now: datetime,
) -> Review:
    """Decide that a held statement counts by its `timestamp`, or when it was `stored`."""
    _known("clock", clock, CLOCKS)
    review = Review(
        tenant_id=tenant,
        number=note_change(db, tenant=tenant, kind="review", course_key=None, now=now),
        statement_id=statement_id,
        clock=clock,
        reason=reason,
        reviewed_by=by,
        recorded_at=now,
    )
    db.add(review)
    db.flush()
    return review


def _known(field: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise Invalid(f"{field}: {value!r} is not one of {sorted(known)}.", field=field)


def _known_all(field: str, values: Iterable[str], known: Collection[str]) -> None:
    for value in values:
        _known(field, value, known)


def _check_amount(field: str, value: Decimal | None) -> None:
    if value is not None and (not value.is_finite() or value < 0):
        raise Invalid(f"{field}: {value} is not an amount.", field=field)


def _check_revision(revision: str) -> None:
    if len(revision) > LONGEST_WORD or not revision.isprintable():
        raise Invalid(f"revision: at most {LONGEST_WORD} signs.", field="revision")


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Invalid(
            f"zone: {zone!r} is not an IANA time zone.", field="zone"
        ) from error


@dataclass(frozen=True)
class CourseRows:
    """All rows about a course; read as they stood after change `number`."""

    iri: str
    key: uuid.UUID
    offers: Sequence[Offer]
    structures: Sequence[Structure]
    roles: Sequence[ActivityRole]

    def is_known(self, number: int) -> bool:
        """Whether anything had been recorded about it."""
        rows: Iterable[Offer | Structure | ActivityRole] = (
            *self.offers,
            *self.structures,
            *self.roles,
        )
        return any(row.number <= number for row in rows)

    def offers_at(self, number: int) -> list[OfferTerms]:
        """Its offers in the order of recording."""
        return [offer_terms(row) for row in self.offers if row.number <= number]

    def activities_at(self, number: int) -> frozenset[str]:
        """The IRIs of the course, its units and the activities that have a role."""
        return frozenset(
            [
                self.iri,
                *(
                    unit["iri"]
                    for row in self.structures
                    if row.number <= number
                    for unit in row.units
                ),
                *(row.activity_iri for row in self.roles if row.number <= number),
            ]
        )

    def shape(self, revision: str, number: int) -> Shape:
        """Units and roles of a revision; the newest where the revision is unknown."""
        structures = [row for row in self.structures if row.number <= number]
        named = [row for row in structures if row.revision == revision]
        structure = next(iter((named or structures)[::-1]), None)
        if structure is not None:
            revision = structure.revision
        newest: dict[str, ActivityRole] = {}
        for row in self.roles:
            if row.number <= number and row.revision in {"", revision}:
                newest[row.activity_iri] = row
        return Shape(
            self.iri,
            "" if structure is None else structure.title,
            tuple(UnitTerms(**unit) for unit in structure.units) if structure else (),
            tuple(
                RoleTerms(row.activity_iri, row.role, row.title, not row.proposed)
                for row in sorted(newest.values(), key=lambda row: row.activity_iri)
            ),
        )


def offer_terms(row: Offer) -> OfferTerms:
    """The part of an offer that decisions need."""
    return OfferTerms(
        effective_from=row.effective_from,
        policy=row.policy,
        product=row.product,
        zone=row.zone,
        period=row.period,
        hours=row.hours,
        credit=row.credit,
        transfer=row.transfer,
        audience=frozenset(row.audience),
        mandates=tuple(row.mandates),
    )


def owns(activities: frozenset[str], course_iri: str, one: Observation) -> bool:
    """Whether an observation can matter to a course with these activities.

    It is about one of them; or, about something inside the course, it says who the
    person is or which gate was open.
    """
    if one.activity in activities:
        return True
    return bool(one.position or one.gates) and course_iri in one.context


def get_course_rows(db: Session, *, tenant: int, course_iri: str) -> CourseRows:
    """All rows about a course; empty lists for an unknown one."""
    key = key_of(course_iri)
    return load_courses(db, tenant=tenant, keys=[key]).get(
        key, CourseRows(course_iri, key, (), (), ())
    )


def load_courses(
    db: Session, *, tenant: int, keys: Collection[uuid.UUID]
) -> dict[uuid.UUID, CourseRows]:
    """All rows about the courses among these keys."""
    found: dict[uuid.UUID, CourseRows] = {}
    for part in chunks(sorted(keys)):
        offers = db.scalars(
            select(Offer)
            .where(Offer.tenant_id == tenant, Offer.course_key.in_(part))
            .order_by(Offer.number)
        ).all()
        structures = db.scalars(
            select(Structure)
            .where(Structure.tenant_id == tenant, Structure.course_key.in_(part))
            .order_by(Structure.number)
        ).all()
        roles = db.scalars(
            select(ActivityRole)
            .where(ActivityRole.tenant_id == tenant, ActivityRole.course_key.in_(part))
            .order_by(ActivityRole.number)
        ).all()
        rows: Sequence[Offer | Structure | ActivityRole] = [
            *offers,
            *structures,
            *roles,
        ]
        for key, iri in {row.course_key: row.course_iri for row in rows}.items():
            found[key] = CourseRows(
                iri,
                key,
                [row for row in offers if row.course_key == key],
                [row for row in structures if row.course_key == key],
                [row for row in roles if row.course_key == key],
            )
    return found


def courses_of_activities(
    db: Session, *, tenant: int, keys: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, set[uuid.UUID]]:
    """Activity key -> keys of courses it is a unit of or has a role in."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for part in chunks(sorted(keys)):
        for table in (CourseUnit, ActivityRole):
            for activity, course in db.execute(
                select(table.activity_key, table.course_key)
                .where(table.tenant_id == tenant, table.activity_key.in_(part))
                .distinct()
            ):
                found.setdefault(activity, set()).add(course)
    return found


def chunks(keys: Sequence[uuid.UUID]) -> Iterable[Sequence[uuid.UUID]]:
    """The keys in lists short enough for one query."""
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
