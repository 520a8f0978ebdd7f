"""The interpreter of the element tables, element by element and code by code."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player import cmi

TABLE = cmi.elements_of("scorm_12")
FRESH = cmi.initial_values(TABLE)
STORED = FRESH | {
    "cmi.interactions._count": "2",
    "cmi.interactions.1.objectives._count": "1",
    "cmi.interactions.1.correct_responses._count": "1",
    "cmi.objectives._count": "1",
    "cmi.objectives.0.id": "o1",
    "cmi.objectives.0.status": "passed",
}

CORE = (
    "student_id,student_name,lesson_location,credit,lesson_status,entry,score,"
    "total_time,lesson_mode,exit,session_time"
)
INTERACTION = "id,objectives,time,type,correct_responses,weighting"
READ = [
    ("cmi._version", "3.4", 0),
    ("cmi.core._children", CORE, 0),
    ("cmi.core.score._children", "raw,min,max", 0),
    ("cmi.objectives._children", "id,score,status", 0),
    ("cmi.objectives.0.score._children", "raw,min,max", 0),
    (
        "cmi.student_data._children",
        "mastery_score,max_time_allowed,time_limit_action",
        0,
    ),
    ("cmi.student_preference._children", "audio,language,speed,text", 0),
    (
        "cmi.interactions._children",
        f"{INTERACTION},student_response,result,latency",
        0,
    ),
    ("cmi.core.lesson_status", "not attempted", 0),
    ("cmi.core.lesson_mode", "normal", 0),
    ("cmi.core.credit", "credit", 0),
    ("cmi.core.entry", "ab-initio", 0),
    ("cmi.core.total_time", "0000:00:00.00", 0),
    ("cmi.core.lesson_location", "", 0),
    ("cmi.core.score.raw", "", 0),
    ("cmi.suspend_data", "", 0),
    ("cmi.launch_data", "", 0),
    ("cmi.comments", "", 0),
    ("cmi.comments_from_lms", "", 0),
    ("cmi.student_preference.audio", "0", 0),
    ("cmi.objectives._count", "1", 0),
    ("cmi.objectives.0.id", "o1", 0),
    ("cmi.objectives.0.status", "passed", 0),
    ("cmi.objectives.0.score.max", "", 0),
    ("cmi.interactions._count", "2", 0),
    ("cmi.interactions.0.objectives._count", "0", 0),
    ("cmi.interactions.1.objectives._count", "1", 0),
    ("cmi.interactions.1.correct_responses._count", "1", 0),
    # 201: not the name of an element at all, or an index past the end
    ("", "", 201),
    ("cmi.", "", 201),
    (".cmi", "", 201),
    ("cmi..core", "", 201),
    ("cmi", "", 201),
    ("cmi.core", "", 201),
    ("cmi.core.score", "", 201),
    ("cmi.interactions.0", "", 201),
    ("cmi.objectives.n.id", "", 201),
    ("cmi.objectives.00.id", "", 201),
    ("cmi.objectives.1234567.id", "", 201),
    ("cmi.objectives.1.id", "", 201),
    ("cmi.objectives.999999.id", "", 201),
    ("cmi.interactions.2.objectives._count", "", 201),
    ("cmi.objectives.1.score._children", "", 201),
    # 202, 203: keywords on elements that have none
    ("cmi.core.lesson_status._children", "", 202),
    ("cmi.suspend_data._children", "", 202),
    ("cmi.interactions.0.objectives._children", "", 202),
    ("cmi.core._count", "", 203),
    ("cmi.core.score._count", "", 203),
    ("cmi.suspend_data._count", "", 203),
    # 401: no such element
    ("cmi.core.nothing", "", 401),
    ("cmi.learner_name", "", 401),
    ("cmi.core._version", "", 401),
    ("cmi.nothing._children", "", 401),
    ("cmi.nothing._count", "", 401),
    ("cmi.objectives.-1.id", "", 401),
    ("cmi.objectives.x.id", "", 401),
    ("adl.nav.request", "", 401),
    ("CMI.core.lesson_status", "", 401),
    # 404: write only
    ("cmi.core.exit", "", 404),
    ("cmi.core.session_time", "", 404),
    ("cmi.interactions.0.id", "", 404),
    ("cmi.interactions.9.result", "", 404),
    ("cmi.interactions.1.objectives.0.id", "", 404),
    ("cmi.interactions.1.correct_responses.0.pattern", "", 404),
]


@pytest.mark.parametrize(("name", "value", "code"), READ, ids=lambda row: str(row)[:60])
def test_get_value(name: str, value: str, code: int) -> None:
    assert cmi.get_value(TABLE, STORED, name) == (value, code)


LONG = "x" * 255
NAMES = "cmi.interactions.0."
WRITE = [
    # every element that may be written: values of its type, and others
    ("cmi.core.lesson_location", "page 7", 0),
    ("cmi.core.lesson_location", LONG, 0),
    ("cmi.core.lesson_location", LONG + "x", 405),
    ("cmi.core.lesson_location", "😀" * 255, 0),
    ("cmi.core.lesson_location", "\x00", 405),
    ("cmi.core.lesson_location", "\ud800", 405),
    *[
        ("cmi.core.lesson_status", word, 0)
        for word in ("passed", "completed", "failed", "incomplete", "browsed")
    ],
    ("cmi.core.lesson_status", "not attempted", 405),
    ("cmi.core.lesson_status", "Passed", 405),
    ("cmi.core.lesson_status", "", 405),
    *[("cmi.core.exit", word, 0) for word in ("time-out", "suspend", "logout", "")],
    ("cmi.core.exit", "normal", 405),
    *[
        (f"cmi.core.score.{part}", value, code)
        for part in ("raw", "min", "max")
        for value, code in [
            ("0", 0),
            ("100", 0),
            ("80.5", 0),
            (".5", 0),
            ("80.", 0),
            ("83.33333333333334", 0),
            ("", 0),
            ("100.0", 0),
            ("100.1", 405),
            ("-1", 405),
            ("-0", 0),
            ("80 %", 405),
            ("+5", 405),
            ("1e2", 405),
            ("NaN", 405),
            ("Infinity", 405),
            (" 80", 405),
            ("80\n", 405),
            ("٨٠", 405),
        ]
    ],
    *[
        ("cmi.core.session_time", value, code)
        for value, code in [
            ("00:00:00", 0),
            ("0000:00:00.00", 0),
            ("9999:59:59.99", 0),
            ("00:12:34.5", 0),
            ("00:99:99", 0),
            ("0:00:00", 405),
            ("00:00", 405),
            ("00:00:00.000", 405),
            ("00000:00:00", 405),
            ("PT1H", 405),
            ("", 405),
        ]
    ],
    ("cmi.suspend_data", "y" * 4096, 0),
    ("cmi.suspend_data", "y" * 64_000, 0),
    ("cmi.suspend_data", "y" * 64_001, 405),
    ("cmi.suspend_data", "", 0),
    ("cmi.comments", "good", 0),
    ("cmi.comments", "z" * 4096, 0),
    ("cmi.comments", "z" * 4097, 405),
    ("cmi.objectives.0.id", "obj-1", 0),
    ("cmi.objectives.0.id", "two words", 405),
    ("cmi.objectives.0.id", "", 405),
    ("cmi.objectives.0.id", "ü", 405),
    ("cmi.objectives.0.id", "i" * 255, 0),
    ("cmi.objectives.0.id", "i" * 256, 405),
    ("cmi.objectives.0.score.raw", "50", 0),
    ("cmi.objectives.0.score.min", "", 0),
    ("cmi.objectives.0.score.max", "101", 405),
    ("cmi.objectives.0.status", "not attempted", 0),
    ("cmi.objectives.0.status", "done", 405),
    ("cmi.student_preference.audio", "-1", 0),
    ("cmi.student_preference.audio", "100", 0),
    ("cmi.student_preference.audio", "101", 405),
    ("cmi.student_preference.audio", "1.5", 405),
    ("cmi.student_preference.language", "en", 0),
    ("cmi.student_preference.speed", "-100", 0),
    ("cmi.student_preference.speed", "-101", 405),
    ("cmi.student_preference.text", "1", 0),
    ("cmi.student_preference.text", "2", 405),
    (NAMES + "id", "q1", 0),
    (NAMES + "id", "q 1", 405),
    (NAMES + "objectives.0.id", "o1", 0),
    (NAMES + "time", "23:59:59.99", 0),
    (NAMES + "time", "24:00:00", 405),
    (NAMES + "time", "9:00:00", 405),
    *[
        (NAMES + "type", kind, 0)
        for kind in (
            "true-false",
            "choice",
            "fill-in",
            "matching",
            "performance",
            "sequencing",
            "likert",
            "numeric",
        )
    ],
    (NAMES + "type", "long-fill-in", 405),
    (NAMES + "correct_responses.0.pattern", "a,b", 0),
    (NAMES + "weighting", "-2.5", 0),
    (NAMES + "weighting", "heavy", 405),
    (NAMES + "student_response", "a", 0),
    (NAMES + "student_response", LONG + "x", 405),
    *[
        (NAMES + "result", word, 0)
        for word in ("correct", "wrong", "unanticipated", "neutral", "0.75", "-3")
    ],
    (NAMES + "result", "incorrect", 405),
    (NAMES + "latency", "00:00:09.5", 0),
    (NAMES + "latency", "9", 405),
    # 201: gaps in arrays, and what is no element
    ("cmi.objectives.1.id", "o", 201),
    ("cmi.interactions.1.id", "q", 201),
    ("cmi.interactions.0.objectives.1.id", "o", 201),
    ("cmi.core", "x", 201),
    ("", "x", 201),
    # 202, 203, 401
    ("cmi.core.lesson_status._children", "x", 202),
    ("cmi.core._count", "x", 203),
    ("cmi.core.nothing", "x", 401),
    # 402: keywords
    ("cmi._version", "3.4", 402),
    ("cmi.core._children", "x", 402),
    ("cmi.core.score._children", "x", 402),
    ("cmi.objectives._count", "4", 402),
    ("cmi.interactions._count", "4", 402),
    ("cmi.interactions.0.objectives._count", "4", 402),
    # 403: read only
    *[
        (name, "x", 403)
        for name in (
            "cmi.core.student_id",
            "cmi.core.student_name",
            "cmi.core.credit",
            "cmi.core.entry",
            "cmi.core.total_time",
            "cmi.core.lesson_mode",
            "cmi.launch_data",
            "cmi.comments_from_lms",
            "cmi.student_data.mastery_score",
            "cmi.student_data.max_time_allowed",
            "cmi.student_data.time_limit_action",
        )
    ],
]


@pytest.mark.parametrize(
    ("name", "value", "code"), WRITE, ids=lambda row: ascii(row)[:50]
)
def test_set_value(name: str, value: str, code: int) -> None:
    update, found = cmi.set_value(TABLE, FRESH, name, value)
    assert found == code
    assert update.get(name) == (None if code else value)
    if code:
        assert update == {}


def test_every_element_is_read_and_written_in_these_tables() -> None:
    def forms(rows: list[tuple[str, str, int]]) -> set[str]:
        return {
            ".".join("n" if part.isdecimal() else part for part in name.split("."))
            for name, _, _ in rows
        }

    written = {
        name
        for name, row in TABLE.elements.items()
        if row.type is not None and row.access in {"rw", "wo"}
    }
    assert written <= forms(WRITE)
    assert {n for n, row in TABLE.elements.items() if row.access == "ro"} <= (
        forms(READ) | forms(WRITE)
    )


def used_codes(table: cmi.Elements) -> set[str]:
    """The error codes that calls may leave, as texts; success is one."""
    found = {0, *table.get_codes.values(), *table.set_codes.values()}
    for codes in table.source["calls"].values():
        found.update(codes.values() if isinstance(codes, dict) else [codes])
    return {str(code) for code in found}


def test_every_error_code_of_the_book_has_a_text_and_a_use() -> None:
    texts = TABLE.source["errors"]
    assert set(texts) == {
        *("0", "101", "201", "202", "203", "301"),
        *("401", "402", "403", "404", "405"),
    }
    assert used_codes(TABLE) == set(texts)


def test_children_name_elements_that_exist() -> None:
    for name, row in TABLE.elements.items():
        if name.endswith("._children"):
            assert row.keyword is not None
            for child in row.keyword.split(","):
                parent = name.removesuffix("_children")
                array = "n." if f"{parent}_count" in TABLE.elements else ""
                full = f"{parent}{array}{child}"
                assert full in TABLE.elements or full in TABLE.categories


def test_arrays_grow_one_by_one() -> None:
    after, refused = cmi.apply_changes(
        TABLE,
        FRESH,
        [
            ("cmi.interactions.0.id", "q1"),
            ("cmi.interactions.0.objectives.0.id", "o1"),
            ("cmi.interactions.0.objectives.1.id", "o2"),
            ("cmi.interactions.1.correct_responses.0.pattern", "a"),
            ("cmi.interactions.3.id", "too far"),
            ("cmi.interactions.2.type", "nonsense"),
        ],
    )
    assert after["cmi.interactions._count"] == "2"
    assert after["cmi.interactions.0.objectives._count"] == "2"
    assert after["cmi.interactions.1.correct_responses._count"] == "1"
    assert [(one.place, one.code) for one in refused] == [(4, 201), (5, 405)]


def test_an_array_is_full_at_its_maximum() -> None:
    full = FRESH | {"cmi.objectives._count": "5000"}
    assert cmi.set_value(TABLE, full, "cmi.objectives.5000.id", "o") == ({}, 101)
    assert cmi.set_value(TABLE, full, "cmi.objectives.4999.id", "o")[1] == 0


def test_comments_are_collected_up_to_the_limit() -> None:
    after, refused = cmi.apply_changes(
        TABLE, FRESH, [("cmi.comments", "one "), ("cmi.comments", "two")]
    )
    assert (after["cmi.comments"], refused) == ("one two", [])
    assert cmi.set_value(TABLE, after, "cmi.comments", "x" * 4090)[1] == 405


ANY_NAME = st.one_of(
    st.sampled_from(sorted(TABLE.elements)).flatmap(
        lambda name: st.lists(
            st.integers(0, 3), min_size=name.count("n."), max_size=name.count("n.")
        ).map(lambda _: name.replace(".n.", ".0.", 1).replace(".n.", ".1."))
    ),
    st.text(max_size=30),
)
ANY_VALUE = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["passed", "incomplete", "80", "suspend", "00:01:00", "q1"]),
)
CHANGES = st.lists(st.tuples(ANY_NAME, ANY_VALUE), max_size=30)


@given(changes=CHANGES, cut=st.integers(0, 30))
def test_applying_changes_is_pure_and_splits_anywhere(
    changes: list[tuple[str, str]], cut: int
) -> None:
    start = dict(FRESH)
    whole, refused = cmi.apply_changes(TABLE, start, changes)
    assert start == FRESH
    first, refused_first = cmi.apply_changes(TABLE, start, changes[:cut])
    both, refused_rest = cmi.apply_changes(TABLE, first, changes[cut:])
    assert both == whole
    assert len(refused_first) + len(refused_rest) == len(refused)


@given(changes=CHANGES)
def test_whatever_is_applied_the_model_keeps_its_types(
    changes: list[tuple[str, str]],
) -> None:
    after, refused = cmi.apply_changes(TABLE, FRESH, changes)
    assert all(0 <= one.place < len(changes) and one.code for one in refused)
    for name, value in after.items():
        if name.endswith("._count"):
            assert int(value) >= 0
            beyond = name.removesuffix("_count") + value
            assert not any(other.startswith(f"{beyond}.") for other in after)
        elif value != FRESH.get(name):
            assert cmi.can_hold(TABLE, name, value)
            assert cmi.set_value(TABLE, FRESH, name, value)[1] in {0, 201}
    for name, row in TABLE.elements.items():
        if row.type is not None and row.access == "ro":
            assert after.get(name) == FRESH.get(name)


def test_the_browser_decides_alike() -> None:
    """Each row above, asked of the browser's own API in Node."""
    script = Path(__file__).with_name("same_as_browser.mjs")
    rows = {
        "elements": TABLE.source,
        "stored": STORED,
        "fresh": FRESH,
        "read": [name for name, _, _ in READ],
        "write": [[name, value] for name, value, _ in WRITE],
    }
    answer = subprocess.run(
        ["node", str(script)],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(answer.stdout)
    assert found["read"] == [[value, code] for _, value, code in READ]
    assert found["write"] == [code for _, _, code in WRITE]
