"""What a unit's statements say of it, one after the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player.xapi_results import Result, add, is_about, scaled_of
from statements.vocabulary import VERBS

UNIT = "https://portal.example/activities/c1/units/u1"
OWN = "http://publisher.example/course"
IRIS = (UNIT, OWN)


def told(verb: str, object: str = UNIT, **result: Any) -> dict[str, Any]:
    iri = VERBS.get(verb, verb)
    made: dict[str, Any] = {"verb": {"id": iri}, "object": {"id": object}}
    return made | ({"result": result} if result else {})


ABOUT = [
    ({"id": UNIT}, True),
    ({"id": OWN, "objectType": "Activity"}, True),
    ({"id": f"{OWN}/"}, True),
    ({"id": "https://publisher.example/course"}, True),
    ({"id": f"{OWN}/question-1"}, False),
    ({"id": UNIT, "objectType": "StatementRef"}, False),
    ({"objectType": "Agent", "mbox": "mailto:a@example.org"}, False),
]


@pytest.mark.parametrize(("target", "wanted"), ABOUT)
def test_about_the_unit(target: dict[str, Any], *, wanted: bool) -> None:
    assert is_about({"object": target}, IRIS) is wanted


CASES: list[tuple[str, list[dict[str, Any]], tuple[str, str, str | None]]] = [
    ("begun", [told("initialized")], ("incomplete", "unknown", None)),
    ("completed", [told("completed")], ("completed", "unknown", None)),
    (
        "completed, but it says no",
        [told("completed", completion=False)],
        ("incomplete", "unknown", None),
    ),
    (
        "by its result",
        [told("progressed", completion=True)],
        ("completed", "unknown", None),
    ),
    ("passed is finished", [told("passed")], ("completed", "passed", None)),
    (
        "passed one of several",
        [told("passed", completion=False)],
        ("incomplete", "passed", None),
    ),
    ("failed is not", [told("failed")], ("incomplete", "failed", None)),
    (
        "failed and finished",
        [told("failed", completion=True, score={"scaled": 0.4})],
        ("completed", "failed", "0.4"),
    ),
    (
        "the result is the unit's word",
        [told("failed", success=True)],
        ("incomplete", "passed", None),
    ),
    (
        "a second try",
        [
            told("failed", score={"scaled": 0.4}),
            told("passed", score={"scaled": 0.9}),
            told("completed"),
        ],
        ("completed", "passed", "0.9"),
    ),
    (
        "complete stays",
        [told("completed"), told("initialized"), told("terminated", completion=False)],
        ("completed", "unknown", None),
    ),
    (
        "progress is no score",
        [told("progressed", score={"scaled": 0.5})],
        ("incomplete", "unknown", None),
    ),
    (
        "raw of max",
        [told("scored", score={"raw": 8, "max": 10})],
        ("incomplete", "unknown", "0.8000000"),
    ),
    ("raw alone", [told("scored", score={"raw": 8})], ("incomplete", "unknown", None)),
    ("max alone", [told("scored", score={"max": 8})], ("incomplete", "unknown", None)),
    (
        "other words for it",
        [told("http://activitystrea.ms/schema/1.0/complete")],
        ("completed", "unknown", None),
    ),
    (
        "mastered",
        [told("http://adlnet.gov/expapi/verbs/mastered")],
        ("completed", "passed", None),
    ),
]


@pytest.mark.parametrize(
    ("said", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_results(
    said: list[dict[str, Any]], wanted: tuple[str, str, str | None]
) -> None:
    known = Result()
    for one in said:
        known = add(known, one)
    scaled = None if known.scaled is None else str(known.scaled)
    assert (known.completion, known.success, scaled) == wanted


def test_time_and_end() -> None:
    known = add(Result(), told("completed", duration="PT2M"))
    assert known.seconds == 120
    assert not known.is_over
    known = add(known, told("terminated", duration="PT90S"))
    assert known.seconds == 120
    assert known.is_over
    assert not add(known, told("resumed")).is_over


@pytest.mark.parametrize(
    ("score", "scaled"),
    [
        ({"scaled": "-0.5", "raw": "9", "max": "10"}, "-0.5"),
        ({"raw": "3", "min": "1", "max": "5"}, "0.5"),
        ({"raw": "6", "max": "5"}, None),
        ({"raw": "0", "min": "1", "max": "5"}, None),
        ({"raw": "5", "min": "5", "max": "5"}, None),
    ],
)
def test_scores(score: dict[str, str], scaled: str | None) -> None:
    found = scaled_of({name: Decimal(value) for name, value in score.items()})
    assert found == (None if scaled is None else Decimal(scaled))


VERB = st.sampled_from([*VERBS.values(), "http://example.org/verbs/other"])
SAID = st.fixed_dictionaries(
    {},
    optional={
        "completion": st.booleans(),
        "success": st.booleans(),
        "score": st.fixed_dictionaries({"scaled": st.floats(-1, 1)}),
        "duration": st.sampled_from(["PT0S", "PT5M", "P1D"]),
    },
)


@given(st.lists(st.tuples(VERB, SAID), max_size=6))
def test_completion_never_goes_back(said: list[tuple[str, dict[str, Any]]]) -> None:
    known = Result()
    for verb, result in said:
        before = known
        known = add(known, told(verb, **result))
        assert before.completion != "completed" or known.completion == "completed"
        assert add(known, told(verb, **result)) == known
