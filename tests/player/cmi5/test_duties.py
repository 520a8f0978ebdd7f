"""What happens when a launch of cmi5 is opened, starts and ends."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from player.cmi5.duties import LaunchUsed
from player.cmi5.sessions import fetch
from statements.errors import LaunchClosed
from tests.player.cmi5.opened import SESSION, Course
from tests.player.cmi5.sample import ACTOR, au, block, manifest_with, nested

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from packages.manifest import Manifest
    from player.outcomes import Mode


@pytest.fixture
def course(db: Session, config: Config, now: datetime) -> Course:
    return Course(db, config, now)


def free() -> Manifest:
    """A block without criteria, and a unit that has one."""
    return manifest_with(au(0, block=0), au(1, move_on="Completed"), blocks=(block(0),))


def test_all_is_ready_before_the_unit_runs(course: Course) -> None:
    launch_id = course.launch(0)
    assert course.verbs() == ["launched"]
    data = course.document("LMS.LaunchData", 0)
    assert data == course.session(launch_id).launch_data
    assert {name: data[name] for name in ("launchMode", "masteryScore", "moveOn")} == {
        "launchMode": "Normal",
        "masteryScore": 0.8,
        "moveOn": "Passed",
    }
    assert data["returnURL"] == f"http://localhost:8000/cmi5/return/{launch_id}"
    assert data["contextTemplate"]["extensions"][SESSION] == str(launch_id)
    assert "launchParameters" not in data
    assert "entitlementKey" not in data
    assert course.document("cmi5LearnerPreferences")["audioPreference"] == "on"


@pytest.mark.parametrize("mode", ["Normal", "Browse", "Review"])
def test_the_mode_is_told(course: Course, mode: Mode) -> None:
    course.launch(0, mode=mode)
    [launched] = course.told()
    extensions = launched["context"]["extensions"]
    assert (
        extensions["https://w3id.org/xapi/cmi5/context/extensions/launchmode"] == mode
    )
    assert course.document("LMS.LaunchData", 0)["launchMode"] == mode


def test_a_policy_sets_the_mastery(course: Course) -> None:
    course.launch(0, mastery={0: Decimal("0.75")})
    assert course.document("LMS.LaunchData", 0)["masteryScore"] == 0.75


def test_what_the_course_structure_says_is_passed_on(
    db: Session, config: Config, now: datetime
) -> None:
    unit = au(0, launch_parameters="a=1", entitlement_key="xyz", move_on="Completed")
    course = Course(db, config, now, manifest_with(unit))
    course.launch()
    data = course.document("LMS.LaunchData", 0)
    assert data["launchParameters"] == "a=1"
    assert data["entitlementKey"] == {"courseStructure": "xyz"}
    assert "masteryScore" not in data


def test_the_page_is_led_to_the_launch_address(course: Course) -> None:
    launch_id = course.launch(0)
    told = course.start(launch_id)
    address = urlsplit(told["entry"])
    query = {name: value for name, [value] in parse_qs(address.query).items()}
    assert (query.pop("lang"), address.fragment) == ("en", "start")
    assert orjson.loads(query.pop("actor")) == ACTOR
    assert query.pop("fetch").startswith("http://localhost:8000/cmi5/fetch/")
    assert query == {
        "endpoint": "http://localhost:8000/xapi/",
        "registration": str(course.registration),
        "activityId": course.activity(0),
    }
    assert (told["own_window"], told["kind"], told["standard"]) == (False, "au", "cmi5")
    # loading the page again before the unit has begun changes nothing
    assert course.start(launch_id)["entry"] == told["entry"]


def test_a_used_launch_is_not_started_again(course: Course) -> None:
    launch_id = course.launch(0)
    token = parse_qs(urlsplit(course.start(launch_id)["entry"]).query)["fetch"][0]
    found = fetch(
        course.db, config=course.config, token=token.rpartition("/")[2], now=course.now
    )
    assert isinstance(found, dict)
    with pytest.raises(LaunchUsed):
        course.start(launch_id)


@pytest.mark.parametrize("unit", [0, 1], ids=["the same unit", "another unit"])
def test_a_launch_abandons_the_session_there_was(course: Course, unit: int) -> None:
    first = course.launch(0)
    second = course.launch(unit)
    assert course.verbs() == ["launched", "abandoned", "launched"]
    abandoned = course.told()[1]
    assert abandoned["context"]["extensions"][SESSION] == str(first)
    assert abandoned["object"]["id"] == course.activity(0)
    assert abandoned["result"] == {"duration": "PT0S"}
    assert course.session(first).abandoned_at == course.now
    assert course.session(second).is_open
    with pytest.raises(LaunchClosed):
        course.start(first)


def test_ending_abandons_once(course: Course) -> None:
    launch_id = course.launch(0)
    for _ in range(2):
        course.end(launch_id)
    assert course.verbs() == ["launched", "abandoned"]


def test_a_session_that_ended_itself_is_not_abandoned(course: Course) -> None:
    launch_id = course.launch(0)
    course.session(launch_id).terminated_at = course.now
    course.end(launch_id)
    course.launch(0)
    assert course.verbs() == ["launched", "launched"]


def test_what_has_no_criterion_is_satisfied_at_registration(
    db: Session, config: Config, now: datetime
) -> None:
    course = Course(db, config, now, free())
    launch_id = course.launch(1)
    assert course.verbs() == ["satisfied", "launched"]
    satisfied = course.told()[0]
    # outside a session of a unit: under an id of its own
    assert satisfied["context"]["extensions"][SESSION] != str(launch_id)
    assert course.row().completed_at is None
    course.launch(0)
    assert course.verbs().count("satisfied") == 1


def test_a_course_without_criteria_is_complete_at_registration(
    db: Session, config: Config, now: datetime
) -> None:
    course = Course(db, config, now, manifest_with(au(0)))
    course.launch()
    assert course.verbs() == ["satisfied", "launched"]
    assert course.row().completed_at == course.now


def test_the_activity_is_ours_and_the_same_everywhere(course: Course) -> None:
    course.launch(0)
    course.launch(0)
    first, _, second = (one["object"]["id"] for one in course.told())
    assert first == second == course.activity(0)
    assert first != nested().units[0].identifier
