"""The activity tree of SCORM 2004 as something to walk: nodes in the document's order.

`Manifest.activities` has the form that `packages.sequencing` tells; what is not written
there has the value that the books give it.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from packages.manifest import Manifest

# SN 3.2: control modes that are not written
CONTROLS: Mapping[str, bool] = {
    "choice": True,
    "choiceExit": True,
    "flow": False,
    "forwardOnly": False,
}


@dataclass(frozen=True)
class Activity:
    """One node: `place` in the order of the document, `parent` the place above."""

    place: int
    parent: int | None
    depth: int
    node: Mapping[str, Any]

    @property
    def identifier(self) -> str:
        """The item's identifier."""
        return str(self.node.get("identifier", ""))

    @property
    def title(self) -> str:
        """The item's title."""
        return str(self.node.get("title", ""))

    @property
    def unit(self) -> int | None:
        """The index of the unit that is delivered; None for a cluster."""
        unit: int | None = self.node.get("unit")
        return unit

    def control(self, name: str) -> bool:
        """Whether a control mode is on for this activity's children."""
        return bool(self.part("controlMode").get(name, CONTROLS[name]))

    def part(self, name: str) -> Mapping[str, Any]:
        """A part of its sequencing, empty where none is written."""
        part: Mapping[str, Any] = self.node.get("sequencing", {}).get(name, {})
        return part


@dataclass(frozen=True)
class Tree:
    """All activities; the root, which is the organization, first."""

    activities: tuple[Activity, ...]

    @cached_property
    def has_rules(self) -> bool:
        """Whether any activity has sequencing rules."""
        return any(one.part("sequencingRules") for one in self.activities)

    @cached_property
    def by_identifier(self) -> Mapping[str, Activity]:
        """The activity of an identifier; of two the first."""
        return {one.identifier: one for one in reversed(self.activities)}

    @cached_property
    def by_unit(self) -> Mapping[int, Activity]:
        """The activity that delivers a unit."""
        return {one.unit: one for one in self.activities if one.unit is not None}

    @cached_property
    def _children(self) -> Mapping[int, tuple[Activity, ...]]:
        found: dict[int, list[Activity]] = {}
        for one in self.activities:
            if one.parent is not None:
                found.setdefault(one.parent, []).append(one)
        return {place: tuple(children) for place, children in found.items()}

    def children(self, activity: Activity) -> tuple[Activity, ...]:
        """The activities right below."""
        return self._children.get(activity.place, ())

    def parent(self, activity: Activity) -> Activity | None:
        """The activity right above."""
        return None if activity.parent is None else self.activities[activity.parent]

    def path(self, activity: Activity) -> list[Activity]:
        """The activity and all above it, the root last."""
        found = [activity]
        while (above := self.parent(found[-1])) is not None:
            found.append(above)
        return found


# manifests stay read (packages.manifests), and their trees with them
KEPT = 16
_lock = threading.Lock()
_kept: OrderedDict[int, tuple[Manifest, Tree]] = OrderedDict()


def tree_of(manifest: Manifest) -> Tree:
    """The tree of a manifest; empty where the standard has none.

    Of the last manifests it is kept: every commit asks for it.
    """
    if manifest.activities is None:
        return Tree(())
    key = id(manifest)
    with _lock:
        known, tree = _kept.get(key, (None, None))
        if known is manifest and tree is not None:
            _kept.move_to_end(key)
            return tree
    tree = _read(manifest.activities)
    with _lock:
        _kept[key] = manifest, tree
        _kept.move_to_end(key)
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return tree


def _read(root: Mapping[str, Any]) -> Tree:
    found: list[Activity] = []
    waiting: list[tuple[Mapping[str, Any], int | None, int]] = [(root, None, 0)]
    while waiting:
        node, parent, depth = waiting.pop()
        place = len(found)
        found.append(Activity(place, parent, depth, node))
        waiting.extend(
            (child, place, depth + 1) for child in reversed(node.get("children", []))
        )
    return Tree(tuple(found))
