"""What credentials use: how many requests in a minute, and when the last came.

The limit is a token bucket as the generic cell rate algorithm keeps one (ITU-T I.371):
one number, the instant at which the whole allowance will be there again. It is moved by
one conditional UPDATE, so it is exact however many processes answer. A credential
without a limit pays for nothing but a note of its last use, once a minute. A crash
may lose either: nothing waits for the disk.
"""

import math
import uuid
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    CursorResult,
    Engine,
    ForeignKeyConstraint,
    Uuid,
    case,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.clock import set_patience
from lrs.credentials import Caller
from lrs.db import (
    LOCK_TIMEOUT_SECONDS,
    Base,
    UtcDateTime,
    busy_is_unavailable,
    insert_new,
    without_waiting,
)
from statements.errors import TooMany, Unavailable

NOTE_EVERY = timedelta(minutes=1)
MICROSECONDS = 1_000_000
MINUTE = 60 * MICROSECONDS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# credentials whose last note a process remembers
MAX_REMEMBERED = 10_000


class CredentialUse(Base):
    """The one row per credential that its requests change.

    `whole_at` counts microseconds since 1970; an allowance is whole at that instant.
    """

    __tablename__ = "credential_use"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "credential_id"], ["credential.tenant_id", "credential.id"]
        ),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    credential_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    whole_at: Mapped[int] = mapped_column(BigInteger)


def spend(db: Session, *, caller: Caller, now: datetime) -> None:
    """Take one request from the caller's allowance; raises TooMany when it is empty.

    A full allowance is `per_minute` requests at once; it fills evenly in a minute.
    """
    if caller.per_minute is None:
        return
    without_waiting(db)
    each = MINUTE // caller.per_minute
    instant = _microseconds(now)
    whole = case(
        (CredentialUse.whole_at > instant, CredentialUse.whole_at), else_=instant
    )
    latest = instant + each * caller.per_minute
    change = (
        update(CredentialUse)
        .where(whole + each <= latest)
        .values(whole_at=whole + each, used_at=now)
    )
    if _change(db, caller, change):
        return
    first = {"used_at": now, "whole_at": instant + each}
    if insert_new(db, CredentialUse, **_key(caller), **first):
        return
    # it is empty, or another process made the row meanwhile
    if _change(db, caller, change):
        return
    whole_at = db.execute(
        select(CredentialUse.whole_at).filter_by(**_key(caller))
    ).scalar_one()
    wait = max(1, math.ceil((whole_at + each - latest) / MICROSECONDS))
    raise TooMany(
        f"This credential may send {caller.per_minute} requests a minute; "
        f"try again in {wait} s.",
        retry_after=wait,
        per_minute=caller.per_minute,
    )


def note_use(db: Session, *, caller: Caller, now: datetime) -> None:
    """Note that the caller came, unless that was noted within the last minute."""
    without_waiting(db)
    noted = _change(
        db,
        caller,
        update(CredentialUse)
        .where(CredentialUse.used_at <= now - NOTE_EVERY)
        .values(used_at=now),
    )
    if not noted:
        insert_new(db, CredentialUse, **_key(caller), used_at=now, whole_at=0)


def note_use_in_passing(engine: Engine, *, caller: Caller, now: datetime) -> None:
    """Note the use where nobody writes at this moment; never waits for a writer.

    A reader must not stand behind a long write for the sake of a note.
    """
    try:
        with busy_is_unavailable(), engine.connect() as connection:
            set_patience(connection, 0)
            try:
                with Session(connection) as db, db.begin():
                    note_use(db, caller=caller, now=now)
            finally:
                set_patience(connection, LOCK_TIMEOUT_SECONDS)
    except Unavailable:
        return


def last_uses(
    db: Session, *, credentials: Collection[uuid.UUID]
) -> dict[uuid.UUID, datetime]:
    """When each of the credentials came last, to a minute; those that ever came."""
    rows = db.execute(
        select(CredentialUse.credential_id, CredentialUse.used_at).where(
            CredentialUse.credential_id.in_(credentials)
        )
    )
    return {row.credential_id: row.used_at for row in rows}


class Noted:
    """Which credentials this process noted within the last minute."""

    def __init__(self) -> None:
        self._at: dict[uuid.UUID, datetime] = {}

    def is_fresh(self, caller: Caller, now: datetime) -> bool:
        """Whether the caller was noted within the last minute."""
        last = self._at.get(caller.credential_id)
        return last is not None and now - last < NOTE_EVERY

    def is_due(self, caller: Caller, now: datetime) -> bool:
        """Whether a use of the caller should be noted now; it is taken as done."""
        if self.is_fresh(caller, now):
            return False
        if len(self._at) >= MAX_REMEMBERED:
            self._at.clear()
        self._at[caller.credential_id] = now
        return True


def _change(db: Session, caller: Caller, change: Any) -> bool:
    done = db.execute(
        change.filter_by(**_key(caller)).execution_options(synchronize_session=False)
    )
    return bool(cast("CursorResult[Any]", done).rowcount)


def _key(caller: Caller) -> dict[str, Any]:
    return {"tenant_id": caller.tenant_id, "credential_id": caller.credential_id}


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)
