"""Files on their way in: who sends them, how much of them is safe, until when.

An upload becomes a package of the same id when it is accepted. Its bytes lie under
`uploads/`, what has no part of its own yet beside them under a name that changes with
every request. Whoever sends last is the writer: one that was overtaken, because its
connection is thought dead, changes nothing any more. The row comes before the bytes and
goes after them, so the sweep, which knows the rows, leaves nothing behind.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, Uuid, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, Json, UtcDateTime, new_id, reading, writing
from lrs.jobs import enqueue
from lrs.parts import Parts
from packages.courses import Package, find_twin_of
from statements.errors import Conflict, NotFound

# an upload is forgotten when nothing came for so long
PATIENCE = timedelta(hours=24)
# and at the latest after
LONGEST = timedelta(days=6)
# storage forgets what was begun so long ago: longer than any upload lives
SETTLED = timedelta(days=7)
_FILENAME_LENGTH = 255


class UploadNotFound(NotFound):
    """There is no such upload; it may have ended or expired."""


class UploadUnfinished(Conflict):
    """The file has not arrived yet."""


class Upload(Base):
    """A file that is being sent, or that waits to become a package.

    `received` bytes of `length` are safe: `tags` are those of the parts that storage
    has under `parts_name`, `tail` names what came after them. `sha256` is set once all
    is there.
    """

    __tablename__ = "upload"
    __table_args__ = (
        Index("ix_upload_owner", "tenant_id", "owner"),
        Index("ix_upload_expires_at", "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    owner: Mapped[str] = mapped_column(String(255))
    filename: Mapped[str] = mapped_column(String(255))
    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger)
    parts_name: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(Json)
    tail: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    writer: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    sha256: Mapped[str | None] = mapped_column(String(64))
    is_accepted: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


def new_upload(
    *, tenant: int, owner: str, filename: str, length: int, now: datetime
) -> Upload:
    """The row of a file of which nothing has come."""
    return Upload(
        id=new_id(),
        tenant_id=tenant,
        owner=owner,
        filename=clean_filename(filename),
        length=length,
        received=0,
        parts_name="",
        tags=[],
        tail=None,
        writer=None,
        sha256=None,
        is_accepted=False,
        created_at=now,
        expires_at=now + PATIENCE,
    )


def upload_key(upload_id: uuid.UUID) -> str:
    """Where the file lies once all of it is there."""
    return f"uploads/{upload_id.hex}"


def tail_key(upload_id: uuid.UUID, tail: uuid.UUID) -> str:
    """Where the bytes lie that came after the last whole part."""
    return f"{upload_key(upload_id)}.{tail.hex}"


def expiry_of(upload: Upload, now: datetime) -> datetime:
    """Until when an upload is kept of which something came just now."""
    return min(now + PATIENCE, upload.created_at + LONGEST)


def clean_filename(filename: str) -> str:
    """The last part of a file name as people may see it; never used as a path."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(one for one in name if one.isprintable()).strip()
    return shown[-_FILENAME_LENGTH:] or "package.zip"


def get_upload(
    db: Session,
    *,
    upload_id: uuid.UUID,
    tenant: int,
    owner: str,
    now: datetime,
    lock: bool = False,
) -> Upload:
    """The caller's upload; raises UploadNotFound."""
    upload = db.get(Upload, upload_id, with_for_update=lock or None)
    if (
        upload is None
        or (upload.tenant_id, upload.owner) != (tenant, owner)
        or (upload.expires_at <= now and not upload.is_accepted)
    ):
        raise UploadNotFound
    return upload


def find_uploads(
    db: Session, *, tenant: int, owner: str, now: datetime
) -> Sequence[Upload]:
    """What the caller has begun to send and not made a package of, newest first."""
    waiting = select(Upload).where(
        Upload.tenant_id == tenant,
        Upload.owner == owner,
        Upload.is_accepted.is_(False),
        or_(Upload.parts_name != "", Upload.sha256.is_not(None)),
        Upload.expires_at > now,
    )
    return db.scalars(waiting.order_by(Upload.created_at.desc())).all()


def twin_of(db: Session, *, upload: Upload) -> Package | None:
    """The oldest imported package of the same bytes."""
    return find_twin_of(
        db, tenant=upload.tenant_id, sha256=upload.sha256 or "", other_than=upload.id
    )


def accept_upload(
    db: Session,
    *,
    upload: Upload,
    now: datetime,
    run_at: datetime | None = None,
    lenient: bool = False,
) -> Package:
    """The package that the upload is now, queued for import; the same when repeated.

    The import may start at `run_at`, else at once; it is as `lenient` as
    `packages.check` says. Raises UploadUnfinished.
    """
    if upload.sha256 is None:
        raise UploadUnfinished
    known = db.get(Package, upload.id)
    if known is not None:
        return known
    package = Package(
        id=upload.id,
        tenant_id=upload.tenant_id,
        filename=upload.filename,
        sha256=upload.sha256,
        size=upload.length,
        stored=upload.length,
        status="queued",
        progress=0.0,
        tries=0,
        standard=None,
        edition="",
        title="",
        manifest=None,
        findings=[],
        created_at=now,
        created_by=upload.owner,
    )
    db.add(package)
    upload.is_accepted = True
    db.flush()
    payload = {"package": str(package.id), "lenient": lenient}
    enqueue(db, "package.import", payload, run_at=run_at or now)
    return package


def discard_upload(parts: Parts, *, upload: Upload) -> None:
    """Forget an upload that is no package, and all of its bytes."""
    with writing(parts.engine) as db:
        found = db.get(Upload, upload.id, with_for_update=True)
        if found is None or found.is_accepted:
            return
        # whoever is still sending it is told so at its next part; nobody accepts it
        found.writer = found.sha256 = None
        name = found.parts_name
    _forget_bytes(parts, upload.id, name)
    with writing(parts.engine) as db:
        found = db.get(Upload, upload.id)
        if found is not None and not found.is_accepted:
            db.delete(found)


def _forget_bytes(parts: Parts, upload_id: uuid.UUID, parts_name: str) -> None:
    if parts_name:
        parts.storage.abandon(upload_key(upload_id), parts_name)
    parts.storage.delete_prefix(upload_key(upload_id))


def sweep_uploads(parts: Parts, now: datetime) -> None:
    """Periodic: what expired is forgotten, and what storage holds of no upload."""
    with reading(parts.engine) as db:
        expired = db.scalars(select(Upload).where(Upload.expires_at <= now)).all()
    for upload in expired:
        if not upload.is_accepted:
            discard_upload(parts, upload=upload)
            continue
        # the import has the bytes, or had them
        with writing(parts.engine) as db:
            if (found := db.get(Upload, upload.id)) is not None:
                db.delete(found)
    _sweep_keys(parts)
    parts.storage.sweep(now - SETTLED)


def _sweep_keys(parts: Parts) -> None:
    """Forget keys without a row: a row is there before its first key."""
    keys = list(parts.storage.keys("uploads/"))
    ids = {uuid.UUID(key.removeprefix("uploads/").partition(".")[0]) for key in keys}
    coming = select(Package.id).where(Package.status.in_(["queued", "importing"]))
    with reading(parts.engine) as db:
        known = set(db.scalars(select(Upload.id))) | set(db.scalars(coming))
    for upload_id in ids - known:
        parts.storage.delete_prefix(upload_key(upload_id))
