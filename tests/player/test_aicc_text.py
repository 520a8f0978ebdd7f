"""AICC data as units really post it."""

from __future__ import annotations

import time
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from player import aicc_text
from player.aicc_text import read_groups, read_request, read_table, write_groups

DATA = (
    "[Core]\r\nLesson_Location=3\r\nLesson_Status=C, S\r\nScore=80\r\nTime=00:01:00\r\n"
)

POSTED: list[tuple[str, bytes, tuple[str, str, str]]] = [
    (
        "as browsers do",
        urlencode(
            {"command": "PutParam", "session_id": "s1", "aicc_data": DATA}
        ).encode(),
        ("putparam", "s1", DATA),
    ),
    (
        "percent signs for blanks, names in capitals",
        f"COMMAND=putparam&SESSION_ID=s1&AICC_Data={quote(DATA)}".encode(),
        ("putparam", "s1", DATA),
    ),
    (
        "session escaped, command last",
        f"session_id=s%31&aicc_data={quote_plus(DATA)}&command=%50utParam".encode(),
        ("putparam", "s1", DATA),
    ),
    (
        "escaped twice",
        f"command=PutParam&session_id=s1&aicc_data={quote(quote(DATA))}".encode(),
        ("putparam", "s1", DATA),
    ),
    (
        "not escaped at all",
        (
            b"command=PutParam&session_id=s1&aicc_data=[Core]\r\nscore=8+1\r\n"
            b"lesson_location=a&b=c%20d&version=3\r\n"
        ),
        # what follows as a parameter of HACP is one, even there
        (
            "putparam",
            "s1",
            "[Core]\r\nscore=8+1\r\nlesson_location=a&b=c%20d",
        ),
    ),
    (
        "an ampersand that was not escaped",
        b"command=PutParam&session_id=s1&aicc_data=%5BCore%5D%0D%0Alesson_location=a&b",
        ("putparam", "s1", "[Core]\r\nlesson_location=a&b"),
    ),
    (
        "Latin-1",
        b"command=PutParam&session_id=s1&aicc_data=[Core_Lesson]%0AStra%DFe",
        ("putparam", "s1", "[Core_Lesson]\nStraße"),
    ),
    (
        "UTF-8",
        b"command=PutParam&session_id=s1&aicc_data=[Core_Lesson]%0AStra%C3%9Fe",
        ("putparam", "s1", "[Core_Lesson]\nStraße"),
    ),
    ("nothing", b"", ("", "", "")),
    ("no form", b"\xff\xfe\x00garbage", ("", "", "")),
    ("a name alone", b"command&session_id=s1", ("", "s1", "")),
    ("NUL", b"command=PutParam&aicc_data=a%00b", ("putparam", "", "ab")),
]


@pytest.mark.parametrize(
    ("body", "wanted"), [case[1:] for case in POSTED], ids=[case[0] for case in POSTED]
)
def test_requests(body: bytes, wanted: tuple[str, str, str]) -> None:
    found = read_request(body)
    assert (found.command, found.session_id, found.data) == wanted


def test_the_first_of_two_forms_counts() -> None:
    found = read_request(
        b"command=GetParam", b"command=ExitAU&version=4.0&AU_Password=x"
    )
    assert (found.command, found.version, found.password) == ("getparam", "4.0", "x")


def test_a_body_of_marks_alone_is_read_in_a_breath() -> None:
    started = time.process_time()
    said = read_request(b"command=PutParam&aicc_data=" + b"&" * 1_000_000)
    assert said.data == "&" * 1_000_000
    # a sixth of a second; ten when what was there was copied for each
    assert time.process_time() - started < 3


def test_a_text_is_kept_as_it_is() -> None:
    kept = '{"a": [1,\r\n[2]\r\n],\n\n"b": "=;"}\r\n\r\n  end '
    text = f"[core]\r\nscore=1\r\n[CORE_LESSON]\r\n{kept}\r\n[Core_Vendor]\r\nx"
    groups = read_groups(text)
    assert groups.texts["core_lesson"] == kept
    assert groups.texts["core_vendor"] == "x"
    assert groups.get("core", "score") == "1"
    assert groups.get("core", "time") is None


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_names_and_values(end: str) -> None:
    lines = [
        "ignored=1",
        "; a remark",
        " [ Core ] ",
        "; score=5",
        ' Score = "80, 100, 0" ',
        "score=9",
        "no pair",
        "=nameless",
        "[objectives status]",
        "J_ID.1=a=b",
        "[Unknown]",
        "still=here",
    ]
    groups = read_groups(end.join(lines))
    assert groups.values == {
        "core": {"score": "80, 100, 0"},
        "objectives_status": {"j_id.1": "a=b", "still": "here"},
    }


TABLES: list[tuple[str, str, list[dict[str, str]]]] = [
    ("named", '"B","a"\r\n"1, 2","3"\r\n', [{"b": "1, 2", "a": "3"}]),
    ("unnamed", '1,"2\n3"\n', [{"a": "1", "b": "2\n3"}]),
    ("blanks in names", "A , My  Column\n 1 , 2 \n", [{"a": "1", "my_column": "2"}]),
    ("short and long rows", "1\n\n2,3,4\n", [{"a": "1"}, {"a": "2", "b": "3"}]),
    ("careless quotes", 'a,b\n"1" x,2\n', [{"a": "1 x", "b": "2"}]),
    ("names alone", "a,b", []),
    ("nothing", "\r\n", []),
]


@pytest.mark.parametrize(
    ("text", "rows"), [case[1:] for case in TABLES], ids=[case[0] for case in TABLES]
)
def test_tables(text: str, rows: list[dict[str, str]]) -> None:
    assert read_table(text, ("a", "b")) == rows


def test_a_table_has_an_end() -> None:
    rows = read_table("1,2\n" * (aicc_text.MOST_ROWS + 10), ("a", "b"))
    assert len(rows) == aicc_text.MOST_ROWS + 1
    assert read_table('"' + "x" * 200_000, ("a",)) == []


def test_values_are_one_line() -> None:
    """Nobody's name can begin a group of its own."""
    text = write_groups({"Core": {"Student_Name": "A\r\n[Core]\nScore=100"}})
    assert text == "[Core]\r\nStudent_Name=A [Core] Score=100\r\n"


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_anything_is_read(body: bytes, query: bytes) -> None:
    found = read_request(query, body)
    groups = read_groups(found.data)
    read_table(found.data, ("a", "b"))
    assert set(groups.texts) == set(groups.values)


NAME = st.sampled_from(sorted(aicc_text.GROUPS))
PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n[%"))


@given(st.dictionaries(NAME, PLAIN, max_size=4))
def test_what_is_written_is_read_again(texts: dict[str, str]) -> None:
    form = urlencode({"command": "PutParam", "aicc_data": write_groups(texts)})
    if texts:
        assert read_groups(read_request(form.encode()).data).texts == texts
