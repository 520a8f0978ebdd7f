"""What is satisfied when a learner is registered, before any launch."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from lrs.tables import MAIN_TENANT
from player.cmi5.registering import satisfied_at_registration
from player.tables import Registration
from tests.player.cmi5.opened import Course
from tests.player.cmi5.sample import ACTOR, COURSE, au, block, manifest_with, nested
from tests.player.sample import SHORT_NAMES, add_package

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from packages.courses import Package
    from packages.manifest import Manifest


def register(
    db: Session, config: Config, package: Package, registration: uuid.UUID, at: datetime
) -> list[str]:
    said = satisfied_at_registration(
        db,
        config=config,
        package=package,
        course_iri=COURSE,
        course_title="A course",
        revision="1",
        actor=ACTOR,
        registration=registration,
        now=at,
    )
    for one in said:
        assert SHORT_NAMES[one.statement["verb"]["id"]] == "satisfied"
    return [one.statement["object"]["definition"]["name"]["en-US"] for one in said]


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (nested(), []),
        (manifest_with(au(0)), ["A course"]),
        (
            manifest_with(au(0, block=0), au(1, move_on="Passed"), blocks=(block(0),)),
            ["Block 0"],
        ),
    ],
    ids=["criteria", "none", "a block"],
)
def test_what_asks_for_nothing_is_satisfied(
    db: Session, config: Config, now: datetime, manifest: Manifest, found: list[str]
) -> None:
    course = Course(db, config, now, manifest)
    names = register(db, config, course.package, course.registration, now)
    assert names == found
    is_complete = course.row().completed_at is not None
    assert is_complete == ("A course" in found)


def test_other_standards_have_nothing_of_it(
    db: Session, config: Config, now: datetime
) -> None:
    registration = uuid.uuid4()
    package = add_package(db, now=now)
    assert register(db, config, package, registration, now) == []
    assert db.get(Registration, (MAIN_TENANT, registration)) is None
