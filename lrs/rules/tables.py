"""Tables of the rules: the dated catalogue they read, the ledger they write.

Catalogue rows (`Offer`, `Structure`, `ActivityRole`, `PersonLink`, `Review`) are
append-only. Each takes the next number of its tenant's `Change` log, which also says
after which statement it was made (`position`): statements and changes so have one
order, and a replay sees every rule exactly when the first run saw it.

Derived rows (`Award`, `Standing`) can be emptied and come back byte for byte.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, Index, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from lrs.db import Base, Exact, Json, UtcDateTime

# stands for "no registration" where a key needs a value
NO_REGISTRATION = uuid.UUID(int=0)


class RulesCursor(Base):
    """How far the rules have read the log and the changes of a tenant."""

    __tablename__ = "rules_cursor"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    change: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)


class Change(Base):
    """One change of the catalogue: its number, and the last statement before it."""

    __tablename__ = "rules_change"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    course_key: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Offer(Base):
    """A course as offered from an instant on: policy, hours, credit, audience.

    `approvals` say who approved it: `[{"authority", "reference", "day"}]`; no rule
    reads them.
    """

    __tablename__ = "offer"
    __table_args__ = (
        Index("ix_offer_course", "tenant_id", "course_key", "number"),
        Index("ix_offer_product", "tenant_id", "product"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    course_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    course_iri: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(String(100))
    product: Mapped[str] = mapped_column(String(400))
    period: Mapped[str | None] = mapped_column(String(40))
    zone: Mapped[str] = mapped_column(String(64))
    hours: Mapped[Decimal | None] = mapped_column(Exact)
    credit: Mapped[Decimal | None] = mapped_column(Exact)
    transfer: Mapped[str] = mapped_column(String(40))
    audience: Mapped[list[str]] = mapped_column(Json)
    mandates: Mapped[list[str]] = mapped_column(Json)
    approvals: Mapped[list[dict[str, str]]] = mapped_column(Json, default=list)
    effective_from: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Structure(Base):
    """The units of a revision of a course, as the rules need them.

    `units`: `[{"iri", "title", "required", "move_on"}]` in order.
    """

    __tablename__ = "course_structure"
    __table_args__ = (
        Index("ix_course_structure_course", "tenant_id", "course_key", "number"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    course_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    course_iri: Mapped[str] = mapped_column(Text)
    revision: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(Text)
    units: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    effective_from: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CourseUnit(Base):
    """That an activity is, or was, a unit of a course: the way back from a unit."""

    __tablename__ = "course_unit"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    activity_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    course_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)


class ActivityRole(Base):
    """What an activity is in a course: unit, pretest, posttest; proposed or confirmed.

    The newest row of a (course, revision, activity) counts. `revision` "" means every
    revision. A proposal that nobody confirmed counts as a pre-test.
    """

    __tablename__ = "activity_role"
    __table_args__ = (
        Index("ix_activity_role_activity", "tenant_id", "activity_key", "number"),
        Index("ix_activity_role_course", "tenant_id", "course_key", "number"),
        Index("ix_activity_role_role", "tenant_id", "role"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    activity_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    activity_iri: Mapped[str] = mapped_column(Text)
    unit_key: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    course_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    course_iri: Mapped[str] = mapped_column(Text)
    revision: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(Text)
    proposed: Mapped[bool]
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(200))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PersonLink(Base):
    """From here on an identifier belongs to a person; the newest row counts."""

    __tablename__ = "person_link"
    __table_args__ = (
        Index("ix_person_link_actor", "tenant_id", "actor_key", "number"),
        Index("ix_person_link_person", "tenant_id", "person", "number"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    actor_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    ifi: Mapped[str] = mapped_column(Text)
    person: Mapped[uuid.UUID] = mapped_column(Uuid)
    previous: Mapped[uuid.UUID] = mapped_column(Uuid)
    why: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Review(Base):
    """A person decided by which clock a late statement counts."""

    __tablename__ = "rules_review"
    __table_args__ = (
        Index("ix_rules_review_statement", "tenant_id", "statement_id", "number"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False
    )
    statement_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    clock: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    reviewed_by: Mapped[str] = mapped_column(String(200))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Award(Base):
    """An entry of the ledger: a completion or credit awarded, or taken back.

    `id` is the entry's own; `award` is the same for an award and its reversals, made
    from the evidence alone. `at` is the completion instant, `ready_at` the one at
    which the last thing (the attestation) was there. `recorded_at`, `cause_seq` and
    `cause_change` name the statement or change that brought the entry about.
    """

    __tablename__ = "award"
    __table_args__ = (
        Index("ix_award_number", "tenant_id", "number", unique=True),
        Index("ix_award_award", "tenant_id", "award", "number"),
        Index("ix_award_person", "tenant_id", "person", "number"),
        Index("ix_award_registration", "tenant_id", "registration", "number"),
        Index("ix_award_course", "tenant_id", "course_key", "at"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    award: Mapped[uuid.UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(String(20))
    entry: Mapped[str] = mapped_column(String(20))
    person: Mapped[uuid.UUID] = mapped_column(Uuid)
    ifi: Mapped[str] = mapped_column(Text)
    course_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    course_iri: Mapped[str] = mapped_column(Text)
    registration: Mapped[uuid.UUID] = mapped_column(Uuid)
    revision: Mapped[str] = mapped_column(String(100))
    product: Mapped[str] = mapped_column(String(400))
    period: Mapped[str] = mapped_column(String(80))
    policy: Mapped[str] = mapped_column(String(100))
    policy_from: Mapped[date] = mapped_column(Date)
    zone: Mapped[str] = mapped_column(String(64))
    term: Mapped[str | None] = mapped_column(String(40))
    cycle: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ready_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scaled: Mapped[Decimal | None] = mapped_column(Exact)
    hours: Mapped[Decimal | None] = mapped_column(Exact)
    credit: Mapped[Decimal | None] = mapped_column(Exact)
    transfer: Mapped[str] = mapped_column(String(40))
    mandates: Mapped[list[str]] = mapped_column(Json)
    flags: Mapped[list[str]] = mapped_column(Json)
    evidence: Mapped[list[str]] = mapped_column(Json)
    completion: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    cause_seq: Mapped[int] = mapped_column(BigInteger)
    cause_change: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Standing(Base):
    """What was last decided about a person in a course and registration."""

    __tablename__ = "standing"
    __table_args__ = (
        Index("ix_standing_product", "tenant_id", "person", "product"),
        Index("ix_standing_course", "tenant_id", "course_key"),
        Index("ix_standing_registration", "tenant_id", "registration"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    course_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    registration: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    course_iri: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(40))
    product: Mapped[str | None] = mapped_column(String(400))
    award: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    decision: Mapped[dict[str, Any]] = mapped_column(Json)
    cause_seq: Mapped[int] = mapped_column(BigInteger)
    cause_change: Mapped[int] = mapped_column(BigInteger)
