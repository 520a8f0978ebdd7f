"""The shape that readers return: slugs, addresses, JSON and back."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packages.manifest import (
    Block,
    Finding,
    Manifest,
    Objective,
    Standard,
    Unit,
    is_absolute,
    slugs,
    standard_text,
)


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        (["item-1", "item-2"], ["item-1", "item-2"]),
        (["a b", "a/b", "A-B"], ["a-b", "a-b-2", "A-B-3"]),
        (["a", "a"], ["a", "a-2"]),
        (["..", "-"], ["unit-5ec1f7e7", "unit-3973e022"]),
        (["x" * 99], ["x" * 64]),
    ],
)
def test_slugs(identifiers: list[str], expected: list[str]) -> None:
    assert slugs(identifiers) == expected


@given(st.lists(st.text(max_size=80), max_size=20))
def test_slugs_are_safe_and_different(identifiers: list[str]) -> None:
    found = slugs(identifiers)
    assert len({slug.lower() for slug in found}) == len(identifiers)
    for slug in found:
        assert slug
        assert set(slug) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-"
        )
        assert slug.strip(".")


def test_json_and_back() -> None:
    unit = Unit(
        index=0,
        identifier="i",
        slug="i",
        kind="sco",
        title="T",
        launch="a.html",
        mastery_score=Decimal("80.50"),
        parts=("pretest",),
        block=1,
        objectives=("o",),
        completion_threshold=Decimal("0.5"),
        scaled_passing_score=Decimal(-1),
        hides=("continue",),
    )
    whole = Manifest(
        standard="scorm_12",
        edition="1.2",
        identifier="m",
        title="T",
        units=(unit, Unit(1, "j", "j", "asset", "U", "b.html")),
        findings=(Finding("info", "also", "m", "a", "p", 3),),
        language="en",
        keywords=("golf", "clubs"),
        blocks=(Block(0, "b", "M"), Block(1, "c", "N", parent=0, objectives=("o",))),
        objectives=(Objective("o", "Play", "golf"),),
        activities={"identifier": "o", "children": [{"unit": 0}]},
    )
    value = json.loads(json.dumps(whole.to_json()))
    assert value["units"][0]["mastery_score"] == "80.50"
    assert Manifest.from_json(value) == whole
    assert whole.headings(unit) == ["M", "N"]
    assert whole.headings(whole.units[1]) == []


def test_findings_are_ordered_by_gravity() -> None:
    found = Manifest(None, "", "", "").with_findings(
        Finding(severity, severity, "", "")
        for severity in ("info", "repair", "error", "warning")
    )
    assert [one.severity for one in found.findings] == [
        "error",
        "warning",
        "repair",
        "info",
    ]
    assert not found.is_importable


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.org/", True),
        ("//example.org/", True),
        ("javascript:x", True),
        ("a/b:c.html", False),
        ("a.html", False),
        ("/a.html", False),
    ],
)
def test_is_absolute(address: str, expected: bool) -> None:  # noqa: FBT001
    assert is_absolute(address) == expected


def test_an_external_unit_keeps_its_address() -> None:
    unit = Unit(0, "i", "i", "au", "T", "https://example.org/a b", "?x=1")
    assert unit.address == "https://example.org/a b?x=1"


@pytest.mark.parametrize(
    ("standard", "edition", "text"),
    [
        ("scorm_12", "1.2", "SCORM 1.2"),
        ("scorm_2004", "3rd", "SCORM 2004 3rd Edition"),
        ("aicc", "4.0", "AICC 4.0"),
        ("aicc", "", "AICC"),
        ("cmi5", "1.0", "cmi5 1.0"),
        ("xapi", "1.0", "xAPI 1.0"),
        (None, "", ""),
    ],
)
def test_standards_as_people_name_them(
    standard: Standard | None, edition: str, text: str
) -> None:
    assert standard_text(standard, edition) == text
    assert Manifest(standard, edition, "m", "T").standard_text == text


def test_slugs_of_many_of_one_name_take_no_long_time() -> None:
    found = slugs(["a"] * 20_000)
    assert (found[0], found[1], found[-1]) == ("a", "a-2", "a-20000")
