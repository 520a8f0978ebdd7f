"""Sessions kept on the server: the browser holds a random token and nothing else.

The row's key is the SHA-256 of the token, so a copy of the table opens no session.
A session ends after thirty minutes without a request, or twelve hours in all.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, Json, UtcDateTime

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
# How stale `seen_at` may grow, so that reading a page rarely writes.
SEEN_EVERY = timedelta(minutes=1)


class PortalSession(Base):
    """One browser's session."""

    __tablename__ = "portal_session"
    __table_args__ = (Index("ix_portal_session_seen", "seen_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


def new_token() -> str:
    """A fresh, unguessable session token."""
    return secrets.token_urlsafe(32)


def key_of_token(token: str) -> str:
    """The row's key of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_alive(row: PortalSession, *, now: datetime) -> bool:
    """Neither idle too long nor too old."""
    return now - row.seen_at <= IDLE and now - row.created_at <= ABSOLUTE


def find_session(db: Session, *, token: str, now: datetime) -> PortalSession | None:
    """The living session of a token."""
    row = db.get(PortalSession, key_of_token(token))
    return row if row is not None and is_alive(row, now=now) else None


def begin_session(
    db: Session, *, token: str, data: dict[str, Any], now: datetime
) -> None:
    """Keep a new session; those that ended by themselves are cleared away."""
    db.execute(delete(PortalSession).where(PortalSession.seen_at < now - IDLE))
    db.add(
        PortalSession(key=key_of_token(token), data=data, created_at=now, seen_at=now)
    )


def save_session(
    db: Session, *, token: str, data: dict[str, Any], now: datetime
) -> None:
    """Keep what the session holds, and that it was used now.

    A session that was ended meanwhile, by a sign-out in another tab, stays ended.
    """
    db.execute(
        update(PortalSession)
        .where(PortalSession.key == key_of_token(token))
        .values(data=data, seen_at=now)
    )


def end_session(db: Session, *, token: str) -> None:
    """Forget the session at once."""
    db.execute(delete(PortalSession).where(PortalSession.key == key_of_token(token)))
