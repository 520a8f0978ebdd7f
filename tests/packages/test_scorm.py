"""SCORM manifests: what comes out of well-made, odd and broken ones."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest

from packages.archive import open_archive
from packages.contents import Contents
from packages.manifest import Manifest, Unit
from packages.scorm import read_scorm, version_of
from statements.errors import InvalidPackage
from tests.packages.make import (
    NAMESPACES_12,
    NAMESPACES_2004,
    Item,
    manifest,
    package,
    start_pages,
)

PAGE = "<!DOCTYPE html>"


def read(text: str | bytes, *names: str) -> Manifest:
    files: dict[str, str | bytes] = dict.fromkeys(names or ("index.html",), PAGE)
    data = package({"imsmanifest.xml": text} | files)
    return read_scorm(Contents(open_archive(io.BytesIO(data))), "imsmanifest.xml")


def codes(found: Manifest) -> list[str]:
    return [finding.code for finding in found.findings]


def only(found: Manifest) -> Unit:
    (unit,) = found.units
    return unit


def test_a_plain_manifest() -> None:
    found = read(manifest(title="Report writing"))
    assert found == Manifest(
        standard="scorm_12",
        edition="1.2",
        identifier="course-1",
        title="Report writing",
        units=(Unit(0, "item-1", "item-1", "sco", "Lesson", "index.html"),),
    )


def test_everything_an_item_says() -> None:
    inside = (
        "<adlcp:prerequisites type='aicc_script'>item-0</adlcp:prerequisites>"
        "<adlcp:maxtimeallowed>0000:30:00</adlcp:maxtimeallowed>"
        "<adlcp:timelimitaction>exit,message</adlcp:timelimitaction>"
        "<adlcp:datafromlms> level=2 </adlcp:datafromlms>"
        "<adlcp:masteryscore>80.50</adlcp:masteryscore>"
    )
    item = Item(inside=inside, attributes='parameters="?lang=en" isvisible="false"')
    found = read(manifest(item))
    unit = only(found)
    assert unit.prerequisites == "item-0"
    assert unit.max_time == "0000:30:00"
    assert unit.time_limit_action == "exit,message"
    assert unit.data_from_lms == "level=2"
    assert unit.mastery_score == Decimal("80.50")
    assert unit.address == "index.html?lang=en"
    assert not unit.visible
    assert codes(found) == ["hidden", "prerequisites"]


def test_prerequisites_that_cannot_be_read_are_told() -> None:
    inside = "<adlcp:prerequisites>item-0 AND item-2</adlcp:prerequisites>"
    assert codes(read(manifest(Item(inside=inside)))) == ["prerequisites_unreadable"]


def test_the_tree_is_flattened_in_order() -> None:
    items = [
        Item(
            "m1",
            "Module 1",
            href=None,
            items=[
                Item("a", "A", "a.html"),
                Item("m2", "Inner", "m2.html", items=[Item("b", "B", "b.html")]),
            ],
        ),
        Item("c", "C", "c.html", kind="asset"),
    ]
    found = read(manifest(*items), *start_pages(items))
    assert [
        (unit.index, unit.title, tuple(found.headings(unit))) for unit in found.units
    ] == [
        (0, "A", ("Module 1",)),
        (1, "Inner", ("Module 1",)),
        (2, "B", ("Module 1", "Inner")),
        (3, "C", ()),
    ]
    assert [unit.kind for unit in found.units] == ["sco", "sco", "sco", "asset"]
    assert found.findings == ()


def test_a_thousand_units() -> None:
    items = [Item(f"i{n}", f"Unit {n}", f"{n}.html") for n in range(1000)]
    found = read(manifest(*items), *start_pages(items))
    assert len(found.units) == 1000
    assert found.units[999].slug == "i999"


@pytest.mark.parametrize(
    ("href", "parameters", "name", "address"),
    [
        ("index.html", "", "index.html", "index.html"),
        ("a/b c.html", "", "a/b c.html", "a/b%20c.html"),
        ("a/b%20c.html", "", "a/b c.html", "a/b%20c.html"),
        ("уроки/урок 1.html", "", "уроки/урок 1.html", None),
        ("%D1%83.html", "", "у.html", "%D1%83.html"),
        ("index.html?x=1", "", "index.html", "index.html?x=1"),
        ("index.html#top", "", "index.html", "index.html#top"),
        ("index.html?x=1#top", "?y=2", "index.html", "index.html?x=1&y=2#top"),
        ("index.html", "y=2", "index.html", "index.html?y=2"),
        ("index.html", "&amp;y=2", "index.html", "index.html?y=2"),
        ("index.html", "#2", "index.html", "index.html#2"),
        ("index.html#1", "#2", "index.html", "index.html#1"),
        ("a (1) [x].html", "", "a (1) [x].html", "a%20(1)%20%5Bx%5D.html"),
        ("100%.html", "", "100%.html", "100%25.html"),
        ("a%20b.html", "", "a%20b.html", "a%2520b.html"),
        ("./index.html", "", "index.html", "index.html"),
        ("x/../index.html", "", "index.html", "index.html"),
    ],
)
def test_launch_addresses(
    href: str, parameters: str, name: str, address: str | None
) -> None:
    item = Item(href=href, attributes=f'parameters="{parameters}"')
    unit = only(read(manifest(item), name))
    assert unit.launch == name
    if address is not None:
        assert unit.address == address


@pytest.mark.parametrize(
    ("href", "name"),
    [
        ("Index.HTML", "index.html"),
        ("lessons\\one.html", "lessons/one.html"),
        ("/index.html", "index.html"),
        ("INDEX.html?x=1", "index.html"),
    ],
)
def test_misspelled_launch_addresses_are_mended(href: str, name: str) -> None:
    found = read(manifest(Item(href=href)), name)
    assert only(found).launch == name
    assert codes(found) == ["launch_repaired"]


@pytest.mark.parametrize(
    ("root", "resources", "base", "name"),
    [
        ('xml:base="course/"', "", "", "course/index.html"),
        ("", ' xml:base="course/"', "", "course/index.html"),
        ("", "", "course/", "course/index.html"),
        ('xml:base="a/"', ' xml:base="b/"', "c/", "a/b/c/index.html"),
        ('xml:base="a/"', ' xml:base="../b/"', "", "b/index.html"),
        ("", "", "course", "course/index.html"),
    ],
)
def test_xml_base_on_three_levels(
    root: str, resources: str, base: str, name: str
) -> None:
    text = manifest(Item(base=base), root=root, resources=resources)
    assert only(read(text, name)).launch == name


def heading(**words: Any) -> Item:
    return Item("h", "Heading", href=None, **words)


FINDINGS: dict[str, tuple[str | bytes, list[str]]] = {
    "bom": (b"\xef\xbb\xbf" + manifest().encode(), ["byte_order_mark"]),
    "utf-16": (
        manifest(declaration='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"),
        ["byte_order_mark"],
    ),
    "no version": (manifest(version=None), ["version_missing"]),
    "no namespaces": (manifest(namespaces="", spelled="scormtype"), ["no_namespace"]),
    "no adlcp declaration": (
        manifest(namespaces=NAMESPACES_12.split()[0]),
        ["undeclared_prefix"],
    ),
    "odd version": (manifest(version="12"), ["version_unknown"]),
    "version in words": (manifest(version="SCORM 1.2"), []),
    "version against vocabulary": (
        manifest(version="2004 3rd Edition"),
        ["version_differs"],
    ),
    "default that is not there": (
        manifest(organizations='default="no"'),
        ["default_organization"],
    ),
    "no default, one structure": (manifest(organizations=""), []),
    "no default, two": (
        manifest(organizations="", more='<organization identifier="o2"/>'),
        ["default_organization"],
    ),
    "two, default given": (
        manifest(more='<organization identifier="o2"/>'),
        ["several_organizations"],
    ),
    "no course title": (manifest(title=None), ["title_missing"]),
    "no item title": (manifest(Item(title=None)), ["title_missing"]),
    "no item identifier": (manifest(Item(identifier="")), ["identifier_missing"]),
    "identifier twice": (
        manifest(Item("a"), Item("a", items=[])),
        ["identifier_repeated"],
    ),
    "resource that is not there": (
        manifest(Item(), Item("b", href=None, reference="gone")),
        ["resource_missing"],
    ),
    "resource without page": (
        manifest(
            Item(), Item("b", href=None, reference="r2"), resources='><resource identifier="r2"/'
        ),
        ["resource_without_start"],
    ),
    "empty item": (manifest(Item(), heading()), ["item_empty"]),
    "no kind": (manifest(Item(kind=None)), ["kind_missing"]),
    "kind in capitals": (manifest(Item(kind="SCO")), ["kind_spelled"]),
    "attribute as in 2004": (manifest(spelled="adlcp:scormType"), []),
    "mastery in words": (
        manifest(Item(inside="<adlcp:masteryscore>most</adlcp:masteryscore>")),
        ["mastery_score"],
    ),
    "mastery above 100": (
        manifest(Item(inside="<adlcp:masteryscore>101</adlcp:masteryscore>")),
        ["mastery_score"],
    ),
    "mastery nan": (
        manifest(Item(inside="<adlcp:masteryscore>NaN</adlcp:masteryscore>")),
        ["mastery_score"],
    ),
    "time in words": (
        manifest(Item(inside="<adlcp:maxtimeallowed>1h</adlcp:maxtimeallowed>")),
        ["time_limit"],
    ),
    "listed file missing": (manifest(Item(files=["index.html", "no.png"])), ["files_missing"]),
    "metadata elsewhere, missing": (
        manifest(metadata="<adlcp:location>no.xml</adlcp:location>"),
        ["metadata_missing"],
    ),
    "page missing": (manifest(Item(href="no.html")), ["launch_missing"]),
    "page outside": (manifest(Item(href="../no.html")), ["launch_outside"]),
    "page far outside": (
        manifest(Item(href="..%2f..%2fetc/passwd")),
        ["launch_missing"],
    ),
    "page elsewhere": (manifest(Item(href="https://example.org/")), ["launch_external"]),
    "page elsewhere by base": (
        manifest(Item(base="https://example.org/")),
        ["launch_external"],
    ),
    "page elsewhere without scheme": (
        manifest(Item(href="//example.org/x")),
        ["launch_external"],
    ),
    "script for a page": (manifest(Item(href="javascript:alert(1)")), ["launch_external"]),
    "nothing to launch": (manifest(heading()), ["no_units", "item_empty"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FINDINGS)
def test_findings(name: str) -> None:
    text, expected = FINDINGS[name]
    found = read(text)
    assert codes(found) == expected
    errors = [one for one in found.findings if one.severity == "error"]
    assert bool(errors) != found.is_importable
    if not errors:
        assert found.units[0].launch == "index.html"
        assert found.standard == "scorm_12"
    for one in found.findings:
        assert one.path == "imsmanifest.xml"
        assert "{" not in one.message + one.advice


def test_findings_point_to_the_line() -> None:
    text = manifest(Item(href="no.html", files=["index.html", "no.png"]))
    lines = text.splitlines()
    for one in read(text).findings:
        assert one.line is not None
        assert "no." in lines[one.line - 1] or "no." in lines[one.line]


def test_no_structure_at_all() -> None:
    found = read(without_structure(manifest()))
    assert only(found).identifier == "r-item-1"
    assert codes(found) == ["no_organization", "title_missing"]


def without_structure(text: str) -> str:
    start, end = text.index("<organizations"), text.index("</organizations>")
    return text[:start] + "<organizations>" + text[end:]


def test_no_structure_and_nothing_that_starts() -> None:
    text = without_structure(manifest(Item(href="no.html")))
    assert codes(read(text))[0] == "launch_missing"
    text = without_structure(manifest(Item(href=None)))
    assert codes(read(text))[0] == "no_units"


@pytest.mark.parametrize(
    ("namespaces", "spelled", "version", "standard", "expected"),
    [
        ("", "scormType", "1.2", "scorm_12", ["no_namespace"]),
        ("", "scormType", None, "scorm_2004", ["version_missing", "no_namespace"]),
        ("", "scormtype", None, "scorm_12", ["version_missing", "no_namespace"]),
        ("both", "a:scormType", "1.2", "scorm_12", []),
        ("both", "a:scormType", "CAM 1.3", "scorm_2004", []),
        ("both", "a:scormType", None, "scorm_2004", ["version_missing"]),
        ("both", "a:scormtype", None, "scorm_12", ["version_missing"]),
        (NAMESPACES_12, "scormType", None, "scorm_12", ["version_missing"]),
        (NAMESPACES_2004, "scormtype", None, "scorm_2004", ["version_missing"]),
    ],
)
def test_which_standard(
    namespaces: str,
    spelled: str,
    version: str | None,
    standard: str,
    expected: list[str],
) -> None:
    if namespaces == "both":
        namespaces = NAMESPACES_12 + ' xmlns:a="http://www.adlnet.org/xsd/adlcp_v1p3"'
    found = read(manifest(namespaces=namespaces, spelled=spelled, version=version))
    assert found.standard == standard
    assert sorted(codes(found)) == sorted(expected)


@pytest.mark.parametrize(
    "inside",
    [
        '<adlcp:completionThreshold completedByMeasure="true"/>',
        '<adlcp:data><adlcp:map targetID="x"/></adlcp:data>',
    ],
)
def test_the_fourth_edition_by_its_own_elements(inside: str) -> None:
    item = Item(inside=inside)
    text = manifest(item, namespaces=NAMESPACES_2004, version=None)
    assert read(text).edition == "4th"


def test_a_broken_description_beside_is_told() -> None:
    text = manifest(metadata="<adlcp:location>about.xml</adlcp:location>")
    for data, code in (("<lom", "metadata_missing"), ("<lom/>", None)):
        files = {"imsmanifest.xml": text, "index.html": PAGE, "about.xml": data}
        opened = open_archive(io.BytesIO(package(dict(files))))
        found = read_scorm(Contents(opened), "imsmanifest.xml")
        assert codes(found) == ([code] if code else [])
        assert found.description == ""


def test_listed_files_elsewhere_are_not_missed() -> None:
    item = Item(files=["https://example.org/a.js", "", "index.html?x#y"])
    assert codes(read(manifest(item))) == []


def test_a_title_in_cdata_with_line_breaks() -> None:
    text = manifest().replace("A course", "<![CDATA[Fish &\n   Chips]]>")
    assert read(text).title == "Fish & Chips"


def test_title_and_description_from_metadata() -> None:
    lom = (
        "<lom><general><title><langstring>From metadata</langstring></title>"
        "<description><langstring>What it is.</langstring></description></general></lom>"
    )
    found = read(manifest(title=None, metadata=lom))
    assert (found.title, found.description) == ("From metadata", "What it is.")


def test_description_from_a_file_beside() -> None:
    text = manifest(metadata="<adlcp:location>about.xml</adlcp:location>")
    lom = (
        '<lom xmlns="urn:x"><general><description><string>From a file.</string>'
        "</description></general></lom>"
    )
    data = package({"imsmanifest.xml": text, "index.html": PAGE, "about.xml": lom})
    found = read_scorm(Contents(open_archive(io.BytesIO(data))), "imsmanifest.xml")
    assert found.description == "From a file."


@pytest.mark.parametrize(
    ("version", "edition"),
    [
        ("CAM 1.3", "2nd"),
        ("1.3", "2nd"),
        ("2004 3rd Edition", "3rd"),
        ("2004 4th Edition", "4th"),
        ("2004 4TH EDITION", "4th"),
        (None, "3rd"),
        ("1.2", "3rd"),
    ],
)
def test_editions_of_2004(version: str | None, edition: str) -> None:
    text = manifest(
        version=version, namespaces=NAMESPACES_2004, spelled="adlcp:scormType"
    )
    found = read(text)
    assert (found.standard, found.edition) == ("scorm_2004", edition)
    assert only(found).kind == "sco"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<course/>", "not_a_manifest"),
        ("<manifest>", "xml_malformed"),
        (
            manifest(namespaces='xmlns="http://www.imsglobal.org/xsd/imsccv1p1/imscp"'),
            "other_standard",
        ),
    ],
)
def test_other_files_are_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        read(text)
    assert caught.value.extra["findings"][0].code == code


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1.2", ("scorm_12", "1.2")),
        ("SCORM 1.2", ("scorm_12", "1.2")),
        ("ADL SCORM 1.2", ("scorm_12", "1.2")),
        ("CAM 1.3", ("scorm_2004", "2nd")),
        ("CAM 1.3.1", ("scorm_2004", "2nd")),
        ("SCORM 1.3", ("scorm_2004", "2nd")),
        ("2004 1st Edition", ("scorm_2004", "2nd")),
        ("2004 2nd Edition", ("scorm_2004", "2nd")),
        ("SCORM 2004 3rd Edition", ("scorm_2004", "3rd")),
        ("2004 3rd Ed", ("scorm_2004", "3rd")),
        ("2004_3rd_Edition", ("scorm_2004", "3rd")),
        ("2004 (third edition)", ("scorm_2004", "3rd")),
        ("2004 4TH EDITION", ("scorm_2004", "4th")),
        ("2004", ("scorm_2004", "")),
        ("SCORM 2004", ("scorm_2004", "")),
        ("", None),
        ("12", None),
        ("1.0", None),
        ("latest", None),
    ],
)
def test_spellings_of_versions(said: str, meant: tuple[str, str] | None) -> None:
    assert version_of(said) == meant


def test_2004_alone_leaves_the_edition_to_the_vocabulary() -> None:
    for inside, edition in (
        ("", "3rd"),
        ('<adlcp:data><adlcp:map targetID="x"/></adlcp:data>', "4th"),
    ):
        text = manifest(Item(inside=inside), namespaces=NAMESPACES_2004, version="2004")
        found = read(text)
        assert (found.edition, codes(found)) == (edition, [])


@pytest.mark.parametrize(
    ("lang", "lom", "language"),
    [
        (' xml:lang="fr"', "", "fr"),
        ("", "<lom><general><language>es</language></general></lom>", "es"),
        ("", "", ""),
    ],
)
def test_language_of_the_title(lang: str, lom: str, language: str) -> None:
    text = manifest(metadata=lom).replace("<title>A course", f"<title{lang}>A course")
    assert read(text).language == language


def test_what_the_structure_says_of_itself_fills_in() -> None:
    lom = (
        "<metadata><lom><general><description><string>Of the structure.</string>"
        "</description><keyword><string>golf</string></keyword></general>"
        "<lifeCycle><version><string>2.1</string></version></lifeCycle></lom></metadata>"
    )
    text = manifest().replace(
        "<title>A course</title>", f"<title>A course</title>{lom}"
    )
    found = read(text)
    assert (found.description, found.keywords, found.version) == (
        "Of the structure.",
        ("golf",),
        "2.1",
    )


def test_the_activity_tree() -> None:
    items = [
        Item(
            "m",
            "Module",
            href=None,
            items=[
                Item("a", "A", "a.html"),
                Item("b", "B", "b.html", attributes='isvisible="0"'),
            ],
            inside='<imsss:sequencing><imsss:controlMode flow="true"/></imsss:sequencing>',
        ),
        Item("c", "C", "c.html", kind="asset"),
    ]
    text = manifest(
        *items,
        namespaces=NAMESPACES_2004,
        version="2004 4th Edition",
        spelled="adlcp:scormType",
    ).replace(
        '<organization identifier="org"',
        '<organization identifier="org" adlseq:objectivesGlobalToSystem="false" xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3"',
    )
    found = read(text, *start_pages(items))
    blank: dict[str, Any] = {
        "sequencing": {},
        "completion": {},
        "data": [],
        "hides": [],
    }
    leaf = blank | {"children": [], "visible": True}
    assert found.activities == blank | {
        "identifier": "org",
        "title": "A course",
        "unit": None,
        "visible": True,
        "objectivesGlobalToSystem": False,
        "sharedDataGlobalToSystem": True,
        "children": [
            blank
            | {
                "identifier": "m",
                "title": "Module",
                "unit": None,
                "visible": True,
                "sequencing": {"controlMode": {"flow": True}},
                "children": [
                    leaf | {"identifier": "a", "title": "A", "unit": 0},
                    leaf
                    | {"identifier": "b", "title": "B", "unit": 1, "visible": False},
                ],
            },
            leaf | {"identifier": "c", "title": "C", "unit": 2},
        ],
    }
    assert [found.headings(unit) for unit in found.units] == [
        ["Module"],
        ["Module"],
        [],
    ]
    assert Manifest.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_scorm_12_has_no_activity_tree() -> None:
    assert read(manifest()).activities is None


def test_long_identifiers_are_no_long_titles() -> None:
    long = "m" * 3000
    text = manifest(Item(title=None), title=None)
    found = read(
        text.replace('"course-1"', f'"{long}"').replace('"item-1"', f'"{long}"')
    )
    assert (found.title, only(found).title) == (long[:500], long[:500])
    assert only(found).identifier == long
