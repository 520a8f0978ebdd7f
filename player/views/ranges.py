"""Which bytes of a file a request wants: RFC 9110, sections 13 and 14.

At most four ranges are served apart; a request for more, or one that is malformed,
gets the whole file, as the RFC allows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 4

_TAG = re.compile(r'\*|(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(r"\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*")


@dataclass(frozen=True)
class Section:
    """Bytes from `start` up to `end` (exclusive) of a file of `size`."""

    start: int
    end: int
    size: int

    @property
    def header(self) -> str:
        """The value of `Content-Range`."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"

    def up_to(self, most: int) -> "Section":
        """The same, or its beginning where it is longer than `most`."""
        return Section(self.start, min(self.end, self.start + most), self.size)


def sections(header: str | None, size: int) -> list[Section] | None:
    """The sections asked for; None for the whole file, [] when none can be given."""
    if not header:
        return None
    unit, equals, listed = header.partition("=")
    if unit.strip().lower() != "bytes" or not equals:
        return None
    wanted = listed.split(",")
    matches = [_RANGE.fullmatch(text) for text in wanted]
    if len(wanted) > MOST or any(
        match is None or match[1] == match[2] == "" for match in matches
    ):
        return None
    found = []
    for match in matches:
        assert match is not None  # noqa: S101 - the check above, for the type checker
        if match[1] == "":
            start, end = max(size - int(match[2]), 0), size
        else:
            start = int(match[1])
            end = min(int(match[2]) + 1, size) if match[2] else size
            if match[2] and int(match[2]) < start:
                return None
        if start < end:
            found.append(Section(start, end, size))
    return found


def etags(header: str | None) -> Iterator[str]:
    """The entity tags of If-None-Match, without the mark of weak ones."""
    for text in _TAG.findall(header or ""):
        yield text.removeprefix("W/")


def is_current(header: str, etag: str) -> bool:
    """Whether If-Match lets the request through (strong comparison, 13.1.1)."""
    return any(tag in {"*", etag} for tag in _TAG.findall(header))


def is_known(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names a tag (weak comparison), so that 304 answers."""
    return any(known in {"*", etag} for known in etags(header))
