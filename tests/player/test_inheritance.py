"""What a registration of SCORM 2004 begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from player import launches, sittings
from player.activities import tree_of
from player.inheritance import inherited
from tests.player.sample import OTHER, Player, add_package, make_unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from packages.courses import Package

LEFT = {
    "objectives": {"goal": {"success_status": "passed"}, "other": {"scaled": "1"}},
    "data": {"store": "kept", "elsewhere": "no"},
}


def activities(**root: Any) -> dict[str, Any]:
    """Give a tree of one unit that reads the objective `goal` and the store `store`."""
    leaf = {
        "identifier": "ITEM-0",
        "title": "Lesson 1",
        "unit": 0,
        "visible": True,
        "sequencing": {
            "objectives": {
                "primaryObjective": {"mapInfo": [{"targetObjectiveID": "goal"}]},
                "objective": [{"dataMapInfo": [{"targetObjectiveID": "measure"}]}],
            }
        },
        "data": [{"targetID": "store"}],
        "children": [],
    }
    return {
        "identifier": "ORG",
        "title": "A course",
        "unit": None,
        "visible": True,
        "sequencing": {},
        "children": [leaf],
        **root,
    }


def course(db: Session, now: datetime, **root: Any) -> Package:
    """Give a course of SCORM 2004 with that tree."""
    return add_package(
        db,
        make_unit(0),
        now=now,
        standard="scorm_2004",
        edition="4th",
        activities=activities(**root),
    )


def leave(page: Player, left: dict[str, Any]) -> None:
    """Let the page's registration leave this to others."""
    page.start()
    launch = launches.get_launch(page.db, launch_id=page.launch_id)
    row = sittings.lock_registration(
        page.db,
        tenant=launch.tenant_id,
        registration=launch.registration,
        actor_ifi=launch.actor_ifi,
    )
    row.shared = left
    page.db.flush()


def taken(page: Player) -> dict[str, Any]:
    """Give what the page's registration takes from the learner's others."""
    launch = launches.get_launch(page.db, launch_id=page.launch_id)
    sitting = sittings.sit_down(page.db, config=page.config, launch_id=page.launch_id)
    return inherited(page.db, launch, tree_of(sitting.manifest))


def test_what_another_course_has_left_is_taken_where_this_one_names_it(
    db: Session, config: Config, now: datetime
) -> None:
    first = Player(db, config, course(db, now), now).open()
    leave(first, LEFT)
    second = Player(db, config, course(db, now), now).open()
    assert taken(second) == {
        "objectives": {"goal": {"success_status": "passed"}},
        "data": {"store": "kept"},
    }


def test_a_course_may_keep_to_itself(
    db: Session, config: Config, now: datetime
) -> None:
    leave(Player(db, config, course(db, now), now).open(), LEFT)
    alone = course(db, now, objectivesGlobalToSystem=False)
    assert taken(Player(db, config, alone, now).open()) == {"data": {"store": "kept"}}
    alone = course(
        db, now, objectivesGlobalToSystem=False, sharedDataGlobalToSystem=False
    )
    assert taken(Player(db, config, alone, now).open()) == {}


def test_the_latest_goes_before_and_other_learners_leave_nothing(
    db: Session, config: Config, now: datetime
) -> None:
    older = Player(db, config, course(db, now), now).open()
    leave(older, LEFT)
    newer = older.again()
    newer = Player(db, config, course(db, now), newer.now).open()
    leave(newer, {"objectives": {"goal": {"success_status": "failed"}}})
    third = Player(db, config, course(db, now), newer.now).open()
    assert taken(third) == {
        "objectives": {"goal": {"success_status": "failed"}},
        "data": {"store": "kept"},
    }
    stranger = Player(db, config, course(db, now), now).open(actor=OTHER)
    assert taken(stranger) == {}


def test_a_course_without_a_tree_takes_nothing(
    db: Session, config: Config, now: datetime
) -> None:
    leave(Player(db, config, course(db, now), now).open(), LEFT)
    plain = Player(db, config, add_package(db, now=now), now).open()
    assert taken(plain) == {}
