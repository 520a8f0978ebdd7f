"""Statements of the launching system: objects, results, contexts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from player.cmi5 import statements
from statements import vocabulary
from statements.prepare import prepare
from tests.player.cmi5.sample import COURSE, PUBLISHER, au, course_with, nested

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SESSION = "5b6c7d8e-0000-4000-8000-000000000001"
CMI5 = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
MOVE_ON = "https://w3id.org/xapi/cmi5/context/categories/moveon"
EXTENSION = "https://w3id.org/xapi/cmi5/context/extensions/"
IRI = f"{COURSE}/units/au-0"
DATA = {
    "launchMode": "Normal",
    "moveOn": "Passed",
    "masteryScore": 0.8,
    "launchParameters": "a=1",
}


def all_four() -> dict[str, dict[str, Any]]:
    course = course_with(nested())
    unit = course.manifest.units[0]
    about: dict[str, Any] = {"iri": IRI, "session_id": SESSION, "at": AT}
    url = "https://a.content.net/unit.html"
    return {
        "launched": statements.launched(
            course, unit, launch_data=DATA, url=url, **about
        ),
        "abandoned": statements.abandoned(
            course, unit, seconds=Decimal("61.5"), **about
        ),
        "waived": statements.waived(
            course,
            unit,
            id=statements.id_of(b"k", "waived"),
            reason="Tested Out",
            **about,
        ),
        "satisfied": statements.satisfied(course, None, session_id=SESSION, at=AT),
    }


@pytest.mark.parametrize("verb", ["launched", "abandoned", "waived", "satisfied"])
def test_every_one_has_what_a_cmi5_statement_needs(verb: str) -> None:
    said = all_four()[verb]
    # the record store takes it
    prepare(said, now=AT)
    assert said["verb"]["id"] == vocabulary.verb(verb)
    assert said["actor"]["account"]["name"] == "learner-1"
    assert said["timestamp"] == "2026-03-02T09:30:00.000000Z"
    context = said["context"]
    assert context["registration"] == "7a1a3c4e-6f0b-4a55-9a8e-0a1b2c3d4e5f"
    assert context["extensions"][f"{EXTENSION}sessionid"] == SESSION
    groups = [one["id"] for one in context["contextActivities"]["grouping"]]
    publisher = PUBLISHER if verb == "satisfied" else f"{PUBLISHER}/au/0"
    assert groups == [publisher, COURSE]
    categories = [one["id"] for one in context["contextActivities"]["category"]]
    assert categories == ([CMI5, MOVE_ON] if verb == "waived" else [CMI5])


def test_launched_tells_how() -> None:
    extensions = all_four()["launched"]["context"]["extensions"]
    assert extensions == {
        f"{EXTENSION}sessionid": SESSION,
        f"{EXTENSION}launchmode": "Normal",
        f"{EXTENSION}launchurl": "https://a.content.net/unit.html",
        f"{EXTENSION}moveon": "Passed",
        f"{EXTENSION}masteryscore": 0.8,
        f"{EXTENSION}launchparameters": "a=1",
    }


def test_results() -> None:
    said = all_four()
    assert "result" not in said["launched"]
    assert "result" not in said["satisfied"]
    assert said["abandoned"]["result"] == {"duration": "PT1M1.5S"}
    reason = "https://w3id.org/xapi/cmi5/result/extensions/reason"
    assert said["waived"]["result"] == {
        "success": True,
        "completion": True,
        "extensions": {reason: "Tested Out"},
    }


def test_blocks_and_courses_are_activities_of_ours() -> None:
    course = course_with(nested())
    inner = statements.satisfied(course, 1, session_id=SESSION, at=AT)["object"]
    outer = statements.satisfied(course, 0, session_id=SESSION, at=AT)["object"]
    whole = statements.satisfied(course, None, session_id=SESSION, at=AT)["object"]
    ids = [one["id"] for one in (inner, outer, whole)]
    assert len(set(ids)) == 3
    assert all(one.startswith(COURSE) for one in ids)
    assert [one["definition"]["type"] for one in (inner, outer, whole)] == [
        "https://w3id.org/xapi/cmi5/activitytype/block",
        "https://w3id.org/xapi/cmi5/activitytype/block",
        "https://w3id.org/xapi/cmi5/activitytype/course",
    ]
    assert inner["definition"]["name"] == {"en-US": "Block 1"}


def test_the_same_thing_is_said_under_one_id() -> None:
    first, second = all_four(), all_four()
    assert {verb: one["id"] for verb, one in first.items()} == {
        verb: one["id"] for verb, one in second.items()
    }
    assert len({one["id"] for one in first.values()}) == 4


def test_the_template_holds_session_and_publisher() -> None:
    unit = au(0)
    found = statements.template(course_with(nested()), unit, session_id=SESSION)
    assert found["extensions"] == {
        f"{EXTENSION}sessionid": SESSION,
        vocabulary.extension("revision"): "3",
    }
    assert found["contextActivities"]["grouping"][0] == {
        "objectType": "Activity",
        "id": f"{PUBLISHER}/au/0",
    }
