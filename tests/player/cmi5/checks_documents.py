"""Launch data and preferences (10, 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.player.cmi5.checks import (
    GOOD,
    LAUNCH_DATA,
    PREFERENCES,
    data,
    of,
    session_of,
)
from tests.player.cmi5.story import AU, Story

if TYPE_CHECKING:
    from tests.player.cmi5.unit import Unit


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
