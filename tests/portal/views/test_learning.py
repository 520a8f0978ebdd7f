"""The learner's pages, and what a manager and anyone else sees of them."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from lrs.db import reading
from portal.audit import AuditEntry
from portal.certificates import Certificate


@pytest.fixture(autouse=True)
def _clock(now):
    """Pages read the fixed present."""
    with (
        patch("portal.views.learning.clock", lambda: now),
        patch("portal.views.certificates.clock", lambda: now),
        patch("portal.views.managers.clock", lambda: now),
    ):
        yield


def text_of(answer) -> str:
    return " ".join(answer.get_data(as_text=True).split())


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


# certificates


def certificate_of(world) -> Certificate:
    with reading(world.parts.engine) as db:
        return db.scalars(select(Certificate)).one()


def test_who_sees_a_certificate(world, caller) -> None:
    world.complete(world.cast.officer)
    certificate = certificate_of(world)
    path = f"/certificates/{certificate.id}"
    seen = {
        name: caller(getattr(world.cast, name)).get(path).status_code
        for name in (
            "officer",
            "dispatcher",
            "manager",
            "outsider",
            "outside_manager",
            "author",
            "operator",
        )
    }
    assert seen == {
        "officer": 200,
        "dispatcher": 404,
        "manager": 200,
        "outsider": 404,
        "outside_manager": 404,
        "author": 404,
        "operator": 404,
    }


def test_downloads_of_the_manager_are_logged(world, caller) -> None:
    world.complete(world.cast.officer)
    certificate = certificate_of(world)
    path = f"/certificates/{certificate.id}.pdf"
    own = caller(world.cast.officer).get(path)
    assert own.content_type == "application/pdf"
    assert len(PdfReader(io.BytesIO(own.data)).pages) == 1
    wide = caller(world.cast.officer).get(f"{path}?orientation=landscape")
    assert PdfReader(io.BytesIO(wide.data)).pages[0].mediabox.width == 792
    assert caller(world.cast.officer).get(f"{path}?orientation=x").status_code == 404
    assert caller(world.cast.manager).get(path).status_code == 200
    assert caller(world.cast.outside_manager).get(path).status_code == 404
    with reading(world.parts.engine) as db:
        [entry] = db.scalars(
            select(AuditEntry).where(AuditEntry.action == "certificate.downloaded")
        ).all()
    assert entry.user_id == world.cast.manager.id
    assert entry.subject_id == str(certificate.id)


def test_anyone_checks_a_certificate(world, caller) -> None:
    world.complete(world.cast.officer)
    certificate = certificate_of(world)
    browser = caller()
    typed = browser.get(f"/verify?code={certificate.code.lower().replace('-', ' ')}")
    assert typed.headers["Location"] == f"/verify/{certificate.code}"
    page = text_of(browser.get(f"/verify/{certificate.code}"))
    assert "This certificate is genuine" in page
    assert "Reports That Hold Up" in page
    wrong = browser.get("/verify/0000-0000-0000-0000")
    assert wrong.status_code == 404
    assert "No certificate has this code" in text_of(wrong)


# the manager


def test_a_manager_sees_the_own_agency_only(world, caller) -> None:
    world.complete(world.cast.officer)
    inside, outside = caller(world.cast.manager), caller(world.cast.outside_manager)
    page = text_of(inside.get("/agency/learners"))
    assert "Officer" in page
    assert "Outsider" not in page
    assert "Officer" not in text_of(outside.get("/agency/learners"))
    for path in ("", "/credit"):
        address = f"/agency/learners/{world.cast.officer.id}{path}"
        assert inside.get(address).status_code == 200
        assert outside.get(address).status_code == 404
    page = text_of(inside.get(f"/agency/learners/{world.cast.officer.id}"))
    assert "Completed" in page
    assert "1 of 24 hours earned" in page
