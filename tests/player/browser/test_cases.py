"""The public run-time cases in Chromium: imported, launched, their commands run.

The same cases that `tests/player/scorm_2004/test_model.py` runs on the server alone.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from packages.courses import manifest_of
from tests.player.browser.test_play import content_of
from tests.player.scorm_2004 import agreement, build, cases

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.player.scorm_2004.cases import Case, Visit
    from tests.player.site import Site

pytestmark = pytest.mark.skipif(
    cases.folder() is None, reason=f"{cases.VARIABLE} names no cases"
)


class Operator:
    """Who plays a case: opens the course, runs commands, uses the player's controls."""

    def __init__(self, site: Site, page: Page, case: Case) -> None:
        self.site, self.page = site, page
        self.package: Any = site.add(build.package(case), f"{case.name}.zip")
        self.units = {
            cases.number_of(unit.identifier): unit
            for unit in manifest_of(self.package).units
        }
        self.registration = uuid.uuid4()
        self.place = ""
        self.back = f"{site.parts.config.portal_url}/assets/player/frame.css"

    def open(self, activity: int) -> None:
        """Come to the course from the portal."""
        opened = self.site.launch(
            self.package,
            unit=self.units[activity].index,
            registration=self.registration,
            return_url=self.back,
        )
        self.page.goto(opened.url)

    def arrive(self, visit: Visit) -> None:
        """Wait for the unit that the player shows; it must be that of the visit."""
        # the player page of the launch before goes first: frames that go break a look in
        self.page.wait_for_url(lambda url: urlsplit(url).path != self.place)
        self.place = urlsplit(self.page.url).path
        expect(self.page.locator("#cover")).to_be_hidden()
        content = content_of(self.page)
        expect(content.locator("#state")).to_have_text("ready")
        search = content.locator("html").evaluate("() => location.search")
        assert search.endswith(f"act={visit.activity}"), search

    def answer(self, visit: Visit) -> None:
        """Answer what the case asks of the page."""
        for question, expected in visit.questions:
            assert question == "toc.enabled"
            usable = self.page.locator("#menu button:visible:enabled")
            assert (usable.count() > 0) == expected, question

    def play(self, visit: Visit) -> None:
        """Run the commands; every answer must be as the case says."""
        content = content_of(self.page).locator("html")
        if visit.commands:
            rows = build.rows_of(visit.commands)
            answers = content.evaluate("(_, commands) => play(commands)", rows)
            wrong = [
                said
                for command, answer in zip(visit.commands, answers, strict=True)
                if (said := agreement.disagreement(command, *answer))
            ]
            assert not wrong, wrong[:20]
        content.evaluate("leave()")

    def leave(self, visit: Visit) -> None:
        """Leave the course, or see that the unit has left it."""
        if not visit.asks_to_end and visit.then != "AutoTest":
            self.page.get_by_role("button", name="Exit", exact=True).click()
        self.page.wait_for_url(self.back)

    def choose(self, activity: int) -> None:
        """Choose an activity in the menu of the player."""
        menu = self.page.get_by_role("navigation", name="Contents")
        unit = self.units[activity]
        menu.locator(f'[data-unit="{unit.index}"]').click()


@pytest.mark.parametrize("name", cases.selected())
def test_a_case_passes_in_the_browser(site: Site, page: Page, name: str) -> None:
    for case in cases.played(name):
        follow(Operator(site, page, case), case)


def follow(operator: Operator, case: Case) -> None:
    """Play a case; the player must lead from visit to visit where it has to."""
    operator.open(case.visits[0].activity)
    for visit, following in zip(case.visits, (*case.visits[1:], None), strict=True):
        operator.arrive(visit)
        operator.answer(visit)
        operator.play(visit)
        if following is None or visit.is_left:
            operator.leave(visit)
        if following is not None and visit.is_left:
            operator.open(following.activity)
        elif following is not None and visit.then:
            operator.choose(following.activity)
