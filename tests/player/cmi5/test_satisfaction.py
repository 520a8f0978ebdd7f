"""What units have said, across launches, and what that satisfies once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from player.cmi5.duties import scope_of
from player.cmi5.satisfaction import known_verbs, newly_satisfied
from player.sittings import sit_down
from tests.player.cmi5.opened import Course
from tests.player.cmi5.sample import COURSE

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


@pytest.fixture
def course(db: Session, config: Config, now: datetime) -> Course:
    return Course(db, config, now)


def reach(course: Course, unit: int, *instants: str) -> uuid.UUID:
    """Launch a unit and let its session have these instants."""
    launch_id = course.launch(unit)
    session = course.session(launch_id)
    for name in instants:
        setattr(session, name, course.now)
    course.db.flush()
    return launch_id


def known(course: Course) -> dict[int, set[str]]:
    return known_verbs(
        course.db,
        tenant=1,
        registration=course.registration,
        package_id=course.package.id,
        course_iri=COURSE,
        manifest=course.manifest,
    )


def news(course: Course, launch_id: uuid.UUID) -> list[str]:
    sitting = sit_down(course.db, config=course.config, launch_id=launch_id)
    said = newly_satisfied(
        course.db,
        scope_of(sitting),
        row=sitting.registration,
        session_id="s",
        now=course.now,
    )
    return [one["object"]["definition"]["name"]["en-US"] for one in said]


def test_nothing_at_first(course: Course) -> None:
    launch_id = course.launch(0)
    assert known(course) == {0: set(), 1: set(), 2: set()}
    assert news(course, launch_id) == []


def test_verbs_of_all_sessions_of_the_registration(course: Course) -> None:
    reach(course, 0, "completed_at")
    reach(course, 0, "passed_at")
    reach(course, 2, "failed_at")
    assert known(course) == {0: {"completed", "passed"}, 1: set(), 2: set()}


def test_another_registration_knows_nothing_of_it(course: Course) -> None:
    reach(course, 0, "passed_at")
    other = Course(course.db, course.config, course.now)
    other.launch(0)
    assert known(other)[0] == set()


def test_blocks_then_the_course(course: Course) -> None:
    launch_id = reach(course, 0, "passed_at")
    assert news(course, launch_id) == ["Block 1"]
    launch_id = reach(course, 1, "completed_at")
    # the inner one is said already: the launch of another unit looked again
    assert news(course, launch_id) == ["Block 0"]
    launch_id = reach(course, 2, "completed_at")
    assert news(course, launch_id) == ["A course"]
    assert course.row().completed_at == course.now
