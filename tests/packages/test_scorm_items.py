"""Structure: headings, clusters, activities without units, bounds."""

import pytest

from packages import scorm_items
from packages.manifest import Block
from packages.scorm_items import MAXIMUM_LEVELS
from statements.errors import InvalidPackage
from tests.packages.make import NAMESPACES_2004, Item, manifest, start_pages
from tests.packages.test_scorm import codes, read

OF_2004 = {
    "version": "2004 3rd Edition",
    "namespaces": NAMESPACES_2004,
    "spelled": "adlcp:scormType",
}


def tree() -> list[Item]:
    lom = "<metadata><lom><general><description>What {}</description></general></lom></metadata>"
    return [
        Item(
            "m",
            "Module",
            href=None,
            inside=lom.format("it is"),
            items=[
                Item("n", "Part", "part.html", items=[Item("a", "A", "a.html", inside=lom.format("A is"))]),
            ],
        ),
        Item("e", "Empty", href=None),
        Item("g", "Gone", href=None, reference="gone"),
    ]  # fmt: skip


def test_headings_in_the_order_of_the_menu() -> None:
    found = read(manifest(*tree()), *start_pages(tree()))
    assert found.blocks == (
        Block(0, "m", "Module", "What it is"),
        Block(1, "n", "Part", parent=0),
        Block(2, "e", "Empty"),
        Block(3, "g", "Gone"),
    )
    assert [(unit.title, unit.block, unit.description) for unit in found.units] == [
        ("Part", 0, ""),
        ("A", 1, "What A is"),
    ]
    assert found.headings(found.units[1]) == ["Module", "Part"]


def test_a_heading_of_2004_opens_nothing_itself() -> None:
    found = read(manifest(*tree(), **OF_2004), *start_pages(tree()))
    assert [unit.title for unit in found.units] == ["A"]
    assert codes(found) == ["cluster_with_resource", "resource_missing", "item_empty"]
    assert found.activities is not None
    module, empty, gone = found.activities["children"]
    assert [node["unit"] for node in (module, empty, gone)] == [None] * 3
    (part,) = module["children"]
    assert (part["unit"], part["children"][0]["unit"]) == (None, 0)


def test_resources_without_a_structure_are_activities_below_the_course() -> None:
    text = manifest(Item("a", "A", "a.html"), Item("b", "B", "b.html"), **OF_2004)
    start, end = text.index("<organizations"), text.index("</organizations>")
    found = read(text[:start] + "<organizations>" + text[end:], "a.html", "b.html")
    assert found.activities is not None
    assert [node["unit"] for node in found.activities["children"]] == [0, 1]
    assert found.activities["identifier"] == "course-1"


def test_a_course_of_too_many_units_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorm_items, "MAXIMUM_UNITS", 2)
    items = [Item(f"i{n}", f"U {n}", f"{n}.html") for n in range(3)]
    assert len(read(manifest(*items[:2]), *start_pages(items)).units) == 2
    with pytest.raises(InvalidPackage) as caught:
        read(manifest(*items), *start_pages(items))
    assert caught.value.extra["findings"][0].code == "too_many_units"
    headings = [Item(f"h{n}", f"H {n}", href=None) for n in range(3)]
    with pytest.raises(InvalidPackage) as caught:
        read(manifest(*headings))
    assert caught.value.extra["findings"][0].code == "too_many_units"


@pytest.mark.parametrize("said", ["true", "TRUE", "1", "", "perhaps"])
def test_visible_unless_it_says_false(said: str) -> None:
    found = read(manifest(Item(attributes=f'isvisible="{said}"')))
    assert found.units[0].visible


@pytest.mark.parametrize(
    "said", ["objectivesGlobalToSystem", "sharedDataGlobalToSystem"]
)
def test_what_the_course_shares_with_others(said: str) -> None:
    text = manifest(**OF_2004)
    for value, shares, noted in (
        ("true", True, []),
        ("false", False, []),
        ("some", True, ["sequencing_value"]),
    ):
        attribute = f'<organization {said}="{value}"'
        found = read(text.replace("<organization ", attribute + " "))
        assert found.activities is not None
        assert (found.activities[said], codes(found)) == (shares, noted)


def test_items_nested_too_deep_are_refused() -> None:
    item = Item("leaf")
    for level in range(MAXIMUM_LEVELS - 1):
        item = Item(f"h{level}", "H", href=None, items=[item])
    assert len(read(manifest(item)).blocks) == MAXIMUM_LEVELS - 1
    with pytest.raises(InvalidPackage) as caught:
        read(manifest(Item("top", "T", href=None, items=[item])))
    (finding,) = caught.value.extra["findings"]
    assert (finding.code, finding.line is not None) == ("items_nested", True)


@pytest.mark.parametrize(
    "words",
    [
        {"href": "index.html?" + "x" * 4000},
        {"attributes": f'parameters="?{"x" * 4000}"'},
        {"base": "x" * 4001},
        {"identifier": "i" * 4001},
    ],
)
def test_addresses_and_identifiers_have_an_end(words: dict[str, str]) -> None:
    with pytest.raises(InvalidPackage) as caught:
        read(manifest(Item(**words)))  # type: ignore[arg-type]
    assert caught.value.extra["findings"][0].code == "address_too_long"
