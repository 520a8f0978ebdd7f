"""Text files of AICC in every shape that tools write them in."""

import pytest

from packages.aicc_files import decode, read_course, read_table
from statements.errors import InvalidPackage

TEXT = "[Course]\nCourse_Title=Éa\n"


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (TEXT.encode(), []),
        (TEXT.replace("\n", "\r\n").encode(), []),
        (TEXT.replace("\n", "\r").encode(), []),
        (TEXT.encode("utf-8-sig"), ["text_mark"]),
        (TEXT.encode("utf-16"), ["text_mark"]),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), ["text_mark"]),
        (TEXT.encode("utf-16-le"), []),
        (TEXT.encode("utf-16-be"), []),
        (TEXT.encode("cp1252"), ["text_encoding"]),
        (TEXT.encode() + b"\0", []),
    ],
)
def test_encodings(data: bytes, codes: list[str]) -> None:
    text, findings = decode(data, path="a.crs")
    assert text == TEXT
    assert [one.code for one in findings] == codes


def test_a_wrong_letter_names_its_line() -> None:
    _, (found,) = decode(b"a\nb\n\xe9\n", path="a.des")
    assert (found.line, found.path) == (3, "a.des")


def test_a_course_file() -> None:
    course = read_course(
        "; a comment\nx=lost\n[ course ]\nCOURSE_ID = a=b \n;Course_Title=no\n"
        'Course_Title = "First aid"\ncourse_title=second\nnothing\n'
        "[Course Behavior]\nMax_Normal=9\n[Course_Description]\nOne = 1\n\nTwo\n\n"
    )
    assert course.get("course", "course_id") == "a=b"
    assert course.get("course", "course_title") == "First aid"
    assert course.get("course_behavior", "max_normal") == "9"
    assert course.get("none", "none") == ""
    assert course.texts["course_description"] == "One = 1\n\nTwo"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("A,B\n1,2\n", [("1", "2")]),
        ('"a" , "b"\n"1","2"', [("1", "2")]),
        ("B,A\n2,1", [("1", "2")]),
        ('A,B\n"1, and more","say ""x"""\n', [("1, and more", 'say "x"')]),
        ('A,B\n"one\ntwo",2\n', [("one\ntwo", "2")]),
        ("A,B\n\n , \n1\n", [("1", "")]),
        ("a  ,A,B\nx,1,2\n", [("x", "2")]),
        ("", []),
        ("A,B", []),
    ],
)
def test_tables(text: str, rows: list[tuple[str, str]]) -> None:
    table, findings = read_table(text, path="a.au")
    assert [(row.get("a"), row.get("b")) for row in table.rows] == rows
    # a quotation mark before a blank is not as the book says, and understood
    assert {one.code for one in findings} <= {"aicc_quotes"}


def test_columns_are_found_by_any_of_their_names() -> None:
    table, _ = read_table("System ID,Title\nA1,x,y,,z\n", path="a.des")
    (row,) = table.rows
    assert row.get("none", "system_id") == "A1"
    assert row.after(1) == ("x", "y", "z")
    assert row.get("none") == ""


def test_rows_know_their_lines() -> None:
    table, _ = read_table('A,B\n"x\ny",1\n\nz,2\n', path="a.des")
    assert [row.line for row in table.rows] == [2, 5]


def test_careless_quotes_are_read_and_told() -> None:
    for text in ('A,B\n"1"x,2\n', 'A,B\n1,"2\n'):
        table, findings = read_table(text, path="a.au")
        assert [one.code for one in findings] == ["aicc_quotes"]
        assert len(table.rows) == 1


def test_the_first_row_may_be_data() -> None:
    table, _ = read_table("ROOT,A1\nB1,A2\n", path="a.cst")
    plain = table.without_names()
    assert [row.values for row in plain.rows] == [("ROOT", "A1"), ("B1", "A2")]


@pytest.mark.parametrize(
    "text",
    [
        "A\n" + "1\n" * 20_001,
        "," * 400_001 + "x",
        "A,B\n" + "x" * 200_000 + ",y\n",
    ],
)
def test_what_is_too_much_is_refused(text: str) -> None:
    with pytest.raises(InvalidPackage) as caught:
        read_table(text, path="a.au")
    assert caught.value.extra["findings"][0].code == "aicc_table"
