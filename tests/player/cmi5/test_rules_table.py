"""Every illegal statement of a unit, by the requirement that it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from player.cmi5.rules import IllegalRequest, check_statements
from player.cmi5.rules_table import ALLOWED_RULES, DEFINED_RULES, GENERAL
from statements import vocabulary
from tests.player.cmi5.said import (
    ALLOWED,
    CMI5,
    ELSEWHERE,
    MASTERY,
    MOVE_ON,
    REVISION,
    SESSION,
    category,
    changed,
    drop,
    put,
    ready,
    says,
    session,
)
from tests.player.cmi5.sample import COURSE, PUBLISHER

if TYPE_CHECKING:
    from tests.player.cmi5.said import Change


CONTEXT = ("context", "contextActivities")
OTHER = {"homePage": "https://other.example", "name": "learner-1"}
REF = {"objectType": "StatementRef", "id": ELSEWHERE}
ILLEGAL: list[tuple[str, str, str, Change]] = [
    # requirement, what is wrong, verb, the change that makes a legal statement illegal
    ("6.3.0.0-1", "voids", vocabulary.VOIDED, put(REF, "object")),
    ("9.1.0.0-1", "no id", ALLOWED, drop("id")),
    ("9.1.0.0-1", "no id, defined", "completed", drop("id")),
    ("9.7.0.0-1", "no timestamp", ALLOWED, drop("timestamp")),
    ("9.7.0.0-2", "behind UTC", ALLOWED, put("2026-03-02T03:31:00-06:00", "timestamp")),
    ("9.7.0.0-2", "before UTC", "passed", put("2026-03-02T10:31+01", "timestamp")),
    ("9.7.0.0-2", "no zone", ALLOWED, put("2026-03-02T09:31:00", "timestamp")),
    ("9.2.0.0-2", "a group", "passed", put("Group", "actor", "objectType")),
    (
        "9.2.0.0-3",
        "a mailbox",
        "passed",
        put({"mbox": "mailto:learner@example.org"}, "actor"),
    ),
    ("8.1.3.0-3", "another actor", ALLOWED, put(OTHER, "actor", "account")),
    ("9.6.0.0-1", "no context", "passed", drop("context")),
    ("9.6.0.0-1", "no context, allowed", ALLOWED, drop("context")),
    ("9.6.1.0-1", "no registration", "passed", drop("context", "registration")),
    (
        "9.6.1.0-1",
        "another registration",
        ALLOWED,
        put(ELSEWHERE, "context", "registration"),
    ),
    ("9.6.3.1-4", "no session id", ALLOWED, drop("context", "extensions", SESSION)),
    ("9.6.3.1-4", "no extensions", "completed", drop("context", "extensions")),
    (
        "9.6.3.1-4",
        "another session id",
        "completed",
        put("another", "context", "extensions", SESSION),
    ),
    (
        "10.2.1.0-7",
        "overwritten template",
        ALLOWED,
        put("4", "context", "extensions", REVISION),
    ),
    (
        "10.2.1.0-6",
        "member of the template",
        ALLOWED,
        drop("context", "extensions", REVISION),
    ),
    ("9.6.2.0-1", "grouping", "completed", drop(*CONTEXT, "grouping")),
    (
        "9.6.2.0-1",
        "one of the groupings",
        ALLOWED,
        category({"id": PUBLISHER}, usage="grouping"),
    ),
    ("9.6.2.2-2", "moveon, allowed", ALLOWED, category(MOVE_ON)),
    ("9.6.2.2-2", "moveon elsewhere", ALLOWED, category(MOVE_ON, usage="other")),
    ("9.6.2.2-2", "moveon, terminated", "terminated", category(CMI5, MOVE_ON)),
    ("9.6.2.1-1", "category with any verb", ALLOWED, category(CMI5)),
    (
        "9.6.2.1-1",
        "verb of the LMS",
        "completed",
        put(vocabulary.verb("satisfied"), "verb", "id"),
    ),
    ("9.4.0.0-1", "no activity", "terminated", put(REF, "object")),
    ("8.1.5.0-6", "publisher's id", "passed", put(PUBLISHER, "object", "id")),
    ("9.5.1.0-2", "score", "completed", put({"scaled": 0.5}, "result", "score")),
    ("9.5.1.0-3", "no min", "passed", drop("result", "score", "min")),
    ("9.5.1.0-3", "no max", "failed", drop("result", "score", "max")),
    ("9.5.1.0-1", "below 0", "failed", put({"scaled": -0.1}, "result", "score")),
    ("9.5.2.0-1", "no success", "passed", drop("result", "success")),
    ("9.5.2.0-1", "success false", "passed", put(False, "result", "success")),
    ("9.5.2.0-2", "no success", "failed", drop("result", "success")),
    ("9.5.2.0-2", "success true", "failed", put(True, "result", "success")),
    ("9.5.2.0-3", "success", "completed", put(True, "result", "success")),
    ("9.5.2.0-3", "success", "terminated", put(True, "result", "success")),
    ("9.5.3.0-1", "no completion", "completed", drop("result", "completion")),
    ("9.5.3.0-1", "not complete", "completed", put(False, "result", "completion")),
    ("9.5.3.0-2", "completion", "passed", put(True, "result", "completion")),
    ("9.5.4.1-1", "no result", "terminated", drop("result")),
    ("9.5.4.1-1", "no duration", "terminated", put({}, "result")),
    ("9.5.4.1-2", "no duration", "completed", drop("result", "duration")),
    ("9.5.4.1-3", "no duration", "passed", drop("result", "duration")),
    ("9.5.4.1-4", "no duration", "failed", drop("result", "duration")),
    ("9.6.2.2-1", "no moveon", "completed", category(CMI5)),
    ("9.6.2.2-1", "no moveon", "passed", category(CMI5)),
    ("9.6.2.2-1", "no moveon", "failed", category(CMI5)),
    ("9.6.3.2-2", "no mastery", "passed", drop("context", "extensions", MASTERY)),
    (
        "9.6.3.2-2",
        "another mastery",
        "failed",
        put(0.5, "context", "extensions", MASTERY),
    ),
    (
        "9.6.3.2-2",
        "no number",
        "passed",
        put("0.8", "context", "extensions", MASTERY),
    ),
    ("9.3.4.0-2", "too low", "passed", put({"scaled": 0.79}, "result", "score")),
    ("9.3.5.0-2", "reaches it", "failed", put({"scaled": 0.8}, "result", "score")),
    ("9.3.5.0-2", "beyond it", "failed", put({"scaled": 0.81}, "result", "score")),
]


@pytest.mark.parametrize(
    ("requirement", "verb", "change"),
    [(row[0], row[2], row[3]) for row in ILLEGAL],
    ids=[
        f"{n} {requirement} {what}" for n, (requirement, what, *_) in enumerate(ILLEGAL)
    ],
)
def test_an_illegal_statement_is_refused(
    requirement: str, verb: str, change: Change
) -> None:
    with pytest.raises(IllegalRequest) as refused:
        check_statements(session(), ready(changed(verb, change)), stored=())
    assert refused.value.extra["requirement"] == requirement
    assert refused.value.detail


LEGAL: list[tuple[str, str, Change]] = [
    ("zero offset", ALLOWED, put("2026-03-02T09:31:00+00:00", "timestamp")),
    ("own extension", ALLOWED, put(1, "context", "extensions", "https://a.example/x")),
    ("own grouping", "passed", put({"id": "https://a.example/c"}, *CONTEXT, "parent")),
    ("own platform", "completed", put("Author 7", "context", "platform")),
    ("no score", "passed", drop("result", "score")),
    (
        "no score, no mastery",
        "passed",
        lambda one: (
            drop("result", "score")(one),
            drop("context", "extensions", MASTERY)(one),
        ),
    ),
    ("just enough", "passed", put({"scaled": 0.8}, "result", "score")),
    ("nothing at all", "failed", put({"scaled": 0}, "result", "score")),
    ("another object", ALLOWED, put("https://a.example/page-2", "object", "id")),
    ("a score, allowed", ALLOWED, put({"score": {"scaled": 0.2}}, "result")),
    ("a definition", "completed", put({"name": {"en": "X"}}, "object", "definition")),
    (
        "a definition in the grouping",
        ALLOWED,
        category(
            {"id": COURSE},
            {"id": PUBLISHER, "objectType": "Activity"},
            usage="grouping",
        ),
    ),
    ("the agent's type left out", ALLOWED, drop("actor", "objectType")),
    ("a name", ALLOWED, put("Kim", "actor", "name")),
]


@pytest.mark.parametrize(
    ("verb", "change"), [row[1:] for row in LEGAL], ids=[row[0] for row in LEGAL]
)
def test_what_is_legal_is_let_in(verb: str, change: Change) -> None:
    check_statements(session(), ready(changed(verb, change)), stored=())


@pytest.mark.parametrize(
    ("mode", "requirement"), [("Browse", "10.2.2.0-2"), ("Review", "10.2.2.0-3")]
)
def test_nothing_is_judged_in_browse_and_review(mode: str, requirement: str) -> None:
    for verb in ("completed", "passed", "failed"):
        with pytest.raises(IllegalRequest) as refused:
            check_statements(session(mode=mode), ready(says(verb)), stored=())
        assert refused.value.extra["requirement"] == requirement
    for verb in (ALLOWED, "terminated"):
        check_statements(session(mode=mode), ready(says(verb)), stored=())


@pytest.mark.parametrize("verb", ["passed", "failed"])
def test_without_a_mastery_score_any_score_goes(verb: str) -> None:
    data = {key: one for key, one in session().launch_data.items() if key[0] != "m"}
    state = session(launch_data=data)
    for scaled in (0, 1):
        said = changed(verb, put({"scaled": scaled}, "result", "score"))
        del said["context"]["extensions"][MASTERY]
        check_statements(state, ready(said), stored=())


def test_every_rule_is_broken_by_one_of_these() -> None:
    tried = {row[0] for row in ILLEGAL} | {
        # order: tests/player/cmi5/test_rules.py
        *("9.3.2.0-3", "9.3.0.0-2", "9.3.0.0-3", "9.3.0.0-6", "9.3.0.0-7", "9.3.0.0-8"),
        *("10.2.2.0-2", "10.2.2.0-3"),
    }
    known = {rule.requirement for rule in (*GENERAL, *ALLOWED_RULES, *DEFINED_RULES)}
    assert known == tried
