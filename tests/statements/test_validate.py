from __future__ import annotations

from typing import Any

import pytest

from statements import validate
from statements.errors import InvalidStatement
from statements.text import MAX_DEPTH
from statements.validate import check_actor, check_statement, forget
from tests.statements.cases import (
    ACTIVITY,
    AGENT,
    ATTACHMENT,
    CONTEXT,
    FULL,
    GONE,
    GROUP,
    INTERACTIONS,
    OTHER_AGENT,
    REFERENCE,
    SMALL,
    SUB_STATEMENT,
    change,
)

BOTH = ("1.0.3", "2.0.0")
SUB = {**SMALL, "object": SUB_STATEMENT}
TEAM_OF_TWO = {"objectType": "Group", "member": [AGENT, OTHER_AGENT]}
VOIDING = {
    **SMALL,
    "verb": {"id": "http://adlnet.gov/expapi/verbs/voided"},
    "object": REFERENCE,
}
CONTEXT_AGENT = {
    "objectType": "contextAgent",
    "agent": AGENT,
    "relevantTypes": ["http://example.org/role"],
}
CONTEXT_GROUP = {"objectType": "contextGroup", "group": TEAM_OF_TWO}

ACCEPTED: dict[str, dict[str, Any]] = {
    "2.2 every property": FULL,
    "2.2 only the required ones": SMALL,
    "2.4.2.1 agent without objectType": change(FULL, "actor.objectType", GONE),
    "2.4.2.1 agent by sha1": change(SMALL, "actor", {"mbox_sha1sum": "a" * 40}),
    "2.4.2.1 agent by openid": change(
        SMALL, "actor", {"openid": "http://officer.example.org/"}
    ),
    "2.4.2.1 agent with a name": change(SMALL, "actor.name", ""),
    "2.4.2.2 identified group": change(SMALL, "actor", GROUP),
    "2.4.2.2 identified group without members": change(
        SMALL, "actor", change(GROUP, "member", GONE)
    ),
    "2.4.2.2 anonymous group": change(SMALL, "actor", TEAM_OF_TWO),
    "2.4.4 object is an agent": change(SMALL, "object", AGENT),
    "2.4.4 object is a group": change(SMALL, "object", GROUP),
    "2.4.4.1 activity with an empty definition": change(SMALL, "object.definition", {}),
    "2.4.4.3 object is a sub-statement": SUB,
    "2.4.4.3 sub-statement about an agent": change(
        change(SUB, "object.object", AGENT),
        "object.context",
        {"registration": CONTEXT["registration"]},
    ),
    "2.4.4.3 sub-statement about a statement": change(
        change(SUB, "object.object", REFERENCE), "object.context", GONE
    ),
    "2.4.4.3 object is a reference": change(SMALL, "object", REFERENCE),
    "2.3.2 voiding": VOIDING,
    "2.4.5 empty result": change(SMALL, "result", {}),
    "2.4.5.1 score at the ends": change(
        FULL, "result.score", {"scaled": -1, "raw": 10, "min": 0, "max": 10}
    ),
    "2.4.5.1 raw alone": change(FULL, "result.score", {"raw": -5.5}),
    "2.4.6.2 one activity instead of a list": change(
        FULL, "context.contextActivities.parent", {"id": "http://example.org/p"}
    ),
    "2.4.6.2 no activities": change(FULL, "context.contextActivities", {}),
    "2.4.9 authority of two": change(FULL, "authority", TEAM_OF_TWO),
    "2.4.10 version 1.0": change(FULL, "version", "1.0"),
    "2.4.10 version 1.0.9": change(FULL, "version", "1.0.9"),
    "2.4.10 version 2.0.0": change(FULL, "version", "2.0.0"),
    "2.4.11 attachment without fileUrl": change(FULL, "attachments.0.fileUrl", GONE),
    "2.4.11 no attachments": change(FULL, "attachments", []),
    "4.1 extension values are free": change(
        FULL, "result.extensions", {"tag:a,2026:b": [None, {}, "", 1e300]}
    ),
    "4.2 undetermined language": change(FULL, "verb.display", {"und": ""}),
}

# requirement -> (where the change is made, the value there, where the error points)
REFUSED: dict[str, tuple[str, Any, str]] = {
    "2.2 actor is required": ("actor", GONE, "$"),
    "2.2 verb is required": ("verb", GONE, "$"),
    "2.2 object is required": ("object", GONE, "$"),
    "2.2 no null": ("result", None, "$.result"),
    "2.2 no null deeper": ("result.success", None, "$.result.success"),
    "2.2 unknown property": ("extra", 1, "$.extra"),
    "2.2 wrong case of a key": ("Actor", AGENT, "$.Actor"),
    "2.2 unknown property of an actor": ("actor.iri", "x", "$.actor.iri"),
    "2.2 key that is no name": ("a b", 1, "$['a b']"),
    "2.4.1 id is a UUID": ("id", "1", "$.id"),
    "2.4.1 id is a string": ("id", 12345, "$.id"),
    "2.4.1 id is not null": ("id", None, "$.id"),
    "2.4.2 actor is an object": ("actor", "officer", "$.actor"),
    "2.4.2 actor type": ("actor.objectType", "agent", "$.actor.objectType"),
    "2.4.2 actor type is a string": ("actor.objectType", 1, "$.actor.objectType"),
    "2.4.2 actor type is hashable": ("actor.objectType", [], "$.actor.objectType"),
    "2.4.2.1 agent needs an identifier": ("actor.mbox", GONE, "$.actor"),
    "2.4.2.1 only one identifier": ("actor.openid", "http://a.example/", "$.actor"),
    "2.4.2.1 agent has no members": ("actor.member", [], "$.actor.member"),
    "2.4.2.1 name is a string": ("actor.name", 1, "$.actor.name"),
    "2.4.2.3 mbox has a scheme": ("actor.mbox", "a@example.org", "$.actor.mbox"),
    "2.4.2.3 mbox is a string": ("actor.mbox", ["a"], "$.actor.mbox"),
    "2.4.2.2 one identifier of a group": (
        "context.team.mbox",
        "mailto:a@example.org",
        "$.context.team",
    ),
    "2.4.2.2 anonymous group has members": (
        "context.team",
        {"objectType": "Group"},
        "$.context.team",
    ),
    "2.4.2.2 anonymous group has some members": (
        "context.team",
        {"objectType": "Group", "member": []},
        "$.context.team",
    ),
    "2.4.2.2 members are a list": (
        "context.team.member",
        AGENT,
        "$.context.team.member",
    ),
    "2.4.2.2 members are agents": (
        "context.team.member.1",
        GROUP,
        "$.context.team.member[1].objectType",
    ),
    "2.4.2.2 members are identified": (
        "context.team.member.1",
        {"name": "x"},
        "$.context.team.member[1]",
    ),
    "2.4.2.4 account needs a home page": (
        "context.team.account.homePage",
        GONE,
        "$.context.team.account",
    ),
    "2.4.2.4 account needs a name": (
        "context.team.account.name",
        GONE,
        "$.context.team.account",
    ),
    "2.4.2.4 home page is an IRL": (
        "context.team.account.homePage",
        "ab=c://should.fail",
        "$.context.team.account.homePage",
    ),
    "2.4.2.4 account is an object": (
        "context.team.account",
        "x",
        "$.context.team.account",
    ),
    "2.4.3 verb is an object": ("verb", "did", "$.verb"),
    "2.4.3 verb needs an id": ("verb.id", GONE, "$.verb"),
    "2.4.3 verb id is an IRI": ("verb.id", "did", "$.verb.id"),
    "2.4.3 verb id is a string": ("verb.id", 1, "$.verb.id"),
    "2.4.3 display is a map": ("verb.display", "did", "$.verb.display"),
    "4.2 language tag": (
        "verb.display",
        {"a12345678": "x"},
        "$.verb.display.a12345678",
    ),
    "4.2 text is a string": ("verb.display", {"en": 1}, "$.verb.display.en"),
    "2.4.4 object is an object": ("object", [], "$.object"),
    "2.4.4 object type": ("object.objectType", "activity", "$.object.objectType"),
    "2.4.4.1 activity needs an id": ("object.id", GONE, "$.object"),
    "2.4.4.1 activity id is an IRI": ("object.id", "course", "$.object.id"),
    "2.4.4.1 definition is an object": (
        "object.definition",
        "x",
        "$.object.definition",
    ),
    "2.4.4.1 name is a map": (
        "object.definition.name",
        "x",
        "$.object.definition.name",
    ),
    "2.4.4.1 type is an IRI": (
        "object.definition.type",
        "course",
        "$.object.definition.type",
    ),
    "2.4.4.1 moreInfo is an IRL": (
        "object.definition.moreInfo",
        "more",
        "$.object.definition.moreInfo",
    ),
    "2.4.4.1 unknown interaction type": (
        "object.definition.interactionType",
        "essay",
        "$.object.definition.interactionType",
    ),
    "2.4.4.1 components need an interaction type": (
        "object.definition.interactionType",
        GONE,
        "$.object.definition",
    ),
    "2.4.4.1 components of another type": (
        "object.definition.scale",
        [{"id": "a"}],
        "$.object.definition.scale",
    ),
    "2.4.4.1 components need an id": (
        "object.definition.choices.0.id",
        GONE,
        "$.object.definition.choices[0]",
    ),
    "2.4.4.1 component ids differ": (
        "object.definition.choices.0.id",
        "b",
        "$.object.definition.choices",
    ),
    "2.4.4.1 component id is a string": (
        "object.definition.choices.0.id",
        1,
        "$.object.definition.choices[0].id",
    ),
    "2.4.4.1 component text is a map": (
        "object.definition.choices.1.description",
        "x",
        "$.object.definition.choices[1].description",
    ),
    "2.4.4.1 responses are strings": (
        "object.definition.correctResponsesPattern",
        [1],
        "$.object.definition.correctResponsesPattern[0]",
    ),
    "4.1 extension names are IRIs": (
        "object.definition.extensions",
        {"x": 1},
        "$.object.definition.extensions.x",
    ),
    "4.1 extensions are an object": (
        "object.definition.extensions",
        [],
        "$.object.definition.extensions",
    ),
    "2.4.4.3 reference needs an id": (
        "object",
        {"objectType": "StatementRef"},
        "$.object",
    ),
    "2.4.4.3 reference id is a UUID": (
        "object",
        {"objectType": "StatementRef", "id": "x"},
        "$.object.id",
    ),
    "2.4.4.2 object agent is an agent": (
        "object",
        {"objectType": "Agent", "id": "http://example.org"},
        "$.object.id",
    ),
    "2.4.5 result is an object": ("result", 1, "$.result"),
    "2.4.5 success is a boolean": ("result.success", "true", "$.result.success"),
    "2.4.5 completion is a boolean": ("result.completion", 1, "$.result.completion"),
    "2.4.5 response is a string": ("result.response", 1, "$.result.response"),
    "4.6 duration is ISO 8601": ("result.duration", "PA1H0M0S", "$.result.duration"),
    "4.6 duration is a string": ("result.duration", 5, "$.result.duration"),
    "2.4.5.1 score is an object": ("result.score", 0.8, "$.result.score"),
    "2.4.5.1 scaled is a number": (
        "result.score.scaled",
        "0.8",
        "$.result.score.scaled",
    ),
    "2.4.5.1 scaled is no boolean": (
        "result.score.scaled",
        True,
        "$.result.score.scaled",
    ),
    "2.4.5.1 scaled is at most 1": (
        "result.score.scaled",
        1.0001,
        "$.result.score.scaled",
    ),
    "2.4.5.1 scaled is at least -1": (
        "result.score.scaled",
        -1.5,
        "$.result.score.scaled",
    ),
    "2.4.5.1 raw is at most max": ("result.score.raw", 10.5, "$.result.score.raw"),
    "2.4.5.1 raw is at least min": ("result.score.raw", -0.5, "$.result.score.raw"),
    "2.4.5.1 min is less than max": ("result.score.min", 10, "$.result.score"),
    "2.4.6 context is an object": ("context", [], "$.context"),
    "2.4.6 registration is a UUID": (
        "context.registration",
        "x",
        "$.context.registration",
    ),
    "2.4.6 instructor is an actor": (
        "context.instructor",
        {"name": "x"},
        "$.context.instructor",
    ),
    "2.4.6 team is a group": ("context.team", AGENT, "$.context.team.objectType"),
    "2.4.6 team without a type": (
        "context.team",
        OTHER_AGENT,
        "$.context.team.objectType",
    ),
    "2.4.6 team is an object": ("context.team", "x", "$.context.team"),
    "2.4.6 revision is a string": ("context.revision", 2, "$.context.revision"),
    "2.4.6 platform is a string": ("context.platform", 2, "$.context.platform"),
    "2.4.6 language is a tag": ("context.language", "en_US", "$.context.language"),
    "2.4.6 statement is a reference": (
        "context.statement",
        ACTIVITY,
        "$.context.statement.objectType",
    ),
    "2.4.6 reference has its type": (
        "context.statement.objectType",
        GONE,
        "$.context.statement",
    ),
    "2.4.6.2 known kinds only": (
        "context.contextActivities.sibling",
        [],
        "$.context.contextActivities.sibling",
    ),
    "2.4.6.2 activities only": (
        "context.contextActivities.parent.0",
        AGENT,
        "$.context.contextActivities.parent[0].objectType",
    ),
    "2.4.6.2 activities have ids": (
        "context.contextActivities.grouping",
        {},
        "$.context.contextActivities.grouping",
    ),
    "2.4.6.2 no text": (
        "context.contextActivities.grouping",
        "http://example.org/g",
        "$.context.contextActivities.grouping",
    ),
    "2.4.7 timestamp is ISO 8601": ("timestamp", "01/011/2015", "$.timestamp"),
    "2.4.7 timestamp is a string": ("timestamp", 1488474000, "$.timestamp"),
    "4.5 no unknown offset": ("timestamp", "2026-03-02T17:00:00-00:00", "$.timestamp"),
    "2.4.8 stored is a timestamp": ("stored", "now", "$.stored"),
    "2.4.9 authority is an actor": ("authority", {}, "$.authority"),
    "2.4.9 authority of three": (
        "authority",
        {"objectType": "Group", "member": [AGENT, AGENT, AGENT]},
        "$.authority",
    ),
    "2.4.9 authority of one": (
        "authority",
        {"objectType": "Group", "member": [AGENT]},
        "$.authority",
    ),
    "2.4.9 authority is no identified group": ("authority", GROUP, "$.authority"),
    "2.4.10 version 1.1.0": ("version", "1.1.0", "$.version"),
    "2.4.10 version 0.9": ("version", "0.9.9", "$.version"),
    "2.4.10 version is a string": ("version", 1, "$.version"),
    "2.4.11 attachments are a list": ("attachments", ATTACHMENT, "$.attachments"),
    "2.4.11 attachment is an object": ("attachments.0", "x", "$.attachments[0]"),
    **{
        f"2.4.11 attachment needs {name}": (
            f"attachments.0.{name}",
            GONE,
            "$.attachments[0]",
        )
        for name in ("usageType", "display", "contentType", "length", "sha2")
    },
    "2.4.11 usageType is an IRI": (
        "attachments.0.usageType",
        "x",
        "$.attachments[0].usageType",
    ),
    "2.4.11 contentType is a type": (
        "attachments.0.contentType",
        "pdf",
        "$.attachments[0].contentType",
    ),
    "2.4.11 length is a number": (
        "attachments.0.length",
        "5",
        "$.attachments[0].length",
    ),
    "2.4.11 length is whole": ("attachments.0.length", 1.5, "$.attachments[0].length"),
    "2.4.11 length is not negative": (
        "attachments.0.length",
        -1,
        "$.attachments[0].length",
    ),
    "2.4.11 sha2 is a digest": ("attachments.0.sha2", "x", "$.attachments[0].sha2"),
    "2.4.11 fileUrl is an IRL": (
        "attachments.0.fileUrl",
        "policy.pdf",
        "$.attachments[0].fileUrl",
    ),
}
REFUSED_SUB: dict[str, tuple[str, Any, str]] = {
    "2.4.4.3 no id": ("object.id", FULL["id"], "$.object.id"),
    "2.4.4.3 no stored": ("object.stored", FULL["stored"], "$.object.stored"),
    "2.4.4.3 no version": ("object.version", "1.0.3", "$.object.version"),
    "2.4.4.3 no authority": ("object.authority", AGENT, "$.object.authority"),
    "2.4.4.3 actor is required": ("object.actor", GONE, "$.object"),
    "2.4.4.3 verb is required": ("object.verb", GONE, "$.object"),
    "2.4.4.3 object is required": ("object.object", GONE, "$.object"),
    "2.4.4.3 no nesting": (
        "object.object",
        SUB_STATEMENT,
        "$.object.object.objectType",
    ),
    "2.4.4.3 rules hold inside": (
        "object.result.score.scaled",
        2,
        "$.object.result.score.scaled",
    ),
    "2.4.4.3 revision is for activities": (
        "object.object",
        AGENT,
        "$.object.context.revision",
    ),
}


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("requirement", ACCEPTED)
def test_accepted(requirement: str, version: str) -> None:
    check_statement(ACCEPTED[requirement], version=version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("requirement", REFUSED)
def test_refused(requirement: str, version: str) -> None:
    place, value, path = REFUSED[requirement]
    refused(change(FULL, place, value), path, version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("requirement", REFUSED_SUB)
def test_refused_in_a_sub_statement(requirement: str, version: str) -> None:
    place, value, path = REFUSED_SUB[requirement]
    refused(change(SUB, place, value), path, version)


def refused(statement: Any, path: str, version: str = "1.0.3") -> InvalidStatement:
    with pytest.raises(InvalidStatement) as caught:
        check_statement(statement, version=version)
    assert caught.value.extra["path"] == path
    assert caught.value.extra["requirement"]
    assert caught.value.extra["section"].startswith(("Data", "4.2", "-"))
    assert path in caught.value.detail
    return caught.value


@pytest.mark.parametrize("value", [None, [], "x", 1, 1.5, True])
def test_a_statement_is_an_object(value: Any) -> None:
    refused(value, "$")


@pytest.mark.parametrize("name", ["revision", "platform"])
@pytest.mark.parametrize("target", [AGENT, GROUP, REFERENCE])
def test_revision_and_platform_are_for_activities(
    name: str, target: dict[str, Any]
) -> None:
    statement = {**SMALL, "object": target, "context": {name: "x"}}
    refused(statement, f"$.context.{name}")


@pytest.mark.parametrize("target", [ACTIVITY, AGENT, SUB_STATEMENT])
def test_voiding_needs_a_reference(target: dict[str, Any]) -> None:
    error = refused({**VOIDING, "object": target}, "$.object")
    assert "2.3.2" in error.extra["section"]


@pytest.mark.parametrize("kind", sorted(INTERACTIONS))
@pytest.mark.parametrize("list_name", ["choices", "scale", "source", "target", "steps"])
def test_components_of_interactions(kind: str, list_name: str) -> None:
    own = INTERACTIONS[kind]
    definition = {"interactionType": kind, **own}
    check_statement(change(SMALL, "object.definition", definition), version="1.0.3")
    if list_name not in own:
        statement = change(
            SMALL, "object.definition", {**definition, list_name: [{"id": "a"}]}
        )
        refused(statement, f"$.object.definition.{list_name}")


NEW = {
    "contextAgents": [CONTEXT_AGENT],
    "contextGroups": [CONTEXT_GROUP],
}


@pytest.mark.parametrize("name", sorted(NEW))
def test_what_2_0_brought(name: str) -> None:
    statement = {**SMALL, "context": {name: NEW[name]}}
    check_statement(statement, version="2.0.0")
    refused(statement, f"$.context.{name}", "1.0.3")
    # a statement of 2.0 is accepted under either header
    check_statement({**statement, "version": "2.0.0"}, version="1.0.3")


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("contextAgents", CONTEXT_AGENT, ""),
        ("contextAgents", [change(CONTEXT_AGENT, "objectType", GONE)], "[0]"),
        (
            "contextAgents",
            [change(CONTEXT_AGENT, "objectType", "Agent")],
            "[0].objectType",
        ),
        ("contextAgents", [change(CONTEXT_AGENT, "agent", GONE)], "[0]"),
        ("contextAgents", [change(CONTEXT_AGENT, "agent", {})], "[0].agent"),
        (
            "contextAgents",
            [change(CONTEXT_AGENT, "relevantTypes", [])],
            "[0].relevantTypes",
        ),
        (
            "contextAgents",
            [change(CONTEXT_AGENT, "relevantTypes", ["abc"])],
            "[0].relevantTypes[0]",
        ),
        ("contextGroups", [change(CONTEXT_GROUP, "group", GONE)], "[0]"),
        (
            "contextGroups",
            [change(CONTEXT_GROUP, "group", AGENT)],
            "[0].group.objectType",
        ),
        (
            "contextGroups",
            [change(CONTEXT_GROUP, "objectType", "contextAgent")],
            "[0].objectType",
        ),
    ],
)
def test_agents_and_groups_of_the_context(name: str, value: Any, path: str) -> None:
    refused({**SMALL, "context": {name: value}}, f"$.context.{name}{path}", "2.0.0")


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("2026-03-02T17:00:00Z", True, True),
        ("2026-03-02T17:00:00.123+01:00", True, True),
        ("2026-03-02T17:00:00", True, False),
        ("20260302T170000Z", True, False),
        ("2026-03-02T17:00Z", True, False),
        ("2026-03-02t17:00:00z", False, True),
    ],
)
def test_timestamps_by_version(text: str, *, old: bool, new: bool) -> None:
    statement = {**SMALL, "timestamp": text}
    for version, accepted in zip(BOTH, (old, new), strict=True):
        if accepted:
            check_statement(statement, version=version)
        else:
            refused(statement, "$.timestamp", version)


def test_an_actor_alone() -> None:
    check_actor(AGENT, version="1.0.3")
    with pytest.raises(InvalidStatement) as caught:
        check_actor({"mbox": "x"}, version="2.0.0")
    assert caught.value.extra["path"] == "$.mbox"


def test_a_long_value_is_shown_short() -> None:
    error = refused(change(SMALL, "verb.id", "x" * 10_000), "$.verb.id")
    assert len(error.detail) < 300


def test_what_is_remembered_does_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "_MEMORY", 10)
    forget()
    for number in range(25):
        iri = f"http://example.org/{number}"
        actor = {"mbox": f"mailto:{number}@example.org"}
        for _ in range(2):
            check_statement(
                {"actor": actor, "verb": {"id": iri}, "object": {"id": iri}},
                version="1.0.3",
            )
        long = f"{iri}/{'a' * validate._LONGEST}"
        check_statement(change(SMALL, "object.id", long), version="1.0.3")
    for name, known in validate._KNOWN.items():
        assert len(known) <= 10, name
        assert all(len(one) <= validate._LONGEST for one in known), name
    assert validate._KNOWN["iri"]
    assert validate._KNOWN["mbox"]


def test_what_is_remembered_is_what_was_valid() -> None:
    forget()
    for _ in range(2):
        refused(change(SMALL, "verb.id", "no iri"), "$.verb.id")
        refused(change(SMALL, "actor.mbox", "no mbox"), "$.actor.mbox")
        refused(change(FULL, "verb.display", {"en_US": ""}), "$.verb.display.en_US")
        check_statement(FULL, version="1.0.3")


@pytest.mark.parametrize("deep", ["verb.x", "actor.x", "context.contextActivities.x"])
def test_a_very_deep_value_is_refused_where_it_stands(deep: str) -> None:
    value: Any = []
    for _ in range(300):
        value = [value]
    refused(change(FULL, deep, value), f"$.{deep}")


@pytest.mark.parametrize("levels", [MAX_DEPTH, 300])
@pytest.mark.parametrize(
    "place",
    ["result.extensions", "context.extensions", "object.definition.extensions"],
)
def test_extensions_are_not_deeper_than_allowed(place: str, levels: int) -> None:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    name = "http://example.org/x"
    for deep, taken in ((value, levels == MAX_DEPTH), ({"a": value}, False)):
        statement = change(FULL, place, {name: deep})
        if taken:
            check_statement(statement, version="1.0.3")
        else:
            refused(statement, f"$.{place}['{name}']")
