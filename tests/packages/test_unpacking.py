"""Files put into storage, several at a time: all of them, or an error and no rows."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from typing import TYPE_CHECKING

import pytest

from lrs.storage import StorageUnavailable
from packages import unpacking
from packages.archive import open_archive
from packages.contents import Contents
from packages.unpacking import files_prefix, put_files
from statements.errors import UnsafeArchive
from tests.packages.make import Entry, Zip

if TYPE_CHECKING:
    from lrs.storage import Storage

PACKAGE = uuid.UUID(int=7)


def contents_of(*entries: Entry) -> Contents:
    archive = open_archive(io.BytesIO(bytes(Zip(list(entries)))))
    return Contents(archive)


def test_every_file_has_a_row_and_its_bytes(storage: Storage) -> None:
    """More than wait at a time, small and large, some of them compressed beside."""
    files = {f"f{n}.html": b"<p>%d" % n * 500 for n in range(2 * unpacking.WAITING)}
    files |= {"large.mp4": os.urandom(unpacking.SMALL + 1), "empty.txt": b""}
    entries = [Entry(name, data, method=8) for name, data in files.items()]
    shares: list[float] = []
    rows = put_files(storage, PACKAGE, contents_of(*entries), shares.append)
    assert {row["path"] for row in rows} == set(files)
    for row in rows:
        data = files[row["path"]]
        assert row["storage_key"].startswith(files_prefix(PACKAGE))
        with storage.open(row["storage_key"]) as stream:
            assert stream.read() == data
        assert (row["size"], row["package_id"]) == (len(data), PACKAGE)
        assert row["sha256"] == hashlib.sha256(data).hexdigest()
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {row["gzip_size"] is None for row in rows if "html" in row["path"]} == {
        False
    }


@pytest.mark.parametrize("size", [10, unpacking.SMALL + 1])
def test_a_file_that_is_not_what_it_says_stops_it(storage: Storage, size: int) -> None:
    entries = [Entry("a.txt"), Entry("b.mp4", bytes(size), crc=1), Entry("c.txt")]
    with pytest.raises(UnsafeArchive):
        put_files(storage, PACKAGE, contents_of(*entries), lambda _: None)


def test_a_storage_that_is_away_is_told(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(storage, "put", away)
    entries = [Entry(f"{number}.txt") for number in range(100)]
    with pytest.raises(StorageUnavailable):
        put_files(storage, PACKAGE, contents_of(*entries), lambda _: None)
