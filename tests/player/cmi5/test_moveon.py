"""When a unit has met its criterion, and what that satisfies."""

from __future__ import annotations

import pytest

from player.cmi5 import moveon
from tests.player.cmi5.sample import au, block, manifest_with, nested

TRUTH = [
    # criterion, nothing, completed, passed, both
    ("Passed", False, False, True, True),
    ("Completed", False, True, False, True),
    ("CompletedAndPassed", False, False, False, True),
    ("CompletedOrPassed", False, True, True, True),
    ("NotApplicable", True, True, True, True),
    ("", True, True, True, True),
]


@pytest.mark.parametrize(
    ("move_on", "nothing", "completed", "passed", "both"),
    TRUTH,
    ids=[row[0] or "missing" for row in TRUTH],
)
def test_criteria(
    move_on: str, *, nothing: bool, completed: bool, passed: bool, both: bool
) -> None:
    found = [
        moveon.is_met(move_on, known)
        for known in ((), {"completed"}, {"passed"}, {"completed", "passed"})
    ]
    assert found == [nothing, completed, passed, both]


@pytest.mark.parametrize("move_on", list(moveon.CRITERIA))
def test_a_waiver_meets_any_criterion(move_on: str) -> None:
    assert moveon.is_met(move_on, {moveon.WAIVED})


@pytest.mark.parametrize(
    ("met", "found"),
    [
        (set(), []),
        ({2}, []),
        ({0}, [1]),
        ({1}, []),
        ({0, 1}, [1, 0]),
        ({0, 1, 2}, [1, 0, None]),
    ],
    ids=["nothing", "outside", "inner", "outer half", "both blocks", "all"],
)
def test_inner_blocks_before_outer_ones_and_the_course_last(
    met: set[int], found: list[int | None]
) -> None:
    assert moveon.satisfied(nested(), met) == found


def test_what_units_said_by_criterion() -> None:
    known = {0: {"completed"}, 1: {"completed"}, 2: {"passed"}}
    assert moveon.met_units(nested(), known) == {1, 2}


def test_a_course_without_criteria_is_satisfied_from_the_start() -> None:
    manifest = manifest_with(au(0, block=0), au(1), blocks=(block(0),))
    assert moveon.satisfied(manifest, moveon.met_units(manifest, {})) == [0, None]


def test_a_block_without_units_is_never_satisfied() -> None:
    manifest = manifest_with(au(0), blocks=(block(0),))
    assert moveon.satisfied(manifest, {0}) == [None]


def test_siblings_stand_in_the_order_of_the_document() -> None:
    units = [au(n, block=n) for n in range(3)]
    manifest = manifest_with(*units, blocks=tuple(block(n) for n in range(3)))
    assert moveon.satisfied(manifest, {0, 1, 2}) == [0, 1, 2, None]
