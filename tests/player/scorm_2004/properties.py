"""Java property files: what they say, as `java.util.Properties` reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = re.compile(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_SHORT = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse(text: str) -> dict[str, str]:
    """The value of every key; of a key that comes twice the last one."""
    found = {}
    for line in _logical_lines(text):
        match = _KEY.fullmatch(line)
        assert match is not None
        found[_plain(match[1])] = _plain(match[2])
    return found


def _logical_lines(text: str) -> Iterator[str]:
    """Lines joined where one ends with an odd number of backslashes; no comments."""
    lines = iter(re.split(r"\r\n|\r|\n", text))
    for start in lines:
        line = start.lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        while (len(line) - len(line.rstrip("\\"))) % 2:
            line = line[:-1] + next(lines, "").lstrip(" \t\f")
        yield line


def _plain(text: str) -> str:
    def meaning(match: re.Match[str]) -> str:
        body = match[1]
        if len(body) > 1:
            return chr(int(body[1:], 16))
        return _SHORT.get(body, body)

    return _ESCAPE.sub(meaning, text)
