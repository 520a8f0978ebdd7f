"""The doctor: any file gets an answer, in words and as SARIF."""

import hashlib
import io
import json

import pytest

from packages.check import check_package, digest, sarif, verified
from tests.packages.make import START_PAGE, Entry, Item, Zip, course, manifest, package
from tests.packages.test_cmi5 import au, course_structure


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (course(), []),
        (b"", ["empty_file"]),
        (b"\x89PNG", ["not_a_package"]),
        (b"<a", ["xml_malformed"]),
        (b"<html/>", ["not_a_package"]),
        (manifest().encode(), ["manifest_alone"]),
        (b"<tincan/>", ["manifest_alone"]),
        (b"<courseStructure>", ["xml_malformed"]),
        (package({"a": "x"}), ["no_manifest"]),
        (course()[:200], ["zip_damaged"]),
    ],
)
def test_any_file_gets_an_answer(data: bytes, codes: list[str]) -> None:
    checked = check_package(io.BytesIO(data), filename="x.zip")
    assert [one.code for one in checked.manifest.findings] == codes
    assert checked.manifest.is_importable == (not codes)
    assert (checked.contents is None) == bool(codes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_course_structure_of_cmi5_needs_no_zip(encoding: str) -> None:
    text = course_structure(au(url="https://example.com/a/?x=1#two"))
    checked = check_package(io.BytesIO(text.encode(encoding)), filename="c.xml")
    assert checked.manifest.is_importable
    assert checked.manifest.units[0].address == "https://example.com/a/?x=1#two"
    assert checked.contents is not None
    assert list(checked.contents.files) == ["cmi5.xml"]
    assert checked.contents.open("cmi5.xml").read() == text.encode(encoding)
    assert verified(checked) is checked
    codes = {one.code for one in checked.manifest.findings}
    assert "unit_elsewhere" in codes


def test_alone_every_address_is_full() -> None:
    for url in ("index.html", "cmi5.xml", "/index.html", "a/b.html?c=d"):
        data = course_structure(au(url=url)).encode()
        found = check_package(io.BytesIO(data), filename="c.xml").manifest
        assert [one.code for one in found.findings if one.severity == "error"] == [
            "cmi5_url_relative"
        ]


@pytest.mark.parametrize(
    ("files", "code", "severity"),
    [
        (
            {
                "cmi5.xml": course_structure(
                    au(), namespace="http://www.aicc.org/2012/01/cmi5"
                )
            },
            "cmi5_draft",
            "warning",
        ),
        (
            {"cmi5.xml": course_structure(au(), namespace="")},
            "cmi5_namespace",
            "warning",
        ),
        ({"c/cmi5.xml": course_structure(au())}, "cmi5_not_at_top", "repair"),
        ({"CMI5.xml": course_structure(au())}, "cmi5_file_name", "repair"),
        (
            {"cmi5.xml": course_structure(au(url="INDEX.html"))},
            "cmi5_url_differs",
            "repair",
        ),
        (
            {"cmi5.xml": course_structure(au(inside="<x/>"))},
            "cmi5_unexpected",
            "warning",
        ),
    ],
)
def test_leniency_is_asked_for(
    files: dict[str, str | bytes], code: str, severity: str
) -> None:
    page = "c/index.html" if "c/cmi5.xml" in files else "index.html"
    data = package({**files, page: START_PAGE})
    strict = check_package(io.BytesIO(data), filename="c.zip").manifest
    assert [one.code for one in strict.findings if one.severity == "error"] == [code]
    lenient = check_package(io.BytesIO(data), filename="c.zip", lenient=True).manifest
    assert lenient.is_importable
    assert [one.code for one in lenient.findings if one.severity == severity] == [code]
    assert [unit.launch for unit in lenient.units] == ["index.html"]


def test_leniency_takes_nothing_that_changes_the_meaning() -> None:
    twice = au("https://example.com/1") + au("https://example.com/1")
    data = package({"cmi5.xml": course_structure(twice), "index.html": START_PAGE})
    lenient = check_package(io.BytesIO(data), filename="c.zip", lenient=True).manifest
    assert not lenient.is_importable


def test_a_refused_course_still_shows_what_it_is() -> None:
    data = package({"imsmanifest.xml": manifest(title="T")})
    checked = check_package(io.BytesIO(data), filename="x.zip", strict=True)
    assert checked.manifest.title == "T"
    assert [one.code for one in checked.manifest.findings] == ["launch_missing"]


def test_strict_refuses_repairs() -> None:
    data = course(Item(href="index.html"), version=None)
    kind = check_package(io.BytesIO(data), filename="x.zip").manifest
    strict = check_package(io.BytesIO(data), filename="x.zip", strict=True).manifest
    assert kind.is_importable
    assert not strict.is_importable
    assert [one.code for one in strict.findings] == ["version_missing"]
    assert "Nothing to do" in kind.findings[0].advice
    assert strict.findings[0].advice.startswith("Say the version in the metadata")


def test_verifying_unpacks_every_file() -> None:
    good = check_package(io.BytesIO(course()), filename="x.zip")
    assert verified(good) is good
    none = check_package(io.BytesIO(b"x"), filename="x.zip")
    assert verified(none) is none
    data = bytes(
        Zip(
            [
                Entry("imsmanifest.xml", manifest().encode()),
                Entry("index.html", START_PAGE.encode()),
                Entry("late.mp4", crc=7),
            ]
        )
    )
    hidden = check_package(io.BytesIO(data), filename="x.zip")
    assert hidden.manifest.is_importable
    found = verified(hidden).manifest
    assert [one.code for one in found.findings] == ["zip_size_differs"]


def test_digest() -> None:
    data = course()
    assert digest(io.BytesIO(data)) == (hashlib.sha256(data).hexdigest(), len(data))


def test_sarif_names_rule_place_and_line() -> None:
    data = course(Item(files=["no picture.png"]))
    checked = check_package(io.BytesIO(data), filename="my course.zip")
    log = sarif(checked, filename="my course.zip", version="1")
    assert log["version"] == "2.1.0"
    json.dumps(log)
    (run,) = log["runs"]
    (result,) = run["results"]
    assert result["ruleId"] == "files_missing"
    assert result["level"] == "warning"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20course.zip/imsmanifest.xml"
    assert place["region"]["startLine"] > 1
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["files_missing"]
