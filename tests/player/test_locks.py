"""Which units are closed, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from packages.manifest import Block, Manifest
from player.locks import Stand, locks
from player.outcomes import Outcome
from player.tracking import Work, asking
from tests.player.sample import make_unit
from tests.player.trees import FLOW_ONLY, cluster, course, leaf, rule

DONE = Stand("completed", "unknown")
BEGUN = Stand("incomplete", "unknown")


def scorm_12(*scripts: str, blocks: tuple[Block, ...] = (), **facts: Any) -> Manifest:
    units = tuple(
        make_unit(n, prerequisites=script, block=facts.get("block", {}).get(n))
        for n, script in enumerate(scripts)
    )
    return Manifest(
        standard="scorm_12",
        edition="1.2",
        identifier="M",
        title="M",
        units=units,
        blocks=blocks,
    )


@pytest.mark.parametrize(
    ("stand", "status", "is_done"),
    [
        (Stand("unknown", "unknown"), "incomplete", False),
        (Stand("completed", "unknown"), "completed", True),
        (Stand("completed", "failed"), "failed", True),
        (Stand("incomplete", "passed"), "passed", True),
    ],
)
def test_a_stand(stand: Stand, status: str, is_done: bool) -> None:  # noqa: FBT001
    assert (stand.status, stand.is_done) == (status, is_done)


def test_prerequisites_close_a_unit_until_they_are_met() -> None:
    manifest = scorm_12("", "ITEM-0", "ITEM-0&ITEM-1")
    assert locks(manifest, {}) == {
        1: "Finish “Lesson 1” first.",
        2: "Finish “Lesson 1” and “Lesson 2” first.",
    }
    assert locks(manifest, {0: DONE}) == {2: "Finish “Lesson 2” first."}
    assert locks(manifest, {0: DONE, 1: DONE}) == {}
    assert locks(scorm_12("", ""), {}) == {}


def test_long_lists_are_shortened_and_a_not_has_its_words() -> None:
    manifest = scorm_12("", "", "", "", "", "ITEM-0&ITEM-1&ITEM-2&ITEM-3&ITEM-4")
    assert locks(manifest, {})[5] == (
        "Finish “Lesson 1”, “Lesson 2”, “Lesson 3” and 2 more first."
    )
    assert locks(scorm_12("", "~ITEM-0"), {0: DONE}) == {
        1: "This unit is not open yet."
    }


def test_a_block_is_complete_when_all_under_it_is() -> None:
    blocks = (
        Block(index=0, identifier="TOP", title="Top"),
        Block(index=1, identifier="B", title="Part one", parent=0),
    )
    manifest = scorm_12("", "", "B", "TOP", blocks=blocks, block={0: 0, 1: 1})
    assert locks(manifest, {1: BEGUN}) == {
        2: "Finish “Part one” first.",
        3: "Finish “Top” first.",
    }
    assert locks(manifest, {1: DONE}) == {3: "Finish “Top” first."}
    assert locks(manifest, {0: DONE, 1: DONE}) == {}
    failed = {0: DONE, 1: Stand("completed", "failed")}
    assert set(locks(manifest, failed)) == {2, 3}


@pytest.mark.parametrize(
    ("scripts", "closed"),
    [
        (("ITEM-0",), set()),
        (("ITEM-1", "ITEM-0"), set()),
        (("ITEM-1", "ITEM-0", "ITEM-1"), {2}),
        (("", "ITEM-0&ITEM-2", "ITEM-1"), {1}),
        (("ITEM-2", "ITEM-0", "ITEM-1", "ITEM-2", "ITEM-5", ""), {3, 4}),
    ],
)
def test_units_that_wait_for_each_other_are_open(
    scripts: tuple[str, ...], closed: set[int]
) -> None:
    assert set(locks(scorm_12(*scripts), {})) == closed


def test_a_unit_that_waits_for_its_own_block_is_open() -> None:
    blocks = (Block(index=0, identifier="B", title="Part one"),)
    manifest = scorm_12("", "B", "B", blocks=blocks, block={0: 0, 1: 0})
    assert set(locks(manifest, {})) == {2}
    assert locks(manifest, {0: DONE, 1: DONE}) == {}


@pytest.mark.parametrize(
    ("script", "closed"),
    [
        ("ITEM-0", False),
        ("~ITEM-0", False),
        ("B", False),
        ("ITEM-0&ITEM-1", True),
        ("ITEM-0=passed", False),
    ],
)
def test_nobody_waits_for_a_unit_that_no_menu_shows(
    script: str,
    closed: bool,  # noqa: FBT001
) -> None:
    manifest = scorm_12(
        *("", "", script),
        blocks=(Block(index=0, identifier="B", title="Part one"),),
        block={0: 0},
    )
    units = (replace(manifest.units[0], visible=False), *manifest.units[1:])
    manifest = replace(manifest, units=units)
    assert bool(locks(manifest, {})) is closed
    # once it was begun it has a status like any other
    assert bool(locks(manifest, {0: BEGUN})) is (script != "~ITEM-0")


def test_a_tree_without_choice_opens_one_unit_after_the_other() -> None:
    manifest = course(cluster("ROOT", leaf(0), leaf(1), leaf(2), **FLOW_ONLY))
    assert locks(manifest, {}) == {
        1: "Finish “Lesson 1” first.",
        2: "Finish “Lesson 2” first.",
    }
    assert locks(manifest, {0: BEGUN}) == {
        1: "Finish “Lesson 1” first.",
        2: "Finish “Lesson 2” first.",
    }
    assert locks(manifest, {0: DONE}) == {2: "Finish “Lesson 2” first."}
    # what was begun can be gone on with
    assert locks(manifest, {2: BEGUN}) == {1: "Finish “Lesson 1” first."}


def test_a_tree_with_choice_is_open() -> None:
    manifest = course(cluster("ROOT", leaf(0), cluster("C", leaf(1))))
    assert locks(manifest, {}) == {}
    closed = cluster("C", leaf(1), controlMode={"choice": False})
    manifest = course(cluster("ROOT", leaf(0), closed))
    assert locks(manifest, {}) == {1: "The course itself leads to this unit."}


def test_what_is_skipped_at_the_beginning_does_not_close_the_next() -> None:
    skipped = leaf(0, **rule("preConditionRule", "attempted", "skip", operator="not"))
    manifest = course(cluster("ROOT", skipped, leaf(1), leaf(2), **FLOW_ONLY))
    ask = asking({9: Work(Outcome())}, {})
    assert set(locks(manifest, {}, ask)) == {0, 2}
