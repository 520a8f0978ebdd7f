from __future__ import annotations

import string
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lrs.persons import link, person_of
from lrs.rules.explain import OUTCOMES, PROBLEMS, WORDS, explain, percent
from lrs.rules.facts import RoleTerms
from lrs.tables import MAIN_TENANT
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER_IFI,
    LESSON,
    OFFER,
    POSTTEST,
    REGISTRATION,
    SHAPE,
    at,
    offer_course,
    rules,
    said,
    store,
    told,
    whole_way,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

START = at("2026-02-01T18:00:00")
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("scaled", "text"),
    [
        ("0.79", "79%"),
        ("0.7900000", "79%"),
        ("0.7999", "79.99%"),
        ("0.7999999", "79.99999%"),
        ("0.8", "80%"),
        ("1", "100%"),
        ("0", "0%"),
        ("-0.1", "-10%"),
    ],
)
def test_a_percentage_is_never_rounded_up_to_the_threshold(
    scaled: str, text: str
) -> None:
    assert percent(Decimal(scaled)) == text


def test_79_percent_is_told_why() -> None:
    (reason,) = told(whole_way(START, scaled="0.79")).reasons
    assert reason.text == (
        "Your post-test score was 79%. This course needs 80% or more."
        " You can take the post-test again."
    )


def test_the_best_of_several_tries_is_named() -> None:
    more = said("failed", POSTTEST, START + 9 * HOUR, score={"scaled": 0.5})
    (reason,) = told([*whole_way(START, scaled="0.7999"), more]).reasons
    assert reason.text == (
        "Your best post-test score was 79.99%. This course needs 80% or"
        " more. You can take the post-test again."
    )


def test_every_case_has_its_words() -> None:
    way = whole_way(START)
    raw_only = said("passed", POSTTEST, START, score={"raw": 95})
    late = {"stored": {way[4]["id"]: at("2027-02-01T18:00:00")}}
    nobody = replace(
        SHAPE, roles=(RoleTerms(POSTTEST, "posttest", "", confirmed=False),)
    )
    cases = {
        "You have not started this course.": told([]),
        "Lesson 1 is not finished yet.": told([*way[:2], *way[3:]]),
        "There is no post-test score yet. This course needs 80% or more.": told(
            [*way[:4], way[5]]
        ),
        "Your post-test score cannot be used: the course reported points but not how"
        " many were possible. Please tell the help desk.": told(
            [*way[:4], raw_only, way[5]]
        ),
        "Please confirm the Honor Code. There is no deadline, but your certificate"
        " waits for it.": told(way[:5]),
        "You confirmed the Honor Code before you had finished the course. Please"
        " confirm it again.": told([*way[:5], said("attested", COURSE, START)]),
        "Something you did on February 1, 2026 reached us only on February 1, 2027. A"
        " person checks to which session it belongs.": told(way, **late),
        "This course needs a post-test, and nobody has said yet which part of it that"
        " is. Please tell the help desk.": told(way, shape=nobody),
        "Credit for this course is for dispatchers and sworn officers only.": told(
            [*way[1:]], rules(audience=frozenset({"sworn", "dispatcher"}))
        ),
        "Credit for this course needs training held by your agency and its"
        " roster.": told(way, rules(transfer="roster")),
        "You did this before the course was offered on February 3, 2026, so it does"
        " not count.": told(
            way, rules(replace(OFFER, effective_from=at("2026-02-03T12:00:00")))
        ),
        "It has not been recorded yet that you attended this course.": told(
            way, rules(policy="post.facilitated")
        ),
        "Your agency has not published its own part of this course yet. Please ask"
        " your training manager.": told(way, rules(policy="post.gated")),
    }
    for text, explanation in cases.items():
        assert text in [one.text for one in explanation.reasons]


def test_a_session_that_ended_is_named_when_the_day_is_known() -> None:
    way = whole_way(START, scaled="0.79")
    end = at("2027-01-01T08:00:00")
    before = told(way, now=end - timedelta(microseconds=1))
    assert [one.code for one in before.reasons] == ["score_below"]
    after = told(way, now=end)
    assert [one.code for one in after.reasons] == ["term_ended", "score_below"]
    assert after.reasons[0].text == (
        "The 2026 session ended on December 31, 2026. Enroll in the present session to"
        " earn its certificate."
    )
    # completers keep what they have
    assert told(whole_way(START), now=end).is_complete


def test_all_words_are_complete_sentences_with_known_values() -> None:
    for code, text in WORDS.items():
        assert text.endswith("."), code
        for _, name, _, _ in string.Formatter().parse(text):
            assert name is None or name.isidentifier()
    assert all(text.endswith(".") for text in OUTCOMES.values())
    assert PROBLEMS.keys() == {"no_max", "no_range", "outside_range", "not_computable"}


def test_progress_is_counted_by_unit() -> None:
    found = told(whole_way(START)[:2])
    assert (found.units_done, found.units_all) == (1, 3)


def test_it_reads_the_log(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    mail = {"mbox": "mailto:officer@agency.example"}
    way = whole_way(START)
    way[2]["actor"] = mail
    store(db, *way, now=now)

    def ask(**who: object) -> list[str]:
        found = explain(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            registration=REGISTRATION,
            **who,  # type: ignore[arg-type]
        )
        return [one.text for one in found.reasons]

    assert ask(ifi=LEARNER_IFI) == ["Lesson 1 is not finished yet."]
    assert ask(ifi="mbox::mailto:nobody@agency.example") == [
        "You have not started this course."
    ]
    ifi = "mbox::mailto:officer@agency.example"
    link(db, tenant=MAIN_TENANT, ifi=ifi, to=LEARNER_IFI, why="POST-ID", now=now)
    person = person_of(db, tenant=MAIN_TENANT, ifi=ifi)
    assert ask(ifi=LEARNER_IFI) == ask(ifi=ifi) == ask(person=person) == []
    with pytest.raises(ValueError, match="identifier"):
        ask()


def test_a_statement_about_a_unit_needs_no_context(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    way = whole_way(START)
    del way[2]["context"]["contextActivities"]
    assert way[2]["object"]["id"] == LESSON
    store(db, *way, now=now)
    found = explain(
        db,
        tenant=MAIN_TENANT,
        ifi=LEARNER_IFI,
        course_iri=COURSE,
        registration=REGISTRATION,
    )
    assert found.is_complete
