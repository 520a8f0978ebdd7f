from __future__ import annotations

from typing import Any

import pytest

from statements.compare import same_statement
from tests.statements.cases import (
    AGENT,
    FULL,
    GONE,
    GROUP,
    ID,
    OTHER_AGENT,
    OTHER_ID,
    REFERENCE,
    SMALL,
    SUB_STATEMENT,
    change,
)

GROUPED = {**FULL, "actor": GROUP}
SUB = {**SMALL, "object": SUB_STATEMENT}
NEW_CONTEXT = {
    **SMALL,
    "context": {
        "contextAgents": [{"objectType": "contextAgent", "agent": AGENT}],
        "contextGroups": [
            {"objectType": "contextGroup", "group": GROUP, "relevantTypes": ["a:b"]}
        ],
    },
}

SAME: dict[str, tuple[dict[str, Any], str, Any]] = {
    "nothing changed": (FULL, "id", ID),
    "id in capitals": (FULL, "id", ID.upper()),
    "without id": (FULL, "id", GONE),
    "authority": (FULL, "authority", OTHER_AGENT),
    "without authority": (FULL, "authority", GONE),
    "stored": (FULL, "stored", "2030-01-01T00:00:00Z"),
    "version": (FULL, "version", "1.0.0"),
    "without timestamp": (FULL, "timestamp", GONE),
    "the same instant elsewhere": (FULL, "timestamp", "2026-03-02T09:00:00.000-08:00"),
    "definition": (FULL, "object.definition", {"name": {"en": "other"}}),
    "without definition": (FULL, "object.definition", GONE),
    "display": (FULL, "verb.display", {"de": "beantwortet"}),
    "default objectType of an agent": (FULL, "actor.objectType", GONE),
    "default objectType of an activity": (FULL, "object.objectType", GONE),
    "order of members": (GROUPED, "actor.member", [OTHER_AGENT, AGENT]),
    "case of a domain": (FULL, "actor.mbox", "mailto:officer@EXAMPLE.org"),
    "registration in capitals": (FULL, "context.registration", ID.upper()),
    "reference in capitals": (FULL, "context.statement.id", OTHER_ID.upper()),
    "case of a language": (FULL, "context.language", "en-us"),
    "one activity or a list of one": (
        FULL,
        "context.contextActivities.parent",
        {"id": "http://example.org/p"},
    ),
    "an empty list of activities": (FULL, "context.contextActivities.other", GONE),
    "spelling of a number": (FULL, "result.score.raw", 8.0),
    "beyond a hundredth of a second": (FULL, "result.duration", "PT1M3.509S"),
    "zeros of a duration": (FULL, "result.duration", "PT1M3.50S"),
    "comma of a duration": (FULL, "result.duration", "PT1M3,5S"),
    "case of a digest": (FULL, "attachments.0.sha2", "A" * 64),
    "definition in a sub-statement": (SUB, "object.object.definition", GONE),
    "instant in a sub-statement": (
        SUB,
        "object.timestamp",
        "2026-03-02T18:00:00+01:00",
    ),
    "without context agents' types": (
        NEW_CONTEXT,
        "context.contextGroups.0.group",
        GROUP,
    ),
}
DIFFERENT: dict[str, tuple[dict[str, Any], str, Any]] = {
    "id": (FULL, "id", OTHER_ID),
    "actor": (FULL, "actor", OTHER_AGENT),
    "name of the actor": (FULL, "actor.name", "x"),
    "local part of the address": (FULL, "actor.mbox", "mailto:OFFICER@example.org"),
    "a member more": (GROUPED, "actor.member", [AGENT]),
    "verb": (FULL, "verb.id", "http://example.org/verbs/other"),
    "object": (FULL, "object.id", "http://example.org/other"),
    "kind of object": (FULL, "object", REFERENCE),
    "score": (FULL, "result.score.scaled", 0.81),
    "success": (FULL, "result.success", False),
    "without success": (FULL, "result.success", GONE),
    "true is not 1": (FULL, "result.extensions", {"http://example.org/x": True}),
    "response": (FULL, "result.response", "A"),
    "duration": (FULL, "result.duration", "PT1M3.6S"),
    "a part of a week": (
        change(FULL, "result.duration", "P1W"),
        "result.duration",
        "P1.5W",
    ),
    "other units of a duration": (FULL, "result.duration", "PT63.5S"),
    "without result": (FULL, "result", GONE),
    "registration": (FULL, "context.registration", OTHER_ID),
    "instructor": (FULL, "context.instructor", OTHER_AGENT),
    "parent": (FULL, "context.contextActivities.parent", [{"id": "http://e.org/"}]),
    "without grouping": (FULL, "context.contextActivities.grouping", GONE),
    "revision": (FULL, "context.revision", "3"),
    "extension": (FULL, "context.extensions", {"http://example.org/x": 1}),
    "timestamp": (FULL, "timestamp", "2026-03-02T17:00:00.001Z"),
    "attachment": (FULL, "attachments.0.sha2", "b" * 64),
    "without attachments": (FULL, "attachments", GONE),
    "verb of a sub-statement": (SUB, "object.verb.id", "http://example.org/v"),
    "context agent": (NEW_CONTEXT, "context.contextAgents.0.agent", OTHER_AGENT),
    "types of a context group": (
        NEW_CONTEXT,
        "context.contextGroups.0.relevantTypes",
        ["a:c"],
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same(case: str) -> None:
    statement, path, value = SAME[case]
    other = change(statement, path, value)
    assert same_statement(statement, other)
    assert same_statement(other, statement)


@pytest.mark.parametrize("case", DIFFERENT)
def test_not_the_same(case: str) -> None:
    statement, path, value = DIFFERENT[case]
    other = change(statement, path, value)
    assert not same_statement(statement, other)
    assert not same_statement(other, statement)


def test_extensions_with_1_and_true() -> None:
    one = {**SMALL, "result": {"extensions": {"a:b": [1]}}}
    other = {**SMALL, "result": {"extensions": {"a:b": [True]}}}
    spelt = {**SMALL, "result": {"extensions": {"a:b": [1.0]}}}
    assert not same_statement(one, other)
    assert same_statement(one, spelt)
