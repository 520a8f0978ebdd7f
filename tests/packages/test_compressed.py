"""Text compressed on its way into storage."""

from __future__ import annotations

import gzip
import io
import random
from typing import TYPE_CHECKING

import pytest

from packages.compressed import LARGEST, beside, squeezed
from statements.errors import NotFound

if TYPE_CHECKING:
    from lrs.storage import Storage

TEXT = b"const answer = 42;\n" * 200
NOISE = random.Random(1).randbytes(5000)  # noqa: S311


def keep(
    storage: Storage, data: bytes, kind: str, size: int | None = None
) -> int | None:
    told = len(data) if size is None else size
    with squeezed(io.BytesIO(data), kind=kind, size=told) as stream:
        read = b""
        while block := stream.read(1000):
            read += block
        assert read == data
        return stream.put(storage, "a/1")


def test_text_is_kept_compressed_beside_itself(storage: Storage) -> None:
    size = keep(storage, TEXT, "text/javascript")
    with storage.open(beside("a/1")) as stream:
        packed = stream.read()
    assert size == len(packed) < len(TEXT) / 10
    assert gzip.decompress(packed) == TEXT


def test_the_same_text_gives_the_same_bytes(storage: Storage) -> None:
    found = set()
    for _ in range(2):
        keep(storage, TEXT, "text/css")
        with storage.open(beside("a/1")) as stream:
            found.add(stream.read())
    assert len(found) == 1


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        pytest.param(TEXT, "video/mp4", None, id="films"),
        pytest.param(TEXT, "application/octet-stream", None, id="unknown"),
        pytest.param(TEXT[:1023], "text/html", None, id="small"),
        pytest.param(b"", "text/html", None, id="empty"),
        pytest.param(NOISE, "text/plain", None, id="does not get smaller"),
        pytest.param(TEXT, "text/plain", LARGEST + 1, id="huge"),
    ],
)
def test_what_is_not_worth_it(
    storage: Storage, data: bytes, kind: str, size: int | None
) -> None:
    assert keep(storage, data, kind, size) is None
    with pytest.raises(NotFound):
        storage.open(beside("a/1"))
