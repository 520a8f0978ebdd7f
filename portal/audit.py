"""What staff did: an append-only list of acts, read by the auditor and operator."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, Json, UtcDateTime, new_id


class AuditEntry(Base):
    """One act: who, what, on which thing, with what."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_subject", "subject_id", "at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(80))
    detail: Mapped[dict[str, Any]] = mapped_column(Json)


def record_act(
    db: Session,
    *,
    user_id: uuid.UUID | None,
    action: str,
    subject: str,
    subject_id: object,
    detail: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Add an entry in the transaction of the act itself."""
    db.add(
        AuditEntry(
            at=now,
            user_id=user_id,
            action=action,
            subject=subject,
            subject_id=str(subject_id),
            detail=dict(detail or {}),
        )
    )


def find_acts(
    db: Session, *, subject_id: object | None = None, limit: int = 200
) -> Sequence[AuditEntry]:
    """The newest acts first, of one thing where given."""
    query = select(AuditEntry).order_by(AuditEntry.at.desc()).limit(limit)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == str(subject_id))
    return db.scalars(query).all()
