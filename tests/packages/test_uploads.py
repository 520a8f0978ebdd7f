"""Uploads as rows: names, owners, becoming packages, and the sweep."""

from __future__ import annotations

import io
import os
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.jobs import Job, run_due
from lrs.storage import PART
from lrs.tables import MAIN_TENANT
from packages.courses import Package, find_files
from packages.intake import import_package, receive_package
from packages.receiving import append, create_upload, receive_file
from packages.uploads import (
    LONGEST,
    PATIENCE,
    SETTLED,
    Upload,
    UploadUnfinished,
    accept_upload,
    clean_filename,
    discard_upload,
    expiry_of,
    find_uploads,
    new_upload,
    sweep_uploads,
)
from tests.packages.make import course

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.parts import Parts


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


def row(now: datetime, owner: str = "author", tenant: int = MAIN_TENANT) -> Upload:
    return new_upload(tenant=tenant, owner=owner, filename="a.zip", length=9, now=now)


def test_an_upload_becomes_one_package(db: Session, now: datetime) -> None:
    upload = row(now)
    db.add(upload)
    with pytest.raises(UploadUnfinished):
        accept_upload(db, upload=upload, now=now)
    upload.sha256 = "0" * 64
    package = accept_upload(db, upload=upload, now=now)
    assert package is accept_upload(db, upload=upload, now=now)
    assert (package.id, package.created_by) == (upload.id, "author")
    jobs = db.scalars(select(Job).where(Job.kind == "package.import")).all()
    assert [job.payload["package"] for job in jobs] == [str(upload.id)]


def test_what_waits_is_shown_to_its_sender(db: Session, now: datetime) -> None:
    mine, other, accepted, late, receiving = (
        row(now, "me" if number else "another") for number in (1, 0, 1, 1, 1)
    )
    for upload in (mine, other, accepted, late):
        upload.parts_name = "parts"
    accepted.is_accepted = True
    late.expires_at = now
    db.add_all([mine, other, accepted, late, receiving])
    db.flush()
    assert find_uploads(db, tenant=MAIN_TENANT, owner="me", now=now) == [mine]
    receiving.sha256 = "0" * 64
    db.flush()
    found = find_uploads(db, tenant=MAIN_TENANT, owner="me", now=now)
    assert set(found) == {mine, receiving}


def test_an_upload_lives_as_long_as_something_comes_but_not_for_ever(
    now: datetime,
) -> None:
    upload = row(now)
    assert upload.expires_at == now + PATIENCE
    hour = timedelta(hours=1)
    assert expiry_of(upload, now + hour) == now + hour + PATIENCE
    assert expiry_of(upload, now + LONGEST - hour) == now + LONGEST
    assert LONGEST < SETTLED


def test_what_is_being_discarded_is_not_accepted(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = receive_file(
        parts,
        tenant=MAIN_TENANT,
        owner="author",
        filename="a.zip",
        data=io.BytesIO(b"whole"),
        now=now,
    )
    forget = parts.storage.delete_prefix

    def meanwhile(prefix: str) -> None:
        with writing(parts.engine) as db, pytest.raises(UploadUnfinished):
            accept_upload(db, upload=db.get_one(Upload, upload.id), now=now)
        forget(prefix)

    monkeypatch.setattr(parts.storage, "delete_prefix", meanwhile)
    discard_upload(parts, upload=upload)
    with reading(parts.engine) as db:
        assert db.get(Upload, upload.id) is None
        assert db.get(Package, upload.id) is None


def begun(parts: Parts, now: datetime, size: int) -> uuid.UUID:
    """An upload of which some has come: a part and what follows it."""
    upload = create_upload(
        parts,
        tenant=MAIN_TENANT,
        owner="author",
        filename="a.zip",
        length=10 * PART,
        now=now,
    )
    append(
        parts,
        upload_id=upload.id,
        tenant=MAIN_TENANT,
        owner="author",
        offset=0,
        size=size,
        data=io.BytesIO(os.urandom(size)),
        complete=lambda *_: None,
        now=now,
    )
    return upload.id


def test_the_sweep_takes_what_expired_and_nothing_else(
    parts: Parts, now: datetime
) -> None:
    later = now + PATIENCE - timedelta(minutes=1)
    begun(parts, now, PART + 100)
    living = begun(parts, later, PART + 100)
    orphan = f"uploads/{uuid.uuid4().hex}"
    for key in (orphan, f"{orphan}.{uuid.uuid4().hex}"):
        parts.storage.put(key, io.BytesIO(b"x"), content_type="x/y")
    held = receive_file(
        parts,
        tenant=MAIN_TENANT,
        owner="author",
        filename="held.zip",
        data=io.BytesIO(b"the same as before"),
        now=now,
    )
    with writing(parts.engine) as db:
        package_id = receive_package(
            parts,
            db,
            filename="a.zip",
            data=io.BytesIO(course()),
            created_by="author",
            now=now,
        ).id
    sweep_uploads(parts, now + timedelta(hours=1))
    assert len(list(parts.storage.keys(f"uploads/{held.id.hex}"))) == 1
    assert list(parts.storage.keys(orphan)) == []
    sweep_uploads(parts, now + PATIENCE + timedelta(hours=1))
    with reading(parts.engine) as db:
        assert db.scalars(select(Upload.id)).all() == [living]
    keys = list(parts.storage.keys("uploads/"))
    assert len(keys) == 2
    assert {key[8:40] for key in keys} == {living.hex, package_id.hex}
    # what is queued is imported all the same, and what lives goes on
    run_due(parts, {"package.import": (import_package,)}, now + PATIENCE)
    with reading(parts.engine) as db:
        assert db.get_one(Package, package_id).status == "imported"
        assert find_files(db, package_id=package_id)
    sweep_uploads(parts, now + SETTLED + PATIENCE)
    assert list(parts.storage.keys("uploads/")) == []
    with reading(parts.engine) as db:
        assert db.scalar(select(func.count()).select_from(Upload)) == 0
