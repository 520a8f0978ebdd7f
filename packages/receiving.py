"""Bytes of a package on their way into storage: in one go, or piece by piece.

Pieces follow the tus protocol 1.0 (core and checksum; `packages/views/uploads.py` has
its HTTP): each begins where the last one ended, and what came of a piece that broke off
is kept. Bytes wait in a file until they are a part of storage's size; a part is told in
the upload's row after it is safe, so a kill loses less than a part. The same transaction
that says that all is there lets `complete` make something of it. Nothing holds more
than a block in memory.
"""

import hashlib
import tempfile
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from sqlalchemy import CursorResult, and_, update
from sqlalchemy.orm import Session

from lrs.db import writing
from lrs.parts import Parts
from lrs.storage import PART, ObjectMissing, PartsMissing
from packages.archive import MAXIMUM_UNPACKED
from packages.quotas import require_room
from packages.uploads import (
    Upload,
    discard_upload,
    expiry_of,
    get_upload,
    new_upload,
    tail_key,
    upload_key,
)
from statements.errors import Conflict, Invalid, InvalidPackage, TooLarge

if TYPE_CHECKING:
    from hashlib import _Hash

MAXIMUM_UPLOAD = MAXIMUM_UNPACKED
BLOCK = 1 << 18

Complete = Callable[[Session, Upload], None]


class UploadTooLarge(TooLarge):
    """The file is larger than packages may be."""


class UploadEmpty(Invalid):
    """The file is empty; check its size on your computer and choose it again."""


class UploadTruncated(InvalidPackage):
    """The upload ended before all of the file had arrived."""


class OffsetDiffers(Conflict):
    """The piece does not begin where the last one ended."""


class Overtaken(Conflict):
    """The upload was ended, or went on by another request, meanwhile."""


class ChecksumDiffers(Invalid):
    """The piece is not what its checksum says; send it again."""


@dataclass(frozen=True)
class Checksum:
    """What a piece must sum to; nothing of one that does not is kept."""

    algorithm: str
    digest: bytes


def receive_file(
    parts: Parts,
    *,
    tenant: int,
    owner: str,
    filename: str,
    data: BinaryIO,
    now: datetime,
    length: int | None = None,
) -> Upload:
    """The upload, all of it safe in storage, that comes in one go.

    `length` is the announced size, checked when given. Raises UploadTooLarge,
    UploadTruncated, QuotaExceeded; then nothing is left.
    """
    upload = _begun(
        parts,
        tenant=tenant,
        owner=owner,
        filename=filename,
        length=length or 0,
        now=now,
    )
    summed = Summed(data, limit=MAXIMUM_UPLOAD)
    try:
        parts.storage.put(
            upload_key(upload.id),
            cast("BinaryIO", summed),
            content_type="application/octet-stream",
        )
        if length is not None and summed.size != length:
            raise UploadTruncated(
                f"{summed.size} of {length} bytes arrived; upload the file again."
            )
        with writing(parts.engine) as db:
            more = summed.size - upload.length
            require_room(db, config=parts.config, tenant=tenant, size=more)
            found = db.get_one(Upload, upload.id)
            found.length = found.received = summed.size
            found.sha256 = summed.sha256.hexdigest()
    except BaseException:
        discard_upload(parts, upload=upload)
        raise
    return found


class Summed:
    """A stream that sums and counts what is read from it, up to the limit."""

    def __init__(self, data: BinaryIO, *, limit: int | None = None) -> None:
        """Read from `data`."""
        self._data = data
        self._limit = limit
        self.sha256 = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises UploadTooLarge past the limit."""
        block = self._data.read(BLOCK if size < 0 else size)
        self.sha256.update(block)
        self.size += len(block)
        if self._limit is not None and self.size > self._limit:
            raise UploadTooLarge
        return block


class Watched:
    """A stream that says what share of it has been read."""

    def __init__(
        self, data: BinaryIO, size: int, report: Callable[[float], None]
    ) -> None:
        """Read from `data`, which has `size` bytes."""
        self._data, self._size, self._report = data, max(size, 1), report
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        block = self._data.read(size)
        self._done += len(block)
        self._report(min(self._done / self._size, 1.0))
        return block


def create_upload(
    parts: Parts,
    *,
    tenant: int,
    owner: str,
    filename: str,
    length: int,
    now: datetime,
) -> Upload:
    """An upload whose pieces are to come; raises UploadTooLarge, QuotaExceeded."""
    if length < 1:
        raise UploadEmpty
    upload = _begun(
        parts, tenant=tenant, owner=owner, filename=filename, length=length, now=now
    )
    name = parts.storage.begin(upload_key(upload.id))
    with writing(parts.engine) as db:
        upload = db.get_one(Upload, upload.id)
        upload.parts_name = name
    return upload


def _begun(
    parts: Parts, *, tenant: int, owner: str, filename: str, length: int, now: datetime
) -> Upload:
    if length > MAXIMUM_UPLOAD:
        raise UploadTooLarge(
            f"A package may have {MAXIMUM_UPLOAD:,} bytes; this file has {length:,}.",
            limit=MAXIMUM_UPLOAD,
        )
    with writing(parts.engine) as db:
        require_room(db, config=parts.config, tenant=tenant, size=length)
        upload = new_upload(
            tenant=tenant, owner=owner, filename=filename, length=length, now=now
        )
        db.add(upload)
        return upload


class Sums:
    """Sums of uploads whose pieces came to this process, so that none is read again.

    Only of as many uploads as are sent at a time; what is not there is read from
    storage. The import sums again what it reads.
    """

    MOST = 100

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[uuid.UUID, int], _Hash] = OrderedDict()

    def of(self, upload: Upload) -> "_Hash | None":
        """The sum of the bytes received, if it is known here."""
        if not upload.received:
            return hashlib.sha256()
        with self._lock:
            return self._kept.pop((upload.id, upload.received), None)

    def keep(self, upload: Upload, total: "_Hash | None", *, at: int) -> None:
        """Remember the sum of the first `at` bytes, if those are what is safe."""
        if total is None or at != upload.received or upload.sha256 is not None:
            return
        with self._lock:
            self._kept[upload.id, at] = total
            while len(self._kept) > self.MOST:
                self._kept.popitem(last=False)


SUMS = Sums()


def append(
    parts: Parts,
    *,
    upload_id: uuid.UUID,
    tenant: int,
    owner: str,
    offset: int,
    size: int,
    data: BinaryIO,
    complete: Complete,
    now: datetime,
    checksum: Checksum | None = None,
) -> Upload:
    """The upload with the next `size` bytes, read from `data`.

    `complete` is called in the transaction that says that all is there. Raises
    UploadNotFound, OffsetDiffers, UploadTooLarge, ChecksumDiffers, Overtaken.
    """
    with writing(parts.engine) as db:
        upload = get_upload(
            db, upload_id=upload_id, tenant=tenant, owner=owner, now=now, lock=True
        )
        if offset != upload.received:
            raise OffsetDiffers(offset=upload.received)
        if offset + size > upload.length:
            raise UploadTooLarge(
                f"The file was announced with {upload.length} bytes; this piece would "
                f"end at {offset + size}.",
                limit=upload.length,
            )
        if upload.sha256 is not None:
            return upload
        upload.writer = uuid.uuid4()
        db.flush()
        db.expunge(upload)
    with tempfile.TemporaryFile() as file:
        _Piece(parts, upload, cast("BinaryIO", file), complete, now, checksum).read(
            data
        )
    return upload


class _Piece:
    """One request's bytes: gathered, given to storage, told in the row.

    With a checksum nothing is told before it is right; parts that storage was given
    meanwhile are replaced by the next try.
    """

    def __init__(
        self,
        parts: Parts,
        upload: Upload,
        file: BinaryIO,
        complete: Complete,
        now: datetime,
        checksum: Checksum | None,
    ) -> None:
        self.parts, self.upload, self.file = parts, upload, file
        self.complete, self.checksum = complete, checksum
        self.now, self.began = now, time.monotonic()
        self.key = upload_key(upload.id)
        self.tags = list(upload.tags)
        self.waiting = 0
        self.is_joined = False
        self.sum: _Hash | None = None
        if checksum is not None:
            self.sum = hashlib.new(checksum.algorithm, usedforsecurity=False)
        self.total, self.summed = SUMS.of(upload), upload.received

    @property
    def received(self) -> int:
        """Everything that came so far, told or not."""
        return len(self.tags) * PART + self.waiting

    def read(self, data: BinaryIO) -> None:
        """Take all of `data`; what came before it broke off is kept."""
        try:
            self._read(data)
        finally:
            SUMS.keep(self.upload, self.total, at=self.summed)

    def _read(self, data: BinaryIO) -> None:
        self._recall()
        try:
            while block := data.read(self._room()):
                self._take(block)
        except (Overtaken, PartsMissing):
            raise
        except BaseException:
            if self.sum is None:
                self._keep_tail()
            raise
        self._check()
        if self.received < self.upload.length:
            self._keep_tail()
            return
        if self.waiting:
            self._put_part()
        self._finish()

    def _recall(self) -> None:
        """The bytes after the last whole part, which an earlier request kept."""
        left = self.upload.received - len(self.tags) * PART
        if left and self.upload.tail is not None:
            kept = tail_key(self.upload.id, self.upload.tail)
            with self.parts.storage.open(kept, start=0, end=left) as stream:
                while block := stream.read(BLOCK):
                    self.file.write(block)
            self.waiting = left

    def _take(self, block: bytes) -> None:
        for one in (self.sum, self.total):
            if one is not None:
                one.update(block)
        self.summed += len(block)
        self.file.write(block)
        self.waiting += len(block)

    def _room(self) -> int:
        """How much to read next; a whole part makes room first, but for the last."""
        if self.waiting == PART and self.received < self.upload.length:
            self._put_part()
            if self.sum is None:
                self._tell(tail=None)
        return min(BLOCK, PART - self.waiting)

    def _check(self) -> None:
        if self.sum is None or self.checksum is None:
            return
        if self.sum.digest() != self.checksum.digest:
            raise ChecksumDiffers

    def _put_part(self) -> None:
        self.file.seek(0)
        number = len(self.tags) + 1
        try:
            tag = self.parts.storage.put_part(
                self.key, self.upload.parts_name, number, self.file
            )
        except PartsMissing:
            # a request that was killed after it had joined them
            if not self._is_there():
                raise
            self.is_joined = True
            tag = ""
        self.tags.append(tag)
        self.file.seek(0)
        self.file.truncate()
        self.waiting = 0

    def _is_there(self) -> bool:
        try:
            return self.parts.storage.size(self.key) == self.upload.length
        except ObjectMissing:
            return False

    def _keep_tail(self) -> None:
        """Keep what is no whole part under a name that only this request uses."""
        if self.received == self.upload.received:
            return
        tail = self.upload.writer if self.waiting else None
        if tail is None:
            self._tell(tail=None)
            return
        kept = tail_key(self.upload.id, tail)
        self.file.seek(0)
        self.parts.storage.put(kept, self.file, content_type="application/octet-stream")
        try:
            self._tell(tail=tail)
        except Overtaken:
            self.parts.storage.delete(kept)
            raise

    def _finish(self) -> None:
        if not self.is_joined:
            self.parts.storage.join(
                self.key, self.upload.parts_name, self.tags, size=self.upload.length
            )
        total = self.total
        if total is None:
            total = hashlib.sha256()
            with self.parts.storage.open(self.key) as stream:
                while block := stream.read(BLOCK):
                    total.update(block)
        self._tell(tail=None, sha256=total.hexdigest())

    def _tell(self, *, tail: uuid.UUID | None, sha256: str | None = None) -> None:
        """Write what is safe now, unless another request is the writer by now."""
        upload, before = self.upload, self.upload.tail
        received = upload.length if sha256 else self.received
        now = self.now + timedelta(seconds=time.monotonic() - self.began)
        values: dict[str, Any] = {
            "received": received,
            "tags": list(self.tags),
            "tail": tail,
            "sha256": sha256,
            "expires_at": expiry_of(upload, now),
        }
        # what is joined does not change any more: whoever has summed it may say so, even
        # when the sender has lost patience and asks again
        is_mine = (
            Upload.writer == upload.writer
            if sha256 is None
            else and_(Upload.writer.is_not(None), Upload.sha256.is_(None))
        )
        with writing(self.parts.engine) as db:
            told = db.execute(
                update(Upload).where(Upload.id == upload.id, is_mine).values(values)
            )
            if not cast("CursorResult[Any]", told).rowcount:
                self._accept_what_is_told(db, sha256)
                return
            for name, value in values.items():
                setattr(upload, name, value)
            if sha256 is not None:
                self.complete(db, db.get_one(Upload, upload.id))
        if before is not None and before != tail:
            self.parts.storage.delete(tail_key(upload.id, before))

    def _accept_what_is_told(self, db: Session, sha256: str | None) -> None:
        """Raise Overtaken, unless another request has said the same of the whole."""
        found = db.get(Upload, self.upload.id)
        if sha256 is None or found is None or found.sha256 != sha256:
            raise Overtaken
        self.upload.received, self.upload.sha256 = found.received, found.sha256
