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
from lrs.storage import StorageUnavailable
from lrs.tables import MAIN_TENANT, key_of
from packages import intake, unpacking
from packages.check import Checked, check_package
from packages.courses import (
    Package,
    PackageFile,
    find_file,
    find_files,
    get_package,
    manifest_of,
)
from packages.intake import (
    ImportOver,
    cancel_import,
    import_package,
    receive_package,
)
from packages.iris import course_iri
from packages.quotas import set_quota
from tests.packages.make import (
    NAMESPACES_2004,
    START_PAGE,
    Entry,
    Item,
    Zip,
    course,
    manifest,
)
from tests.packages.test_cmi5 import au, course_structure


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
            {"package": str(package_id), "lenient": False},
        )
    (key,) = keys(parts)
    assert content(parts, key) == data


def test_a_course_of_scorm_2004_keeps_its_activity_tree(
    parts: Parts, now: datetime
) -> None:
    rule = '<imsss:sequencing><imsss:controlMode flow="true"/></imsss:sequencing>'
    data = course(
        Item("m", "Module", None, items=[Item("a", "A", "a.html")], inside=rule),
        Item("b", "Pre-test", "b.html"),
        version="2004 3rd Edition",
        namespaces=NAMESPACES_2004,
        spelled="adlcp:scormType",
    )
    package = run(parts, receive(parts, data, now), now)
    assert (package.status, package.edition) == ("imported", "3rd")
    kept = manifest_of(package)
    assert kept == check_package(io.BytesIO(data), filename="a.zip").manifest
    assert kept.activities is not None
    assert kept.activities["children"][0]["sequencing"] == {
        "controlMode": {"flow": True}
    }
    assert package.findings == []


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


def test_a_course_structure_without_a_zip(parts: Parts, now: datetime) -> None:
    data = course_structure(au(url="https://example.com/a?b#c")).encode()
    package_id = receive(parts, data, now, filename="cmi5.xml")
    package = run(parts, package_id, now)
    assert (package.status, package.standard) == ("imported", "cmi5")
    assert manifest_of(package).units[0].address == "https://example.com/a?b#c"
    with reading(parts.engine) as db:
        file = find_file(db, package_id=package_id, path="cmi5.xml")
    assert file is not None
    assert content(parts, file.storage_key) == data


@pytest.mark.parametrize("lenient", [False, True])
def test_leniency_is_asked_for_and_kept(
    parts: Parts, now: datetime, *, lenient: bool
) -> None:
    draft = course_structure(
        au(url="https://example.com/"), namespace="http://www.aicc.org/2012/01/cmi5"
    )
    package_id = receive(parts, draft.encode(), now, lenient=lenient)
    with reading(parts.engine) as db:
        payload = db.scalars(select(Job.payload)).one()
    import_package(parts, payload, now)
    with reading(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        assert package.status == ("imported" if lenient else "rejected")
        severity = "warning" if lenient else "error"
        assert (package.findings[0]["code"], package.findings[0]["severity"]) == (
            "cmi5_draft",
            severity,
        )


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


def test_progress_is_written(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_PROGRESS_PAUSE", 0)
    monkeypatch.setattr(unpacking, "SMALL", -1)
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


def state_of(parts: Parts, package_id: uuid.UUID) -> tuple[str, list[str], int]:
    with reading(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        codes = [found["code"] for found in package.findings]
        return package.status, codes, package.stored


def cancel(parts: Parts, package_id: uuid.UUID) -> None:
    with writing(parts.engine) as db:
        cancel_import(db, package=get_package(db, package_id=package_id))


@pytest.mark.parametrize("when", ["queued", "begun"])
def test_a_cancelled_import_leaves_nothing(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Before the worker has begun, and after it has stored files."""
    monkeypatch.setattr(intake, "_PROGRESS_PAUSE", 0)
    monkeypatch.setattr(unpacking, "SMALL", -1)
    package_id = receive(parts, course(files={"a.bin": bytes(5000)}), now)
    put = parts.storage.put

    def late(key: str, data: BinaryIO, *, content_type: str) -> None:
        put(key, data, content_type=content_type)
        if len(keys(parts)) == 3:
            cancel(parts, package_id)

    if when == "begun":
        monkeypatch.setattr(parts.storage, "put", late)
    else:
        cancel(parts, package_id)
    assert run(parts, package_id, now).status == "rejected"
    assert state_of(parts, package_id) == ("rejected", ["import_cancelled"], 0)
    assert keys(parts) == []
    with reading(parts.engine) as db:
        assert find_files(db, package_id=package_id) == []


def test_what_is_over_is_not_cancelled(parts: Parts, now: datetime) -> None:
    package_id = receive(parts, course(), now)
    run(parts, package_id, now)
    with pytest.raises(ImportOver):
        cancel(parts, package_id)
    assert state_of(parts, package_id)[0] == "imported"


def test_another_worker_was_faster(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one takes nothing away of what is imported by then."""
    package_id = receive(parts, course(files={"a.bin": bytes(5000)}), now)

    def slow(file: BinaryIO, **words: Any) -> Checked:
        checked = check_package(file, **words)
        monkeypatch.setattr(intake, "check_package", check_package)
        assert run(parts, package_id, now).status == "imported"
        file.seek(0)
        return checked

    monkeypatch.setattr(intake, "check_package", slow)
    assert run(parts, package_id, now).status == "imported"
    with reading(parts.engine) as db:
        rows = find_files(db, package_id=package_id)
    assert {row.storage_key for row in rows} <= set(keys(parts))
    assert all(content(parts, row.storage_key) for row in rows)


def test_an_import_that_breaks_off_again_and_again_is_given_up(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = receive(parts, course(), now)
    with monkeypatch.context() as patch:
        patch.setattr(intake, "check_package", lambda *_, **__: 1 // 0)
        for _ in range(intake.MAXIMUM_TRIES):
            with pytest.raises(ZeroDivisionError):
                run(parts, package_id, now)
    assert run(parts, package_id, now).status == "rejected"
    assert state_of(parts, package_id) == ("rejected", ["import_failed"], 0)
    assert keys(parts) == []


def test_storage_that_is_away_counts_as_no_try(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StorageUnavailable

    package_id = receive(parts, course(), now)
    with monkeypatch.context() as patch:
        patch.setattr(parts.storage, "put", away)
        for _ in range(intake.MAXIMUM_TRIES + 1):
            with pytest.raises(StorageUnavailable):
                run(parts, package_id, now)
    assert run(parts, package_id, now).status == "imported"


def test_an_upload_that_changed_in_storage_is_refused(
    parts: Parts, now: datetime
) -> None:
    package_id = receive(parts, course(), now)
    [key] = keys(parts)
    parts.storage.put(key, io.BytesIO(course(title="Another")), content_type="x/y")
    run(parts, package_id, now)
    assert state_of(parts, package_id) == ("rejected", ["upload_damaged"], 0)
    assert keys(parts) == []


def test_what_is_unpacked_must_have_room(parts: Parts, now: datetime) -> None:
    packed = Entry("a.bin", bytes(3_000_000), method=8)
    page = Entry("index.html", START_PAGE.encode())
    data = bytes(Zip([Entry("imsmanifest.xml", manifest().encode()), page, packed]))
    assert len(data) < 100_000
    package_id = receive(parts, data, now)
    with writing(parts.engine) as db:
        set_quota(db, tenant=MAIN_TENANT, megabytes=2)
    package = run(parts, package_id, now)
    assert package.findings[0]["message"].endswith("takes 4 MB, and 2 MB are left.")
    assert state_of(parts, package_id)[::2] == ("rejected", 0)
    assert package.findings[0]["code"] == "over_quota"
    assert keys(parts) == []
    with writing(parts.engine) as db:
        set_quota(db, tenant=MAIN_TENANT, megabytes=4)
    again = receive(parts, data, now)
    assert run(parts, again, now).status == "imported"
    assert state_of(parts, again)[2] > 3_000_000
