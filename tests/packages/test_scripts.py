"""What scripts and pages give away."""

import io

import pytest

from packages import scripts
from packages.archive import open_archive
from packages.check import check_package
from packages.contents import Contents
from packages.scripts import Scripts, read_scripts
from tests.packages.make import START_PAGE, Item, course, package

QUIET = "<!DOCTYPE html><title>Quiet</title>"


def look(files: dict[str, str | bytes]) -> Scripts:
    return read_scripts(Contents(open_archive(io.BytesIO(package(files)))))


@pytest.mark.parametrize(
    ("files", "reports"),
    [
        ({"a.html": START_PAGE}, True),
        ({"a.html": QUIET, "b.js": "x.LMSSetValue(1)"}, True),
        ({"a.html": QUIET, "b.txt": "LMSSetValue"}, False),
        ({"a.html": QUIET, "b.js": "myLMSSetValues()"}, False),
        ({"a.html": QUIET}, False),
        ({"a.html": QUIET, "movie.swf": b"x"}, None),
        ({"a.html": START_PAGE, "movie.swf": b"x"}, True),
    ],
)
def test_whether_anything_reports(
    files: dict[str, str | bytes],
    reports: bool | None,  # noqa: FBT001
) -> None:
    assert look(files).reports is reports


def test_large_files_leave_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "_FILE_BYTES", 50)
    assert look({"a.html": QUIET, "b.js": " " * 60}).reports is None
    monkeypatch.setattr(scripts, "_FILE_BYTES", 99)
    monkeypatch.setattr(scripts, "_TOTAL_BYTES", 70)
    assert look({"a.html": QUIET, "b.js": " " * 60}).reports is None


@pytest.mark.parametrize(
    ("page", "hosts"),
    [
        ('<script src="https://cdn.example/x.js">', {"cdn.example"}),
        ("<link rel=stylesheet href='//Fonts.example/a.css'>", {"fonts.example"}),
        ('<img alt="a" src = "http://pictures.example/a.png">', {"pictures.example"}),
        ("<iframe src=https://video.example/1>", {"video.example"}),
        ("<style>@import 'https://a.example/b.css'</style>", {"a.example"}),
        ("<p style=\"background: url('//b.example/c.png')\">", {"b.example"}),
        ('<a href="https://links.example/">', set()),
        ('<script src="local.js">', set()),
        ('<script>var home = "https://text.example/";</script>', set()),
        ('<html xmlns="http://www.w3.org/1999/xhtml">', set()),
        ("<script " * 20_000, set()),
    ],
)
def test_what_is_loaded_from_elsewhere(page: str, hosts: set[str]) -> None:
    assert look({"a.html": page}).hosts == hosts
    assert look({"a.js": page}).hosts == set()


def test_style_sheets_load_too() -> None:
    sheet = "@font-face { src: url(https://fonts.example/a.woff2) } /* LMSFinish */"
    found = look({"a.css": sheet})
    assert (found.hosts, found.reports) == ({"fonts.example"}, False)


def test_names_that_look_like_tests() -> None:
    found = look({"a.js": """'cmi.objectives' "pretest" 'Post-Test_2' "posted" "x" """})
    assert found.records
    assert found.names == {"pretest", "Post-Test_2"}


def codes(data: bytes) -> list[str]:
    checked = check_package(io.BytesIO(data), filename="a.zip")
    return [one.code for one in checked.manifest.findings]


def test_an_author_is_told() -> None:
    page = QUIET + '<script src="https://cdn.example/x.js"></script>'
    quiet: dict[str, str | bytes] = {"index.html": page}
    assert codes(course(files=quiet)) == ["never_reports", "other_servers"]
    pages = course(Item(kind="asset"), files=quiet)
    assert codes(pages) == ["only_pages", "other_servers"]
    assert codes(course(Item("a"), Item("b", kind="asset"))) == []
    assert codes(course()) == []
