from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from statements.build import activity, agent, build_statement, score
from statements.prepare import prepare
from statements.vocabulary import VERBS, activity_type, extension

NOW = datetime(2026, 3, 2, 17, 0, 0, 123, tzinfo=UTC)
LEARNER = agent("http://localhost:8000", "3f0c1d6e-0000-4000-8000-000000000001")
ID = UUID("ec531277-b57b-4c15-8d91-d292c5b2b8f7")


def test_what_is_given_comes_out() -> None:
    lesson = activity(
        "http://localhost:8000/activities/1/units/a",
        type=activity_type("lesson"),
        name="Evidence",
    )
    built = build_statement(
        id=ID,
        actor=LEARNER,
        verb="passed",
        object=lesson,
        timestamp=NOW,
        result={
            "score": score(scaled=Decimal("0.80"), raw=Decimal(80)),
            "duration": "PT1H0M0.1S",
            "success": True,
        },
        context={
            "registration": str(ID),
            "extensions": {extension("agency"): [None, Decimal("0.5")]},
            "contextActivities": {"grouping": [activity("http://example.org/c")]},
        },
    )
    assert built["id"] == str(ID)
    assert built["actor"] == LEARNER
    assert built["object"] == lesson
    assert built["result"] == {
        "score": {"scaled": 0.8, "raw": 80},
        "duration": "PT1H0M0.1S",
        "success": True,
    }
    assert built["context"]["extensions"] == {extension("agency"): [None, 0.5]}
    assert built["timestamp"] == "2026-03-02T17:00:00.000123Z"
    assert prepare(built, now=NOW).id == ID


def test_uuids_of_any_version_are_taken() -> None:
    newer = UUID("01995bb1-1b6a-7c3e-8f70-0123456789ab")
    built = build_statement(
        id=newer,
        actor=LEARNER,
        verb="passed",
        object="http://example.org/c",
        timestamp=NOW,
        context={"registration": str(newer), "revision": "1"},
    )
    assert built["context"] == {"registration": str(newer), "revision": "1"}
    assert prepare(built, now=NOW).id == newer


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"voided"}))
def test_every_verb_makes_a_valid_statement(verb: str) -> None:
    built = build_statement(
        id=ID, actor=LEARNER, verb=verb, object="http://example.org/c", timestamp=NOW
    )
    assert prepare(built, now=NOW).statement["verb"]["id"] == VERBS[verb]


def test_an_unknown_verb_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        build_statement(
            id=ID, actor=LEARNER, verb="did", object="http://e.org/", timestamp=NOW
        )
