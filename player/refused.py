"""What a unit sent that was refused: kept with its launch, for those who look for why."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lrs.db import insert_new
from player.tables import SideEntry
from statements.errors import DomainError
from statements.prepare import Prepared

KIND = "statement"
# of a launch; who sends more than that has been told often enough
MOST = 100
LONGEST = 20_000
_PLACE = re.compile(r"\$\[([0-9]{1,6})\]")


def keep_refused(
    db: Session,
    *,
    launch_id: UUID,
    statements: Sequence[Prepared],
    refusal: DomainError,
    now: datetime,
) -> None:
    """Keep the statement that is to blame, once, with the reason.

    The same may be refused twice at once: no lock is held.
    """
    place = _PLACE.match(str(refusal.extra.get("path", "")))
    blamed = statements[int(place[1]) if place else 0]
    known = db.scalar(select(func.count()).where(SideEntry.launch_id == launch_id))
    if (known or 0) >= MOST:
        return
    told = {
        "detail": refusal.detail,
        "requirement": str(refusal.extra.get("requirement", "")),
        KIND: blamed.raw[:LONGEST].decode("utf-8", "replace"),
    }
    insert_new(
        db,
        SideEntry,
        launch_id=launch_id,
        uuid=blamed.id,
        seq=(known or 0) + 1,
        kind=KIND,
        changes=[list(item) for item in told.items()],
        client_at=blamed.timestamp,
        received_at=now,
        reason=refusal.code[:20],
    )


def has_refused(db: Session, *, launch_id: UUID) -> bool:
    """Whether a statement of the launch was refused."""
    found = select(SideEntry.uuid).where(
        SideEntry.launch_id == launch_id, SideEntry.kind == KIND
    )
    return db.scalar(found.limit(1)) is not None
