"""Certificates: issued once for a completion, stored, never changed.

The words and the two PDFs are fixed when the certificate is issued; a later change
of a name, an offer or a policy leaves them alone. When the evidence is taken back,
the certificate shows "under review" until a person decides. The code is a keyed hash
of the completion: the same one however often the job runs, and not to be guessed.
"""

import hashlib
import hmac
import io
import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.config import Config
from lrs.db import Base, Exact, Json, UtcDateTime, insert_new, reading, writing
from lrs.parts import Parts
from lrs.persons import person_of
from lrs.rules.ledger import CREDIT, find_awards
from lrs.rules.tables import Award
from lrs.rules.terms import CreditCycle, cycle_of
from lrs.tables import MAIN_TENANT
from player.urls import course_iri
from portal import words
from portal.agencies import Agency
from portal.enrolments import Enrolment, find_enrolment
from portal.training import cycles
from portal.typeset import ORIENTATIONS, Orientation, Words, render_certificate
from portal.users import User, actor_of
from statements.actors import ifi
from statements.errors import NotFound

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
STATES = {
    "valid": "Valid",
    "under_review": "This certificate is under review",
    "revoked": "This certificate was revoked",
}
# Where a reader may mistake a sign for another one.
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
TAKEN_BACK = "A record that it rests on was taken back. A person looks at it."
_NAMESPACE = uuid.UUID("b51c8a0a-9a3e-5f0c-9d0e-3f6c9f1f7f52")


class Certificate(Base):
    """The document of one completion."""

    __tablename__ = "certificate"
    __table_args__ = (
        Index("ix_certificate_user", "user_id", "completed_at"),
        Index("ix_certificate_agency", "agency_id"),
        Index("ix_certificate_enrolment", "enrolment_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    award: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portal_user.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    agency_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("agency.id"))
    learner_name: Mapped[str] = mapped_column(String(200))
    agency_name: Mapped[str] = mapped_column(String(200))
    course_title: Mapped[str] = mapped_column(Text)
    term: Mapped[str] = mapped_column(String(40))
    hours: Mapped[Decimal | None] = mapped_column(Exact)
    credit: Mapped[Decimal | None] = mapped_column(Exact)
    completed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    zone: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(120))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20))
    state_reason: Mapped[str] = mapped_column(Text)
    files: Mapped[dict[str, Any]] = mapped_column(Json)

    @property
    def state_text(self) -> str:
        """The state in words."""
        return STATES[self.state]

    @property
    def credit_text(self) -> str:
        """The credit in words."""
        return words.credit_text(self.credit)


def code_for(config: Config, award: uuid.UUID) -> str:
    """The verification code of a completion: sixteen signs, eighty bits."""
    digest = hmac.digest(
        config.secret_key.encode(), b"certificate:" + award.bytes, hashlib.sha256
    )
    number = int.from_bytes(digest[:10], "big")
    signs = "".join(ALPHABET[(number >> shift) & 31] for shift in range(75, -1, -5))
    return "-".join(signs[at : at + 4] for at in range(0, 16, 4))


def normal_code(text: str) -> str:
    """A code as typed by hand, in its one spelling; empty when it cannot be one."""
    signs = [
        sign
        for sign in text.upper().translate(_READ_AS)
        if sign not in " -\u2013\u2014_.\t"
    ]
    if len(signs) != 16 or any(sign not in ALPHABET for sign in signs):
        return ""
    return "-".join("".join(signs[at : at + 4]) for at in range(0, 16, 4))


def verify_url(config: Config, code: str) -> str:
    """Where anyone may check the certificate."""
    return f"{config.portal_url}/verify/{code}"


def sentence_of(certificate: Certificate) -> str:
    """What was completed, in a sentence."""
    length = words.hours_text(certificate.hours)
    return (
        f"a course of {length}, in the {certificate.term} session."
        if length
        else f"in the {certificate.term} session."
    )


def facts_of(
    certificate: Certificate, *, all_cycles: Sequence[CreditCycle]
) -> list[tuple[str, str]]:
    """Labels and values, in the order in which they are printed."""
    zone = certificate.zone
    facts = [
        ("Completed", words.instant_in(certificate.completed_at, zone)),
        ("Time zone", zone),
        ("Course hours", words.hours_text(certificate.hours)),
        ("Credit", words.credit_text(certificate.credit)),
    ]
    cycle = cycle_of(all_cycles, certificate.completed_at, zone)
    if certificate.credit is not None and cycle is not None:
        span = f"{words.day_text(cycle.start)} \u2013 {words.day_text(cycle.last_day)}"
        facts.append(("Credit cycle", span))
    facts.append(("Issued", words.day_in(certificate.issued_at, zone)))
    return [(label, value) for label, value in facts if value]


def words_of(config: Config, certificate: Certificate) -> Words:
    """What the PDF says."""
    return Words(
        learner=certificate.learner_name,
        agency=certificate.agency_name,
        course=certificate.course_title,
        sentence=sentence_of(certificate),
        facts=facts_of(certificate, all_cycles=cycles()),
        note="Follow your organization\u2019s own procedures to have the credit recorded.",
        issuer="Rollcall",
        code=certificate.code,
        verify_url=verify_url(config, certificate.code),
    )


def issue_for_completion(parts: Parts, payload: dict[str, Any], now: datetime) -> None:
    """Job `completion.derived`: issue the certificate of a completion.

    Does nothing for a completion outside the portal or of another person than the
    one enrolled, and for one that was reversed meanwhile. A certificate that is there
    is valid again. Safe to repeat: the id and the code come from the award.
    """
    if payload["tenant"] != MAIN_TENANT:
        return
    award_id = uuid.UUID(str(payload["award"]))
    review_for_reversal(parts, payload, now)
    with reading(parts.engine) as db:
        certificate = _draft(db, config=parts.config, award_id=award_id, now=now)
    if certificate is None:
        return
    files: dict[str, Any] = {}
    text = words_of(parts.config, certificate)
    for orientation in ORIENTATIONS:
        pdf = render_certificate(text, orientation=orientation)
        digest = hashlib.sha256(pdf).hexdigest()
        # what another worker prints at the same time has a place of its own
        key = f"certificates/{certificate.id}/{orientation}-{digest[:16]}.pdf"
        parts.storage.put(key, io.BytesIO(pdf), content_type="application/pdf")
        files[orientation] = {"key": key, "sha256": digest, "size": len(pdf)}
    certificate.files = files
    row = {
        column.key: getattr(certificate, column.key)
        for column in Certificate.__mapper__.column_attrs
    }
    with writing(parts.engine) as db:
        insert_new(db, Certificate, **row)


def _held_by(
    db: Session, *, config: Config, award_id: uuid.UUID, enrolment: Enrolment
) -> list[Award]:
    """The completion and its credit, as the person enrolled holds them now.

    The registration alone says nothing: anyone may write statements that name it.
    """
    learner = ifi(actor_of(enrolment.user_id, portal_url=config.portal_url))
    if learner is None:
        return []
    person = person_of(db, tenant=MAIN_TENANT, ifi=learner)
    course = course_iri(config, enrolment.course_id)
    return [
        held
        for held in find_awards(
            db,
            tenant=MAIN_TENANT,
            person=person,
            registration=enrolment.registration,
        )
        if held.course_iri == course and award_id in {held.award, held.completion}
    ]


def _draft(
    db: Session, *, config: Config, award_id: uuid.UUID, now: datetime
) -> Certificate | None:
    """The certificate to issue, not yet stored; None when there is none to issue."""
    registration = db.scalar(
        select(Award.registration)
        .where(Award.tenant_id == MAIN_TENANT, Award.award == award_id)
        .limit(1)
    )
    if registration is None:
        return None
    enrolment = find_enrolment(db, registration=registration)
    certificate_id = uuid.uuid5(_NAMESPACE, str(award_id))
    if enrolment is None or db.get(Certificate, certificate_id) is not None:
        return None
    held = _held_by(db, config=config, award_id=award_id, enrolment=enrolment)
    completion = next((one for one in held if one.award == award_id), None)
    if completion is None:
        return None
    credit = next((one for one in held if one.kind == CREDIT), None)
    user = db.get_one(User, enrolment.user_id)
    agency = db.get(Agency, user.agency_id) if user.agency_id else None
    return Certificate(
        id=certificate_id,
        code=code_for(config, award_id),
        award=award_id,
        user_id=user.id,
        enrolment_id=enrolment.id,
        agency_id=user.agency_id,
        learner_name=user.name,
        agency_name=agency.name if agency else "",
        course_title=enrolment.course_title,
        term=completion.term or enrolment.term,
        hours=completion.hours,
        credit=credit.credit if credit else None,
        completed_at=completion.at,
        zone=completion.zone,
        policy=f"{completion.policy} of {completion.policy_from.isoformat()}",
        issued_at=now,
        state="valid",
        state_reason="",
        files={},
    )


def review_for_reversal(parts: Parts, payload: dict[str, Any], now: datetime) -> None:
    """Job `completion.reversed`: where the evidence is gone, a person must look.

    Goes by what holds now, for jobs come in any order: a completion that moved to
    the person that two identifiers turned out to be, or that came back, is valid.
    """
    del now
    if payload["tenant"] != MAIN_TENANT:
        return
    award_id = uuid.UUID(str(payload["award"]))
    with writing(parts.engine) as db:
        certificate = db.scalar(
            select(Certificate).where(Certificate.award == award_id).with_for_update()
        )
        if certificate is None:
            return
        enrolment = db.get_one(Enrolment, certificate.enrolment_id)
        held = _held_by(db, config=parts.config, award_id=award_id, enrolment=enrolment)
        if held and certificate.state_reason == TAKEN_BACK:
            certificate.state, certificate.state_reason = "valid", ""
        elif not held and certificate.state == "valid":
            certificate.state, certificate.state_reason = "under_review", TAKEN_BACK


def get_certificate(db: Session, *, certificate_id: uuid.UUID) -> Certificate:
    """The certificate; raises NotFound."""
    certificate = db.get(Certificate, certificate_id)
    if certificate is None:
        message = "There is no such certificate."
        raise NotFound(message)
    return certificate


def find_by_code(db: Session, *, code: str) -> Certificate | None:
    """The certificate with a code as typed by hand."""
    wanted = normal_code(code)
    if not wanted:
        return None
    return db.scalar(select(Certificate).where(Certificate.code == wanted))


def find_certificates(
    db: Session,
    *,
    user_ids: Sequence[uuid.UUID] = (),
    enrolment_ids: Sequence[uuid.UUID] = (),
) -> Sequence[Certificate]:
    """Of these people or enrolments, the newest completion first."""
    query = select(Certificate).order_by(Certificate.completed_at.desc())
    if user_ids:
        query = query.where(Certificate.user_id.in_(user_ids))
    if enrolment_ids:
        query = query.where(Certificate.enrolment_id.in_(enrolment_ids))
    return db.scalars(query).all() if user_ids or enrolment_ids else []


def pdf_key(certificate: Certificate, *, orientation: Orientation) -> str:
    """Where the stored PDF lies."""
    return str(certificate.files[orientation]["key"])
