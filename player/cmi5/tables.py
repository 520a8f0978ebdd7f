"""The table of sessions: what the launching system knows of one launch of a unit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from lrs.db import Base, Json, UtcDateTime


class Cmi5Session(Base):
    """One launch of a unit of cmi5; the id of its session is that of the launch.

    `launch_data` is what `LMS.LaunchData` was when it was launched. `fetched_at` decides
    who gets the authorization, of which the digest alone is kept. The instants of the
    unit's own statements are their timestamps, `last_at` the latest of all; the others
    are of the server's clock. `ended_at` is when `terminated` arrived.
    """

    __tablename__ = "cmi5_session"
    __table_args__ = (
        Index("ix_cmi5_session_registration", "tenant_id", "registration", "activity"),
    )

    launch_id: Mapped[UUID] = mapped_column(ForeignKey("launch.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer)
    registration: Mapped[UUID] = mapped_column(Uuid)
    activity: Mapped[str] = mapped_column(Text)
    launch_data: Mapped[dict[str, Any]] = mapped_column(Json)
    launched_at: Mapped[datetime] = mapped_column(UtcDateTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    secret_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    preferences_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    initialized_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    passed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    terminated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    abandoned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def session_id(self) -> str:
        """What statements of the session carry (9.6.3.1)."""
        return str(self.launch_id)

    @property
    def is_open(self) -> bool:
        """Whether it has neither ended nor been abandoned."""
        return self.terminated_at is None and self.abandoned_at is None
