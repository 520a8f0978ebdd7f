"""Enrolments: a person takes a course in a term; one registration for each.

The course version is pinned when enrolling. Dropping keeps the row and every
statement; enrolling again in the same term takes the same registration up again.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, Uuid, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.config import Config
from lrs.db import Base, UtcDateTime, new_id
from lrs.rules.terms import CALENDAR_YEAR, Span, term_of
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT
from packages.courses import get_package
from packages.iris import course_iri
from player.cmi5.registering import satisfied_at_registration
from player.launches import end_registration
from player.sittings import authority
from portal.acts import record_own_act
from portal.catalogue import Listing
from portal.users import User, actor_of
from statements.errors import AlreadyEnrolled, Conflict, NotEligible, NotFound


class AlreadyDropped(Conflict):
    """The enrolment was dropped before."""


class Enrolment(Base):
    """A person, a course and a term."""

    __tablename__ = "enrolment"
    __table_args__ = (
        Index("ix_enrolment_once", "user_id", "course_id", "term", unique=True),
        Index("ix_enrolment_registration", "registration", unique=True),
        Index("ix_enrolment_course", "course_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portal_user.id"))
    course_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    course_version_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    course_title: Mapped[str] = mapped_column(Text)
    revision: Mapped[str] = mapped_column(String(100))
    term: Mapped[str] = mapped_column(String(40))
    registration: Mapped[uuid.UUID] = mapped_column(Uuid)
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attested_version: Mapped[str | None] = mapped_column(String(40))


def current_term(config: Config, now: datetime) -> Span:
    """The yearly term that holds now."""
    return term_of(CALENDAR_YEAR, now, config.timezone)


def enrol(
    db: Session, *, config: Config, user: User, listing: Listing, now: datetime
) -> Enrolment:
    """The enrolment for the current term; raises NotEligible or AlreadyEnrolled.

    Last step of the transaction.
    """
    refusal = listing.refusal_for(user.position)
    if refusal:
        raise NotEligible(refusal)
    term = current_term(config, now).id
    enrolment = db.scalar(
        select(Enrolment)
        .where(
            Enrolment.user_id == user.id,
            Enrolment.course_id == listing.course_id,
            Enrolment.term == term,
        )
        .with_for_update()
    )
    if enrolment is None:
        enrolment = Enrolment(
            id=new_id(),
            user_id=user.id,
            course_id=listing.course_id,
            course_version_id=listing.course_version_id,
            course_title=listing.title,
            revision=listing.revision,
            term=term,
            registration=uuid.uuid4(),
            enrolled_at=now,
        )
        db.add(enrolment)
    elif enrolment.dropped_at is None:
        raise AlreadyEnrolled
    else:
        enrolment.dropped_at = None
    try:
        db.flush()
    except IntegrityError as error:
        # the same click twice, at the same moment
        raise AlreadyEnrolled from error
    satisfied = satisfied_at_registration(
        db,
        config=config,
        package=get_package(db, package_id=listing.package_id),
        course_iri=course_iri(config, listing.course_id),
        course_title=enrolment.course_title,
        revision=enrolment.revision,
        actor=actor_of(user.id, portal_url=config.portal_url),
        registration=enrolment.registration,
        now=now,
    )
    record_own_act(db, config=config, enrolment=enrolment, verb="registered", now=now)
    if satisfied:
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=satisfied,
            authority=authority(config),
            now=now,
        )
    return enrolment


def drop(db: Session, *, config: Config, enrolment: Enrolment, now: datetime) -> None:
    """Take the course off the active ones and end its launches; history stays.

    Last of the transaction.
    """
    db.refresh(enrolment, with_for_update=True)
    if enrolment.dropped_at is not None:
        raise AlreadyDropped
    enrolment.dropped_at = now
    db.flush()
    end_registration(db, config=config, registration=enrolment.registration, now=now)
    record_own_act(db, config=config, enrolment=enrolment, verb="withdrew", now=now)


def get_enrolment(db: Session, *, enrolment_id: uuid.UUID) -> Enrolment:
    """The enrolment; raises NotFound."""
    enrolment = db.get(Enrolment, enrolment_id)
    if enrolment is None:
        message = "There is no such enrolment."
        raise NotFound(message)
    return enrolment


def find_enrolment(db: Session, *, registration: uuid.UUID) -> Enrolment | None:
    """By the registration that its statements carry."""
    return db.scalar(select(Enrolment).where(Enrolment.registration == registration))


def find_enrolments(
    db: Session,
    *,
    user_id: uuid.UUID,
    course_id: uuid.UUID | None = None,
    with_dropped: bool = False,
) -> Sequence[Enrolment]:
    """A person's enrolments, newest first."""
    query = (
        select(Enrolment)
        .where(Enrolment.user_id == user_id)
        .order_by(Enrolment.enrolled_at.desc())
    )
    if course_id is not None:
        query = query.where(Enrolment.course_id == course_id)
    if not with_dropped:
        query = query.where(Enrolment.dropped_at.is_(None))
    return db.scalars(query).all()
