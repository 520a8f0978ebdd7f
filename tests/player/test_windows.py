"""Which units are framed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packages import courses, hosts
from player.windows import stands_apart
from tests.player.sample import add_package, make_unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config

CASES = [
    ("inside/index.html", "https://portal.example", False),
    ("https://allowed.example.org/a", "https://portal.example", False),
    ("https://u@Allowed.example.org/a", "https://portal.example", False),
    ("http://allowed.example.org/a", "http://localhost:8000", False),
    ("http://allowed.example.org/a", "https://portal.example", True),
    ("https://other.example.org/a", "https://portal.example", True),
    ("https://allowed.example.org:8443/a", "https://portal.example", True),
]


def test_where_a_unit_is_shown(db: Session, config: Config, now: datetime) -> None:
    package = add_package(db, now=now)
    course = courses.create_course(db, title="C", created_by="a", now=now)
    version = courses.add_version(
        db, course_id=course.id, package_id=package.id, now=now
    )
    hosts.allow_hosts(
        db, version_id=version.id, hosts=["allowed.example.org"], by="a", now=now
    )
    for address, portal, wanted in CASES:
        served = replace(
            config, portal_url=portal, content_url="http://content.localhost:1"
        )
        unit = make_unit(0, launch=address)
        found = stands_apart(db, config=served, package=package, unit=unit)
        assert found is wanted, address
