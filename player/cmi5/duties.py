"""What cmi5 asks of the player when a launch is opened, starts and ends.

A launch of cmi5 takes effect when it is opened, because its address works from then on:
it abandons the session there was (9.3.6), evaluates what is satisfied (9.6.1), writes
what the unit finds (10.1) and says `launched` (9.3.1).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from player import sittings
from player.cmi5 import satisfaction, sessions
from player.cmi5.satisfaction import Scope
from player.sittings import Sitting
from player.translate import Moment
from statements.errors import Conflict


class LaunchUsed(Conflict):
    """This launch has been used up by the unit; launch it again."""


def scope_of(sitting: Sitting) -> Scope:
    """Where the launch's registration is judged."""
    launch = sitting.launch
    return Scope(
        tenant=launch.tenant_id,
        package_id=launch.package_id,
        course=sessions.course_of(sitting.config, launch, sitting.manifest),
    )


def opened(db: Session, sitting: Sitting, now: datetime) -> None:
    """The launch is opened: all that comes before the unit runs. Last step."""
    sittings.take_over(db, sitting, now=now)
    launch = sitting.launch
    sitting.statements.extend(
        satisfaction.newly_satisfied(
            db,
            scope_of(sitting),
            row=sitting.registration,
            session_id=str(uuid4()),
            now=now,
        )
    )
    mastery = launch.mastery.get(str(launch.unit))
    sitting.statements.extend(
        sessions.open_session(
            db,
            config=sitting.config,
            launch=launch,
            manifest=sitting.manifest,
            mastery=None if mastery is None else Decimal(mastery),
            now=now,
        )
    )
    sittings.settle(db, sitting, moment=Moment(seq=0, at=now), now=now)


def start(db: Session, sitting: Sitting, now: datetime) -> dict[str, Any]:
    """Where the player page leads; raises LaunchUsed when the unit was there before."""
    del now
    session = sessions.get_session(db, launch_id=sitting.launch.id)
    if session.fetched_at is not None or not session.is_open:
        raise LaunchUsed
    return {
        "entry": sessions.address_of(sitting.config, sitting.launch, sitting.unit),
        "own_window": sitting.unit.launch_method == "OwnWindow",
    }


def end(db: Session, sitting: Sitting, now: datetime) -> None:
    """The launch ends: a session that did not end itself is abandoned."""
    said, seconds = sessions.abandon(
        db,
        config=sitting.config,
        launch=sitting.launch,
        manifest=sitting.manifest,
        now=now,
    )
    sitting.statements.extend(said)
    if said and sitting.attempt.started:
        sittings.record_outcome(sitting, seconds=seconds, at=now)
