"""A course of cmi5 with blocks in blocks, and what units of it say."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from packages.manifest import Block, Manifest, Unit
from player.cmi5.statements import Course

PUBLISHER = "https://publisher.example/course"
COURSE = "http://localhost:8000/activities/course"
ACTOR = {
    "objectType": "Agent",
    "account": {"homePage": "http://localhost:8000", "name": "learner-1"},
}


def au(index: int, **facts: Any) -> Unit:
    """An AU; NotApplicable unless told otherwise."""
    given: dict[str, Any] = {
        "index": index,
        "identifier": f"{PUBLISHER}/au/{index}",
        "slug": f"au-{index}",
        "kind": "au",
        "title": f"Unit {index + 1}",
        "launch": f"unit {index}/index.html",
        "parameters": "?lang=en#start",
        "move_on": "NotApplicable",
        "launch_method": "AnyWindow",
    }
    return Unit(**given | facts)


def block(index: int, parent: int | None = None) -> Block:
    """A block of that index."""
    return Block(
        index=index,
        identifier=f"{PUBLISHER}/block/{index}",
        title=f"Block {index}",
        parent=parent,
    )


def manifest_with(*units: Unit, blocks: tuple[Block, ...] = ()) -> Manifest:
    """The course structure with these units and blocks."""
    return Manifest(
        standard="cmi5",
        edition="1.0",
        identifier=PUBLISHER,
        title="A course",
        units=units,
        blocks=blocks,
        language="en-US",
    )


def nested() -> Manifest:
    """Three units: in an inner block, in the outer block around it, in the course."""
    return manifest_with(
        au(0, block=1, move_on="Passed", mastery_score=Decimal("0.8")),
        au(1, block=0, move_on="Completed"),
        au(2, move_on="CompletedOrPassed"),
        blocks=(block(0), block(1, parent=0)),
    )


def course_with(manifest: Manifest) -> Course:
    """What statements of one registration share."""
    return Course(
        actor=ACTOR,
        registration=uuid.UUID("7a1a3c4e-6f0b-4a55-9a8e-0a1b2c3d4e5f"),
        key=b"secret",
        revision="3",
        iri=COURSE,
        title="A course",
        manifest=manifest,
    )
