"""Activity trees of SCORM 2004 in a line each, and manifests of them."""

from __future__ import annotations

from typing import Any

from packages.manifest import Manifest
from tests.player.sample import make_unit

FLOW = {"controlMode": {"flow": True}}
FLOW_ONLY = {"controlMode": {"flow": True, "choice": False}}


def leaf(unit: int, **sequencing: Any) -> dict[str, Any]:
    """An activity that delivers a unit: A0, A1 …"""
    return {
        "identifier": f"A{unit}",
        "title": f"Lesson {unit + 1}",
        "unit": unit,
        "sequencing": sequencing,
        "children": [],
    }


def cluster(
    identifier: str, *children: dict[str, Any], **sequencing: Any
) -> dict[str, Any]:
    """An activity of activities."""
    return {
        "identifier": identifier,
        "title": identifier,
        "unit": None,
        "sequencing": sequencing,
        "children": list(children),
    }


def rule(kind: str, condition: str, action: str, **more: Any) -> dict[str, Any]:
    """Sequencing rules of one rule with one condition."""
    conditions = [{"condition": condition, **more}]
    return {"sequencingRules": {kind: [{"conditions": conditions, "action": action}]}}


def course(root: dict[str, Any], **facts: Any) -> Manifest:
    """A manifest of the 4th Edition with that tree; a unit for every leaf."""
    count = _leaves(root)
    units = tuple(make_unit(n, identifier=f"A{n}", **facts) for n in range(count))
    return Manifest(
        standard="scorm_2004",
        edition="4th",
        identifier="COURSE",
        title="A course",
        units=units,
        activities=root,
    )


def _leaves(node: dict[str, Any]) -> int:
    below = sum(_leaves(child) for child in node["children"])
    return below + (node["unit"] is not None)
