"""Roles of parts: what is refused, and the names of what lies inside a unit.

What is recorded of them is in test_offers and test_releases.
"""

from __future__ import annotations

import pytest

from packages.manifest import Manifest, Unit
from portal.assessments import PartRole, check_roles, part_iri_of
from statements.errors import Invalid

UNIT = Unit(index=0, identifier="a", slug="a", kind="sco", title="A", launch="a.html")
MANIFEST = Manifest(
    standard="scorm_12", edition="1.2", identifier="M", title="M", units=(UNIT,)
)


def part(**change: object) -> PartRole:
    values = {"unit": 0, "kind": "objectives", "part": "x", "role": "pretest"}
    return PartRole(**(values | change))  # type: ignore[arg-type]


REFUSED = {
    "no such role": ({0: "king"}, []),
    "no such role inside": ({}, [part(role="king")]),
    "no such unit": ({}, [part(unit=1)]),
    "before the first": ({}, [part(unit=-1)]),
    "no such kind": ({}, [part(kind="screens")]),
    "no id": ({}, [part(part="  ")]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    roles, parts = REFUSED[name]
    with pytest.raises(Invalid):
        check_roles(MANIFEST, roles=roles, parts=parts)


def test_taken() -> None:
    check_roles(MANIFEST, roles={0: "posttest"}, parts=[part(kind="interactions")])


def test_names_inside_a_unit() -> None:
    assert part_iri_of("u", "objectives", "pre test") == "u/objectives/pre%20test"
    assert part_iri_of("u", "interactions", "q/1") == "u/interactions/q%2F1"
