"""Titles of packages that are recognised and not run yet."""

import io

import pytest

from packages.archive import open_archive
from packages.contents import Contents
from packages.later import read_aicc, read_cmi5, read_tincan
from packages.manifest import Manifest
from statements.errors import InvalidPackage
from tests.packages.make import package

READ = {"cmi5.xml": read_cmi5, "tincan.xml": read_tincan, "a.crs": read_aicc}


def read(name: str, text: str) -> Manifest:
    opened = open_archive(io.BytesIO(package({name: text})))
    return READ[name](Contents(opened), name)


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        (
            "cmi5.xml",
            (
                "<courseStructure><course><title><langstring> A\n course </langstring>"
                "<langstring>Un cours</langstring></title></course></courseStructure>"
            ),
            "A course",
        ),
        ("cmi5.xml", "<courseStructure/>", ""),
        (
            "tincan.xml",
            (
                "<tincan><activities><activity><name>A &amp; B</name></activity>"
                "<activity><name>C</name></activity></activities></tincan>"
            ),
            "A & B",
        ),
        ("tincan.xml", "<tincan/>", ""),
        (
            "a.crs",
            "[course]\r\nversion=4\r\n COURSE_TITLE = First aid \r\n",
            "First aid",
        ),
        ("a.crs", "[course]\nCourse_Title=Помощь\n", "Помощь"),
        ("a.crs", "[course]\n", ""),
    ],
)
def test_titles(name: str, text: str, title: str) -> None:
    found = read(name, text)
    assert found.title == title
    assert found.units == ()
    assert found.standard is not None


def test_a_broken_description_is_refused() -> None:
    with pytest.raises(InvalidPackage):
        read("cmi5.xml", "<courseStructure>")
