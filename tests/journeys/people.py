"""What people do in the portal, in a real browser: one function for each act."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from packages.samples import Answer, answers

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, FrameLocator, Page

    from tests.served import Served

# Clicks inside the unit's page: forty screens by real pointer would take long.
ONE_SCREEN = """(_body, planned) => {
    const shown = (name) => document.querySelector(`[data-testid="${name}"]`);
    const main = document.getElementById("main-button");
    const { part, question } = shown("screen").dataset;
    if (question) {
        const next = planned.find((one) => one.part === part && one.question === question);
        if (!next) throw new Error(`no answer for ${part} ${question}`);
        for (const letter of next.letters) shown(`choice-${letter}`).click();
        if (part.startsWith("lesson")) shown("submit").click();
    }
    const pressed = main.dataset.testid;
    main.click();
    return pressed;
}"""


# The unit's surroundings note the last thing that the unit said, the player's page how
# far the server has it: what is on its way between the two is not saved yet.
NOTE = """
window.said = 0;
window.saved = 0;
const send = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (data, ...rest) {
  if (data?.type === "entry") window.said = data.entry.seq;
  if (data?.type === "committed") window.saved = data.seq;
  return send.call(this, data, ...rest);
};
"""
PATIENCE = 120_000


class Person:
    """Somebody in front of a browser of their own."""

    def __init__(self, browser: Browser, served: Served, width: int = 1280) -> None:
        """Open a browser window on the portal."""
        self.served = served
        self.context = browser.new_context(
            base_url=served.portal, viewport={"width": width, "height": 900}
        )
        self.context.add_init_script(NOTE)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self._listen(self.page)

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.errors.append(f"{said.text} ({said.location.get('url')})")
                if said.type == "error"
                else None
            ),
        )

    def leave(self) -> None:
        """Close the window; nothing may have gone wrong in it."""
        self.context.close()
        assert self.errors == []

    def sign_in(self, email: str, password: str) -> None:
        """Sign in by e-mail and password."""
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()
        expect(self.page).not_to_have_url(re.compile("sign-in"))

    # the author

    def upload(self, package: Path) -> None:
        """Upload a package and wait until it is imported."""
        self.page.goto("/authoring")
        self.page.get_by_label("Package file").set_input_files(package)
        self.page.get_by_role("button", name="Upload", exact=True).click()
        # the demo has imported the samples already
        known = self.page.get_by_role("button", name="Import it anyway")
        ready = self.page.get_by_role("button", name="Publish")
        expect(known.or_(ready)).to_be_visible(timeout=PATIENCE)
        if known.is_visible():
            known.click()
        expect(ready).to_be_visible(timeout=PATIENCE)

    def publish(self, *, title: str, hours: str, credit: str) -> None:
        """Confirm the proposed roles and publish with hours and credit."""
        page = self.page
        page.get_by_label("Title").fill(title)
        page.get_by_label("Estimated hours").fill(hours)
        page.get_by_label("CPT credit").fill(credit)
        page.get_by_label("Rule for completing it").select_option("cops.certificate")
        page.get_by_role("button", name="Publish").click()
        expect(page.get_by_text("Published. Learners can enroll now.")).to_be_visible()

    # the learner

    def enrol(self, title: str) -> None:
        """Enrol for the current term."""
        self.open_course(title)
        self.page.get_by_role("button", name="Enroll", exact=True).click()
        expect(self.page.get_by_role("button", name="Start")).to_be_visible()

    def open_course(self, title: str) -> None:
        """Open the page of a course from the catalogue."""
        self.page.goto("/courses")
        self.page.get_by_role("heading", name=title).get_by_role("link").click()
        expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()

    def launch(self, button: str) -> None:
        """Start or go on; the unit's page is there afterwards."""
        self.page.get_by_role("main").get_by_role("button", name=button).first.click()
        expect(self.unit.get_by_test_id("screen")).to_be_visible(timeout=PATIENCE)

    @property
    def unit(self) -> FrameLocator:
        """The unit's own page, inside the shell, inside the player page."""
        return self.page.frame_locator("#unit").frame_locator("#unit")

    def to_unit(self, name: str) -> None:
        """Go to another unit by the player's menu."""
        if not self.page.locator("#menu").is_visible():
            self.page.get_by_role("button", name="Contents").click()
        self.page.locator("#menu").get_by_role("button", name=name).click()
        expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()
        expect(self.unit.get_by_test_id("screen")).to_be_visible(timeout=PATIENCE)

    def work(self, planned: list[Answer], screens: int = 99) -> None:
        """Go through a unit, answering as planned; `screens` says how far."""
        given = [asdict(one) for one in planned]
        for _ in range(screens):
            body = self.unit.locator("body")
            if body.evaluate(ONE_SCREEN, given) == "finish":
                expect(self.unit.get_by_test_id("done")).to_be_visible()
                return

    def work_sample(self, sample: str, unit: str, **how: int) -> None:
        """Go through a unit of a sample course, for a score of its test."""
        self.work(answers(sample, unit, **how))

    def is_saved(self) -> None:
        """Wait until the player says that everything is saved."""
        [shell] = [one for one in self.page.frames if "/__player/shell" in one.url]
        said = shell.evaluate("said")
        self.page.wait_for_function("said => saved >= said", arg=said, timeout=PATIENCE)
        expect(self.page.locator("#saved")).to_have_attribute(
            "data-state", "saved", timeout=PATIENCE
        )

    def exit(self) -> None:
        """Leave the player; the course page comes back."""
        self.is_saved()
        self.page.locator("#exit").click()
        expect(self.page).to_have_url(re.compile("/courses/"), timeout=PATIENCE)

    def close_tab(self) -> None:
        """Close the tab with the player in it, and open another."""
        self.page.close(run_before_unload=False)
        self.page = self.context.new_page()
        self._listen(self.page)

    def wait_for_text(self, text: str) -> None:
        """Wait until the course page says so, looking again now and then."""
        for _ in range(100):
            if self.page.get_by_text(text).first.is_visible():
                return
            self.page.wait_for_timeout(500)
            self.page.reload()
        expect(self.page.get_by_text(text).first).to_be_visible()

    def attest(self) -> None:
        """Attest the Honor Code."""
        self.page.get_by_role("link", name="Attest the Honor Code").click()
        self.page.get_by_role("button", name="Yes, I attest").click()
