"""Agencies: the police organisations that learners belong to."""

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, Uuid, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, UtcDateTime, new_id
from statements.errors import Conflict, Invalid, NotFound


class DuplicateAgency(Conflict):
    """There is already an agency with this name."""


class Agency(Base):
    """One organisation; `slug` is its short name in addresses and commands."""

    __tablename__ = "agency"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    in_program: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


def slug_of(name: str) -> str:
    """Lower-case letters, digits and hyphens of a name; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80]


def _short_name(name: str) -> str:
    """The slug; of a name without Latin letters a digest, the same in any case."""
    folded = unicodedata.normalize("NFKC", name).casefold().encode()
    return slug_of(name) or f"agency-{hashlib.sha256(folded).hexdigest()[:12]}"


def create_agency(
    db: Session, *, name: str, in_program: bool = True, now: datetime
) -> Agency:
    """The new agency; its name, without regard to case and accents, is unique.

    The short name carries that: what `lower()` knows differs between databases.
    """
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name or len(name) > 200:
        message = "Give the agency a name of up to 200 characters."
        raise Invalid(message)
    slug = _short_name(name)
    taken = select(Agency.id).where((Agency.name == name) | (Agency.slug == slug))
    if db.scalar(taken) is not None:
        raise DuplicateAgency
    agency = Agency(name=name, slug=slug, in_program=in_program, created_at=now)
    db.add(agency)
    try:
        db.flush()
    except IntegrityError as error:
        raise DuplicateAgency from error
    return agency


def get_agency(db: Session, *, agency_id: uuid.UUID) -> Agency:
    """The agency; raises NotFound."""
    agency = db.get(Agency, agency_id)
    if agency is None:
        message = "There is no such agency."
        raise NotFound(message)
    return agency


def find_agency(db: Session, *, name: str) -> Agency | None:
    """By id, slug or name, as commands name it."""
    wanted = unicodedata.normalize("NFC", " ".join(name.split()))
    try:
        return db.get(Agency, uuid.UUID(wanted))
    except ValueError:
        return db.scalar(
            select(Agency).where(
                (Agency.slug == _short_name(wanted)) | (Agency.name == wanted)
            )
        )


def find_agencies(db: Session) -> Sequence[Agency]:
    """All agencies by name."""
    return db.scalars(select(Agency).order_by(Agency.name)).all()
