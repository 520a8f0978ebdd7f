from __future__ import annotations

from uuid import UUID

import pytest

from statements.references import activity_of, actor_of, has_score, references
from tests.statements.cases import (
    AGENT,
    FULL,
    GROUP,
    OTHER_AGENT,
    OTHER_ID,
    REFERENCE,
    SMALL,
    SUB_STATEMENT,
    change,
)

OFFICER = "mbox::mailto:officer@example.org"
DISPATCHER = "mbox::mailto:dispatcher@example.org"
PATROL = "account::http://example.org|patrol"
QUESTION = "http://example.org/activities/question"


def test_every_place_has_its_usage() -> None:
    found = references(FULL)
    assert found.actors == {
        ("actor", OFFICER),
        ("authority", OFFICER),
        ("instructor", OFFICER),
        ("team", PATROL),
        ("team", OFFICER),
        ("team", DISPATCHER),
    }
    assert found.activities == {
        ("object", QUESTION),
        ("parent", "http://example.org/p"),
        ("grouping", "http://example.org/g"),
        ("category", "http://example.org/c"),
    }
    assert found.target is None
    assert found.voids is None


def test_a_sub_statement_has_usages_of_its_own() -> None:
    found = references({**SMALL, "object": SUB_STATEMENT})
    assert ("actor", OFFICER) in found.actors
    assert ("sub_actor", PATROL) in found.actors
    assert ("sub_actor", DISPATCHER) in found.actors
    assert ("sub_instructor", OFFICER) in found.actors
    assert ("sub_object", QUESTION) in found.activities
    assert ("sub_parent", "http://example.org/p") in found.activities
    assert not any(usage == "object" for usage, _ in found.activities)


def test_attachments_of_the_statement_and_of_the_one_inside() -> None:
    own, inner = "A" * 64, "b" * 64
    sub = {**SUB_STATEMENT, "attachments": [{"sha2": inner}, {"sha2": inner}]}
    found = references({**SMALL, "object": sub, "attachments": [{"sha2": own}]})
    assert found.attachments == {"a" * 64, inner}
    assert references(SMALL).attachments == frozenset()


@pytest.mark.parametrize("target", [AGENT, GROUP])
def test_an_actor_as_object(target: dict[str, object]) -> None:
    found = references({**SMALL, "object": target})
    assert ("whom", OFFICER) in found.actors
    assert found.activities == frozenset()
    assert activity_of({**SMALL, "object": target}) is None


def test_agents_and_groups_of_the_context() -> None:
    context = {
        "contextAgents": [{"objectType": "contextAgent", "agent": OTHER_AGENT}],
        "contextGroups": [{"objectType": "contextGroup", "group": GROUP}],
    }
    found = references({**SMALL, "context": context}).actors
    assert ("context_agent", DISPATCHER) in found
    assert ("context_group", PATROL) in found
    assert ("context_group", DISPATCHER) in found


def test_a_target_and_a_voided_one() -> None:
    refers = {**SMALL, "object": REFERENCE}
    assert references(refers).target == UUID(OTHER_ID)
    assert references(refers).voids is None
    voids = change(refers, "verb.id", "http://adlnet.gov/expapi/verbs/voided")
    assert references(voids).voids == UUID(OTHER_ID)


def test_definitions_of_every_activity_that_has_one() -> None:
    definition = {"type": "http://example.org/t"}
    statement = change(
        FULL,
        "context.contextActivities.grouping",
        {"id": "http://example.org/g", "definition": definition},
    )
    found = dict(references(statement).definitions)
    assert found == {
        QUESTION: FULL["object"]["definition"],  # type: ignore[index]
        "http://example.org/g": definition,
    }
    sub = references({**SMALL, "object": {**SUB_STATEMENT, "object": FULL["object"]}})
    assert QUESTION in dict(sub.definitions)


def test_actor_and_activity_of_a_statement() -> None:
    assert actor_of(FULL) == OFFICER
    assert activity_of(FULL) == QUESTION
    assert activity_of(SMALL) == "http://example.org/activities/course"
    assert activity_of({**SMALL, "object": REFERENCE}) is None


def test_a_score_is_found_inside_too() -> None:
    assert has_score(FULL)
    assert has_score({**SMALL, "object": SUB_STATEMENT})
    assert not has_score({**SMALL, "result": {"success": True}})
    assert not has_score({**SMALL, "object": REFERENCE})
