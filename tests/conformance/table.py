"""The table of requirements: what each section of xAPI asks of a record store.

`data.toml` and `communication.toml` hold one entry per requirement: `one` and `two`
name its section in xAPI 1.0.3 and in xAPI 2.0 (IEEE 9274.1.1; absent where a version
does not ask for it), `text` says it in plain words, `try` holds the lines that test it
and `tests` names tests elsewhere that do.

A line is a request and what must be answered:

    METHOD address [Header: value] body -> status [Header: pattern] {"member": value}

Addresses are below /xapi/ unless they begin with a slash. The body is JSON, `raw` and
any text, `hex` and bytes, or the name of a statement (`full`, `small`, …) with the
changes made to it: {"actor.mbox": "x"}, where "<gone>" removes a member. `many` makes a
list of `small` statements of a list of changes, `multipart` one with an attachment. Of the answer, each header must match
its pattern ([Header: -] must be absent), and the JSON must have the members named:
"~pattern" matches text, "<gone>" must be absent, [] is an empty list.

Named groups of patterns are kept: <name> stands for them in later lines, <1> to <9> for
ids of this test, <agent> and <activity> for the ones mostly used. [as: scope, scope]
calls with a credential of those scopes, [as: nobody] with none. `refused …` posts a
statement that must be answered 400 and leave nothing; `accepted …` posts one that must
be stored and read back.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).parent
FILES = ("data.toml", "communication.toml")
VERSIONS = {"one": "1.0.3", "two": "2.0.0"}
HEADER = r" \[(?P<name>[A-Za-z][A-Za-z-]*): (?P<value>[^\]]*)\]"
LINE = re.compile(r"(?P<method>[A-Z]+) (?P<address>\S+)(?P<sent>.*?) -> (?P<want>.+)")
WANT = re.compile(r"(?P<status>[0-9]{3})(?P<rest>.*)")


@dataclass(frozen=True)
class Requirement:
    """One requirement, with the lines that try it."""

    id: str
    text: str
    one: str
    two: str
    lines: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def versions(self) -> list[str]:
        """The versions that ask for it."""
        return [VERSIONS[name] for name in VERSIONS if getattr(self, name)]


@dataclass(frozen=True)
class Request:
    """A line, taken apart."""

    method: str
    address: str
    headers: dict[str, str]
    body: str
    status: int
    wanted_headers: dict[str, str]
    wanted: str


def requirements() -> list[Requirement]:
    """Give all of them, in the order of the files."""
    return [
        Requirement(
            id=given["id"],
            text=given["text"],
            one=given.get("one", ""),
            two=given.get("two", ""),
            lines=tuple(
                line.strip()
                for line in given.get("try", "").splitlines()
                if line.strip()
            ),
            tests=tuple(given.get("tests", ())),
        )
        for file in FILES
        for given in tomllib.loads((FOLDER / file).read_text("utf-8"))["requirement"]
    ]


def read_line(line: str) -> Request:
    """Take a line of a request apart."""
    match = LINE.fullmatch(line)
    assert match, f"not a request: {line}"
    headers, body = _headers(match["sent"])
    want = WANT.fullmatch(match["want"])
    assert want, f"not an answer: {line}"
    wanted_headers, wanted = _headers(want["rest"])
    return Request(
        match["method"],
        match["address"],
        headers,
        body,
        int(want["status"]),
        wanted_headers,
        wanted,
    )


def _headers(text: str) -> tuple[dict[str, str], str]:
    """Give the headers that a text begins with, and the rest of it."""
    found = {}
    while match := re.match(HEADER, text):
        found[match["name"]] = match["value"]
        text = text[match.end() :]
    return found, text.strip()


def matches(got: Any, wanted: Any, kept: dict[str, str]) -> bool:
    """Whether an answer has what is wanted of it; keeps what patterns name."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            name not in got
            if item == "<gone>"
            else name in got and matches(got[name], item, kept)
            for name, item in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(got, list)
            and len(got) == len(wanted)
            and all(matches(g, w, kept) for g, w in zip(got, wanted, strict=True))
        )
    if isinstance(wanted, str) and wanted.startswith("~"):
        return isinstance(got, str) and found(wanted[1:], got, kept)
    return type(got) is type(wanted) and bool(got == wanted)


def found(pattern: str, text: str, kept: dict[str, str]) -> bool:
    """Whether the whole text matches; keeps what the pattern names."""
    match = re.fullmatch(pattern, text, re.DOTALL)
    if match is None:
        return False
    kept.update(match.groupdict())
    return True


def encoded(pairs: Sequence[tuple[str, ...]]) -> str:
    """Give the query of an address."""
    return urlencode([(pair[0], pair[1]) for pair in pairs])
