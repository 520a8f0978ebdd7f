"""What an outcome is called in one word."""

from __future__ import annotations

import pytest

from player.outcomes import Completion, Outcome, Success, as_mode, decimal_of
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
