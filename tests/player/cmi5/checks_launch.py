"""The launch, the authorization and what is known of a session (6 to 8, 9.3)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.packages.test_cmi5 import au, course_structure
from tests.player.cmi5 import story as told_by
from tests.player.cmi5.checks import (
    GOOD,
    context_of,
    of,
    own,
    refusals,
    refuse,
    session_of,
)
from tests.player.cmi5.said import ELSEWHERE
from tests.player.cmi5.story import AU, FREE, INNER, OUTER, SHORT, Story, imported, send
from tests.player.cmi5.wrong import BEFORE, NO_CONTEXT, REGISTRATIONS, SCORES

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
