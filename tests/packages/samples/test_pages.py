from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from lxml import etree, html

from packages.samples.build import NAMES
from packages.samples.content import Exam, read_sample
from packages.samples.pages import page

UNITS = [
    pytest.param(sample, unit, id=f"{sample.name}-{unit.id}")
    for sample in map(read_sample, NAMES)
    for unit in sample.units
]


@pytest.mark.parametrize(("sample", "unit"), UNITS)
def test_a_page_can_be_read_without_script(sample: Any, unit: Any) -> None:
    tree = html.document_fromstring(page(sample, unit))
    screens = tree.xpath("//section[contains(@class, 'screen')]")
    asked = tree.xpath("//fieldset/legend")
    expected = [question for part in unit.parts for question in part.questions]
    assert len(screens) >= 3
    assert len(asked) == len(expected)
    assert len(tree.xpath("//h1")) == 1
    assert all(len(screen.xpath("./h2")) == 1 for screen in screens)
    # the only script is the player, and nothing is loaded from elsewhere
    assert tree.xpath("//script/@src") == [
        "../shared/scorm.js",
        "../shared/course.js",
    ]
    assert tree.xpath("//@href") == ["../shared/course.css"]
    assert not tree.xpath("//@*[starts-with(name(), 'on')] | //@style | //style")


@pytest.mark.parametrize(("sample", "unit"), UNITS)
def test_every_id_is_unique_and_every_reference_resolves(
    sample: Any, unit: Any
) -> None:
    tree = html.document_fromstring(page(sample, unit))
    ids = Counter(tree.xpath("//@id"))
    assert max(ids.values()) == 1
    assert set(tree.xpath("//@aria-labelledby")) <= set(ids)
    for picture in tree.xpath("//figure"):
        (drawing,) = picture.xpath(".//*[@role='img']")
        assert len(drawing.get("aria-label")) > 30
        assert picture.xpath("string(figcaption)").strip()


@pytest.mark.parametrize(("sample", "unit"), UNITS)
def test_the_key_names_the_right_letters(sample: Any, unit: Any) -> None:
    tree = html.document_fromstring(page(sample, unit))
    data = json.loads(tree.xpath("string(//script[@id='unit'])"))
    for part in unit.parts:
        for question in part.questions:
            assert data["questions"][question.id]["right"] == question.right
    forms = {row["id"]: row["forms"] for row in data["parts"] if "forms" in row}
    assert forms == {
        part.id: [[question.id for question in form] for form in part.forms]
        for part in unit.parts
        if isinstance(part, Exam)
    }


@pytest.mark.parametrize("name", NAMES)
def test_lesson_html_is_well_formed(name: str) -> None:
    for unit in read_sample(name).units:
        for part in unit.parts:
            if not isinstance(part, Exam):
                for screen in part.screens:
                    assert len(etree.fromstring(f"<div>{screen.html}</div>")) > 0
