"""Addresses of units: what they are, and what they never may be."""

import io

import pytest

from packages import addresses
from packages.addresses import Address
from packages.archive import open_archive
from packages.contents import Contents
from tests.packages.make import package


def contents(*names: str) -> Contents:
    data = package(dict.fromkeys(names, "x"))
    return Contents(open_archive(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("written", "forbidden", "web", "qualified", "url"),
    [
        ("https://example.com/a?b#c", False, True, True, True),
        ("HTTP://example.com", False, True, True, True),
        ("https://[::1]/", False, True, True, True),
        ("app://open/x", False, False, True, True),
        ("a/b.html", False, False, False, True),
        ("//example.com/x", False, False, False, True),
        ("https:///x", False, False, False, True),
        ("https://", False, False, False, True),
        ("https://[::1", False, False, False, False),
        ("https://a:b/", False, True, True, False),
        ("https://a/[x]", False, True, True, False),
        ("a b", False, False, False, False),
        ("a%2", False, False, False, False),
        ("", False, False, False, False),
        ("javascript:alert(1)", True, False, False, True),
        ("JavaScript://%0aalert(1)", True, False, True, True),
        ("data:text/html,x", True, False, False, True),
        ("file:///etc/passwd", True, False, False, True),
        ("https://a/" + "x" * 8000, False, False, False, False),
        ("app://a/" + "x" * 8000, False, False, False, False),
        ("view-source:https://a/", True, False, False, True),
    ],
)
def test_kinds(
    *, written: str, forbidden: bool, web: bool, qualified: bool, url: bool
) -> None:
    assert addresses.is_forbidden(written) is forbidden
    assert addresses.is_web(written) is web
    assert addresses.is_qualified(written) is qualified
    assert addresses.is_url(written) is url


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("a.html", Address("a.html", "")),
        ("a.html?x=1#y", Address("a.html", "?x=1#y")),
        ("a.html#y?z", Address("a.html", "#y?z")),
        ("a.html?x=é b", Address("a.html", "?x=%C3%A9%20b")),
        ("A.html", Address("a.html", "", exact=False)),
        ("q?.html", Address("q?.html", "")),
        ("/a.html", Address("a.html", "", exact=False)),
        ("?x", None),
        ("../a.html", None),
        ("javascript:x", None),
        ("./javascript:x", None),
        ("d/c.html", Address("d/c.html", "")),
    ],
)
def test_inside(written: str, found: Address | None) -> None:
    held = contents("a.html", "q?.html", "d/c.html", "javascript:x")
    assert addresses.inside(held, written) == found


def test_the_nearest_folder_comes_first() -> None:
    held = contents("d/a.html", "a.html", "b.html")
    assert addresses.inside(held, "a.html", "d/", "") == Address("d/a.html", "")
    assert addresses.inside(held, "b.html", "d/", "") == Address("b.html", "")
    assert addresses.inside(held, "../b.html", "d/") == Address("b.html", "")
    assert addresses.inside(held, "/a.html", "d/") == Address("a.html", "", exact=False)


def test_elsewhere_is_escaped() -> None:
    assert addresses.elsewhere("https://a/b c?d e#é") == Address(
        "https://a/b%20c", "?d%20e#%C3%A9"
    )


@pytest.mark.parametrize(
    ("written", "leaves"),
    [("../a", True), ("a/../../b", True), ("a/../b", False), ("..\\a", True)],
)
def test_leaving(*, written: str, leaves: bool) -> None:
    assert addresses.leaves(written) is leaves


@pytest.mark.parametrize(
    ("parameters", "added", "whole"),
    [
        ("", "", ""),
        ("", "a=b", "?a=b"),
        ("", "?a=b", "?a=b"),
        ("?x=1", "&a=b", "?x=1&a=b"),
        ("#y", "a=b c", "?a=b%20c#y"),
        ("?x=1#y", "a", "?x=1&a#y"),
        ("?x=1#y", " ", "?x=1#y"),
    ],
)
def test_a_query_grows(parameters: str, added: str, whole: str) -> None:
    assert addresses.with_query(parameters, added) == whole


def test_names_in_a_query() -> None:
    assert addresses.query_names("a?%61ctor=1&b&c=#d=e?f=g") == {"actor", "b", "c"}


def test_short_names_tell_iris_apart_and_stay() -> None:
    names = [
        addresses.short_name(iri)
        for iri in ("https://a/x/1", "https://b/x/1", "urn:x:1", "https://a/é", "///")
    ]
    assert len(set(names)) == len(names)
    assert names[0].startswith("1-")
    assert names[0] == addresses.short_name("https://a/x/1")
    assert all(len(name) <= 49 for name in names)
    assert len(addresses.short_name("urn:" + "y" * 500)) == 49
