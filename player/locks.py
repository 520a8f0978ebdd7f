"""Which units are closed to a learner at present, and why, in words for the menu.

SCORM 1.2 and AICC close a unit by its prerequisites; SCORM 2004 by control modes that
allow no choice: then units are taken one after the other. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from packages.manifest import Manifest
from player import prerequisites
from player.activities import Tree, tree_of
from player.navigation import first, flow, may_choose
from player.tracking import Ask, nothing


@dataclass(frozen=True)
class Stand:
    """Where a learner stands in a unit that was begun."""

    completion: str
    success: str

    @property
    def status(self) -> str:
        """The status that prerequisites ask for."""
        if self.success in {"passed", "failed"}:
            return self.success
        return "incomplete" if self.completion == "unknown" else self.completion

    @property
    def is_done(self) -> bool:
        """Whether the unit is finished."""
        return self.completion == "completed" or self.success == "passed"


def locks(
    manifest: Manifest, stands: Mapping[int, Stand], ask: Ask = nothing
) -> dict[int, str]:
    """The reason of each unit that is closed; `stands` has the units begun."""
    if manifest.activities is not None:
        return _by_tree(manifest, tree_of(manifest), stands, ask)
    if not any(unit.prerequisites for unit in manifest.units):
        return {}
    return _by_prerequisites(manifest, stands)


def _by_prerequisites(
    manifest: Manifest, stands: Mapping[int, Stand]
) -> dict[int, str]:
    statuses = _statuses(manifest, stands)
    titles = {unit.identifier.lower(): unit.title for unit in manifest.units} | {
        block.identifier.lower(): block.title for block in manifest.blocks
    }
    closed = {}
    for unit in manifest.units:
        script = unit.prerequisites
        if not script or prerequisites.is_met(script, statuses):
            continue
        missing = [titles[name] for name in prerequisites.unmet(script, statuses)]
        closed[unit.index] = _first(missing)
    return closed


def _statuses(manifest: Manifest, stands: Mapping[int, Stand]) -> dict[str, str]:
    """The status of every unit and block by identifier, in lower case."""
    of_unit = {
        unit.index: stands[unit.index].status
        if unit.index in stands
        else "not attempted"
        for unit in manifest.units
    }
    below: dict[int, list[str]] = {}
    for unit in manifest.units:
        place = unit.block
        while place is not None:
            below.setdefault(place, []).append(of_unit[unit.index])
            place = manifest.blocks[place].parent
    blocks = {
        block.identifier.lower(): _of_block(below.get(block.index, []))
        for block in manifest.blocks
    }
    return blocks | {
        unit.identifier.lower(): of_unit[unit.index] for unit in manifest.units
    }


def _of_block(statuses: list[str]) -> str:
    """The status of a block, of those of the units under it."""
    if all(one in {"passed", "completed"} for one in statuses):
        return "passed" if statuses and "completed" not in statuses else "completed"
    if "failed" in statuses:
        return "failed"
    begun = any(one != "not attempted" for one in statuses)
    return "incomplete" if begun else "not attempted"


def _by_tree(
    manifest: Manifest, tree: Tree, stands: Mapping[int, Stand], ask: Ask
) -> dict[int, str]:
    start = first(tree, ask)
    closed = {}
    for unit in manifest.units:
        activity = tree.by_unit.get(unit.index)
        if (
            activity is None
            or activity == start
            or unit.index in stands
            or may_choose(tree, None, activity, ask)
        ):
            continue
        before = flow(tree, activity, forward=False, ask=ask)
        if before is None or before.unit is None:
            closed[unit.index] = "The course itself leads to this unit."
        elif before.unit not in stands or not stands[before.unit].is_done:
            closed[unit.index] = _first([manifest.units[before.unit].title])
    return closed


def _first(titles: list[str]) -> str:
    """What has to be finished first, in words."""
    if not titles:
        return "This unit is not open yet."
    named = titles[:3] + ([f"{len(titles) - 3} more"] if len(titles) > 3 else [])
    *most, last = [f"“{title}”" if title in titles else title for title in named]
    return (
        f"Finish {', '.join(most)} and {last} first."
        if most
        else (f"Finish {last} first.")
    )
