"""Where a navigation request of SCORM 2004 leads, and which requests are valid.

Sequencing and Navigation 4.5 in the order of the document: the control modes flow,
forwardOnly, choice and choiceExit; rules before delivery (skip, disabled,
hiddenFromChoice, stopForwardTraversal) and after a unit has ended (exitAll, continue,
previous, retry, retryAll, exitParent). `ask` tells what is known of an activity. Limits,
randomisation and constrained choice are the sequencing engine's. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from player.activities import Activity, Tree
from player.sequencing_rules import action_of
from player.tracking import Ask, nothing

_TARGET = re.compile(r"\{target=([^{}]*)\}(choice|jump)")
_LEAVING = frozenset({"exitAll", "suspendAll", "abandonAll"})
_ENDING = frozenset({"exit", "abandon"})


@dataclass(frozen=True)
class Move:
    """Where to go on; the course is left where `unit` is None."""

    unit: int | None


def navigation(tree: Tree, unit: int, request: str, ask: Ask = nothing) -> Move | None:
    """What a unit's request leads to; None when it leads nowhere, or is not valid.

    A rule of the unit that is true once it has ended replaces its request; a unit that
    asked for nothing (an empty request) is led on by its rules alone.
    """
    current = tree.by_unit.get(unit)
    if current is None:
        return None
    if request in _LEAVING or (request in _ENDING and len(tree.by_unit) == 1):
        return Move(None)
    rules = current.part("sequencingRules").get("postConditionRule", [])
    action = action_of(rules, ask(current))
    if action == "exitAll":
        return Move(None)
    if action in {"retry", "retryAll"}:
        return _move(current if action == "retry" else first(tree, ask))
    if action == "exitParent":
        above = tree.parent(current)
        current = current if above is None else above
    elif action in {"continue", "previous"}:
        request = action
    if request in {"continue", "previous"}:
        return _move(flow(tree, current, forward=request == "continue", ask=ask))
    match = _TARGET.fullmatch(request)
    target = tree.by_identifier.get(match[1]) if match else None
    if match is None or target is None:
        return None
    if match[2] == "choice" and not may_choose(tree, current, target, ask):
        return None
    return _move(deliverable(tree, target, ask))


def _move(activity: Activity | None) -> Move | None:
    return None if activity is None else Move(activity.unit)


def valid_requests(tree: Tree, unit: int, ask: Ask = nothing) -> Mapping[str, str]:
    """`adl.nav.request_valid`, as values of the model."""
    current = tree.by_unit.get(unit)
    if current is None:
        return {}
    prefix = "adl.nav.request_valid."
    valid = {
        f"{prefix}continue": flow(tree, current, forward=True, ask=ask) is not None,
        f"{prefix}previous": flow(tree, current, forward=False, ask=ask) is not None,
    }
    for target in tree.activities:
        can_deliver = deliverable(tree, target, ask) is not None
        name = f"{{target={target.identifier}}}"
        valid[f"{prefix}choice.{name}"] = can_deliver and may_choose(
            tree, current, target, ask
        )
        valid[f"{prefix}jump.{name}"] = can_deliver
    return {name: "true" if is_valid else "false" for name, is_valid in valid.items()}


def flow(
    tree: Tree, current: Activity, *, forward: bool, ask: Ask = nothing
) -> Activity | None:
    """The activity that comes next, or before; None where flow does not lead on."""
    for below in tree.path(current):
        above = tree.parent(below)
        if above is None or not above.control("flow"):
            return None
        if not forward and above.control("forwardOnly"):
            return None
        if forward and _before(below, ask) == "stopForwardTraversal":
            return None
        children = tree.children(above)
        place = children.index(below)
        others = children[place + 1 :] if forward else children[:place][::-1]
        found, is_stopped = _first_of(tree, others, forward=forward, ask=ask)
        if found is not None or is_stopped:
            return found
    return None


def _first_of(
    tree: Tree, activities: Sequence[Activity], *, forward: bool, ask: Ask
) -> tuple[Activity | None, bool]:
    """The first that flow delivers, and whether one of them has stopped the flow."""
    for one in activities:
        action = _before(one, ask)
        if action == "skip":
            continue
        if action == "disabled":
            return None, True
        found, is_stopped = _entered(tree, one, forward=forward, ask=ask)
        if found is not None or is_stopped:
            return found, is_stopped
        if forward and action == "stopForwardTraversal":
            return None, True
    return None, False


def _before(activity: Activity, ask: Ask) -> str:
    """The action of the rules that are asked before an activity is delivered."""
    rules = activity.part("sequencingRules").get("preConditionRule", [])
    return action_of(rules, ask(activity)) if rules else ""


def _entered(
    tree: Tree, activity: Activity, *, forward: bool, ask: Ask
) -> tuple[Activity | None, bool]:
    """The activity delivered when flow comes to one: itself, or one below it."""
    if activity.unit is not None:
        return activity, False
    if not activity.control("flow"):
        return None, False
    # a cluster that only goes forward is entered at its beginning from either side
    is_forward = forward or activity.control("forwardOnly")
    children = tree.children(activity)
    ordered = children if is_forward else children[::-1]
    return _first_of(tree, ordered, forward=is_forward, ask=ask)


def deliverable(tree: Tree, target: Activity, ask: Ask = nothing) -> Activity | None:
    """What is delivered when an activity is named: itself, or the first by flow."""
    if any(_before(one, ask) == "disabled" for one in tree.path(target)):
        return None
    return _entered(tree, target, forward=True, ask=ask)[0]


def may_choose(
    tree: Tree, current: Activity | None, target: Activity, ask: Ask = nothing
) -> bool:
    """Whether modes and rules let a learner choose the target (SB.2.9).

    None for `current` is a course that has not begun.
    """
    above = tree.parent(target)
    if above is not None and not above.control("choice"):
        return False
    path = tree.path(target)
    if any(_before(one, ask) in {"hiddenFromChoice", "disabled"} for one in path):
        return False
    if current is None:
        return True
    own = tree.path(current)
    common = next(one for one in own if one in path)
    if any(not one.control("choiceExit") for one in own[: own.index(common)]):
        return False
    steps = [one for one in path if one.parent == common.place]
    mine = [one for one in own if one.parent == common.place]
    is_back = bool(steps and mine) and steps[0].place < mine[0].place
    return not (common.control("forwardOnly") and is_back)


def first(tree: Tree, ask: Ask = nothing) -> Activity | None:
    """What a course begins with by flow; None where the learner has to choose."""
    return deliverable(tree, tree.activities[0], ask) if tree.activities else None
