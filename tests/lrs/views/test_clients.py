"""The public Python client, over a real socket: what it sends is taken, and it
understands what comes back. Those in JavaScript are in tests/clients."""

from __future__ import annotations

import json
import re
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tincan import Activity as TinCanActivity
from tincan import (
    ActivityProfileDocument,
    Agent,
    AgentProfileDocument,
    RemoteLRS,
    StateDocument,
    Statement,
)
from werkzeug.serving import make_server

from tests.lrs.views.conftest import Own, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

COURSE = "http://example.org/activities/course"
OFFICER = "mailto:officer@example.org"
VOIDED = {"id": "http://adlnet.gov/expapi/verbs/voided"}


@pytest.fixture
def client(own: Own) -> Iterator[RemoteLRS]:
    server = make_server("127.0.0.1", 0, own.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield RemoteLRS(
        endpoint=f"http://127.0.0.1:{server.server_port}/xapi/",
        username=own.issued.key,
        password=own.issued.secret,
        version="1.0.3",
    )
    server.shutdown()
    thread.join()
    server.server_close()


def made(**members: Any) -> Statement:
    return Statement(statement(id=str(uuid.uuid4()), **members))


def whose() -> dict[str, Any]:
    return {
        "activity": TinCanActivity(id=COURSE),
        "agent": Agent(mbox=OFFICER),
    }


def seen(answer: Any) -> Any:
    """The document of an answer, with its tag: this client looks for `etag` only."""
    assert answer.success, answer.data
    answer.content.etag = answer.response.getheader("ETag")
    return answer.content


def ids(answer: Any) -> list[str]:
    assert answer.success, answer.data
    return [str(one.id) for one in answer.content.statements]


def test_the_store_tells_its_versions(client: RemoteLRS) -> None:
    # this client (1.0.0) does not take an answer that names a version it has not heard
    # of; all that are spoken must be named (xAPI 1.0.3 Communication 2.8)
    with pytest.raises(ValueError, match=re.escape("'2.0.0' in ['1.0.0', '1.0.1'")):
        client.about()


def test_statements_go_there_and_back(client: RemoteLRS) -> None:
    sent = made()
    assert client.save_statement(sent).success
    got = client.retrieve_statement(str(sent.id))
    assert got.success
    assert got.content.verb.id == sent.verb.id
    assert got.content.authority.account.name
    assert got.content.stored is not None
    again = client.save_statement(sent)
    assert again.success
    many = [Statement(statement()) for _ in range(5)]
    for one in many:
        one.id = None
    saved = client.save_statements(many)
    assert saved.success
    assert all(one.id for one in saved.content)


def test_queries_and_more(client: RemoteLRS) -> None:
    many = [made() for _ in range(7)]
    assert client.save_statements(many).success
    answer = client.query_statements(
        {"limit": 3, "ascending": "true", "agent": many[0].actor, "verb": many[0].verb}
    )
    found = []
    while True:
        found += ids(answer)
        if not answer.content.more:
            break
        answer = client.more_statements(answer.content)
    assert found == [str(one.id) for one in many]


def test_every_filter(client: RemoteLRS) -> None:
    tutor = {"mbox": "mailto:tutor@example.org"}
    course = "http://example.org/courses/first"
    registration = str(uuid.uuid4())
    many = [
        made(),
        made(verb={"id": "http://example.org/verbs/read"}),
        made(context={"registration": registration}),
        made(context={"instructor": tutor}),
        made(context={"contextActivities": {"parent": [{"id": course}]}}),
        made(object={"id": "http://example.org/activities/other"}),
    ]
    assert client.save_statements(many).success
    all_ids = [str(one.id) for one in many]

    def found(**query: Any) -> list[int]:
        answer = client.query_statements({"ascending": "true"} | query)
        return [all_ids.index(one) for one in ids(answer)]

    stored = client.retrieve_statement(all_ids[1]).content.stored.isoformat()
    assert found() == [0, 1, 2, 3, 4, 5]
    assert found(verb=many[1].verb) == [1]
    assert found(registration=registration) == [2]
    assert found(agent=Agent(tutor)) == []
    assert found(agent=Agent(tutor), related_agents="true") == [3]
    assert found(activity=TinCanActivity(id=course)) == []
    parent = {"activity": TinCanActivity(id=course), "related_activities": "true"}
    assert found(**parent) == [4]
    assert found(activity=many[5].object) == [5]
    assert found(until=stored) == [0, 1]
    assert found(since=stored) == [2, 3, 4, 5]
    assert found(limit=2) == [0, 1]
    assert found(format="ids", limit=1) == [0]


def test_a_voided_statement_has_its_own_address(client: RemoteLRS) -> None:
    sent = made()
    assert client.save_statement(sent).success
    target = {"objectType": "StatementRef", "id": str(sent.id)}
    assert client.save_statement(made(verb=VOIDED, object=target)).success
    assert client.retrieve_statement(str(sent.id)).response.status == 404
    assert str(client.retrieve_voided_statement(str(sent.id)).content.id) == str(
        sent.id
    )


def test_state_documents(client: RemoteLRS) -> None:
    # this client spoils all but ASCII, and sends no registration
    of = whose()
    data = bytearray(b"page 3")
    document = StateDocument(id="bookmark", content=data, **of)
    assert client.save_state(document).success
    got = seen(client.retrieve_state(state_id="bookmark", **of))
    assert got.content == data
    assert got.etag.startswith('"')
    got.content = bytearray(b"page 4")
    # this client sends each state twice, so a guarded one meets itself
    assert client.save_state(got).response.status == 412
    kept = client.retrieve_state(state_id="bookmark", **of).content
    assert kept.content == b"page 4"
    assert client.retrieve_state_ids(**of).content == ["bookmark"]
    later = client.retrieve_state_ids(**of, since="2999-01-01T00:00:00Z")
    assert later.content == []
    fresh = seen(client.retrieve_state(state_id="bookmark", **of))
    assert client.delete_state(fresh).success
    gone = client.retrieve_state(state_id="bookmark", **of)
    assert gone.response.status == 404
    assert client.save_state(document).success
    assert client.clear_state(**of).success
    assert client.retrieve_state_ids(**of).content == []


@pytest.mark.parametrize("kind", ["activity", "agent"])
def test_profile_documents(client: RemoteLRS, own: Own, kind: str) -> None:
    of = {kind: whose()[kind]}
    make = {"activity": ActivityProfileDocument, "agent": AgentProfileDocument}[kind]

    def call(name: str, *words: Any, **named: Any) -> Any:
        return getattr(client, name.replace("KIND", kind))(*words, **named)

    document = make(id="settings", content=bytearray(b'{"size": 1}'), **of)
    document.content_type = "application/json"
    # for what it has not read it sends neither If-Match nor If-None-Match, of which
    # 1.0.3 wants one (Communication 3.1): it cannot make a profile, but change one
    assert call("save_KIND_profile", document).response.status == 400
    path, query = {
        "activity": ("activities", {"activityId": COURSE}),
        "agent": ("agents", {"agent": json.dumps({"mbox": OFFICER})}),
    }[kind]
    made = own.call(
        "PUT",
        f"/xapi/{path}/profile",
        body={"size": 1},
        headers={"If-None-Match": "*"},
        profileId="settings",
        **query,
    )
    assert made.status_code == 204, made.text
    got = seen(call("retrieve_KIND_profile", profile_id="settings", **of))
    assert json.loads(got.content) == {"size": 1}
    got.content = bytearray(b'{"size": 2}')
    got.content_type = "application/json"
    assert call("save_KIND_profile", got).success
    # somebody else was quicker
    assert call("save_KIND_profile", got).response.status == 412
    assert call("retrieve_KIND_profile_ids", **of).content == ["settings"]
    got = seen(call("retrieve_KIND_profile", profile_id="settings", **of))
    assert call("delete_KIND_profile", got).success
    assert call("retrieve_KIND_profile_ids", **of).content == []


def test_a_refusal_is_understood(client: RemoteLRS) -> None:
    unknown = client.retrieve_statement(str(uuid.uuid4()))
    assert not unknown.success
    assert unknown.response.status == 404
    sent = made()
    assert client.save_statement(sent).success
    sent.object = TinCanActivity(id="http://example.org/activities/other")
    assert client.save_statement(sent).response.status == 409
    client.auth = "Basic d3Jvbmc6d3Jvbmc="
    refused = client.save_statement(made())
    assert not refused.success
    assert refused.response.status == 401
