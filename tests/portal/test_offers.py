from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.rules.tables import ActivityRole, Structure
from lrs.rules.wall import pretest_wall
from lrs.tables import MAIN_TENANT, key_of
from packages.courses import PackageNotImported, current_version, get_package
from portal import offers
from portal.assessments import PartRole
from portal.offers import NoPostTest
from portal.releases import Publication, publish
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


def published_with(site, cast, now, units, **change):
    """Roles by activity, and the structure, of a package whose units are so."""
    package_id = import_sample(site, "report-writing", now)
    with writing(site.engine) as db:
        package = get_package(db, package_id=package_id)
        manifest = dict(package.manifest)
        manifest["units"] = [
            {**unit, **units.get(index, {})}
            for index, unit in enumerate(manifest["units"])
        ]
        package.manifest = manifest
        db.flush()
        publish(
            db,
            config=site.config,
            package=package,
            publication=publication(now, **change),
            by=cast.author.id,
            now=now,
        )
    with reading(site.engine) as db:
        [structure] = db.scalars(select(Structure)).all()
        rows = db.scalars(
            select(ActivityRole)
            .where(ActivityRole.course_iri == structure.course_iri)
            .order_by(ActivityRole.number)
        )
        return {row.activity_iri: row for row in rows}, structure


INSIDE = {4: {"parts": ("pretest", "pretest.q1", "posttest")}}


@pytest.mark.parametrize(
    ("named", "hidden"),
    [
        ([], {"interactions/pretest", "interactions/pretest.q1", "objectives/pretest"}),
        (
            [PartRole(unit=4, kind="objectives", part="pretest", role="pretest")],
            {"interactions/pretest", "interactions/pretest.q1", "objectives/pretest"},
        ),
        ([PartRole(unit=4, kind="objectives", part="pretest", role="unit")], set()),
        (
            [PartRole(unit=4, kind="interactions", part="pretest.q1", role="unit")],
            {"interactions/pretest", "objectives/pretest"},
        ),
    ],
)
def test_what_looks_like_a_pretest_inside_stays_hidden_until_decided(
    parts, cast, now, named, hidden
) -> None:
    change = {"roles": {0: "pretest", 4: "posttest"}, "parts": named}
    rows, structure = published_with(parts, cast, now, INSIDE, **change)
    unit = structure.units[4]["iri"]
    with reading(parts.engine) as db:
        wall = pretest_wall(db, tenant=MAIN_TENANT)
    inside = {
        f"{kind}/{part}"
        for kind in ("interactions", "objectives")
        for part in ("pretest", "pretest.q1", "posttest")
    }
    found = {one for one in inside if wall.hides_activity(f"{unit}/{one}")}
    assert found == hidden
    confirmed = {f"{one.kind}/{one.part}" for one in named if one.role == "pretest"}
    for one in hidden:
        row = rows[f"{unit}/{one}"]
        assert (row.proposed, row.unit_key) == (one not in confirmed, key_of(unit))


def test_a_unit_that_looks_like_a_pretest_is_none_only_when_said(
    parts, cast, now
) -> None:
    rows, structure = published_with(parts, cast, now, {}, roles={4: "posttest"})
    roles = [
        (rows[unit["iri"]].role, rows[unit["iri"]].proposed) for unit in structure.units
    ]
    assert roles == [
        ("pretest", True),
        ("unit", False),
        ("unit", False),
        ("unit", False),
        ("posttest", False),
    ]


def test_what_no_learner_can_open_is_not_required(parts, cast, now) -> None:
    change = {"roles": {0: "pretest", 4: "posttest"}}
    _, structure = published_with(parts, cast, now, {2: {"visible": False}}, **change)
    assert [unit["required"] for unit in structure.units] == [
        True,
        True,
        False,
        True,
        True,
    ]
