from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.jobs import Job
from lrs.rules import catalogue
from lrs.rules.facts import UnitTerms
from lrs.rules.tables import Change, Offer
from lrs.tables import MAIN_TENANT, key_of
from statements.errors import Invalid
from tests.lrs.rules.builders import (
    COURSE,
    LESSON,
    LONG_AGO,
    POSTTEST,
    PRETEST,
    UNITS,
    offer_course,
    record_offer,
    said,
    store,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def test_changes_are_numbered_between_the_statements(
    db: Session, now: datetime
) -> None:
    record_offer(db, now=now)
    store(db, said("completed", LESSON, now), said("completed", PRETEST, now), now=now)
    record_offer(db, now=now, credit=Decimal(2))
    record_offer(db, now=now, credit=Decimal(3))
    changes = db.scalars(select(Change).order_by(Change.number)).all()
    assert [(one.number, one.position) for one in changes] == [(1, 0), (2, 2), (3, 2)]
    assert {one.course_key for one in changes} == {key_of(COURSE)}
    jobs = db.scalars(select(Job).where(Job.kind == "rules.changed")).all()
    assert [job.payload for job in jobs] == [{"tenant": MAIN_TENANT}] * 3


def test_offers_are_only_added(db: Session, now: datetime) -> None:
    record_offer(db, now=now)
    record_offer(db, now=now, credit=Decimal(0), hours=None)
    offers = db.scalars(select(Offer).order_by(Offer.number)).all()
    assert [one.credit for one in offers] == [Decimal(4), Decimal(0)]
    assert [one.hours for one in offers] == [Decimal(4), None]
    assert {one.product for one in offers} == {COURSE}
    rows = catalogue.get_course_rows(db, tenant=MAIN_TENANT, course_iri=COURSE)
    assert [one.credit for one in rows.offers_at(1)] == [Decimal(4)]
    assert len(rows.offers_at(2)) == 2
    assert not rows.is_known(0)
    assert rows.is_known(1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy", "cops.diploma"),
        ("transfer", "fax"),
        ("audience", ["sworn", "astronaut"]),
        ("mandates", ["pursuits"]),
        ("mandates", ["perishable-skills:chess"]),
        ("period", "month"),
        ("hours", Decimal(-1)),
        ("credit", Decimal("NaN")),
        ("product", "p" * 401),
        ("zone", "America/Springfield"),
        ("zone", "../etc/passwd"),
    ],
)
def test_an_offer_that_means_nothing_is_refused(
    db: Session, now: datetime, field: str, value: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        record_offer(db, now=now, **{field: value})
    assert refused.value.extra["field"] == field
    assert db.scalars(select(Change)).all() == []


def test_an_offer_keeps_what_it_was_told(db: Session, now: datetime) -> None:
    record_offer(
        db,
        now=now,
        audience=["sworn", "dispatcher", "sworn"],
        mandates=["pursuit", "perishable-skills:driving"],
        product="pursuit",
        period="calendar-year",
    )
    (terms,) = catalogue.get_course_rows(
        db, tenant=MAIN_TENANT, course_iri=COURSE
    ).offers_at(1)
    assert terms.audience == {"sworn", "dispatcher"}
    assert terms.mandates == ("pursuit", "perishable-skills:driving")
    assert (terms.product, terms.period) == ("pursuit", "calendar-year")
    assert terms.effective_from == LONG_AGO


def test_roles_and_reviews_are_checked(db: Session, now: datetime) -> None:
    with pytest.raises(Invalid):
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            activity_iri=LESSON,
            role="exam",
            now=now,
        )
    with pytest.raises(Invalid):
        catalogue.record_structure(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            revision="1",
            units=[UnitTerms(LESSON, "Lesson", move_on="Never")],
            now=now,
        )
    with pytest.raises(Invalid):
        catalogue.record_structure(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            revision="r" * 101,
            units=UNITS,
            now=now,
        )
    with pytest.raises(Invalid):
        catalogue.record_review(
            db,
            tenant=MAIN_TENANT,
            statement_id=uuid.uuid4(),
            clock="sundial",
            reason="",
            by="operator",
            now=now,
        )


def test_a_shape_is_that_of_its_revision(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    catalogue.record_structure(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        revision="2",
        units=UNITS[1:],
        now=now,
    )
    rows = catalogue.get_course_rows(db, tenant=MAIN_TENANT, course_iri=COURSE)
    last = 1000
    assert [one.iri for one in rows.shape("1", last).units] == [
        PRETEST,
        LESSON,
        POSTTEST,
    ]
    assert [one.iri for one in rows.shape("2", last).units] == [LESSON, POSTTEST]
    # an unknown revision is judged by the newest, never by nothing
    assert rows.shape("none such", last) == rows.shape("2", last)
    assert rows.shape("none such", 1).units == rows.shape("1", last).units
    # roles belong to their revision
    assert {one.iri: one.role for one in rows.shape("1", last).roles} == {
        PRETEST: "pretest",
        POSTTEST: "posttest",
    }
    assert rows.shape("2", last).roles == ()
    assert rows.shape("1", 0).units == ()


def test_the_newest_role_counts_and_proposals_are_no_confirmation(
    db: Session, now: datetime
) -> None:
    for what, proposed in (("pretest", True), ("posttest", False), ("posttest", True)):
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            activity_iri=POSTTEST,
            role=what,
            proposed=proposed,
            now=now,
        )
    rows = catalogue.get_course_rows(db, tenant=MAIN_TENANT, course_iri=COURSE)
    found = [rows.shape("1", number).roles for number in (1, 2, 3)]
    assert [[(one.role, one.confirmed) for one in roles] for roles in found] == [
        [("pretest", False)],
        [("posttest", True)],
        [("posttest", False)],
    ]
