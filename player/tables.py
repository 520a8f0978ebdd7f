"""Tables of the player: attempts, launches and the log of what they sent.

They stand together because four modules work on them in one transaction, under the
lock of the registration's row.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from lrs.db import Base, Exact, Json, UtcDateTime, new_id


class Registration(Base):
    """One person taking one course; its row is the lock of everything below it.

    `launch_id` is the launch that writes at present. `shared` is what units of SCORM
    2004 leave for each other: stores of `adl.data` and global objectives.
    """

    __tablename__ = "registration"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    registration: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    actor_ifi: Mapped[str] = mapped_column(Text)
    launch_id: Mapped[UUID | None] = mapped_column(Uuid)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    shared: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Attempt(Base):
    """A learner's work on one unit: the CMI model and what it amounts to.

    `seconds` is the time spent: what the SCO reports, else what the browser's
    monotonic clock says.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_unit", "tenant_id", "registration", "package_id", "unit"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    tenant_id: Mapped[int] = mapped_column(Integer)
    registration: Mapped[UUID] = mapped_column(Uuid)
    package_id: Mapped[UUID] = mapped_column(Uuid)
    unit: Mapped[int] = mapped_column(Integer)
    mode: Mapped[str] = mapped_column(String(10))
    values: Mapped[dict[str, str]] = mapped_column(Json)
    started: Mapped[bool] = mapped_column(Boolean, default=False)
    suspended: Mapped[bool] = mapped_column(Boolean, default=False)
    status: Mapped[str] = mapped_column(String(20), default="not attempted")
    completion: Mapped[str] = mapped_column(String(12), default="unknown")
    success: Mapped[str] = mapped_column(String(8), default="unknown")
    scaled: Mapped[Decimal | None] = mapped_column(Exact)
    seconds: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    saved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Launch(Base):
    """One sitting. Its content is served while it has neither ended nor expired.

    `live`: between initialize and terminate. `counted` and `counted_seat` say how
    much of the present session has been added to the CMI's total time and to the
    attempt's seconds. `learner_name` is for the SCO's eyes and erased at the end.
    `last_seq` counts the entries of the browser's journal, `commands` those of HACP.
    """

    __tablename__ = "launch"
    __table_args__ = (
        Index("ix_launch_registration", "tenant_id", "registration", "opened_at"),
        Index("ix_launch_live", "live", "received_at"),
        Index("ix_launch_opened", "tenant_id", "opened_at", "id"),
        Index("ix_launch_actor", "tenant_id", "actor_ifi", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    tenant_id: Mapped[int] = mapped_column(Integer)
    registration: Mapped[UUID] = mapped_column(Uuid)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("attempt.id"))
    package_id: Mapped[UUID] = mapped_column(Uuid)
    unit: Mapped[int] = mapped_column(Integer)
    standard: Mapped[str] = mapped_column(String(12))
    mode: Mapped[str] = mapped_column(String(10))
    actor: Mapped[dict[str, Any]] = mapped_column(Json)
    actor_ifi: Mapped[str] = mapped_column(Text)
    learner_name: Mapped[str] = mapped_column(Text)
    course_iri: Mapped[str] = mapped_column(Text)
    course_title: Mapped[str] = mapped_column(Text)
    revision: Mapped[str] = mapped_column(Text)
    mastery: Mapped[dict[str, str]] = mapped_column(Json)
    return_url: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(String(32), index=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    live: Mapped[bool] = mapped_column(Boolean, default=False)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    last_hash: Mapped[str] = mapped_column(String(64), default="")
    commands: Mapped[int] = mapped_column(Integer, default=0)
    mono: Mapped[int | None] = mapped_column(BigInteger)
    elapsed: Mapped[int] = mapped_column(BigInteger, default=0)
    counted: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    counted_seat: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))

    @property
    def place(self) -> int:
        """How far both its logs have come, in one number that is never the same."""
        return self.last_seq - (self.commands << 54)


class Preview(Base):
    """An author looks at a unit: opens content as a launch does, and records nothing.

    It has no registration, no attempt and no entries. Its label is random, so that
    nothing a unit keeps in its browser storage is there the next time.
    """

    __tablename__ = "preview"

    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer)
    package_id: Mapped[UUID] = mapped_column(Uuid)
    unit: Mapped[int] = mapped_column(Integer)
    opened_by: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Entry(Base):
    """What a launch sent, in order; never changed. `changes` are the accepted ones.

    `calls` are the calls of the run-time that led to it, where the page told them (see
    `player.calls`); `opening` the values that a session began with.
    """

    __tablename__ = "entry"

    launch_id: Mapped[UUID] = mapped_column(ForeignKey("launch.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    uuid: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(String(12))
    changes: Mapped[list[list[str]]] = mapped_column(Json)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    calls: Mapped[list[list[Any]] | None] = mapped_column(Json)
    opening: Mapped[dict[str, str] | None] = mapped_column(Json)
    client_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    mono: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
    is_chained: Mapped[bool] = mapped_column(Boolean)


class SideEntry(Base):
    """What came too late, or under a taken number: kept, shown, never applied."""

    __tablename__ = "side_entry"

    launch_id: Mapped[UUID] = mapped_column(ForeignKey("launch.id"), primary_key=True)
    uuid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(12))
    changes: Mapped[list[list[str]]] = mapped_column(Json)
    client_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(20))
