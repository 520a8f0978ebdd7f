"""What is kept of the commands of an AICC unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.player.test_hacp import code, make, unit

if TYPE_CHECKING:
    from tests.player.test_hacp import Unit

__all__ = ["make", "unit"]


def test_what_cannot_be_taken_is_told_in_the_log(unit: Unit) -> None:
    unit.get()
    assert code(unit.put(lesson_location="5", score="120", time="soon")) == 0
    last = unit.log[-1]
    assert last.findings == [
        {"name": "cmi.core.score.raw", "code": 405},
        {"name": "cmi.core.session_time", "code": 405},
    ]
    assert last.changes == [["cmi.core.lesson_location", "5"]]
    assert last.calls is not None
    assert [row[1:5] for row in last.calls[1:]] == [
        ["SetValue", ["cmi.core.lesson_location", "5"], "true", 0],
        ["SetValue", ["cmi.core.score.raw", "120"], "false", 405],
        ["SetValue", ["cmi.core.session_time", "soon"], "false", 405],
    ]


def test_the_log_is_bounded(unit: Unit) -> None:
    unit.say("PutParam", "[Core_Lesson]\n" + "x" * 50_000)
    assert len(unit.attempt.values["cmi.suspend_data"]) == 50_000
    assert len(str(unit.log[-1].calls)) < 20_000
