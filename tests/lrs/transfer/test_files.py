from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lrs.transfer.files import (
    BrokenData,
    about_path,
    attachments_folder,
    hashed,
    is_hash,
    read_json,
    refused_path,
    write_json,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = b"report \x00\xff"


def test_what_goes_together_has_one_name() -> None:
    path = Path("folder/out.ndjson")
    assert about_path(path) == Path("folder/out.ndjson.json")
    assert attachments_folder(path) == Path("folder/out.ndjson.attachments")
    assert refused_path(path) == Path("folder/out.ndjson.refused")


def test_json_goes_there_and_back(tmp_path: Path) -> None:
    write_json(tmp_path / "x", {"a": 1})
    write_json(tmp_path / "x", {"b": [2]})
    assert read_json(tmp_path / "x") == {"b": [2]}
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_object_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert read_json(tmp_path / "x") is None
    assert read_json(tmp_path / "missing") is None


def test_a_file_is_whole_or_as_before(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"new"
        raise BrokenData

    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(BrokenData):
        write_whole(tmp_path / "x", broken())
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("kind", ["sha224", "sha256", "sha384", "sha512"])
def test_data_has_its_hash_or_is_refused(kind: str) -> None:
    sha2 = hashlib.new(kind, DATA).hexdigest()
    assert is_hash(sha2)
    assert b"".join(hashed(io.BytesIO(DATA), sha2)) == DATA
    with pytest.raises(BrokenData):
        list(hashed(io.BytesIO(DATA + b"x"), sha2))


@pytest.mark.parametrize("word", ["", "a" * 63, "g" * 64, "A" * 64, "../" + "a" * 61])
def test_anything_else_is_no_hash(word: str) -> None:
    assert not is_hash(word)
