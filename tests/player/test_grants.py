"""What a content label opens: the driver's command says what the session says."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lrs.db import reading, writing
from lrs.direct import Direct
from packages.compressed import beside
from packages.courses import add_version, create_course, delete_package, get_package
from packages.hosts import allow_hosts
from player import launches
from player.grants import ServedFile, find_served
from player.tables import Preview
from tests.player.packages import scorm_12, unit
from tests.player.site import Site

if TYPE_CHECKING:
    from lrs.parts import Parts
    from packages.courses import Package

SCRIPT = "const answer = 42;\n" * 200


@dataclass
class Asked:
    """A package with an open launch, and the driver that is asked."""

    site: Site
    package: Package
    label: str
    launch: uuid.UUID
    direct: Direct

    def find(
        self, path: str = "lib/app.js", *, label: str = "", now: datetime | None = None
    ) -> ServedFile | None:
        with self.direct.driver() as driver:
            return find_served(
                driver,
                label=label or self.label,
                path=path,
                now=now or datetime.now(UTC),
            )


@pytest.fixture
def asked(parts: Parts) -> Asked:
    """Give a launch that is open, on each database."""
    site = Site(parts, 0)
    files: dict[str, bytes | str] = {"lib/app.js": SCRIPT, "small.js": "1"}
    package = site.add(scorm_12({"One": unit("One")}, files))
    opened = site.launch(package)
    with reading(parts.engine) as db:
        label = launches.get_launch(db, launch_id=opened.launch_id).label
    return Asked(site, package, label, opened.launch_id, Direct(parts.engine))


def test_a_file_is_found_where_its_bytes_lie(asked: Asked) -> None:
    found = asked.find()
    assert found is not None
    assert (found.size, found.hosts) == (len(SCRIPT), ())
    storage = asked.site.parts.storage
    with storage.open(found.storage_key) as stream:
        assert stream.read().decode() == SCRIPT
    assert found.gzip_size == storage.size(beside(found.storage_key))
    small = asked.find("small.js")
    assert small is not None
    assert small.gzip_size is None


@pytest.mark.parametrize(
    "path", ["lib/App.js", "lib", "", "/lib/app.js", "lib/app.js "]
)
def test_a_path_is_exact(asked: Asked, path: str) -> None:
    assert asked.find(path) is None


def test_it_opens_while_a_launch_is_open_and_no_longer(asked: Asked) -> None:
    parts = asked.site.parts
    assert asked.find(label="0" * 32) is None
    with reading(parts.engine) as db:
        ends = launches.get_launch(db, launch_id=asked.launch).expires_at
    moment = timedelta(microseconds=1)
    assert asked.find(now=ends - moment) is not None
    assert asked.find(now=ends) is None
    second = asked.site.launch(asked.package)
    for launch_id, left in ((asked.launch, True), (second.launch_id, False)):
        with writing(parts.engine) as db:
            launches.end(
                db, config=parts.config, launch_id=launch_id, now=datetime.now(UTC)
            )
        assert (asked.find() is not None) is left


def test_a_preview_opens_too(asked: Asked, now: datetime) -> None:
    label = "a" * 32
    with writing(asked.site.parts.engine) as db:
        db.add(
            Preview(
                label=label,
                tenant_id=1,
                package_id=asked.package.id,
                unit=0,
                opened_by="author",
                expires_at=now,
            )
        )
    before = now - timedelta(microseconds=1)
    assert asked.find(label=label, now=before) == asked.find()
    assert asked.find(label=label, now=now) is None


def test_a_deleted_package_is_gone_at_once(asked: Asked) -> None:
    assert asked.find() is not None
    with writing(asked.site.parts.engine) as db:
        delete_package(db, package=get_package(db, package_id=asked.package.id))
    assert asked.find() is None


def test_hosts_are_those_of_all_versions_and_of_this_instant(
    asked: Asked, now: datetime
) -> None:
    with writing(asked.site.parts.engine) as db:
        versions = []
        for title in ("A", "B", "C"):
            course = create_course(db, title=title, created_by="tests", now=now)
            made = add_version(
                db, course_id=course.id, package_id=asked.package.id, now=now
            )
            versions.append(made.id)
    allowed: dict[uuid.UUID, list[str]] = {}
    for version, hosts in (
        (versions[0], ["b.example", "a.example"]),
        (versions[1], ["a.example", "c.example"]),
        (versions[0], ["a.example"]),
        (versions[1], []),
        (versions[0], []),
    ):
        with writing(asked.site.parts.engine) as db:
            allow_hosts(db, version_id=version, hosts=hosts, by="author", now=now)
        allowed[version] = hosts
        found = asked.find()
        assert found is not None
        assert found.hosts == tuple(
            sorted({one for all_ in allowed.values() for one in all_})
        )
        assert found.size == len(io.BytesIO(SCRIPT.encode()).getvalue())
