"""Writes docs/conformance.md from the table: section, requirement, test.

`python -m tests.conformance.page` writes it anew; a test says when that is due.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.table import FILES, requirements
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.conformance.table import Requirement

PAGE = ROOT / "docs" / "conformance.md"
HEAD = """# Conformance: what is asked of a record store, and what tests it

Rollcall's record store speaks xAPI 1.0.3 and xAPI 2.0 (IEEE 9274.1.1). This page names,
section by section, what each version asks of a record store and which tests show that
it holds. It is written by `.venv/bin/python -m tests.conformance.page` from the tables
in `tests/conformance/`; `make test` runs every line of them on SQLite and on PostgreSQL,
in each version that asks for it. How to run ADL's public suite, which is another
opinion on the same, is in [developers.md](developers.md).

*Lines* are the requests of the table itself, run by
`tests/conformance/test_requirements.py::test_requirement` under the id in the first
column (`pytest -k <id>`). Other tests are named by file and function. Sections of 1.0.3
are those of its parts *Data* and *Communication*. "–" means that this version does not
ask for it.
"""


def page() -> str:
    """Give the text of the page."""
    listed = requirements()
    lines = [
        HEAD,
        f"{len(listed)} requirements, {sum(len(one.lines) for one in listed)} lines.",
    ]
    for title, part in (("Data", "Data"), ("Communication", "Communication")):
        inside = [one for one in listed if _part(one) == part]
        for heading, sections in (
            (f"## {title}: sections of xAPI 1.0.3", "one"),
            (f"## {title}: sections of xAPI 2.0", "two"),
        ):
            chosen = [one for one in inside if getattr(one, sections)]
            if sections == "two":
                lines += ["", heading, "", *_short(chosen)]
            else:
                lines += ["", heading, "", *_table(chosen)]
        only = [one for one in inside if not one.one]
        lines += ["", f"## {title}: asked by xAPI 2.0 alone", "", *_table(only)]
    return "\n".join(lines) + "\n"


def _part(one: Requirement) -> str:
    if one.one:
        return one.one.split()[0]
    return "Communication" if one.two.startswith("4.1") else "Data"


def _table(chosen: list[Requirement]) -> list[str]:
    return [
        "| id | 1.0.3 | 2.0 | requirement | tests |",
        "|---|---|---|---|---|",
        *(
            f"| {one.id} | {one.one.removeprefix(_part(one)).strip() or '–'} "
            f"| {one.two or '–'} | {one.text} | {_tests(one)} |"
            for one in sorted(chosen, key=lambda one: _order(one.one or one.two))
        ),
    ]


def _short(chosen: list[Requirement]) -> list[str]:
    """Give the sections of 2.0 with the ids of what they ask."""
    sections: dict[str, list[str]] = {}
    for one in sorted(chosen, key=lambda one: _order(one.two)):
        for section in one.two.split(", "):
            sections.setdefault(section, []).append(one.id)
    return [
        "| section | requirements |",
        "|---|---|",
        *(
            f"| {section} | {', '.join(sections[section])} |"
            for section in sorted(sections, key=_order)
        ),
    ]


def _order(section: str) -> list[int]:
    first, _, _ = section.partition(",")
    return [int(number) for number in re.findall(r"[0-9]+", first)]


def _tests(one: Requirement) -> str:
    named = [f"{len(one.lines)} lines"] if len(one.lines) > 1 else []
    named = ["1 line"] if len(one.lines) == 1 else named
    return "; ".join([*named, *(f"`{name}`" for name in one.tests)])


def main() -> None:
    """Write the page."""
    assert all((ROOT / "tests" / "conformance" / file).exists() for file in FILES)
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
