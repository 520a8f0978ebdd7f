from __future__ import annotations

import email
import email.policy
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from lrs.db import writing
from lrs.resource import MAX_REFERENCES, MAX_STATEMENTS
from lrs.rules.catalogue import set_role
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from statements.scalars import parse_timestamp
from statements.vocabulary import VOIDED
from tests.lrs.views.conftest import Lrs, Own, statement
from tests.statements.cases import FULL, SUB_STATEMENT

RAW = (
    b'{ "id":"%s", "actor" : {"mbox":"mailto:officer@example.org"},'
    b' "verb":{"id":"http:\\/\\/example.org\\/v"}, "object":{"id":"http://example.org/a"},'
    b' "result":{"score":{"scaled":0.800, "raw":1.50e1}, "response":"\\u00e4\\n"},'
    b' "timestamp":"2026-03-02T09:00:00.1-08:00", "version":"1.0.1" }'
)


def void(target: str) -> dict[str, Any]:
    return statement(
        verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target}
    )


def test_what_is_posted_is_read_back(lrs: Lrs) -> None:
    sent = FULL | {"id": str(uuid.uuid4())}
    before = datetime.now(UTC)
    answer = lrs.post(sent)
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == [sent["id"]]
    got = lrs.get(statementId=sent["id"])
    assert got.status_code == 200
    read = got.get_json()
    assert before <= parse_timestamp(read["stored"]) <= datetime.now(UTC)
    assert read["authority"] == {
        "objectType": "Agent",
        "name": "External LMS",
        "account": {"homePage": "http://localhost:8000", "name": lrs.issued.key},
    }
    grouping = read["context"]["contextActivities"].pop("grouping")
    assert grouping == [{"id": "http://example.org/g"}]
    for name in sent.keys() - {"stored", "authority", "context"}:
        assert read[name] == sent[name]


def test_received_bytes_are_sent_back(lrs: Lrs) -> None:
    statement_id = str(uuid.uuid4())
    raw = RAW % statement_id.encode()
    assert lrs.post(raw).status_code == 200
    body = lrs.get(statementId=statement_id).data
    assert body.startswith(raw.removesuffix(b" }"))
    assert set(orjson.loads(body)) - set(orjson.loads(raw)) == {"stored", "authority"}
    # 2.0 returns instants in UTC; everything else keeps its bytes there too
    new = lrs.speaking("2.0.0").get(statementId=statement_id).data
    assert b'"scaled":0.800, "raw":1.50e1' in new
    assert orjson.loads(new)["timestamp"] == "2026-03-02T17:00:00.100000Z"


def test_a_batch_keeps_its_order(lrs: Lrs) -> None:
    batch = [statement() for _ in range(7)]
    ids = [one["id"] for one in batch]
    assert lrs.store(*batch) == ids
    assert lrs.found(ascending="true") == ids
    assert lrs.found() == ids[::-1]
    answer = lrs.get()
    stored = [one["stored"] for one in answer.get_json()["statements"]]
    assert len(set(stored)) == 7
    assert stored == sorted(stored, reverse=True)


def test_a_batch_is_all_or_nothing(lrs: Lrs) -> None:
    good, bad = statement(), statement(verb={"id": "did"})
    answer = lrs.post([good, bad])
    assert answer.status_code == 400
    problem = answer.get_json()
    assert problem["path"] == "$[1].verb.id"
    assert "$[1].verb.id" in problem["detail"]
    assert problem["code"] == "invalid_statement"
    assert problem["section"]
    twice = lrs.post([good, good])
    assert twice.status_code == 400
    lrs.store(good)
    changed = good | {"result": {"success": True}}
    assert lrs.post([statement(), changed]).status_code == 409
    assert lrs.found() == [good["id"]]


def test_an_honest_retry_succeeds(lrs: Lrs) -> None:
    sent = statement(timestamp="2026-03-02T17:00:00Z")
    for _ in range(3):
        assert lrs.store(sent) == [sent["id"]]
        put = lrs.call("PUT", body=sent, statementId=sent["id"])
        assert put.status_code == 204
    assert lrs.found() == [sent["id"]]
    other = lrs.post(sent | {"timestamp": "2026-03-02T17:00:01Z"})
    assert other.status_code == 409
    assert other.get_json()["code"] == "statement_conflict"


def test_put_sets_the_id(lrs: Lrs) -> None:
    statement_id = str(uuid.uuid4())
    body = statement()
    del body["id"]
    answer = lrs.call("PUT", body=body, statementId=statement_id)
    assert answer.status_code == 204
    assert answer.data == b""
    assert lrs.found() == [statement_id]


PUT_REFUSED: list[tuple[Any, dict[str, str]]] = [
    (statement(), {}),
    (statement(), {"statementId": "x"}),
    (statement(), {"statementId": str(uuid.uuid4())}),
    ([statement()], {"statementId": str(uuid.uuid4())}),
    (statement(), {"statementId": str(uuid.uuid4()), "extra": "1"}),
    (statement(), {"statementid": str(uuid.uuid4())}),
]


def test_put_refuses(lrs: Lrs) -> None:
    for body, query in PUT_REFUSED:
        assert lrs.call("PUT", body=body, **query).status_code == 400, query
    assert lrs.found() == []


POST_REFUSED = [
    b"",
    b"{",
    b"null",
    b"3",
    b'"x"',
    b"[3]",
    b"\xff\xfe",
    b'{"id": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    orjson.dumps(statement(result={"response": "\0"})),
    orjson.dumps(statement(timestamp="9999-12-31T23:59:59-14:00")),
    orjson.dumps(statement(version="1.0." + "1" * 50)),
]


def test_post_refuses(lrs: Lrs) -> None:
    for body in POST_REFUSED:
        answer = lrs.post(body)
        assert answer.status_code == 400, body[:80]
        assert answer.content_type == "application/problem+json"
    assert lrs.found() == []


def test_post_takes_no_parameters_and_json_only(lrs: Lrs) -> None:
    body = statement()
    assert lrs.call("POST", body=body, statementId=body["id"]).status_code == 400
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/mixed"):
        headers = {"Content-Type": kind}
        assert lrs.call("POST", body=body, headers=headers).status_code == 400
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    assert lrs.call("POST", body=body, headers=headers).status_code == 200


def test_an_attachment_without_its_data_is_refused(lrs: Lrs) -> None:
    attachment = dict(FULL["attachments"][0])  # type: ignore[call-overload]
    del attachment["fileUrl"]
    answer = lrs.post(statement(attachments=[attachment]))
    assert answer.status_code == 400
    assert answer.get_json()["path"] == "$.attachments[0]"
    inner = {**SUB_STATEMENT, "attachments": [attachment]}
    answer = lrs.post([statement(object=inner), statement()])
    assert answer.get_json()["path"] == "$[0].object.attachments[0]"


FILTERS: list[tuple[dict[str, str], str]] = [
    ({}, "cba"),
    ({"ascending": "true"}, "abc"),
    ({"limit": "2"}, "cb"),
    ({"limit": "0"}, "cba"),
    ({"verb": "http://example.org/v"}, "b"),
    ({"activity": "http://example.org/other"}, "c"),
    ({"activity": "http://example.org/parent"}, ""),
    ({"activity": "http://example.org/parent", "related_activities": "true"}, "a"),
    ({"registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7"}, "a"),
    ({"registration": "EC531277-B57B-4C15-8D91-D292C5B2B8F7"}, "a"),
    ({"agent": '{"mbox":"mailto:officer@example.org"}'}, "ba"),
    ({"agent": '{"mbox":"mailto:chief@example.org"}'}, "c"),
    ({"agent": '{"mbox":"mailto:guide@example.org"}'}, ""),
    (
        {"agent": '{"mbox":"mailto:guide@example.org"}', "related_agents": "true"},
        "a",
    ),
    ({"since": "2001-01-01T00:00:00Z"}, "cba"),
    ({"until": "2001-01-01T00:00:00Z"}, ""),
    ({"since": "2999-01-01T00:00:00Z"}, ""),
    ({"verb": "http://example.org/none"}, ""),
]


def test_filters(lrs: Lrs) -> None:
    group = {"objectType": "Group", "member": [{"mbox": "mailto:chief@example.org"}]}
    names = dict(
        zip(
            lrs.store(
                statement(
                    context={
                        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
                        "instructor": {"mbox": "mailto:guide@example.org"},
                        "contextActivities": {
                            "parent": [{"id": "http://example.org/parent"}]
                        },
                    }
                ),
                statement(verb={"id": "http://example.org/v"}),
                statement(actor=group, object={"id": "http://example.org/other"}),
            ),
            "abc",
            strict=True,
        )
    )
    for query, expected in FILTERS:
        found = "".join(names[one] for one in lrs.found(**query))
        assert found == expected, query


def test_since_and_until_meet_without_a_gap(lrs: Lrs) -> None:
    ids = lrs.store(*[statement() for _ in range(5)])
    middle = lrs.get(statementId=ids[2]).get_json()["stored"]
    assert lrs.found(until=middle, ascending="true") == ids[:3]
    assert lrs.found(since=middle, ascending="true") == ids[3:]


def test_more_goes_through_the_whole(lrs: Lrs) -> None:
    lrs.store(*[statement() for _ in range(11)])
    for query in ({}, {"ascending": "true"}):
        expected = lrs.found(**query)
        path, found = "/xapi/statements", []
        given: dict[str, str] = {"limit": "4", **query}
        while True:
            body = lrs.call("GET", path, **given).get_json()
            found += [one["id"] for one in body["statements"]]
            # what comes meanwhile does not move the pages
            lrs.store(statement())
            if not body["more"]:
                break
            address = urlsplit(body["more"])
            assert not address.netloc
            assert address.path == "/xapi/statements"
            path = address.path
            given = {name: one for name, (one,) in parse_qs(address.query).items()}
        assert found == expected


def test_a_page_of_large_statements_has_fewer(
    lrs: Lrs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrs.resource.PAGE_BYTES", 250_000)
    verb = {"id": "http://example.org/large"}
    for _ in range(7):
        one = statement(verb=verb, result={"response": "x" * 100_000})
        assert lrs.post(one).status_code == 200
    body, sizes = lrs.get(verb=verb["id"]).get_json(), []
    while body["more"]:
        sizes.append(len(body["statements"]))
        body = lrs.call("GET", body["more"]).get_json()
    assert [*sizes, len(body["statements"])] == [3, 3, 1]
    assert len(lrs.get(verb=verb["id"], limit="2").get_json()["statements"]) == 2


def test_more_belongs_to_who_asked(lrs: Lrs) -> None:
    lrs.store(*[statement() for _ in range(3)])
    more = lrs.get(limit="1", verb=statement()["verb"]["id"]).get_json()["more"]
    assert lrs.call("GET", more).status_code == 200
    assert lrs.with_scopes(["all"]).call("GET", more).status_code == 400
    assert lrs.call("GET", more + "x").status_code == 400
    assert lrs.call("GET", more + "&limit=5").status_code == 400


def test_voided_statements(lrs: Lrs) -> None:
    (target,) = lrs.store(statement())
    voiding = void(target)
    lrs.store(voiding)
    assert lrs.get(statementId=target).status_code == 404
    assert lrs.get(voidedStatementId=target).get_json()["id"] == target
    assert lrs.get(statementId=voiding["id"]).status_code == 200
    assert lrs.get(voidedStatementId=voiding["id"]).status_code == 404
    # the referrer still matches by what it refers to
    assert lrs.found(activity=statement()["object"]["id"]) == [voiding["id"]]
    again = void(voiding["id"])
    lrs.store(again)
    assert lrs.get(statementId=voiding["id"]).status_code == 200


def test_a_void_may_come_first(lrs: Lrs) -> None:
    late = statement()
    lrs.store(void(late["id"]))
    lrs.store(late)
    assert lrs.get(statementId=late["id"]).status_code == 404
    assert lrs.get(voidedStatementId=late["id"]).status_code == 200


def test_what_others_stored_is_voided_by_permission_only(lrs: Lrs) -> None:
    (target,) = lrs.store(statement())
    other = lrs.with_scopes(["all"])
    refused = other.post([statement(), void(target)])
    assert refused.status_code == 403
    assert lrs.get(statementId=target).status_code == 200
    assert len(lrs.found()) == 1
    lrs.with_scopes(["all", "statements/void"]).store(void(target))
    assert lrs.get(statementId=target).status_code == 404


@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
def test_an_id_goes_with_format_and_attachments_only(lrs: Lrs, name: str) -> None:
    (known,) = lrs.store(statement())
    if name == "voidedStatementId":
        lrs.store(void(known))
    for extra in (
        {"agent": '{"mbox":"mailto:a@example.org"}'},
        {"verb": "http://example.org/v"},
        {"activity": "http://example.org/a"},
        {"registration": str(uuid.uuid4())},
        {"related_activities": "true"},
        {"related_agents": "false"},
        {"since": "2026-03-02T17:00:00Z"},
        {"until": "2026-03-02T17:00:00Z"},
        {"limit": "1"},
        {"ascending": "true"},
        {"statementId": str(uuid.uuid4()), "voidedStatementId": str(uuid.uuid4())},
    ):
        assert lrs.get(**{name: known, **extra}).status_code == 400, extra
    for extra in ({"format": "ids"}, {"attachments": "false"}):
        assert lrs.get(**{name: known, **extra}).status_code == 200, extra


def test_formats(lrs: Lrs) -> None:
    definition = {"name": {"en-US": "Evidence", "es": "Pruebas"}}
    (known,) = lrs.store(
        statement(object={"id": "http://example.org/e", "definition": definition})
    )
    ids = lrs.get(statementId=known, format="ids").get_json()
    assert ids["object"] == {"id": "http://example.org/e"}
    for language, name in (("es-MX,en;q=0.5", "es"), ("de, en;q=0.1", "en-US")):
        headers = {"Accept-Language": language}
        answer = lrs.call("GET", headers=headers, format="canonical")
        (one,) = answer.get_json()["statements"]
        assert one["object"]["definition"]["name"] == {name: definition["name"][name]}
        assert one["authority"]["name"] == "External LMS"
    assert lrs.get(format="exact").get_json()["statements"][0]["id"] == known


def test_attachments_come_in_several_parts(lrs: Lrs) -> None:
    (known,) = lrs.store(statement())
    for query in ({}, {"statementId": known}):
        answer = lrs.get(attachments="true", **query)
        assert answer.status_code == 200
        assert answer.mimetype == "multipart/mixed"
        head = f"Content-Type: {answer.content_type}\r\n\r\n".encode()
        message = email.message_from_bytes(head + answer.data, policy=email.policy.HTTP)
        (part,) = message.iter_parts()  # type: ignore[attr-defined]
        assert part.get_content_type() == "application/json"
        assert known.encode() in part.get_payload(decode=True)


def test_head_is_get_without_a_body(lrs: Lrs) -> None:
    (known,) = lrs.store(statement())
    for query in ({}, {"statementId": known}, {"verb": "x"}):
        get, head = lrs.get(**query), lrs.call("HEAD", **query)
        assert head.data == b""
        assert head.status_code == get.status_code
        for name in ("Content-Type", "Last-Modified", "X-Experience-API-Version"):
            assert head.headers.get(name) == get.headers.get(name)


def test_last_modified_is_when_it_was_stored(lrs: Lrs) -> None:
    (known,) = lrs.store(statement())
    answer = lrs.get(statementId=known)
    stored = parse_timestamp(answer.get_json()["stored"]).replace(microsecond=0)
    assert answer.last_modified == stored
    assert lrs.get().last_modified == stored


def test_consistent_through_is_on_every_answer(lrs: Lrs) -> None:
    name = "X-Experience-API-Consistent-Through"
    begin = datetime.now(UTC)
    answers = [
        lrs.post(statement()),
        lrs.post(b"{"),
        lrs.get(),
        lrs.get(statementId=str(uuid.uuid4())),
        lrs.get(limit="x"),
        lrs.call("GET", headers={"Authorization": "Basic eDp5"}),
        lrs.call("HEAD"),
    ]
    for answer in answers:
        assert parse_timestamp(answer.headers[name]).tzinfo is not None
    assert parse_timestamp(answers[2].headers[name]) >= begin


def test_scopes(lrs: Lrs) -> None:
    (known,) = lrs.store(statement())
    table = {
        "statements/write": (200, 403),
        "statements/read": (403, 200),
        "statements/read/mine": (403, 200),
        "all/read": (403, 200),
        "all": (200, 200),
        "state": (403, 403),
        "profile": (403, 403),
        "pretest/read": (403, 403),
    }
    for scope, (write, read) in table.items():
        other = lrs.with_scopes([scope])
        assert other.post(statement()).status_code == write, scope
        assert other.get().status_code == read, scope
        put = other.call("PUT", body=statement(), statementId=str(uuid.uuid4()))
        assert put.status_code in {write, 400}, scope
    mine = lrs.with_scopes(["statements/write", "statements/read/mine"])
    (own,) = mine.store(statement())
    assert mine.found() == [own]
    assert mine.get(statementId=known).status_code == 404
    assert mine.get(statementId=own).status_code == 200


def test_tenants_are_apart(lrs: Lrs) -> None:
    with writing(lrs.parts.engine) as db:
        tenant = create_tenant(db, name="academy").id
    other = lrs.with_scopes(["all"], tenant)
    (known,) = lrs.store(statement(id="ec531277-b57b-4c15-8d91-d292c5b2b8f7"))
    assert other.found() == []
    assert other.get(statementId=known).status_code == 404
    # the same id may mean something else there
    different = statement(id=known, verb={"id": "http://example.org/v"})
    assert other.store(different) == [known]
    assert other.found() == [known]
    assert lrs.get(statementId=known).get_json()["verb"] != different["verb"]


def test_the_pretest_wall(lrs: Lrs, caplog: pytest.LogCaptureFixture) -> None:
    course = "http://example.org/activities/course"
    pretest = f"{course}/units/pretest"
    scored = {"score": {"scaled": 0.4}}
    secret = statement(object={"id": pretest}, result=scored)
    parent = {"parent": [{"id": pretest}]}
    answer = statement(
        object={"id": f"{pretest}/interactions/1"},
        context={"contextActivities": parent},
    )
    total = statement(object={"id": course}, result=scored)
    open_one = statement(object={"id": f"{course}/units/lesson"}, result=scored)
    done = statement(object={"id": course}, result={"completion": True})
    ids = lrs.store(secret, answer, total, open_one, done)
    (voiding,) = lrs.with_scopes(["all", "statements/void"]).store(void(total["id"]))
    with writing(lrs.parts.engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=course,
            activity_iri=pretest,
            role="pretest",
            now=datetime.now(UTC),
            proposed=True,
        )
    assert set(lrs.found()) == {open_one["id"], done["id"], voiding}
    assert lrs.found(activity=pretest, related_activities="true") == []
    for hidden in (secret, answer):
        assert lrs.get(statementId=hidden["id"]).status_code == 404
    assert lrs.get(voidedStatementId=total["id"]).status_code == 404
    assert "behind the pre-test wall" not in caplog.text
    reader = lrs.with_scopes(["all", "pretest/read"])
    assert set(reader.found()) == {*ids, voiding} - {total["id"]}
    assert reader.get(voidedStatementId=total["id"]).status_code == 200
    assert caplog.text.count("behind the pre-test wall") == 2


@pytest.mark.parametrize("is_reference_first", [False, True])
def test_a_score_that_refers_to_a_pretest_is_behind_the_wall(
    lrs: Lrs, *, is_reference_first: bool
) -> None:
    """Whichever came first; a reference without a score is shown."""
    course = "http://example.org/activities/course"
    pretest = f"{course}/units/pretest"
    scored = {"score": {"scaled": 0.4}}
    secret = statement(object={"id": pretest}, result=scored)

    def referring(target: dict[str, Any], **members: Any) -> dict[str, Any]:
        ref = {"objectType": "StatementRef", "id": target["id"]}
        return statement(object=ref, **members)

    plain = referring(secret)
    told = [referring(one, result=scored) for one in (secret, plain)]
    with writing(lrs.parts.engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=course,
            activity_iri=pretest,
            role="pretest",
            now=datetime.now(UTC),
        )
    batches = [[secret], [plain, *told]]
    for batch in reversed(batches) if is_reference_first else batches:
        lrs.store(*batch)
    assert lrs.found() == [plain["id"]]
    assert lrs.found(verb=plain["verb"]["id"]) == [plain["id"]]
    for one in (secret, *told):
        assert lrs.get(statementId=one["id"]).status_code == 404
    reader = lrs.with_scopes(["all", "pretest/read"])
    assert set(reader.found()) == {one["id"] for one in (secret, plain, *told)}
    for one in (secret, *told):
        assert reader.get(statementId=one["id"]).status_code == 200


def test_methods_that_do_not_exist(lrs: Lrs) -> None:
    answer = lrs.call("DELETE")
    assert answer.status_code == 405
    assert answer.get_json()["code"] == "method_not_allowed"
    assert "POST" in answer.headers["Allow"]
    assert lrs.call("PATCH", body={}).status_code == 405


def test_what_is_too_much_for_one_transaction(lrs: Lrs) -> None:
    tiny = {
        "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "a:v"},
        "object": {"id": "a:o"},
    }
    assert lrs.post([tiny] * (MAX_STATEMENTS + 1)).status_code == 413
    many = [{"id": f"a:{n}", "definition": {}} for n in range(MAX_REFERENCES - 2)]
    context = {"contextActivities": {"other": many}}
    assert lrs.post(statement(context=context)).status_code == 200
    assert len(lrs.get(format="canonical").get_json()["statements"]) == 1
    many.append({"id": "a:more", "definition": {}})
    answer = lrs.post(statement(context=context))
    assert answer.status_code == 413
    assert answer.get_json()["limit"] == MAX_REFERENCES
    assert len(lrs.found()) == 1


def test_writers_at_once_all_succeed(lrs: Lrs) -> None:
    """Batches that share activities and actors, one of them with the same ids."""
    shared = [statement(timestamp="2026-03-02T17:00:00Z") for _ in range(3)]

    def write(number: int) -> int:
        batch = [statement() for _ in range(5)] if number % 3 else shared
        return lrs.post(batch).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(24))) == {200}
    found = lrs.found(limit="500")
    assert len(found) == len(set(found)) == 16 * 5 + 3


def test_of_many_that_want_one_id_one_wins(lrs: Lrs) -> None:
    for _ in range(5):
        statement_id = str(uuid.uuid4())
        rivals = [
            statement(id=statement_id, result={"response": str(number)})
            for number in range(8)
        ]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda one: lrs.post(one).status_code, rivals))
        assert sorted(answers) == [200] + [409] * 7
        winner = rivals[answers.index(200)]
        read = lrs.get(statementId=statement_id).get_json()
        assert read["result"] == winner["result"]


def test_a_statement_and_its_void_at_once(lrs: Lrs) -> None:
    for _ in range(10):
        target = statement()
        both = [target, void(target["id"])]
        with ThreadPoolExecutor(2) as pool:
            answers = set(pool.map(lambda one: lrs.post(one).status_code, both))
        assert answers == {200}
        assert lrs.get(statementId=target["id"]).status_code == 404
        assert lrs.get(voidedStatementId=target["id"]).status_code == 200


def test_followers_miss_nothing(lrs: Lrs) -> None:
    """Polling with `since`, and `more` in both directions, beside eight writers."""
    done = threading.Event()

    def follow() -> list[str]:
        """Poll from the last `stored` on, and once more after the last write."""
        seen: list[str] = []
        since = "2000-01-01T00:00:00Z"
        while True:
            is_last = done.is_set()
            answer = lrs.get(since=since, ascending="true", limit="7").get_json()
            seen += [one["id"] for one in answer["statements"]]
            if answer["statements"]:
                since = answer["statements"][-1]["stored"]
            elif is_last:
                return seen

    with ThreadPoolExecutor(11) as pool:
        followers = [pool.submit(follow) for _ in range(3)]
        writers = [
            pool.submit(lrs.store, *[statement() for _ in range(number)])
            for number in range(1, 6)
            for _ in range(8)
        ]
        stored = [one for writer in writers for one in writer.result()]
        done.set()
        for follower in followers:
            seen = follower.result()
            assert len(seen) == len(stored)
            assert set(seen) == set(stored)


@pytest.mark.parametrize("last", [b"", b"x", b"}", b")", b'"', b"\xff", b",", b"\0"])
def test_a_list_is_closed(own: Own, last: bytes) -> None:
    whole = orjson.dumps([statement(), statement()])
    answer = own.call("POST", body=whole[:-1] + last)
    assert answer.status_code == 400, answer.text
    assert own.found() == []


def test_every_more_is_accepted(own: Own) -> None:
    """Up to the longest filter that is not refused, whatever it is spelled with."""
    paged = refused = 0
    for letter in ("x", '"', "\N{SNOWMAN}"):
        for length in (100, 1_500, 2_500, 4_000, 6_500, 8_500, 9_200):
            name = letter * length
            account = {"homePage": "http://example.org", "name": name}
            agent = {"account": account}
            own.store(statement(actor=agent), statement(actor=agent))
            answer = own.get(agent=orjson.dumps(agent).decode(), limit="1")
            if answer.status_code == 400:
                assert "cannot be paged" in answer.text
                refused += 1
                continue
            more = answer.get_json()["more"]
            answer = own.call("GET", more)
            assert answer.status_code == 200, answer.text
            assert len(answer.get_json()["statements"]) == 1
            paged += 1
    assert paged > 5
    assert refused > 2
