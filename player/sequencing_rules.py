"""Which action a sequencing rule asks for, by what is known of an activity.

SCORM 2004 Sequencing and Navigation 3.4 and UP.2 (Sequencing Rules Check Process): the
first rule of a list whose conditions evaluate to true names the action. What is not
known makes a condition neither true nor false; a rule that is not true asks nothing.
Pure: rules are those of an activity's `sequencing` (`packages.sequencing` has the form).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PRIMARY = ""


@dataclass(frozen=True)
class Objective:
    """What is known of an objective; None is not known."""

    satisfied: bool | None = None
    measure: Decimal | None = None


@dataclass(frozen=True)
class Known:
    """What is known of an activity; the primary objective is under `PRIMARY`."""

    objectives: Mapping[str, Objective] = field(default_factory=dict)
    completed: bool | None = None
    attempts: int = 0
    attempt_limit: int | None = None

    def objective(self, identifier: str) -> Objective:
        """The objective of that id; nothing is known of one that is not there."""
        return self.objectives.get(identifier, Objective())


def action_of(rules: Sequence[Mapping[str, Any]], known: Known) -> str:
    """The action of the first rule that is true; empty where none is."""
    return next((rule["action"] for rule in rules if _is_true(rule, known)), "")


def _is_true(rule: Mapping[str, Any], known: Known) -> bool:
    values = [_evaluate(condition, known) for condition in rule["conditions"]]
    if rule.get("conditionCombination", "all") == "any":
        return True in values
    return bool(values) and all(value is True for value in values)


def _evaluate(condition: Mapping[str, Any], known: Known) -> bool | None:
    objective = known.objective(condition.get("referencedObjective", PRIMARY))
    threshold = Decimal(condition.get("measureThreshold", "0"))
    test = CONDITIONS.get(condition["condition"])
    value = None if test is None else test(known, objective, threshold)
    if condition.get("operator") == "not" and value is not None:
        return not value
    return value


def _compared(
    compare: Callable[[Decimal, Decimal], bool],
) -> Callable[[Known, Objective, Decimal], bool | None]:
    def test(_: Known, objective: Objective, threshold: Decimal) -> bool | None:
        measure = objective.measure
        return None if measure is None else compare(measure, threshold)

    return test


# limits of time need a clock and are not known here
CONDITIONS: Mapping[str, Callable[[Known, Objective, Decimal], bool | None]] = {
    "satisfied": lambda _, objective, __: objective.satisfied,
    "objectiveStatusKnown": lambda _, objective, __: objective.satisfied is not None,
    "objectiveMeasureKnown": lambda _, objective, __: objective.measure is not None,
    "objectiveMeasureGreaterThan": _compared(lambda measure, least: measure > least),
    "objectiveMeasureLessThan": _compared(lambda measure, most: measure < most),
    "completed": lambda known, _, __: known.completed,
    "activityProgressKnown": lambda known, _, __: known.completed is not None,
    "attempted": lambda known, _, __: known.attempts > 0,
    "attemptLimitExceeded": lambda known, _, __: (
        known.attempt_limit is not None and known.attempts >= known.attempt_limit
    ),
    "always": lambda _, __, ___: True,
}
