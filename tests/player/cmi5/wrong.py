"""Statements that a unit may not send, by the requirement that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statements import vocabulary
from tests.player.cmi5.said import (
    CMI5,
    ELSEWHERE,
    MASTERY,
    MOVE_ON,
    REVISION,
    SESSION,
    category,
    drop,
    put,
)
from tests.player.cmi5.story import ALLOWED

if TYPE_CHECKING:
    from tests.player.cmi5.said import Change


@dataclass(frozen=True)
class Wrong:
    """A statement that a unit may not send: its verb, and what is wrong with it.

    `said` was said in the session before, `earlier` in one before it in the same
    registration. `rule` is the requirement that the refusal names.
    """

    verb: str
    change: Change | None = None
    rule: str = ""
    said: tuple[str, ...] = ("initialized",)
    earlier: tuple[str, ...] = ()
    mode: Any = "Normal"
    method: str = "POST"


BEGUN, ENDED = ("initialized",), ("initialized", "terminated")
REF = {"objectType": "StatementRef", "id": ELSEWHERE}
OTHER_ACTOR = {"account": {"homePage": "https://other.example", "name": "x"}}
NO_AGENT = put("Group", "actor", "objectType")
NO_ACCOUNT = put({"mbox": "mailto:a@example.org"}, "actor")
OTHER_OBJECT = put("https://example.com/x", "object", "id")
RESULT_SUCCESS = put(True, "result", "success")
RESULT_COMPLETION = put(True, "result", "completion")
NOT_SUCCESS = put(False, "result", "success")
NOT_COMPLETION = put(False, "result", "completion")
TOO_LOW = put({"scaled": 0.79}, "result", "score")
ENOUGH = put({"scaled": 0.8}, "result", "score")
DURATION = drop("result", "duration")
NO_MASTERY = drop("context", "extensions", MASTERY)
OTHER_MASTERY = put(0.5, "context", "extensions", MASTERY)
BEFORE = Wrong(ALLOWED, rule="9.3.0.0-4", said=())
BEFORE_DEFINED = Wrong("completed", rule="9.3.0.0-4", said=())
AFTER = Wrong(ALLOWED, rule="9.3.0.0-5", said=ENDED)
AFTER_DEFINED = Wrong("completed", rule="9.3.0.0-5", said=ENDED)
TWICE = [
    Wrong(verb, rule="9.3.0.0-2", said=("initialized", verb))
    for verb in ("completed", "passed", "failed")
]
BOTH = [
    Wrong("failed", rule="9.3.0.0-3", said=("initialized", "passed")),
    Wrong("passed", rule="9.3.0.0-3", said=("initialized", "failed")),
]
COMPLETED = Wrong("completed", rule="9.3.0.0-6", earlier=("initialized", "completed"))
PASSED = Wrong("passed", rule="9.3.0.0-7", earlier=("initialized", "passed"))
FAILED = Wrong("failed", rule="9.3.0.0-8", earlier=("initialized", "passed"))
AGAIN = Wrong("initialized", rule="9.3.2.0-3")
VOIDING = Wrong(vocabulary.VOIDED, put(REF, "object"))
JUDGED = ("completed", "passed", "failed")
BROWSE, REVIEW = (
    [Wrong(verb, rule=rule, mode=mode) for verb in JUDGED]
    for mode, rule in (("Browse", "10.2.2.0-2"), ("Review", "10.2.2.0-3"))
)
NO_MOVE_ON = {verb: Wrong(verb, category(CMI5), "9.6.2.2-1") for verb in JUDGED}
STRAY_MOVE_ON = [
    Wrong(ALLOWED, category(MOVE_ON), "9.6.2.2-2"),
    Wrong("terminated", category(CMI5, MOVE_ON), "9.6.2.2-2"),
]
SUCCESSES = [
    Wrong("completed", RESULT_SUCCESS, "9.5.2.0-3"),
    Wrong("terminated", RESULT_SUCCESS, "9.5.2.0-3"),
]
COMPLETIONS = [
    Wrong("passed", RESULT_COMPLETION, "9.5.3.0-2"),
    Wrong("terminated", RESULT_COMPLETION, "9.5.3.0-2"),
]
REGISTRATIONS = [
    Wrong("passed", drop("context", "registration"), "9.6.1.0-1"),
    Wrong("passed", put(ELSEWHERE, "context", "registration"), "9.6.1.0-1"),
    Wrong(ALLOWED, put(ELSEWHERE, "context", "registration"), "9.6.1.0-1"),
]
ACTIVITIES = Wrong(
    "completed", drop("context", "contextActivities", "grouping"), "9.6.2.0-1"
)
TEMPLATE = [
    Wrong(ALLOWED, drop("context", "extensions", REVISION), "10.2.1.0-6"),
    Wrong(ALLOWED, drop("context"), "9.6.0.0-1"),
]
OVERWRITTEN = Wrong(ALLOWED, put("0", "context", "extensions", REVISION), "10.2.1.0-7")
NO_SESSION = [
    Wrong("completed", drop("context", "extensions", SESSION), "9.6.3.1-4"),
    Wrong(ALLOWED, put("1", "context", "extensions", SESSION), "9.6.3.1-4"),
]
NO_OBJECT = [
    Wrong("passed", OTHER_OBJECT, "8.1.5.0-6"),
    Wrong("terminated", put(REF, "object"), "9.4.0.0-1"),
]
ACTORS = [
    Wrong("passed", put(OTHER_ACTOR, "actor"), "8.1.3.0-3"),
    Wrong(ALLOWED, put(OTHER_ACTOR, "actor"), "8.1.3.0-3"),
]
SCORES = Wrong("completed", put({"scaled": 1}, "result", "score"), "9.5.1.0-2")
NO_MIN, NO_MAX = (
    Wrong("passed", drop("result", "score", name), "9.5.1.0-3")
    for name in ("min", "max")
)
BELOW = Wrong("passed", TOO_LOW, "9.3.4.0-2")
REACHED = [
    Wrong("failed", ENOUGH, "9.3.5.0-2"),
    Wrong("failed", put({"scaled": 1}, "result", "score"), "9.3.5.0-2"),
]
NOT_PASSED = [
    Wrong("passed", change, "9.5.2.0-1")
    for change in (drop("result", "success"), NOT_SUCCESS)
]
NOT_FAILED = [
    Wrong("failed", change, "9.5.2.0-2")
    for change in (drop("result", "success"), RESULT_SUCCESS)
]
NOT_COMPLETED = [
    Wrong("completed", change, "9.5.3.0-1")
    for change in (drop("result", "completion"), NOT_COMPLETION)
]
NO_ID = [
    Wrong(ALLOWED, drop("id"), "9.1.0.0-1"),
    Wrong("completed", drop("id"), "9.1.0.0-1"),
]
NO_TIME = Wrong(ALLOWED, drop("timestamp"), "9.7.0.0-1")
NO_UTC = Wrong("completed", put("2026-03-02T10:00:00+01:00", "timestamp"), "9.7.0.0-2")
NO_CONTEXT = Wrong("passed", drop("context"), "9.6.0.0-1")
WRONG: dict[str, list[Wrong]] = {
    "6.3.0.0-1": [VOIDING],
    "7.1.1.0-1 (d2)": [BEFORE, BEFORE_DEFINED],
    "7.1.2.0-1 (d2)": [AFTER, AFTER_DEFINED],
    "7.1.3.0-1 (d1)": [BEFORE],
    "7.1.3.0-1 (d2)": [AFTER],
    "8.1.3.0-3 (d)": ACTORS,
    "8.1.5.0-6 (d)": NO_OBJECT[:1],
    "9.1.0.0-1 (d)": NO_ID,
    "9.2.0.0-2": [Wrong("passed", NO_AGENT, "9.2.0.0-2")],
    "9.2.0.0-3": [Wrong("passed", NO_ACCOUNT, "9.2.0.0-3")],
    "9.3.0.0-2": TWICE,
    "9.3.0.0-2 (d)": TWICE,
    "9.3.0.0-3": BOTH,
    "9.3.0.0-3 (d)": BOTH,
    "9.3.0.0-4": [BEFORE, BEFORE_DEFINED],
    "9.3.0.0-4 (d2)": [BEFORE, BEFORE_DEFINED],
    "9.3.0.0-5": [AFTER, AFTER_DEFINED],
    "9.3.0.0-5 (d2)": [AFTER, AFTER_DEFINED],
    "9.3.0.0-6": [COMPLETED],
    "9.3.0.0-6 (d2)": [COMPLETED],
    "9.3.0.0-7": [PASSED],
    "9.3.0.0-7 (d2)": [PASSED],
    "9.3.0.0-8": [FAILED],
    "9.3.0.0-8 (d)": [FAILED],
    "9.3.2.0-3 (d)": [AGAIN],
    "9.3.4.0-2": [BELOW],
    "9.3.4.0-2 (d2)": [BELOW],
    "9.3.5.0-2": REACHED,
    "9.3.5.0-2 (d)": REACHED,
    "9.4.0.0-1": NO_OBJECT,
    "9.4.0.0-1 (d)": NO_OBJECT,
    "9.5.1.0-1": [BELOW, *REACHED],
    "9.5.1.0-2": [SCORES],
    "9.5.1.0-2 (d)": [SCORES],
    "9.5.1.0-3 (d1)": [NO_MIN],
    "9.5.1.0-3 (d2)": [NO_MAX],
    "9.5.2.0-1": NOT_PASSED,
    "9.5.2.0-1 (d1)": NOT_PASSED,
    "9.5.2.0-2": NOT_FAILED,
    "9.5.2.0-2 (d)": NOT_FAILED,
    "9.5.2.0-3": SUCCESSES,
    "9.5.2.0-3 (d)": SUCCESSES,
    "9.5.3.0-1": NOT_COMPLETED,
    "9.5.3.0-1 (d1)": NOT_COMPLETED,
    "9.5.3.0-2": COMPLETIONS,
    "9.5.3.0-2 (d)": COMPLETIONS,
    "9.5.4.1-1 (d)": [
        Wrong("terminated", change, "9.5.4.1-1")
        for change in (DURATION, drop("result"))
    ],
    "9.5.4.1-2 (d)": [Wrong("completed", DURATION, "9.5.4.1-2")],
    "9.5.4.1-3 (d)": [Wrong("passed", DURATION, "9.5.4.1-3")],
    "9.5.4.1-4 (d)": [Wrong("failed", DURATION, "9.5.4.1-4")],
    "9.6.0.0-1": [NO_CONTEXT],
    "9.6.0.0-1 (d)": [NO_CONTEXT],
    "9.6.1.0-1 (d)": REGISTRATIONS,
    "9.6.2.0-1": [ACTIVITIES],
    "9.6.2.0-1 (d)": [ACTIVITIES],
    "9.6.2.1-1": [Wrong(ALLOWED, category(CMI5), "9.6.2.1-1")],
    "9.6.2.2-1": list(NO_MOVE_ON.values()),
    "9.6.2.2-1 (d1)": [NO_MOVE_ON["completed"]],
    "9.6.2.2-1 (d2)": [NO_MOVE_ON["passed"]],
    "9.6.2.2-1 (d3)": [NO_MOVE_ON["failed"]],
    "9.6.2.2-2": STRAY_MOVE_ON,
    "9.6.2.2-2 (d)": STRAY_MOVE_ON,
    "9.6.3.1-4 (d)": NO_SESSION,
    "9.6.3.2-2 (d)": [
        Wrong("passed", NO_MASTERY, "9.6.3.2-2"),
        Wrong("failed", OTHER_MASTERY, "9.6.3.2-2"),
    ],
    "9.7.0.0-1": [NO_TIME],
    "9.7.0.0-1 (d)": [NO_TIME],
    "9.7.0.0-2": [NO_UTC],
    "9.7.0.0-2 (d)": [NO_UTC],
    "10.2.1.0-6 (d)": TEMPLATE,
    "10.2.1.0-7 (d)": [OVERWRITTEN],
    "10.2.2.0-2": BROWSE,
    "10.2.2.0-2 (d)": BROWSE,
    "10.2.2.0-3": REVIEW,
    "10.2.2.0-3 (d)": REVIEW,
    "10.2.2.0-5 (d)": BROWSE + REVIEW,
}
