"""What an outcome is called in one word."""

from __future__ import annotations

import pytest

from player.outcomes import (
    ALONE,
    Around,
    Completion,
    Outcome,
    Success,
    as_mode,
    decimal_of,
    texts_under,
)
from statements.errors import Invalid


@pytest.mark.parametrize(
    ("completion", "success", "status"),
    [
        ("unknown", "unknown", "not attempted"),
        ("incomplete", "unknown", "incomplete"),
        ("completed", "unknown", "completed"),
        ("completed", "failed", "failed"),
        ("unknown", "passed", "passed"),
    ],
)
def test_status(completion: Completion, success: Success, status: str) -> None:
    assert Outcome(completion=completion, success=success).status == status


def test_modes_and_numbers() -> None:
    assert as_mode("Review") == "Review"
    with pytest.raises(Invalid):
        as_mode("Preview")
    assert decimal_of("") is None
    assert str(decimal_of("0.50")) == "0.50"
    assert texts_under({"a.b": "1", "a.c.d": "2", "ab": "3"}, "a.") == {
        "b": "1",
        "c.d": "2",
    }


def test_what_stands_around_a_unit() -> None:
    other = {"objectiveID": "O"}
    around = Around(
        activity={
            "sequencing": {
                "objectives": {"objective": [other], "primaryObjective": {}},
                "deliveryControls": {"completionSetByContent": True},
            },
            "data": [{"targetID": "D"}],
        }
    )
    assert around.objectives == [{}, other]
    assert around.has_primary
    assert around.leaves_completion
    assert around.stores == [{"targetID": "D"}]
    assert ALONE.objectives == ALONE.stores == []
    assert not ALONE.has_primary
    assert not ALONE.leaves_completion
