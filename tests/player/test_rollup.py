"""Which units make a course complete."""

from __future__ import annotations

from typing import Any

import pytest

from packages.manifest import Manifest
from player.rollup import is_complete, is_satisfied, required_units
from tests.player.sample import make_unit
from tests.player.trees import cluster, course, leaf

UNTRACKED = {"deliveryControls": {"tracked": False}}
SILENT = {"rollupRules": {"rollupProgressCompletion": False}}
IF_TRIED = {"rollupConsiderations": {"requiredForCompleted": "ifAttempted"}}


def test_without_a_tree_all_visible_units_count() -> None:
    units = (make_unit(0), make_unit(1, visible=False), make_unit(2))
    manifest = Manifest(
        standard="scorm_12", edition="1.2", identifier="M", title="M", units=units
    )
    assert required_units(manifest, ()) == {0, 2}
    assert not is_complete(manifest, {0: ["completed"]})
    assert is_complete(manifest, {0: ["completed"], 2: ["completed"]})


@pytest.mark.parametrize(
    ("second", "begun", "required"),
    [
        (leaf(1), (), {0, 1}),
        (leaf(1, **UNTRACKED), (), {0}),
        (leaf(1, **SILENT), (), {0}),
        (leaf(1, **IF_TRIED), (), {0}),
        (leaf(1, **IF_TRIED), (1,), {0, 1}),
        (cluster("C", leaf(1), **UNTRACKED), (), {0}),
        (cluster("C", leaf(1), **SILENT), (1,), {0}),
        (cluster("C", leaf(1), **IF_TRIED), (), {0}),
        (cluster("C", leaf(1), **IF_TRIED), (1,), {0, 1}),
    ],
)
def test_activities_take_part_by_default_rules(
    second: dict[str, Any], begun: tuple[int, ...], required: set[int]
) -> None:
    manifest = course(cluster("ROOT", leaf(0), second))
    assert required_units(manifest, begun) == required


def test_where_nothing_takes_part_all_visible_units_do() -> None:
    manifest = course(cluster("ROOT", leaf(0, **UNTRACKED), leaf(1, **UNTRACKED)))
    assert required_units(manifest, ()) == {0, 1}


def test_one_complete_attempt_is_enough() -> None:
    manifest = course(cluster("ROOT", leaf(0)))
    assert not is_complete(manifest, {})
    assert not is_complete(manifest, {0: ["incomplete"]})
    assert is_complete(manifest, {0: ["completed", "incomplete"]})


@pytest.mark.parametrize(
    ("known", "satisfied"),
    [
        ({}, False),
        ({0: ("completed", "passed")}, False),
        ({0: ("completed", "passed"), 1: ("incomplete", "unknown")}, False),
        ({0: ("completed", "passed"), 1: ("completed", "unknown")}, True),
        ({0: ("completed", "unknown"), 1: ("completed", "unknown")}, False),
        ({0: ("completed", "passed"), 1: ("completed", "failed")}, False),
        ({0: ("completed", "passed"), 1: ("incomplete", "passed")}, True),
    ],
)
def test_a_course_is_satisfied_by_all_units_that_count(
    known: dict[int, tuple[str, str]],
    satisfied: bool,  # noqa: FBT001
) -> None:
    manifest = course(cluster("ROOT", leaf(0), leaf(1), leaf(2, **UNTRACKED)))
    assert is_satisfied(manifest, known, known) is satisfied
