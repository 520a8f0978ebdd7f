"""Elements by local name, and how many findings of a kind are kept."""

import io

import pytest

from packages.archive import open_archive
from packages.contents import Contents
from packages.elements import (
    MOST_OF_A_KIND,
    Book,
    attribute,
    base,
    child,
    children,
    language,
    text,
)
from packages.safexml import read_xml
from tests.packages.make import package

XML = b"""<m:a xmlns:m="urn:m" xml:lang="de" xml:base=" x/ ">
<B m:Key=" v "><c> one <d>two</d>
 three</c></B><b/></m:a>"""


def book(data: bytes = XML) -> Book:
    contents = Contents(open_archive(io.BytesIO(package({"a": "b"}))))
    return Book(contents, "m.xml", read_xml(data, path="m.xml").root)


def test_names_are_local_and_their_capitals_do_not_matter() -> None:
    root = book().root
    assert len(children(root, "b")) == 2
    found = child(root, "b", "C")
    assert text(found) == "one two three"
    assert text(found, 5) == "one t"
    assert child(root, "b", "x", "y") is None
    assert attribute(root[0], "key") == "v"
    assert attribute(root[0], "none") == ""
    assert (base(root), base(root[0]), base(None)) == ("x/", "", "")
    assert (language(found), language(None)) == ("de", "")
    assert (children(None, "b"), text(None)) == ([], "")


@pytest.mark.parametrize(("times", "kept"), [(3, 3), (MOST_OF_A_KIND, MOST_OF_A_KIND)])
def test_findings_are_kept_with_their_line(times: int, kept: int) -> None:
    one = book()
    for _ in range(times):
        one.note("item_empty", one.root[0], title="x")
    assert [found.line for found in one.findings] == [2] * kept
    assert not one.has_error


def test_a_fault_a_thousand_times_is_told_a_few_times() -> None:
    one = book()
    for _ in range(1000):
        one.note("item_empty", None, title="x")
        one.note("no_units", one.root)
    found = [finding.code for finding in one.findings]
    assert found.count("item_empty") == found.count("no_units") == MOST_OF_A_KIND
    assert found[-1] == "more_findings"
    assert str(2000 - 2 * MOST_OF_A_KIND) in one.findings[-1].message
    assert one.has_error
