"""What is known of an activity: its own work, shared objectives, ends in silence."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from player.activities import tree_of
from player.outcomes import Outcome
from player.sequencing_rules import PRIMARY, Objective
from player.tracking import Work, asking, known_of, nothing
from tests.player.trees import cluster, course, leaf

SHARED = {"objectives": {"G": {"success_status": "passed", "scaled": "0.9"}}}


def known(work: Work | None, shared: dict[str, Any] | None = None, **sequencing: Any):  # type: ignore[no-untyped-def]
    tree = tree_of(course(cluster("ROOT", leaf(0, **sequencing))))
    return known_of(tree.by_identifier["A0"], work, shared or {})


@pytest.mark.parametrize(
    ("work", "sequencing", "satisfied", "completed"),
    [
        (None, {}, None, None),
        (Work(Outcome(completion="incomplete")), {}, None, False),
        (Work(Outcome("completed", "failed")), {}, False, True),
        # ended without a word: complete and satisfied, unless that is the content's
        (Work(Outcome(), ended=True), {}, True, True),
        (
            Work(Outcome(), ended=True),
            {
                "deliveryControls": {
                    "completionSetByContent": True,
                    "objectiveSetByContent": True,
                }
            },
            None,
            None,
        ),
        (Work(Outcome("incomplete", "failed"), ended=True), {}, False, False),
    ],
)
def test_a_unit(
    work: Work | None,
    sequencing: dict[str, Any],
    satisfied: bool | None,  # noqa: FBT001
    completed: bool | None,  # noqa: FBT001
) -> None:
    found = known(work, **sequencing)
    assert found.objective(PRIMARY).satisfied is satisfied
    assert found.completed is completed
    assert found.attempts == (0 if work is None else 1)


def test_objectives_read_what_is_shared_as_their_maps_say() -> None:
    def objective(**map_info: Any) -> dict[str, Any]:
        maps = [{"targetObjectiveID": "G", **map_info}]
        return {"objective": [{"objectiveID": "O", "mapInfo": maps}]}

    own = Work(Outcome(), {"O": Outcome(success="failed", scaled=Decimal("0.1"))})
    found = known(own, SHARED, objectives=objective())
    assert found.objective("O") == Objective(satisfied=True, measure=Decimal("0.9"))
    found = known(own, SHARED, objectives=objective(readSatisfiedStatus=False))
    assert found.objective("O") == Objective(satisfied=False, measure=Decimal("0.9"))
    found = known(own, SHARED, objectives=objective(readNormalizedMeasure=False))
    assert found.objective("O") == Objective(satisfied=True, measure=Decimal("0.1"))
    found = known(own, objectives=objective())
    assert found.objective("O") == Objective(satisfied=False, measure=Decimal("0.1"))
    assert found.objective("another") == Objective()


@pytest.mark.parametrize(
    ("scaled", "satisfied"), [("0.7", True), ("0.6999", False), (None, None)]
)
def test_a_measure_decides_where_it_is_asked(
    scaled: str | None,
    satisfied: bool | None,  # noqa: FBT001
) -> None:
    primary = {"satisfiedByMeasure": True, "minNormalizedMeasure": "0.7"}
    work = Work(
        Outcome(success="passed", scaled=None if scaled is None else Decimal(scaled))
    )
    found = known(work, objectives={"primaryObjective": primary})
    assert found.objective(PRIMARY).satisfied is satisfied


def test_asking_finds_the_work_of_an_activitys_unit() -> None:
    tree = tree_of(course(cluster("ROOT", leaf(0), leaf(1))))
    ask = asking({1: Work(Outcome(completion="completed"), attempts=3)}, {})
    assert [ask(one).attempts for one in tree.activities] == [0, 0, 3]
    assert nothing(tree.activities[0]).completed is None
