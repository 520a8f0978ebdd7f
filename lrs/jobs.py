"""Work that follows a write: the outbox, the followers of the log, the worker.

A job is a row written in the transaction that causes it (transactional outbox), so
it is neither lost nor done for something that was rolled back. A handler runs at
least once and is idempotent; a failure is recorded and tried again with growing
pauses; it stays visible and is never dropped.

A follower reads the statement log in `seq` order. Its cursor advances in the same
transaction as what it writes, so every statement is handled exactly once.
"""

import logging
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import BigInteger, Index, Integer, String, Text, Uuid, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import (
    Base,
    Json,
    UtcDateTime,
    insert_new,
    new_id,
    reading,
    writing,
)
from lrs.parts import Parts
from lrs.tables import Clock
from statements.errors import Unavailable

log = logging.getLogger("rollcall.jobs")

LEASE = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
FOLLOW_BATCH = 500

Handler = Callable[[Parts, dict[str, Any], datetime], None]
Periodic = Callable[[Parts, datetime], None]
Now = Callable[[], datetime]


class Follow(Protocol):
    """Called with each next stretch of the log, inside one transaction."""

    def __call__(
        self, db: Session, *, tenant: int, first_seq: int, last_seq: int, now: datetime
    ) -> None: ...


class Job(Base):
    """One piece of work; done when `done_at` is set."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_due", "done_at", "run_at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    failure: Mapped[str | None] = mapped_column(Text)


class Follower(Base):
    """How far a follower has read the log of a tenant."""

    __tablename__ = "follower"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


def enqueue(
    db: Session, kind: str, payload: dict[str, Any], *, run_at: datetime
) -> Job:
    """Add a job in the caller's transaction; it runs once that has committed."""
    job = Job(kind=kind, payload=payload, created_at=run_at, run_at=run_at)
    db.add(job)
    return job


def run_due(
    parts: Parts, handlers: Mapping[str, tuple[Handler, ...]], now: datetime
) -> int:
    """Run every job that is due at `now`; the number of jobs tried."""
    tried = 0
    while run_next(parts, handlers, lambda: now):
        tried += 1
    return tried


def run_next(
    parts: Parts, handlers: Mapping[str, tuple[Handler, ...]], clock: Now
) -> bool:
    """Run the job that has been due the longest; whether there was one.

    While it runs its lease is renewed, so that only the job of a worker that died is
    taken up by another. Whoever has lost the lease all the same changes nothing.
    """
    claimed = _claim(parts, clock())
    if claimed is None:
        return False
    failure = None
    with _renewed(parts, claimed, clock):
        try:
            for handler in handlers[claimed.kind]:
                handler(parts, claimed.payload, clock())
        except Exception:
            failure = traceback.format_exc()
            log.exception(
                "job failed", extra={"job": str(claimed.id), "kind": claimed.kind}
            )
    pause = min(FIRST_PAUSE * 2 ** min(claimed.tries - 1, 20), LONGEST_PAUSE)
    now = clock()
    _change(
        parts,
        claimed,
        {"done_at": now, "failure": None}
        if failure is None
        else {"run_at": now + pause, "failure": failure},
    )
    return True


@dataclass(frozen=True)
class _Claimed:
    """A job that this worker holds; `tries` is the number of its lease."""

    id: uuid.UUID
    kind: str
    payload: dict[str, Any]
    tries: int


def _claim(parts: Parts, now: datetime) -> _Claimed | None:
    """Lease the next due job, so that no other worker takes it meanwhile."""
    due = (Job.done_at.is_(None), Job.run_at <= now)
    with reading(parts.engine) as db:
        if db.scalar(select(Job.id).where(*due).limit(1)) is None:
            return None
    with writing(parts.engine) as db:
        job = db.scalar(
            select(Job)
            .where(*due)
            .order_by(Job.run_at, Job.created_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if job is None:
            return None
        job.run_at = now + LEASE
        job.tries += 1
        return _Claimed(job.id, job.kind, job.payload, job.tries)


def _change(parts: Parts, claimed: _Claimed, values: dict[str, Any]) -> None:
    """Change the job's row, if the lease is still this worker's."""
    with writing(parts.engine) as db:
        db.execute(
            update(Job)
            .where(Job.id == claimed.id, Job.tries == claimed.tries)
            .values(**values)
        )


@contextmanager
def _renewed(parts: Parts, claimed: _Claimed, clock: Now) -> Iterator[None]:
    """Renew the lease now and then until the block ends."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(LEASE.total_seconds() / 3):
            try:
                _change(parts, claimed, {"run_at": clock() + LEASE})
            except Unavailable:
                log.warning("a lease could not be renewed; trying again")

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def follow(parts: Parts, followers: Mapping[str, Follow], now: datetime) -> int:
    """Let every follower catch up with the log; the number of statements read."""
    with reading(parts.engine) as db:
        clocks = db.execute(select(Clock.tenant_id, Clock.seq)).all()
        seen = {
            (tenant, name): seq
            for tenant, name, seq in db.execute(
                select(Follower.tenant_id, Follower.name, Follower.seq)
            )
        }
    read = 0
    for tenant, end in clocks:
        for name, function in followers.items():
            at = seen.get((tenant, name), 0)
            while at < end:
                at_before = at
                at = _advance(parts, tenant, name, function, end=end, now=now)
                read += at - at_before
    return read


def _advance(
    parts: Parts, tenant: int, name: str, function: Follow, *, end: int, now: datetime
) -> int:
    """One batch of one follower, under a lock on its cursor; the new position."""
    with writing(parts.engine) as db:
        cursor = db.get(Follower, (tenant, name), with_for_update=True)
        if cursor is None:
            # two workers may begin at once: one inserts, both then lock
            insert_new(db, Follower, tenant_id=tenant, name=name, seq=0)
            cursor = db.get_one(Follower, (tenant, name), with_for_update=True)
        first, last = cursor.seq + 1, min(cursor.seq + FOLLOW_BATCH, end)
        if first > last:
            return cursor.seq
        function(db, tenant=tenant, first_seq=first, last_seq=last, now=now)
        cursor.seq = last
        return last
