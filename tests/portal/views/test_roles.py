"""The form of roles: what is sent is read, what is wrong is not guessed at."""

from __future__ import annotations

import pytest

from packages.manifest import Manifest, Unit
from portal.assessments import Known, PartRole
from portal.views.roles import form_values, read_parts, read_roles

MANIFEST = Manifest(
    standard="scorm_12",
    edition="1.2",
    identifier="M",
    title="M",
    units=tuple(
        Unit(
            index=place, identifier=slug, slug=slug, kind="sco", title=title, launch="a"
        )
        for place, (slug, title) in enumerate([("a", "Pre-test"), ("b", "Lesson")])
    ),
)
INNER = {"unit": "1", "kind": "objectives", "part": " x ", "role": "pretest"}


def sent(place: int = 0, **change: str) -> dict[str, str]:
    return {f"part-{place}-{name}": text for name, text in (INNER | change).items()}


def test_roles_as_sent() -> None:
    given = {"role-0": "pretest", "role-1": "unit", "role-x": "?", "role-": "?"}
    assert read_roles(given) == {0: "pretest", 1: "unit"}


PARTS = [
    ("one", sent(), [PartRole(unit=1, kind="objectives", part=" x ", role="pretest")]),
    ("empty", sent(part="  "), []),
    (
        "no unit",
        sent(unit="one"),
        [PartRole(unit=-1, kind="objectives", part=" x ", role="pretest")],
    ),
    ("no number", {"part-a-part": "x"}, []),
]


@pytest.mark.parametrize(("name", "given", "read"), PARTS)
def test_parts_as_sent(name: str, given: dict[str, str], read: list[PartRole]) -> None:
    assert read_parts(given) == read, name


def roles(values: dict) -> list[tuple[str, bool]]:
    return [(row["role"], row["is_confirmed"]) for row in values["units"]]


def test_proposed_then_confirmed_then_as_sent() -> None:
    assert roles(form_values(MANIFEST)) == [("pretest", False), ("unit", False)]
    known = {
        "c/units/a": Known("c/units/a", None, "Pre-test", "unit", confirmed=True),
        "c/units/b": Known("c/units/b", None, "Lesson", "pretest", confirmed=False),
        "c/units/b/objectives/q%201": Known(
            "c/units/b/objectives/q%201", "c/units/b", "q 1", "posttest", confirmed=True
        ),
    }
    values = form_values(MANIFEST, known=known, course_iri="c")
    assert roles(values) == [("unit", True), ("unit", False)]
    [first, *rest] = values["inner"]
    assert first == {
        "unit": "1",
        "kind": "objectives",
        "part": "q 1",
        "role": "posttest",
        "place": 0,
    }
    assert [row["part"] for row in rest] == ["", ""]
    again = form_values(
        MANIFEST, given=sent() | {"role-0": "posttest"}, known=known, course_iri="c"
    )
    assert roles(again)[0] == ("posttest", True)
    assert again["inner"][0]["part"] == " x "
