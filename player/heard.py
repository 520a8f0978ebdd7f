"""What has been heard of units that speak to the record store by themselves.

The player page asks for it, since nothing of it passes through that page.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from player.cmi5.tables import Cmi5Session
from player.refused import has_refused
from player.sittings import get_launch
from player.tables import Attempt

State = Literal["silent", "running", "over"]


@dataclass(frozen=True)
class Heard:
    """How far the unit is, and whether it is finished; never how well.

    `refused`: something that it reported may not be stored.
    """

    state: State
    completion: str
    refused: bool


def heard_of(db: Session, *, launch_id: UUID) -> Heard:
    """What has been heard of a launch; raises NotFound."""
    launch = get_launch(db, launch_id=launch_id)
    attempt = db.get_one(Attempt, launch.attempt_id)
    session = db.get(Cmi5Session, launch_id)
    if launch.ended_at is not None or (session is not None and not session.is_open):
        state: State = "over"
    elif session is None:
        state = "silent" if attempt.saved_at is None else "running"
    else:
        state = "silent" if session.initialized_at is None else "running"
    return Heard(
        state=state,
        completion=attempt.completion,
        refused=has_refused(db, launch_id=launch_id),
    )
