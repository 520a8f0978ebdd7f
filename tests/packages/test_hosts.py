"""Other servers: found at import, allowed by an author, no others."""

from __future__ import annotations

import io
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from packages.courses import (
    CourseNotFound,
    CourseVersion,
    Package,
    add_version,
    create_course,
    get_package,
)
from packages.hosts import (
    InvalidHost,
    TooManyHosts,
    allow_hosts,
    allowed_hosts,
    check_host,
    find_allowed,
    needed_hosts,
)
from packages.intake import import_package, receive_package
from tests.packages.make import course

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lrs.parts import Parts

PAGE = (
    "<!DOCTYPE html><title>Page</title><script>LMSFinish('')</script>"
    "<img src='//Pictures.example:8443/a.png'>"
    "<link rel=stylesheet href=https://fonts.example/a.css>"
)


def imported(db: Session, now: datetime, *, units: list[str] | None = None) -> Package:
    package = Package(
        filename="a.zip",
        sha256="0" * 64,
        size=1,
        status="imported",
        manifest={"units": [{"launch": launch} for launch in units or ()]},
        needed_hosts=["b.example"],
        created_at=now,
        created_by="tests",
    )
    db.add(package)
    db.flush()
    return package


def version(db: Session, package: Package, now: datetime) -> CourseVersion:
    made = create_course(db, title="Course", created_by="tests", now=now)
    return add_version(db, course_id=made.id, package_id=package.id, now=now)


def test_an_import_keeps_what_pages_load_from(parts: Parts, now: datetime) -> None:
    from lrs.db import reading, writing

    data = course(files={"index.html": PAGE})
    with writing(parts.engine) as db:
        package_id = receive_package(
            parts,
            db,
            filename="a.zip",
            data=io.BytesIO(data),
            created_by="tests",
            now=now,
        ).id
    import_package(parts, {"package": str(package_id)}, now)
    with reading(parts.engine) as db:
        package = get_package(db, package_id=package_id)
        assert package.status == "imported", package.findings
        found = needed_hosts(package)
    assert found == ("fonts.example", "pictures.example:8443")


@pytest.mark.parametrize(
    ("units", "hosts"),
    [
        ([], ("b.example",)),
        (["page.html", "folder/https://x"], ("b.example",)),
        (["https://Units.example/a?b=1", "page.html"], ("b.example", "units.example")),
        (["//a:b@units.example:81/x"], ("b.example", "units.example:81")),
        (["https://[broken/"], ("b.example",)),
        (["mailto:someone"], ("b.example",)),
    ],
)
def test_units_on_other_servers_need_them(
    db: Session, now: datetime, units: list[str], hosts: tuple[str, ...]
) -> None:
    assert needed_hosts(imported(db, now, units=units)) == hosts


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("cdn.example.org", "cdn.example.org"),
        (" CDN.Example.org ", "cdn.example.org"),
        ("cdn.example.org:8443", "cdn.example.org:8443"),
        ("https://cdn.example.org/a/b?c#d", "cdn.example.org"),
        ("//cdn.example.org", "cdn.example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_hosts_as_people_write_them(text: str, host: str) -> None:
    assert check_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "*.example.org",
        "localhost",
        "portal.localhost",
        "printer.local",
        "db.internal",
        "intranet",
        "127.0.0.1",
        "10.0.0.1:80",
        "[::1]",
        "https://[::1",
        "a.example; script-src *",
        "a.example b.example",
        "a.example/path",
        "a.example,b.example",
        "'unsafe-inline'",
        "data:",
        "a..example",
        "-a.example",
        "a.example:0",
        "a.example:65536",
        "a.example:",
        "a.example.",
        "bücher.example",
        "a.example\r\nX: y",
        f"{'a.' * 130}example",
        f"{'a' * 64}.example",
    ],
)
def test_what_is_no_public_server(text: str) -> None:
    with pytest.raises(InvalidHost):
        check_host(text)


def test_a_version_reaches_exactly_what_was_allowed(db: Session, now: datetime) -> None:
    package = imported(db, now)
    made = version(db, package, now)
    assert allowed_hosts(db, package_id=package.id) == ()
    chosen = allow_hosts(
        db,
        version_id=made.id,
        hosts=["b.example", "https://A.example/x", "a.example"],
        by="author",
        now=now,
    )
    assert chosen == ("a.example", "b.example")
    assert allowed_hosts(db, package_id=package.id) == chosen
    later = now + timedelta(days=1)
    allow_hosts(
        db,
        version_id=made.id,
        hosts=["b.example", "c.example"],
        by="another",
        now=later,
    )
    assert allowed_hosts(db, package_id=package.id) == ("b.example", "c.example")
    told = [
        (one.host, one.allowed_by, one.allowed_at)
        for one in find_allowed(db, version_id=made.id)
    ]
    assert told == [("b.example", "author", now), ("c.example", "another", later)]
    allow_hosts(db, version_id=made.id, hosts=[], by="author", now=later)
    assert allowed_hosts(db, package_id=package.id) == ()


def test_versions_of_one_package_add_up_and_others_do_not(
    db: Session, now: datetime
) -> None:
    package, other = imported(db, now), imported(db, now)
    for name, one in (("a", package), ("b", package), ("c", other)):
        allow_hosts(
            db,
            version_id=version(db, one, now).id,
            hosts=[f"{name}.example", "all.example"],
            by="author",
            now=now,
        )
    assert allowed_hosts(db, package_id=package.id) == (
        "a.example",
        "all.example",
        "b.example",
    )


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param([f"a{number}.example" for number in range(31)], id="many"),
        pytest.param([f"{'a' * 60}.b{n}.example" for n in range(20)], id="long"),
    ],
)
def test_too_many_are_refused_and_change_nothing(
    db: Session, now: datetime, hosts: list[str]
) -> None:
    package = imported(db, now)
    made = version(db, package, now)
    allow_hosts(db, version_id=made.id, hosts=["a.example"], by="author", now=now)
    with pytest.raises(TooManyHosts):
        allow_hosts(db, version_id=made.id, hosts=hosts, by="author", now=now)
    with pytest.raises(InvalidHost):
        allow_hosts(db, version_id=made.id, hosts=["b.example", "*"], by="a", now=now)
    assert allowed_hosts(db, package_id=package.id) == ("a.example",)


def test_there_must_be_such_a_version(db: Session, now: datetime) -> None:
    with pytest.raises(CourseNotFound):
        allow_hosts(db, version_id=uuid.uuid4(), hosts=[], by="author", now=now)
