"""From an upload to files that can be served: receive, then import in a job.

Receiving streams the file to storage, whatever it is, and queues a job. Importing
checks it, puts each file under a key of ours and only then, in one transaction, writes
the rows that make them reachable: a failed or repeated import leaves no half package.
"""

import hashlib
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, cast

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.db import new_id, writing
from lrs.jobs import enqueue
from lrs.parts import Parts
from lrs.rules.catalogue import set_role
from lrs.storage import Storage
from lrs.tables import MAIN_TENANT
from packages import iris
from packages.archive import MAXIMUM_UNPACKED
from packages.check import Checked, check_package
from packages.compressed import squeezed
from packages.contents import Contents
from packages.courses import Package, PackageFile, get_package
from packages.manifest import Manifest
from packages.media import content_type
from packages.roles import is_piece, pretests
from statements.errors import InvalidPackage, TooLarge, UnsafeArchive

MAXIMUM_UPLOAD = MAXIMUM_UNPACKED
_BLOCK = 1 << 20
# How often progress is written, in seconds: each time is a transaction.
_PROGRESS_PAUSE = 0.5
_FILENAME_LENGTH = 255

Report = Callable[[float], None]


class UploadTooLarge(TooLarge):
    """The file is larger than packages may be."""


class UploadTruncated(InvalidPackage):
    """The upload ended before all of the file had arrived."""


def receive_package(
    parts: Parts,
    db: Session,
    *,
    filename: str,
    data: BinaryIO,
    created_by: str,
    now: datetime,
    tenant: int = MAIN_TENANT,
    length: int | None = None,
    run_at: datetime | None = None,
) -> Package:
    """The package, queued for import, its bytes safe in storage.

    Reads `data` before it first uses `db`, so that a slow upload holds no lock. `length`
    is the announced size, checked when given. The import may start at `run_at`, else at
    once. Raises UploadTooLarge, UploadTruncated.
    """
    package_id = new_id()
    upload = _Counted(data)
    key = _upload_key(package_id)
    parts.storage.put(
        key, cast("BinaryIO", upload), content_type="application/octet-stream"
    )
    if length is not None and upload.size != length:
        parts.storage.delete(key)
        raise UploadTruncated(
            f"{upload.size} of {length} bytes arrived; upload the file again."
        )
    package = Package(
        id=package_id,
        tenant_id=tenant,
        filename=clean_filename(filename),
        sha256=upload.sha256.hexdigest(),
        size=upload.size,
        status="queued",
        progress=0.0,
        standard=None,
        edition="",
        title="",
        manifest=None,
        findings=[],
        created_at=now,
        created_by=created_by,
    )
    db.add(package)
    db.flush()
    payload = {"package": str(package_id)}
    enqueue(db, "package.import", payload, run_at=run_at or now)
    return package


def import_package(
    parts: Parts,
    payload: dict[str, Any],
    now: datetime,
    *,
    progress: Report | None = None,
) -> None:
    """Job `package.import`: the package imported, or rejected with findings.

    Repeating it after a crash does the same again; once the package is imported or
    rejected it does nothing. `progress` is called with shares of 1; without it
    they are written to the package's row.
    """
    package_id = uuid.UUID(payload["package"])
    with writing(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        if package.status in {"imported", "rejected", "deleted"}:
            _delete_upload(parts.storage, package_id)
            return
        package.status = "importing"
        filename = package.filename
    with _local_copy(parts.storage, _upload_key(package_id)) as file:
        checked, files = _unpack(parts, package_id, file, filename, progress)
    with writing(parts.engine) as db:
        package = _record(db, package_id, checked.manifest, files)
        package.needed_hosts = list(checked.hosts)
        if files:
            _wall_in_pretests(db, parts.config, package, checked.manifest, now)
    if not files:
        parts.storage.delete_prefix(_files_prefix(package_id))
    _delete_upload(parts.storage, package_id)


def remove_files(parts: Parts, payload: dict[str, Any], now: datetime) -> None:
    """Job `package.delete`: nothing of a deleted package is left in storage."""
    del now
    package_id = uuid.UUID(payload["package"])
    _delete_upload(parts.storage, package_id)
    parts.storage.delete_prefix(_files_prefix(package_id))


def clean_filename(filename: str) -> str:
    """The last part of a file name as people may see it; never used as a path."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(one for one in name if one.isprintable()).strip()
    return shown[-_FILENAME_LENGTH:] or "package.zip"


def _upload_key(package_id: uuid.UUID) -> str:
    return f"uploads/{package_id.hex}"


def _files_prefix(package_id: uuid.UUID) -> str:
    return f"packages/{package_id.hex}/"


def _delete_upload(storage: Storage, package_id: uuid.UUID) -> None:
    """The original is not needed any more: all of its files are kept, or none."""
    storage.delete(_upload_key(package_id))


class _Counted:
    """A stream that sums and counts what is read from it, up to the limit."""

    def __init__(self, data: BinaryIO) -> None:
        self._data = data
        self.sha256 = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises UploadTooLarge past the limit."""
        block = self._data.read(_BLOCK if size < 0 else size)
        self.sha256.update(block)
        self.size += len(block)
        if self.size > MAXIMUM_UPLOAD:
            raise UploadTooLarge
        return block


@contextmanager
def _local_copy(storage: Storage, key: str) -> Iterator[BinaryIO]:
    """The upload as a seekable file without a name."""
    with tempfile.TemporaryFile() as file, storage.open(key) as source:
        while block := source.read(_BLOCK):
            file.write(block)
        file.seek(0)
        yield file


def _unpack(
    parts: Parts,
    package_id: uuid.UUID,
    file: BinaryIO,
    filename: str,
    progress: Report | None,
) -> tuple[Checked, list[dict[str, Any]]]:
    """The verdict, and the rows of all files, which are in storage by then."""
    checked = check_package(file, filename=filename)
    if checked.contents is None or not checked.manifest.is_importable:
        return checked, []
    report = progress or _reporter(parts, package_id)
    try:
        return checked, list(_put_files(parts, package_id, checked.contents, report))
    except (InvalidPackage, UnsafeArchive) as error:
        manifest = checked.manifest.with_findings(error.extra["findings"])
        return Checked(manifest, None), []


def _put_files(
    parts: Parts, package_id: uuid.UUID, contents: Contents, report: Report
) -> Iterator[dict[str, Any]]:
    """Each file put into storage, as the row that will make it reachable."""
    total = sum(entry.size for entry in contents.files.values()) or 1
    done = 0
    for number, (path, entry) in enumerate(contents.files.items()):
        key = f"{_files_prefix(package_id)}{number:05d}"
        kind = content_type(path)
        with (
            contents.open(path) as source,
            squeezed(source, kind=kind, size=entry.size) as squeezing,
        ):
            counted = _Counted(cast("BinaryIO", squeezing))
            parts.storage.put(key, cast("BinaryIO", counted), content_type=kind)
            gzip_size = squeezing.put(parts.storage, key)
        yield {
            "package_id": package_id,
            "path": path,
            "storage_key": key,
            "size": counted.size,
            "sha256": counted.sha256.hexdigest(),
            "content_type": kind,
            "gzip_size": gzip_size,
        }
        done += entry.size
        report(done / total)


def _reporter(parts: Parts, package_id: uuid.UUID) -> Report:
    """Writes progress, at most every half second."""
    last = time.monotonic()

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last < _PROGRESS_PAUSE:
            return
        last = time.monotonic()
        # The last hundredth is the transaction that makes the files reachable.
        values = {"progress": round(min(share, 0.99), 3)}
        with writing(parts.engine) as db:
            db.execute(update(Package).where(Package.id == package_id).values(values))

    return report


def _record(
    db: Session, package_id: uuid.UUID, manifest: Manifest, files: list[dict[str, Any]]
) -> Package:
    """The verdict and the files, in the caller's transaction."""
    package = get_package(db, package_id=package_id)
    value = manifest.to_json()
    package.findings = value.pop("findings")
    package.manifest = value if manifest.units else None
    package.standard = manifest.standard
    package.edition = manifest.edition
    package.title = manifest.title
    package.progress = 1.0
    package.status = "imported" if files else "rejected"
    db.execute(delete(PackageFile).where(PackageFile.package_id == package_id))
    if files:
        db.execute(insert(PackageFile), files)
    return package


def _wall_in_pretests(
    db: Session, config: Config, package: Package, manifest: Manifest, now: datetime
) -> None:
    """Wall in what looks like a pre-test, for launches before anybody confirmed.

    A package may be launched as soon as it is imported, under its own IRI. What looks
    like a post-test is proposed to the author only: walled in, it would hide scores.
    """
    course = iris.course_iri(config, package.id)
    for walled, part in pretests(manifest):
        unit = iris.unit_iri(course, walled.slug)
        activities = [unit] if part is None else [iris.interaction_iri(unit, part)]
        if part is not None and not is_piece(part, walled.parts):
            activities.append(iris.objective_iri(unit, part))
        for activity in activities:
            set_role(
                db,
                tenant=package.tenant_id,
                course_iri=course,
                activity_iri=activity,
                role="pretest",
                title=part or walled.title,
                unit_iri=None if part is None else unit,
                proposed=True,
                now=now,
            )
