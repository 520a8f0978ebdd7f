"""Content types of package files, by the ending of their names.

The table is ours (`media.toml`), not the machine's: `mimetypes` reads files of the
operating system, and a wrong type is among the most reported faults of players.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

UNKNOWN = "application/octet-stream"


@cache
def rows() -> list[dict[str, Any]]:
    """The rows of the table."""
    text = resources.files("packages").joinpath("media.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)["type"]
    return found


@cache
def types() -> dict[str, str]:
    """Content type by ending, in small letters and without the dot."""
    return {ending: row["name"] for row in rows() for ending in row["endings"]}


@cache
def marked(mark: str) -> frozenset[str]:
    """The types with this mark: `document`, `packs` or `media`."""
    return frozenset(row["name"] for row in rows() if row.get(mark))


def content_type(path: str) -> str:
    """The type of a file by its ending; bytes of no known kind otherwise."""
    stem, _, ending = path.rpartition("/")[2].rpartition(".")
    return types().get(ending.lower(), UNKNOWN) if stem else UNKNOWN


def is_document(kind: str) -> bool:
    """Whether a browser shows it as a page, under the headers of its own answer."""
    return kind in marked("document")


def is_compressible(kind: str) -> bool:
    """Whether it gets smaller by compression (films and pictures do not)."""
    return kind in marked("packs")


def is_media(kind: str) -> bool:
    """Whether it is audio or video."""
    return kind in marked("media")
