from datetime import timedelta

import pytest

from lrs.db import reading, writing
from portal.enrolments import find_enrolments
from portal.history import Past, replay_past
from portal.standings import standings_of
from portal.users import get_user


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "Completed"),
        ({"attested": False}, "One step left"),
        ({"scaled": "0.79"}, "Below the pass mark"),
        ({"parts": 2}, "In progress"),
    ],
)
def test_past_weeks_are_judged_like_all_others(world, change, status) -> None:
    values = {
        "email": "officer@example.org",
        "name": "Officer",
        "agency": "",
        "position": "sworn",
        "sample": "report-writing",
        "days_ago": 3,
    }
    config, then = world.parts.config, world.now + timedelta(days=1)
    with writing(world.parts.engine) as db:
        replay_past(
            db,
            config=config,
            past=Past(**(values | change)),
            user=get_user(db, user_id=world.cast.officer.id),
            course_id=world.course_id,
            now=then,
        )
    with reading(world.parts.engine) as db:
        rows = find_enrolments(db, user_id=world.cast.officer.id)
        [found] = standings_of(
            db, config=config, enrolments=rows, now=then + timedelta(days=1)
        )
    assert found.status == status
