"""From upload to reachable files, on SQLite with files and PostgreSQL with S3."""

import hashlib
import io
import uuid
from datetime import datetime
from typing import Any, BinaryIO

import pytest
from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.jobs import Job
from lrs.parts import Parts
from lrs.rules.tables import ActivityRole
from lrs.tables import key_of
from packages import intake
from packages.courses import (
    Package,
    PackageFile,
    find_file,
    find_files,
    get_package,
    manifest_of,
)
from packages.intake import (
    UploadTooLarge,
    UploadTruncated,
    clean_filename,
    import_package,
    receive_package,
)
from packages.iris import course_iri
from tests.packages.make import Entry, Item, Zip, course, manifest


def receive(parts: Parts, data: bytes, now: datetime, **words: Any) -> uuid.UUID:
    with writing(parts.engine) as db:
        package = receive_package(
            parts,
            db,
            filename=words.pop("filename", "a.zip"),
            data=io.BytesIO(data),
            created_by="author",
            now=now,
            **words,
        )
        return package.id


def run(parts: Parts, package_id: uuid.UUID, now: datetime) -> Package:
    import_package(parts, {"package": str(package_id)}, now)
    with reading(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        db.expunge(package)
    return package


def content(parts: Parts, key: str) -> bytes:
    with parts.storage.open(key) as stream:
        return stream.read()


def keys(parts: Parts) -> list[str]:
    return list(parts.storage.keys(""))


def test_receiving_stores_and_queues(parts: Parts, now: datetime) -> None:
    data = course()
    package_id = receive(parts, data, now, filename="C:\\work\\Мой курс.zip")
    with reading(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        assert package.status == "queued"
        assert package.filename == "Мой курс.zip"
        assert package.size == len(data)
        assert package.sha256 == hashlib.sha256(data).hexdigest()
        (job,) = db.scalars(select(Job)).all()
        assert (job.kind, job.payload) == (
            "package.import",
            {"package": str(package_id)},
        )
    (key,) = keys(parts)
    assert content(parts, key) == data


def test_an_imported_package_can_be_read(parts: Parts, now: datetime) -> None:
    items = [Item("a", "Первый урок", "уроки/урок 1.html"), Item("b", "B", "b.html")]
    data = course(*items, title="Мой курс", files={"media/a.mp4": b"\0" * 70_000})
    package = run(parts, receive(parts, data, now), now)
    assert (package.status, package.progress) == ("imported", 1.0)
    assert (package.standard, package.edition) == ("scorm_12", "1.2")
    assert package.title == "Мой курс"
    assert [unit.launch for unit in manifest_of(package).units] == [
        "уроки/урок 1.html",
        "b.html",
    ]
    with reading(parts.engine) as db:
        files = {row.path: row for row in find_files(db, package_id=package.id)}
    assert set(files) == {
        "imsmanifest.xml",
        "уроки/урок 1.html",
        "b.html",
        "media/a.mp4",
    }
    video = files["media/a.mp4"]
    assert (video.size, video.content_type) == (70_000, "video/mp4")
    digest = hashlib.sha256(content(parts, video.storage_key)).hexdigest()
    assert digest == video.sha256
    # the upload itself is gone, and no key holds a name from the package
    assert sorted(keys(parts)) == sorted(row.storage_key for row in files.values())
    assert all(key.isascii() for key in keys(parts))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"hello", "not_a_package"),
        (course(Item(href="no.html"))[:300], "zip_damaged"),
        (bytes(Zip([Entry("../../evil.sh")])), "unsafe_name"),
        (
            bytes(
                Zip(
                    [
                        Entry("imsmanifest.xml", manifest().encode()),
                        Entry("index.html"),
                        Entry("late.mp4", b"x", crc=7),
                    ]
                )
            ),
            "zip_size_differs",
        ),
    ],
)
def test_a_rejected_package_leaves_nothing(
    parts: Parts, now: datetime, data: bytes, code: str
) -> None:
    package = run(parts, receive(parts, data, now), now)
    assert package.status == "rejected"
    assert package.findings[0]["code"] == code
    assert keys(parts) == []
    with reading(parts.engine) as db:
        assert db.scalar(select(func.count()).select_from(PackageFile)) == 0


def test_what_looks_like_a_pretest_is_walled_in(parts: Parts, now: datetime) -> None:
    items = [
        Item("a", "Pre-test", "a.html"),
        Item("b", "Lesson", "b.html"),
        Item("c", "Post-test", "c.html"),
    ]
    package = run(parts, receive(parts, course(*items), now), now)
    own = course_iri(parts.config, package.id)
    with reading(parts.engine) as db:
        (role,) = db.scalars(select(ActivityRole)).all()
    assert role.activity_iri == f"{own}/units/a"
    assert (role.role, role.proposed, role.unit_key) == ("pretest", True, None)


def test_a_pretest_inside_a_unit_is_walled_in(parts: Parts, now: datetime) -> None:
    script = 'set("cmi.objectives.0.id", "pretest")'
    package = run(parts, receive(parts, course(files={"x.js": script}), now), now)
    unit = f"{course_iri(parts.config, package.id)}/units/item-1"
    with reading(parts.engine) as db:
        roles = db.scalars(select(ActivityRole)).all()
    assert {role.activity_iri for role in roles} == {
        f"{unit}/objectives/pretest",
        f"{unit}/interactions/pretest",
    }
    assert {role.unit_key for role in roles} == {key_of(unit)}


def test_repeating_changes_nothing(parts: Parts, now: datetime) -> None:
    package_id = receive(parts, course(), now)
    first = run(parts, package_id, now)
    before = keys(parts)
    second = run(parts, package_id, now)
    assert (first.status, second.status) == ("imported", "imported")
    assert keys(parts) == before


def test_a_crash_before_the_last_step_shows_no_half_package(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = receive(parts, course(files={"x.js": "1"}), now)
    with monkeypatch.context() as patch:
        patch.setattr(intake, "_record", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(OSError):
            run(parts, package_id, now)
    with reading(parts.engine) as db:
        assert find_file(db, package_id=package_id, path="x.js") is None
        assert get_package(db, package_id=package_id).status == "importing"
    assert run(parts, package_id, now).status == "imported"
    with reading(parts.engine) as db:
        assert find_file(db, package_id=package_id, path="x.js") is not None


def test_an_upload_that_breaks_off_leaves_nothing(parts: Parts, now: datetime) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionError

    broken: BinaryIO = Broken()  # type: ignore[assignment]
    with pytest.raises(ConnectionError), writing(parts.engine) as db:
        receive_package(
            parts, db, filename="a.zip", data=broken, created_by="a", now=now
        )
    with pytest.raises(UploadTruncated):
        receive(parts, b"short", now, length=500)
    assert keys(parts) == []
    with reading(parts.engine) as db:
        assert db.scalar(select(func.count()).select_from(Package)) == 0


def test_an_upload_above_the_limit_is_refused(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAXIMUM_UPLOAD", 1000)
    with pytest.raises(UploadTooLarge):
        receive(parts, bytes(1001), now)
    assert keys(parts) == []


def test_progress_is_written(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_PROGRESS_PAUSE", 0)
    seen: list[float] = []
    put = parts.storage.put

    def watched(key: str, data: BinaryIO, *, content_type: str) -> None:
        with reading(parts.engine) as db:
            seen.append(db.scalars(select(Package.progress)).one())
        put(key, data, content_type=content_type)

    package_id = receive(parts, course(files={"a.bin": bytes(5000)}), now)
    monkeypatch.setattr(parts.storage, "put", watched)
    assert run(parts, package_id, now).progress == 1.0
    assert seen == sorted(seen)
    assert len(set(seen)) == 3
    assert max(seen) < 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a.zip", "a.zip"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\a.zip", "a.zip"),
        ("a\r\nb\0.zip", "ab.zip"),
        ("", "package.zip"),
        ("x/", "package.zip"),
        ("y" * 300 + ".zip", "y" * 251 + ".zip"),
    ],
)
def test_clean_filename(given: str, shown: str) -> None:
    assert clean_filename(given) == shown
