"""Metadata of both bindings, inside the manifest and beside it."""

import io

import pytest

from packages.archive import open_archive
from packages.contents import Contents
from packages.elements import Book
from packages.lom import Metadata, read_description, read_metadata
from packages.safexml import read_xml
from statements.errors import UnsafeArchive
from tests.packages.make import package

IMS = """<lom xmlns="http://www.imsglobal.org/xsd/imsmd_rootv1p2p1"><general>
<title><langstring xml:lang="en-GB">Golf</langstring>
<langstring xml:lang="fr">Le golf</langstring></title><language>en</language>
<description><langstring>How to
 play.</langstring></description>
<keyword><langstring>clubs</langstring></keyword>
<keyword><langstring>greens, clubs</langstring></keyword></general>
<lifecycle><version><langstring>3.2</langstring></version>
<contribute><role><source><langstring>LOMv1.0</langstring></source>
<value><langstring xml:lang="x-none">Author</langstring></value></role>
<centity><vcard>BEGIN:vCard FN:Ann Author END:vCard</vcard></centity></contribute>
<contribute><role><value><langstring>Publisher</langstring></value></role>
<centity><vcard>BEGIN:VCARD
VERSION:3.0
N:Press;Golf
FN:Golf Press
ORG:Golf Press\\, Ltd.;Books
END:VCARD</vcard></centity></contribute></lifecycle>
<educational><typicallearningtime><datetime>01:30:00</datetime></typicallearningtime>
</educational></lom>"""

IEEE = """<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general>
<title><string language="en-GB">Golf</string></title>
<description><string>How to play.</string></description>
<keyword><string>clubs</string><string>greens</string></keyword></general>
<lifeCycle><version><string>3.2</string></version>
<contribute><role><value>publisher</value></role>
<entity>BEGIN:VCARD&#10;FN:Ann Author&#10;ORG:Golf Press\\, Ltd.;Books&#10;END:VCARD</entity>
</contribute></lifeCycle>
<educational><typicalLearningTime><duration>PT1H30M</duration></typicalLearningTime>
</educational></lom>"""

WHOLE = Metadata(
    title="Golf",
    language="en-GB",
    description="How to play.",
    keywords=("clubs", "greens"),
    typical_duration="PT1H30M",
    version="3.2",
    publisher="Golf Press, Ltd. Books",
)


def book(inside: str, root: str = "", **files: str | bytes) -> Book:
    text = f"<manifest {root}><metadata>{inside}</metadata></manifest>"
    data: dict[str, str | bytes] = {"m.xml": text}
    data |= {name.replace("__", "/") + ".xml": value for name, value in files.items()}
    contents = Contents(open_archive(io.BytesIO(package(data))))
    return Book(contents, "m.xml", read_xml(text.encode(), path="m.xml").root)


def read(
    inside: str, root: str = "", **files: str | bytes
) -> tuple[Metadata, list[str]]:
    one = book(inside, root, **files)
    found = read_metadata(one, one.root)
    return found, [finding.code for finding in one.findings]


@pytest.mark.parametrize("lom", [IMS, IEEE])
def test_both_bindings(lom: str) -> None:
    assert read(lom) == (WHOLE, [])
    assert read_description(book(lom).root) == "How to play."


@pytest.mark.parametrize("root", ["", 'xml:base="about/"'])
def test_a_file_beside(root: str) -> None:
    files = {"about__lom": IEEE}
    where = "<location>about/lom.xml</location>"
    assert read(where, **files) == (WHOLE, [])
    assert (
        read("<location>lom.xml</location>", 'xml:base="about/"', **files)[0] == WHOLE
    )
    assert read(where, root, **files)[0] == WHOLE


@pytest.mark.parametrize("data", ["<lom", "", b"\x00\x01"])
def test_a_missing_or_broken_file_beside_is_noted(data: str | bytes) -> None:
    where = "<location>lom.xml</location>"
    assert read(where, lom=data) == (Metadata(), ["metadata_missing"])
    assert read(where) == (Metadata(), ["metadata_missing"])
    assert read("<location/>") == (Metadata(), [])


def test_an_unsafe_file_beside_refuses_the_package() -> None:
    with pytest.raises(UnsafeArchive):
        read("<location>a.xml</location>", a="<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")


def test_inside_comes_before_beside() -> None:
    inside = "<lom><general><title>Inside</title></general></lom>"
    found, _ = read(inside + "<location>lom.xml</location>", lom=IEEE)
    assert (found.title, found.language) == ("Inside", "en-GB")
    assert found.version == "3.2"


@pytest.mark.parametrize(
    ("said", "duration", "codes"),
    [
        ("PT30M", "PT30M", []),
        ("pt1h", "PT1H", []),
        ("P1DT2H", "P1DT2H", []),
        ("00:45", "PT45M", []),
        ("0000:00:00", "PT0S", []),
        ("", "", []),
        ("PT", "", []),
        ("half an hour", "", ["learning_time"]),
        ("P", "", []),
        ("12:99:00", "", ["learning_time"]),
    ],
)
def test_how_long_it_takes(said: str, duration: str, codes: list[str]) -> None:
    lom = IEEE.replace("PT1H30M", said)
    found, noted = read(lom)
    assert (found.typical_duration, noted) == (duration, codes)


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("en", "en"),
        ("x-none", ""),
        ("none", ""),
        ("English (UK)", ""),
        ("zh-Hant", "zh-Hant"),
    ],
)
def test_languages_by_their_shape(said: str, language: str) -> None:
    assert read(IEEE.replace("en-GB", said))[0].language == language


def test_much_of_everything_is_cut() -> None:
    words = "".join(f"<string>{n}{'x' * 200}</string>" for n in range(99))
    lom = IEEE.replace("<string>clubs</string>", words).replace("How to", "How " * 4000)
    found, _ = read(lom)
    assert len(found.keywords) == 50
    assert max(map(len, found.keywords)) == 100
    assert len(found.description) == 4000


def test_or_else_takes_only_what_is_missing() -> None:
    found = Metadata(title="A", version="1").or_else(WHOLE)
    assert (found.title, found.version, found.publisher) == ("A", "1", WHOLE.publisher)
