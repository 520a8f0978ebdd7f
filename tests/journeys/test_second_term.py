"""The same course again in a later term: a new certificate, the old one stays."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.journeys.people import Person

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.conftest import House

LEARNER = "learner@harbor-city.example"
TITLE = "First on the Scene"
CLOCK = Path(__file__).parent / "clock"


def complete(learner: Person) -> None:
    """Take the one unit of the course with 100% and attest."""
    learner.enrol(TITLE)
    learner.launch("Start")
    learner.work_sample("first-on-scene", "course")
    learner.exit()
    learner.wait_for_text("Attest the Honor Code")
    learner.attest()
    learner.wait_for_text("Open certificate")


def test_second_term(house: House, browser: Browser) -> None:
    """Completed this year and again next year: two certificates, each in its term."""
    year = datetime.now(ZoneInfo("America/Los_Angeles")).year
    learner = Person(browser, house.served)
    learner.sign_in(LEARNER, house.password)
    complete(learner)
    learner.page.goto("/my/certificates")
    links = learner.page.get_by_role("heading", name=TITLE).get_by_role("link")
    expect(links).to_have_count(1)
    first = links.get_attribute("href")
    learner.leave()

    house.served.stop()
    house.served.environ |= {
        "PYTHONPATH": str(CLOCK),
        "ROLLCALLTEST_NOW": f"{year + 1}-02-03T10:00:00-08:00",
    }
    house.served.start()

    learner = Person(browser, house.served)
    learner.sign_in(LEARNER, house.password)
    learner.page.goto("/courses")
    expect(
        learner.page.get_by_text(f"Enroll for the {year + 1} session")
    ).to_be_visible()
    complete(learner)
    expect(learner.page.get_by_text(f"{year} session: certificate")).to_be_visible()
    learner.page.goto("/my/certificates")
    links = learner.page.get_by_role("heading", name=TITLE).get_by_role("link")
    expect(links).to_have_count(2)
    learner.page.goto(str(first))
    expect(learner.page.get_by_role("main")).to_contain_text(f"{year} session")
    learner.leave()
