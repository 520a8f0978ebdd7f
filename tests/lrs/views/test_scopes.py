"""What each scope lets pass: every scope alone, on every resource and method.

xAPI 1.0.3 Communication 4.2. The table names the scopes that an act is open to; all
the others are refused with 403 and the scope that is missing.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from lrs.credentials import APART, SCOPES
from tests.lrs.views.conftest import Lrs, statement

ACTIVITY = "http://example.org/activities/course"
AGENT = orjson.dumps({"mbox": "mailto:officer@example.org"}).decode()
STATE = {"activityId": ACTIVITY, "agent": AGENT, "stateId": "bookmark"}
ACTIVITY_PROFILE = {"activityId": ACTIVITY, "profileId": "settings"}
AGENT_PROFILE = {"agent": AGENT, "profileId": "settings"}
DOCUMENTS = {
    "activities/state": STATE,
    "activities/profile": ACTIVITY_PROFILE,
    "agents/profile": AGENT_PROFILE,
}

WRITES = {"statements/write", "all"}
READS = {"statements/read/mine", "statements/read", "all/read", "all"}
READS_STATE = {"state", "state/read", "all/read", "all"}
READS_PROFILES = {"profile", "profile/read", "all/read", "all"}
KNOWS_ACTIVITIES = (
    READS | READS_STATE | READS_PROFILES | {"define", "activities/read", "agents/read"}
)
SEES_CREDENTIALS = {"credentials/read", "credentials/write"}

TABLE: list[tuple[str, str, dict[str, str], Any, set[str]]] = [
    ("POST", "/xapi/statements", {}, statement, WRITES),
    ("PUT", "/xapi/statements", {}, statement, WRITES),
    ("GET", "/xapi/statements", {}, None, READS),
    ("HEAD", "/xapi/statements", {}, None, READS),
    ("GET", "/xapi/activities/state", STATE, None, READS_STATE),
    ("HEAD", "/xapi/activities/state", STATE, None, READS_STATE),
    ("PUT", "/xapi/activities/state", STATE, dict, {"state", "all"}),
    ("POST", "/xapi/activities/state", STATE, dict, {"state", "all"}),
    ("DELETE", "/xapi/activities/state", STATE, None, {"state", "all"}),
    ("GET", "/xapi/activities/profile", ACTIVITY_PROFILE, None, READS_PROFILES),
    ("PUT", "/xapi/activities/profile", ACTIVITY_PROFILE, dict, {"profile", "all"}),
    ("POST", "/xapi/activities/profile", ACTIVITY_PROFILE, dict, {"profile", "all"}),
    ("DELETE", "/xapi/activities/profile", ACTIVITY_PROFILE, None, {"profile", "all"}),
    ("GET", "/xapi/agents/profile", AGENT_PROFILE, None, READS_PROFILES),
    ("PUT", "/xapi/agents/profile", AGENT_PROFILE, dict, {"profile", "all"}),
    ("POST", "/xapi/agents/profile", AGENT_PROFILE, dict, {"profile", "all"}),
    ("DELETE", "/xapi/agents/profile", AGENT_PROFILE, None, {"profile", "all"}),
    ("GET", "/xapi/activities", {"activityId": ACTIVITY}, None, KNOWS_ACTIVITIES),
    ("GET", "/xapi/agents", {"agent": AGENT}, None, KNOWS_ACTIVITIES),
    ("GET", "/xapi/about", {}, None, set(SCOPES)),
    ("GET", "/api/v1/credentials", {}, None, SEES_CREDENTIALS),
    ("POST", "/api/v1/credentials", {}, dict, {"credentials/write"}),
]


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "scopes"),
    TABLE,
    ids=[f"{row[0]} {row[1]}" for row in TABLE],
)
def test_each_scope_opens_what_the_table_says(
    lrs: Lrs, method: str, path: str, query: dict[str, str], body: Any, scopes: set[str]
) -> None:
    opened = set()
    for scope in SCOPES:
        sent = body() if body else None
        if method == "PUT" and path == "/xapi/statements":
            query = {"statementId": sent["id"]}
        answer = lrs.with_scopes([scope]).call(method, path, body=sent, **query)
        if answer.status_code != 403:
            opened.add(scope)
        elif method != "HEAD":
            assert answer.get_json()["code"] == "missing_scope"
            missing = answer.get_json()["scope"]
            assert f'scope="{missing}"' in answer.headers["WWW-Authenticate"]
            assert missing in scopes
    assert opened == scopes


def test_every_scope_of_the_record_store_stands_in_the_table() -> None:
    elsewhere = {
        scope
        for scope in SCOPES
        if scope.split("/")[0] in {"packages", "launches", "registrations"}
    }
    # these add to what another scope opens; the tests below say what
    adding = APART - SEES_CREDENTIALS
    named = set[str]().union(*(row[4] for row in TABLE if row[1] != "/xapi/about"))
    assert named == SCOPES.keys() - elsewhere - adding


def definition_of(lrs: Lrs) -> Any:
    answer = lrs.get("/xapi/activities", activityId=ACTIVITY)
    return answer.get_json().get("definition", {}).get("name")


@pytest.mark.parametrize(
    ("scopes", "defines"),
    [
        (["statements/write"], False),
        (["statements/write", "statements/read", "profile", "state"], False),
        (["statements/write", "define"], True),
        (["all"], True),
    ],
)
def test_definitions_change_by_define_alone(
    lrs: Lrs, scopes: list[str], *, defines: bool
) -> None:
    def about(name: str) -> dict[str, Any]:
        definition = {"name": {"en": name}}
        return statement(object={"id": ACTIVITY, "definition": definition})

    lrs.store(about("first"))
    sent = about("second")
    lrs.with_scopes(scopes).store(sent)
    assert definition_of(lrs) == {"en": "second" if defines else "first"}
    # the statement itself is kept as it came, whoever sent it
    kept = lrs.get(statementId=sent["id"]).get_json()
    assert kept["object"]["definition"] == {"name": {"en": "second"}}


def test_mine_is_what_the_credential_stored_itself(lrs: Lrs) -> None:
    own = lrs.with_scopes(["statements/write", "statements/read/mine"])
    (mine,) = own.store(statement())
    (others,) = lrs.store(statement())
    assert own.found() == [mine]
    assert own.get(statementId=mine).status_code == 200
    assert own.get(statementId=others).status_code == 404
    assert lrs.with_scopes(["statements/read"]).found() == [others, mine]
    assert lrs.with_scopes(["all/read"]).found() == [others, mine]


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (["statements/write"], False),
        (["all"], False),
        (["statements/write", "statements/void"], True),
    ],
)
def test_others_statements_are_voided_by_a_scope_of_its_own(
    lrs: Lrs, scopes: list[str], *, may: bool
) -> None:
    (target,) = lrs.store(statement())
    voiding = statement(
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": target},
    )
    answer = lrs.with_scopes(scopes).post(voiding)
    assert answer.status_code == (200 if may else 403)
    assert lrs.get(statementId=target).status_code == (404 if may else 200)


def test_strangers_open_nothing_but_about(lrs: Lrs) -> None:
    for method, path, query, _, scopes in TABLE:
        answer = lrs.call(method, path, headers={"Authorization": ""}, **query)
        wanted = 200 if len(scopes) == len(SCOPES) else 401
        assert answer.status_code == wanted, (method, path)
