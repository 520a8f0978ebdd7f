from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

from lrs.persons import link, own_person, unlink
from lrs.rules import catalogue
from lrs.rules.known import Known, read_reviews
from lrs.rules.log import LogReader
from lrs.rules.policy import policy_book
from lrs.tables import MAIN_TENANT, key_of
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER_IFI,
    LESSON,
    VERBS,
    at,
    offer_course,
    record_offer,
    said,
    store,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

START = at("2026-02-01T10:00:00")
MAIL = "mbox::mailto:officer@agency.example"


def test_a_course_is_what_it_was_after_a_change(db: Session, now: datetime) -> None:
    # structure 1, roles 2 and 3, offers 4 and 5
    offer_course(db, now=now)
    record_offer(db, now=now, credit=Decimal(1))
    known = Known(db, tenant=MAIN_TENANT, book=policy_book())
    courses = [known.course(key_of(COURSE), number) for number in range(6)]
    assert [one and one.is_known for one in courses] == [False] + [True] * 5
    assert [one and one.is_offered for one in courses] == [False] * 4 + [True] * 2
    assert [one and len(one.shape("1").roles) for one in courses] == [0, 0, 1, 2, 2, 2]
    assert courses[4] is not None
    assert courses[5] is not None
    assert [one.rules.spans[-1].offer.credit for one in (courses[4], courses[5])] == [
        Decimal(4),
        Decimal(1),
    ]
    assert known.course(key_of("https://portal.example/none"), 5) is None
    assert known.course(key_of(COURSE), 4) is courses[4]


def test_the_courses_of_a_statement(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    about_unit = said("completed", LESSON, START)
    del about_unit["context"]["contextActivities"]
    inside = said("responded", f"{LESSON}/interactions/q", START)
    elsewhere = said("completed", "https://portal.example/other", START)
    elsewhere["context"]["contextActivities"] = {}
    store(db, about_unit, inside, elsewhere, now=now)
    log = LogReader(db, tenant=MAIN_TENANT, verbs=VERBS)
    log.last_seq = 3
    rows = log.rows(1)
    known = Known(db, tenant=MAIN_TENANT, book=policy_book())
    known.prepare(rows)

    def courses(number: int) -> list[list[str]]:
        return [
            [course.iri for course in known.courses_of(row.observation, number)]
            for row in rows
            if row.observation is not None
        ]

    assert courses(4) == [[COURSE], [COURSE], []]
    # before anything was recorded the course was unknown
    assert courses(0) == [[], [], []]


def test_persons_are_what_they_were_after_a_change(db: Session, now: datetime) -> None:
    for what in (link, unlink):
        more = {"to": LEARNER_IFI} if what is link else {}
        what(db, tenant=MAIN_TENANT, ifi=MAIL, why="test", now=now, **more)
    known = Known(db, tenant=MAIN_TENANT, book=policy_book())
    mail, learner = key_of(MAIL), key_of(LEARNER_IFI)
    persons = [known.person(mail, number) for number in range(3)]
    assert persons == [own_person(mail), own_person(learner), own_person(mail)]
    found = [
        known.identifiers(own_person(learner), number, at_hand=())
        for number in range(3)
    ]
    assert found == [[learner], sorted([mail, learner]), [learner]]
    # one that nobody ever linked is known only from the statement at hand
    alone = key_of("mbox::mailto:alone@agency.example")
    assert known.identifiers(own_person(alone), 2, at_hand=()) == []
    assert known.identifiers(own_person(alone), 2, at_hand={alone}) == [alone]


def test_reviews_count_from_their_change_on(db: Session, now: datetime) -> None:
    statement = uuid.UUID(int=5)
    for clock in ("timestamp", "stored"):
        catalogue.record_review(
            db,
            tenant=MAIN_TENANT,
            statement_id=statement,
            clock=clock,
            reason="",
            by="operator",
            now=now,
        )
    known = Known(db, tenant=MAIN_TENANT, book=policy_book())
    assert [known.clocks(number) for number in range(3)] == [
        {},
        {statement: "timestamp"},
        {statement: "stored"},
    ]
    assert read_reviews(db, tenant=2) == []
