"""The doctor: any file gets an answer, in words and as SARIF."""

import hashlib
import io
import json

import pytest

from packages.check import check_package, digest, sarif, verified
from tests.packages.make import START_PAGE, Entry, Item, Zip, course, manifest, package
from tests.packages.test_readers import CMI5


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (course(), []),
        (b"", ["empty_file"]),
        (b"\x89PNG", ["not_a_package"]),
        (b"<a", ["xml_malformed"]),
        (b"<html/>", ["not_a_package"]),
        (manifest().encode(), ["manifest_alone"]),
        (CMI5.encode(), ["standard_later"]),
        (b"\xef\xbb\xbf" + CMI5.encode(), ["standard_later"]),
        (CMI5.encode("utf-16"), ["standard_later"]),
        (package({"a": "x"}), ["no_manifest"]),
        (course()[:200], ["zip_damaged"]),
    ],
)
def test_any_file_gets_an_answer(data: bytes, codes: list[str]) -> None:
    checked = check_package(io.BytesIO(data), filename="x.zip")
    assert [one.code for one in checked.manifest.findings] == codes
    assert checked.manifest.is_importable == (not codes)
    assert (checked.contents is None) == bool(codes)


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
