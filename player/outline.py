"""The units of a course as a tree, under the headings that its package has."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from packages.manifest import Manifest, Unit


@dataclass
class Branch:
    """A heading with what is under it, or a unit."""

    title: str
    unit: Unit | None = None
    branches: list["Branch"] = field(default_factory=list)


def outline(manifest: Manifest, units: Sequence[Unit]) -> list[Branch]:
    """These units in their order; a heading that is left and met again stands twice.

    Headings without any of the units are left out.
    """
    top: list[Branch] = []
    # the headings that are open: index of the block and its branches
    path: list[tuple[int, list[Branch]]] = []
    for unit in units:
        blocks = _blocks(manifest, unit)
        kept = 0
        while kept < min(len(path), len(blocks)) and path[kept][0] == blocks[kept]:
            kept += 1
        del path[kept:]
        for block in blocks[kept:]:
            heading = Branch(manifest.blocks[block].title)
            (path[-1][1] if path else top).append(heading)
            path.append((block, heading.branches))
        (path[-1][1] if path else top).append(Branch(unit.title, unit))
    return top


def _blocks(manifest: Manifest, unit: Unit) -> list[int]:
    """The indexes of the blocks above a unit, outermost first."""
    found: list[int] = []
    place = unit.block
    while place is not None:
        found.append(place)
        place = manifest.blocks[place].parent
    return found[::-1]
