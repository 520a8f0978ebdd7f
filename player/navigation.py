"""Where a navigation request of SCORM 2004 leads, and which requests are valid.

Sequencing and Navigation 4.5 as far as the tree's control modes decide it: flow,
forwardOnly, choice and choiceExit, in the order of the document. Rules, limits and what
is known of activities are the sequencing engine's. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from player.activities import Activity, Tree

_TARGET = re.compile(r"\{target=([^{}]*)\}(choice|jump)")
_LEAVING = frozenset({"exitAll", "suspendAll", "abandonAll"})
_ENDING = frozenset({"exit", "abandon"})


@dataclass(frozen=True)
class Move:
    """Where to go on; the course is left where `unit` is None."""

    unit: int | None


def navigation(tree: Tree, unit: int, request: str) -> Move | None:
    """What a unit's request leads to; None when it leads nowhere, or is not valid."""
    current = tree.by_unit.get(unit)
    if current is None:
        return None
    if request in _LEAVING or (request in _ENDING and len(tree.by_unit) == 1):
        return Move(None)
    if request in {"continue", "previous"}:
        return _move(flow(tree, current, forward=request == "continue"))
    match = _TARGET.fullmatch(request)
    target = tree.by_identifier.get(match[1]) if match else None
    if match is None or target is None:
        return None
    if match[2] == "choice" and not may_choose(tree, current, target):
        return None
    return _move(deliverable(tree, target))


def _move(activity: Activity | None) -> Move | None:
    return None if activity is None else Move(activity.unit)


def valid_requests(tree: Tree, unit: int) -> Mapping[str, str]:
    """`adl.nav.request_valid`, as values of the model."""
    current = tree.by_unit.get(unit)
    if current is None:
        return {}
    prefix = "adl.nav.request_valid."
    valid = {
        f"{prefix}continue": flow(tree, current, forward=True) is not None,
        f"{prefix}previous": flow(tree, current, forward=False) is not None,
    }
    for target in tree.activities:
        can_deliver = deliverable(tree, target) is not None
        name = f"{{target={target.identifier}}}"
        valid[f"{prefix}choice.{name}"] = can_deliver and may_choose(
            tree, current, target
        )
        valid[f"{prefix}jump.{name}"] = can_deliver
    return {name: "true" if is_valid else "false" for name, is_valid in valid.items()}


def flow(tree: Tree, current: Activity, *, forward: bool) -> Activity | None:
    """The activity that comes next, or before; None where flow does not lead on."""
    for below in tree.path(current):
        above = tree.parent(below)
        if above is None or not above.control("flow"):
            return None
        if not forward and above.control("forwardOnly"):
            return None
        children = tree.children(above)
        place = children.index(below)
        others = children[place + 1 :] if forward else reversed(children[:place])
        for one in others:
            found = _entered(tree, one, forward=forward)
            if found is not None:
                return found
    return None


def _entered(tree: Tree, activity: Activity, *, forward: bool) -> Activity | None:
    """The activity delivered when flow comes to one: itself, or one below it."""
    if activity.unit is not None:
        return activity
    if not activity.control("flow"):
        return None
    # a cluster that only goes forward is entered at its beginning from either side
    children = tree.children(activity)
    if not forward and not activity.control("forwardOnly"):
        children = children[::-1]
    for one in children:
        found = _entered(tree, one, forward=forward)
        if found is not None:
            return found
    return None


def deliverable(tree: Tree, target: Activity) -> Activity | None:
    """What is delivered when an activity is named: itself, or the first by flow."""
    return _entered(tree, target, forward=True)


def may_choose(tree: Tree, current: Activity | None, target: Activity) -> bool:
    """Whether the control modes let a learner choose the target (SB.2.9).

    None for `current` is a course that has not begun.
    """
    above = tree.parent(target)
    if above is not None and not above.control("choice"):
        return False
    path = tree.path(target)
    if current is None:
        return True
    places = {one.place for one in path}
    own = tree.path(current)
    common = next((one for one in own if one.place in places), None)
    if common is None:
        return True
    for left in own:
        if left.place == common.place:
            break
        if not left.control("choiceExit"):
            return False
    steps = [one for one in path if one.parent == common.place]
    mine = [one for one in own if one.parent == common.place]
    return not (
        common.control("forwardOnly")
        and steps
        and mine
        and steps[0].place < mine[0].place
    )


def first(tree: Tree) -> Activity | None:
    """What a course begins with by flow; None where the learner has to choose."""
    return deliverable(tree, tree.activities[0]) if tree.activities else None
