import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from lrs.db import reading, writing
from packages.courses import get_package
from portal import enrolments
from portal.catalogue import get_listing
from portal.users import get_user
from statements.errors import AlreadyEnrolled, NotEligible
from statements.vocabulary import extension
from tests.player.cmi5.sample import au, manifest_with
from tests.portal.log import statements_of


def test_enrolling_is_a_statement_with_the_facts_of_the_moment(world) -> None:
    officer = world.cast.officer
    enrolment_id = world.enrol(officer)
    [statement] = statements_of(world.parts, "registered")
    with reading(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
    assert row.term == "2026"
    assert statement["actor"]["account"]["name"] == str(officer.id)
    assert "Officer" not in str(statement["actor"])
    context = statement["context"]
    assert context["registration"] == str(row.registration)
    assert context["revision"] == "1"
    assert context["extensions"][extension("position")] == "sworn"
    assert context["extensions"][extension("agency")] == str(world.cast.harbor.id)
    assert statement["object"]["id"].endswith(f"/activities/{world.course_id}")


def test_once_in_a_term(world) -> None:
    world.enrol(world.cast.officer)
    with pytest.raises(AlreadyEnrolled):
        world.enrol(world.cast.officer)
    assert len(statements_of(world.parts, "registered")) == 1


def test_another_term_is_another_registration(world) -> None:
    first = world.enrol(world.cast.officer)
    second = world.enrol(world.cast.officer, datetime(2027, 1, 1, 8, tzinfo=UTC))
    with reading(world.parts.engine) as db:
        rows = [
            enrolments.get_enrolment(db, enrolment_id=one) for one in (first, second)
        ]
    assert [row.term for row in rows] == ["2026", "2027"]
    assert rows[0].registration != rows[1].registration


@pytest.mark.parametrize(
    ("instant", "term"),
    [
        (datetime(2027, 1, 1, 7, 59, 59, tzinfo=UTC), "2026"),
        (datetime(2027, 1, 1, 8, 0, 0, tzinfo=UTC), "2027"),
    ],
)
def test_terms_end_at_midnight_of_the_portal(config, instant, term) -> None:
    assert enrolments.current_term(config, instant).id == term


def test_audience(world) -> None:
    world.enrol(world.cast.dispatcher)
    with pytest.raises(NotEligible, match="sworn officers and dispatchers"):
        world.enrol(world.cast.civilian)
    assert len(statements_of(world.parts, "registered")) == 1


def test_dropping_keeps_the_registration(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    with writing(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
        enrolments.drop(db, config=world.parts.config, enrolment=row, now=world.now)
        registration = row.registration
    with reading(world.parts.engine) as db:
        assert enrolments.find_enrolments(db, user_id=world.cast.officer.id) == []
    with pytest.raises(enrolments.AlreadyDropped), writing(world.parts.engine) as db:
        row = enrolments.get_enrolment(db, enrolment_id=enrolment_id)
        enrolments.drop(db, config=world.parts.config, enrolment=row, now=world.now)
    assert world.enrol(world.cast.officer) == enrolment_id
    with reading(world.parts.engine) as db:
        row = enrolments.find_enrolment(db, registration=registration)
        assert row is not None
        assert row.dropped_at is None
    assert len(statements_of(world.parts, "registered")) == 2
    assert len(statements_of(world.parts, "withdrew")) == 1


def test_the_position_counts_at_the_moment_of_the_act(world) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    with writing(world.parts.engine) as db:
        get_user(db, user_id=world.cast.officer.id).position = "npo"
    world.attest(enrolment_id)
    [enrolled] = statements_of(world.parts, "registered")
    [attested] = statements_of(world.parts, "attested")
    assert enrolled["context"]["extensions"][extension("position")] == "sworn"
    assert attested["context"]["extensions"][extension("position")] == "npo"


def test_the_same_click_twice_at_the_same_moment(world) -> None:
    barrier = threading.Barrier(6)

    def click(_: int) -> str:
        barrier.wait()
        try:
            world.enrol(world.cast.officer)
        except AlreadyEnrolled:
            return "refused"
        return "enrolled"

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(click, range(6)))
    assert sorted(told) == ["enrolled"] + ["refused"] * 5
    assert len(statements_of(world.parts, "registered")) == 1


def test_a_course_of_cmi5_that_asks_for_nothing_is_satisfied_on_enrolling(
    world,
) -> None:
    with writing(world.parts.engine) as db:
        listing = get_listing(
            db, config=world.parts.config, course_id=world.course_id, now=world.now
        )
        package = get_package(db, package_id=listing.package_id)
        package.standard = "cmi5"
        package.manifest = manifest_with(au(0)).to_json()
    world.enrol(world.cast.officer)
    [registered] = statements_of(world.parts, "registered")
    [satisfied] = statements_of(world.parts, "satisfied")
    for name in ("registration", "revision"):
        assert satisfied["context"][name] == registered["context"][name]
    assert satisfied["actor"] == registered["actor"]
    assert satisfied["object"]["id"] == registered["object"]["id"]
