"""Waivers of cmi5: a session of their own, which what they satisfy shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrs.tables import MAIN_TENANT
from player import registrations
from tests.player.cmi5.opened import CMI5, MOVE_ON, SESSION, Course

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


@pytest.fixture
def course(db: Session, config: Config, now: datetime) -> Course:
    return Course(db, config, now)


def waive(course: Course, unit: int) -> str:
    return str(
        registrations.waive(
            course.db,
            config=course.config,
            tenant=MAIN_TENANT,
            registration=course.registration,
            unit=unit,
            reason="Tested Out",
            now=course.now,
        )
    )


def test_a_waiver_and_what_it_satisfies(course: Course) -> None:
    launch_id = course.launch(1)
    statement_id = waive(course, 0)
    assert course.verbs() == ["launched", "waived", "satisfied"]
    _, waived, satisfied = course.told()
    assert waived["id"] == statement_id
    assert waived["object"]["id"] == course.activity(0)
    related = waived["context"]["contextActivities"]
    assert [one["id"] for one in related["category"]] == [CMI5, MOVE_ON]
    sessions = {one["context"]["extensions"][SESSION] for one in (waived, satisfied)}
    assert len(sessions) == 1
    assert str(launch_id) not in sessions


def test_twice_is_once(course: Course) -> None:
    course.launch(1)
    assert waive(course, 0) == waive(course, 0)
    assert course.verbs().count("waived") == 1
    assert course.verbs().count("satisfied") == 1


def test_waivers_alone_can_satisfy_the_course(course: Course) -> None:
    course.launch(1)
    for unit in range(3):
        waive(course, unit)
    assert course.verbs()[1:] == [
        "waived",
        "satisfied",
        "waived",
        "satisfied",
        "waived",
        "satisfied",
    ]
    sessions = [one["context"]["extensions"][SESSION] for one in course.told()[1:]]
    assert sessions[0::2] == sessions[1::2]
    assert len(set(sessions)) == 3
    standing = registrations.get_standing(
        course.db, tenant=MAIN_TENANT, registration=course.registration
    )
    assert standing.completion == "completed"
    assert [unit.waived for unit in standing.units] == [True, True, True]


def test_what_is_left_to_do_is_told_by_criteria(course: Course) -> None:
    course.launch(1)
    waive(course, 0)
    standing = registrations.get_standing(
        course.db, tenant=MAIN_TENANT, registration=course.registration
    )
    assert [reason.unit for reason in standing.reasons] == [1, 2]
