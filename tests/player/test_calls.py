"""The calls of the run-time: what is kept of them, read as a log, made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any
from uuid import uuid4

import pytest

from player import calls, cmi
from player.tables import Entry

AT = datetime(2026, 3, 2, 17, tzinfo=UTC)
TABLE = cmi.elements_of("scorm_12")
GET = [900, "LMSGetValue", ["cmi.core.entry"], "ab-initio", 0, 3]


def entry(seq: int = 1, kind: str = "set", **facts: Any) -> Entry:
    given: dict[str, Any] = {
        "launch_id": uuid4(),
        "seq": seq,
        "kind": kind,
        "changes": [],
        "findings": [],
        "calls": None,
        "opening": None,
        "event_at": AT,
        "mono": 1000,
    }
    return Entry(**given | facts)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param([GET], [GET], id="a-call"),
        pytest.param([GET, "x", [1], GET], [GET, GET], id="what-is-none-is-dropped"),
        pytest.param([[*GET[:5], True]], None, id="no-number"),
        pytest.param([[*GET[:5], -1]], None, id="below-zero"),
        pytest.param([[*GET[:5], 2**70]], None, id="too-large"),
        pytest.param([[1, "f", ["a", 2], "", 0, 1]], None, id="no-text"),
        pytest.param({"calls": 1}, None, id="no-list"),
        pytest.param(None, None, id="nothing"),
        pytest.param([[1, "", [], "", 0, 12]], [[1, "", [], "", 0, 12]], id="left-out"),
        pytest.param(
            [[1, "GetValue", ["cmi.learner_name"], "Officer, Sworn", 0, 1]],
            [[1, "GetValue", ["cmi.learner_name"], "(not kept)", 0, 1]],
            id="a-name",
        ),
        pytest.param(
            [[1, "LMSGetValue", ["cmi.core.student_name"], "", 301, 1]],
            [[1, "LMSGetValue", ["cmi.core.student_name"], "", 301, 1]],
            id="no-name-was-told",
        ),
        pytest.param(
            [[1, "f", ["a\x00b", "\ud800"], "", 0, 1]],
            [[1, "f", ["a\ufffdb", "?"], "", 0, 1]],
            id="what-no-database-takes",
        ),
    ],
)
def test_what_is_kept(sent: object, kept: object) -> None:
    assert calls.read_calls(sent) == kept


def test_a_log_is_bounded() -> None:
    many = [[1, "f", ["x" * 5000] * 9, "y" * 5000, 0, 1]] * 5000
    kept = calls.read_calls(many)
    assert kept is not None
    assert len(kept) == calls.MOST_ROWS
    assert len(kept[0][2]) == calls.MOST_ARGUMENTS
    assert len(kept[0][2][0]) == len(kept[0][3]) == calls.LONGEST + 1


def test_a_call_happened_as_long_before_its_entry_as_the_browser_says() -> None:
    [call] = calls.calls_of(entry(calls=[GET]))
    assert call.at == AT - timedelta(milliseconds=100)
    assert (call.function, call.element, call.value) == (
        "LMSGetValue",
        "cmi.core.entry",
        "",
    )
    assert (call.result, call.error, call.times) == ("ab-initio", 0, 3)


def test_an_entry_without_calls_tells_what_it_changed() -> None:
    found = list(
        calls.log_of(
            [
                entry(1, "initialize"),
                entry(
                    2,
                    changes=[["cmi.core.score.raw", "80"]],
                    findings=[{"name": "cmi.core.exit", "code": 405}],
                ),
                entry(3, "terminate", calls=[GET]),
            ]
        )
    )
    assert [(one.function, one.element, one.value, one.error) for one in found] == [
        ("(session begins)", "", "", 0),
        ("SetValue", "cmi.core.score.raw", "80", 0),
        ("SetValue", "cmi.core.exit", "", 405),
        ("LMSGetValue", "cmi.core.entry", "", 0),
        ("(session ends)", "", "", 0),
    ]


SET = "LMSSetValue"
STATUS = "cmi.core.lesson_status"
SESSION = [
    entry(1, "initialize", opening=cmi.initial_values(TABLE)),
    entry(
        2,
        changes=[[STATUS, "passed"], ["cmi.suspend_data", "d" * 3000]],
        calls=[
            [1, "LMSInitialize", [""], "true", 0, 1],
            [1, "LMSGetValue", [STATUS], "not attempted", 0, 1],
            [1, SET, [STATUS, "passed"], "true", 0, 1],
            [1, SET, [STATUS, "wonderful"], "false", 405, 1],
            [1, SET, ["cmi.suspend_data", f"{'d' * 1000}… (3000)"], "true", 0, 1],
            [1, "LMSGetValue", [STATUS], "failed", 0, 1],
            [1, SET, [STATUS, "lovely"], "true", 0, 1],
            [1, "LMSGetValue", ["cmi.core.student_name"], "(not kept)", 0, 1],
        ],
    ),
]


def test_the_same_calls_again_show_where_content_was_told_something_else() -> None:
    steps = list(calls.replay(TABLE, SESSION))
    told = [(one.call.function, one.expected, one.differs) for one in steps]
    assert told == [
        ("(session begins)", None, False),
        ("LMSInitialize", None, False),
        ("LMSGetValue", ("not attempted", 0), False),
        (SET, ("true", 0), False),
        (SET, ("false", 405), False),
        (SET, ("true", 0), False),
        ("LMSGetValue", ("passed", 0), True),
        (SET, ("false", 405), True),
        ("LMSGetValue", None, False),
    ]
    assert steps[0].changed[STATUS] == "not attempted"
    assert steps[3].changed == {STATUS: "passed"}
    # the log has its beginning, the entry the whole
    assert steps[5].changed == {"cmi.suspend_data": "d" * 3000}


def test_a_second_session_begins_with_its_own_values() -> None:
    opening = {**cmi.initial_values(TABLE), STATUS: "incomplete"}
    steps = list(
        calls.replay(TABLE, [*SESSION, entry(3, "initialize", opening=opening)])
    )
    assert steps[-1].changed == {STATUS: "incomplete", "cmi.suspend_data": ""}


def test_stores_that_only_the_page_had_are_not_judged() -> None:
    table = cmi.elements_of("scorm_2004", edition="4th")
    rows = [
        [1, "SetValue", ["adl.data.0.store", "x"], "true", 0, 1],
        [1, "GetValue", ["adl.data._count"], "1", 0, 1],
        [1, "GetValue", ["adl.nav.request_valid.continue"], "true", 0, 1],
        [1, "SetValue", ["cmi.location", "3"], "true", 0, 1],
        [1, "GetValue", ["cmi.location"], "3", 0, 1],
    ]
    session = [entry(1, "initialize", opening={}), entry(2, calls=rows)]
    steps = list(calls.replay(table, session))
    assert not any(step.differs for step in steps)
    assert steps[-1].expected == ("3", 0)


def test_a_call_is_as_it_is() -> None:
    [call] = calls.calls_of(entry(calls=[GET]))
    assert replace(call, function="LMSCommit", arguments=("",)).element == ""


def filled(parts: int) -> float:
    """Processor seconds of 20,000 steps in a model that grows to so many parts."""
    table = cmi.elements_of("scorm_2004")
    rows = [
        [1, "SetValue", [f"cmi.interactions.{n % parts}.{name}", value], "true", 0, 1]
        for n in range(10_000)
        for name, value in (("id", f"urn:x:{n % parts}"), ("type", "choice"))
    ]
    entries = [
        entry(seq + 1, calls=rows[seq * 1000 : seq * 1000 + 1000]) for seq in range(20)
    ]
    model: dict[str, str] = {}
    before = process_time()
    for step in calls.replay(table, entries):
        calls.advance(model, step)
    spent = process_time() - before
    assert model["cmi.interactions._count"] == str(parts)
    assert model[f"cmi.interactions.{parts - 1}.type"] == "choice"
    return spent


def test_a_large_model_is_not_walked_at_every_step() -> None:
    assert filled(5000) < 10 * filled(5)
