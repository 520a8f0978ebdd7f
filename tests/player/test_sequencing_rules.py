"""Which action sequencing rules ask for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from player.sequencing_rules import CONDITIONS, PRIMARY, Known, Objective, action_of


def known(*, satisfied: bool | None = None, measure: str = "", **more: object) -> Known:
    """Give what is known, the primary objective by its two values."""
    primary = Objective(satisfied, Decimal(measure) if measure else None)
    return Known(objectives={PRIMARY: primary}, **more)  # type: ignore[arg-type]


NOTHING = Known()
# condition: where it is true, where it is false; where neither, nothing is known
TABLE = {
    "satisfied": (known(satisfied=True), known(satisfied=False), NOTHING),
    "objectiveStatusKnown": (known(satisfied=False), NOTHING, None),
    "objectiveMeasureKnown": (known(measure="0"), NOTHING, None),
    "objectiveMeasureGreaterThan": (
        known(measure="0.5"),
        known(measure="0.4"),
        NOTHING,
    ),
    "objectiveMeasureLessThan": (known(measure="0.3"), known(measure="0.4"), NOTHING),
    "completed": (known(completed=True), known(completed=False), NOTHING),
    "activityProgressKnown": (known(completed=False), NOTHING, None),
    "attempted": (known(attempts=1), NOTHING, None),
    "attemptLimitExceeded": (known(attempts=2, attempt_limit=2), NOTHING, None),
    "always": (NOTHING, None, None),
}


def ask(condition: str, facts: Known, *, operator: str = "noOp") -> str:
    """Give the action of one rule with one condition."""
    tested = {
        "condition": condition,
        "operator": operator,
        "measureThreshold": "0.4",
    }
    return action_of([{"conditions": [tested], "action": "skip"}], facts)


def test_every_condition_has_a_row() -> None:
    assert set(TABLE) == set(CONDITIONS)


@pytest.mark.parametrize("condition", TABLE)
def test_a_condition_and_its_opposite(condition: str) -> None:
    true, false, unknown = TABLE[condition]
    assert ask(condition, true) == "skip"
    assert ask(condition, true, operator="not") == ""
    if false is not None:
        assert ask(condition, false) == ""
        assert ask(condition, false, operator="not") == "skip"
    if unknown is not None:
        assert ask(condition, unknown) == ask(condition, unknown, operator="not") == ""


@pytest.mark.parametrize(
    ("combination", "facts", "action"),
    [
        ("all", known(satisfied=True, completed=True), "skip"),
        ("all", known(satisfied=True, completed=False), ""),
        ("all", known(satisfied=True), ""),
        ("any", known(satisfied=True), "skip"),
        ("any", known(satisfied=False), ""),
    ],
)
def test_conditions_together(combination: str, facts: Known, action: str) -> None:
    rule = {
        "conditionCombination": combination,
        "conditions": [{"condition": "satisfied"}, {"condition": "completed"}],
        "action": "skip",
    }
    assert action_of([rule], facts) == action


def test_the_first_rule_that_is_true_decides() -> None:
    rules = [
        {"conditions": [{"condition": "satisfied"}], "action": "skip"},
        {"conditions": [{"condition": "always"}], "action": "disabled"},
        {"conditions": [{"condition": "always"}], "action": "hiddenFromChoice"},
    ]
    assert action_of(rules, known(satisfied=True)) == "skip"
    assert action_of(rules, known(satisfied=False)) == "disabled"
    assert action_of([], known(satisfied=True)) == ""


def test_a_condition_may_name_another_objective() -> None:
    condition = {"condition": "satisfied", "referencedObjective": "other"}
    rules = [{"conditions": [condition], "action": "exitAll"}]
    assert action_of(rules, known(satisfied=True)) == ""
    facts = Known(objectives={"other": Objective(satisfied=True)})
    assert action_of(rules, facts) == "exitAll"


def test_a_condition_of_the_clock_is_not_known() -> None:
    assert ask("timeLimitExceeded", NOTHING) == ""
    assert ask("timeLimitExceeded", NOTHING, operator="not") == ""
