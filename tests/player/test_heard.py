"""What has been heard of a unit, whatever its standard."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from player.heard import heard_of
from statements.errors import NotFound
from tests.player.cmi5.opened import Course
from tests.player.sample import Player, add_package

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


def test_units_without_sessions_are_heard_by_their_attempt(
    db: Session, config: Config, now: datetime
) -> None:
    player = Player(db, config, add_package(db, now=now), now).open()
    assert heard_of(db, launch_id=player.launch_id).state == "silent"
    player.start()
    player.do("initialize")
    assert heard_of(db, launch_id=player.launch_id).state == "running"


def test_units_of_cmi5_by_their_session(
    db: Session, config: Config, now: datetime
) -> None:
    course = Course(db, config, now)
    launch_id = course.launch(0)
    found = [heard_of(db, launch_id=launch_id).state]
    session = course.session(launch_id)
    for name in ("initialized_at", "terminated_at"):
        setattr(session, name, now)
        db.flush()
        found.append(heard_of(db, launch_id=launch_id).state)
    assert found == ["silent", "running", "over"]


def test_an_ended_launch_is_over(db: Session, config: Config, now: datetime) -> None:
    course = Course(db, config, now)
    launch_id = course.launch(0)
    course.end(launch_id)
    assert heard_of(db, launch_id=launch_id).state == "over"


def test_what_is_not_there_is_not_found(db: Session) -> None:
    with pytest.raises(NotFound):
        heard_of(db, launch_id=uuid.uuid4())
