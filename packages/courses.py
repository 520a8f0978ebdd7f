"""Packages as uploaded, courses, and the versions that tie them together.

A package never changes: its files are rows by exact path, its bytes lie under keys of
ours. A course has numbered versions, one package each; at most one is published. What a
learner began stays on its version. A draft may be discarded; its number is not used
again.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Float,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, Json, UtcDateTime, new_id
from lrs.tables import MAIN_TENANT
from packages.manifest import Manifest
from statements.errors import Conflict, NotFound
from statements.scalars import format_timestamp

Status = Literal["queued", "importing", "imported", "rejected", "deleted"]
State = Literal["draft", "published", "retired", "discarded"]


class PackageNotFound(NotFound):
    """There is no such package."""


class CourseNotFound(NotFound):
    """There is no such course."""


class PackageNotImported(Conflict):
    """The package is not imported, so it can be neither opened nor published."""


class PackageInUse(Conflict):
    """The package is a version of a course, where learners may still need it."""


class NotADraft(Conflict):
    """Only a version that was never published can be discarded; retire it instead."""


class NotPublished(Conflict):
    """Only the published version can be retired."""


class Package(Base):
    """An uploaded file and what the import made of it.

    A deleted package keeps its row, because records of learners name it; its files are
    gone. `stored` are the bytes that count towards the quota; `tries` counts how often
    its import began.
    """

    __tablename__ = "package"
    __table_args__ = (
        Index("ix_package_sha256", "tenant_id", "sha256"),
        Index("ix_package_created_at", "tenant_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), default=MAIN_TENANT)
    filename: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    stored: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[str] = mapped_column(String(10))
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    tries: Mapped[int] = mapped_column(default=0)
    standard: Mapped[str | None] = mapped_column(String(20))
    edition: Mapped[str] = mapped_column(String(40), default="")
    title: Mapped[str] = mapped_column(Text, default="")
    manifest: Mapped[dict[str, Any] | None] = mapped_column(Json)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    needed_hosts: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(255))


class PackageFile(Base):
    """A file of an imported package, found by its exact path.

    Where `gzip_size` says so, its bytes stand compressed beside it, under the key that
    `packages.compressed.beside` gives.
    """

    __tablename__ = "package_file"

    package_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("package.id", ondelete="CASCADE"), primary_key=True
    )
    path: Mapped[str] = mapped_column(String(1024), primary_key=True)
    storage_key: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[str] = mapped_column(String(100))
    gzip_size: Mapped[int | None] = mapped_column(BigInteger)


class Course(Base):
    """What learners enrol in; the package behind it may change by versions.

    `objectives` are what learners will learn, one line each; `contact` is whom they ask.
    """

    __tablename__ = "course"
    __table_args__ = (Index("ix_course_tenant_id", "tenant_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), default=MAIN_TENANT)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    objectives: Mapped[list[str]] = mapped_column(Json, default=list)
    provider: Mapped[str] = mapped_column(Text, default="")
    contact: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(255))


class CourseVersion(Base):
    """A package as the n-th version of a course."""

    __tablename__ = "course_version"
    __table_args__ = (UniqueConstraint("course_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("course.id"))
    number: Mapped[int] = mapped_column()
    package_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("package.id"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


# --- packages ---------------------------------------------------------------------------


def get_package(db: Session, *, package_id: uuid.UUID) -> Package:
    """The package; raises PackageNotFound."""
    package = db.get(Package, package_id)
    if package is None:
        raise PackageNotFound
    return package


def find_packages(
    db: Session,
    *,
    tenant: int = MAIN_TENANT,
    limit: int = 100,
    after: tuple[datetime, uuid.UUID] | None = None,
    status: str | None = None,
    standard: str | None = None,
    sha256: str | None = None,
) -> Sequence[Package]:
    """The packages of a tenant that are not deleted, the newest first.

    Only those of a status, a standard, or the same bytes, where that is given. A page
    begins after the package made at that instant with that id.
    """
    chosen = select(Package).where(
        Package.tenant_id == tenant, Package.status != "deleted"
    )
    wanted = {"status": status, "standard": standard, "sha256": sha256}
    for name, value in wanted.items():
        if value is not None:
            chosen = chosen.where(getattr(Package, name) == value)
    if after is not None:
        at, last = after
        chosen = chosen.where(
            or_(
                Package.created_at < at,
                and_(Package.created_at == at, Package.id > last),
            )
        )
    newest = chosen.order_by(Package.created_at.desc(), Package.id).limit(limit)
    return db.scalars(newest).all()


def find_twin(db: Session, *, package: Package) -> Package | None:
    """The oldest other imported package of the same bytes."""
    return find_twin_of(
        db, tenant=package.tenant_id, sha256=package.sha256, other_than=package.id
    )


def find_twin_of(
    db: Session, *, tenant: int, sha256: str, other_than: uuid.UUID
) -> Package | None:
    """The oldest imported package of these bytes that is not that one."""
    twins = select(Package).where(
        Package.tenant_id == tenant,
        Package.sha256 == sha256,
        Package.status == "imported",
        Package.id != other_than,
    )
    return db.scalars(twins.order_by(Package.created_at).limit(1)).first()


def manifest_of(package: Package) -> Manifest:
    """The manifest as read at import; raises PackageNotImported where there is none.

    That of a deleted package is still told: records are shown by it.
    """
    if package.manifest is None or package.status not in {"imported", "deleted"}:
        raise PackageNotImported
    return Manifest.from_json({**package.manifest, "findings": package.findings})


def delete_package(db: Session, *, package: Package) -> None:
    """Make the package's files unreachable; its row and all records of it stay.

    What learners did in it goes on being readable. Raises PackageInUse.
    """
    # nobody makes it a version meanwhile
    db.refresh(package, with_for_update=True)
    if package.status in {"queued", "importing"}:
        raise PackageInUse("The package is being imported; wait until that is done.")
    used = select(CourseVersion.id).where(
        CourseVersion.package_id == package.id, CourseVersion.state != "discarded"
    )
    if db.scalars(used.limit(1)).first() is not None:
        raise PackageInUse
    db.execute(delete(PackageFile).where(PackageFile.package_id == package.id))
    package.status = "deleted"
    package.stored = 0


def find_file(db: Session, *, package_id: uuid.UUID, path: str) -> PackageFile | None:
    """The file at exactly this path, if the package is imported."""
    return db.get(PackageFile, (package_id, path))


def find_files(
    db: Session,
    *,
    package_id: uuid.UUID,
    after: str | None = None,
    limit: int | None = None,
) -> Sequence[PackageFile]:
    """The files of a package by path, of those after a path where one is given."""
    chosen = select(PackageFile).where(PackageFile.package_id == package_id)
    if after is not None:
        chosen = chosen.where(PackageFile.path > after)
    return db.scalars(chosen.order_by(PackageFile.path).limit(limit)).all()


def package_json(package: Package) -> dict[str, Any]:
    """The package as the management API and the command line show it."""
    units = package.manifest["units"] if package.manifest else []
    return {
        "id": str(package.id),
        "status": package.status,
        "progress": package.progress,
        "standard": package.standard,
        "edition": package.edition,
        "title": package.title,
        "filename": package.filename,
        "sha256": package.sha256,
        "size": package.size,
        "created_at": format_timestamp(package.created_at),
        "units": [
            {
                "index": unit["index"],
                "id": unit["identifier"],
                "title": unit["title"],
                "launch": unit["launch"] + unit["parameters"],
            }
            for unit in units
        ],
        "findings": package.findings,
    }


# --- courses ----------------------------------------------------------------------------


def create_course(
    db: Session,
    *,
    title: str,
    description: str = "",
    created_by: str,
    now: datetime,
    tenant: int = MAIN_TENANT,
) -> Course:
    """A new course without versions."""
    course = Course(
        id=new_id(),
        tenant_id=tenant,
        title=title,
        description=description,
        objectives=[],
        provider="",
        contact="",
        created_at=now,
        created_by=created_by,
    )
    db.add(course)
    db.flush()
    return course


def get_course(db: Session, *, course_id: uuid.UUID) -> Course:
    """The course; raises CourseNotFound."""
    course = db.get(Course, course_id)
    if course is None:
        raise CourseNotFound
    return course


def find_courses(db: Session, *, tenant: int = MAIN_TENANT) -> Sequence[Course]:
    """All courses of a tenant by title."""
    chosen = select(Course).where(Course.tenant_id == tenant)
    return db.scalars(chosen.order_by(Course.title, Course.id)).all()


def add_version(
    db: Session, *, course_id: uuid.UUID, package_id: uuid.UUID, now: datetime
) -> CourseVersion:
    """The package as the next version, a draft; the version it already is, if it is.

    A discarded one becomes a draft again.

    Raises CourseNotFound, PackageNotFound, PackageNotImported.
    """
    package = get_package(db, package_id=package_id)
    # nobody deletes it meanwhile
    db.refresh(package, with_for_update=True)
    lock_course(db, course_id=course_id)
    if package.status != "imported":
        raise PackageNotImported
    versions = select(CourseVersion).where(CourseVersion.course_id == course_id)
    known = db.scalars(versions.where(CourseVersion.package_id == package_id)).first()
    if known is not None:
        if known.state == "discarded":
            known.state = "draft"
        return known
    numbers = select(func.max(CourseVersion.number))
    last = db.scalar(numbers.where(CourseVersion.course_id == course_id)) or 0
    version = CourseVersion(
        id=new_id(),
        course_id=course_id,
        number=last + 1,
        package_id=package_id,
        state="draft",
        created_at=now,
    )
    db.add(version)
    db.flush()
    return version


def publish_version(
    db: Session, *, version_id: uuid.UUID, now: datetime
) -> CourseVersion:
    """The version as the course's published one; the one before it is retired.

    Publishing an older version again rolls back to it. Raises CourseNotFound.
    """
    version = _locked(db, version_id)
    if version.state == "discarded":
        raise CourseNotFound
    current = current_version(db, course_id=version.course_id)
    if current is not None and current.id == version.id:
        return current
    if current is not None:
        current.state = "retired"
    version.state = "published"
    version.published_at = now
    db.flush()
    return version


def retire_version(db: Session, *, version_id: uuid.UUID) -> CourseVersion:
    """The published version, no longer offered to new learners.

    Who is enrolled goes on with it. Raises NotPublished, CourseNotFound.
    """
    version = _locked(db, version_id)
    if version.state != "published":
        raise NotPublished
    version.state = "retired"
    db.flush()
    return version


def discard_version(db: Session, *, version_id: uuid.UUID) -> CourseVersion:
    """A draft put aside: nobody has seen it. Raises NotADraft, CourseNotFound."""
    version = _locked(db, version_id)
    if version.state != "draft":
        raise NotADraft
    version.state = "discarded"
    db.flush()
    return version


def get_version(db: Session, *, version_id: uuid.UUID) -> CourseVersion:
    """The version; raises CourseNotFound."""
    version = db.get(CourseVersion, version_id)
    if version is None:
        raise CourseNotFound
    return version


def get_numbered(db: Session, *, course_id: uuid.UUID, number: int) -> CourseVersion:
    """The n-th version of a course; raises CourseNotFound."""
    chosen = select(CourseVersion).where(
        CourseVersion.course_id == course_id,
        CourseVersion.number == number,
        CourseVersion.state != "discarded",
    )
    version = db.scalars(chosen).one_or_none()
    if version is None:
        raise CourseNotFound
    return version


def current_version(db: Session, *, course_id: uuid.UUID) -> CourseVersion | None:
    """The published version, if there is one."""
    chosen = select(CourseVersion).where(
        CourseVersion.course_id == course_id, CourseVersion.state == "published"
    )
    return db.scalars(chosen).one_or_none()


def find_versions(db: Session, *, course_id: uuid.UUID) -> Sequence[CourseVersion]:
    """All versions of a course that are not discarded, the newest first."""
    chosen = select(CourseVersion).where(
        CourseVersion.course_id == course_id, CourseVersion.state != "discarded"
    )
    return db.scalars(chosen.order_by(CourseVersion.number.desc())).all()


def find_uses(
    db: Session, *, package_id: uuid.UUID
) -> Sequence[tuple[Course, CourseVersion]]:
    """The courses and versions that a package stands for, by title."""
    rows = db.execute(
        select(Course, CourseVersion)
        .join(CourseVersion, CourseVersion.course_id == Course.id)
        .where(
            CourseVersion.package_id == package_id, CourseVersion.state != "discarded"
        )
        .order_by(Course.title, Course.id, CourseVersion.number)
    )
    return [(row[0], row[1]) for row in rows]


def _locked(db: Session, version_id: uuid.UUID) -> CourseVersion:
    """The version as it stands while its course is locked."""
    version = get_version(db, version_id=version_id)
    lock_version(db, version=version)
    return version


def lock_version(db: Session, *, version: CourseVersion) -> Course:
    """Its course, locked; the version is made to be as it stands now."""
    course = lock_course(db, course_id=version.course_id)
    db.refresh(version)
    return course


def lock_course(db: Session, *, course_id: uuid.UUID) -> Course:
    """The course, its row locked: acts on one are done one at a time."""
    course = db.get(Course, course_id, with_for_update=True)
    if course is None:
        raise CourseNotFound
    return course
