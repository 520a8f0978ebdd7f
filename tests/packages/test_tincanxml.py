"""Packages of xAPI: every activity that can be launched is a unit."""

import io

import pytest

from packages.archive import open_archive
from packages.contents import Contents
from packages.manifest import Manifest
from packages.tincanxml import NAMESPACE, read_tincan
from statements.errors import InvalidPackage
from tests.packages.make import package

COURSE = "http://adlnet.gov/expapi/activities/course"


def activity(
    identifier: str = "https://example.com/a",
    launch: str | None = "index.html",
    name: str = '<name lang="en">Golf</name>',
    kind: str = COURSE,
    more: str = "",
) -> str:
    start = "" if launch is None else f'<launch lang="en"> {launch} </launch>'
    return (
        f'<activity id="{identifier}" type="{kind}">{name}'
        f'<description lang="en">About  it</description>{more}{start}</activity>\n'
    )


def tincan(*activities: str, namespace: str = NAMESPACE) -> str:
    return (
        f'<tincan xmlns="{namespace}"><activities>\n{"".join(activities)}'
        "</activities></tincan>"
    )


def read(text: str, *names: str) -> Manifest:
    files = dict.fromkeys(names or ("index.html",), "x")
    data = package({"tincan.xml": text, **files})
    return read_tincan(Contents(open_archive(io.BytesIO(data))), "tincan.xml")


def codes(found: Manifest) -> list[str]:
    return [one.code for one in found.findings]


def test_a_whole_package() -> None:
    question = activity(
        "https://example.com/a/q1",
        None,
        '<name lang="en">Question</name>',
        "http://adlnet.gov/expapi/activities/cmi.interaction",
        "<interactionType>choice</interactionType>",
    )
    second = activity("urn:b", "a%20b/c.html?x=1#y", '<name lang="fr">Balle</name>')
    third = activity("urn:c", "https://example.com/start?z", "<name>Far</name>", "")
    found = read(
        tincan(question, activity(), second, third), "index.html", "a b/c.html"
    )
    assert codes(found) == ["unit_elsewhere"]
    assert (found.standard, found.edition) == ("xapi", "1.0")
    assert (found.identifier, found.title) == ("https://example.com/a", "Golf")
    assert (found.description, found.language) == ("About it", "en")
    one, two, three = found.units
    assert (one.kind, one.identifier) == ("activity", "https://example.com/a")
    assert (one.title, one.description) == ("Golf", "About it")
    assert (one.activity_type, one.launch) == (COURSE, "index.html")
    assert (two.title, two.address) == ("Balle", "a%20b/c.html?x=1#y")
    assert (three.is_external, three.address) == (True, "https://example.com/start?z")
    assert three.activity_type == ""
    assert len({unit.slug for unit in found.units}) == 3
    assert Manifest.from_json(found.to_json()) == found


def test_the_course_names_the_package() -> None:
    module = activity(name="<name>Module</name>", kind="")
    course = activity("urn:c", None, "<name>Course</name>")
    assert read(tincan(module, course)).title == "Course"
    assert read(tincan(module)).title == "Module"
    quiet = activity("urn:q", None, "<name>Quiet</name>", "")
    assert read(tincan(quiet, module)).title == "Module"


def test_the_start_page_of_the_name_s_language_is_taken() -> None:
    more = '<launch lang="fr">fr.html</launch>'
    found = read(tincan(activity(more=more)), "index.html", "fr.html")
    assert found.units[0].launch == "index.html"
    assert codes(found) == ["xapi_launches"]
    none = read(tincan(activity(more=more, name="<name>x</name>")), "fr.html")
    assert none.units[0].launch == "fr.html"
    xml = '<name xml:lang="FR">x</name>'
    other = read(tincan(activity(more=more, name=xml)), "index.html", "fr.html")
    assert other.units[0].launch == "fr.html"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (tincan(activity("golf")), "xapi_id"),
        (tincan(activity("")), "xapi_id"),
        (tincan(activity(), activity()), "xapi_repeated"),
        (tincan(activity(launch="")), "launch_empty"),
        (tincan(activity(launch="none.html")), "launch_missing"),
        (tincan(activity(launch="../index.html")), "launch_outside"),
        (tincan(activity(launch="javascript:alert(1)")), "launch_forbidden"),
        (tincan(activity(launch="//example.com/x")), "launch_forbidden"),
        (tincan(activity(launch="https:///x")), "launch_forbidden"),
        (tincan(activity(launch=None)), "no_units"),
        (tincan(), "no_units"),
        ("<tincan/>", "no_units"),
    ],
)
def test_what_refuses(text: str, code: str) -> None:
    found = read(text)
    errors = [one for one in found.findings if one.severity == "error"]
    assert [one.code for one in errors] == [code]
    assert errors[0].path == "tincan.xml"
    assert errors[0].line


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (tincan(activity(), namespace="urn:x"), "xapi_namespace"),
        (tincan(activity(), namespace=""), "xapi_namespace"),
        (tincan(activity(launch="Index.html")), "launch_repaired"),
        (tincan(activity(kind="course")), "activity_type"),
        (tincan(activity(), activity("question", None)), "xapi_id_inside"),
        (tincan(activity(), activity(launch=None)), "identifier_repeated"),
        (tincan(activity(name="")), "title_missing"),
    ],
)
def test_what_is_mended_or_told(text: str, code: str) -> None:
    found = read(text)
    assert code in codes(found)
    assert found.is_importable
    assert found.units[0].launch == "index.html"


def test_a_name_is_found_where_there_is_none() -> None:
    found = read(tincan(activity(name="")))
    assert found.units[0].title == found.title == "https://example.com/a"


def test_many_faults_are_cut() -> None:
    found = read(tincan(*[activity(f"a{one}") for one in range(50)]))
    assert codes(found).count("xapi_id") == 20
    (rest,) = [one for one in found.findings if one.code == "more_findings"]
    assert "30" in rest.message


def test_another_root_is_refused() -> None:
    with pytest.raises(InvalidPackage) as caught:
        read("<activities/>")
    assert caught.value.extra["findings"][0].code == "xapi_root"
