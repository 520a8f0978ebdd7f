"""The learner's pages, and what a manager and anyone else sees of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import select

from lrs.db import reading
from player.tables import Launch
from tests.portal.views.text import text_of


@pytest.fixture(autouse=True)
def _clock(now):
    """Pages read the fixed present."""
    with patch("portal.views.learning.clock", lambda: now):
        yield


def test_from_catalog_to_certificate(world, caller) -> None:
    browser = caller(world.cast.officer)
    course = f"/courses/{world.course_id}"
    assert "No active courses" in text_of(browser.get("/my/courses"))
    assert "Sworn officers and dispatchers" in text_of(browser.get(course))
    assert browser.post(f"{course}/enrol").headers["Location"] == course
    assert "Not started" in text_of(browser.get("/my/courses"))
    with reading(world.parts.engine) as db:
        from portal.enrolments import find_enrolments

        [row] = find_enrolments(db, user_id=world.cast.officer.id)
    launched = browser.post(f"/enrolments/{row.id}/launch")
    assert launched.status_code == 302
    address = launched.headers["Location"]
    assert address.startswith(f"{world.parts.config.portal_url}/launches/")
    attest = f"/enrolments/{row.id}/attest"
    assert browser.get(attest).status_code == 302  # nothing to attest yet
    world.finish(row.id, scaled="0.79")
    page = text_of(browser.get(course))
    assert "79%" in page
    assert "needs 80% or more" in page
    world.finish(row.id, scaled="0.8")
    assert "One step left" in text_of(browser.get(course))
    assert "I hereby attest" in text_of(browser.get(attest))
    answer = browser.post(
        attest, {"version": "2023-01-01", "answer": "no"}, page=attest
    )
    assert answer.status_code == 400
    later = world.now + timedelta(minutes=1)
    with patch("portal.views.learning.clock", lambda: later):
        yes = {"version": "2023-01-01", "answer": "yes"}
        answer = browser.post(attest, yes, page=attest)
    assert answer.headers["Location"] == course
    world.work()
    page = text_of(browser.get(course))
    assert "Completed" in page
    assert "With 80%." in page
    assert "Reports That Hold Up" in text_of(browser.get("/my/certificates"))
    assert "1 of 24 hours earned" in text_of(browser.get("/my/credit"))


def test_a_completed_course_is_not_dropped(world, caller) -> None:
    enrolment_id = world.complete(world.cast.officer)
    answer = caller(world.cast.officer).post(f"/enrolments/{enrolment_id}/drop")
    assert answer.status_code == 409
    assert "cannot be dropped" in text_of(answer)


@pytest.mark.parametrize("act", ["drop", "close"])
def test_dropping_and_closing_end_what_is_open(world, caller, act) -> None:
    officer = world.cast.officer
    browser = caller(officer)
    enrolment_id = world.enrol(officer)
    browser.post(f"/enrolments/{enrolment_id}/launch")
    operator = caller(world.cast.operator)
    with patch("portal.views.admin.clock", lambda: world.now):
        answer = (
            browser.post(f"/enrolments/{enrolment_id}/drop")
            if act == "drop"
            else operator.post(f"/admin/users/{officer.id}/close")
        )
    assert answer.status_code == 302
    with reading(world.parts.engine) as db:
        [ended] = db.scalars(select(Launch.ended_at))
    assert ended == world.now


def test_a_pretest_score_is_on_no_page(world, caller) -> None:
    world.complete(world.cast.officer)
    browser = caller(world.cast.officer)
    page = text_of(browser.get(f"/courses/{world.course_id}"))
    row = page.partition("Pre-test")[2].partition("</tr>")[0]
    assert "%" not in row


def test_a_course_for_others_says_so_and_refuses(world, caller) -> None:
    browser = caller(world.cast.civilian)
    path = f"/courses/{world.course_id}"
    assert "sworn officers and dispatchers only" in text_of(browser.get(path))
    answer = browser.post(f"{path}/enrol")
    assert answer.status_code == 403
    assert "sworn officers and dispatchers only" in text_of(answer)


def test_twice_is_a_conflict_in_words(world, caller) -> None:
    browser = caller(world.cast.officer)
    path = f"/courses/{world.course_id}/enrol"
    assert browser.post(path).status_code == 302
    assert browser.post(path).status_code == 409


def test_enrolments_of_others_are_not_there(world, caller) -> None:
    enrolment_id = world.enrol(world.cast.officer)
    for person in (world.cast.dispatcher, world.cast.outsider, world.cast.manager):
        browser = caller(person)
        for act in ("launch", "drop", "attest"):
            path = f"/enrolments/{enrolment_id}/{act}"
            assert browser.post(path).status_code == 404, (person.name, act)
    assert (
        caller(world.cast.officer).post(f"/enrolments/{enrolment_id}/drop").status_code
        == 302
    )


def test_the_next_term_begins_anew(world, caller) -> None:
    world.enrol(world.cast.officer)
    later = datetime(2027, 1, 1, 8, tzinfo=UTC)
    browser = caller(world.cast.officer)
    with patch("portal.views.learning.clock", lambda: later):
        page = text_of(browser.get(f"/courses/{world.course_id}"))
    assert "Enroll for the 2027 session" in page
    assert "2026 session: not completed" in page
