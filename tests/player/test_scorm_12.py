"""Begin and end of a SCORM 1.2 session, as tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player import cmi, scorm_12
from player.outcomes import as_mode
from statements.errors import Invalid

FRESH = scorm_12.first_values(scorm_12.Given(mastery_score="80"))


def values(status: str, raw: str = "", mastery: str = "80", **more: str) -> cmi.Model:
    return FRESH | {
        scorm_12.STATUS: status,
        scorm_12.RAW: raw,
        "cmi.student_data.mastery_score": mastery,
        **{f"cmi.core.{name}": value for name, value in more.items()},
    }


@pytest.mark.parametrize(
    ("started", "suspended", "entry"),
    [
        (False, False, "ab-initio"),
        (False, True, "ab-initio"),
        (True, True, "resume"),
        (True, False, ""),
    ],
)
def test_entry(started: bool, suspended: bool, entry: str) -> None:  # noqa: FBT001
    begun = scorm_12.begin(FRESH, mode="Normal", started=started, suspended=suspended)
    assert begun["cmi.core.entry"] == entry


def test_a_session_begins_with_what_was_kept() -> None:
    kept = values("incomplete", "40", lesson_location="7", exit="suspend")
    kept |= {"cmi.core.session_time": "00:05:00", "cmi.suspend_data": "state"}
    begun = scorm_12.begin(kept, mode="Normal", started=True, suspended=True)
    assert begun["cmi.core.exit"] == begun["cmi.core.session_time"] == ""
    assert begun["cmi.suspend_data"] == "state"
    assert begun["cmi.core.lesson_location"] == "7"
    assert begun["cmi.core.score.raw"] == "40"
    assert begun[scorm_12.STATUS] == "incomplete"


BROWSE: dict[str, Any] = {"credit": "no-credit", "lesson_mode": "browse"}
REVIEW: dict[str, Any] = {"credit": "no-credit", "lesson_mode": "review"}
NO_CREDIT: dict[str, Any] = {"credit": "no-credit"}


@pytest.mark.parametrize(
    ("before", "terminated", "status"),
    [
        # never set by the SCO: complete by LMSFinish, and by nothing else
        (values("not attempted"), True, "completed"),
        (values("not attempted"), False, "not attempted"),
        (values("not attempted", "90"), True, "passed"),
        (values("not attempted", "70"), True, "failed"),
        (values("not attempted", "90"), False, "not attempted"),
        (values("not attempted", **BROWSE), True, "browsed"),
        (values("not attempted", **REVIEW), True, "not attempted"),
        # the mastery score decides
        (values("completed", "80"), True, "passed"),
        (values("completed", "79.99"), True, "failed"),
        (values("completed", "79.999999"), True, "passed"),
        (values("completed", "79.9999"), True, "failed"),
        (values("passed", "10"), True, "failed"),
        (values("failed", "100"), True, "passed"),
        (values("browsed", "100"), True, "passed"),
        (values("completed", "100"), False, "passed"),
        (values("completed", "0", mastery="0"), True, "passed"),
        # but only with a score, credit, normal mode, and not while incomplete
        (values("completed"), True, "completed"),
        (values("passed"), True, "passed"),
        (values("incomplete", "100"), True, "incomplete"),
        (values("completed", "100", mastery=""), True, "completed"),
        (values("failed", "100", mastery=""), True, "failed"),
        (values("completed", "10", **NO_CREDIT), True, "completed"),
        (values("completed", "10", **BROWSE), True, "completed"),
        (values("passed", "10", **REVIEW), True, "passed"),
    ],
    ids=lambda row: row.get(scorm_12.STATUS) if isinstance(row, dict) else str(row),
)
def test_status_at_the_end(
    before: cmi.Model,
    terminated: bool,  # noqa: FBT001
    status: str,
) -> None:
    after = scorm_12.finish(before, terminated=terminated)
    assert after[scorm_12.STATUS] == status
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed <= {scorm_12.STATUS}


@pytest.mark.parametrize(
    ("status", "completion", "success"),
    [
        ("passed", "completed", "passed"),
        ("failed", "completed", "failed"),
        ("completed", "completed", "unknown"),
        ("incomplete", "incomplete", "unknown"),
        ("browsed", "incomplete", "unknown"),
        ("not attempted", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_outcome(status: str, completion: str, success: str) -> None:
    known = scorm_12.outcome({scorm_12.STATUS: status})
    assert (known.completion, known.success, known.scaled) == (
        completion,
        success,
        None,
    )


@pytest.mark.parametrize(
    ("raw", "scaled"), [("80", "0.80"), ("0", "0"), ("100", "1"), ("33.3", "0.333")]
)
def test_scaled_is_raw_by_a_hundred_exactly(raw: str, scaled: str) -> None:
    known = scorm_12.outcome({scorm_12.RAW: raw})
    assert known.scaled == Decimal(scaled)


@pytest.mark.parametrize(
    ("total", "seconds", "sum_"),
    [
        ("0000:00:00.00", "0", "0000:00:00.00"),
        ("", "1.5", "0000:00:01.50"),
        ("0000:59:59.99", "0.01", "0001:00:00.00"),
        ("0099:59:59.99", "0.02", "0100:00:00.01"),
        ("9999:59:59.98", "5", "9999:59:59.99"),
        ("00:99:99", "0", "0001:40:39.00"),
    ],
)
def test_total_time(total: str, seconds: str, sum_: str) -> None:
    before = FRESH | {"cmi.core.total_time": total}
    after = scorm_12.finish(before, terminated=True, seconds=Decimal(seconds))
    assert after["cmi.core.total_time"] == sum_


@given(hundredths=st.integers(0, 3_599_999_999))
def test_every_timespan_reads_back(hundredths: int) -> None:
    seconds = Decimal(hundredths).scaleb(-2)
    text = scorm_12.timespan_of(seconds)
    assert scorm_12.seconds_of(text) == seconds
    table = cmi.elements_of("scorm_12")
    assert cmi.can_hold(table, "cmi.core.session_time", text)


def test_an_asset_is_complete_in_normal_mode_only() -> None:
    assert scorm_12.view_asset(FRESH)[scorm_12.STATUS] == "completed"
    for mode in ("Browse", "Review"):
        begun = scorm_12.begin(
            FRESH, mode=as_mode(mode), started=False, suspended=False
        )
        assert scorm_12.view_asset(begun)[scorm_12.STATUS] == "not attempted"


def test_modes_are_three() -> None:
    with pytest.raises(Invalid):
        as_mode("normal")
