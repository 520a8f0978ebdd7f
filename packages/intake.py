"""From an upload to files that can be served: receive, then import in a job.

Receiving streams the file to storage, whatever it is, and queues a job. Importing
checks it, puts each file under a key of ours and only then, in one transaction, writes
the rows that make them reachable: a failed, cancelled or repeated import leaves no half
package. Who imports looks now and then whether the package is still to be imported; it
is not, once somebody cancelled it or another worker was faster.
"""

import hashlib
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO, cast

from sqlalchemy import CursorResult, delete, insert, update
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.db import reading, writing
from lrs.parts import Parts
from lrs.rules.catalogue import set_role
from lrs.tables import MAIN_TENANT
from packages import iris, quotas
from packages.check import Checked, check_package
from packages.courses import Package, PackageFile, get_package
from packages.findings import finding
from packages.manifest import Manifest
from packages.receiving import receive_file
from packages.roles import is_piece, pretests
from packages.unpacking import Report, files_prefix, put_files
from packages.uploads import Upload, accept_upload, upload_key
from statements.errors import (
    Conflict,
    InvalidPackage,
    NotFound,
    Unavailable,
    UnsafeArchive,
)

# an import that was begun so often and never ended is not begun again
MAXIMUM_TRIES = 5
_BLOCK = 1 << 20
# How often progress is written, in seconds: each time is a transaction.
_PROGRESS_PAUSE = 0.5
# What of the progress reading the upload is, and from when on files are stored.
_READ = 0.15
_STORED_FROM = 0.2
_GOING_ON = ("queued", "importing")


class ImportOver(Conflict):
    """The import is over, so it cannot be cancelled."""


class _Ended(Exception):
    """The package is not to be imported any more."""


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
    lenient: bool = False,
) -> Package:
    """The package, queued for import, its bytes safe in storage.

    Reads `data` before it first uses `db`, so that a slow upload holds no lock. `length`
    is the announced size, checked when given. The import may start at `run_at`, else at
    once; it is as `lenient` as `packages.check` says. Raises UploadTooLarge,
    UploadTruncated, QuotaExceeded.
    """
    received = receive_file(
        parts,
        tenant=tenant,
        owner=created_by,
        filename=filename,
        data=data,
        now=now,
        length=length,
    )
    upload = db.get_one(Upload, received.id)
    return accept_upload(db, upload=upload, now=now, run_at=run_at, lenient=lenient)


def import_package(
    parts: Parts,
    payload: dict[str, Any],
    now: datetime,
    *,
    progress: Report | None = None,
) -> None:
    """Job `package.import`: the package imported, or rejected with findings.

    Repeating it after a crash does the same again; once the package is imported,
    rejected or cancelled it only clears away what is not needed. `progress` is called
    with shares of 1 beside what is written to the package's row.
    """
    package_id = uuid.UUID(payload["package"])
    package = _begin(parts, package_id)
    if package is not None:
        lenient = bool(payload.get("lenient"))
        report = _reporter(parts, package_id, progress)
        try:
            _import(parts, package, report, now, lenient=lenient)
        except _Ended:
            pass
        except Unavailable:
            # not the package's fault: the next try is as good as this one
            with writing(parts.engine) as db:
                get_package(db, package_id=package_id).tries -= 1
            raise
    _clear(parts, package_id)


def cancel_import(db: Session, *, package: Package) -> None:
    """Let the import stop; the package is rejected, and none of its files are kept.

    Its job clears away what there is. Raises ImportOver.
    """
    cancelled = _blank(package).with_findings([finding("import_cancelled")])
    findings = cancelled.to_json()["findings"]
    done = db.execute(
        update(Package)
        .where(Package.id == package.id, Package.status.in_(_GOING_ON))
        .values(status="rejected", stored=0, findings=findings)
        .execution_options(synchronize_session=False)
    )
    if not cast("CursorResult[Any]", done).rowcount:
        raise ImportOver
    db.refresh(package)


def remove_files(parts: Parts, payload: dict[str, Any], now: datetime) -> None:
    """Job `package.delete`: nothing of a deleted package is left in storage."""
    del now
    _clear(parts, uuid.UUID(payload["package"]))


def _begin(parts: Parts, package_id: uuid.UUID) -> Package | None:
    """The package that is to be imported now; None when nothing is to be done."""
    with writing(parts.engine) as db:
        package = _locked(db, package_id)
        if package.status not in _GOING_ON:
            return None
        package.status = "importing"
        package.progress = 0.0
        package.tries += 1
        if package.tries > MAXIMUM_TRIES:
            failed = _blank(package).with_findings([finding("import_failed")])
            _record(db, package, failed, [])
            return None
        db.flush()
        db.expunge(package)
        return package


def _locked(db: Session, package_id: uuid.UUID) -> Package:
    package = db.get(Package, package_id, with_for_update=True)
    if package is None:
        raise NotFound
    return package


def _import(
    parts: Parts, package: Package, report: Report, now: datetime, *, lenient: bool
) -> None:
    with _opened(parts, package, report) as file:
        checked, files = _unpack(parts, package, file, report, lenient=lenient)
    with writing(parts.engine) as db:
        current = _locked(db, package.id)
        if current.status != "importing":
            raise _Ended
        _record(db, current, checked.manifest, files)
        current.needed_hosts = list(checked.hosts)
        if current.status == "imported":
            _wall_in_pretests(db, parts.config, current, checked.manifest, now)


def _clear(parts: Parts, package_id: uuid.UUID) -> None:
    """Take away the original, and the files of what is no package."""
    with reading(parts.engine) as db:
        status = get_package(db, package_id=package_id).status
    if status in _GOING_ON:
        return
    parts.storage.delete(upload_key(package_id))
    if status != "imported":
        parts.storage.delete_prefix(files_prefix(package_id))


@contextmanager
def _opened(
    parts: Parts, package: Package, report: Report
) -> Iterator[BinaryIO | None]:
    """The upload as a seekable file; None when it is not what was received."""
    total, done = hashlib.sha256(), 0
    with tempfile.TemporaryFile() as copy, _stream(parts, package) as source:
        is_local = source.seekable()
        while block := source.read(_BLOCK):
            total.update(block)
            if not is_local:
                copy.write(block)
            done += len(block)
            report(_READ * done / max(package.size, 1))
        file = source if is_local else cast("BinaryIO", copy)
        file.seek(0)
        yield file if total.hexdigest() == package.sha256 else None


def _stream(parts: Parts, package: Package) -> BinaryIO:
    return parts.storage.open(upload_key(package.id))


def _unpack(
    parts: Parts,
    package: Package,
    file: BinaryIO | None,
    report: Report,
    *,
    lenient: bool,
) -> tuple[Checked, list[dict[str, Any]]]:
    """The verdict, and the rows of all files, which are in storage by then."""
    if file is None:
        blank = _blank(package)
        return Checked(blank.with_findings([finding("upload_damaged")]), None), []
    checked = check_package(file, filename=package.filename, lenient=lenient)
    if checked.contents is None or not checked.manifest.is_importable:
        return checked, []
    size = sum(entry.size for entry in checked.contents.files.values())
    try:
        _require_room(parts, package, size)
    except quotas.QuotaExceeded as error:
        left = (error.extra["left"] + package.stored) // quotas.MEGABYTE
        over = finding("over_quota", size=-(-size // quotas.MEGABYTE), left=left)
        return replace(checked, manifest=checked.manifest.with_findings([over])), []

    def stored(share: float) -> None:
        report(_STORED_FROM + (1 - _STORED_FROM) * share)

    try:
        return checked, put_files(parts.storage, package.id, checked.contents, stored)
    except (InvalidPackage, UnsafeArchive) as error:
        manifest = checked.manifest.with_findings(error.extra["findings"])
        return Checked(manifest, None), []


def _require_room(parts: Parts, package: Package, size: int) -> None:
    """Take room for what is unpacked in place of the upload's."""
    with writing(parts.engine) as db:
        current = _locked(db, package.id)
        if current.status != "importing":
            raise _Ended
        quotas.require_room(
            db,
            config=parts.config,
            tenant=current.tenant_id,
            size=size - current.stored,
        )
        current.stored = size


def _reporter(parts: Parts, package_id: uuid.UUID, also: Report | None) -> Report:
    """Writes progress, at most every half second; raises _Ended when it is over."""
    last = time.monotonic()

    def report(share: float) -> None:
        nonlocal last
        if also is not None:
            also(share)
        if time.monotonic() - last < _PROGRESS_PAUSE:
            return
        last = time.monotonic()
        # The last hundredth is the transaction that makes the files reachable.
        values = {"progress": round(min(share, 0.99), 3)}
        with writing(parts.engine) as db:
            told = db.execute(
                update(Package)
                .where(Package.id == package_id, Package.status == "importing")
                .values(values)
            )
        if not cast("CursorResult[Any]", told).rowcount:
            raise _Ended

    return report


def _record(
    db: Session, package: Package, manifest: Manifest, files: list[dict[str, Any]]
) -> None:
    """The verdict and the files, in the caller's transaction."""
    value = manifest.to_json()
    package.findings = value.pop("findings")
    package.manifest = value if manifest.units else None
    package.standard = manifest.standard
    package.edition = manifest.edition
    package.title = manifest.title
    package.progress = 1.0
    package.status = "imported" if manifest.is_importable else "rejected"
    package.stored = sum(row["size"] for row in files)
    db.execute(delete(PackageFile).where(PackageFile.package_id == package.id))
    if files:
        db.execute(insert(PackageFile), files)


def _blank(package: Package) -> Manifest:
    """A manifest of which nothing was read."""
    return Manifest(standard=None, edition="", identifier="", title=package.filename)


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
