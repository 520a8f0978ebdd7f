"""Bytes on their way into storage: pieces, breaks, takeovers, kills between steps."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.storage import PART, StorageUnavailable
from lrs.tables import MAIN_TENANT
from packages import receiving
from packages.quotas import QuotaExceeded, set_quota, used_bytes
from packages.receiving import (
    Checksum,
    ChecksumDiffers,
    OffsetDiffers,
    Overtaken,
    UploadEmpty,
    UploadTooLarge,
    UploadTruncated,
    append,
    create_upload,
    receive_file,
)
from packages.uploads import (
    Upload,
    UploadNotFound,
    discard_upload,
    get_upload,
    upload_key,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.parts import Parts

OWNER = "author"
DATA = os.urandom(PART + 300_000)


@dataclass
class Sending:
    """An upload of DATA by one author; `completed` counts the times it was complete."""

    parts: Parts
    now: datetime
    id: uuid.UUID = field(init=False)
    completed: int = 0

    def __post_init__(self) -> None:
        self.id = create_upload(
            self.parts,
            tenant=MAIN_TENANT,
            owner=OWNER,
            filename="a.zip",
            length=len(DATA),
            now=self.now,
        ).id

    def complete(self, db: Session, upload: Upload) -> None:
        del db, upload
        self.completed += 1

    def send(self, start: int, end: int | None = None, **words: Any) -> Upload:
        data = words.pop("data", io.BytesIO(DATA[start:end]))
        size = words.pop("size", len(DATA[start:end]))
        asked = {"tenant": MAIN_TENANT, "owner": OWNER, "now": self.now} | words
        return append(
            self.parts,
            upload_id=self.id,
            offset=start,
            size=size,
            data=data,
            complete=self.complete,
            **asked,
        )

    @property
    def row(self) -> Upload:
        with reading(self.parts.engine) as db:
            return get_upload(
                db,
                upload_id=self.id,
                tenant=MAIN_TENANT,
                owner=OWNER,
                now=self.now,
            )

    def check_whole(self) -> None:
        """All of it is there, once, and nothing else."""
        row = self.row
        assert row.sha256 == hashlib.sha256(DATA).hexdigest()
        assert (row.received, row.tail, self.completed) == (len(DATA), None, 1)
        assert keys(self.parts) == [upload_key(self.id)]
        with self.parts.storage.open(upload_key(self.id)) as stream:
            assert stream.read() == DATA


@pytest.fixture
def sending(parts: Parts, now: datetime) -> Sending:
    return Sending(parts, now)


def keys(parts: Parts) -> list[str]:
    return list(parts.storage.keys(""))


class Breaking(io.BytesIO):
    """A connection that breaks after its bytes."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError
        return data


@pytest.mark.parametrize(
    "cuts",
    [
        [],
        [1],
        [100_000, 200_000, 300_000],
        [PART],
        [PART - 1, PART, PART + 1],
        [PART + 299_999],
    ],
    ids=str,
)
def test_pieces_of_any_size_make_the_file(sending: Sending, cuts: list[int]) -> None:
    ends = [*cuts, len(DATA)]
    for start, end in zip([0, *cuts], ends, strict=True):
        assert sending.row.sha256 is None
        assert sending.send(start, end).received == end == sending.row.received
    sending.check_whole()
    # a repeated end changes nothing
    assert sending.send(len(DATA)).sha256
    sending.check_whole()


def test_what_came_before_a_break_is_kept(sending: Sending) -> None:
    for start, end in ((0, 70_000), (70_000, PART + 5), (PART + 5, PART + 5)):
        with pytest.raises(ConnectionResetError):
            sending.send(
                start,
                data=Breaking(DATA[start:end]),
                size=len(DATA) - start,
            )
        assert sending.row.received == end
    sending.send(PART + 5)
    sending.check_whole()


def test_a_piece_must_begin_where_the_last_one_ended(sending: Sending) -> None:
    sending.send(0, 1000)
    for wrong in (0, 999, 1001):
        with pytest.raises(OffsetDiffers) as refused:
            sending.send(wrong, wrong + 10)
        assert refused.value.extra["offset"] == 1000
    with pytest.raises(UploadTooLarge):
        sending.send(1000, size=len(DATA))
    sending.send(1000)
    sending.check_whole()


@pytest.mark.parametrize("change", ["tenant", "owner", "time", "id"])
def test_others_know_nothing_of_it(sending: Sending, change: str) -> None:
    words: dict[str, Any] = {
        "tenant": {"tenant": MAIN_TENANT + 1},
        "owner": {"owner": "another"},
        "time": {"now": sending.now + timedelta(days=2)},
        "id": {},
    }[change]
    if change == "id":
        sending.id = uuid.uuid4()
    with pytest.raises(UploadNotFound):
        sending.send(0, **words)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_that_sums_wrong_is_not_kept(sending: Sending, algorithm: str) -> None:
    right = Checksum(algorithm, hashlib.new(algorithm, DATA).digest())
    wrong = Checksum(algorithm, bytes(20))
    damaged = io.BytesIO(DATA[:-1] + b"?")
    with pytest.raises(ChecksumDiffers):
        sending.send(0, data=damaged, checksum=right)
    with pytest.raises(ChecksumDiffers):
        sending.send(0, checksum=wrong)
    with pytest.raises(ConnectionResetError):
        sending.send(0, data=Breaking(DATA[:1000]), checksum=right)
    assert (sending.row.received, sending.completed) == (0, 0)
    sending.send(0, checksum=right)
    sending.check_whole()


def test_the_last_to_begin_is_the_writer(sending: Sending) -> None:
    """A request whose connection died, but goes on, neither adds nor damages."""

    class Late(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 0:
                sending.send(0, 1000)
            return super().read(size)

    with pytest.raises(Overtaken):
        sending.send(0, data=Late(DATA[:500]), size=500)
    assert sending.row.received == 1000
    sending.send(1000)
    sending.check_whole()


@pytest.mark.parametrize("known", ["summed here", "read again"])
def test_a_sender_who_asks_again_while_the_whole_is_summed(
    sending: Sending, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """Whoever is first says so; the other has the same answer."""
    if known == "read again":
        monkeypatch.setattr(receiving.SUMS, "of", lambda _: None)
    sending.send(0, PART + 10)
    join = sending.parts.storage.join

    def impatient(*words: Any, **named: Any) -> None:
        join(*words, **named)
        monkeypatch.setattr(sending.parts.storage, "join", join)
        assert sending.send(PART + 10).sha256

    monkeypatch.setattr(sending.parts.storage, "join", impatient)
    assert sending.send(PART + 10).sha256 == hashlib.sha256(DATA).hexdigest()
    sending.check_whole()


def test_a_sum_is_kept_for_exactly_what_is_safe(sending: Sending) -> None:
    with pytest.raises(ConnectionResetError):
        sending.send(0, data=Breaking(DATA[:1000]), size=5000)
    [kept] = [key for key in receiving.SUMS._kept if key[0] == sending.id]
    assert kept == (sending.id, 1000)
    wrong = Checksum("sha1", bytes(20))
    with pytest.raises(ChecksumDiffers):
        sending.send(1000, data=io.BytesIO(bytes(500)), size=500, checksum=wrong)
    assert [key for key in receiving.SUMS._kept if key[0] == sending.id] == []
    sending.send(1000)
    sending.check_whole()


def test_an_upload_that_is_ended_meanwhile_leaves_nothing(sending: Sending) -> None:
    class Ending(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 0:
                discard_upload(sending.parts, upload=sending.row)
            return super().read(size)

    with pytest.raises(Overtaken):
        sending.send(0, data=Ending(DATA[:500]), size=500)
    assert keys(sending.parts) == []
    with reading(sending.parts.engine) as db:
        assert db.scalar(select(func.count()).select_from(Upload)) == 0


def test_a_kill_after_the_parts_were_joined(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.send(0, PART + 10)
    with monkeypatch.context() as patch:
        # what a kill is to the one who sends: nothing is written any more
        patch.setattr(receiving._Piece, "_tell", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            sending.send(PART + 10)
    assert sending.row.received == PART + 10
    assert upload_key(sending.id) in keys(sending.parts)
    sending.send(PART + 10)
    sending.check_whole()


def test_storage_that_is_away_for_a_part(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes wait beside it and make up the part of the next request."""

    def away(*_: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(sending.parts.storage, "put_part", away)
        with pytest.raises(StorageUnavailable):
            sending.send(0)
    assert sending.row.received == PART
    sending.send(PART)
    sending.check_whole()


def whole(parts: Parts, data: io.BytesIO, now: datetime, **words: Any) -> Upload:
    return receive_file(
        parts,
        tenant=MAIN_TENANT,
        owner=OWNER,
        filename="a.zip",
        data=data,
        now=now,
        **words,
    )


def test_a_file_in_one_go(parts: Parts, now: datetime) -> None:
    upload = whole(parts, io.BytesIO(DATA), now)
    assert upload.sha256 == hashlib.sha256(DATA).hexdigest()
    assert upload.length == upload.received == len(DATA)
    assert keys(parts) == [upload_key(upload.id)]


def test_what_is_refused_leaves_nothing(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MAXIMUM_UPLOAD", 1000)
    with writing(parts.engine) as db:
        set_quota(db, tenant=MAIN_TENANT, megabytes=1)
    with pytest.raises(ConnectionResetError):
        whole(parts, Breaking(b"some"), now)
    with pytest.raises(UploadTruncated):
        whole(parts, io.BytesIO(b"short"), now, length=500)
    for length in (None, 1001):
        with pytest.raises(UploadTooLarge):
            whole(parts, io.BytesIO(bytes(1001)), now, length=length)
    monkeypatch.setattr(receiving, "MAXIMUM_UPLOAD", 10**9)
    for length in (None, 1_000_001):
        with pytest.raises(QuotaExceeded):
            whole(parts, io.BytesIO(bytes(1_000_001)), now, length=length)
    for length, error in ((0, UploadEmpty), (10**9 + 1, UploadTooLarge)):
        with pytest.raises(error):
            create_upload(
                parts,
                tenant=MAIN_TENANT,
                owner=OWNER,
                filename="a.zip",
                length=length,
                now=now,
            )
    with pytest.raises(QuotaExceeded):
        Sending(parts, now)
    assert keys(parts) == []
    with reading(parts.engine) as db:
        assert used_bytes(db, tenant=MAIN_TENANT) == 0
