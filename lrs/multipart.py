"""multipart/mixed, read part by part as it comes and written the same way.

RFC 2046, section 5.1.1; xAPI 1.0.3 Communication 1.5.2; xAPI 2.0 4.1.3. The decoders at
hand refuse `multipart/mixed` (werkzeug) or want all of it in memory (`email`). Lines
end with CR LF; data is never changed, whatever it holds but the delimiter.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from statements.attachments import SECTION
from statements.errors import Invalid, TooLarge

BLOCK = 1 << 16
MAX_HEADERS = 16 * 1024
MAX_PARTS = 10_000
# white space that may follow a delimiter on its line
_PADDING = 100
_ENDING = re.compile(rb"(--)?[ \t]{0,%d}(?:\r\n|\Z)" % _PADDING)
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_HEADER = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([^\x00-\x08\x0a-\x1f]*)"
)


class MalformedMultipart(Invalid):
    """The body is not multipart/mixed as its Content-Type says."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(
            detail,
            requirement="multipart/mixed follows RFC 2046, section 5.1.1",
            section=SECTION,
        )


@dataclass
class Part:
    """One part: headers by lower-case name, and the blocks of its data, read once."""

    headers: dict[str, str]
    blocks: Iterator[bytes]


def read_parts(stream: BinaryIO, boundary: str) -> Iterator[Part]:
    """Every part in order; asking for the next one skips what is left of a part.

    The stream is read to its end. Raises MalformedMultipart and TooLarge.
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedMultipart(
            "The Content-Type multipart/mixed needs a boundary of up to 70 characters."
        )
    source = _Source(stream, boundary.encode())
    _skip(source.until_delimiter())
    count = 0
    while not source.is_over:
        count += 1
        if count > MAX_PARTS:
            raise TooLarge(f"A request may have {MAX_PARTS} parts.", limit=MAX_PARTS)
        part = Part(source.headers(), source.until_delimiter())
        yield part
        _skip(part.blocks)
    while stream.read(BLOCK):
        pass


def head(boundary: str, headers: Mapping[str, str]) -> bytes:
    """What stands before the data of a part."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"\r\n--{boundary}\r\n{lines}\r\n".encode()


def tail(boundary: str) -> bytes:
    """What stands after the data of the last part."""
    return f"\r\n--{boundary}--\r\n".encode()


def _skip(blocks: Iterator[bytes]) -> None:
    for _ in blocks:
        pass


class _Source:
    """The stream, cut at delimiters.

    What is held begins, before each part and before the first byte, with the end of a
    line: a delimiter needs one before it, which may be the header's own.
    """

    def __init__(self, stream: BinaryIO, boundary: bytes) -> None:
        self._stream = stream
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"
        self._has_ended = False
        self.is_over = False

    def _fill(self) -> None:
        """Hold more; raises MalformedMultipart where there is no more."""
        if self._has_ended:
            raise MalformedMultipart(
                "The body ends before the closing delimiter; lines end with CR LF, "
                "and `--`, the boundary and `--` stand after the last part."
            )
        block = self._stream.read(BLOCK)
        self._has_ended = not block
        self._held += block

    def headers(self) -> dict[str, str]:
        """The headers of the part that begins here."""
        begin = 0
        while (at := self._held.find(b"\r\n\r\n", begin)) < 0:
            begin = max(len(self._held) - 3, 0)
            if begin > MAX_HEADERS:
                break
            self._fill()
        if not 0 <= at <= MAX_HEADERS:
            raise MalformedMultipart(
                f"The headers of a part have more than {MAX_HEADERS} bytes; an empty "
                "line ends them."
            )
        lines, self._held = self._held[2:at], self._held[at + 2 :]
        return _headers(lines)

    def until_delimiter(self) -> Iterator[bytes]:
        """The bytes before the next delimiter line, which is taken as well."""
        mark, skip, begin = self._mark, 2, 0
        while True:
            end = self._held.find(mark, begin)
            if end >= 0:
                ending = self._ending(end + len(mark))
                if ending is None:
                    # the boundary is the beginning of a longer line: data
                    begin = end + 2
                    continue
                data = self._held[skip:end]
                self.is_over = ending[1] is not None
                self._held = self._held[ending.end() - 2 :]
                yield data
                return
            # all but what may be the beginning of a delimiter
            safe = len(self._held) - len(mark) + 1
            if safe > skip:
                data, self._held = self._held[skip:safe], self._held[safe:]
                skip, begin = 0, max(begin - safe, 0)
                yield data
            self._fill()

    def _ending(self, at: int) -> re.Match[bytes] | None:
        """The rest of the line if it is that of a delimiter."""
        while not self._has_ended and len(self._held) < at + _PADDING + 4:
            self._fill()
        return _ENDING.match(self._held, at)


def _headers(block: bytes) -> dict[str, str]:
    """The headers by lower-case name; lines that go on are put together."""
    try:
        text = re.sub(r"\r\n[ \t]+", " ", block.decode())
    except UnicodeDecodeError as error:
        raise MalformedMultipart("The headers of a part are not UTF-8.") from error
    found: dict[str, str] = {}
    for line in text.split("\r\n") if text else ():
        match = _HEADER.fullmatch(line)
        if match is None:
            raise MalformedMultipart(f"{line[:80]!r} is not a header of a part.")
        name = match[1].lower()
        if name in found:
            raise MalformedMultipart(f"A part has two headers {name}.")
        found[name] = match[2].strip()
    return found
