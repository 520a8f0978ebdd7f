"""Findings by severity, and the tree of a course, as an author reads them."""

from __future__ import annotations

from typing import Any

import pytest

from packages.manifest import Block, Manifest, Unit
from portal.doctor import Branch, facts_of, group_findings, tree_of


def finding(severity: str, code: str, path: str | None = None, line: int | None = None):
    return {
        "severity": severity,
        "code": code,
        "message": f"About {code}.",
        "advice": "Mend it.",
        "path": path,
        "line": line,
    }


def test_the_gravest_come_first_and_the_same_once() -> None:
    groups = group_findings(
        [
            finding("info", "hidden"),
            finding("warning", "time_limit", "a.xml", 7),
            finding("error", "no_units"),
            finding("warning", "time_limit", "a.xml", 9),
            finding("warning", "mastery_score"),
        ]
    )
    assert [group.severity for group in groups] == ["error", "warning", "info"]
    warnings = groups[1]
    assert (warnings.title, warnings.count) == ("Look at this", 3)
    assert [one["code"] for one in warnings.findings] == ["time_limit", "mastery_score"]
    assert warnings.findings[0]["places"] == [
        {"path": "a.xml", "line": 7},
        {"path": "a.xml", "line": 9},
    ]
    assert warnings.findings[1]["places"] == []
    assert group_findings([]) == []


def manifest(*units: Unit, **change: Any) -> Manifest:
    values = {
        "standard": "scorm_12",
        "edition": "1.2",
        "identifier": "M",
        "title": "T",
        "units": units,
    }
    return Manifest(**(values | change))


def unit(index: int, title: str, block: int | None = None, **change: Any) -> Unit:
    values = {
        "index": index,
        "identifier": f"I{index}",
        "slug": f"i{index}",
        "kind": "sco",
        "title": title,
        "launch": "a.html",
        "block": block,
    }
    return Unit(**(values | change))


def outline(branches: list[Branch]) -> list[Any]:
    return [
        (one.title, outline(one.branches)) if one.unit is None else one.title
        for one in branches
    ]


BLOCKS = (
    Block(0, "a", "A"),
    Block(1, "aa", "A A", parent=0),
    Block(2, "b", "B"),
    Block(3, "e", "Empty", parent=2),
)
TREES: dict[str, tuple[tuple[Unit, ...], list[Any]]] = {
    "flat": ((unit(0, "One"), unit(1, "Two")), ["One", "Two"]),
    "nested": (
        (unit(0, "One", 0), unit(1, "Two", 1), unit(2, "Three", 0), unit(3, "Four")),
        [
            ("A", ["One", ("A A", ["Two"]), "Three"]),
            "Four",
            ("B", [("Empty", [])]),
        ],
    ),
    "a heading stands where its first unit does": (
        (unit(0, "Before"), unit(1, "In", 2)),
        ["Before", ("B", ["In", ("Empty", [])]), ("A", [("A A", [])])],
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_trees(name: str) -> None:
    units, shape = TREES[name]
    blocks = () if name == "flat" else BLOCKS
    assert outline(tree_of(manifest(*units, blocks=blocks))) == shape


def test_what_is_said_of_a_unit() -> None:
    [first, last] = tree_of(
        manifest(
            unit(0, "Pre-test", visible=False),
            unit(1, "Elsewhere", launch="https://example.org/", kind="asset"),
        )
    )
    assert first.unit is not None
    assert last.unit is not None
    assert (first.unit["role"], first.unit["visible"]) == ("pretest", False)
    assert "Pre-test" in first.unit["why"]
    assert last.unit["is_external"]
    assert last.unit["kind_text"] == "Page to look at"


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        ("", None),
        ("PT1H30M", "1 hour 30 minutes"),
        ("P1DT2S", "1 day 2 seconds"),
        ("PT0H45M", "45 minutes"),
        ("P3W", "P3W"),
    ],
)
def test_lengths(duration: str, text: str | None) -> None:
    facts = dict(facts_of(manifest(unit(0, "One"), typical_duration=duration)))
    assert facts.get("Length it names") == text
    assert facts["Standard"] == "SCORM 1.2"
    assert facts["Units"] == "1"
    assert "Language" not in facts


@pytest.mark.parametrize(("language", "told"), [("en", "en"), ("und", None)])
def test_a_language_that_is_not_known_is_not_told(
    language: str, told: str | None
) -> None:
    facts = dict(facts_of(manifest(unit(0, "One"), language=language)))
    assert facts.get("Language") == told
