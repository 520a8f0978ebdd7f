"""The vocabulary of sequencing (SCORM 2004 CAM 5.1, SN 3): attributes and their values.

A table names the attributes of an element, and for each how its value is read: what it
means, or None where the book does not know it.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})")
_PERIOD = re.compile(
    r"P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"
)

Reading = Callable[[str], Any]
Table = dict[str, Reading]


def boolean(said: str) -> bool | None:
    """`true`, `false`, `1`, `0` in any case, else None."""
    return {"true": True, "1": True, "false": False, "0": False}.get(said.lower())


def decimal(low: int, high: int) -> Reading:
    """A reading of decimals within bounds, as text without needless digits."""

    def read(said: str) -> str | None:
        if not _DECIMAL.fullmatch(said) or not low <= Decimal(said) <= high:
            return None
        return format(Decimal(said), "f")

    return read


def _count(said: str) -> int | None:
    return int(said) if re.fullmatch(r"\d{1,9}", said) else None


def _word(*words: str) -> Reading:
    by_case = {word.lower(): word for word in words}
    return lambda said: by_case.get(said.lower())


def _text(said: str) -> str | None:
    return said or None


def identifier(said: str) -> str | None:
    """An identifier as it is compared: escapes resolved, blanks collapsed."""
    return " ".join(unquote(said).split()) or None


def _period(said: str) -> str | None:
    return said if _PERIOD.fullmatch(said) else None


_FRACTION, MEASURE = decimal(0, 1), decimal(-1, 1)
_TIMING = _word("never", "once", "onEachNewAttempt")
_REQUIRED = _word("always", "ifAttempted", "ifNotSkipped", "ifNotSuspended")
COMBINATION: Table = {"conditionCombination": _word("all", "any")}
_OPERATOR = _word("noOp", "not")
_ROLLUP_CONDITIONS = (
    "satisfied",
    "objectiveStatusKnown",
    "objectiveMeasureKnown",
    "completed",
    "activityProgressKnown",
    "attempted",
    "attemptLimitExceeded",
    "timeLimitExceeded",
    "outsideAvailableTimeRange",
)
_RULE_CONDITIONS = (
    *_ROLLUP_CONDITIONS,
    "objectiveMeasureGreaterThan",
    "objectiveMeasureLessThan",
    "always",
)
ACTIONS: dict[str, Reading] = {
    "preConditionRule": _word(
        "skip", "disabled", "hiddenFromChoice", "stopForwardTraversal"
    ),
    "postConditionRule": _word(
        "exitParent", "exitAll", "retry", "retryAll", "continue", "previous"
    ),
    "exitConditionRule": _word("exit"),
}
RULE_CONDITION: Table = {
    "condition": _word(*_RULE_CONDITIONS),
    "operator": _OPERATOR,
    "referencedObjective": identifier,
    "measureThreshold": MEASURE,
}
ROLLUP_CONDITION: Table = {
    "condition": _word(*_ROLLUP_CONDITIONS),
    "operator": _OPERATOR,
}
ROLLUP_ACTION = _word("satisfied", "notSatisfied", "completed", "incomplete")
ROLLUP_RULE: Table = {
    "childActivitySet": _word("all", "any", "none", "atLeastCount", "atLeastPercent"),
    "minimumCount": _count,
    "minimumPercent": _FRACTION,
}
ROLLUP_RULES: Table = {
    "rollupObjectiveSatisfied": boolean,
    "rollupProgressCompletion": boolean,
    "objectiveMeasureWeight": _FRACTION,
}
OBJECTIVE: Table = {"objectiveID": identifier, "satisfiedByMeasure": boolean}
MAP_INFO: Table = {
    "targetObjectiveID": identifier,
    "readSatisfiedStatus": boolean,
    "readNormalizedMeasure": boolean,
    "writeSatisfiedStatus": boolean,
    "writeNormalizedMeasure": boolean,
}
DATA_MAP_INFO: Table = {"targetObjectiveID": identifier} | {
    way + what: boolean
    for what in (
        "RawScore",
        "MinScore",
        "MaxScore",
        "CompletionStatus",
        "ProgressMeasure",
    )
    for way in ("read", "write")
}
AUXILIARY_RESOURCE: Table = {"auxiliaryResourceID": _text, "purpose": _text}
# Elements that consist of attributes alone.
PLAIN: dict[str, Table] = {
    "controlMode": dict.fromkeys(
        (
            "choice",
            "choiceExit",
            "flow",
            "forwardOnly",
            "useCurrentAttemptObjectiveInfo",
            "useCurrentAttemptProgressInfo",
        ),
        boolean,
    ),
    "limitConditions": {
        "attemptLimit": _count,
        "attemptAbsoluteDurationLimit": _period,
        "attemptExperiencedDurationLimit": _period,
        "activityAbsoluteDurationLimit": _period,
        "activityExperiencedDurationLimit": _period,
        "beginTimeLimit": _text,
        "endTimeLimit": _text,
    },
    "rollupConsiderations": {
        "requiredForSatisfied": _REQUIRED,
        "requiredForNotSatisfied": _REQUIRED,
        "requiredForCompleted": _REQUIRED,
        "requiredForIncomplete": _REQUIRED,
        "measureSatisfactionIfActive": boolean,
    },
    "constrainedChoiceConsiderations": {
        "preventActivation": boolean,
        "constrainChoice": boolean,
    },
    "randomizationControls": {
        "randomizationTiming": _TIMING,
        "selectCount": _count,
        "reorderChildren": boolean,
        "selectionTiming": _TIMING,
    },
    "deliveryControls": {
        "tracked": boolean,
        "completionSetByContent": boolean,
        "objectiveSetByContent": boolean,
    },
}
KNOWN = {
    name.lower(): name
    for name in (
        *PLAIN,
        "sequencingRules",
        "auxiliaryResources",
        "rollupRules",
        "objectives",
    )
}
