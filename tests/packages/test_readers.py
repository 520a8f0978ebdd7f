"""Where a course begins, which standard it is, and what is refused."""

import io

import pytest

from packages.archive import open_archive
from packages.manifest import Manifest
from packages.readers import READERS, read_package
from statements.errors import InvalidPackage, UnsafeArchive
from tests.packages.make import NAMESPACES_2004, manifest, package
from tests.packages.test_cmi5 import au, course_structure

PAGE = "<!DOCTYPE html>"
COURSE = {"imsmanifest.xml": manifest(), "index.html": PAGE}
CMI5 = course_structure(au(url="index.html"))
TINCAN = (
    '<tincan xmlns="http://projecttincan.com/tincan.xsd"><activities>'
    '<activity id="urn:x"><name>Golf</name><launch>index.html</launch></activity></activities></tincan>'
)
AICC: dict[str, str | bytes] = {
    "course.CRS": "[Course]\nCourse_ID=c\nCourse_Title = First aid\nVersion = 4.0\n",
    "course.au": "System_ID,File_Name\nA1,index.html\n",
    "course.des": "System_ID,Title\nA1,Lesson\n",
    "course.cst": "Block,Member\nROOT,A1\n",
}


def read(files: dict[str, str | bytes], folder: str = "") -> Manifest:
    archive = open_archive(io.BytesIO(package(files, folder=folder)))
    return read_package(archive)[1]


def codes(found: Manifest) -> list[str]:
    return [finding.code for finding in found.findings]


def test_a_course_at_the_top() -> None:
    assert codes(read(dict(COURSE))) == []


@pytest.mark.parametrize("folder", ["course/", "a/b/c/"])
def test_a_course_in_a_folder(folder: str) -> None:
    files = {folder + name: text for name, text in COURSE.items()}
    found = read({**files, "__MACOSX/course/._index.html": b"x"})
    assert sorted(codes(found)) == ["left_out", "nested_root"]
    assert found.units[0].launch == "index.html"


def test_files_beside_the_course_are_left_out() -> None:
    archive = open_archive(
        io.BytesIO(
            package(
                {
                    "readme.txt": "x",
                    **{f"c/{name}": text for name, text in COURSE.items()},
                }
            )
        )
    )
    contents, found = read_package(archive)
    assert set(contents.files) == set(COURSE)
    assert sorted(codes(found)) == ["nested_root", "outside_root"]


def test_a_manifest_in_the_wrong_case() -> None:
    found = read({"IMSManifest.xml": manifest(), "index.html": PAGE})
    assert codes(found) == ["manifest_case"]
    both = read({"IMSMANIFEST.XML": "<a/>", **COURSE})
    assert found.units == both.units
    assert "manifest_case" not in codes(both)


def test_a_second_manifest_below_is_a_decoy() -> None:
    found = read({**COURSE, "old/imsmanifest.xml": "<broken"})
    assert codes(found) == ["manifest_inside"]
    assert found.title == "A course"


@pytest.mark.parametrize(
    ("files", "standard", "title"),
    [
        ({"cmi5.xml": CMI5}, "cmi5", "Geology"),
        ({"tincan.xml": TINCAN}, "xapi", "Golf"),
        (AICC, "aicc", "First aid"),
        (
            {
                "imsmanifest.xml": manifest(
                    version="2004 4th Edition", namespaces=NAMESPACES_2004
                ),
                "index.html": PAGE,
            },
            "scorm_2004",
            "A course",
        ),
    ],
)
def test_other_standards_are_imported(
    files: dict[str, str | bytes], standard: str, title: str
) -> None:
    found = read({**files, "index.html": PAGE})
    assert (found.standard, found.title) == (standard, title)
    assert found.is_importable
    assert [unit.launch for unit in found.units] == ["index.html"]


def test_files_of_aicc_may_lie_above_their_description() -> None:
    inner = {f"aicc/{name}": text for name, text in AICC.items()}
    found = read({**inner, "index.html": PAGE})
    assert [unit.launch for unit in found.units] == ["index.html"]
    assert "nested_root" not in codes(found)
    near = read({**inner, "index.html": PAGE, "aicc/index.html": PAGE})
    assert [unit.launch for unit in near.units] == ["aicc/index.html"]


def test_cmi5_stands_at_the_top_by_its_name() -> None:
    deep = read({"c/cmi5.xml": CMI5, "c/index.html": PAGE})
    assert "cmi5_not_at_top" in codes(deep)
    assert not deep.is_importable
    named = read({"Cmi5.xml": CMI5, "index.html": PAGE})
    assert "cmi5_file_name" in codes(named)
    assert not named.is_importable


def test_two_standards_in_one_package() -> None:
    found = read({**COURSE, "tincan.xml": TINCAN})
    assert found.standard == "scorm_12"
    assert codes(found) == ["also"]
    assert found.is_importable


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"index.html": PAGE}, "no_manifest"),
        ({"a/imsmanifest.xml": "x", "b/imsmanifest.xml": "x"}, "several_courses"),
        ({"course.zip": package({"imsmanifest.xml": manifest()})}, "inner_zip"),
        ({"a.zip": b"x", "b.zip": b"x"}, "inner_zip"),
        ({"course.cst": "Block,Member"}, "aicc_file_missing"),
        ({**COURSE, "__player/shell": "x"}, "reserved_name"),
        ({**COURSE, "__PLAYER/shell": "x"}, "reserved_name"),
        ({"imsmanifest.xml": b" " * (11 << 20)}, "xml_too_large"),
    ],
)
def test_what_is_no_course_is_refused(files: dict[str, str | bytes], code: str) -> None:
    with pytest.raises((InvalidPackage, UnsafeArchive)) as caught:
        read(files)
    assert caught.value.extra["findings"][0].code == code


def test_an_empty_archive_is_no_course() -> None:
    with pytest.raises(InvalidPackage):
        read({})


def test_every_standard_has_a_reader() -> None:
    names = {"SCORM", "cmi5", "xAPI (tincan.xml)", "AICC"}
    assert {reader.names for reader in READERS} == names
