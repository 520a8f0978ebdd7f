"""Resources: addresses with parameters, bases, dependencies, manifests inside."""

import pytest

from packages.manifest import Manifest
from packages.scorm_resources import joined, merge_parameters
from statements.errors import InvalidPackage
from tests.packages.make import NAMESPACES_2004, Item, manifest
from tests.packages.test_scorm import codes, only, read


@pytest.mark.parametrize(
    ("query", "fragment", "parameters", "merged"),
    [
        ("", "", "", ""),
        ("a=1", "", "?b=2", "?a=1&b=2"),
        ("a=1", "f", "b=2#g", "?a=1&b=2#f"),
        ("", "", "b=2#g", "?b=2#g"),
        ("", "", "b=два", "?b=%D0%B4%D0%B2%D0%B0"),
        ("", "", "b=a b%20c", "?b=a%20b%20c"),
        ("", "", "??&b", "?b"),
    ],
)
def test_merge_parameters(
    query: str, fragment: str, parameters: str, merged: str
) -> None:
    assert merge_parameters(query, fragment, parameters) == merged


@pytest.mark.parametrize(
    ("folder", "address", "whole"),
    [
        ("", "a.html", "a.html"),
        ("x/", "a.html", "x/a.html"),
        ("x/y", "a.html", "x/a.html"),
        ("x/", "/a.html", "/a.html"),
        ("x\\", "a.html", "x\\a.html"),
        ("x/", "", "x/"),
    ],
)
def test_joined(folder: str, address: str, whole: str) -> None:
    assert joined(folder, address) == whole


def with_resources(more: str, **words: str) -> Manifest:
    return read(manifest(**words).replace("</resources>", more + "</resources>"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('<resource identifier="r2"><dependency identifierref="r3"/></resource>', ["dependency_missing"]),
        ('<resource identifier="r2"><dependency identifierref="r2"/></resource>', []),
        ('<resource identifier="r2"><dependency identifierref="r-item-1"/></resource>', []),
        ('<resource identifier="r-item-1" href="other.html"/>', ["resource_repeated"]),
        ('<resource identifier="r2" xml:base="x/"><file href="no.js"/></resource>', ["files_missing"]),
        ('<resource identifier="r2" xml:base="x/"><file xml:base="../" href="index.html"/></resource>', []),
        ('<resource identifier="r2"><file href="INDEX.html?v=1"/></resource>', []),
    ],
)  # fmt: skip
def test_what_resources_name(more: str, expected: list[str]) -> None:
    found = with_resources(more)
    assert codes(found) == expected
    assert only(found).launch == "index.html"


def test_missing_dependencies_are_told_once() -> None:
    more = "".join(
        f'<resource identifier="r{n}"><dependency identifierref="gone{n}"/></resource>'
        for n in range(2, 9)
    )
    (finding,) = with_resources(more).findings
    assert "(7)" in finding.message
    assert "gone2" in finding.message


INNER = (
    '<manifest identifier="inner"><organizations><organization><item identifier="x" '
    'identifierref="r-item-1"/></organization></organizations><resources>'
    '<resource identifier="r-item-1" href="decoy.html"/>'
    '<resource identifier="r-inner" adlcp:scormtype="sco" href="index.html"/>'
    "</resources></manifest>"
)


@pytest.mark.parametrize(
    ("words", "edition"),
    [
        ({}, "1.2"),
        ({"version": "CAM 1.3", "namespaces": NAMESPACES_2004}, "2nd"),
        ({"version": "2004 3rd Edition", "namespaces": NAMESPACES_2004}, "3rd"),
    ],
)
def test_a_manifest_inside_gives_files_and_no_structure(
    words: dict[str, str], edition: str
) -> None:
    items = (Item(), Item("i2", "Inner", href=None, reference="r-inner"))
    text = manifest(*items, **words).replace("</manifest>", INNER + "</manifest>")
    found = read(text)
    assert (found.edition, codes(found)) == (edition, ["inner_manifest"])
    assert [unit.launch for unit in found.units] == ["index.html", "index.html"]


def test_a_manifest_inside_is_refused_by_the_fourth_edition() -> None:
    text = manifest(version="2004 4th Edition", namespaces=NAMESPACES_2004)
    with pytest.raises(InvalidPackage) as caught:
        read(text.replace("</manifest>", INNER + "</manifest>"))
    (finding,) = caught.value.extra["findings"]
    assert (finding.code, finding.line is not None) == ("inner_manifest_refused", True)


def test_resources_of_the_manifest_come_before_those_of_one_inside() -> None:
    found = read(manifest().replace("<metadata>", INNER + "<metadata>", 1))
    assert (only(found).launch, codes(found)) == ("index.html", ["inner_manifest"])
