from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.rules.tables import ActivityRole, Structure
from packages.courses import PackageNotImported, current_version, get_package
from portal import offers
from portal.offers import NoPostTest, PartRole, Publication, publish
from statements.errors import Invalid
from tests.portal.conftest import import_sample

ZONE = "America/Los_Angeles"


def publication(now, **change) -> Publication:
    values = {
        "title": "A course",
        "roles": {0: "posttest"},
        "policy": "cops.certificate",
        "effective_from": now,
    }
    return Publication(**(values | change))


@pytest.mark.parametrize(
    ("policy", "instant", "asked"),
    [
        ("cops.certificate", datetime(2023, 1, 1, 7, 59, 59, tzinfo=UTC), None),
        ("cops.certificate", datetime(2023, 1, 1, 8, tzinfo=UTC), Decimal("0.80")),
        ("post.credit", datetime(2026, 1, 1, tzinfo=UTC), None),
        ("nothing", datetime(2026, 1, 1, tzinfo=UTC), None),
    ],
)
def test_thresholds_by_date(policy, instant, asked) -> None:
    assert offers.threshold_at(policy, instant, zone=ZONE) == asked


def test_tests_inside_a_unit(parts, cast, now) -> None:
    package_id = import_sample(parts, "first-on-scene", now)
    with writing(parts.engine) as db:
        version = publish(
            db,
            config=parts.config,
            package=get_package(db, package_id=package_id),
            publication=publication(
                now,
                parts=[
                    PartRole(unit=0, kind="objectives", part="pre test", role="pretest")
                ],
            ),
            by=cast.author.id,
            now=now,
        )
        course_id = version.course_id
    with reading(parts.engine) as db:
        rows = {row.activity_iri: row for row in db.scalars(select(ActivityRole))}
        [structure] = db.scalars(select(Structure)).all()
    unit = structure.units[0]["iri"]
    assert unit.startswith(f"{parts.config.portal_url}/activities/{course_id}/units/")
    inner = rows[f"{unit}/objectives/pre%20test"]
    assert (inner.role, inner.proposed, inner.unit_key) == (
        "pretest",
        False,
        rows[unit].activity_key,
    )


@pytest.mark.parametrize(
    ("effective", "asked"),
    [
        (datetime(2022, 11, 1, 8, tzinfo=UTC), False),
        (datetime(2022, 12, 31, 8, tzinfo=UTC), False),
        (datetime(2023, 1, 1, 8, tzinfo=UTC), True),
    ],
)
def test_a_post_test_is_asked_for_by_the_day_of_the_offer(
    parts, cast, now, effective, asked
) -> None:
    package_id = import_sample(parts, "first-on-scene", now)
    today = datetime(2022, 12, 1, 8, tzinfo=UTC)
    with (
        pytest.raises(NoPostTest) if asked else nullcontext(),
        writing(parts.engine) as db,
    ):
        publish(
            db,
            config=parts.config,
            package=get_package(db, package_id=package_id),
            publication=publication(effective, roles={}),
            by=cast.author.id,
            now=today,
        )


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"roles": {}}, NoPostTest),
        ({"title": " "}, Invalid),
        ({"roles": {0: "exam"}}, Invalid),
        (
            {"parts": [PartRole(unit=3, kind="objectives", part="x", role="pretest")]},
            Invalid,
        ),
        (
            {"parts": [PartRole(unit=0, kind="pages", part="x", role="pretest")]},
            Invalid,
        ),
        ({"credit": Decimal(-1)}, Invalid),
    ],
)
def test_refused_publications(parts, cast, now, change, error) -> None:
    package_id = import_sample(parts, "first-on-scene", now)
    with pytest.raises(error), writing(parts.engine) as db:
        publish(
            db,
            config=parts.config,
            package=get_package(db, package_id=package_id),
            publication=publication(now, **change),
            by=cast.author.id,
            now=now,
        )


def test_the_next_version_of_a_course(world) -> None:
    later = world.now + timedelta(days=1)
    package_id = import_sample(world.parts, "first-on-scene", later)
    with writing(world.parts.engine) as db:
        publish(
            db,
            config=world.parts.config,
            package=get_package(db, package_id=package_id),
            publication=publication(later, course_id=world.course_id, title="Newer"),
            by=world.cast.author.id,
            now=later,
        )
    with reading(world.parts.engine) as db:
        version = current_version(db, course_id=world.course_id)
        assert version is not None
        assert (version.number, version.package_id) == (2, package_id)


def test_only_imported_packages(parts, cast, now) -> None:
    import io

    from packages.intake import receive_package

    with pytest.raises(PackageNotImported), writing(parts.engine) as db:
        package = receive_package(
            parts, db, filename="x.zip", data=io.BytesIO(b"x"), created_by="t", now=now
        )
        publish(
            db,
            config=parts.config,
            package=package,
            publication=publication(now),
            by=cast.author.id,
            now=now,
        )
