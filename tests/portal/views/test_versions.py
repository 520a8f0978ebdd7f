"""The author's pages of a version over HTTP: roles, servers, what changes, publishing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from packages.courses import CourseVersion, get_package
from packages.hosts import AllowedHost
from portal.audit import AuditEntry
from tests.portal.conftest import import_sample
from tests.portal.views.text import text_of

if TYPE_CHECKING:
    from tests.portal.conftest import World

ROLES = {"role-0": "pretest", "role-4": "posttest"} | {
    f"role-{place}": "unit" for place in (1, 2, 3)
}


@pytest.fixture
def engine(sqlite_engine):
    """One database is enough here: what differs between the two is tested elsewhere."""
    return sqlite_engine


@pytest.fixture
def browser(world, caller):
    return caller(world.cast.author)


def page_of(world: World, number: int = 1) -> str:
    return f"/authoring/courses/{world.course_id}/versions/{number}"


def states(world: World) -> dict[int, str]:
    with reading(world.parts.engine) as db:
        return {row.number: row.state for row in db.scalars(select(CourseVersion))}


def add(world: World, browser: Any, sample: str, **change: Any) -> str:
    package_id = import_sample(world.parts, sample, world.now)
    with writing(world.parts.engine) as db:
        package = get_package(db, package_id=package_id)
        for name, value in change.items():
            setattr(package, name, value)
    course = f"/authoring/courses/{world.course_id}"
    answer = browser.post(f"{course}/versions", {"package": str(package_id)})
    return str(answer.headers["Location"])


def test_roll_back_and_learners_stay(world: World, browser, caller) -> None:
    enrolment = world.enrol(world.cast.officer)
    second = add(world, browser, "report-writing")
    assert states(world) == {1: "published", 2: "draft"}
    text = text_of(browser.get(f"{second}/changes/1"))
    assert "No difference" in text
    assert "1 learner on version 1: each stays there to the end" in text
    # the roles of the first are not those of the second
    assert browser.post(f"{second}/publish").status_code == 409
    assert browser.post(f"{second}/roles", ROLES).status_code == 302
    assert browser.post(f"{second}/publish").status_code == 302
    assert states(world) == {1: "retired", 2: "published"}
    assert "1 learner on this version" in text_of(browser.get(page_of(world)))
    from portal.enrolments import get_enrolment

    with reading(world.parts.engine) as db:
        assert get_enrolment(db, enrolment_id=enrolment).revision == "1"
    old = browser.get(page_of(world))
    assert "Roll back to version 1" in text_of(old)
    assert browser.post(f"{page_of(world)}/publish").status_code == 302
    assert states(world) == {1: "published", 2: "retired"}


def test_out_of_the_catalog_the_enrolled_go_on(world: World, browser, caller) -> None:
    world.enrol(world.cast.officer)
    course = f"/courses/{world.course_id}"
    assert browser.post(f"{page_of(world)}/retire").status_code == 302
    assert "Out of the catalog" in text_of(browser.get("/authoring"))
    shown = text_of(caller(world.cast.officer).get(course))
    assert "Start" in shown
    assert caller(world.cast.dispatcher).get(course).status_code == 404
    answer = browser.post(f"{page_of(world)}/retire")
    assert answer.status_code == 409
    assert "Only the published version" in text_of(answer)


def test_a_draft_goes_and_its_package_with_it(world: World, browser) -> None:
    second = add(world, browser, "calm-voice")
    with reading(world.parts.engine) as db:
        rows = db.scalars(select(CourseVersion).where(CourseVersion.number == 2))
        package = f"/authoring/packages/{rows.one().package_id}"
    answer = browser.post(f"{package}/delete")
    assert answer.status_code == 409
    assert "version of a course" in text_of(answer)
    assert browser.post(f"{second}/discard").status_code == 302
    assert browser.get(second).status_code == 404
    assert browser.post(f"{package}/delete").headers["Location"] == "/authoring"
    assert browser.get(package).status_code == 404
    world.work()
    with reading(world.parts.engine) as db:
        gone = get_package(db, package_id=rows_id(package))
        assert (gone.status, gone.manifest is not None) == ("deleted", True)
    prefix = f"packages/{rows_id(package).hex}/"
    assert list(world.parts.storage.keys(prefix)) == []
    assert browser.post(f"{page_of(world)}/discard").status_code == 409


def rows_id(page: str) -> Any:
    import uuid

    return uuid.UUID(page.rpartition("/")[2])


def test_what_changes_is_listed(world: World, browser) -> None:
    second = add(world, browser, "calm-voice")
    text = text_of(browser.get(f"{second}/changes/1"))
    assert "Version 2 beside version 1" in text
    for told in ("Nobody is on another version", ">New<", ">Gone<", "index.html"):
        assert told in text, told
    assert browser.get(f"{second}/changes/9").status_code == 404


def test_the_course_leads_to_what_changed(world: World, browser) -> None:
    course = f"/authoring/courses/{world.course_id}"
    assert "/changes/" not in text_of(browser.get(course))
    second = add(world, browser, "calm-voice")
    text = text_of(browser.get(course))
    assert re.findall(r'href="([^"]+/changes/[^"]+)"', text) == [f"{second}/changes/1"]


def test_only_what_learners_can_take_is_offered_as_a_version(
    world: World, browser
) -> None:
    ids = []
    for place, standard in enumerate(("scorm_12", None, "scorm_12", "scorm_12")):
        package_id = import_sample(world.parts, "calm-voice", world.now)
        ids.append(str(package_id))
        with writing(world.parts.engine) as db:
            package = get_package(db, package_id=package_id)
            package.standard = standard
            package.created_at = datetime(2026, 3, 2 + place, 20, tzinfo=UTC)
            package.status = "imported" if place < 3 else "rejected"
    text = text_of(browser.get(f"/authoring/courses/{world.course_id}"))
    found = re.findall(r'<option value="([0-9a-f-]{36})">([^<]+)<', text)
    assert [row[0] for row in found] == [ids[2], ids[0]]
    assert [row[1].rpartition("(")[2] for row in found] == [
        "calm-voice.zip, March 4, 2026)",
        "calm-voice.zip, March 2, 2026)",
    ]


@pytest.mark.parametrize("act", ["roles", "hosts", "publish", "retire", "discard"])
def test_the_address_of_a_refusal_can_be_loaded_again(
    world: World, browser, act: str
) -> None:
    page = page_of(world)
    assert browser.get(f"{page}/{act}").headers["Location"] == page


def test_roles_are_kept_and_shown(world: World, browser) -> None:
    page = page_of(world)
    inner = {
        "part-0-unit": "1",
        "part-0-kind": "objectives",
        "part-0-part": "quiz one",
        "part-0-role": "pretest",
    }
    assert browser.post(f"{page}/roles", ROLES | inner).status_code == 302
    text = text_of(browser.get(page))
    assert "All parts are confirmed" in text
    assert 'value="quiz one"' in text
    bad = browser.post(f"{page}/roles", ROLES | {"role-4": "unit"})
    assert bad.status_code == 400
    assert "say which part is the post-test" in text_of(bad)
    wrong = browser.post(f"{page}/roles", ROLES | inner | {"part-0-unit": "77"})
    assert wrong.status_code == 400
    assert 'value="quiz one"' in text_of(wrong)


def test_servers_are_allowed_one_by_one(world: World, browser) -> None:
    second = add(
        world, browser, "calm-voice", needed_hosts=["cdn.example.org", "b.example.com"]
    )
    text = text_of(browser.get(second))
    assert 'value="cdn.example.org">' in text
    form = {"host": ["cdn.example.org"], "more": "https://fonts.example.net/x\n"}
    assert browser.post(f"{second}/hosts", form).status_code == 302

    def allowed() -> list[str]:
        with reading(world.parts.engine) as db:
            order = select(AllowedHost.host).order_by(AllowedHost.host)
            return list(db.scalars(order))

    assert allowed() == ["cdn.example.org", "fonts.example.net"]
    text = text_of(browser.get(second))
    assert 'value="cdn.example.org" checked>' in text
    assert "fonts.example.net</textarea>" in text
    bad = browser.post(f"{second}/hosts", {"more": "localhost"})
    assert bad.status_code == 400
    assert "is not the name of a public server" in text_of(bad)
    assert allowed() == ["cdn.example.org", "fonts.example.net"]
    assert browser.post(f"{second}/hosts", {}).status_code == 302
    assert allowed() == []


def test_a_version_whose_package_is_gone(world: World, browser) -> None:
    with writing(world.parts.engine) as db:
        [version] = db.scalars(select(CourseVersion))
        get_package(db, package_id=version.package_id).status = "deleted"
    text = text_of(browser.get(page_of(world)))
    assert "Its package is gone" in text
    assert browser.get(f"/authoring/courses/{world.course_id}").status_code == 200


@pytest.mark.parametrize("digits", [10, 25, 5000])
def test_no_version_has_such_a_number(world: World, browser, digits: int) -> None:
    number = "9" * digits
    course = f"/authoring/courses/{world.course_id}/versions"
    for path in (f"{course}/{number}", f"{course}/1/changes/{number}"):
        assert browser.get(path).status_code == 404
    assert browser.post(f"{course}/{number}/publish").status_code == 404


def test_refused_servers_can_be_corrected(world: World, browser) -> None:
    page = f"{page_of(world)}/hosts"
    answer = browser.post(page, {"more": "localhost\ncdn.example.org"})
    assert answer.status_code == 400
    assert re.search(r">localhost\s+cdn.example.org</textarea>", text_of(answer))


def test_a_discarded_draft_allows_nothing(world: World, browser) -> None:
    page = add(world, browser, "report-writing")
    browser.post(f"{page}/hosts", {"more": "cdn.example.org"})
    with reading(world.parts.engine) as db:
        assert db.scalars(select(AllowedHost.host)).all() == ["cdn.example.org"]
    assert browser.post(f"{page}/discard").status_code == 302
    with reading(world.parts.engine) as db:
        assert db.scalars(select(AllowedHost.host)).all() == []


def test_the_same_package_again_is_said(world: World, browser) -> None:
    with reading(world.parts.engine) as db:
        [version] = db.scalars(select(CourseVersion)).all()
    fields = {"package": str(version.package_id), "course": str(world.course_id)}
    for path in (
        f"/authoring/courses/{world.course_id}/versions",
        f"/authoring/packages/{version.package_id}/course",
    ):
        answer = browser.post(path, fields)
        text = text_of(browser.get(answer.headers["Location"]))
        assert "This package is version 1 of the course already." in text
    with reading(world.parts.engine) as db:
        acts = select(AuditEntry.action).where(AuditEntry.action == "version.added")
        assert db.scalars(acts).all() == []
