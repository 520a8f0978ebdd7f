"""RFC 9110: which bytes, which version."""

import pytest

from player.views.ranges import etags, is_current, is_known, sections

SIZE = 1000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-499", [(0, 500)]),
        ("bytes=500-", [(500, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=990-5000", [(990, 1000)]),
        ("Bytes = 1-2", [(1, 3)]),
        ("bytes=0-1, 4-5,8-9 , 998-", [(0, 2), (4, 6), (8, 10), (998, 1000)]),
        ("bytes=0-1,5000-", [(0, 2)]),
        ("bytes=1000-", []),
        ("bytes=-0", []),
        ("bytes=0-1,2-3,4-5,6-7,8-9", None),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=1.5-2", None),
        ("bytes=٣-٤", None),
        ("bytes=0-" + "9" * 40, None),
        ("lines=0-1", None),
        ("0-1", None),
    ],
)
def test_sections(header: str | None, expected: list[tuple[int, int]] | None) -> None:
    found = sections(header, SIZE)
    shown = None if found is None else [(one.start, one.end) for one in found]
    assert shown == expected


@pytest.mark.parametrize(
    ("most", "header"),
    [(1, "bytes 990-990/1000"), (9, "bytes 990-998/1000"), (10, "bytes 990-999/1000")],
)
def test_a_section_may_be_cut(most: int, header: str) -> None:
    [one] = sections("bytes=990-", SIZE) or []
    assert one.up_to(most).header == header


def test_an_empty_file_has_no_section() -> None:
    assert sections("bytes=0-", 0) == []
    assert sections("bytes=-1", 0) == []


def test_the_header_counts_inclusively() -> None:
    [one] = sections("bytes=0-499", SIZE) or []
    assert one.header == "bytes 0-499/1000"


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b"', False),
        ("*", True),
        ("a", False),
        ('"A"', False),
    ],
)
def test_is_known(header: str | None, *, known: bool) -> None:
    assert is_known(header, '"a"') is known


def test_etags_keep_commas_inside_quotes() -> None:
    assert list(etags('"a,b", W/"c"')) == ['"a,b"', '"c"']


@pytest.mark.parametrize(
    ("header", "goes_on"),
    [
        ("*", True),
        ('"x", "y"', True),
        ('W/"x"', False),
        ('"y"', False),
        ("x", False),
    ],
)
def test_if_match_compares_strongly(header: str, *, goes_on: bool) -> None:
    assert is_current(header, '"x"') is goes_on
