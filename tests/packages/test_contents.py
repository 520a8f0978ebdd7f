"""Names that manifests write, and the files they mean."""

import io

import pytest

from packages.archive import open_archive
from packages.contents import Contents
from statements.errors import InvalidPackage
from tests.packages.make import package


def contents(*names: str, root: str = "") -> Contents:
    data = package({name: name for name in names})
    return Contents(open_archive(io.BytesIO(data)), root)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("a.html", ("a.html", True)),
        ("./a.html", ("a.html", True)),
        ("b/../a.html", ("a.html", True)),
        ("b%20c.html", ("b c.html", True)),
        ("b c.html", ("b c.html", True)),
        ("A.HTML", ("a.html", False)),
        ("d\\e.html", ("d/e.html", False)),
        ("/a.html", ("a.html", False)),
        ("  a.html", ("a.html", True)),
        ("e\u0301.html", ("é.html", True)),
        ("Twin.html", None),
        ("", None),
        (".", None),
        ("..", None),
        ("../a.html", None),
        ("b/../../a.html", None),
        ("%2e%2e/a.html", None),
        ("d", None),
    ],
)
def test_find(written: str, found: tuple[str, bool] | None) -> None:
    names = ["a.html", "b c.html", "d/e.html", "é.html", "twin.html", "TWIN.html"]
    assert contents(*names).find(written) == found


def test_a_root_hides_what_lies_beside() -> None:
    inside = contents("c/a.html", "b.html", root="c/")
    assert set(inside.files) == {"a.html"}
    assert inside.open("a.html").read() == b"c/a.html"
    assert inside.find("../b.html") is None


def test_read_of_a_missing_file_is_refused() -> None:
    with pytest.raises(InvalidPackage):
        contents("a").read("b")
