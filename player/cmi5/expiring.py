"""Sessions whose time is up: the unit was closed, or its computer, without a word.

cmi5 9.3.6: a session that ends so is abandoned by the launching system.
"""

from datetime import datetime

from sqlalchemy import select

from lrs.db import reading, writing
from lrs.parts import Parts
from player import launches
from player.cmi5.tables import Cmi5Session
from player.tables import Launch

BATCH = 200


def abandon_expired(parts: Parts, now: datetime) -> None:
    """Periodic: end launches of cmi5 that have expired while their session was open."""
    expired = (
        select(Launch.id)
        .join(Cmi5Session, Cmi5Session.launch_id == Launch.id)
        .where(
            Cmi5Session.terminated_at.is_(None),
            Cmi5Session.abandoned_at.is_(None),
            Launch.ended_at.is_(None),
            Launch.expires_at <= now,
        )
        .order_by(Launch.expires_at)
        .limit(BATCH)
    )
    with reading(parts.engine) as db:
        found = db.scalars(expired).all()
    for launch_id in found:
        with writing(parts.engine) as db:
            launches.end(db, config=parts.config, launch_id=launch_id, now=now)
