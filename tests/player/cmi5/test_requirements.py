"""Every requirement of cmi5 upon the launching system, sections 6 to 14, by its number.

`requirements.toml` lists the numbers, `story.py` plays a course; a check looks at what
was told and answered, or tries what must be refused. The test of a requirement is
`test_requirement[<number>-<database>]`.
"""

from __future__ import annotations

import io
import tomllib
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import update

from lrs.config import Config
from lrs.db import make_engine, reading, writing
from lrs.parts import Parts
from packages.check import check_package
from player.cmi5.tables import Cmi5Session
from player.launches import registration_state
from player.tables import Launch
from statements import vocabulary
from statements.scalars import parse_duration, parse_timestamp
from tests.conftest import cloned_postgres, postgres_url, sqlite_url, storage_of
from tests.packages.make import Entry, Zip, package
from tests.packages.test_cmi5 import au, block, course_structure, objective
from tests.player.cmi5 import story as told_by
from tests.player.cmi5.said import (
    CMI5,
    ELSEWHERE,
    MOVE_ON,
    SESSION,
)
from tests.player.cmi5.story import (
    ALLOWED,
    AU,
    COURSE_ID,
    FREE,
    INNER,
    OUTER,
    SHORT,
    Story,
    imported,
    play,
    send,
)
from tests.player.cmi5.wrong import (
    BEFORE,
    COMPLETED,
    NO_CONTEXT,
    NO_OBJECT,
    PASSED,
    REGISTRATIONS,
    SCORES,
    WRONG,
    Wrong,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.player.cmi5.unit import Unit
    from tests.servers import Servers

    Check = Callable[[Story], None]

NUMBERS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("requirements.toml").read_text(encoding="utf-8")
)
CHECKS: dict[str, Check] = {}
BLOCK_TYPE = vocabulary.activity_type("cmi5_block")
COURSE_TYPE = vocabulary.activity_type("cmi5_course")
LAUNCH_DATA, PREFERENCES = "LMS.LaunchData", "cmi5LearnerPreferences"
GOOD = {"languagePreference": "en-US,fr-FR", "audioPreference": "on"}


def of(*numbers: str) -> Callable[[Check], Check]:
    """Name the requirements that a check is for."""

    def keep(check: Check) -> Check:
        for number in numbers:
            assert number not in CHECKS, number
            CHECKS[number] = check
        return check

    return keep


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def story(
    request: pytest.FixtureRequest,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """The course, played once on each database."""
    folder = tmp_path_factory.mktemp("cmi5")
    if request.param == "sqlite":
        url = sqlite_url(servers, folder)
    else:
        url = postgres_url(servers, cloned_postgres(servers))
    config = Config(data=folder, secret_key="a secret", workers=1, database_url=url)
    engine = make_engine(url)
    yield play(Parts(config, engine, storage_of(config)))
    engine.dispose()


@pytest.mark.parametrize("number", NUMBERS["lms"])
def test_requirement(number: str, story: Story) -> None:
    CHECKS[number](story)


def test_every_requirement_has_a_test_of_its_number() -> None:
    assert CHECKS.keys() == set(NUMBERS["lms"])
    everything = [number for numbers in NUMBERS.values() for number in numbers]
    assert len(everything) == len(set(everything)) == 295


def context_of(statement: dict[str, Any], extension: str) -> Any:
    """The value of an extension of the context."""
    return statement["context"]["extensions"].get(vocabulary.extension(extension))


def own(story: Story) -> list[dict[str, Any]]:
    """The statements of the launching system itself."""
    return [
        one for one in story.told() if one["authority"]["account"]["name"] == "player"
    ]


def launched(story: Story, unit: str = "first") -> dict[str, Any]:
    """The statement `launched` of a unit's session."""
    session = str(story.units[unit].launch_id)
    (found,) = [
        one
        for one in story.said("launched")
        if context_of(one, "cmi5_session") == session
    ]
    return found


def data(story: Story) -> dict[str, Any]:
    """The launch data of the first unit."""
    found: dict[str, Any] = story.answers["data"].json
    return found


def categories(statement: dict[str, Any]) -> set[str]:
    return {one["id"] for one in statement["context"]["contextActivities"]["category"]}


def groupings(statement: dict[str, Any]) -> set[str]:
    return {one["id"] for one in statement["context"]["contextActivities"]["grouping"]}


# What must be refused of a unit


def refuse(story: Story, wrong: Wrong) -> None:
    """The statement is refused with 403 and a reason, and nothing of it is stored."""
    unit = story.ready(wrong.said, wrong.earlier, wrong.mode)
    before = story.told(unit.registration)
    answer = send(unit, wrong.verb, wrong.change)
    assert answer.status_code == 403, answer.text
    assert answer.json["detail"]
    if wrong.rule:
        assert answer.json["requirement"] == wrong.rule
    assert story.told(unit.registration) == before


def refusing(cases: list[Wrong]) -> Check:
    def check(story: Story) -> None:
        for wrong in cases:
            refuse(story, wrong)

    return check


for known, cases in WRONG.items():
    of(known)(refusing(cases))


# 6: what the launching system has


@of("6.0.0.0-1", "6.0.0.0-1 (d)")
def the_endpoint_is_a_record_store(story: Story) -> None:
    """Its conformance by itself: tests/conformance."""
    unit = story.open("initialized")
    # units that put a slash of their own before the resource are understood
    about = unit.ask("GET", "/about")
    assert about.status_code == 200
    assert "1.0.3" in about.json["version"]
    found = unit.ask("GET", "statements", registration=str(unit.registration))
    assert [SHORT[one["verb"]["id"]] for one in found.json["statements"]] == [
        "initialized",
        "launched",
        "satisfied",
    ]


@of("6.0.0.0-2", "6.2.0.0-1", "10.1.0.0-1")
def launch_data_is_there_before_the_unit_runs(story: Story) -> None:
    assert story.answers["data"].status_code == 200
    unit = story.lms.launch(0)
    assert unit.begin().launch_data["launchMode"] == "Normal"


@of("6.0.0.0-3", "8.1.0.0-4", "8.1.0.0-5")
def the_address_has_the_five_parameters(story: Story) -> None:
    address = story.answers["start"]["entry"]
    given = dict(parse_qsl(urlsplit(address).query))
    assert given.keys() >= {"endpoint", "fetch", "actor", "registration", "activityId"}


@of("6.0.0.0-4")
def the_statement_resource_judges_statements(story: Story) -> None:
    refuse(story, BEFORE)
    assert story.answers["completed"].status_code == 200


@of("6.0.0.0-5")
def the_profile_resource_knows_preferences(story: Story) -> None:
    assert story.answers["preferences"].json.keys() == GOOD.keys()


@of("6.0.0.0-6", "6.1.0.0-1", "6.1.0.0-3")
def a_course_is_imported(story: Story) -> None:
    manifest = story.lms.manifest
    assert manifest.is_importable
    assert manifest.standard == "cmi5"
    assert [unit.identifier for unit in manifest.units] == AU
    assert [one.identifier for one in manifest.blocks] == [OUTER, INNER, FREE]


@of("6.1.0.0-2")
def more_than_a_thousand_units(story: Story) -> None:
    del story
    units = "".join(
        au(f"https://example.com/au/{number}", url=f"index.html?n={number}")
        for number in range(1001)
    )
    manifest = imported(course_structure(units))
    assert manifest.is_importable
    assert len(manifest.units) == 1001


@of("6.3.0.0-2")
def nothing_that_conflicts_is_there_to_be_voided(story: Story) -> None:
    for wrong in (BEFORE, SCORES, NO_CONTEXT):
        refuse(story, wrong)
    assert "voided" not in story.verbs()


# 7 and 9.3: what is kept in mind of a session


@of("7.1.1.0-1 (d1)", "9.3.0.0-4 (d1)")
def that_a_session_is_initialized_is_known(story: Story) -> None:
    unit = story.open()
    assert session_of(story, unit).initialized_at is None
    assert send(unit, "initialized").status_code == 200
    assert session_of(story, unit).initialized_at is not None


@of("7.1.2.0-1 (d1)", "9.3.0.0-5 (d1)", "9.3.8.0-3")
def that_a_session_is_terminated_is_known(story: Story) -> None:
    session = session_of(story, story.units["first"])
    assert session.terminated_at is not None
    assert not session.is_open
    assert "abandoned" not in [
        SHORT[one["verb"]["id"]]
        for one in own(story)
        if context_of(one, "cmi5_session") == session.session_id
    ]


@of("9.3.8.0-4")
def statements_are_refused_after_the_end(story: Story) -> None:
    assert story.answers["terminated"].status_code == 200
    # the end itself may be repeated, for its answer may have been lost
    assert story.answers["end again"].status_code == 200
    assert story.answers["allowed after the end"].status_code == 403
    # also one that was stored before the end
    assert story.answers["once"].status_code == 200
    assert story.answers["sent after the end"].status_code == 403


def session_of(story: Story, unit: Unit) -> Cmi5Session:
    with reading(story.lms.parts.engine) as db:
        found = db.get_one(Cmi5Session, unit.launch_id)
        db.expunge(found)
        return found


# 8.1: the launch


@of("8.1.0.0-1", "8.1.0.0-2")
def a_unit_that_wants_its_own_window_gets_one(story: Story) -> None:
    assert story.lms.manifest.units[0].launch_method == "OwnWindow"
    assert story.answers["start"]["own_window"] is True


@of("8.1.0.0-3")
def any_window_is_chosen(story: Story) -> None:
    unit = story.lms.launch(1)
    assert story.lms.manifest.units[1].launch_method == "AnyWindow"
    assert told_by.start(story, unit)["own_window"] is False


@of("8.1.0.0-6", "8.1.0.0-6 (d)")
def names_of_launch_parameters_are_reserved(story: Story) -> None:
    del story
    for name in ("endpoint", "fetch", "actor", "registration", "activityId"):
        found = imported(course_structure(au(url=f"index.html?{name}=1")))
        assert "cmi5_reserved" in refusals(found)


@of("8.1.0.0-8")
def values_are_encoded(story: Story) -> None:
    query = urlsplit(story.answers["start"]["entry"]).query
    for part in query.split("&"):
        _, _, value = part.partition("=")
        assert not set(value) & set('{}":/ ')


@of("8.1.1.0-1")
def the_endpoint_is_given(story: Story) -> None:
    endpoint = story.units["first"].given["endpoint"]
    assert endpoint == f"{story.lms.parts.config.portal_url}/xapi/"


@of("8.1.2.0-1", "8.2.1.0-1")
def the_fetch_address_is_given(story: Story) -> None:
    assert story.units["first"].given["fetch"].startswith("http")


@of("8.1.2.0-2", "8.1.2.0-2 (d)", "8.2.1.0-6", "8.2.1.0-6 (d)")
def the_token_is_good_for_its_session(story: Story) -> None:
    answers = story.answers
    # before it was fetched, after terminated, after abandoned
    assert answers["guessed token"].status_code == 401
    assert answers["state after the end"].status_code == 403
    assert answers["state of the abandoned"].status_code == 401
    tokens = {unit.token for unit in story.units.values()}
    assert len(tokens) == len(story.units)


@of("8.1.2.0-5 (d)", "8.2.1.0-5 (d)")
def without_the_token_nothing_is_answered(story: Story) -> None:
    assert story.answers["without a token"].status_code == 401
    assert "Basic" in story.answers["without a token"].headers["WWW-Authenticate"]
    # RFC 1945 11.1: as it stands, the token is what follows `Basic`
    assert story.answers["initialized"].status_code == 200


@of("8.1.3.0-1", "9.2.0.0-1")
def the_actor_is_the_learner_by_account(story: Story) -> None:
    actor = story.units["first"].actor
    assert actor["objectType"] == "Agent"
    assert actor["account"].keys() == {"homePage", "name"}
    assert "name" not in actor
    for one in story.told():
        assert one["actor"]["account"] == actor["account"]
    mailed = story.lms.launch(0, actor={"mbox": "mailto:kim@example.org"})
    assert mailed.actor["account"]["homePage"] == story.lms.parts.config.portal_url


@of("8.1.4.0-1", "9.6.1.0-1", "9.6.1.1-2")
def the_registration_is_given(story: Story) -> None:
    registration = story.units["first"].registration
    assert all(
        one["context"]["registration"] == str(registration) for one in story.told()
    )
    assert all(unit.registration == registration for unit in story.units.values())


@of("8.1.4.0-3 (d)")
def another_registration_is_refused(story: Story) -> None:
    for wrong in REGISTRATIONS:
        refuse(story, wrong)
    unit = story.open("initialized")
    found = unit.ask("GET", "statements", registration=ELSEWHERE)
    assert found.status_code == 403
    found = unit.ask(
        "PUT",
        "activities/state",
        body={},
        stateId="a",
        activityId=unit.given["activityId"],
        agent=unit.given["actor"],
        registration=ELSEWHERE,
    )
    assert found.status_code == 403


@of("8.1.5.0-1", "8.1.5.0-2", "8.1.5.0-3")
def the_activity_id_is_ours(story: Story) -> None:
    given = {
        name: story.units[name].given["activityId"]
        for name in ("first", "second", "failed")
    }
    assert len(set(given.values())) == 3
    assert not set(given.values()) & set(AU)


@of("8.1.5.0-4")
def the_activity_id_stays(story: Story) -> None:
    lost, second = story.units["lost"], story.units["second"]
    assert lost.given["activityId"] == second.given["activityId"]
    elsewhere = story.lms.launch(1)
    assert elsewhere.given["activityId"] == second.given["activityId"]


# 8.2: the authorization


@of("8.2.1.0-2 (d)", "8.2.1.0-3", "8.2.2.0-2", "8.2.2.0-3")
def a_post_is_answered_in_json(story: Story) -> None:
    unit = story.lms.launch(0)
    path = urlsplit(unit.given["fetch"]).path
    assert story.lms.client.get(path).status_code == 405
    for _ in range(2):
        answer = story.lms.client.post(path)
        assert answer.status_code == 200
        assert answer.content_type == "application/json"
        assert isinstance(answer.json, dict)
    unknown = story.lms.client.post("/cmi5/fetch/guessed")
    assert unknown.status_code == 200
    assert unknown.json["error-code"] == "2"


@of("8.2.1.0-4", "8.2.2.0-1")
def the_token_is_a_member_of_the_answer(story: Story) -> None:
    assert story.answers["fetched"].keys() == {"auth-token"}
    assert isinstance(story.answers["fetched"]["auth-token"], str)


@of("8.2.3.0-1", "8.2.3.0-1 (d)")
def the_token_is_given_once(story: Story) -> None:
    for moment in ("fetched again", "fetched after the end"):
        assert "auth-token" not in story.answers[moment]
    assert session_of(story, story.units["first"]).fetched_at is not None


@of("8.2.3.2-1")
def errors_have_a_code(story: Story) -> None:
    for moment in ("fetched again", "fetched after the end"):
        assert story.answers[moment].keys() == {"error-code", "error-text"}
        assert story.answers[moment]["error-code"] in {"1", "2", "3"}


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


def about(statement: dict[str, Any]) -> str:
    """The name of a statement's activity."""
    (name,) = statement["object"]["definition"]["name"].values()
    return str(name)


def is_satisfied(statement: dict[str, Any]) -> bool:
    return bool(statement["verb"]["id"] == vocabulary.verb("satisfied"))


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


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["id"] == other["id"])


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


# 10: launch data


@of("10.1.0.0-2")
def launch_data_is_json(story: Story) -> None:
    assert story.answers["data"].content_type == "application/json"
    assert isinstance(data(story), dict)


@of("10.1.0.0-3", "10.1.0.0-4", "10.1.0.0-5")
def launch_data_stands_where_the_unit_looks(story: Story) -> None:
    unit = story.open()
    given = {
        "stateId": LAUNCH_DATA,
        "activityId": unit.given["activityId"],
        "agent": unit.given["actor"],
        "registration": unit.given["registration"],
    }
    assert unit.ask("GET", "activities/state", **given).status_code == 200
    elsewhere = given | {"activityId": AU[0]}
    assert unit.ask("GET", "activities/state", **elsewhere).status_code == 404


@of("10.2.1.0-1")
def there_is_a_template(story: Story) -> None:
    assert data(story)["contextTemplate"].keys() == {"contextActivities", "extensions"}


@of("10.2.1.0-3")
def the_template_names_the_publisher(story: Story) -> None:
    grouping = data(story)["contextTemplate"]["contextActivities"]["grouping"]
    assert grouping[0]["id"] == AU[0]


@of("10.2.1.0-5 (d)")
def launch_data_is_read_only(story: Story) -> None:
    unit = story.open("initialized")
    for method in ("PUT", "POST", "DELETE"):
        body = None if method == "DELETE" else {}
        answer = unit.state(method, LAUNCH_DATA, body)
        assert answer.status_code == 403
        assert answer.json["requirement"] == "10.2.1.0-5"
    whole = {
        "activityId": unit.given["activityId"],
        "agent": unit.given["actor"],
        "registration": unit.given["registration"],
    }
    assert unit.ask("DELETE", "activities/state", **whole).status_code == 403
    assert unit.state("GET", LAUNCH_DATA).json == unit.launch_data


@of("10.2.2.0-1", "10.2.2.0-1 (d)", "10.2.2.0-4")
def the_mode_is_told_and_kept(story: Story) -> None:
    for mode in ("Normal", "Browse", "Review"):
        unit = story.open(mode=mode)
        assert unit.launch_data["launchMode"] == mode
        assert session_of(story, unit).launch_data["launchMode"] == mode
    # in mode Normal what is satisfied is recorded
    assert story.answers["completed"].status_code == 200


@of("10.2.3.0-1")
def launch_data_has_the_launch_parameters(story: Story) -> None:
    assert data(story)["launchParameters"] == "a=1"


@of("10.2.4.0-1")
def launch_data_has_the_mastery_score(story: Story) -> None:
    assert data(story)["masteryScore"] == 0.8
    assert "masteryScore" not in story.units["second"].launch_data


@of("10.2.5.0-1")
def launch_data_has_the_criterion(story: Story) -> None:
    assert data(story)["moveOn"] == "CompletedAndPassed"
    assert story.units["second"].launch_data["moveOn"] == "Completed"
    assert "NotApplicable" in story.open(unit=3).launch_data["moveOn"]


@of("10.2.7.0-1", "10.2.7.1-1", "10.2.7.2-1")
def launch_data_has_the_entitlement_key(story: Story) -> None:
    # an alternate is what both sides have agreed upon: nothing
    assert data(story)["entitlementKey"] == {"courseStructure": "key-1"}
    assert "entitlementKey" not in story.units["second"].launch_data


# 11: preferences


@of("11.0.0.0-1", "11.0.0.0-1 (d)")
def the_profile_is_the_learners(story: Story) -> None:
    unit = story.open()
    for agent in ('{"mbox":"mailto:a@example.org"}', None):
        given = {"profileId": PREFERENCES} | ({"agent": agent} if agent else {})
        for method in ("GET", "PUT"):
            body = GOOD if method == "PUT" else None
            answer = unit.ask(method, "agents/profile", body=body, **given)
            # without an agent it is no request of xAPI at all
            assert answer.status_code == (403 if agent else 400)
    assert unit.profile("GET", PREFERENCES).status_code == 200


@of("11.0.0.0-3 (d1)")
def that_preferences_were_read_is_known(story: Story) -> None:
    unit = story.lms.launch(0)
    unit.token = unit.fetch()["auth-token"]
    assert session_of(story, unit).preferences_at is None
    unit.profile("GET", PREFERENCES)
    assert session_of(story, unit).preferences_at is not None


@of("11.0.0.0-3 (d2)")
def initialized_waits_for_preferences(story: Story) -> None:
    answer = story.answers["before preferences"]
    assert answer.status_code == 403
    assert answer.json["requirement"] == "11.0.0.0-3"
    assert story.answers["initialized"].status_code == 200


@of("11.0.0.0-4")
def the_document_has_its_name(story: Story) -> None:
    unit = story.open()
    assert unit.profile("PUT", "other", GOOD).status_code == 403
    assert unit.profile("GET", "other").status_code == 403


@of("11.0.0.0-5")
def both_preferences_are_there(story: Story) -> None:
    assert story.answers["preferences"].content_type == "application/json"
    assert story.answers["preferences"].json.keys() == GOOD.keys()


@of("11.0.0.0-5 (d)")
def preferences_are_an_object_of_both(story: Story) -> None:
    unit = story.open()
    for body in ([], "text", {"audioPreference": "on"}, {"languagePreference": "en"}):
        answer = change_preferences(unit, body)
        assert answer.status_code == 403
        assert answer.json["requirement"] == "11.0.0.0-5"
    assert (
        change_preferences(unit, GOOD | {"audioPreference": "off"}).status_code == 204
    )


@of("11.1.0.0-1", "11.1.0.0-1 (d)", "11.1.0.0-2")
def languages_are_tags_in_their_order(story: Story) -> None:
    unit = story.open()
    for wrong in ("", "not comma separated", "en;de", 1):
        answer = change_preferences(unit, GOOD | {"languagePreference": wrong})
        assert answer.status_code == 403
        assert answer.json["requirement"] == "11.1.0.0-1"
    wanted = GOOD | {"languagePreference": "fr-FR,en-US,de"}
    assert change_preferences(unit, wanted).status_code == 204
    assert unit.profile("GET", PREFERENCES).json == wanted


def change_preferences(unit: Unit, body: Any) -> Any:
    """The answer to a PUT with the ETag of what is there."""
    etag = unit.profile("GET", PREFERENCES).headers["ETag"]
    return unit.lms.client.put(
        "/xapi/agents/profile",
        query_string={"profileId": PREFERENCES, "agent": unit.given["actor"]},
        json=body,
        headers={
            "Authorization": f"Basic {unit.token}",
            "X-Experience-API-Version": "1.0.3",
            "If-Match": etag,
        },
    )


# 13 and 14: the course structure and its package


def refusals(manifest: Any) -> set[str]:
    """The codes of what keeps a package out."""
    return {one.code for one in manifest.findings if one.severity == "error"}


def checked(file: bytes) -> Any:
    return check_package(io.BytesIO(file), filename="course.zip").manifest


@of("13.1.0.0-1")
def blanks_around_values_are_removed(story: Story) -> None:
    unit = story.lms.manifest.units[0]
    assert (unit.title, unit.launch) == ("First", "index.html")
    assert (unit.launch_parameters, unit.entitlement_key) == ("a=1", "key-1")


@of("13.1.2.0-1 (d)", "13.1.3.0-1 (d)", "13.1.4.0-1 (d)")
def ids_are_unique(story: Story) -> None:
    del story
    one = au()
    for members, objectives in (
        (block(OUTER, one) + block(OUTER, au(AU[1])), ""),
        (one, f"<objectives>{objective('urn:o') * 2}</objectives>"),
        (one + one, ""),
    ):
        found = imported(course_structure(members, objectives=objectives))
        assert refusals(found) == {"cmi5_repeated_id"}


@of("13.1.4.0-2 (d)")
def addresses_are_addresses(story: Story) -> None:
    del story
    for url in ("https://example.com/a b", "https://exa mple.com/", "index.html?a=%zz"):
        assert "cmi5_url" in refusals(imported(course_structure(au(url=url))))


@of("13.1.4.0-3")
def the_units_own_query_stays(story: Story) -> None:
    query = urlsplit(story.answers["start"]["entry"])
    assert dict(parse_qsl(query.query))["lang"] == "en"
    assert query.fragment == "start"
    elsewhere = urlsplit(story.answers["start elsewhere"]["entry"])
    assert dict(parse_qsl(elsewhere.query))["x"] == "1"


@of("13.1.5.0-2 (d)")
def extensions_do_not_break_the_structure(story: Story) -> None:
    del story
    early = course_structure(f"<e:own/>{au()}")
    late = course_structure(f"{au()}<e:own/>")
    assert imported(late).is_importable
    assert refusals(imported(early))


BAD_STRUCTURES = (
    "<courseStructure/>",
    course_structure(""),
    course_structure(au(attributes='moveOn="Maybe"')),
    course_structure(au(attributes='masteryScore="80"')),
    course_structure(au(attributes='launchMethod="AnyOld"')),
    course_structure(au().replace("<description>", "<about>")),
    course_structure(au(), course="<title/>"),
    course_structure(au(), namespace="urn:other"),
    course_structure("<au/>"),
    course_structure(au("no IRI")),
    course_structure(au()) + "<more/>",
)


@of("13.2.0.0-1", "13.2.0.0-1 (d)")
def the_structure_conforms_to_its_schema(story: Story) -> None:
    assert refusals(story.lms.manifest) == set()
    for text in BAD_STRUCTURES:
        assert refusals(imported(text)), text


@of("14.0.0.0-1")
def packages_are_zip_files_or_plain_xml(story: Story) -> None:
    del story
    inside = course_structure(au()).encode()
    page = Entry("index.html", b"<!DOCTYPE html>")
    for large in (False, True):
        made_up = bytes(Zip([Entry("cmi5.xml", inside), page], zip64=large))
        assert checked(made_up).is_importable
    outside = course_structure(au(url="https://example.com/a/")).encode()
    assert checked(outside).is_importable


@of("14.0.0.0-1 (d)", "14.1.0.0-1 (d)")
def other_files_are_refused(story: Story) -> None:
    del story
    whole = package({"cmi5.xml": course_structure(au()), "index.html": "x"})
    for file in (
        b"",
        b"\x89PNG",
        b"7z\xbc\xaf\x27\x1c",
        whole[:200],
        b"PK" + whole[4:],
    ):
        assert refusals(checked(file))


@of("14.1.0.0-2 (d)")
def the_structure_lies_at_the_top(story: Story) -> None:
    del story
    text = course_structure(au())
    for name in ("folder/cmi5.xml", "course.xml"):
        assert refusals(checked(package({name: text, "index.html": "x"})))


@of("14.1.0.0-3 (d)", "14.1.0.0-4 (d)")
def relative_addresses_lie_in_the_package(story: Story) -> None:
    del story
    text = course_structure(au(url="elsewhere/page.html"))
    assert refusals(imported(text)) == {"cmi5_url_missing"}
    for url in ("//example.com/a", "www.example.com:80/a"):
        assert refusals(imported(course_structure(au(url=url))))


@of("14.2.0.0-1 (d)")
def alone_addresses_are_full(story: Story) -> None:
    del story
    text = course_structure(au(url="index.html")).encode()
    assert refusals(checked(text)) == {"cmi5_url_relative"}
