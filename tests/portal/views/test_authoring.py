from __future__ import annotations

import io
import re
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

import wsgi
from lrs.db import reading, writing
from lrs.jobs import run_due
from lrs.rules.tables import ActivityRole, Offer
from lrs.tenants import create_tenant
from packages.courses import Course, CourseVersion, create_course
from packages.samples import build_sample
from portal.audit import AuditEntry
from portal.views import authoring
from portal.views.pages import clock
from tests.portal.conftest import import_sample
from tests.portal.views.text import text_of


def uploaded(browser, body: bytes, name: str) -> str:
    """The page of a package sent by the plain form."""
    answer = browser.post(
        "/authoring/packages",
        {"file": (io.BytesIO(body), name)},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return answer.headers["Location"].replace("uploads", "packages")


ROLES = {"role-0": "pretest", "role-4": "posttest"} | {
    f"role-{place}": "unit" for place in (1, 2, 3)
}


@pytest.fixture
def browser(cast, caller):
    return caller(cast.author)


def test_from_upload_to_catalog(parts, cast, browser, caller) -> None:
    page = uploaded(browser, build_sample("report-writing"), "report-writing.zip")
    assert "Importing" in text_of(browser.get(page))
    state = browser.get(f"{page}/status").get_json()
    assert state["status"] == "queued"
    run_due(parts, wsgi.WORK.handlers, clock())
    assert browser.get(f"{page}/status").get_json() == {
        "status": "imported",
        "progress": 1.0,
    }
    text = text_of(browser.get(page))
    assert "Proposed: Its title is “Pre-test”." in text
    form = {
        "title": "Reports",
        "hours": "1.5",
        "credit": "0",
        "policy": "cops.certificate",
        "transfer": "credit",
        "audience": ["sworn"],
        "effective": "2026-01-01",
    } | ROLES
    published = browser.post(f"{page}/publish", form)
    assert published.status_code == 302, text_of(published)
    with reading(parts.engine) as db:
        [offer] = db.scalars(select(Offer)).all()
        roles = {
            row.title: (row.role, row.proposed)
            for row in db.scalars(select(ActivityRole))
        }
        acts = {row.action for row in db.scalars(select(AuditEntry))}
    assert (str(offer.hours), str(offer.credit), offer.audience) == (
        "1.5",
        "0",
        ["sworn"],
    )
    assert offer.effective_from.isoformat() == "2026-01-01T08:00:00+00:00"
    assert roles["Pre-test"] == ("pretest", False)
    assert roles["Post-test"] == ("posttest", False)
    assert acts == {"package.uploaded", "course.published"}
    shown = text_of(caller(cast.officer).get(published.headers["Location"]))
    assert "0 CPT credits" in shown


def test_publishing_twice_makes_one_course(parts, cast, browser, caller) -> None:
    page = uploaded(browser, build_sample("report-writing"), "report-writing.zip")
    run_due(parts, wsgi.WORK.handlers, clock())
    form = {
        "title": "Reports",
        "policy": "cops.certificate",
        "transfer": "credit",
        "effective": "2026-01-01",
        "audience": ["sworn"],
    } | ROLES
    browsers = [(one, one.token("/account")) for one in (browser, caller(cast.author))]

    def click(one: tuple[Any, str]) -> str:
        answer = one[0].post(f"{page}/publish", form | {"csrf_token": one[1]})
        assert answer.status_code == 302, text_of(answer)
        return str(answer.headers["Location"])

    with ThreadPoolExecutor(2) as pool:
        [course] = set(pool.map(click, browsers))
    with reading(parts.engine) as db:
        assert len(db.scalars(select(Course)).all()) == 1
        assert len(db.scalars(select(Offer)).all()) == 1
    # a new offer of the same course is no second click
    again = form | {"course": course.rpartition("/")[2], "title": "Better reports"}
    assert browser.post(f"{page}/publish", again).headers["Location"] == course
    assert "Better reports" in text_of(caller(cast.officer).get(course))


def test_an_offer_of_a_later_day_is_told_and_opens_then(parts, browser) -> None:
    page = uploaded(browser, build_sample("report-writing"), "report-writing.zip")
    run_due(parts, wsgi.WORK.handlers, clock())
    form = {
        "title": "Reports",
        "policy": "cops.certificate",
        "transfer": "credit",
        "effective": "2999-01-01",
        "audience": ["sworn"],
    } | ROLES
    for told in ("Learners can enroll from January 1, 2999 on", "published already"):
        answer = browser.post(f"{page}/publish", form)
        assert answer.headers["Location"] == page
        text = text_of(browser.get(page))
        assert told in text
        assert "of Reports. It is in the catalog from the day" in text
    with reading(parts.engine) as db:
        [course] = db.scalars(select(Course)).all()
    first = form | {"course": str(course.id), "effective": "2026-01-01"}
    answer = browser.post(f"{page}/publish", first)
    assert answer.headers["Location"] == f"/courses/{course.id}"
    assert "enroll now" in text_of(browser.get(f"/courses/{course.id}"))
    answer = browser.post(f"{page}/publish", first | {"effective": "2999-01-01"})
    text = text_of(browser.get(answer.headers["Location"]))
    assert "The offer is in force from January 1, 2999 on" in text


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"hours": "two"}, "Estimated hours: Not a valid number."),
    ({"credit": "-1"}, "CPT credit:"),
    ({"title": ""}, "Title: Give a title."),
    ({"effective": "soon"}, "In force from:"),
    ({"role-4": "unit"}, "say which part is the post-test"),
    ({"role-0": ""}, "There is no role"),
    ({"role-0": None}, "Say what “Pre-test” is."),
    ({"policy": "nothing"}, "Rule for completing it:"),
    ({"audience": ["pirates"]}, "Open to:"),
    ({"audience": []}, "Open to: Choose at least one."),
    ({"part-0-part": "x", "part-0-unit": "77"}, "objective or interaction"),
]


def test_what_is_wrong_is_said_and_nothing_kept(parts, browser) -> None:
    page = uploaded(browser, build_sample("report-writing"), "a.zip")
    run_due(parts, wsgi.WORK.handlers, clock())
    form = {
        "title": "Reports",
        "policy": "cops.certificate",
        "transfer": "credit",
        "effective": "2026-01-01",
        "audience": ["sworn"],
    } | ROLES
    for change, told in REFUSED:
        sent = {key: one for key, one in (form | change).items() if one is not None}
        answer = browser.post(f"{page}/publish", sent)
        assert answer.status_code == 400, change
        assert told in text_of(answer), change
    with reading(parts.engine) as db:
        assert db.scalars(select(Offer)).all() == []


AT_THE_FIELD: list[tuple[dict[str, str], str, str]] = [
    ({"credit": "2"}, "hours", "Say the estimated hours: the course gives credit."),
    ({"hours": "two"}, "hours", "Estimated hours: Not a valid number."),
    ({"credit": "-1"}, "credit", "CPT credit: Give a number from 0 to 1000."),
    ({"title": ""}, "title", "Title: Give a title."),
    ({"effective": ""}, "effective", "In force from: Give a day."),
]


def test_what_is_wrong_is_said_at_its_field(parts, browser) -> None:
    page = uploaded(browser, build_sample("report-writing"), "a.zip")
    run_due(parts, wsgi.WORK.handlers, clock())
    form = {
        "title": "Reports",
        "policy": "post.credit",
        "transfer": "credit",
        "effective": "2026-01-01",
        "audience": ["sworn"],
    } | ROLES
    for change, field, told in AT_THE_FIELD:
        text = text_of(browser.post(f"{page}/publish", form | change))
        assert f'id="{field}-error">{told}<' in text, change
        marked = re.findall(r'<input [^>]*aria-invalid="true" autofocus[^>]*>', text)
        assert [f'id="{field}"' in one for one in marked] == [True], change
        assert "Honor Code speaks" not in text


def test_the_address_of_a_refusal_can_be_loaded_again(parts, browser) -> None:
    page = uploaded(browser, build_sample("report-writing"), "a.zip")
    for act in ("publish", "delete"):
        assert browser.get(f"{page}/{act}").headers["Location"] == page
    assert browser.get(f"{page}/nothing").status_code == 404


def test_a_refused_package_says_why(parts, browser) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("index.html", "<p>no manifest</p>")
    page = uploaded(browser, body.getvalue(), "<b>bad</b>.zip")
    run_due(parts, wsgi.WORK.handlers, clock())
    answer = browser.get(page)
    text = text_of(answer)
    assert "Stops the import" in text
    assert "no_manifest" in text
    assert "<b>" not in text
    form = {
        "title": "x",
        "policy": "none",
        "transfer": "none",
        "effective": "2026-01-01",
    }
    assert browser.post(f"{page}/publish", form).status_code == 400


def test_unknown_packages(browser) -> None:
    for path in ("", "/status"):
        assert (
            browser.get(f"/authoring/packages/{uuid.uuid4()}{path}").status_code == 404
        )


def test_the_courses_of_another_house_are_not_there(parts, browser, now) -> None:
    package = import_sample(parts, "report-writing", now)
    with writing(parts.engine) as db:
        tenant = create_tenant(db, name="another-house").id
        other = create_course(
            db, title="Theirs", tenant=tenant, created_by="t", now=now
        )
        course = str(other.id)
    page = f"/authoring/packages/{package}"
    form = {
        "title": "Ours now",
        "policy": "none",
        "transfer": "none",
        "effective": "2026-01-01",
        "audience": ["sworn"],
        "course": course,
    } | ROLES
    for path in ("course", "publish"):
        assert browser.post(f"{page}/{path}", form).status_code == 404, path
    with reading(parts.engine) as db:
        assert db.scalars(select(CourseVersion)).all() == []
        assert db.get_one(Course, uuid.UUID(course)).title == "Theirs"


def test_older_packages_are_on_further_pages(parts, browser, now, monkeypatch) -> None:
    monkeypatch.setattr(authoring, "PAGE", 2)
    names = ["report-writing", "calm-voice", "first-on-scene"]
    for day, name in enumerate(names):
        import_sample(parts, name, now + timedelta(days=day))
    first = text_of(browser.get("/authoring"))
    assert "report-writing.zip" not in first
    found = re.search(r'href="(/authoring\?after=[^#"]+)#', first)
    assert found is not None
    second = text_of(browser.get(found[1]))
    shown = [name for name in names if f"{name}.zip" in second]
    assert shown == ["report-writing"]
    assert "Older packages" not in second
    assert "Newest packages" in second
    for wrong in ("x", str(uuid.uuid4())):
        assert browser.get(f"/authoring?after={wrong}").status_code == 404
