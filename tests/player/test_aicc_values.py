"""AICC data as changes of the CMI model, and back."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player import aicc_values, cmi, outcomes, runtimes, scorm_12
from player.aicc_text import read_groups
from tests.player.sample import make_unit

TABLE = cmi.elements_of("scorm_12")
FRESH = scorm_12.begin(
    scorm_12.first_values(scorm_12.Given(launch_data="level=2", mastery_score="80")),
    mode="Normal",
    started=False,
    suspended=False,
)
LOCATION, STATUS, EXIT = (
    "cmi.core.lesson_location",
    "cmi.core.lesson_status",
    "cmi.core.exit",
)
RAW, HIGH, LOW = (f"cmi.core.score.{name}" for name in ("raw", "max", "min"))
TIME, KEPT = "cmi.core.session_time", "cmi.suspend_data"
NOTE = "cmi.comments"
GOAL, DONE = "cmi.objectives.", "cmi.interactions."

CORE: list[tuple[str, list[tuple[str, str]]]] = [
    ("", []),
    ("Lesson_Location=", [(LOCATION, "")]),
    ("Lesson_Location=page 3", [(LOCATION, "page 3")]),
    ("Lesson_Status=", []),
    ("Lesson_Status=P", [(STATUS, "passed"), (EXIT, "")]),
    ("Lesson_Status=complete", [(STATUS, "completed"), (EXIT, "")]),
    ("Lesson_Status=Fail,L", [(STATUS, "failed"), (EXIT, "logout")]),
    ("Lesson_Status=i , Suspend", [(STATUS, "incomplete"), (EXIT, "suspend")]),
    ("Lesson_Status=browsed,time-out", [(STATUS, "browsed"), (EXIT, "time-out")]),
    ("Lesson_Status=not attempted, ab-initio", [(EXIT, "")]),
    ("Lesson_Status=,S", [(EXIT, "suspend")]),
    ("Lesson_Status=?", [(STATUS, "?"), (EXIT, "")]),
    ("Score=", []),
    ("Score=,,", []),
    ("Score=87", [(RAW, "87")]),
    ("Score=66.67", [(RAW, "66.67")]),
    ("Score=090.50", [(RAW, "90.5")]),
    ("Score=87%", [(RAW, "87")]),
    ("Score=87,100,0", [(RAW, "87"), (HIGH, "100"), (LOW, "0")]),
    ("Score=87, 100", [(RAW, "87"), (HIGH, "100"), (LOW, "0")]),
    ("Score=8,10,0", [(RAW, "80"), (HIGH, "100"), (LOW, "0")]),
    ("Score=150,200", [(RAW, "75"), (HIGH, "100"), (LOW, "0")]),
    ("Score=1,3", [(RAW, "33.3333333"), (HIGH, "100"), (LOW, "0")]),
    ("Score=3,5,1", [(RAW, "50"), (HIGH, "100"), (LOW, "0")]),
    ("Score=5,0,0", [(RAW, "5")]),
    ("Score=5,,", [(RAW, "5")]),
    ("Score=many", [(RAW, "many")]),
    ("Time=", []),
    ("Time=00:01:05", [(TIME, "0000:01:05.00")]),
    ("Time=1:2:3.45", [(TIME, "0001:02:03.45")]),
    ("Time=02:30", [(TIME, "0000:02:30.00")]),
    ("Time=90", [(TIME, "0000:01:30.00")]),
    ("Time=soon", [(TIME, "soon")]),
    ("[Core_Lesson]\r\na=1\r\n[2]\r\n", [(KEPT, "a=1\r\n[2]")]),
    ("[Core_Lesson]\r\n", [(KEPT, "")]),
    ("[Comments]\r\n<1>Good.<e.1>\r\n", [(NOTE, "<1>Good.<e.1>")]),
    (
        "[Student_Preferences]\r\nAudio=5\r\nLanguage=en\r\nVideo=x\r\nText=\r\n",
        [
            ("cmi.student_preference.audio", "5"),
            ("cmi.student_preference.language", "en"),
        ],
    ),
    (
        (
            "[Objectives_Status]\r\nJ_ID.2=b\r\nJ_Score.2=50\r\nJ_Status.1=P\r\nJ_ID.1=a\r\n"
            "J_Status.3=F\r\n"
        ),
        [
            (f"{GOAL}0.id", "a"),
            (f"{GOAL}0.status", "passed"),
            (f"{GOAL}1.id", "b"),
            (f"{GOAL}1.score.raw", "50"),
        ],
    ),
]


@pytest.mark.parametrize(("data", "changes"), CORE, ids=[case[0] for case in CORE])
def test_parameters(data: str, changes: list[tuple[str, str]]) -> None:
    assert aicc_values.parameters(f"[Core]\r\n{data}", FRESH) == changes


REFUSED = {"Lesson_Status=?", "Score=many", "Time=soon"}


@pytest.mark.parametrize("data", [case[0] for case in CORE])
def test_what_is_not_understood_is_refused_and_the_rest_taken(data: str) -> None:
    changes = aicc_values.parameters(f"[Core]\r\n{data}", FRESH)
    _, refused = cmi.apply_changes(TABLE, FRESH, changes)
    assert [one.code for one in refused] == ([405] if data in REFUSED else [])


def after(command: str, data: str, values: dict[str, str]) -> dict[str, str]:
    changes = aicc_values.READERS[command](data, values)
    model, refused = cmi.apply_changes(TABLE, values, changes)
    assert refused == []
    return model


def new(values: dict[str, str], than: dict[str, str] = FRESH) -> dict[str, str]:
    return {name: value for name, value in values.items() if than.get(name) != value}


INTERACTIONS = (
    '"course_id","student_id","lesson_id","date","time","interaction_id","objective_id",'
    '"type_interaction","correct_response","student_response","result","weighting",'
    '"latency"\r\n'
    '"c","s","l","2026/03/02","17:20:05","q 1","o1","C","a,b","{a,b}","C","1","00:00:12"\r\n'
    '"c","s","l","2026/03/02","99:00:00","q2","","U","","f","0.5","much","later"\r\n'
    '"c","s","l","","","","","","","","","",""\r\n'
)


def test_interactions_are_put_after_those_there_are() -> None:
    once = after("putinteractions", INTERACTIONS, FRESH)
    assert new(once) == {
        "cmi.interactions._count": "2",
        f"{DONE}0.id": "q_1",
        f"{DONE}0.objectives._count": "1",
        f"{DONE}0.objectives.0.id": "o1",
        f"{DONE}0.time": "17:20:05.00",
        f"{DONE}0.type": "choice",
        f"{DONE}0.correct_responses._count": "1",
        f"{DONE}0.correct_responses.0.pattern": "a,b",
        f"{DONE}0.student_response": "{a,b}",
        f"{DONE}0.result": "correct",
        f"{DONE}0.weighting": "1",
        f"{DONE}0.latency": "0000:00:12.00",
        f"{DONE}1.id": "q2",
        f"{DONE}1.student_response": "f",
        f"{DONE}1.result": "0.5",
    }
    assert after("putinteractions", INTERACTIONS, once) == once
    other = INTERACTIONS.replace("{a,b}", "{a,c}")
    twice = after("putinteractions", other, once)
    assert new(twice, once)[f"{DONE}2.student_response"] == "{a,c}"
    assert twice["cmi.interactions._count"] == "3"


def test_interactions_are_compared_in_a_breath() -> None:
    def rows(letter: str) -> str:
        return "\r\n".join(
            f"c,s,l,2020/01/01,10:00:00,{letter}{n},o{n},c,a,b,c,1,00:00:10"
            for n in range(5000)
        )

    values, _ = cmi.apply_changes(
        TABLE, FRESH, aicc_values.interactions(rows("a"), FRESH)
    )
    started = time.process_time()
    assert aicc_values.interactions(rows("a"), values) == []
    assert aicc_values.interactions(rows("b"), values)
    # a few tenths of a second; half a minute when each was compared with each
    assert time.process_time() - started < 6


def test_objectives_keep_their_places() -> None:
    table = "objective_id,score,status\r\nb,7,C\r\nA,5,I\r\n,1,P\r\n"
    once = after("putobjectives", table, FRESH)
    again = after(
        "putparam", "[Objectives_Status]\nJ_ID.1=a\nJ_Status.1=F\nJ_Score.1=9,10", once
    )
    assert new(again, once) == {
        f"{GOAL}1.status": "failed",
        f"{GOAL}1.score.raw": "90",
        f"{GOAL}1.score.max": "100",
        f"{GOAL}1.score.min": "0",
    }
    assert again[f"{GOAL}1.id"] == "A"


def test_comments_are_not_doubled() -> None:
    table = "date,comment\r\n1,Fine.\r\n2,\r\n3,Fine.\r\n4,Better.\r\n"
    once = after("putcomments", table, FRESH)
    assert once[NOTE] == "Fine.Better."
    assert after("putparam", "[Comments]\nFine.", once) == once


LIMITS = [
    ("", "", ("", "")),
    ("00:30:00", "E,M", ("0000:30:00.00", "exit,message")),
    ("1:00:00", "no message, continue", ("0001:00:00.00", "continue,no message")),
    ("0001:30:00.5", "continue no message", ("0001:30:00.50", "continue,no message")),
    ("00:00:00", "exit", ("", "")),
]


@pytest.mark.parametrize(("longest", "action", "wanted"), LIMITS)
def test_limits_are_told_in_the_models_words(
    longest: str, action: str, wanted: tuple[str, str]
) -> None:
    unit = make_unit(0, max_time=longest, time_limit_action=action)
    told = aicc_values.in_words(unit)
    assert (told.max_time, told.time_limit_action) == wanted
    values = runtimes.runtime_of("aicc").first_values(unit, threshold=None)
    limits = "cmi.student_data."
    assert values[f"{limits}max_time_allowed"] == wanted[0]
    assert values[f"{limits}time_limit_action"] == wanted[1]


def test_what_get_param_answers() -> None:
    values = FRESH | {
        "cmi.core.student_id": "p1",
        "cmi.core.student_name": "Officer, Sworn",
        LOCATION: "3",
        STATUS: "incomplete",
        "cmi.core.entry": "resume",
        "cmi.core.total_time": "0001:02:03.45",
        RAW: "80",
        HIGH: "100",
        LOW: "0",
        KEPT: "a=1\nb=2",
        "cmi.student_data.max_time_allowed": "0001:00:00",
        "cmi.student_preference.audio": "5",
        "cmi.objectives._count": "2",
        f"{GOAL}0.id": "o1",
        f"{GOAL}0.status": "passed",
        f"{GOAL}0.score.raw": "9",
        f"{GOAL}1.id": "o2",
    }
    told = aicc_values.answer(values, course="C1", attempt=2)
    assert told.split("\r\n") == [
        "[Core]",
        "Student_ID=p1",
        "Student_Name=Officer, Sworn",
        "Lesson_Location=3",
        "Credit=C",
        "Lesson_Status=incomplete, resume",
        "Score=80,100,0",
        "Time=0001:02:03",
        "Lesson_Mode=Normal",
        "[Core_Lesson]",
        "a=1\nb=2",
        "[Core_Vendor]",
        "level=2",
        "[Evaluation]",
        "Course_ID=C1",
        "[Objectives_Status]",
        "J_ID.1=o1",
        "J_Score.1=9",
        "J_Status.1=passed",
        "J_ID.2=o2",
        "[Student_Data]",
        "Attempt_Number=2",
        "Mastery_Score=80",
        "Max_Time_Allowed=0001:00:00",
        "[Student_Preferences]",
        "Audio=5",
        "Speed=0",
        "Text=0",
        "",
    ]


MODES = [
    ("Normal", False, False, "C", "not attempted, ab-initio", "Normal"),
    ("Normal", True, True, "C", "not attempted, resume", "Normal"),
    ("Normal", True, False, "C", "not attempted, resume", "Normal"),
    ("Browse", False, False, "N", "not attempted, ab-initio", "Browse"),
    ("Review", True, False, "N", "not attempted, resume", "Review"),
]


@pytest.mark.parametrize(
    ("mode", "started", "suspended", "credit", "status", "told"), MODES
)
def test_modes(
    mode: outcomes.Mode,
    *,
    started: bool,
    suspended: bool,
    credit: str,
    status: str,
    told: str,
) -> None:
    values = scorm_12.begin(FRESH, mode=mode, started=started, suspended=suspended)
    core = read_groups(aicc_values.answer(values, course="", attempt=1)).values["core"]
    assert core["credit"] == credit
    assert core["lesson_status"] == status
    assert core["lesson_mode"] == told


@pytest.mark.parametrize("status", ["passed", "failed", "completed", "browsed"])
def test_what_is_finished_is_looked_at_again_without_a_flag(status: str) -> None:
    first = FRESH | {STATUS: status}
    values = scorm_12.begin(first, mode="Normal", started=True, suspended=False)
    told = aicc_values.answer(values, course="", attempt=1)
    assert read_groups(told).get("core", "lesson_status") == status


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0000:00:00", "0"),
        ("9999:59:59.99", "35999999.99"),
        ("1:00", "60"),
        ("7.5", "7.5"),
        ("", None),
        ("1:2:3:4", None),
        ("-1", None),
    ],
)
def test_times(text: str, seconds: str | None) -> None:
    assert aicc_values.seconds_of(text) == (
        None if seconds is None else Decimal(seconds)
    )


@given(st.sampled_from(sorted(aicc_values.READERS)), st.text(max_size=200))
def test_no_data_breaks_it(command: str, data: str) -> None:
    text = f"[core]\n{data}\n[objectives_status]\nj_id.1=x\nj_score.1={data}"
    for given_ in (data, text):
        changes = aicc_values.READERS[command](given_, FRESH)
        model, _ = cmi.apply_changes(TABLE, FRESH, changes)
        aicc_values.answer(model, course=data, attempt=1)


ECHOED = st.fixed_dictionaries(
    {
        LOCATION: st.text(st.characters(min_codepoint=33, max_codepoint=126)),
        STATUS: st.sampled_from(["passed", "completed", "failed", "incomplete"]),
        RAW: st.decimals(0, 100, places=2).map(str),
    }
)


@given(ECHOED)
def test_a_unit_that_echoes_changes_nothing(values: dict[str, str]) -> None:
    location = values[LOCATION].strip('"')
    first = (
        FRESH | values | {LOCATION: location, "cmi.core.total_time": "0000:00:05.00"}
    )
    told = aicc_values.answer(first, course="c", attempt=1)
    changes = dict(aicc_values.parameters(told, first))
    assert changes[LOCATION] == location
    assert changes[STATUS] == values[STATUS]
    assert Decimal(changes[RAW]) == Decimal(values[RAW])
