from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lrs import doctor
from lrs.db import make_engine, writing
from lrs.jobs import Job
from lrs.storage import FileStorage, S3Storage
from tests.servers import free_ports

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from lrs.parts import Parts


def states(parts: Parts, now: datetime) -> dict[str, str]:
    return {check.name: check.state for check in doctor.examine(parts, now)}


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_current", lambda _engine: True)


@pytest.mark.usefixtures("migrated")
def test_a_sound_installation_is_ready(parts: Parts, now: datetime) -> None:
    assert {check.state for check in doctor.readiness(parts)} == {"ok"}
    found = states(parts, now)
    assert "failed" not in found.values()
    assert found["database"] == found["storage"] == found["outbox"] == "ok"


@pytest.mark.usefixtures("migrated")
def test_the_storage_check_leaves_nothing(parts: Parts) -> None:
    assert doctor.check_storage(parts, write=True).state == "ok"
    assert list(parts.storage.keys("")) == []


def test_a_schema_of_another_time_is_not_ready(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "is_current", lambda _engine: False)
    check = doctor.check_database(parts)
    assert check.state == "failed"
    assert "rollcall migrate" in check.detail


def test_a_database_that_does_not_answer_is_not_ready(parts: Parts) -> None:
    url = "postgresql+psycopg://nobody@/none?host=/nowhere"
    if parts.engine.dialect.name == "sqlite":
        url = "sqlite:////nowhere/at/all.sqlite"
    engine = make_engine(url)
    check = doctor.check_database(replace(parts, engine=engine))
    engine.dispose()
    assert check.state == "failed"
    assert "\n" not in check.detail


def test_more_connections_than_the_database_takes_are_told(parts: Parts) -> None:
    many = replace(parts, config=replace(parts.config, workers=1000))
    check = doctor.check_connections(many)
    if parts.engine.dialect.name == "sqlite":
        assert check.state == "ok"
    else:
        assert check.state == "warning"
        assert str(doctor.CONNECTIONS * 1001) in check.detail


def test_storage_that_does_not_answer_is_not_ready(parts: Parts) -> None:
    gone = S3Storage(bucket="b", endpoint_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    check = doctor.check_storage(replace(parts, storage=gone))
    assert check.state == "failed"
    assert "cannot be reached" in check.detail


def test_storage_that_changes_what_it_keeps_is_told(
    parts: Parts, tmp_path: Path
) -> None:
    class Forgetful(FileStorage):
        def put(self, key: str, data: object, *, content_type: str) -> None:
            path = self.folder / key
            path.parent.mkdir(parents=True)
            path.write_bytes(b"something else")

    check = doctor.check_storage(
        replace(parts, storage=Forgetful(tmp_path / "other")), write=True
    )
    assert check.state == "failed"


def test_a_data_folder_that_is_not_there_is_told_and_not_made(
    parts: Parts, now: datetime, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    config = replace(parts.config, data=nowhere, storage_url="")
    missing = replace(parts, config=config, storage=FileStorage(nowhere / "storage"))
    found = list(doctor.examine(missing, now))
    assert [(one.name, one.state) for one in found[1:]] == [("data", "failed")]
    assert f"there is no folder {nowhere}" in found[1].detail
    assert not nowhere.exists()


def test_without_a_schema_jobs_are_not_looked_for(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "is_current", lambda _engine: False)
    check = doctor.check_outbox(parts, now)
    assert (check.state, check.detail) == (
        "failed",
        "Not known before rollcall migrate.",
    )


def test_jobs_that_nobody_does_are_told(parts: Parts, now: datetime) -> None:
    late = now - timedelta(minutes=6)
    with writing(parts.engine) as db:
        db.add(Job(kind="x", payload={}, created_at=late, run_at=late, tries=0))
    check = doctor.check_outbox(parts, now)
    assert check.state == "failed"
    assert "worker" in check.detail


def test_jobs_that_fail_are_a_warning(parts: Parts, now: datetime) -> None:
    soon = now + timedelta(minutes=1)
    with writing(parts.engine) as db:
        db.add(
            Job(kind="x", payload={}, created_at=now, run_at=soon, tries=1, failure="y")
        )
    assert doctor.check_outbox(parts, now).state == "warning"


def test_a_secret_that_others_read_is_told(parts: Parts) -> None:
    path = parts.config.data / "secret_key"
    path.write_text("secret")
    path.chmod(0o644)
    assert doctor.check_secret(parts).state == "failed"
    path.chmod(0o600)
    assert doctor.check_secret(parts).state == "ok"


@pytest.mark.parametrize(
    ("portal", "content", "expected"),
    [
        ("http://localhost:1", "http://content.localhost:1", ["ok", "ok", "ok"]),
        ("https://a.example", "https://b-content.example", ["ok", "ok", "ok"]),
        ("http://a.example", "https://b-content.example", ["failed", "ok", "ok"]),
        ("https://a.example", "http://b-content.example", ["ok", "failed", "ok"]),
    ],
)
def test_addresses_are_encrypted_and_apart(
    parts: Parts, portal: str, content: str, expected: list[str]
) -> None:
    config = replace(parts.config, portal_url=portal, content_url=content)
    found = doctor.check_addresses(replace(parts, config=config))
    assert [check.state for check in found] == expected


def test_content_on_the_portals_site_is_told(parts: Parts) -> None:
    config = replace(parts.config, allow_insecure_content_origin=True)
    found = {
        c.name: c.state for c in doctor.check_addresses(replace(parts, config=config))
    }
    assert found["isolation"] == "failed"


@pytest.mark.parametrize(
    ("portal", "count", "state"),
    [
        ("http://localhost:8000", 0, "ok"),
        ("https://a.example", 0, "warning"),
        ("https://a.example", 1, "ok"),
    ],
)
def test_a_proxy_that_nobody_named_is_told(
    parts: Parts, now: datetime, portal: str, count: int, state: str
) -> None:
    config = replace(parts.config, trusted_proxies=count, portal_url=portal)
    assert states(replace(parts, config=config), now)["proxies"] == state
