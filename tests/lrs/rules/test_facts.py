from __future__ import annotations

import random
import uuid
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lrs.rules.decide import Evidence
from lrs.rules.facts import (
    fold,
    quantise,
    read_observation,
    read_score,
    relevant_verbs,
    revision_of,
)
from statements.vocabulary import ACTIVITIES, EXTENSIONS
from tests.lrs.rules.builders import (
    COURSE,
    LESSON,
    POSTTEST,
    PRETEST,
    SHAPE,
    VERBS,
    at,
    facts_of,
    said,
    whole_way,
)

START = at("2026-02-01T10:00:00")
EVIDENCE = Evidence(START, uuid.UUID(int=1), START)


def read(statement: dict[str, Any], *, own: bool = True) -> Any:
    return read_observation(
        statement, orjson.dumps(statement), START, 1, verbs=VERBS, own=own
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0.8", "0.8000000"),
        ("0.79999995", "0.8000000"),
        ("0.799999949999999999999999999999999999999999999", "0.7999999"),
        ("-0.00000005", "-1E-7"),
        ("1e-400", "0E-7"),
    ],
)
def test_seven_places_half_up(number: str, expected: str) -> None:
    assert str(quantise(Decimal(number))) == expected


@pytest.mark.parametrize(
    ("score", "scaled", "problem"),
    [
        ('{"scaled":0.1}', "0.1", ""),
        ('{"raw":1,"max":3}', "0.3333333", ""),
        ('{"raw":2,"max":3}', "0.6666667", ""),
        ('{"raw":-5,"min":-10,"max":0}', "0.5", ""),
        # a float would lose these
        ('{"raw":9007199254740993,"max":18014398509481986}', "0.5", ""),
        ('{"raw":0.1,"min":0.1,"max":0.3}', "0", ""),
        ('{"raw":5}', None, "no_max"),
        ('{"raw":5,"min":0}', None, "no_max"),
        ('{"raw":5,"min":5,"max":5}', None, "no_range"),
        ('{"raw":5,"min":6,"max":5}', None, "no_range"),
        ('{"raw":11,"min":0,"max":10}', None, "outside_range"),
        ('{"raw":-1,"min":0,"max":10}', None, "outside_range"),
        ('{"raw":1e999999,"min":0,"max":2e999999}', "0.5", ""),
        ('{"raw":9e999999,"min":-9e999999,"max":9.1e999999}', None, "not_computable"),
        ('{"scaled":1e99999999999999999999}', None, "not_computable"),
    ],
)
def test_a_score_is_read_from_the_text_as_a_decimal(
    score: str, scaled: str | None, problem: str
) -> None:
    raw = b'{"result":{"score":' + score.encode() + b"}}"
    found = read_score(raw, EVIDENCE)
    assert found is not None
    assert found.scaled == (None if scaled is None else Decimal(scaled))
    assert found.problem == problem


@pytest.mark.parametrize("score", ["{}", '{"min":0,"max":100}'])
def test_a_score_without_a_value_is_none(score: str) -> None:
    raw = b'{"result":{"score":' + score.encode() + b"}}"
    assert read_score(raw, EVIDENCE) is None


@pytest.mark.parametrize(
    "change",
    [
        {"verb": {"id": "http://adlnet.gov/expapi/verbs/progressed"}},
        {"verb": {"id": "http://adlnet.gov/expapi/verbs/initialized"}},
        {"verb": {"id": "https://example.org/verbs/completed"}},
        {"object": {"objectType": "Agent", "mbox": "mailto:a@example.org"}},
        {"object": {"objectType": "StatementRef", "id": str(uuid.UUID(int=5))}},
        {"actor": {"objectType": "Group", "mbox": "mailto:team@example.org"}},
        {"actor": {"objectType": "Group", "member": []}},
    ],
)
def test_what_no_rule_could_use_is_left_out(change: dict[str, Any]) -> None:
    statement = said("completed", LESSON, START)
    assert read(statement) is not None
    assert read(statement | change) is None


def test_an_observation_says_what_the_statement_says() -> None:
    statement = said("passed", POSTTEST, START, score={"scaled": 0.85}, revision="7")
    found = read(statement)
    assert (found.verb, found.activity, found.revision) == ("passed", POSTTEST, "7")
    assert (found.success, found.completion) == (True, False)
    assert found.context == {COURSE}
    assert found.ifi == "account::https://portal.example|a-sworn-officer"


def test_one_activity_without_a_list_is_a_context_too() -> None:
    statement = said("passed", POSTTEST, START)
    statement["context"]["contextActivities"] = {"parent": {"id": COURSE}}
    assert read(statement).context == {COURSE}


def test_a_position_must_be_a_word() -> None:
    for position, expected in (
        ("sworn", "sworn"),
        (5, ""),
        (["sworn"], ""),
        ("s" * 100, "s" * 100),
        ("s" * 101, ""),
        ("sworn\x00", ""),
    ):
        extensions = {"position": position}
        statement = said("registered", COURSE, START, extensions=extensions)
        assert read(statement).position == expected


def test_verbs_that_policies_name_are_read_too() -> None:
    assert relevant_verbs({"waived"}) - relevant_verbs(set()) == {
        "https://w3id.org/xapi/adl/verbs/waived"
    }


def test_facts_do_not_depend_on_the_order() -> None:
    way = whole_way(START)
    # several at one instant: ties go by id
    for one in way[1:5]:
        one["timestamp"] = START.isoformat()
    expected = facts_of(way)
    for seed in range(50):
        random.Random(seed).shuffle(way)  # noqa: S311
        assert facts_of(way) == expected


def test_an_attempt_stays_on_the_revision_it_began_with() -> None:
    statements = [
        said("completed", LESSON, at("2026-01-28T10:00:00"), revision=None),
        said("completed", LESSON, at("2026-01-29T10:00:00"), revision="2"),
        said("completed", LESSON, at("2026-01-30T10:00:00"), revision="10"),
    ]
    observations = [read(one) for one in statements]
    assert revision_of(observations) == "2"
    asked = []

    def shape(revision: str) -> Any:
        asked.append(revision)
        return SHAPE

    assert fold(observations, shape=shape, clocks={}).revision == "2"
    assert asked == ["2"]


def test_no_statements_are_facts_too() -> None:
    facts = facts_of([])
    assert (facts.started, facts.latest, facts.revision) == (None, None, "")
    assert [one.completed for one in facts.units] == [(), (), ()]


def test_the_term_begins_with_the_registration() -> None:
    way = whole_way(START)
    early = said("completed", LESSON, at("2025-12-30T10:00:00"))
    facts = facts_of([early, *way])
    assert facts.started is not None
    assert facts.started.at == START
    facts = facts_of([early, *way[1:]])
    assert facts.started is not None
    assert facts.started.at == at("2025-12-30T10:00:00")


@pytest.mark.parametrize(
    "when", ["0001-01-01T00:00:00+00:00", "1899-12-31T23:59:59+00:00"]
)
def test_an_absurd_timestamp_stops_nothing(when: str) -> None:
    statement = said("completed", LESSON, START) | {"timestamp": when}
    found = read(statement)
    assert found.evidence.at == at("1900-01-01T00:00:00")
    assert found.timestamp == at(when)


def test_an_absurdly_deep_statement_stops_nothing() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    raw = b'{"result":{"score":{"scaled":1}},"x":' + deep + b"}"
    found = read_score(raw, EVIDENCE)
    assert found is not None
    assert (found.scaled, found.problem) == (None, "not_computable")


@pytest.mark.parametrize("revision", ["r" * 101, "1\x00", "1\n"])
def test_an_absurd_revision_is_an_unknown_one(revision: str) -> None:
    # PostgreSQL keeps neither; the log must not stop for it
    assert read(said("completed", LESSON, START, revision=revision)).revision == ""


@pytest.mark.parametrize("name", ["registered", "withdrew", "attested", "attended"])
def test_acts_are_this_installations_word_alone(name: str) -> None:
    act = said(name, COURSE, START)
    assert read(act).verb == name
    assert read(act, own=False) is None


def test_another_system_tells_results_but_neither_position_nor_gate() -> None:
    told = {"position": "sworn", "customization": "2"}
    statement = said("passed", POSTTEST, START, score={"scaled": 1}, extensions=told)
    ours, theirs = read(statement), read(statement, own=False)
    assert (ours.position, ours.gates) == ("sworn", {"customization"})
    assert (theirs.position, theirs.gates) == ("", frozenset())
    assert theirs.success
    assert theirs.score == ours.score


CATEGORY = {"category": [{"id": ACTIVITIES["cmi5"]}]}


@pytest.mark.parametrize("verb", ["completed", "passed", "terminated", "scored"])
def test_a_unit_of_cmi5_means_its_words_by_the_category(verb: str) -> None:
    statement = said(verb, LESSON, START)
    context = statement["context"]
    assert read(statement) is not None
    context.setdefault("extensions", {})[EXTENSIONS["cmi5_session"]] = "1"
    assert read(statement) is None
    context["contextActivities"] = {"category": [{"id": "https://other.example"}]}
    assert read(statement) is None
    context["contextActivities"] = CATEGORY
    assert read(statement) is not None
    context["contextActivities"] = {"category": CATEGORY["category"][0]}
    assert read(statement) is not None


def test_the_revision_may_stand_among_the_extensions() -> None:
    statement = said("completed", LESSON, START, revision=None)
    assert read(statement).revision == ""
    statement["context"]["extensions"] = {EXTENSIONS["revision"]: "7"}
    assert read(statement).revision == "7"


def test_the_revision_that_a_unit_names_is_its_publishers() -> None:
    statement = said("completed", LESSON, START, revision="7")

    def revision(*, own: bool, vouched: bool) -> str:
        found = read_observation(
            statement,
            orjson.dumps(statement),
            START,
            1,
            verbs=VERBS,
            own=own,
            vouched=vouched,
        )
        return "" if found is None else found.revision

    assert revision(own=True, vouched=True) == "7"
    assert revision(own=False, vouched=False) == "7"
    assert revision(own=False, vouched=True) == ""
    # of cmi5 the context template says it, which no unit overwrites
    statement["context"]["extensions"] = {EXTENSIONS["revision"]: "3"}
    assert revision(own=False, vouched=True) == "3"


def test_results_that_the_installation_vouches_for_are_no_acts_of_its_own() -> None:
    statement = said("passed", POSTTEST, START, extensions={"position": "sworn"})
    found = read_observation(
        statement,
        orjson.dumps(statement),
        START,
        1,
        verbs=VERBS,
        own=False,
        vouched=True,
    )
    assert found is not None
    assert (found.own, found.vouched, found.position) == (False, True, "")


def test_in_a_registration_of_the_portal_only_our_own_results_count() -> None:
    forged = [
        said("completed", LESSON, START),
        said("passed", POSTTEST, START, score={"scaled": 1}),
    ]
    enrolled = said("registered", COURSE, START, extensions={"position": "sworn"})
    elsewhere = facts_of([], foreign=forged)
    assert [bool(unit.completed) for unit in elsewhere.units] == [False, True, False]
    assert any(part.passed for part in elsewhere.tests)
    for order in ([enrolled], [enrolled, said("completed", PRETEST, START)]):
        facts = facts_of(order, foreign=forged)
        assert facts == facts_of(order)
