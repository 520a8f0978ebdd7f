"""The author's page of a course over HTTP: words, offers, the checklist, the log."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading
from lrs.rules.tables import Offer
from packages.courses import Course
from portal.audit import AuditEntry
from tests.portal.conftest import import_sample
from tests.portal.views.text import text_of

if TYPE_CHECKING:
    from lrs.parts import Parts

OFFER: dict[str, Any] = {
    "policy": "post.credit",
    "transfer": "credit",
    "effective": "2024-01-01",
    "audience": ["sworn", "dispatcher"],
    "mandates": ["cpt"],
    "hours": "2",
    "credit": "2",
    "approval-authority": ["Arizona POST", ""],
    "approval-reference": ["24-113", ""],
    "approval-day": ["2026-03-02", ""],
}


@pytest.fixture
def browser(cast, caller):
    return caller(cast.author)


@pytest.fixture
def page(parts, browser, now) -> str:
    """The page of a course whose only version is a draft."""
    package = import_sample(parts, "calm-voice", now)
    answer = browser.post(f"/authoring/packages/{package}/course")
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def test_from_a_draft_to_the_catalog_step_by_step(
    parts: Parts, browser, page: str, caller, cast
) -> None:
    text = text_of(browser.get(page))
    assert "Not published" in text
    assert "Before version 1 is published" in text
    assert text.count("still needed") == 2
    assert "Publish version 1" not in text
    course = page.rpartition("/")[2]
    # nobody else sees it
    assert caller(cast.officer).get(f"/courses/{course}").status_code == 404

    about = {
        "title": "Calm & clear",
        "description": "About voices.",
        "objectives": "- Breathe\n\n---\n  Speak slowly  \n",
        "provider": "Harbor Training",
        "contact": "Dana, 555-0100",
    }
    assert browser.post(f"{page}/about", about).headers["Location"] == page
    offered = browser.post(f"{page}/offers", OFFER)
    assert offered.headers["Location"] == f"{page}/offers", text_of(offered)
    form = text_of(browser.get(f"{page}/versions/1"))
    names = re.findall(r'name="(role-\d+)"', form)
    assert names
    refused = browser.post(f"{page}/versions/1/publish")
    assert refused.status_code == 409
    assert "What each part is, is confirmed" in text_of(refused)
    roles = dict.fromkeys(names, "unit")
    confirmed = browser.post(f"{page}/versions/1/roles", roles)
    assert confirmed.headers["Location"] == f"{page}/versions/1"
    assert "Publish version 1" in text_of(browser.get(page))
    published = browser.post(f"{page}/versions/1/publish")
    assert published.headers["Location"] == page

    text = text_of(browser.get(page))
    for told in (
        "In the catalog",
        "Calm &amp; clear",
        "<li>Breathe</li><li>Speak slowly</li>",
        "Sworn officers and dispatchers",
        "Arizona POST, 24-113, March 2, 2026",
        "Continuing Professional Training",
        "Offer added",
    ):
        assert told in text, told
    shown = text_of(caller(cast.officer).get(f"/courses/{course}"))
    for told in ("Speak slowly", "Harbor Training", "Dana, 555-0100", "24-113"):
        assert told in shown, told
    with reading(parts.engine) as db:
        [offer] = db.scalars(select(Offer))
        acts = {row.action for row in db.scalars(select(AuditEntry))}
    assert offer.mandates == ["cpt"]
    assert acts >= {
        "course.created",
        "course.changed",
        "course.offered",
        "roles.confirmed",
        "course.published",
    }


def test_offers_stay_and_the_one_in_force_is_named(browser, page: str) -> None:
    assert "Not offered yet" in text_of(browser.get(f"{page}/offers"))
    days = ("2023-01-01", "2024-01-01", "2999-01-01")
    for day, credit in zip(days, ("1", "2", "3"), strict=True):
        browser.post(f"{page}/offers", OFFER | {"effective": day, "credit": credit})
    text = text_of(browser.get(f"{page}/offers"))
    states = re.findall(r"From (\w+ \d+, \d+) <span [^>]*>([\w ]+)<", text)
    assert states == [
        ("January 1, 2999", "To come"),
        ("January 1, 2024", "In force"),
        ("January 1, 2023", "Replaced"),
    ]
    assert "3 CPT credits" in text_of(browser.get(page))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"hours": "two"}, "Estimated hours: Not a valid number."),
    ({"credit": "-1"}, "CPT credit: Give a number"),
    ({"policy": "nothing"}, "There is no such rule."),
    ({"transfer": "pigeon"}, "no such kind of transfer"),
    ({"audience": []}, "Choose at least one."),
    ({"mandates": ["made up"]}, "mandates:"),
    ({"effective": ""}, "In force from: Give a day."),
    ({"approval-day": ["", ""]}, "Approved on: Give a day."),
    ({"approval-authority": ["", ""]}, "Approved by:"),
]


def test_offers_that_cannot_be(parts: Parts, browser, page: str) -> None:
    for change, told in REFUSED:
        answer = browser.post(f"{page}/offers", OFFER | change)
        assert answer.status_code == 400, change
        assert told in text_of(answer), change
        assert "Arizona" in text_of(answer) or "approval-authority" in change
    with reading(parts.engine) as db:
        assert db.scalars(select(Offer)).all() == []


def test_a_title_is_asked_for(parts: Parts, browser, page: str) -> None:
    answer = browser.post(f"{page}/about", {"title": " ", "provider": "<i>X</i>"})
    assert answer.status_code == 400
    text = text_of(answer)
    assert "Title: Give a title." in text
    assert "&lt;i&gt;X" in text
    with reading(parts.engine) as db:
        [course] = db.scalars(select(Course))
        assert course.title
        assert course.provider == ""


def test_a_course_before_its_package(parts: Parts, browser, now) -> None:
    page = browser.post("/authoring/courses", {"title": "To be"}).headers["Location"]
    text = text_of(browser.get(page))
    assert "No version yet" in text
    assert "upload the corrected package" in text
    package = import_sample(parts, "calm-voice", now)
    answer = browser.post(f"{page}/versions", {"package": str(package)})
    assert answer.headers["Location"] == f"{page}/versions/1"
    listed = text_of(browser.get("/authoring"))
    assert "To be" in listed
    assert browser.post("/authoring/courses", {"title": ""}).status_code == 400


def test_what_is_not_there(browser, page: str, cast, caller) -> None:
    gone = f"/authoring/courses/{uuid.uuid4()}"
    for path in ("", "/about", "/offers", "/versions/1"):
        assert browser.get(gone + path).status_code == 404, path
    for path, form in (
        ("/about", {"title": "x"}),
        ("/offers", OFFER),
        ("/versions", {"package": str(uuid.uuid4())}),
        ("/versions/1/publish", {}),
    ):
        assert browser.post(gone + path, form).status_code == 404, path
    for package in (str(uuid.uuid4()), "x", ""):
        answer = browser.post(f"{page}/versions", {"package": package})
        assert answer.status_code == 404, package
    assert caller(cast.manager).get(page).status_code == 403
