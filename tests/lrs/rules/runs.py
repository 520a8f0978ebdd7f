"""Running the rules over a database, and comparing what they left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lrs.rules import ledger
from lrs.rules.derive import derive_range, replay
from lrs.rules.tables import Award, RulesCursor, Standing
from lrs.tables import MAIN_TENANT, Clock

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def follow(db: Session, now: datetime) -> None:
    """Bring the rules up to the log, as the worker does."""
    clock = db.get_one(Clock, MAIN_TENANT, populate_existing=True)
    derive_range(db, tenant=MAIN_TENANT, first_seq=1, last_seq=clock.seq, now=now)


def rows(db: Session) -> list[tuple[Any, ...]]:
    """All derived rows, every column, as they are stored."""
    db.flush()
    found: list[tuple[Any, ...]] = []
    for table in (Award.__table__, Standing.__table__, RulesCursor.__table__):
        found += [
            (table.name, *(repr(value) for value in row))
            for row in sorted(
                db.execute(select(*table.columns)).all(),
                key=lambda row: [repr(value) for value in row],
            )
        ]
    return found


def net(db: Session) -> set[tuple[str, str, str, str | None, str]]:
    """Awards in force: kind, period, credit, cycle, award."""
    return {
        (one.kind, one.period, str(one.credit), one.cycle, str(one.award))
        for one in db.scalars(select(Award).where(ledger.in_force()))
    }


def kinds(db: Session) -> list[str]:
    found = db.scalars(select(Award).order_by(Award.number))
    return [f"{one.kind} {one.entry}" for one in found]


def check_replay(db: Session, now: datetime) -> None:
    before = rows(db)
    replay(db, tenant=MAIN_TENANT, now=now)
    assert rows(db) == before


def replayed(db: Session, now: datetime) -> list[tuple[Any, ...]]:
    """The derived rows after emptying them and deriving them again."""
    replay(db, tenant=MAIN_TENANT, now=now)
    return rows(db)
