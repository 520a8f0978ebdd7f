"""Findings by their stable codes: the words stand in `findings.toml`, one row each.

`finding("nested_root", folder="course")` fills the row's braces. The doctor's page, the
command line and SARIF all speak from this table, so an author reads the same words
everywhere.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, NoReturn

from packages.manifest import Finding
from statements.errors import InvalidPackage, UnsafeArchive

_SHOWN = 80


@cache
def rows() -> dict[str, dict[str, str]]:
    """Code -> severity, message and advice; `strict` is the advice of strict mode."""
    text = resources.files("packages").joinpath("findings.toml").read_text("utf-8")
    return tomllib.loads(text)


def finding(
    code: str, *, path: str | None = None, line: int | None = None, **words: Any
) -> Finding:
    """The finding of that code, its message filled with `words`.

    Words come from packages: control characters are dropped, long ones are cut.
    """
    row = rows()[code]
    shown = {name: _shown(word) for name, word in words.items()}
    return Finding(
        severity=row["severity"],  # type: ignore[arg-type]
        code=code,
        message=row["message"].format_map(shown),
        advice=row["advice"].format_map(shown),
        path=None if path is None else _shown(path, 1024),
        line=line,
    )


def refuse(code: str, **details: Any) -> NoReturn:
    """Raise InvalidPackage with the finding."""
    found = finding(code, **details)
    raise InvalidPackage(found.message, findings=(found,))


def refuse_as_unsafe(code: str, **details: Any) -> NoReturn:
    """Raise UnsafeArchive with the finding: the package is an attack, or looks so."""
    found = finding(code, **details)
    raise UnsafeArchive(found.message, findings=(found,))


def _shown(word: Any, length: int = _SHOWN) -> Any:
    if isinstance(word, int):
        return word
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in str(word)
    )
    return text if len(text) <= length else text[: length - 1] + "…"
