from __future__ import annotations

import email.policy
import io
import re
import tracemalloc
from email.parser import BytesParser
from random import Random
from typing import TYPE_CHECKING, cast

import pytest

from lrs import multipart
from lrs.multipart import MAX_HEADERS, MAX_PARTS, MalformedMultipart, read_parts
from statements.errors import TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

B = "b"
Parts = list[tuple[dict[str, str], bytes]]


class Dribbling(io.BytesIO):
    """A stream that gives no more than `most` bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def read(self, size: int | None = -1) -> bytes:
        size = self.most if size is None or size < 0 else min(size, self.most)
        return super().read(size)


def read(body: bytes, boundary: str = B, most: int = 1 << 16) -> Parts:
    return [
        (part.headers, b"".join(part.blocks))
        for part in read_parts(Dribbling(body, most), boundary)
    ]


def body_of(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


READ: dict[str, tuple[bytes, list[tuple[dict[str, str], str]]]] = {
    "one part": (
        body_of("--b", "A: x", "", "data", "--b--", ""),
        [({"a": "x"}, "data")],
    ),
    "no end of line at the end": (body_of("--b", "", "data", "--b--"), [({}, "data")]),
    "two parts": (
        body_of("--b", "A: x", "", "one", "--b", "A: y", "", "two", "--b--"),
        [({"a": "x"}, "one"), ({"a": "y"}, "two")],
    ),
    "a preamble": (body_of("pre", "amble", "--b", "", "x", "--b--"), [({}, "x")]),
    "an end of line first": (body_of("", "--b", "", "x", "--b--"), [({}, "x")]),
    "an epilogue": (
        body_of("--b", "", "x", "--b--", "--b", "", "no part", "--b--"),
        [({}, "x")],
    ),
    "white space after delimiters": (
        body_of("--b \t", "", "x", "--b\t", "", "y", "--b-- ", ""),
        [({}, "x"), ({}, "y")],
    ),
    "empty data": (body_of("--b", "A: x", "", "", "--b--"), [({"a": "x"}, "")]),
    "no data at all": (body_of("--b", "A: x", "", "--b--"), [({"a": "x"}, "")]),
    "no header and no data": (body_of("--b", "", "", "--b--"), [({}, "")]),
    "neither header, line nor data": (body_of("--b", "", "--b--"), [({}, "")]),
    "ends of lines in data": (
        body_of("--b", "", "", "", "x", "", "", "--b--"),
        [({}, "\r\n\r\nx\r\n\r\n")],
    ),
    "lone CR and LF in data": (
        body_of("--b", "", "\rx\n\r", "--b--"),
        [({}, "\rx\n\r")],
    ),
    "a longer line with the boundary": (
        body_of("--b", "", "--bc", "--b-", "--b--x", "--b x", "x--b", "--b--"),
        [({}, "--bc\r\n--b-\r\n--b--x\r\n--b x\r\nx--b")],
    ),
    "a delimiter with a lone LF": (
        body_of("--b", "", "x\n--b\ny", "--b\nz", "--b--"),
        [({}, "x\n--b\ny\r\n--b\nz")],
    ),
    "a header over two lines": (
        body_of("--b", "A: x;", "  y", "\tz", "", "d", "--b--"),
        [({"a": "x; y z"}, "d")],
    ),
    "a header without a value": (
        body_of("--b", "A:", "", "d", "--b--"),
        [({"a": ""}, "d")],
    ),
    "spaces around a value": (
        body_of("--b", "A  :  x  ", "", "d", "--b--"),
        [({"a": "x"}, "d")],
    ),
    "a name of any case": (
        body_of("--b", "CONTENT-type: x", "", "d", "--b--"),
        [({"content-type": "x"}, "d")],
    ),
    "a value beyond ASCII": (
        body_of("--b", "A: ü", "", "d", "--b--"),
        [({"a": "ü"}, "d")],
    ),
}


@pytest.mark.parametrize("most", [1, 2, 3, 7, 1 << 16])
@pytest.mark.parametrize("name", READ)
def test_parts_however_they_come(name: str, most: int) -> None:
    body, expected = READ[name]
    assert read(body, most=most) == [(heads, d.encode()) for heads, d in expected]


MALFORMED = {
    "nothing": b"",
    "no delimiter": b"some text",
    "another boundary": body_of("--c", "", "x", "--c--"),
    "lone LF": b"--b\n\nx\n--b--\n",
    "no closing delimiter": body_of("--b", "", "x"),
    "another delimiter at the end": body_of("--b", "", "x", "--b"),
    "another part begun": body_of("--b", "", "x", "--b", ""),
    "headers without an end": body_of("--b", "A: x"),
    "headers, then the end": body_of("--b", "A: x", "--b--"),
    "a line that is no header": body_of("--b", "x", "", "d", "--b--"),
    "a header without a name": body_of("--b", ": x", "", "d", "--b--"),
    "a space in a name": body_of("--b", "A b: x", "", "d", "--b--"),
    "a header twice": body_of("--b", "A: x", "a: y", "", "d", "--b--"),
    "a line that goes on from nowhere": body_of("--b", " x", "", "d", "--b--"),
    "a NUL in a header": body_of("--b", "A: \0", "", "d", "--b--"),
    "a lone LF in a header": body_of("--b", "A: x\ny: z", "", "d", "--b--"),
    "a header that is not UTF-8": b"--b\r\nA: \xff\r\n\r\nd\r\n--b--",
    "too much white space": body_of("--b", "", "x", "--b--" + " " * 101),
}


@pytest.mark.parametrize("most", [1, 1 << 16])
@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_multipart(name: str, most: int) -> None:
    with pytest.raises(MalformedMultipart):
        read(MALFORMED[name], most=most)


def test_a_body_of_no_parts() -> None:
    assert read(b"--b--\r\n") == []
    # a delimiter begins its line
    assert read(body_of("x--b", "", "x", "--b--")) == []


GOOD_BOUNDARIES = ["b", "-------314159265358979323846", "abcABC0123'()+_,-./:=?", "a b"]


@pytest.mark.parametrize("boundary", [*GOOD_BOUNDARIES, "x" * 70])
def test_boundaries(boundary: str) -> None:
    body = multipart.head(boundary, {}) + b"data" + multipart.tail(boundary)
    assert read(body, boundary) == [({}, b"data")]


@pytest.mark.parametrize("boundary", ["", " ", "x ", "x" * 71, "ü", 'a"b', "a\r\nb"])
def test_what_is_no_boundary(boundary: str) -> None:
    with pytest.raises(MalformedMultipart):
        read(b"", boundary)


def test_headers_have_a_limit() -> None:
    long = "x" * (MAX_HEADERS - 10)
    assert read(body_of("--b", f"A: {long}", "", "d", "--b--")) == [({"a": long}, b"d")]
    for tail in ("", "x" * (1 << 20)):
        with pytest.raises(MalformedMultipart, match="headers"):
            read(body_of("--b", f"A: {long}xxxxxxxx{tail}", "", "d", "--b--"))


def test_parts_have_a_limit() -> None:
    part = b"--b\r\n\r\nx\r\n"
    assert len(read(part * MAX_PARTS + b"--b--")) == MAX_PARTS
    with pytest.raises(TooLarge):
        read(part * (MAX_PARTS + 1) + b"--b--")


def test_a_part_that_is_not_read_is_skipped() -> None:
    body = body_of("--b", "A: 1", "", "one", "--b", "A: 2", "", "two", "--b--")
    assert [part.headers["a"] for part in read_parts(io.BytesIO(body), B)] == ["1", "2"]


def test_the_stream_is_read_to_its_end() -> None:
    stream = Dribbling(body_of("--b", "", "x", "--b--", "z" * 100_000), 1 << 16)
    list(read_parts(stream, B))
    assert stream.read() == b""


def random_bodies(count: int) -> Iterator[tuple[str, Parts, bytes]]:
    """Bodies of data that looks much like delimiters."""
    random = Random(20260302)  # noqa: S311 - repeatable
    pieces = ["\r\n", "-", "--", "a", "b", "\r", "\n", " ", "\t", "\0"]
    while count:
        boundary = "".join(random.choices("ab-", k=random.randint(1, 4)))
        around = [*pieces, f"--{boundary}", f"\r\n--{boundary}"]
        parts = [
            (
                {"a": "x"} if random.random() < 0.7 else {},
                "".join(random.choices(around, k=random.randint(0, 12))).encode(),
            )
            for _ in range(random.randint(1, 4))
        ]
        ending = re.compile(rf"\r\n--{boundary}(--)?[ \t]*(\r\n|\Z)".encode())
        if any(ending.search(b"\r\n" + data + b"\r\n") for _, data in parts):
            continue
        body = random.choice([b"", b"pre"])
        for headers, data in parts:
            body += multipart.head(boundary, headers) + data
        body += multipart.tail(boundary) + random.choice([b"", b"epilogue\r\n--b"])
        yield boundary, parts, body
        count -= 1


def test_what_is_written_is_read_whatever_the_data() -> None:
    random = Random(7)  # noqa: S311 - repeatable
    for boundary, parts, body in random_bodies(1500):
        most = random.choice([1, 3, 20, 1000])
        assert read(body, boundary, most) == parts


def test_it_reads_as_the_standard_library_does() -> None:
    compared = 0
    parser = BytesParser(policy=email.policy.HTTP)
    for boundary, parts, body in random_bodies(1500):
        if boundary.endswith("-") or any(
            f"--{boundary}".encode() in data or b"\0" in data or b"\r" in data
            for _, data in parts
        ):
            # there the library is looser about lines
            continue
        head = f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode()
        found = parser.parsebytes(head + body).get_payload()
        messages = cast("list[EmailMessage]", found)
        assert [one.get_payload(decode=True) for one in messages] == [
            d for _, d in parts
        ]
        compared += 1
    assert compared > 80


def test_a_large_part_is_never_whole_in_memory() -> None:
    class Endless(io.RawIOBase):
        """A part of 64 MiB made while it is read."""

        sent = 0

        def read(self, size: int = -1) -> bytes:
            if self.sent == 0:
                self.sent = 1
                return b"--b\r\n\r\n"
            if self.sent <= 1024:
                self.sent += 1
                return b"\r" * size
            self.sent += 1
            return b"\r\n--b--" if self.sent == 1026 else b""

    tracemalloc.start()
    (part,) = (
        sum(map(len, one.blocks))
        for one in read_parts(Endless(), B)  # type: ignore[arg-type]
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert part == 64 << 20
    assert peak < 1 << 20
