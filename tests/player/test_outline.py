from __future__ import annotations

from typing import Any

from packages.manifest import Block, Manifest
from player.outline import Branch, outline
from tests.player.sample import make_unit

BLOCKS = (
    Block(index=0, identifier="A", title="Part A"),
    Block(index=1, identifier="A1", title="Chapter", parent=0),
    Block(index=2, identifier="B", title="Part A"),
)


def drawn(branches: list[Branch]) -> list[Any]:
    return [
        one.unit.index if one.unit else (one.title, drawn(one.branches))
        for one in branches
    ]


def course(*blocks: int | None) -> Manifest:
    units = tuple(make_unit(n, block=block) for n, block in enumerate(blocks))
    return Manifest("scorm_12", "1.2", "C", "C", units=units, blocks=BLOCKS)


def test_units_stand_under_their_headings() -> None:
    given = course(None, 0, 1, 1, 0, 2)
    assert drawn(outline(given, given.units)) == [
        0,
        ("Part A", [1, ("Chapter", [2, 3]), 4]),
        ("Part A", [5]),
    ]


def test_without_headings_it_is_a_list() -> None:
    given = course(None, None)
    assert drawn(outline(given, given.units)) == [0, 1]


def test_a_heading_with_nothing_under_it_is_left_out() -> None:
    given = course(0, 1, 2)
    assert drawn(outline(given, given.units[::2])) == [
        ("Part A", [0]),
        ("Part A", [2]),
    ]
