"""The data of attachments: received, kept in storage, given out again, swept.

xAPI 1.0.3 Data 2.4.11, Communication 1.5.2; xAPI 2.0 4.2.2.6. Bytes are kept once per
tenant under their hash. A row claims them before they go to storage and says when they
are there; the statements come after that, in a transaction of their own. So data may
be left that no statement declares, and never a statement whose data is missing. Data
is given out with statements of those authorities alone that brought it: naming a hash
(and a `fileUrl`, so that no data is asked for) shows nobody the data of others. The
sweep takes away what nobody has declared for a day: under the row's lock, and not while
a request that brought the same data again has touched the row since.
"""

import io
import logging
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from sqlalchemy import (
    BigInteger,
    Index,
    String,
    Uuid,
    and_,
    case,
    delete,
    exists,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, UtcDateTime, insert_new, reading, writing
from lrs.multipart import Part
from lrs.parts import Parts
from lrs.storage import ObjectMissing, Storage
from lrs.tables import Reference, Statement, key_of, name_of_data
from statements.attachments import (
    SECTION,
    Declared,
    check_data,
    check_headers,
    hasher,
    refuse_missing,
)
from statements.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK = 1 << 16
# what stays in memory of the data of a request, or of an attachment that is read
IN_MEMORY = 1 << 20
GRACE = timedelta(hours=24)
# what came so lately need not be noted again
SETTLED = timedelta(hours=1)
BATCH = 200
OCTETS = "application/octet-stream"

log = logging.getLogger("rollcall.attachments")


class DataDamaged(Unavailable):
    """The data of an attachment cannot be read from storage as it was received."""


class Attachment(Base):
    """Data that was received, by its SHA-2 hash (lower case).

    `is_kept` says that storage has it; `unclaimed_since` is when it was received last,
    and empty once a statement was found that declares it.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index(
            "ix_attachment_unclaimed",
            "unclaimed_since",
            postgresql_where=text("unclaimed_since IS NOT NULL"),
            sqlite_where=text("unclaimed_since IS NOT NULL"),
        ),
    )

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attachment_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    sha2: Mapped[str] = mapped_column(String(128))
    length: Mapped[int] = mapped_column(BigInteger)
    is_kept: Mapped[bool]
    unclaimed_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AttachmentSource(Base):
    """An authority that brought the data: its statements show it."""

    __tablename__ = "attachment_source"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attachment_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    authority_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)


def attachment_key(sha2: str) -> uuid.UUID:
    """The key of the data, the same as that of the statements' references to it."""
    return key_of(name_of_data(sha2))


def storage_key(tenant: int, sha2: str) -> str:
    """Where the data is in storage."""
    return f"attachments/{tenant}/{sha2}"


# Receiving


@dataclass(frozen=True)
class Received:
    """Data that has its hash: `length` bytes of `file` from `start`."""

    sha2: str
    length: int
    file: IO[bytes]
    start: int = 0

    def open(self) -> BinaryIO:
        """A stream of the bytes; only one at a time of those of one file."""
        return cast("BinaryIO", io.BufferedReader(_Stretch(self)))


class _Stretch(io.RawIOBase):
    """Bytes within a file that stays open."""

    def __init__(self, received: Received) -> None:
        super().__init__()
        self._file, self._left = received.file, received.length
        self._file.seek(received.start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        block = self._file.read(min(len(view), self._left))
        view[: len(block)] = block
        self._left -= len(block)
        return len(block)


def receive(
    parts: Iterable[Part], attachments: Iterable[Declared], file: IO[bytes]
) -> dict[str, Received]:
    """The data of the parts after the first, by hash, written to `file` one by one.

    Every part is checked against the attachments that declare its hash, and every
    attachment without `fileUrl` has its part. Raises Invalid.
    """
    known: dict[str, list[Declared]] = defaultdict(list)
    for one in attachments:
        known[one.sha2].append(one)
    found: dict[str, Received] = {}
    for number, part in enumerate(parts, start=2):
        sha2 = part.headers.get("x-experience-api-hash", "").lower()
        digest = hasher(sha2)
        declared = known.get(sha2, [])
        check_headers(number, part.headers, declared)
        file.seek(0, io.SEEK_END)
        start = file.tell()
        for block in part.blocks:
            digest.update(block)
            file.write(block)
        length = file.tell() - start
        if digest.hexdigest() != sha2:
            raise Invalid(
                f"Part {number}: the hash of its data is {digest.hexdigest()}, "
                f"not {sha2}.",
                requirement="X-Experience-API-Hash is the hash of the part's data",
                section=SECTION,
            )
        check_data(number, part.headers, length=length)
        if sha2 in found:
            file.truncate(start)
        else:
            found[sha2] = Received(sha2, length, file, start)
    refuse_missing((one for listed in known.values() for one in listed), received=found)
    return found


def keep(
    parts: Parts,
    *,
    tenant: int,
    authority: str,
    received: Iterable[Received],
    now: datetime,
) -> None:
    """Bring the data to storage; call it before the statements are stored.

    `authority` is that of the statements, as the store writes it. What is there
    already is not sent again.
    """
    wanted = sorted(received, key=lambda one: attachment_key(one.sha2))
    if not wanted:
        return
    with reading(parts.engine) as db:
        known = _settled(db, tenant, wanted, authority, now)
    if len(known) < len(wanted):
        with writing(parts.engine) as db:
            known = _touch(db, tenant, wanted, now)
            for one in wanted:
                _note_source(db, tenant, one.sha2, authority)
    new = [one for one in wanted if not known[attachment_key(one.sha2)]]
    for one in wanted:
        key = storage_key(tenant, one.sha2)
        is_known = known[attachment_key(one.sha2)]
        if not (is_known and _is_whole(parts.storage, key, one.length)):
            with one.open() as stream:
                parts.storage.put(key, stream, content_type=OCTETS)
    for start in range(0, len(new), BATCH):
        keys = [attachment_key(one.sha2) for one in new[start : start + BATCH]]
        is_one = and_(
            Attachment.tenant_id == tenant, Attachment.attachment_key.in_(keys)
        )
        with writing(parts.engine) as db:
            # in the order in which everybody locks them
            db.execute(
                select(Attachment.attachment_key)
                .where(is_one)
                .order_by(Attachment.attachment_key)
                .with_for_update()
            ).all()
            db.execute(update(Attachment).where(is_one).values(is_kept=True))


def _is_whole(storage: Storage, key: str, length: int) -> bool:
    """Whether storage has as many bytes: what was lost is mended by who brings it."""
    try:
        return storage.size(key) == length
    except ObjectMissing:
        return False


def hold(
    parts: Parts, *, tenant: int, authority: str, sha2: str, now: datetime
) -> bool:
    """Whether the data is kept already; if so, as if it had come once more."""
    with writing(parts.engine) as db:
        row = db.scalar(
            select(Attachment)
            .where(
                Attachment.tenant_id == tenant,
                Attachment.attachment_key == attachment_key(sha2),
                Attachment.is_kept,
            )
            .with_for_update()
        )
        if row is None:
            return False
        if row.unclaimed_since is not None:
            row.unclaimed_since = now
        _note_source(db, tenant, sha2, authority)
        return True


def _note_source(db: Session, tenant: int, sha2: str, authority: str) -> None:
    insert_new(
        db,
        AttachmentSource,
        tenant_id=tenant,
        attachment_key=attachment_key(sha2),
        authority_key=key_of(authority),
    )


def _settled(
    db: Session,
    tenant: int,
    wanted: list[Received],
    authority: str,
    now: datetime,
) -> dict[uuid.UUID, bool]:
    """What is kept, the authority's, and out of the sweep's reach for hours: True."""
    known: dict[uuid.UUID, bool] = {}
    keys = [attachment_key(one.sha2) for one in wanted]
    for start in range(0, len(keys), BATCH):
        found = db.scalars(
            select(Attachment.attachment_key)
            .join(
                AttachmentSource,
                and_(
                    AttachmentSource.tenant_id == Attachment.tenant_id,
                    AttachmentSource.attachment_key == Attachment.attachment_key,
                ),
            )
            .where(
                Attachment.tenant_id == tenant,
                Attachment.attachment_key.in_(keys[start : start + BATCH]),
                Attachment.is_kept,
                or_(
                    Attachment.unclaimed_since.is_(None),
                    Attachment.unclaimed_since > now - SETTLED,
                ),
                AttachmentSource.authority_key == key_of(authority),
            )
        )
        known |= dict.fromkeys(found, True)
    return known


def _touch(
    db: Session, tenant: int, wanted: list[Received], now: datetime
) -> dict[uuid.UUID, bool]:
    """Whether each is kept already; from now on the sweep leaves it for a day."""
    known: dict[uuid.UUID, bool] = {}
    make = postgresql.insert if _is_postgresql(db) else sqlite.insert
    for start in range(0, len(wanted), BATCH):
        new = make(Attachment).values(
            [
                {
                    "tenant_id": tenant,
                    "attachment_key": attachment_key(one.sha2),
                    "sha2": one.sha2,
                    "length": one.length,
                    "is_kept": False,
                    "unclaimed_since": now,
                }
                for one in wanted[start : start + BATCH]
            ]
        )
        touched = case(
            (Attachment.unclaimed_since.is_(None), None),
            else_=new.excluded.unclaimed_since,
        )
        rows = db.execute(
            new.on_conflict_do_update(
                index_elements=[Attachment.tenant_id, Attachment.attachment_key],
                set_={"unclaimed_since": touched},
            ).returning(Attachment.attachment_key, Attachment.is_kept)
        )
        known |= {row.attachment_key: row.is_kept for row in rows}
    return known


def _is_postgresql(db: Session) -> bool:
    return db.get_bind().dialect.name == "postgresql"


# Giving out


def find_data(
    db: Session, *, tenant: int, declared: Mapping[uuid.UUID, Collection[str]]
) -> dict[str, int]:
    """The length of what may be given out with these statements, by hash.

    `declared` has the hashes (lower case) that each statement declares, by its id.
    """
    found: dict[str, int] = {}
    with_some = [one for one, hashes in declared.items() if hashes]
    for start in range(0, len(with_some), BATCH):
        ids = with_some[start : start + BATCH]
        keys = sorted({attachment_key(sha2) for one in ids for sha2 in declared[one]})
        # one statement may declare more than a command takes
        for first in range(0, len(keys), BATCH):
            part = keys[first : first + BATCH]
            rows = db.execute(
                select(Statement.statement_id, Attachment.sha2, Attachment.length)
                .join(
                    AttachmentSource,
                    and_(
                        AttachmentSource.tenant_id == Statement.tenant_id,
                        AttachmentSource.authority_key == Statement.authority_key,
                    ),
                )
                .join(
                    Attachment,
                    and_(
                        Attachment.tenant_id == AttachmentSource.tenant_id,
                        Attachment.attachment_key == AttachmentSource.attachment_key,
                    ),
                )
                .where(
                    Statement.tenant_id == tenant,
                    Statement.statement_id.in_(ids),
                    AttachmentSource.attachment_key.in_(part),
                    Attachment.is_kept,
                )
            )
            found |= {
                row.sha2: row.length
                for row in rows
                if row.sha2 in declared[row.statement_id]
            }
    return found


@contextmanager
def open_data(storage: Storage, *, tenant: int, sha2: str) -> Iterator[IO[bytes]]:
    """The data as it was received; raises DataDamaged before the first byte."""
    digest = hasher(sha2)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as checked:
        try:
            with storage.open(storage_key(tenant, sha2)) as stream:
                while block := stream.read(BLOCK):
                    digest.update(block)
                    checked.write(block)
        except ObjectMissing as error:
            log.exception(
                "an attachment's data is missing",
                extra={"tenant": tenant, "sha2": sha2},
            )
            raise DataDamaged(sha2=sha2) from error
        if digest.hexdigest() != sha2:
            log.error(
                "an attachment's data is damaged",
                extra={"tenant": tenant, "sha2": sha2},
            )
            raise DataDamaged(sha2=sha2)
        checked.seek(0)
        yield checked


# Sweeping


def sweep(parts: Parts, now: datetime) -> None:
    """Forget data that came more than a day ago and that no statement declares."""
    while _sweep_some(parts, now - GRACE):
        pass


def _sweep_some(parts: Parts, before: datetime) -> bool:
    """Handle a batch; whether there was any."""
    key = tuple_(Attachment.tenant_id, Attachment.attachment_key)
    with writing(parts.engine) as db:
        rows = db.execute(
            select(
                Attachment.tenant_id,
                Attachment.attachment_key,
                exists()
                .where(
                    Reference.tenant_id == Attachment.tenant_id,
                    Reference.ref_key == Attachment.attachment_key,
                )
                .label("is_declared"),
            )
            .where(Attachment.unclaimed_since < before)
            .order_by(Attachment.tenant_id, Attachment.attachment_key)
            .limit(BATCH)
            .with_for_update(of=Attachment)
        ).all()
        declared = [(row[0], row[1]) for row in rows if row.is_declared]
        orphans = [(row[0], row[1]) for row in rows if not row.is_declared]
        if declared:
            db.execute(
                update(Attachment)
                .where(key.in_(declared))
                .values(unclaimed_since=None)
                .execution_options(synchronize_session=False)
            )
        if orphans:
            # from here on nobody is given it, and whoever receives it sends it anew
            db.execute(
                update(Attachment)
                .where(key.in_(orphans))
                .values(is_kept=False)
                .execution_options(synchronize_session=False)
            )
    for tenant, one in orphans:
        _forget(parts, tenant, one, before)
    return bool(rows)


def _forget(parts: Parts, tenant: int, key: uuid.UUID, before: datetime) -> None:
    with writing(parts.engine) as db:
        row = db.scalar(
            select(Attachment)
            .where(
                Attachment.tenant_id == tenant,
                Attachment.attachment_key == key,
                Attachment.unclaimed_since < before,
            )
            .with_for_update()
        )
        if row is not None:
            parts.storage.delete(storage_key(tenant, row.sha2))
            db.execute(
                delete(AttachmentSource).where(
                    AttachmentSource.tenant_id == tenant,
                    AttachmentSource.attachment_key == key,
                )
            )
            db.delete(row)
