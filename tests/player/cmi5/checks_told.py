"""What the launching system says, and what its statements hold (9.3 to 9.6)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import update

from lrs.db import reading, writing
from player.launches import registration_state
from player.tables import Launch
from statements import vocabulary
from statements.scalars import parse_duration, parse_timestamp
from tests.player.cmi5.checks import (
    BLOCK_TYPE,
    COURSE_TYPE,
    about,
    categories,
    context_of,
    data,
    groupings,
    is_same,
    is_satisfied,
    launched,
    of,
    own,
    refuse,
    session_of,
)
from tests.player.cmi5.said import CMI5, MOVE_ON, SESSION
from tests.player.cmi5.story import (
    ALLOWED,
    AU,
    COURSE_ID,
    FREE,
    INNER,
    OUTER,
    SHORT,
    Story,
    send,
)
from tests.player.cmi5.wrong import COMPLETED, NO_OBJECT, PASSED

# 9.3: verbs of the launching system


@of("9.3.0.0-6 (d1)")
def that_a_unit_is_completed_is_known(story: Story) -> None:
    assert session_of(story, story.units["first"]).completed_at is not None
    refuse(story, COMPLETED)


@of("9.3.0.0-7 (d1)")
def that_a_unit_is_passed_is_known(story: Story) -> None:
    assert session_of(story, story.units["passed"]).passed_at is not None
    refuse(story, PASSED)


@of("9.3.0.0-9")
def any_verb_is_recorded_and_shown(story: Story) -> None:
    assert story.answers["allowed"].status_code == 200
    assert story.verbs().count("other") == 3
    unit = story.open("initialized", ALLOWED)
    found = unit.ask("GET", "statements", verb=ALLOWED).json["statements"]
    assert [one["verb"]["id"] for one in found] == [ALLOWED]


@of("9.3.0.0-10", "9.3.0.0-10 (d)")
def a_session_is_abandoned_once(story: Story) -> None:
    unit = story.open("initialized")
    for _ in range(2):
        unit.again(0)
    assert session_of(story, unit).abandoned_at is not None
    sessions = [
        context_of(one, "cmi5_session")
        for one in story.told(unit.registration)
        if SHORT.get(one["verb"]["id"]) == "abandoned"
    ]
    assert sessions.count(str(unit.launch_id)) == 1
    assert len(sessions) == len(set(sessions)) == 2


@of("9.3.0.0-11", "9.3.0.0-11 (d1)", "9.3.7.0-4", "9.3.7.0-4 (d)")
def a_unit_is_waived_once(story: Story) -> None:
    assert len(story.said("waived")) == 1


@of("9.3.1.0-1")
def launched_comes_first(story: Story) -> None:
    assert "launched" in story.answers["launched"]
    assert launched(story)["object"]["id"] == story.units["first"].given["activityId"]


@of("9.3.1.0-2", "9.3.1.0-2 (d)")
def a_session_is_launched_once(story: Story) -> None:
    sessions = [context_of(one, "cmi5_session") for one in story.said("launched")]
    assert sorted(sessions) == sorted(
        str(unit.launch_id) for unit in story.units.values()
    )


@of("9.3.2.0-1", "9.3.2.0-1 (d)")
def a_launch_does_not_wait_for_ever(story: Story) -> None:
    unit = story.open()
    with writing(story.lms.parts.engine) as db:
        past = datetime.now(UTC) - timedelta(seconds=1)
        late = update(Launch).where(Launch.id == unit.launch_id)
        db.execute(late.values(expires_at=past))
    assert send(unit, "initialized").status_code == 401


@of("9.3.3.0-3")
def completed_counts_for_move_on(story: Story) -> None:
    # CompletedAndPassed: not by itself; Completed: at once
    assert story.answers["after completed"].count("satisfied") == 1
    unit = story.open("initialized", "completed", unit=1)
    told = story.told(unit.registration)
    assert [about(one) for one in told if is_satisfied(one)] == ["Part", "Part"]


@of("9.3.4.0-4")
def passed_counts_for_move_on(story: Story) -> None:
    (course,) = [one for one in story.said("satisfied") if about(one) == "A course"]
    passed = str(story.units["passed"].launch_id)
    assert context_of(course, "cmi5_session") == passed
    assert story.answers["after failed"].count("satisfied") == 3


@of("9.3.4.0-2 (d1)")
def the_mastery_score_of_a_session_is_known(story: Story) -> None:
    kept = session_of(story, story.units["first"]).launch_data
    assert kept["masteryScore"] == data(story)["masteryScore"] == 0.8


@of("9.3.6.0-1")
def a_broken_session_is_abandoned(story: Story) -> None:
    (said,) = story.said("abandoned")
    assert context_of(said, "cmi5_session") == str(story.units["lost"].launch_id)
    assert said["object"]["id"] == story.units["lost"].given["activityId"]


@of("9.3.6.0-2", "9.3.6.0-2 (d1)", "9.3.6.0-2 (d2)")
def an_abandoned_session_says_nothing_more(story: Story) -> None:
    assert session_of(story, story.units["lost"]).abandoned_at is not None
    assert story.answers["abandoned"].status_code == 401
    lost = str(story.units["lost"].launch_id)
    verbs = [
        SHORT.get(one["verb"]["id"])
        for one in story.told()
        if context_of(one, "cmi5_session") == lost
    ]
    assert verbs == ["launched", "initialized", None, "abandoned"]


@of("9.3.7.0-1", "9.3.7.0-2", "9.3.7.0-2 (d)", "9.5.5.2-1")
def a_waiver_is_said_with_its_reason(story: Story) -> None:
    (said,) = story.said("waived")
    reason = vocabulary.extension("cmi5_reason")
    assert said["result"]["extensions"][reason] == "Tested Out"


@of("9.3.7.0-3")
def a_waiver_has_a_session_id_of_its_own(story: Story) -> None:
    (said,) = story.said("waived")
    session = context_of(said, "cmi5_session")
    assert uuid.UUID(session)
    same = [one for one in story.told() if context_of(one, "cmi5_session") == session]
    assert {SHORT[one["verb"]["id"]] for one in same} <= {"waived", "satisfied"}


@of("9.3.9.0-1", "9.3.9.0-2")
def blocks_are_satisfied(story: Story) -> None:
    blocks = [one for one in story.said("satisfied") if about(one) != "A course"]
    # the free one at registration, then the inner and the outer one
    assert [about(one) for one in blocks] == ["Part", "Part", "Outer"]
    assert {one["object"]["definition"]["type"] for one in blocks} == {BLOCK_TYPE}


@of("9.3.9.0-3")
def every_block_has_an_id_of_ours(story: Story) -> None:
    blocks = {
        one["object"]["id"]
        for one in story.said("satisfied")
        if about(one) != "A course"
    }
    assert len(blocks) == 3


@of("9.3.9.0-4")
def ids_of_blocks_are_not_the_publishers(story: Story) -> None:
    for one in story.said("satisfied"):
        assert one["object"]["id"] not in {OUTER, INNER, FREE}
    published = set().union(*map(groupings, story.said("satisfied")))
    assert published >= {OUTER, INNER, FREE}


@of("9.3.9.0-5", "9.3.9.0-6")
def the_course_is_satisfied(story: Story) -> None:
    (course,) = [one for one in story.said("satisfied") if about(one) == "A course"]
    assert course["object"]["definition"]["type"] == COURSE_TYPE
    with reading(story.lms.parts.engine) as db:
        state = registration_state(
            db, tenant=1, registration=story.units["first"].registration
        )
    assert state is not None


@of("9.3.9.0-7", "9.3.9.0-8")
def the_course_has_an_id_of_ours(story: Story) -> None:
    (course,) = [one for one in story.said("satisfied") if about(one) == "A course"]
    others = [one for one in story.told() if one is not course]
    assert course["object"]["id"] != COURSE_ID
    assert course["object"]["id"] not in {
        one["object"]["id"] for one in others if not is_same(one, course)
    }
    assert COURSE_ID in groupings(course)


@of("9.3.9.0-9")
def satisfied_names_the_session_that_caused_it(story: Story) -> None:
    second = str(story.units["second"].launch_id)
    caused = [
        about(one)
        for one in story.said("satisfied")
        if context_of(one, "cmi5_session") == second
    ]
    assert caused == ["Part", "Outer"]


@of("9.4.0.0-2")
def the_object_is_the_activity_of_the_launch(story: Story) -> None:
    for verb in ("launched", "abandoned"):
        for one in story.said(verb):
            session = context_of(one, "cmi5_session")
            (unit,) = [
                unit for unit in story.units.values() if str(unit.launch_id) == session
            ]
            assert one["object"]["id"] == unit.given["activityId"]
    refuse(story, NO_OBJECT[0])


# 9.5 and 9.6: what such statements hold


@of("9.5.2.0-1 (d2)", "9.5.3.0-1 (d2)", "9.6.2.2-1 (d4)")
def waived_is_a_success_and_a_completion(story: Story) -> None:
    (said,) = story.said("waived")
    assert said["result"]["success"] is True
    assert said["result"]["completion"] is True
    assert MOVE_ON["id"] in categories(said)


@of("9.5.4.2-1")
def abandoned_has_a_duration(story: Story) -> None:
    (said,) = story.said("abandoned")
    assert parse_duration(said["result"]["duration"]) >= 0


@of("9.5.4.2-2")
def it_is_the_time_from_launched_to_the_last_statement(story: Story) -> None:
    (said,) = story.said("abandoned")
    session = context_of(said, "cmi5_session")
    times = [
        parse_timestamp(one["timestamp"])
        for one in story.told()
        if context_of(one, "cmi5_session") == session and not is_same(one, said)
    ]
    spent = Decimal(str((max(times) - min(times)).total_seconds()))
    assert abs(parse_duration(said["result"]["duration"]) - spent) < Decimal("0.02")


@of("9.6.1.1-3")
def what_asks_for_nothing_is_satisfied_at_registration(story: Story) -> None:
    assert story.answers["launched"].count("satisfied") == 1
    first = story.said("satisfied")[0]
    assert FREE in groupings(first)


@of("9.6.2.3-1")
def the_template_has_the_publishers_id(story: Story) -> None:
    template = data(story)["contextTemplate"]
    assert AU[0] in {one["id"] for one in template["contextActivities"]["grouping"]}


@of("9.6.2.3-2")
def the_launching_system_names_the_publishers_id(story: Story) -> None:
    published = {COURSE_ID, OUTER, INNER, FREE, *AU}
    assert len(own(story)) == 12
    for one in own(story):
        assert groupings(one) & published
        assert CMI5["id"] in categories(one)
    assert AU[0] in groupings(launched(story))


@of("9.6.3.1-1")
def the_session_id_is_generated(story: Story) -> None:
    sessions = [context_of(one, "cmi5_session") for one in story.said("launched")]
    assert len(set(sessions)) == len(sessions) == len(story.units)


@of("9.6.3.1-2", "10.2.1.0-2")
def the_template_has_the_session_id(story: Story) -> None:
    template = data(story)["contextTemplate"]
    assert template["extensions"][SESSION] == context_of(
        launched(story), "cmi5_session"
    )


@of("9.6.3.1-3")
def the_launching_system_names_the_session(story: Story) -> None:
    assert all(context_of(one, "cmi5_session") for one in own(story))


@of("9.6.3.2-1")
def launched_has_the_mastery_score(story: Story) -> None:
    assert context_of(launched(story), "cmi5_mastery_score") == 0.8
    assert context_of(launched(story, "second"), "cmi5_mastery_score") is None


@of("9.6.3.3-1")
def launched_has_the_mode(story: Story) -> None:
    assert context_of(launched(story), "cmi5_launch_mode") == "Normal"


@of("9.6.3.4-1")
def launched_has_the_address(story: Story) -> None:
    address = context_of(launched(story), "cmi5_launch_url")
    entry = story.answers["start"]["entry"]
    assert address.partition("?")[0] == entry.partition("?")[0]
    assert address.endswith("/index.html?lang=en#start")
    elsewhere = context_of(launched(story, "failed"), "cmi5_launch_url")
    assert elsewhere == "https://example.com/a/?x=1"


@of("9.6.3.6-1")
def launched_has_the_criterion(story: Story) -> None:
    assert context_of(launched(story), "cmi5_move_on") == "CompletedAndPassed"


@of("9.6.3.7-1")
def launched_has_the_launch_parameters(story: Story) -> None:
    assert context_of(launched(story), "cmi5_launch_parameters") == "a=1"
    assert context_of(launched(story, "second"), "cmi5_launch_parameters") is None
