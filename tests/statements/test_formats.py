from __future__ import annotations

from typing import Any

import orjson
import pytest

from statements.formats import (
    activity_iris,
    canonical,
    choose_language,
    exact,
    ids,
    one_language,
    plain_versions,
)
from tests.statements.cases import (
    ACTIVITY,
    AGENT,
    FULL,
    GROUP,
    OTHER_AGENT,
    REFERENCE,
    SMALL,
    SUB_STATEMENT,
    change,
)

MEMBERS = [
    {"objectType": "Agent", "mbox": "mailto:officer@example.org"},
    {"mbox": "mailto:dispatcher@example.org"},
]


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
@pytest.mark.parametrize(
    "statement",
    [
        SMALL,
        {**SMALL, "timestamp": "2026-03-02T17:00:00Z"},
        change(FULL, "context.contextActivities.grouping", []),
    ],
)
def test_bytes_that_need_no_change_keep(statement: Any, version: str) -> None:
    raw = orjson.dumps(statement, option=orjson.OPT_INDENT_2)
    assert exact(raw, version=version) is raw


LISTED = change(FULL, "context.contextActivities.grouping", [])
LISTED_SUB = change(SUB_STATEMENT, "context.contextActivities.grouping", [])
LATE = "2026-03-02T09:00:00-08:00"


@pytest.mark.parametrize(
    ("statement", "plain"),
    [
        (SMALL, (True, True)),
        (FULL, (False, False)),
        (LISTED, (True, True)),
        ({**LISTED, "timestamp": LATE}, (True, False)),
        ({**SMALL, "timestamp": "2026-03-02T17:00:00"}, (True, False)),
        ({**SMALL, "timestamp": "2026-03-02t17:00:00z"}, (True, False)),
        ({**SMALL, "object": SUB_STATEMENT}, (False, False)),
        ({**SMALL, "object": LISTED_SUB}, (True, True)),
        ({**SMALL, "object": {**LISTED_SUB, "timestamp": LATE}}, (True, False)),
    ],
)
def test_plain_is_what_needs_no_change(
    statement: Any, plain: tuple[bool, bool]
) -> None:
    raw = orjson.dumps(statement)
    assert plain_versions(statement) == plain
    for version, is_so in zip(("1.0.3", "2.0.0"), plain, strict=True):
        assert (exact(raw, version=version) is raw) is is_so


@pytest.mark.parametrize(
    "spelling", [b'"grouping":{', b'"grouping" : {', b'"gr\\u006fuping":{']
)
@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_context_activities_come_back_as_lists(spelling: bytes, version: str) -> None:
    raw = orjson.dumps(FULL).replace(b'"grouping":{', spelling)
    raw = raw.replace(b'"raw":8', b'"raw":8.00')
    made = exact(raw, version=version)
    context = orjson.loads(made)["context"]["contextActivities"]
    assert context["grouping"] == [{"id": "http://example.org/g"}]
    assert context["parent"] == [{"id": "http://example.org/p"}]
    assert b'"raw":8.00' in made
    sub = orjson.dumps({**SMALL, "object": {**SUB_STATEMENT}})
    inner = orjson.loads(exact(sub, version=version))["object"]["context"]
    assert inner["contextActivities"]["grouping"] == [{"id": "http://example.org/g"}]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-02T09:00:00-08:00", "2026-03-02T17:00:00.000000Z"),
        ("2026-03-02T17:00:00", "2026-03-02T17:00:00.000000Z"),
        ("2026-03-02T17:00:00.5Z", "2026-03-02T17:00:00.5Z"),
    ],
)
def test_instants_are_in_utc_in_2_0_only(text: str, utc: str) -> None:
    raw = orjson.dumps({**SMALL, "timestamp": text})
    assert orjson.loads(exact(raw, version="2.0.0"))["timestamp"] == utc
    assert exact(raw, version="1.0.3") is raw
    sub = orjson.dumps({**SMALL, "object": {**SUB_STATEMENT, "timestamp": text}})
    assert orjson.loads(exact(sub, version="2.0.0"))["object"]["timestamp"] == utc


def test_escapes_alone_change_nothing() -> None:
    raw = orjson.dumps(SMALL).replace(b"course", b"\\u0063ourse")
    assert exact(raw, version="1.0.3") is raw


def test_ids_only_identify() -> None:
    full = change(FULL, "context.team.name", "Night patrol")
    short = ids(change(full, "actor.name", "Officer"))
    assert short["actor"] == AGENT
    assert short["verb"] == {"id": FULL["verb"]["id"]}  # type: ignore[index]
    assert short["object"] == {"id": "http://example.org/activities/question"}
    team = short["context"]["team"]
    assert team == {"objectType": "Group", "account": GROUP["account"]}
    assert short["context"]["contextActivities"]["grouping"] == [
        {"id": "http://example.org/g"}
    ]
    for name in ("result", "timestamp", "stored", "version", "attachments"):
        assert short[name] == FULL[name]


def test_ids_of_an_anonymous_group_are_its_members() -> None:
    group = {
        "objectType": "Group",
        "name": "pair",
        "member": [{**AGENT, "name": "x"}, OTHER_AGENT],
    }
    short = ids({**SMALL, "actor": group})
    assert short["actor"] == {"objectType": "Group", "member": MEMBERS}


def test_ids_inside() -> None:
    short = ids({**SMALL, "object": SUB_STATEMENT})["object"]
    assert "definition" not in short["object"]
    assert "display" not in short["verb"]
    assert "member" not in short["actor"]
    assert ids({**SMALL, "object": REFERENCE})["object"] == REFERENCE
    named = {**SMALL, "object": {**AGENT, "name": "x"}}
    assert ids(named)["object"] == AGENT
    new = {
        **SMALL,
        "context": {
            "contextAgents": [
                {"objectType": "contextAgent", "agent": {**AGENT, "name": "x"}}
            ],
            "contextGroups": [
                {"objectType": "contextGroup", "group": {**GROUP, "name": "x"}}
            ],
        },
    }
    context = ids(new)["context"]
    assert context["contextAgents"][0]["agent"] == AGENT
    assert "name" not in context["contextGroups"][0]["group"]


def test_canonical_takes_what_the_store_knows() -> None:
    known = {
        "name": {"en-US": "Known", "es": "Conocido"},
        "extensions": {"http://example.org/x": {"en": "a", "es": "b"}},
    }
    made = canonical(
        {**FULL, "context": SUB_STATEMENT["context"]},
        definitions={ACTIVITY["id"]: known}.get,  # type: ignore[dict-item]
        languages=["es"],
    )
    assert made["object"]["definition"] == {
        "name": {"es": "Conocido"},
        "extensions": known["extensions"],
    }
    assert made["actor"] == AGENT
    assert made["context"]["team"] == GROUP


def test_canonical_without_knowledge_keeps_what_was_sent() -> None:
    statement = change(FULL, "verb.display", {"de": "ja", "en-GB": "yes"})
    made = canonical(statement, definitions={}.get, languages=["en"])
    assert made["verb"]["display"] == {"en-GB": "yes"}
    assert made["object"] == FULL["object"]
    assert made["attachments"] == FULL["attachments"]
    assert made["result"] == FULL["result"]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (["es"], "es"),
        (["ES-mx"], "es"),
        (["en"], "en-GB"),
        (["en-GB"], "en-GB"),
        (["en-AU"], "en-GB"),
        (["fr", "de"], "de"),
        (["fr"], "de"),
        (["*"], "de"),
        ([], "de"),
    ],
)
def test_the_language_that_suits_best(languages: list[str], expected: str) -> None:
    texts = {"de": "Kurs", "es": "curso", "en-GB": "course"}
    assert choose_language(texts, languages) == {expected: texts[expected]}


def test_english_where_nothing_suits() -> None:
    assert choose_language({"de": "a", "en-US": "b"}, ["fr"]) == {"en-US": "b"}
    assert choose_language({}, ["fr"]) == {}


def test_extensions_are_no_language_maps() -> None:
    value = {"extensions": {"name": {"a": 1, "b": 2}}, "name": "text"}
    assert one_language([value], ["en"]) == [value]


def test_activities_of_a_statement() -> None:
    assert activity_iris({**SMALL, "object": SUB_STATEMENT}) == {
        "http://example.org/activities/question",
        "http://example.org/p",
        "http://example.org/g",
        "http://example.org/c",
    }
