"""When a unit has met its criterion, and which blocks and courses that satisfies.

cmi5 9.3.9 (satisfied), 9.6.1 (evaluated at registration), 13.1.4 (moveOn). Pure: facts
in, what is newly satisfied out, innermost blocks first and the course last.
"""

from collections.abc import Collection, Mapping

from packages.manifest import Block, Manifest

# what a criterion asks for: every name of one of its sets
CRITERIA: dict[str, tuple[frozenset[str], ...]] = {
    "Passed": (frozenset({"passed"}),),
    "Completed": (frozenset({"completed"}),),
    "CompletedAndPassed": (frozenset({"completed", "passed"}),),
    "CompletedOrPassed": (frozenset({"completed"}), frozenset({"passed"})),
    "NotApplicable": (frozenset(),),
}
WAIVED = "waived"

# a block by its index; None is the course
Target = int | None


def is_met(move_on: str, known: Collection[str]) -> bool:
    """Whether a unit of which these verbs are known has met its criterion."""
    if WAIVED in known:
        return True
    return any(
        wanted.issubset(known) for wanted in CRITERIA[move_on or "NotApplicable"]
    )


def met_units(manifest: Manifest, known: Mapping[int, Collection[str]]) -> set[int]:
    """The units that have met their criterion; `known` has the verbs by unit."""
    return {
        unit.index
        for unit in manifest.units
        if is_met(unit.move_on, known.get(unit.index, ()))
    }


def satisfied(manifest: Manifest, met: Collection[int]) -> list[Target]:
    """The blocks whose units have all met their criteria, and the course if it has.

    A block stands after all blocks within it, the course at the end.
    """
    open_blocks: set[int] = set()
    filled: set[int] = set()
    for unit in manifest.units:
        for block in _above(manifest.blocks, unit.block):
            filled.add(block)
            if unit.index not in met:
                open_blocks.add(block)
    found: list[Target] = sorted(
        filled - open_blocks,
        key=lambda block: (-len(_above(manifest.blocks, block)), block),
    )
    if all(unit.index in met for unit in manifest.units):
        found.append(None)
    return found


def _above(blocks: tuple[Block, ...], block: int | None) -> list[int]:
    """A block and all around it, innermost first."""
    found = []
    while block is not None:
        found.append(block)
        block = blocks[block].parent
    return found
