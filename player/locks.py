"""Which units are closed to a learner at present, and why, in words for the menu.

SCORM 1.2 and AICC close a unit by its prerequisites; SCORM 2004 by control modes that
allow no choice: then units are taken one after the other. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from packages import prerequisites
from packages.manifest import Manifest
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
    below = _below(manifest)
    statuses = _statuses(manifest, stands, below)
    titles = {unit.identifier.lower(): unit.title for unit in manifest.units} | {
        block.identifier.lower(): block.title for block in manifest.blocks
    }
    waiting = [
        unit
        for unit in manifest.units
        if not prerequisites.is_met(unit.prerequisites, statuses)
    ]
    circles = _circles(manifest, below) if waiting else set()
    outside = {
        name: status for name, status in statuses.items() if not circles & below[name]
    }
    closed = {}
    for unit in waiting:
        told = outside if unit.index in circles else statuses
        script = unit.prerequisites
        if not prerequisites.is_met(script, told):
            missing = [titles[name] for name in prerequisites.unmet(script, told)]
            closed[unit.index] = _first(missing)
    return closed


def _below(manifest: Manifest) -> dict[str, set[int]]:
    """The units of every unit and block by its identifier, in lower case."""
    found: dict[str, set[int]] = {}
    for unit in manifest.units:
        place = unit.block
        while place is not None:
            block = manifest.blocks[place]
            found.setdefault(block.identifier.lower(), set()).add(unit.index)
            place = block.parent
    return found | {unit.identifier.lower(): {unit.index} for unit in manifest.units}


def _statuses(
    manifest: Manifest, stands: Mapping[int, Stand], below: Mapping[str, set[int]]
) -> dict[str, str]:
    """The status of every unit and block by identifier, in lower case.

    Units that no menu shows have none until they are begun.
    """
    of_unit = {
        unit.index: stands[unit.index].status
        if unit.index in stands
        else "not attempted"
        for unit in manifest.units
        if unit.visible or unit.index in stands
    }
    units = {unit.identifier.lower(): unit.index for unit in manifest.units}
    found = {}
    for name, under in below.items():
        known = [of_unit[unit] for unit in under if unit in of_unit]
        if known:
            found[name] = known[0] if name in units else _of_block(known)
    return found


def _circles(manifest: Manifest, below: Mapping[str, set[int]]) -> set[int]:
    """Units that wait for each other, which nothing could ever open."""
    needs = {
        unit.index: set[int]().union(
            *(below.get(name, ()) for name in prerequisites.named(unit.prerequisites))
        )
        for unit in manifest.units
    }
    waiting = _left({unit: len(needs[unit]) for unit in needs}, _turned(needs))
    among = {unit: needs[unit] & waiting for unit in waiting}
    wanted = _turned(among)
    return _left({unit: len(wanted.get(unit, ())) for unit in among}, among)


def _turned(needs: Mapping[int, set[int]]) -> dict[int, set[int]]:
    """By each unit those that need it."""
    found: dict[int, set[int]] = {}
    for unit, others in needs.items():
        for other in others:
            found.setdefault(other, set()).add(unit)
    return found


def _left(counts: dict[int, int], leads: Mapping[int, set[int]]) -> set[int]:
    """What never comes to zero when each that does takes one from what it leads to."""
    ready = [unit for unit, count in counts.items() if not count]
    while ready:
        for other in leads.get(ready.pop(), ()):
            counts[other] -= 1
            if not counts[other]:
                ready.append(other)
    return {unit for unit, count in counts.items() if count}


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
