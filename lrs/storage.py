"""Where large things are kept: package files, attachments, certificates.

Two kinds behind one protocol: a folder, and any S3-compatible server. Keys are
ours, never a name that came from outside: `[a-z0-9/_.-]+`, no part empty or
beginning with a dot, no key the folder of another. A `put` is whole or not at all
and survives a power cut once it has returned. A missing key is NotFound, a server
that cannot be reached and a disk that is full are Unavailable.

What arrives bit by bit is sent in parts of `PART` bytes, the last may be smaller: each
is safe once `put_part` has returned and may be sent again, in any order and by any
process; nothing is under the key before `join`. Nothing keeps a whole in memory.
"""

import contextlib
import errno
import io
import os
import re
import stat
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast
from urllib.parse import unquote, urlsplit

from lrs.config import Config
from statements.errors import Invalid, InvalidConfig, NotFound, Unavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        ObjectIdentifierTypeDef,
    )

KEY = re.compile(r"[a-z0-9_-][a-z0-9_.-]*(/[a-z0-9_-][a-z0-9_.-]*)*")
CHUNK = 1 << 20
# the smallest that S3 takes, but for the last one
PART = 5 << 20
DELETE_BATCH = 1000
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
NO_UPLOAD = frozenset({"NoSuchUpload", "InvalidPart"})
STAGING = ".staging"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class InvalidKey(Invalid):
    """The storage key has characters or parts that keys may not have."""


class ObjectMissing(NotFound):
    """Nothing is stored under this key."""


class PartsMissing(NotFound):
    """Parts of a file that was being sent are not in storage."""


class StorageUnavailable(Unavailable):
    """The storage cannot be reached at present."""


class Storage(Protocol):
    """What every kind of storage can do."""

    def put(self, key: str, data: BinaryIO, *, content_type: str) -> None:
        """Keep all of `data` under `key`, replacing what was there."""

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> BinaryIO:
        """A stream of the bytes from `start` up to `end` (exclusive)."""

    def size(self, key: str) -> int:
        """The number of bytes under `key`."""

    def delete(self, key: str) -> None:
        """Forget `key`; nothing happens when it is not there."""

    def delete_prefix(self, prefix: str) -> None:
        """Forget every key that begins with `prefix`."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, sorted."""

    def begin(self, key: str) -> str:
        """A name for the parts that `key` is to be joined of."""

    def put_part(self, key: str, name: str, number: int, data: BinaryIO) -> str:
        """A tag of the part of that number (from 1), now safe; raises PartsMissing.

        `data` can be sought.
        """

    def join(self, key: str, name: str, tags: Sequence[str], *, size: int) -> None:
        """Let `key` be the parts of those tags, `size` bytes together.

        Doing it again changes nothing. Raises PartsMissing.
        """

    def abandon(self, key: str, name: str) -> None:
        """Forget the parts; nothing happens when they are not there."""

    def sweep(self, before: datetime) -> int:
        """Forget what was begun before then and never ended; how many that were."""


def make_storage(config: Config) -> Storage:
    """The storage that the settings name; raises InvalidConfig."""
    url = urlsplit(config.storage_url)
    if url.scheme == "file" and url.netloc in {"", "localhost"}:
        return FileStorage(Path(unquote(url.path)))
    if url.scheme == "s3" and url.netloc:
        return S3Storage(
            bucket=url.netloc,
            prefix=url.path.strip("/"),
            endpoint_url=config.s3_endpoint_url or None,
        )
    raise InvalidConfig(
        f"ROLLCALL_STORAGE_URL is {config.storage_url!r}; "
        "give s3://bucket/prefix or file:///folder."
    )


def check_key(key: str) -> str:
    """The key itself; raises InvalidKey when it could mean something else."""
    if not KEY.fullmatch(key):
        raise InvalidKey(key=key)
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself, which may also be empty or end with a slash."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


class FileStorage:
    """Files in a folder, written beside their place, synced, then renamed."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when something is first put."""
        self.folder = folder

    def put(self, key: str, data: BinaryIO, *, content_type: str) -> None:
        """Keep all of `data` under `key`; the type is known to the caller's rows."""
        del content_type
        path = self.folder / check_key(key)
        staging = self.folder / STAGING
        staging.mkdir(parents=True, exist_ok=True)
        with (
            _full_is_unavailable(),
            tempfile.NamedTemporaryFile(dir=staging, delete=False) as part,
        ):
            try:
                while block := data.read(CHUNK):
                    part.write(block)
                part.flush()
                os.fsync(part.fileno())
                self._name(Path(part.name), path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise

    def _name(self, part: Path, path: Path) -> None:
        """Move `part` to `path`; the name and those of new folders are durable."""
        parents = [path.parent, *path.parent.parents]
        within = parents[: parents.index(self.folder) + 1]
        changed = {path.parent} | {
            new.parent for new in within[:-1] if not new.exists()
        }
        while True:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part.replace(path)
            except FileNotFoundError:
                if not part.exists():
                    raise
                # somebody who deletes took the folder away while it was empty
                changed = set(within)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise InvalidKey(
                    key=path.relative_to(self.folder).as_posix()
                ) from error
            else:
                break
        for folder in changed:
            _sync_folder(folder)

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> BinaryIO:
        """A stream of the bytes from `start` up to `end` (exclusive)."""
        try:
            file = (self.folder / check_key(key)).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(key=key) from error
        file.seek(start)
        if end is None:
            return file
        return io.BufferedReader(_Section(file, max(end - start, 0)))

    def size(self, key: str) -> int:
        """The number of bytes under `key`."""
        try:
            found = (self.folder / check_key(key)).stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ObjectMissing(key=key) from error
        if not stat.S_ISREG(found.st_mode):
            raise ObjectMissing(key=key)
        return found.st_size

    def delete(self, key: str) -> None:
        """Forget `key`, and the folders that it leaves empty."""
        path = self.folder / check_key(key)
        if not path.is_file():
            return
        path.unlink(missing_ok=True)
        for folder in path.relative_to(self.folder).parents:
            with contextlib.suppress(OSError):
                (self.folder / folder).rmdir()

    def delete_prefix(self, prefix: str) -> None:
        """Forget every key that begins with `prefix`."""
        for key in self.keys(prefix):
            self.delete(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, sorted."""
        top = self.folder / check_prefix(prefix).rpartition("/")[0]
        # unlike rglob it takes it well that somebody deletes folders meanwhile
        found = (
            (Path(folder) / name).relative_to(self.folder).as_posix()
            for folder, _, names in os.walk(top)
            for name in names
        )
        yield from sorted(
            key
            for key in found
            if key.startswith(prefix) and not key.startswith(f"{STAGING}/")
        )

    def begin(self, key: str) -> str:
        """A name for the parts that `key` is to be joined of."""
        check_key(key)
        name = uuid.uuid4().hex
        self._parts(name).parent.mkdir(parents=True, exist_ok=True)
        self._parts(name).touch()
        _sync_folder(self._parts(name).parent)
        return name

    def put_part(self, key: str, name: str, number: int, data: BinaryIO) -> str:
        """Keep the part of that number at its place in a file; raises PartsMissing."""
        try:
            file = self._parts(name).open("r+b")
        except FileNotFoundError as error:
            raise PartsMissing(key=key) from error
        with _full_is_unavailable(), file:
            file.seek((number - 1) * PART)
            while block := data.read(CHUNK):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        return ""

    def join(self, key: str, name: str, tags: Sequence[str], *, size: int) -> None:
        """Let `key` be its parts, whatever their tags; raises PartsMissing."""
        del tags
        part, path = self._parts(name), self.folder / check_key(key)
        try:
            with part.open("r+b") as file:
                if os.fstat(file.fileno()).st_size < size:
                    raise PartsMissing(key=key)
                file.truncate(size)
                os.fsync(file.fileno())
            self._name(part, path)
        except FileNotFoundError as error:
            # joined before or by another at this moment, or abandoned
            if not path.is_file() or path.stat().st_size != size:
                raise PartsMissing(key=key) from error

    def abandon(self, key: str, name: str) -> None:
        """Forget the parts; nothing happens when they are not there."""
        check_key(key)
        self._parts(name).unlink(missing_ok=True)

    def _parts(self, name: str) -> Path:
        """The file of the parts; its name is one that `begin` gave."""
        return self.folder / STAGING / uuid.UUID(name).hex

    def sweep(self, before: datetime) -> int:
        """Forget staged files that nobody has written to since then."""
        count = 0
        for path in (self.folder / STAGING).glob("*"):
            # others may end or sweep it at the same time
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    count += 1
        return count


@contextmanager
def _full_is_unavailable() -> Iterator[None]:
    """A full disk passes: somebody makes room, and the same is tried again."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StorageUnavailable from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Section(io.RawIOBase):
    """The next `left` bytes of a file, which is closed with it."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        super().__init__()
        self._file = file
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        block = self._file.read(min(len(view), self._left))
        view[: len(block)] = block
        self._left -= len(block)
        return len(block)

    def close(self) -> None:
        self._file.close()
        super().close()


class S3Storage:
    """Objects of one bucket under a prefix; credentials by the usual variables."""

    def __init__(
        self, *, bucket: str, prefix: str = "", endpoint_url: str | None = None
    ) -> None:
        """Prepare a client; nothing is sent before the first use."""
        # half a second that installations on files need not wait
        import boto3
        from botocore.config import Config as ClientConfig

        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        options = ClientConfig(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=20,
            max_pool_connections=32,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        if endpoint_url:
            # servers other than Amazon's know neither host names per bucket nor
            # the checksums that boto3 adds unasked
            options = options.merge(
                ClientConfig(
                    s3={"addressing_style": "path"},
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                )
            )
        self._client: S3Client = boto3.session.Session().client(
            "s3", endpoint_url=endpoint_url, config=options
        )

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)

    def put(self, key: str, data: BinaryIO, *, content_type: str) -> None:
        """Keep all of `data` under `key`, in parts when it is large."""
        from boto3.s3.transfer import TransferConfig

        name = self._name(key)
        with _domain_errors(key):
            self._client.upload_fileobj(
                cast("BinaryIO", _Unclosed(data)),
                self.bucket,
                name,
                ExtraArgs={"ContentType": content_type},
                Config=TransferConfig(use_threads=False),
            )

    def open(self, key: str, *, start: int = 0, end: int | None = None) -> BinaryIO:
        """A stream of the bytes from `start` up to `end` (exclusive)."""
        name = self._name(key)
        if end is not None and end <= start:
            self.size(key)
            return io.BytesIO()
        last = "" if end is None else end - 1
        within = f"bytes={start}-{last}"
        try:
            with _domain_errors(key):
                answer = (
                    self._client.get_object(Bucket=self.bucket, Key=name)
                    if (start, end) == (0, None)
                    else self._client.get_object(
                        Bucket=self.bucket, Key=name, Range=within
                    )
                )
        except _BeyondEnd:
            return io.BytesIO()
        return io.BufferedReader(_Received(answer["Body"], key))

    def size(self, key: str) -> int:
        """The number of bytes under `key`."""
        name = self._name(key)
        with _domain_errors(key):
            answer = self._client.head_object(Bucket=self.bucket, Key=name)
        return answer["ContentLength"]

    def delete(self, key: str) -> None:
        """Forget `key`; nothing happens when it is not there."""
        name = self._name(key)
        with _domain_errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=name)

    def delete_prefix(self, prefix: str) -> None:
        """Forget every key that begins with `prefix`."""
        names: list[ObjectIdentifierTypeDef] = [
            {"Key": self.prefix + key} for key in self.keys(prefix)
        ]
        for first in range(0, len(names), DELETE_BATCH):
            batch = names[first : first + DELETE_BATCH]
            with _domain_errors(prefix):
                answer = self._client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True}
                )
            if answer.get("Errors"):
                raise StorageUnavailable

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + check_prefix(prefix)
        )
        with _domain_errors(prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self.prefix)

    def begin(self, key: str) -> str:
        """The id of a multipart upload."""
        name = self._name(key)
        with _domain_errors(key):
            answer = self._client.create_multipart_upload(
                Bucket=self.bucket, Key=name, ContentType="application/octet-stream"
            )
        return answer["UploadId"]

    def put_part(self, key: str, name: str, number: int, data: BinaryIO) -> str:
        """Keep the part of that number; raises PartsMissing."""
        with _domain_errors(key):
            answer = self._client.upload_part(
                Bucket=self.bucket,
                Key=self._name(key),
                UploadId=name,
                PartNumber=number,
                Body=data,
            )
        return answer["ETag"]

    def join(self, key: str, name: str, tags: Sequence[str], *, size: int) -> None:
        """Complete the multipart upload; raises PartsMissing.

        Servers may keep more than one part of a number, so the tags say which.
        """
        listed: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)
        ]
        try:
            with _domain_errors(key):
                self._client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=self._name(key),
                    UploadId=name,
                    MultipartUpload={"Parts": listed},
                )
        except PartsMissing:
            # what was completed before has no parts any more
            if not self._has(key, size):
                raise
        if not self._has(key, size):
            self.delete(key)
            raise PartsMissing(key=key)

    def _has(self, key: str, size: int) -> bool:
        try:
            return self.size(key) == size
        except ObjectMissing:
            return False

    def abandon(self, key: str, name: str) -> None:
        """Abort the multipart upload; nothing happens when it is not there."""
        with contextlib.suppress(PartsMissing), _domain_errors(key):
            self._client.abort_multipart_upload(
                Bucket=self.bucket, Key=self._name(key), UploadId=name
            )

    def sweep(self, before: datetime) -> int:
        """Abort multipart uploads that were begun before then."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        with _domain_errors(self.prefix):
            old = [
                (found["Key"].removeprefix(self.prefix), found["UploadId"])
                for page in pages
                for found in page.get("Uploads", ())
                if found["Initiated"] < before
            ]
        for key, name in old:
            self.abandon(key, name)
        return len(old)


class _BeyondEnd(Invalid):
    """The range begins after the last byte."""


@contextmanager
def _domain_errors(key: str) -> Iterator[None]:
    """Say what the server's or the network's fault means to the caller."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in MISSING:
            raise ObjectMissing(key=key) from error
        if code in NO_UPLOAD:
            raise PartsMissing(key=key) from error
        if code == "InvalidRange":
            raise _BeyondEnd(key=key) from error
        raise StorageUnavailable from error
    except BotoCoreError as error:
        raise StorageUnavailable from error


class _Unclosed:
    """The caller's stream without `close`, which the transfer would call."""

    def __init__(self, data: BinaryIO) -> None:
        self.read = data.read


class _Received(io.RawIOBase):
    """The body of an answer; a connection that breaks is StorageUnavailable."""

    def __init__(self, body: "StreamingBody", key: str) -> None:
        super().__init__()
        self._body = body
        self._key = key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        with _domain_errors(self._key):
            block = self._body.read(len(view))
        view[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._body.close()
        super().close()
