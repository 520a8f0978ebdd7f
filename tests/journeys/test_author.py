"""An author's workplace in a real browser: a preview, then a course step by step."""

from __future__ import annotations

import base64
import http.client
import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.journeys.people import PATIENCE, Person
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.journeys.conftest import House

SAYS = """
api.LMSInitialize("");
api.LMSSetValue("cmi.core.lesson_status", "completed");
api.LMSCommit("");
document.getElementById("out").textContent = api.LMSGetValue("cmi.core.student_name");
"""
AUTHOR = "author@rollcall.example"


def fits(page: Page) -> None:
    """Wait until nothing is wider than the window."""
    page.wait_for_function(
        "document.documentElement.scrollWidth <= window.innerWidth", timeout=PATIENCE
    )


@pytest.mark.parametrize("house", ["postgresql-s3"], indirect=True)
def test_a_course_step_by_step(house: House, browser: Browser, tmp_path: Path) -> None:
    """On a small screen: upload, preview, say, offer, confirm, publish, enrol."""
    file = tmp_path / "small.zip"
    file.write_bytes(scorm_12({"First": unit("First", SAYS), "Second": unit("Second")}))
    author = Person(browser, house.served, width=320)
    author.sign_in(AUTHOR, house.password)
    author.upload(file)
    page = author.page
    fits(page)
    place = page.url
    statements = len(statements_of(house))

    page.get_by_role("button", name="Preview of First").focus()
    page.keyboard.press("Enter")
    out = author.unit.locator("#out")
    expect(out).to_have_text("Preview", timeout=PATIENCE)
    told = page.locator("#log")
    expect(told).to_contain_text("cmi.core.lesson_status = completed", timeout=PATIENCE)
    expect(told).to_contain_text("Begins")
    fits(page)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", level=1, name="Second")).to_be_visible()
    expect(author.unit.locator("#out")).to_have_text("ab-initio|", timeout=PATIENCE)
    page.get_by_role("link", name="Close").click()
    expect(page).to_have_url(place)
    assert len(statements_of(house)) == statements

    page.get_by_role("button", name="Make a draft").click()
    expect(page.get_by_role("heading", name="Before version 1")).to_be_visible()
    fits(page)
    course = page.url
    page.get_by_role("link", name="Mend It is offered").click()
    page.get_by_label("Estimated hours").fill("1")
    page.get_by_role("button", name="Offer it so").click()
    expect(page.get_by_text("In force", exact=True)).to_be_visible()
    fits(page)
    page.goto(course)
    page.get_by_role("link", name="Mend What each part is").click()
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_text("All parts are confirmed")).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_text("In the catalog")).to_be_visible()
    author.leave()

    learner = Person(browser, house.served)
    learner.sign_in("learner@harbor-city.example", house.password)
    learner.enrol("Small course")
    learner.leave()


def statements_of(house: House) -> list[str]:
    """Everything that the other system may read in the record store, by id."""
    given = house.demo["credential"]
    key = base64.b64encode(f"{given['key']}:{given['secret']}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", house.served.port, timeout=60)
    connection.request(
        "GET",
        "/xapi/statements?format=ids&limit=500",
        headers={
            "Host": f"localhost:{house.served.port}",
            "Authorization": f"Basic {key}",
            "X-Experience-API-Version": "1.0.3",
        },
    )
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return [one["id"] for one in answer["statements"]]
