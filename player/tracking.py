"""What is known of activities of SCORM 2004, for the rules that ask (SN 4.2).

A unit's newest attempt tells its own objectives and completion; objectives that read
shared ones have what those say. A unit that ended and said nothing is complete and
satisfied, unless its activity leaves that to the content (UP.4). Of clusters only shared
objectives are known here: what rolls up is the sequencing engine's. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from player.activities import Activity
from player.outcomes import Around, Outcome
from player.sequencing_rules import PRIMARY, Known, Objective

Ask = Callable[[Activity], Known]

_SATISFIED = {"passed": True, "failed": False}
_COMPLETED = {"completed": True, "incomplete": False}


@dataclass(frozen=True)
class Work:
    """A unit's newest attempt; `objectives` by id. `ended`: over, and not suspended."""

    outcome: Outcome
    objectives: Mapping[str, Outcome] = field(default_factory=dict)
    attempts: int = 1
    ended: bool = False


def nothing(_: Activity) -> Known:
    """Nothing is known of any activity."""
    return Known()


def asking(works: Mapping[int, Work], shared: Mapping[str, Any]) -> Ask:
    """What answers for every activity: by its unit's work, and what is shared."""

    def known(activity: Activity) -> Known:
        work = None if activity.unit is None else works.get(activity.unit)
        return known_of(activity, work, shared)

    return known


def known_of(activity: Activity, work: Work | None, shared: Mapping[str, Any]) -> Known:
    """What is known of one activity."""
    around = Around(activity=activity.node, shared=shared)
    objectives: dict[str, Objective] = {PRIMARY: _primary(activity, work)}
    if work is not None:
        objectives |= {
            name: _plain(outcome) for name, outcome in work.objectives.items()
        }
    for place, objective in enumerate(around.objectives):
        name = objective.get("objectiveID", PRIMARY)
        is_primary = around.has_primary and place == 0
        found = objectives.get(PRIMARY if is_primary else name, Objective())
        found = _by_measure(_read(found, objective, shared), objective)
        objectives[name] = found
        if is_primary:
            objectives[PRIMARY] = found
    limit = activity.part("limitConditions").get("attemptLimit")
    return Known(
        objectives=objectives,
        completed=None if work is None else _completed(activity, work),
        attempts=0 if work is None else work.attempts,
        attempt_limit=limit,
    )


def _primary(activity: Activity, work: Work | None) -> Objective:
    if work is None:
        return Objective()
    found = _plain(work.outcome)
    leaves = activity.part("deliveryControls").get("objectiveSetByContent", False)
    if found.satisfied is None and work.ended and not leaves:
        return Objective(satisfied=True, measure=found.measure)
    return found


def _plain(outcome: Outcome) -> Objective:
    return Objective(satisfied=_SATISFIED.get(outcome.success), measure=outcome.scaled)


def _completed(activity: Activity, work: Work) -> bool | None:
    completed = _COMPLETED.get(work.outcome.completion)
    leaves = activity.part("deliveryControls").get("completionSetByContent", False)
    return True if completed is None and work.ended and not leaves else completed


def _read(
    found: Objective, objective: Mapping[str, Any], shared: Mapping[str, Any]
) -> Objective:
    """The objective, with what its maps read from shared ones."""
    for one in objective.get("mapInfo", []):
        said = shared.get("objectives", {}).get(one["targetObjectiveID"], {})
        satisfied, measure = found.satisfied, found.measure
        if one.get("readSatisfiedStatus", True) and "success_status" in said:
            satisfied = _SATISFIED.get(said["success_status"])
        if one.get("readNormalizedMeasure", True) and "scaled" in said:
            measure = Decimal(said["scaled"])
        found = Objective(satisfied=satisfied, measure=measure)
    return found


def _by_measure(found: Objective, objective: Mapping[str, Any]) -> Objective:
    """Where the measure decides, whether it is enough."""
    if not objective.get("satisfiedByMeasure", False):
        return found
    if found.measure is None:
        return Objective()
    least = Decimal(objective.get("minNormalizedMeasure", "1"))
    return Objective(satisfied=found.measure >= least, measure=found.measure)
