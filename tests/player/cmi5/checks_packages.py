"""The course structure and its package (13, 14)."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from packages.check import check_package
from tests.packages.make import Entry, Zip, package
from tests.packages.test_cmi5 import au, block, course_structure, objective
from tests.player.cmi5.checks import of, refusals
from tests.player.cmi5.story import AU, OUTER, Story, imported

# 13 and 14: the course structure and its package


def checked(file: bytes) -> Any:
    return check_package(io.BytesIO(file), filename="course.zip").manifest


@of("13.1.0.0-1")
def blanks_around_values_are_removed(story: Story) -> None:
    unit = story.lms.manifest.units[0]
    assert (unit.title, unit.launch) == ("First", "index.html")
    assert (unit.launch_parameters, unit.entitlement_key) == ("a=1", "key-1")


@of("13.1.2.0-1 (d)", "13.1.3.0-1 (d)", "13.1.4.0-1 (d)")
def ids_are_unique(story: Story) -> None:
    del story
    one = au()
    for members, objectives in (
        (block(OUTER, one) + block(OUTER, au(AU[1])), ""),
        (one, f"<objectives>{objective('urn:o') * 2}</objectives>"),
        (one + one, ""),
    ):
        found = imported(course_structure(members, objectives=objectives))
        assert refusals(found) == {"cmi5_repeated_id"}


@of("13.1.4.0-2 (d)")
def addresses_are_addresses(story: Story) -> None:
    del story
    for url in ("https://example.com/a b", "https://exa mple.com/", "index.html?a=%zz"):
        assert "cmi5_url" in refusals(imported(course_structure(au(url=url))))


@of("13.1.4.0-3")
def the_units_own_query_stays(story: Story) -> None:
    query = urlsplit(story.answers["start"]["entry"])
    assert dict(parse_qsl(query.query))["lang"] == "en"
    assert query.fragment == "start"
    elsewhere = urlsplit(story.answers["start elsewhere"]["entry"])
    assert dict(parse_qsl(elsewhere.query))["x"] == "1"


@of("13.1.5.0-2 (d)")
def extensions_do_not_break_the_structure(story: Story) -> None:
    del story
    early = course_structure(f"<e:own/>{au()}")
    late = course_structure(f"{au()}<e:own/>")
    assert imported(late).is_importable
    assert refusals(imported(early))


BAD_STRUCTURES = (
    "<courseStructure/>",
    course_structure(""),
    course_structure(au(attributes='moveOn="Maybe"')),
    course_structure(au(attributes='masteryScore="80"')),
    course_structure(au(attributes='launchMethod="AnyOld"')),
    course_structure(au().replace("<description>", "<about>")),
    course_structure(au(), course="<title/>"),
    course_structure(au(), namespace="urn:other"),
    course_structure("<au/>"),
    course_structure(au("no IRI")),
    course_structure(au()) + "<more/>",
)


@of("13.2.0.0-1", "13.2.0.0-1 (d)")
def the_structure_conforms_to_its_schema(story: Story) -> None:
    assert refusals(story.lms.manifest) == set()
    for text in BAD_STRUCTURES:
        assert refusals(imported(text)), text


@of("14.0.0.0-1")
def packages_are_zip_files_or_plain_xml(story: Story) -> None:
    del story
    inside = course_structure(au()).encode()
    page = Entry("index.html", b"<!DOCTYPE html>")
    for large in (False, True):
        made_up = bytes(Zip([Entry("cmi5.xml", inside), page], zip64=large))
        assert checked(made_up).is_importable
    outside = course_structure(au(url="https://example.com/a/")).encode()
    assert checked(outside).is_importable


@of("14.0.0.0-1 (d)", "14.1.0.0-1 (d)")
def other_files_are_refused(story: Story) -> None:
    del story
    whole = package({"cmi5.xml": course_structure(au()), "index.html": "x"})
    for file in (
        b"",
        b"\x89PNG",
        b"7z\xbc\xaf\x27\x1c",
        whole[:200],
        b"PK" + whole[4:],
    ):
        assert refusals(checked(file))


@of("14.1.0.0-2 (d)")
def the_structure_lies_at_the_top(story: Story) -> None:
    del story
    text = course_structure(au())
    for name in ("folder/cmi5.xml", "course.xml"):
        assert refusals(checked(package({name: text, "index.html": "x"})))


@of("14.1.0.0-3 (d)", "14.1.0.0-4 (d)")
def relative_addresses_lie_in_the_package(story: Story) -> None:
    del story
    text = course_structure(au(url="elsewhere/page.html"))
    assert refusals(imported(text)) == {"cmi5_url_missing"}
    for url in ("//example.com/a", "www.example.com:80/a"):
        assert refusals(imported(course_structure(au(url=url))))


@of("14.2.0.0-1 (d)")
def alone_addresses_are_full(story: Story) -> None:
    del story
    text = course_structure(au(url="index.html")).encode()
    assert refusals(checked(text)) == {"cmi5_url_relative"}
