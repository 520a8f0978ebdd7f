"""A course of cmi5 in the portal: enrolled in, launched, credited by its own criteria."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lrs.db import reading, writing
from packages.courses import get_package, get_version, manifest_of
from player.cmi5 import sessions
from player.launches import open_launch
from player.sittings import get_launch
from player.urls import course_iri
from portal import enrolments, standings, users
from portal.releases import Publication, publish
from tests.player.cmi5.unit import Unit
from tests.player.packages import cmi5
from tests.portal.conftest import World, import_file
from wsgi import create_app

if TYPE_CHECKING:
    from lrs.parts import Parts
    from tests.people import Cast

PAGE = "<!doctype html><title>Unit</title>"


@pytest.fixture
def course(parts: Parts, cast: Cast) -> World:
    now = datetime.now(UTC)
    package_id = import_file(
        parts, "small", cmi5({"One": PAGE, "Two": PAGE}, move_on="Passed"), now
    )
    with writing(parts.engine) as db:
        version = publish(
            db,
            config=parts.config,
            package=get_package(db, package_id=package_id),
            publication=Publication(
                title="Small Course",
                roles={},
                policy="none",
                hours=Decimal(1),
                credit=Decimal(0),
                transfer="none",
                audience=("sworn",),
                effective_from=now - timedelta(days=60),
            ),
            by=cast.author.id,
            now=now - timedelta(days=1),
        )
        course_id = version.course_id
    return World(parts, cast, course_id, now)


def launch(world: World, enrolment_id: uuid.UUID, unit: int) -> Unit:
    """Launch a unit as the page of the course does."""
    config = world.parts.config
    with writing(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
        version = get_version(db, version_id=row.course_version_id)
        opened = open_launch(
            db,
            config=config,
            package=get_package(db, package_id=version.package_id),
            unit=unit,
            course_iri=course_iri(config, row.course_id),
            revision=row.revision,
            actor=users.actor_of(row.user_id, portal_url=config.portal_url),
            registration=row.registration,
            mode="Normal",
            mastery={},
            return_url="",
            now=datetime.now(UTC),
            course_title=row.course_title,
        )
        manifest = manifest_of(get_package(db, package_id=version.package_id))
        address = sessions.address_of(
            config,
            get_launch(db, launch_id=opened.launch_id),
            manifest.units[unit],
        )
    portal: Any = SimpleNamespace(client=create_app(world.parts).test_client())
    return Unit(portal, opened.launch_id, address)


def standing_of(world: World, enrolment_id: uuid.UUID) -> Any:
    now = datetime.now(UTC)
    world.work(now)
    with reading(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
        [found] = standings.standings_of(
            db, config=world.parts.config, enrolments=[row], now=now
        )
    return found


def test_what_the_units_say_completes_the_course(course: World) -> None:
    enrolment_id = course.enrol(course.cast.officer)
    found = standing_of(course, enrolment_id)
    assert [unit.is_done for unit in found.units] == [False, False]
    launch(course, enrolment_id, 0).begin().say(
        "initialized", "completed", "terminated"
    )
    # the course asks for more than that
    assert not standing_of(course, enrolment_id).is_done
    launch(course, enrolment_id, 0).begin().say("initialized", "passed", "terminated")
    found = standing_of(course, enrolment_id)
    assert [unit.is_done for unit in found.units] == [True, False]
    assert not found.is_done
    launch(course, enrolment_id, 1).begin().say("initialized", "passed")
    assert standing_of(course, enrolment_id).is_done
