import errno
import io
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lrs.config import Config
from lrs.storage import (
    PART,
    STAGING,
    FileStorage,
    InvalidKey,
    ObjectMissing,
    PartsMissing,
    S3Storage,
    Storage,
    StorageUnavailable,
    make_storage,
)
from statements.errors import InvalidConfig
from tests.servers import S3_BUCKET, Servers, free_ports, s3_client

TEXT = "text/plain"
# larger than the eight megabytes from which S3 storage sends parts
LARGE = 9 * 1024 * 1024 + 3


def put(storage: Storage, key: str, data: bytes) -> None:
    storage.put(key, io.BytesIO(data), content_type=TEXT)


def read(storage: Storage, key: str, **within: int) -> bytes:
    with storage.open(key, **within) as stream:
        return stream.read()


class Breaking(io.BytesIO):
    """A stream that breaks after some bytes."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError
        return data


@pytest.mark.parametrize("size", [0, 1, 1 << 20, LARGE])
def test_what_is_put_comes_back(storage: Storage, size: int) -> None:
    data = os.urandom(size)
    put(storage, "packages/ab/cd.bin", data)
    assert read(storage, "packages/ab/cd.bin") == data
    assert storage.size("packages/ab/cd.bin") == size


def test_a_second_put_replaces_the_first(storage: Storage) -> None:
    put(storage, "a/b", b"the first, longer")
    put(storage, "a/b", b"second")
    assert read(storage, "a/b") == b"second"
    assert list(storage.keys("")) == ["a/b"]


def test_put_leaves_the_callers_stream_open(storage: Storage) -> None:
    data = io.BytesIO(b"mine")
    storage.put("a", data, content_type=TEXT)
    assert not data.closed


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (0, 10, b"0123456789"),
        (0, 1, b"0"),
        (3, 5, b"34"),
        (9, 10, b"9"),
        (8, 99, b"89"),
        (5, 5, b""),
        (7, 2, b""),
        (10, None, b""),
        (99, 120, b""),
    ],
)
def test_open_gives_the_range(
    storage: Storage, start: int, end: int | None, expected: bytes
) -> None:
    put(storage, "digits", b"0123456789")
    with storage.open("digits", start=start, end=end) as stream:
        assert stream.read() == expected


def test_a_stream_can_be_read_in_pieces(storage: Storage) -> None:
    put(storage, "digits", b"0123456789")
    with storage.open("digits", start=1, end=9) as stream:
        assert [stream.read(3) for _ in range(4)] == [b"123", b"456", b"78", b""]


def test_a_missing_key_is_not_found(storage: Storage) -> None:
    put(storage, "folder/file", b"x")
    for key in ("nothing", "folder", "folder/other"):
        with pytest.raises(ObjectMissing):
            storage.open(key)
        with pytest.raises(ObjectMissing):
            storage.open(key, start=1, end=1)
        with pytest.raises(ObjectMissing):
            storage.size(key)


def test_deleting_is_final_and_may_be_repeated(storage: Storage) -> None:
    put(storage, "a/b/c", b"x")
    put(storage, "a/d", b"y")
    storage.delete("a/b/c")
    storage.delete("a/b/c")
    storage.delete("a/b")
    assert list(storage.keys("")) == ["a/d"]
    with pytest.raises(ObjectMissing):
        storage.open("a/b/c")
    put(storage, "a/b/c", b"again")
    assert read(storage, "a/b/c") == b"again"


def test_keys_are_those_with_the_prefix_sorted(storage: Storage) -> None:
    for key in ("b/2", "a/10", "a/1", "a/1.txt", "ab", "a/x/y"):
        put(storage, key, b"x")
    assert list(storage.keys("")) == ["a/1", "a/1.txt", "a/10", "a/x/y", "ab", "b/2"]
    assert list(storage.keys("a/")) == ["a/1", "a/1.txt", "a/10", "a/x/y"]
    assert list(storage.keys("a/1")) == ["a/1", "a/1.txt", "a/10"]
    assert list(storage.keys("nothing/")) == []


def test_delete_prefix_takes_all_of_it_and_nothing_else(storage: Storage) -> None:
    for key in ("p1/a", "p1/b/c", "p11/a", "p2"):
        put(storage, key, b"x")
    storage.delete_prefix("p1/")
    assert list(storage.keys("")) == ["p11/a", "p2"]
    storage.delete_prefix("p1/")


@pytest.mark.parametrize("size", [0, 10, LARGE])
def test_a_put_that_breaks_leaves_nothing(storage: Storage, size: int) -> None:
    put(storage, "kept", b"the old")
    for key in ("new", "kept"):
        with pytest.raises(ConnectionResetError):
            storage.put(key, Breaking(bytes(size)), content_type=TEXT)
    assert list(storage.keys("")) == ["kept"]
    assert read(storage, "kept") == b"the old"


def put_part(storage: Storage, name: str, number: int, data: bytes) -> str:
    return storage.put_part("uploads/a", name, number, io.BytesIO(data))


@pytest.mark.parametrize("more", [0, 1, 3_000_000])
def test_parts_come_in_any_order_and_twice(storage: Storage, more: int) -> None:
    data = os.urandom(PART * 2 + more)
    name = storage.begin("uploads/a")
    tags = {}
    for number in (3, 1, 2, 1) if more else (2, 1, 1):
        part = data[(number - 1) * PART : number * PART]
        tags[number] = put_part(storage, name, number, part)
        assert list(storage.keys("")) == []
    listed = [tag for _, tag in sorted(tags.items())]
    for _ in range(2):
        storage.join("uploads/a", name, listed, size=len(data))
        assert read(storage, "uploads/a") == data
    storage.abandon("uploads/a", name)
    assert list(storage.keys("")) == ["uploads/a"]


def test_a_part_that_is_sent_again_replaces_itself(storage: Storage) -> None:
    name = storage.begin("uploads/a")
    put_part(storage, name, 1, b"longer than")
    tag = put_part(storage, name, 1, b"in the end")
    if tag:
        put_part(storage, name, 2, b"never told of")
    storage.join("uploads/a", name, [tag], size=len(b"in the end"))
    assert read(storage, "uploads/a") == b"in the end"


def test_parts_that_are_missing(storage: Storage) -> None:
    name = storage.begin("uploads/a")
    tag = put_part(storage, name, 1, b"x" * PART)
    with pytest.raises(PartsMissing):
        storage.join("uploads/a", name, [tag, '"0123"'], size=PART + 1)
    storage.abandon("uploads/a", name)
    storage.abandon("uploads/a", name)
    with pytest.raises(PartsMissing):
        put_part(storage, name, 2, b"y")
    with pytest.raises(PartsMissing):
        storage.join("uploads/a", name, [tag], size=PART + 1)
    assert list(storage.keys("")) == []


def test_what_never_ends_is_swept(storage: Storage) -> None:
    """Only what was begun before; parts of two uploads of the same key are apart."""
    now = datetime.now(UTC)
    old, other = storage.begin("uploads/a"), storage.begin("uploads/a")
    put_part(storage, old, 1, b"x")
    tag = put_part(storage, other, 1, b"y")
    put(storage, "kept", b"z")
    assert storage.sweep(now - timedelta(hours=1)) == 0
    storage.join("uploads/a", other, [tag], size=1)
    assert read(storage, "uploads/a") == b"y"
    assert storage.sweep(now + timedelta(hours=1)) == 1
    assert storage.sweep(now + timedelta(hours=1)) == 0
    with pytest.raises(PartsMissing):
        storage.join("uploads/b", old, [tag], size=1)
    assert list(storage.keys("")) == ["kept", "uploads/a"]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "./a",
        "a/.hidden",
        ".staging/x",
        "A",
        "a b",
        "a\\b",
        "a\0",
        "a\n",
        "é",
        "a%2f",
    ],
)
def test_a_key_that_could_mean_something_else_is_refused(
    storage: Storage, key: str
) -> None:
    with pytest.raises(InvalidKey):
        put(storage, key, b"x")
    for act in (storage.open, storage.size, storage.delete):
        with pytest.raises(InvalidKey):
            act(key)


def test_a_key_is_not_the_folder_of_another_on_files(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "storage")
    put(storage, "a/b", b"x")
    with pytest.raises(InvalidKey):
        put(storage, "a", b"y")
    with pytest.raises(InvalidKey):
        put(storage, "a/b/c", b"y")
    assert list(storage.keys("")) == ["a/b"]


def test_files_leave_no_part_behind(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "storage")
    put(storage, "a", b"x")
    with pytest.raises(ConnectionResetError):
        storage.put("b", Breaking(bytes(5)), content_type=TEXT)
    files = [path.name for path in (tmp_path / "storage").rglob("*") if path.is_file()]
    assert files == ["a"]


def test_files_are_synced_before_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    sync, move = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        steps.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        sync(descriptor)

    def note_move(self: Path, target: Path) -> Path:
        steps.append(("name", str(target)))
        return move(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_move)
    top = tmp_path / "storage"
    put(FileStorage(top), "a/b/c", b"x")
    assert ".staging" in steps[0][1]
    assert steps[1] == ("name", str(top / "a/b/c"))
    after = {path for what, path in steps[2:] if what == "sync"}
    assert after == {str(top), str(top / "a"), str(top / "a/b")}


def test_a_put_survives_a_delete_that_takes_its_folder(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "storage")
    put(storage, "a/b", b"x")

    class Deleting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            storage.delete("a/b")
            return super().read(size)

    storage.put("a/c", Deleting(b"y"), content_type=TEXT)
    assert read(storage, "a/c") == b"y"


def s3_config(servers: Servers, config: Config, **changes: Any) -> Config:
    given = {
        "storage_url": f"s3://{S3_BUCKET}/prefix",
        "s3_endpoint_url": servers.s3()["url"],
    }
    return replace(config, **(given | changes))


@pytest.mark.parametrize("other", ["joins", "abandons"])
def test_parts_that_another_takes_while_they_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    storage = FileStorage(tmp_path)
    name = storage.begin("uploads/a")
    tag = storage.put_part("uploads/a", name, 1, io.BytesIO(b"whole"))
    fsync = os.fsync

    def meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        fsync(descriptor)
        if other == "joins":
            storage.join("uploads/a", name, [tag], size=5)
        else:
            storage.abandon("uploads/a", name)

    monkeypatch.setattr(os, "fsync", meanwhile)
    if other == "joins":
        storage.join("uploads/a", name, [tag], size=5)
        assert read(storage, "uploads/a") == b"whole"
    else:
        with pytest.raises(PartsMissing):
            storage.join("uploads/a", name, [tag], size=5)
    assert list((tmp_path / STAGING).iterdir()) == []


def test_a_full_disk_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FileStorage(tmp_path)
    name = storage.begin("uploads/a")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageUnavailable):
            put(storage, "uploads/b", b"x")
        with pytest.raises(StorageUnavailable):
            storage.put_part("uploads/a", name, 1, io.BytesIO(b"x"))
        patch.setattr(os, "fsync", lambda _: os.fstat(-1))
        with pytest.raises(OSError, match="Bad file"):
            put(storage, "uploads/b", b"x")
    assert list(storage.keys("")) == []
    assert [path.name for path in (tmp_path / STAGING).iterdir()] == [name]


def test_s3_keeps_the_content_type_and_the_prefix(
    servers: Servers, config: Config
) -> None:
    storage = make_storage(s3_config(servers, config))
    storage.put("page", io.BytesIO(b"<p>"), content_type="text/html; charset=utf-8")
    client = s3_client(servers.s3()["url"])
    answer = client.head_object(Bucket=S3_BUCKET, Key="prefix/page")
    assert answer["ContentType"] == "text/html; charset=utf-8"


def test_s3_with_a_wrong_secret_is_unavailable(
    servers: Servers, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    storage = make_storage(s3_config(servers, config))
    with pytest.raises(StorageUnavailable):
        put(storage, "a", b"x")
    with pytest.raises(StorageUnavailable):
        storage.open("a")


def test_s3_without_the_bucket_is_unavailable(servers: Servers, config: Config) -> None:
    url = "s3://nobody-made-this"
    storage = make_storage(s3_config(servers, config, storage_url=url))
    with pytest.raises(StorageUnavailable):
        storage.open("a")
    with pytest.raises(StorageUnavailable):
        list(storage.keys(""))


def test_s3_that_does_not_answer_is_unavailable(config: Config) -> None:
    storage = S3Storage(
        bucket="any", endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}"
    )
    for act in (storage.open, storage.size, storage.delete):
        with pytest.raises(StorageUnavailable):
            act("a")
    with pytest.raises(StorageUnavailable):
        put(storage, "a", b"x")


def test_the_default_is_files_in_the_data_folder(config: Config) -> None:
    storage = make_storage(config)
    put(storage, "a", b"x")
    assert (config.data / "storage" / "a").read_bytes() == b"x"


@pytest.mark.parametrize(
    "url", ["s3://", "ftp://a/b", "/var/here", "file://elsewhere/x", "gs://bucket"]
)
def test_an_unknown_storage_url_stops_the_start(config: Config, url: str) -> None:
    with pytest.raises(InvalidConfig, match=re.escape(repr(url))):
        make_storage(replace(config, storage_url=url))


def test_s3_without_an_endpoint_speaks_to_amazon() -> None:
    """Host names per bucket and checksums: what no server of ours here can show."""
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="rollcall-amazon")
        storage = S3Storage(bucket="rollcall-amazon", prefix="one")
        storage.put("files/a", io.BytesIO(b"0123456789"), content_type="text/plain")
        with storage.open("files/a", start=2, end=5) as stream:
            assert stream.read() == b"234"
        assert storage.size("files/a") == 10
        with pytest.raises(ObjectMissing):
            storage.open("files/b")


def test_s3_lists_and_deletes_beyond_one_page() -> None:
    """A page of the listing and a batch of deletions hold a thousand keys each."""
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="rollcall-amazon")
        storage = S3Storage(bucket="rollcall-amazon")
        names = [f"files/{number:04}" for number in range(2003)]
        for name in [*names, "other"]:
            client.put_object(Bucket="rollcall-amazon", Key=name, Body=b"")
        assert list(storage.keys("files/")) == names
        storage.delete_prefix("files/")
        assert list(storage.keys("")) == ["other"]
