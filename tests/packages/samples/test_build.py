from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from packages.check import check_package
from packages.samples.build import NAMES, build_sample, build_samples
from packages.samples.content import read_sample

if TYPE_CHECKING:
    from pathlib import Path

SPACES = {
    "ims": "http://www.imsproject.org/xsd/imscp_rootv1p1p2",
    "adlcp": "http://www.adlnet.org/xsd/adlcp_rootv1p2",
}
SCO = "{http://www.adlnet.org/xsd/adlcp_rootv1p2}scormtype"


def manifest(archive: zipfile.ZipFile) -> etree._Element:
    return etree.fromstring(archive.read("imsmanifest.xml"))


def test_build_samples_writes_every_course_with_the_same_bytes(tmp_path: Path) -> None:
    first = build_samples(tmp_path / "a" / "new")
    second = build_samples(tmp_path / "b")
    assert [path.name for path in first] == [f"{name}.zip" for name in NAMES]
    assert [path.read_bytes() for path in first] == [p.read_bytes() for p in second]


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_names_every_file_and_no_other(name: str) -> None:
    archive = zipfile.ZipFile(io.BytesIO(build_sample(name)))
    found = manifest(archive).findall(".//ims:file", SPACES)
    named = [file.get("href") for file in found]
    assert sorted(named) == sorted(set(archive.namelist()) - {"imsmanifest.xml"})
    assert archive.testzip() is None


@pytest.mark.parametrize(
    ("name", "units", "mastery"),
    [
        (
            "report-writing",
            ["pretest", "lesson-1", "lesson-2", "lesson-3", "posttest"],
            {"posttest": "80"},
        ),
        ("first-on-scene", ["course"], {"course": "80"}),
        ("calm-voice", ["briefing"], {"briefing": "80"}),
    ],
)
def test_the_organisation_lists_the_units(
    name: str, units: list[str], mastery: dict[str, str]
) -> None:
    archive = zipfile.ZipFile(io.BytesIO(build_sample(name)))
    tree = manifest(archive)
    resources = {
        row.get("identifier"): row for row in tree.findall(".//ims:resource", SPACES)
    }
    items = tree.findall(".//ims:item", SPACES)
    assert [item.get("identifier") for item in items] == units
    for item in items:
        resource = resources[item.get("identifierref")]
        assert resource.get(SCO) == "sco"
        assert resource.get("href") in archive.namelist()
    scores = {
        item.get("identifier"): item.findtext("adlcp:masteryscore", None, SPACES)
        for item in items
    }
    assert {unit: score for unit, score in scores.items() if score} == mastery


@pytest.mark.parametrize("name", NAMES)
def test_the_import_doctor_has_nothing_to_say(name: str) -> None:
    checked = check_package(io.BytesIO(build_sample(name)), filename=f"{name}.zip")
    assert checked.manifest.standard == "scorm_12"
    assert checked.manifest.findings == ()
    assert checked.manifest.title == read_sample(name).title
