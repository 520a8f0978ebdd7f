"""The table of findings: complete, used, and safe to show."""

import re
from pathlib import Path

import pytest

from packages import findings
from packages.findings import finding, rows
from statements.errors import InvalidPackage, UnsafeArchive

SOURCES = "".join(
    path.read_text() for path in Path(findings.__file__).parent.glob("*.py")
)


@pytest.mark.parametrize("code", rows())
def test_every_row_is_whole_and_used(code: str) -> None:
    row = rows()[code]
    assert set(row) - {"lenient", "strict"} == {"severity", "message", "advice"}
    assert row["severity"] in {"error", "warning", "repair", "info"}
    if "lenient" in row:
        assert (row["severity"], row["lenient"]) in {
            ("error", "warning"),
            ("error", "repair"),
        }
    if row["severity"] == "repair":
        # strict mode refuses it: there is something to do
        assert "Nothing to do" not in row.get("strict", row["advice"])
        assert "{" not in row.get("strict", "")
    else:
        assert "strict" not in row
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", code)
    assert row["message"].endswith((".", "”.", "}"))
    assert f'"{code}"' in SOURCES


def test_every_code_in_use_has_a_row() -> None:
    used = re.findall(
        r'(?:finding|note|refuse|refuse_as_unsafe)\(\s*"([a-z0-9_]+)"', SOURCES
    )
    assert len(used) > 40
    assert set(used) <= set(rows())


def test_words_from_packages_are_cut_and_cleaned() -> None:
    made = finding("nested_root", folder="a\x1b[31m\n" + "b" * 500, path="x\0y")
    assert "\x1b" not in made.message
    assert "\n" not in made.message
    assert len(made.message) < 250
    assert made.path == "x\N{REPLACEMENT CHARACTER}y"


def test_braces_in_words_are_only_text() -> None:
    assert "{0.__class__}" in finding("nested_root", folder="{0.__class__}").message


def test_refusals_carry_their_finding() -> None:
    with pytest.raises(InvalidPackage) as invalid:
        findings.refuse("empty_file")
    with pytest.raises(UnsafeArchive) as unsafe:
        findings.refuse_as_unsafe("zip_overlap", path="a")
    assert invalid.value.extra["findings"] == (finding("empty_file"),)
    assert unsafe.value.extra["findings"] == (finding("zip_overlap", path="a"),)


def test_authors_can_look_up_every_finding() -> None:
    page = Path(findings.__file__).parent.parent / "docs" / "authors.md"
    told = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page.read_text(), re.MULTILINE))
    assert told == {code: row["severity"] for code, row in rows().items()}
