"""Tables of the statement log.

Every table carries `tenant_id` first in its key, so that it can be the distribution
key of a distributed PostgreSQL. Actors, verbs and activities are referenced by
`key_of(text)`, sixteen bytes of the SHA-256 of the IFI or IRI. A dictionary table
with serial ids would be a few bytes smaller, but needs a look-up before each write
and makes writers that share an activity wait for each other; a digest needs neither.
"""

import functools
import hashlib
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from lrs.db import Base, Json, UtcDateTime

MAIN_TENANT = 1
# of a name whose key is remembered
USUAL_LENGTH = 250
# what a statement is about whose sub-statement refers to another; no IRI holds a space
QUOTED = "a statement"
# bits of `Statement.plain`
PLAIN = {"1.0.3": 1, "2.0.0": 2}


def key_of(name: str) -> uuid.UUID:
    """The key of an IFI or IRI: the first 16 bytes of its SHA-256."""
    return uuid.UUID(bytes=key_bytes(name))


def key_bytes(name: str) -> bytes:
    """The same as bytes."""
    return _remembered(name) if len(name) <= USUAL_LENGTH else _digest(name)


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]


# only usual names: others may have megabytes
_remembered = functools.lru_cache(maxsize=50_000)(_digest)


def name_of_data(sha2: str) -> str:
    """What the key of an attachment's data is made from; no IRI holds a space."""
    return f"sha2 {sha2}"


class Tenant(Base):
    """One learning record store; the portal's own is `main`, with id 1.

    `revision` grows with every change of what a process remembers of the tenant
    between requests (lrs/remembered.py).
    """

    __tablename__ = "tenant"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)


class Clock(Base):
    """The one row per tenant that gives `seq` and `stored`.

    Locked as the last step of a write, so the order of commits is the order of
    numbers and no reader can miss a row. `referring` is the number of the newest
    statement that refers to another: a writer that saw an older one looks again.
    `largest` is the length in bytes of the largest statement so far, but for the
    few bytes that are the same in all.
    """

    __tablename__ = "clock"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    stored: Mapped[datetime] = mapped_column(UtcDateTime)
    referring: Mapped[int] = mapped_column(BigInteger, default=0)
    largest: Mapped[int] = mapped_column(BigInteger, default=0)


def _present(name: str, column: str, *more: str) -> Index:
    """An index of the rows that have something in the column: most have nothing."""
    given = text(f"{column} IS NOT NULL")
    return Index(
        name,
        "tenant_id",
        column,
        *more,
        postgresql_where=given,
        sqlite_where=given,
    )


class Statement(Base):
    """A stored statement: the text as received, and columns to find it by.

    It is voided when another row's `voids_id` names it, that row has the same
    `authority_key` or `voids_any` (its author may void anything), and it is not
    voiding itself: a relation, not a flag, so both orders of arrival are right.
    `payload` is the text as it is read: what was received, with what the server sets
    at its end. `plain` says in which versions nothing has to be changed for that. `has_score` says whether
    it, or the statement inside it, carries a score, however spelled.
    """

    __tablename__ = "statement"
    __table_args__ = (
        Index("ix_statement_id", "tenant_id", "statement_id", unique=True),
        Index("ix_statement_stored", "tenant_id", "stored"),
        Index("ix_statement_actor", "tenant_id", "actor_key", "seq"),
        Index("ix_statement_verb", "tenant_id", "verb_key", "seq"),
        _present("ix_statement_activity", "activity_key", "seq"),
        _present("ix_statement_registration", "registration", "seq"),
        _present("ix_statement_target", "target_id"),
        _present("ix_statement_voids", "voids_id"),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    statement_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    stored: Mapped[datetime] = mapped_column(UtcDateTime)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_key: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    verb_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    activity_key: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    registration: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    target_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    voids_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    voids_any: Mapped[bool]
    has_score: Mapped[bool]
    plain: Mapped[int] = mapped_column(SmallInteger)
    version: Mapped[str] = mapped_column(String(10))
    authority_key: Mapped[uuid.UUID] = mapped_column(Uuid)
    payload: Mapped[bytes] = mapped_column(LargeBinary)


class Authority(Base):
    """An authority as the server writes it into statements (JSON text)."""

    __tablename__ = "authority"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    authority_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    body: Mapped[str] = mapped_column(Text)


class Reference(Base):
    """Everything a statement refers to: actors and activities, with their usage.

    `usage` says where (`actor`, `object`, `parent`, `grouping`, `sub_object`, …) and
    whether it is an actor or an activity (`statements/references.py`), so one index
    answers `related_agents`, `related_activities` and the rules.
    """

    __tablename__ = "reference"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ref_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    usage: Mapped[str] = mapped_column(String(20), primary_key=True)


class Indirect(Base):
    """What a statement is found by because of the statements that it refers to.

    For a StatementRef, the references of its target, and the target's verb and
    registration (usages `verb` and `registration`), and so on for what that one refers
    to. Written with whichever of the two comes last, so a page need not follow chains:
    only the few statements found here are followed, to see that one statement of the
    chain matches all that is asked, and may be known to the reader.
    """

    __tablename__ = "indirect"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ref_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    usage: Mapped[str] = mapped_column(String(20), primary_key=True)


class Activity(Base):
    """An activity by IRI, with the definition merged from what was received."""

    __tablename__ = "activity"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    activity_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    iri: Mapped[str] = mapped_column(Text)
    definition: Mapped[dict[str, object] | None] = mapped_column(Json)


class Actor(Base):
    """An actor by IFI, so that reports can name what the keys stand for."""

    __tablename__ = "actor"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    actor_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    ifi: Mapped[str] = mapped_column(Text)
