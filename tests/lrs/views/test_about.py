from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from lrs.credentials import SCOPES
from lrs.db import writing
from lrs.persons import link
from tests.lrs.views.conftest import VERSION, Own, new_tenant, statement

ACTIVITIES, AGENTS = "/xapi/activities", "/xapi/agents"
IRI = "https://agency.example/courses/1"
MAIL = "mailto:officer@agency.example"
ACCOUNT = {"homePage": "https://portal.example", "name": "officer"}
VERSIONS = pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])


@pytest.fixture
def lrs(own: Own) -> Own:
    return own


def agent(**members: Any) -> str:
    return orjson.dumps({"objectType": "Agent", **members}).decode()


def test_anyone_may_ask_which_versions_there_are(lrs: Own) -> None:
    for headers in ({}, {VERSION: "1.0.3"}, {VERSION: "0.9"}):
        answer = lrs.app.test_client().get("/xapi/about", headers=headers)
        assert answer.status_code == 200
        assert {"1.0.3", "2.0.0"} <= set(answer.get_json()["version"])
        assert answer.headers[VERSION] in {"1.0.3", "2.0.0"}


def test_parameters_are_refused(lrs: Own) -> None:
    assert lrs.get("/xapi/about", extra="1").status_code == 400


def test_every_answer_has_the_tag_of_its_content(lrs: Own) -> None:
    for path, query in (
        ("/xapi/about", {}),
        (ACTIVITIES, {"activityId": IRI}),
        (AGENTS, {"agent": agent(mbox=MAIL)}),
    ):
        answer = lrs.get(path, **query)
        digest = hashlib.sha1(answer.data, usedforsecurity=False).hexdigest()
        assert answer.headers["ETag"] == f'"{digest}"'
        same = {"If-None-Match": f'W/"{digest}"'}
        again = lrs.call("GET", path, headers=same, **query)
        assert (again.status_code, again.data) == (304, b"")
        head = lrs.call("HEAD", path, **query)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["ETag"] == f'"{digest}"'
        assert head.headers["Content-Type"] == "application/json"


@VERSIONS
def test_an_activity_never_heard_of_is_told_all_the_same(
    lrs: Own, version: str
) -> None:
    answer = lrs.speaking(version).get(ACTIVITIES, activityId=IRI)
    assert answer.status_code == 200
    assert answer.get_json() == {"objectType": "Activity", "id": IRI}


@VERSIONS
def test_an_activity_is_what_all_statements_say_of_it(lrs: Own, version: str) -> None:
    definitions: list[dict[str, Any]] = [
        {"name": {"en-US": "example meeting"}, "type": "https://agency.example/t"},
        {"name": {"fr-FR": "réunion"}, "moreInfo": "https://agency.example/more"},
        {"extensions": {"https://agency.example/x": 1.5}},
    ]
    lrs.store(
        *(statement(object={"id": IRI, "definition": one}) for one in definitions)
    )
    answer = lrs.speaking(version).get(ACTIVITIES, activityId=IRI)
    assert answer.get_json() == {
        "objectType": "Activity",
        "id": IRI,
        "definition": {
            "name": {"en-US": "example meeting", "fr-FR": "réunion"},
            "type": "https://agency.example/t",
            "moreInfo": "https://agency.example/more",
            "extensions": {"https://agency.example/x": 1.5},
        },
    }
    other = lrs.with_scopes(["all"], new_tenant(lrs.parts))
    assert "definition" not in other.get(ACTIVITIES, activityId=IRI).get_json()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (ACTIVITIES, {}),
        (ACTIVITIES, {"activityId": "course"}),
        (ACTIVITIES, {"activityid": IRI}),
        (ACTIVITIES, {"activityId": IRI, "format": "ids"}),
        (AGENTS, {}),
        (AGENTS, {"agent": "x"}),
        (AGENTS, {"agent": agent()}),
        (AGENTS, {"agent": agent(name="nobody")}),
        (AGENTS, {"agent": '{"objectType":"Group","mbox":"mailto:a@b.example"}'}),
        (AGENTS, {"agent": '{"objectType":"Person","mbox":["mailto:a@b.example"]}'}),
        (AGENTS, {"agent": agent(mbox=[MAIL])}),
    ],
)
def test_wrong_parameters(lrs: Own, path: str, query: dict[str, str]) -> None:
    answer = lrs.get(path, **query)
    assert answer.status_code == 400
    assert answer.get_json()["parameter"] in {"activityId", "activityid", "agent"} | {
        "format"
    }


@pytest.mark.parametrize(
    ("given", "person"),
    [
        ({"mbox": MAIL}, {"mbox": [MAIL]}),
        ({"mbox": MAIL, "name": "A"}, {"mbox": [MAIL], "name": ["A"]}),
        ({"openid": "https://id.example"}, {"openid": ["https://id.example"]}),
        ({"account": ACCOUNT}, {"account": [ACCOUNT]}),
        ({"mbox_sha1sum": "ab" * 20}, {"mbox_sha1sum": ["ab" * 20]}),
    ],
)
@VERSIONS
def test_an_agent_never_heard_of_is_a_person_all_the_same(
    lrs: Own, version: str, given: dict[str, Any], person: dict[str, Any]
) -> None:
    answer = lrs.speaking(version).get(AGENTS, agent=agent(**given))
    assert answer.status_code == 200
    assert answer.get_json() == {"objectType": "Person", **person}


def test_a_person_is_all_that_is_linked_for_who_may_know_it(lrs: Own) -> None:
    with writing(lrs.parts.engine) as db:
        link(
            db,
            tenant=lrs.tenant,
            ifi=f"mbox::{MAIL}",
            to="account::https://portal.example|officer",
            why="the same POST-ID",
            now=datetime.now(UTC),
        )
    lrs.store(
        statement(actor={"mbox": MAIL, "name": "An Officer"}),
        statement(actor={"account": ACCOUNT, "name": "A. Officer"}),
    )
    whole = {
        "objectType": "Person",
        "name": ["Me", "A. Officer", "An Officer"],
        "mbox": [MAIL],
        "account": [ACCOUNT],
    }
    asked = {"objectType": "Person", "name": ["Me"], "mbox": [MAIL]}
    everything = {"all", "all/read", "agents/read"}
    something = everything | {
        "statements/read",
        "statements/read/mine",
        "state",
        "state/read",
        "profile",
        "profile/read",
        "define",
        "activities/read",
    }
    for scope in SCOPES:
        caller = lrs.with_scopes([scope])
        answer = caller.get(AGENTS, agent=agent(mbox=MAIL, name="Me"))
        activity = caller.get(ACTIVITIES, activityId=IRI)
        if scope not in something:
            assert (answer.status_code, activity.status_code) == (403, 403), scope
            continue
        assert answer.get_json() == (whole if scope in everything else asked), scope
        assert activity.status_code == 200
    other = lrs.with_scopes(["all"], new_tenant(lrs.parts))
    assert other.get(AGENTS, agent=agent(mbox=MAIL, name="Me")).get_json() == asked
