"""SCORM changes as statements: one table, and properties of all of them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player import cmi, scorm_12, translate
from player.runtimes import runtime_of
from player.translate import Moment
from statements.prepare import prepare
from statements.vocabulary import VERBS

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
MOMENT = Moment(seq=4, at=NOW)
COURSE = "https://portal.example/activities/c1"
UNIT = f"{COURSE}/units/u1"
SUBJECT = translate.Subject(
    actor={
        "objectType": "Agent",
        "account": {"homePage": "https://portal.example", "name": "p1"},
    },
    registration=uuid.UUID(int=1),
    key=b"a launch",
    revision="3",
    course_iri=COURSE,
    course_title="Course",
    unit_iri=UNIT,
    unit_title="Урок 1",
    attempt_iri=f"{UNIT}/attempts/a1",
)
TABLE = cmi.elements_of("scorm_12")
RUNTIME = runtime_of("scorm_12", "1.2")
FRESH = scorm_12.first_values(scorm_12.Given())
SHORT = {iri: name for name, iri in VERBS.items()}


def told(
    changes: list[tuple[str, str]], before: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    start = FRESH | (before or {})
    after, refused = cmi.apply_changes(TABLE, start, changes)
    assert refused == []
    return list(
        translate.progress(
            SUBJECT, MOMENT, runtime=RUNTIME, before=start, after=after, changed=changes
        )
    )


def brief(statements: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """Verb, object and result of each."""
    return [
        (
            SHORT[one["verb"]["id"]],
            one["object"]["id"].removeprefix(COURSE),
            one.get("result"),
        )
        for one in statements
    ]


STATUS = "cmi.core.lesson_status"
U = "/units/u1"
DONE = {"completion": True}
PASSED = {"completion": True, "success": True}
FAILED = {"completion": True, "success": False}


def score(raw: float, **more: float) -> dict[str, Any]:
    return {"score": {"scaled": raw / 100, "raw": raw, **more}}


CASES: list[tuple[list[tuple[str, str]], dict[str, str], list[Any]]] = [
    ([], {}, []),
    ([("cmi.suspend_data", "x"), ("cmi.core.lesson_location", "1")], {}, []),
    ([(STATUS, "incomplete")], {}, []),
    ([(STATUS, "browsed")], {}, []),
    ([(STATUS, "completed")], {}, [("completed", U, DONE)]),
    ([(STATUS, "completed")], {STATUS: "completed"}, []),
    ([(STATUS, "passed")], {}, [("passed", U, PASSED), ("completed", U, PASSED)]),
    ([(STATUS, "failed")], {}, [("failed", U, FAILED), ("completed", U, FAILED)]),
    ([(STATUS, "passed")], {STATUS: "failed"}, [("passed", U, PASSED)]),
    ([(STATUS, "failed")], {STATUS: "passed"}, [("failed", U, FAILED)]),
    ([(STATUS, "incomplete")], {STATUS: "passed"}, []),
    ([("cmi.core.score.raw", "80")], {}, [("scored", U, score(80))]),
    ([("cmi.core.score.raw", "79.5")], {}, [("scored", U, score(79.5))]),
    (
        [("cmi.core.score.raw", "95"), (STATUS, "passed")],
        {STATUS: "passed"},
        [("scored", U, score(95))],
    ),
    ([("cmi.core.score.raw", "0")], {}, [("scored", U, score(0))]),
    ([("cmi.core.score.raw", "")], {"cmi.core.score.raw": "50"}, []),
    ([("cmi.core.score.min", "0"), ("cmi.core.score.max", "100")], {}, []),
    (
        [
            ("cmi.core.score.raw", "8"),
            ("cmi.core.score.min", "0"),
            ("cmi.core.score.max", "10"),
        ],
        {},
        [("scored", U, score(8, min=0, max=10))],
    ),
    # bounds that xAPI would refuse are left out, the score stays
    (
        [
            ("cmi.core.score.raw", "80"),
            ("cmi.core.score.min", "0"),
            ("cmi.core.score.max", "10"),
        ],
        {},
        [("scored", U, score(80, min=0))],
    ),
    (
        [
            ("cmi.core.score.raw", "0"),
            ("cmi.core.score.min", "0"),
            ("cmi.core.score.max", "0"),
        ],
        {},
        [("scored", U, score(0))],
    ),
    (
        [(STATUS, "passed"), ("cmi.core.score.raw", "90")],
        {},
        [
            ("scored", U, score(90)),
            ("passed", U, PASSED | score(90)),
            ("completed", U, PASSED | score(90)),
        ],
    ),
    (
        [("cmi.comments", "Very "), ("cmi.comments", "good.")],
        {"cmi.comments": "Earlier. "},
        [("commented", U, {"response": "Very good."})],
    ),
    (
        [
            ("cmi.objectives.0.id", "o 1".replace(" ", "/")),
            ("cmi.objectives.0.status", "passed"),
            ("cmi.objectives.0.score.raw", "75"),
        ],
        {},
        [
            ("scored", f"{U}/objectives/o%2F1", score(75)),
            ("passed", f"{U}/objectives/o%2F1", PASSED | score(75)),
        ],
    ),
    ([("cmi.objectives.0.status", "failed")], {}, []),
    (
        [("cmi.objectives.0.id", "o"), ("cmi.objectives.0.status", "incomplete")],
        {},
        [],
    ),
    (
        [("cmi.objectives.0.id", "late")],
        {"cmi.objectives._count": "1", "cmi.objectives.0.status": "completed"},
        [("completed", f"{U}/objectives/late", DONE)],
    ),
    (
        [("cmi.objectives.0.status", "completed")],
        {
            "cmi.objectives._count": "1",
            "cmi.objectives.0.id": "o",
            "cmi.objectives.0.status": "completed",
        },
        [],
    ),
    ([("cmi.interactions.0.id", "q1")], {}, []),
    ([("cmi.interactions.0.student_response", "a")], {}, []),
    (
        [
            ("cmi.interactions.0.id", "q1"),
            ("cmi.interactions.0.type", "choice"),
            ("cmi.interactions.0.student_response", "a,c"),
            ("cmi.interactions.0.result", "wrong"),
            ("cmi.interactions.0.latency", "00:00:09.5"),
        ],
        {},
        [
            (
                "responded",
                f"{U}/interactions/q1",
                {"response": "a[,]c", "success": False, "duration": "PT9.5S"},
            )
        ],
    ),
    (
        [("cmi.interactions.0.id", "q1"), ("cmi.interactions.0.result", "0.75")],
        {},
        [("responded", f"{U}/interactions/q1", {"score": {"raw": 0.75}})],
    ),
    (
        [
            ("cmi.interactions.0.id", "q1"),
            ("cmi.interactions.0.student_response", "x"),
            ("cmi.interactions.0.result", "neutral"),
        ],
        {},
        [("responded", f"{U}/interactions/q1", {"response": "x"})],
    ),
]


@pytest.mark.parametrize(
    ("changes", "before", "expected"), CASES, ids=lambda row: ascii(row)[:60]
)
def test_what_is_told(
    changes: list[tuple[str, str]], before: dict[str, str], expected: list[Any]
) -> None:
    assert brief(told(changes, before)) == expected


@pytest.mark.parametrize(
    ("kind", "text", "response"),
    [
        ("true-false", "t", "true"),
        ("true-false", "0", "false"),
        ("true-false", "False", "false"),
        ("true-false", "maybe", "maybe"),
        ("true-false", "", ""),
        ("choice", "a", "a"),
        ("choice", "a,b", "a[,]b"),
        ("choice", "{a, b}", "a[,]b"),
        ("choice", "Answer_A_text", "Answer_A_text"),
        ("sequencing", "c,a,b", "c[,]a[,]b"),
        ("matching", "1.a,2.b", "1[.]a[,]2[.]b"),
        ("matching", "1,2", "1,2"),
        ("fill-in", "one, two.", "one, two."),
        ("numeric", "3.5", "3.5"),
        ("likert", "strongly", "strongly"),
        ("performance", "step 1,2", "step 1,2"),
        ("", "a,b", "a,b"),
    ],
)
def test_responses_in_the_spelling_of_xapi(kind: str, text: str, response: str) -> None:
    assert scorm_12.response_of(kind, text) == response


def test_an_interaction_is_defined_with_its_correct_responses() -> None:
    (one,) = told(
        [
            ("cmi.interactions.0.id", "q1"),
            ("cmi.interactions.0.type", "matching"),
            ("cmi.interactions.0.correct_responses.0.pattern", "1.a,2.b"),
            ("cmi.interactions.0.correct_responses.1.pattern", ""),
            ("cmi.interactions.0.result", "correct"),
        ]
    )
    assert one["object"]["definition"] == {
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "interactionType": "matching",
        "correctResponsesPattern": ["1[.]a[,]2[.]b"],
    }
    (parent,) = one["context"]["contextActivities"]["parent"]
    assert parent["id"] == UNIT


def closing(verb: str, seconds: str, **changes: str) -> dict[str, Any]:
    return translate.closing(
        SUBJECT,
        MOMENT,
        verb=verb,
        known=scorm_12.outcome(
            FRESH | {f"cmi.core.{n}": v for n, v in changes.items()}
        ),
        seconds=Decimal(seconds),
    )


@pytest.mark.parametrize("verb", ["suspended", "terminated"])
def test_every_closing_statement_carries_the_outcome(verb: str) -> None:
    done = closing(verb, "3725.5", lesson_status="failed", **{"score.raw": "40"})
    assert SHORT[done["verb"]["id"]] == verb
    assert done["result"] == {
        "completion": True,
        "success": False,
        "score": {"scaled": 0.4, "raw": 40},
        "duration": "PT1H2M5.5S",
    }
    begun = closing(verb, "0", lesson_status="incomplete")
    assert begun["result"] == {"completion": False, "duration": "PT0S"}
    assert closing(verb, "0")["result"] == {"duration": "PT0S"}


def test_opening() -> None:
    for is_resumed, verb in [(False, "initialized"), (True, "resumed")]:
        one = translate.opening(SUBJECT, MOMENT, is_resumed=is_resumed)
        assert SHORT[one["verb"]["id"]] == verb
        assert "result" not in one


def test_the_profiles_context() -> None:
    one = translate.opening(SUBJECT, MOMENT, is_resumed=False)
    related = one["context"]["contextActivities"]
    assert one["object"]["definition"] == {
        "type": "http://adlnet.gov/expapi/activities/lesson",
        "name": {"und": "Урок 1"},
    }
    assert [
        (each["id"], each["definition"]["type"].rpartition("/")[2])
        for each in related["grouping"]
    ] == [(COURSE, "course"), (SUBJECT.attempt_iri, "attempt")]
    assert [each["id"] for each in related["category"]] == [
        "https://w3id.org/xapi/scorm"
    ]
    assert "parent" not in related
    assert one["context"]["registration"] == str(SUBJECT.registration)
    assert one["context"]["revision"] == "3"
    assert one["actor"] == SUBJECT.actor
    assert one["timestamp"].startswith("2026-03-02T17:00:00")


def test_the_same_entry_gives_the_same_statements() -> None:
    changes = [(STATUS, "passed"), ("cmi.core.score.raw", "90")]
    assert told(changes) == told(changes)
    ids = [one["id"] for one in told(changes)]
    assert len(set(ids)) == len(ids)
    later = translate.progress(
        SUBJECT,
        Moment(seq=5, at=NOW),
        runtime=RUNTIME,
        before=FRESH,
        after=FRESH | dict(changes),
        changed=changes,
    )
    assert not {one["id"] for one in later} & set(ids)


def test_ids_are_the_same_again_and_not_to_be_worked_out() -> None:
    def opened(**change: Any) -> str:
        subject = replace(SUBJECT, **change)
        return translate.opening(subject, MOMENT, is_resumed=False)["id"]

    assert opened() == opened()
    assert uuid.UUID(opened()).version == 4
    assert len({opened(), opened(key=b"another launch")}) == 2
    later = translate.opening(SUBJECT, replace(MOMENT, seq=5), is_resumed=False)["id"]
    assert later != opened()
    resumed = translate.opening(SUBJECT, MOMENT, is_resumed=True)["id"]
    assert resumed != opened()


TABLE_2004 = cmi.elements_of("scorm_2004", edition="4th")
RUNTIME_2004 = runtime_of("scorm_2004", "4th")
FRESH_2004 = cmi.initial_values(TABLE_2004)


def told_2004(*changes: tuple[str, str]) -> list[dict[str, Any]]:
    after, refused = cmi.apply_changes(TABLE_2004, FRESH_2004, changes)
    assert refused == []
    found = translate.progress(
        SUBJECT,
        MOMENT,
        runtime=RUNTIME_2004,
        before=FRESH_2004,
        after=after,
        changed=changes,
    )
    statements = list(found)
    for one in statements:
        prepare(one, now=NOW)
    return statements


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"cmi.score.scaled": "0.85"},
            [("scored", "/units/u1", {"score": {"scaled": 0.85}})],
        ),
        (
            {
                "cmi.score.scaled": "0.5",
                "cmi.score.raw": "10",
                "cmi.score.min": "0",
                "cmi.score.max": "20",
                "cmi.success_status": "failed",
            },
            [
                (
                    "scored",
                    "/units/u1",
                    {"score": {"scaled": 0.5, "raw": 10, "min": 0, "max": 20}},
                ),
                (
                    "failed",
                    "/units/u1",
                    {
                        "success": False,
                        "score": {"scaled": 0.5, "raw": 10, "min": 0, "max": 20},
                    },
                ),
            ],
        ),
        (
            {"cmi.completion_status": "completed"},
            [("completed", "/units/u1", {"completion": True})],
        ),
        (
            {"cmi.progress_measure": "0.3"},
            [("progressed", "/units/u1", {"score": {"scaled": 0.3}})],
        ),
        (
            {
                "cmi.comments_from_learner.0.comment": "{lang=en}Good",
                "cmi.comments_from_learner.1.comment": "Bad",
            },
            [
                ("commented", "/units/u1", {"response": "Good"}),
                ("commented", "/units/u1", {"response": "Bad"}),
            ],
        ),
        (
            {
                "cmi.objectives.0.id": "O",
                "cmi.objectives.0.success_status": "passed",
                "cmi.objectives.0.score.scaled": "1",
            },
            [
                ("scored", "/units/u1/objectives/O", {"score": {"scaled": 1}}),
                (
                    "passed",
                    "/units/u1/objectives/O",
                    {"success": True, "score": {"scaled": 1}},
                ),
            ],
        ),
    ],
)
def test_changes_of_scorm_2004(
    changes: dict[str, str], expected: list[tuple[str, str, Any]]
) -> None:
    assert brief(told_2004(*changes.items())) == expected


RESPONSES = {
    "true-false": ("true", "true"),
    "choice": ("a[,]b", "a[,]b"),
    "fill-in": ("{lang=en}yes", "{case_matters=false}yes"),
    "long-fill-in": ("words", "words"),
    "matching": ("1[.]a[,]2[.]b", "1[.]a[,]2[.]b"),
    "performance": ("s1[.]10", "s1[.]5[:]20"),
    "sequencing": ("a[,]b", "b[,]a"),
    "likert": ("often", "often"),
    "numeric": ("4.5", "4[:]5"),
    "other": ("anything", "at all"),
}


@pytest.mark.parametrize("kind", RESPONSES)
def test_interactions_of_scorm_2004_are_spelled_as_they_are(kind: str) -> None:
    response, pattern = RESPONSES[kind]
    prefix = "cmi.interactions.0."
    (one,) = told_2004(
        (f"{prefix}id", "q1"),
        (f"{prefix}type", kind),
        (f"{prefix}correct_responses.0.pattern", pattern),
        (f"{prefix}learner_response", response),
        (f"{prefix}result", "incorrect"),
        (f"{prefix}latency", "PT4.5S"),
        (f"{prefix}description", "{lang=en}Which?"),
    )
    assert SHORT[one["verb"]["id"]] == "responded"
    definition = one["object"]["definition"]
    assert definition["interactionType"] == kind
    assert definition["correctResponsesPattern"] == [pattern]
    assert definition["description"] == {"en": "Which?"}
    assert one["result"] == {
        "response": response,
        "success": False,
        "duration": "PT4.5S",
    }


RUNTIMES = {"scorm_12": RUNTIME, "scorm_2004": RUNTIME_2004}
VALUES = [
    *("passed", "incomplete", "80", "0.5", "suspend", "00:01:00", "PT1S", "q1"),
    *("choice", "true", "a[,]b", "correct", "wrong", "{lang=en}text", "1", "-3"),
]


def changes_of(standard: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Changes that content could try, most of which a table refuses."""
    table = RUNTIMES[standard].elements
    assert table is not None
    names = st.builds(
        lambda form, first, second: form.replace(".n", f".{first}", 1).replace(
            ".n", f".{second}"
        ),
        st.sampled_from(sorted(table.elements)),
        st.sampled_from("012"),
        st.sampled_from("01"),
    )
    values = st.one_of(st.sampled_from(VALUES), st.text(max_size=20))
    ids = st.tuples(
        st.sampled_from(["cmi.interactions.0.id", "cmi.objectives.0.id"]),
        st.sampled_from("ab"),
    )
    return st.lists(st.one_of(st.tuples(names, values), ids), max_size=25)


@given(
    given=st.sampled_from(sorted(RUNTIMES)).flatmap(
        lambda standard: st.tuples(st.just(standard), changes_of(standard))
    )
)
def test_whatever_content_sets_the_statements_are_valid(
    given: tuple[str, list[tuple[str, str]]],
) -> None:
    standard, changes = given
    runtime = RUNTIMES[standard]
    assert runtime.elements is not None
    fresh = FRESH if standard == "scorm_12" else FRESH_2004
    after, refused = cmi.apply_changes(runtime.elements, fresh, changes)
    places = {one.place for one in refused}
    accepted = [one for place, one in enumerate(changes) if place not in places]
    statements = [
        translate.opening(SUBJECT, MOMENT, is_resumed=False),
        *translate.progress(
            SUBJECT,
            MOMENT,
            runtime=runtime,
            before=fresh,
            after=after,
            changed=accepted,
        ),
        translate.closing(
            SUBJECT,
            MOMENT,
            verb="suspended",
            known=runtime.outcome(after),
            seconds=Decimal("1.23"),
        ),
        translate.course_completed(SUBJECT, MOMENT, seconds=Decimal(0)),
    ]
    ids = {prepare(one, now=NOW).id for one in statements}
    assert len(ids) == len(statements)
