"""Packages, courses and versions in both databases."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from packages import courses
from packages.courses import (
    CourseNotFound,
    Package,
    PackageFile,
    PackageNotFound,
    PackageNotImported,
)
from packages.manifest import Finding, Manifest, Unit
from statements.errors import Conflict

MANIFEST = Manifest(
    "scorm_12",
    "1.2",
    "m",
    "A course",
    units=(Unit(0, "i", "i", "sco", "Lesson", "a b.html", "?x=1"),),
    findings=(Finding("info", "also", "m", "a"),),
)


def stored(
    db: Session, now: datetime, *, status: str = "imported", sha256: str = "0" * 64
) -> Package:
    value = MANIFEST.to_json()
    findings = value.pop("findings")
    package = Package(
        filename="a.zip",
        sha256=sha256,
        size=10,
        status=status,
        progress=1.0,
        standard="scorm_12",
        edition="1.2",
        title="A course",
        manifest=value if status == "imported" else None,
        findings=findings,
        created_at=now,
        created_by="x",
    )
    db.add(package)
    db.flush()
    return package


def test_a_package_gives_back_its_manifest(db: Session, now: datetime) -> None:
    package = stored(db, now)
    db.expire_all()
    assert courses.manifest_of(courses.get_package(db, package_id=package.id)) == (
        MANIFEST
    )


def test_a_package_that_is_not_imported_has_no_manifest(
    db: Session, now: datetime
) -> None:
    with pytest.raises(PackageNotImported):
        courses.manifest_of(stored(db, now, status="queued"))
    with pytest.raises(PackageNotFound):
        courses.get_package(db, package_id=uuid.uuid4())


def test_what_the_api_shows(db: Session, now: datetime) -> None:
    shown = courses.package_json(stored(db, now))
    assert shown["status"] == "imported"
    assert shown["units"] == [
        {"index": 0, "id": "i", "title": "Lesson", "launch": "a b.html?x=1"}
    ]
    assert shown["findings"][0]["code"] == "also"
    assert courses.package_json(stored(db, now, status="queued"))["units"] == []


def test_files_are_found_by_exact_path(db: Session, now: datetime) -> None:
    package = stored(db, now)
    for path in ("a.html", "A.html", "é.html"):
        row = PackageFile(
            package_id=package.id,
            path=path,
            storage_key=f"k/{len(path)}",
            size=1,
            sha256="0" * 64,
            content_type="text/html",
        )
        db.add(row)
    db.flush()
    found = courses.find_file(db, package_id=package.id, path="A.html")
    assert found is not None
    assert found.path == "A.html"
    for path in ("a.HTML", "./a.html", "a.html/", "e\u0301.html", "", "%"):
        assert courses.find_file(db, package_id=package.id, path=path) is None
    assert courses.find_file(db, package_id=uuid.uuid4(), path="a.html") is None
    assert len(courses.find_files(db, package_id=package.id)) == 3


def test_newest_packages_first_and_twins(db: Session, now: datetime) -> None:
    first = stored(db, now)
    second = stored(db, now + timedelta(seconds=1))
    stored(db, now, status="rejected")
    other = stored(db, now, sha256="1" * 64)
    assert courses.find_packages(db)[0].id == second.id
    assert len(courses.find_packages(db, limit=2)) == 2
    twin = courses.find_twin(db, package=second)
    assert twin is not None
    assert twin.id == first.id
    assert courses.find_twin(db, package=other) is None


def test_versions_are_numbered_published_and_rolled_back(
    db: Session, now: datetime
) -> None:
    course = courses.create_course(db, title="T", created_by="x", now=now)
    packages = [stored(db, now) for _ in range(2)]
    first, second = (
        courses.add_version(db, course_id=course.id, package_id=package.id, now=now)
        for package in packages
    )
    assert (first.number, second.number) == (1, 2)
    assert courses.current_version(db, course_id=course.id) is None

    courses.publish_version(db, version_id=first.id, now=now)
    courses.publish_version(db, version_id=second.id, now=now)
    assert (first.state, second.state) == ("retired", "published")

    again = courses.publish_version(db, version_id=first.id, now=now)
    assert courses.current_version(db, course_id=course.id) is again is first
    assert second.state == "retired"
    assert courses.publish_version(db, version_id=first.id, now=now) is first

    courses.retire_version(db, version_id=first.id)
    assert courses.current_version(db, course_id=course.id) is None
    assert [one.number for one in courses.find_versions(db, course_id=course.id)] == [
        2,
        1,
    ]


def test_the_same_package_is_one_version(db: Session, now: datetime) -> None:
    course = courses.create_course(db, title="T", created_by="x", now=now)
    package = stored(db, now)
    made = [
        courses.add_version(db, course_id=course.id, package_id=package.id, now=now)
        for _ in range(2)
    ]
    assert made[0] is made[1]


def test_what_cannot_become_a_version(db: Session, now: datetime) -> None:
    course = courses.create_course(db, title="T", created_by="x", now=now)
    waiting = stored(db, now, status="importing")
    with pytest.raises(PackageNotImported):
        courses.add_version(db, course_id=course.id, package_id=waiting.id, now=now)
    with pytest.raises(PackageNotFound):
        courses.add_version(db, course_id=course.id, package_id=uuid.uuid4(), now=now)
    with pytest.raises(CourseNotFound):
        courses.get_course(db, course_id=uuid.uuid4())
    with pytest.raises(CourseNotFound):
        courses.add_version(db, course_id=uuid.uuid4(), package_id=waiting.id, now=now)
    with pytest.raises(CourseNotFound):
        courses.get_version(db, version_id=uuid.uuid4())


def test_courses_by_title(db: Session, now: datetime) -> None:
    for title in ("B", "A"):
        made = courses.create_course(db, title=title, created_by="x", now=now)
        assert courses.get_course(db, course_id=made.id) is made
    assert [course.title for course in courses.find_courses(db)] == ["A", "B"]
    assert courses.find_courses(db, tenant=7) == []


def test_drafts_are_discarded_and_come_back(db: Session, now: datetime) -> None:
    course = courses.create_course(db, title="T", created_by="x", now=now)
    package = stored(db, now)
    add = {"course_id": course.id, "package_id": package.id, "now": now}
    version = courses.add_version(db, **add)
    assert courses.find_uses(db, package_id=package.id) == [(course, version)]
    courses.discard_version(db, version_id=version.id)
    assert courses.find_versions(db, course_id=course.id) == []
    assert courses.find_uses(db, package_id=package.id) == []
    with pytest.raises(courses.CourseNotFound):
        courses.get_numbered(db, course_id=course.id, number=1)
    for what in (courses.discard_version, courses.retire_version):
        with pytest.raises(Conflict):
            what(db, version_id=version.id)
    again = courses.add_version(db, **add)
    assert again is version
    assert (again.number, again.state) == (1, "draft")
    found = courses.get_numbered(db, course_id=course.id, number=1)
    assert found is version
    courses.publish_version(db, version_id=version.id, now=now)
    with pytest.raises(courses.NotADraft):
        courses.discard_version(db, version_id=version.id)
