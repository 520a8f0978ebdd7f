"""Communication sessions: who writes, what is told, how long content is served."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from lrs.tables import MAIN_TENANT, Authority
from player import sittings
from player.runtimes import runtime_of
from player.tables import Attempt, Launch
from player.translate import Moment
from statements.errors import NotFound
from tests.player.sample import COURSE, LEARNER, Player, add_package, make_unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


@pytest.fixture
def player(db: Session, config: Config, now: datetime) -> Player:
    units = (make_unit(0), make_unit(1))
    return Player(db, config, add_package(db, *units, now=now), now).open()


def sit(player: Player) -> sittings.Sitting:
    return sittings.sit_down(
        player.db, config=player.config, launch_id=player.launch_id
    )


def test_a_sitting_knows_what_its_statements_share(player: Player) -> None:
    sitting = sit(player)
    subject = sitting.subject
    assert subject.actor == LEARNER
    assert subject.registration == player.registration
    assert (subject.course_iri, subject.unit_iri) == (COURSE, f"{COURSE}/units/ITEM-0")
    assert subject.attempt_iri == f"{subject.unit_iri}/attempts/{sitting.attempt.id}"
    assert (subject.course_title, subject.unit_title) == ("A course", "Lesson 1")
    assert sitting.unit == make_unit(0)
    with pytest.raises(NotFound):
        sittings.sit_down(player.db, config=player.config, launch_id=uuid.uuid4())


@pytest.mark.parametrize(
    ("older", "newer", "verbs"),
    [
        ("Normal", "Normal", ["initialized", "suspended"]),
        ("Normal", "Browse", ["initialized", "suspended"]),
        ("Normal", "Review", ["initialized", "suspended"]),
        ("Browse", "Normal", []),
        ("Review", "Normal", []),
        ("Browse", "Browse", []),
    ],
)
def test_each_session_is_told_by_its_own_mode(
    db: Session, config: Config, now: datetime, older: Any, newer: Any, verbs: list[str]
) -> None:
    first = Player(db, config, add_package(db, now=now), now).open(mode=older)
    first.do("initialize")
    first.again(mode=newer).start()
    assert first.verbs() == verbs
    assert db.get_one(Launch, first.launch_id).ended_at is not None


def test_the_end_of_an_older_launch_may_complete_the_course(player: Player) -> None:
    player.sit(lesson_status="completed")
    second = player.again(1)
    second.do("initialize")
    second.do("set", lesson_status="passed")
    told = second.told()
    assert second.verbs()[-3:] == ["passed", "completed", "completed"]
    second.again(0).start()
    assert second.verbs()[-1] == "suspended"
    assert len(second.told()) == len(told) + 1


def test_a_registration_is_locked_once_made(player: Player) -> None:
    rows = [
        sittings.lock_registration(
            player.db,
            tenant=MAIN_TENANT,
            registration=player.registration,
            actor_ifi=sit(player).launch.actor_ifi,
        )
        for _ in range(2)
    ]
    assert rows[0] is rows[1]


def test_going_on_keeps_the_values_and_the_time_counted(player: Player) -> None:
    player.send(
        player.entry("initialize"),
        player.entry("set", ("cmi.core.session_time", "00:01:00")),
    )
    sitting = sit(player)
    moment = Moment(seq=2, at=player.now)
    sittings.close(sitting, moment)
    assert (sitting.launch.live, sitting.attempt.suspended) == (False, True)
    sittings.go_on(sitting, moment)
    assert sitting.launch.live
    assert sitting.attempt.values["cmi.core.session_time"] == "00:01:00"
    assert sitting.launch.counted == 60
    sittings.close(sitting, moment, terminated=True)
    assert sitting.attempt.values["cmi.core.total_time"] == "0000:01:00.00"


def test_how_long_content_is_served(player: Player) -> None:
    launch, now = sit(player).launch, player.now
    launch.live = True
    until = now + timedelta(hours=7)
    sittings.stay_open(launch, now=now + timedelta(hours=5), until=until)
    assert launch.expires_at == until
    launch.live = False
    sittings.stay_open(launch, now=now, until=until)
    assert launch.expires_at == now + timedelta(minutes=30)
    sittings.stay_open(launch, now=now + timedelta(minutes=10), until=until)
    assert launch.expires_at == now + timedelta(minutes=30)


def test_the_player_vouches_for_what_it_records(player: Player) -> None:
    player.do("initialize")
    (body,) = player.db.scalars(select(Authority.body)).all()
    assert orjson.loads(body) == sittings.authority(player.config)
    assert sittings.authority(player.config)["account"] == {
        "homePage": "http://localhost:8000",
        "name": "player",
    }


def test_saving_keeps_what_the_values_amount_to(player: Player) -> None:
    attempt = player.db.get_one(Attempt, sit(player).launch.attempt_id)
    values = attempt.values | {
        "cmi.core.lesson_status": "failed",
        "cmi.core.score.raw": "12.5",
    }
    sittings.save_values(runtime_of("scorm_12"), attempt, values, at=player.now)
    kept = (attempt.status, attempt.completion, attempt.success, str(attempt.scaled))
    assert kept == ("failed", "completed", "failed", "0.125")
    assert attempt.saved_at == player.now
