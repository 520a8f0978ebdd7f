"""Takes the pictures of docs/pictures from a running demo, made for the purpose.

make pictures
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from packages.samples import answers
from tests.journeys.people import Person
from tests.served import ROOT, Served
from tests.servers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "pictures"
LEARNER = "learner@harbor-city.example"
SAMPLE = "report-writing"
TITLE = "Reports That Hold Up"


def take(person: Person, name: str, path: str = "") -> None:
    """Keep what the person sees, after going to `path` if there is one."""
    if path:
        person.page.goto(path)
    person.page.wait_for_load_state("networkidle")
    FOLDER.mkdir(exist_ok=True)
    person.page.screenshot(path=FOLDER / f"{name}.png")
    sys.stdout.write(f"{FOLDER.relative_to(ROOT)}/{name}.png\n")


def take_all(browser: Browser, served: Served, password: str) -> None:
    """Go where a learner and a training manager go."""
    learner = Person(browser, served)
    learner.sign_in(LEARNER, password)
    learner.open_course(TITLE)
    main = learner.page.get_by_role("main")
    enrol = main.get_by_role("button", name="Enroll", exact=True)
    if enrol.is_visible():
        enrol.click()
    main.get_by_role("button", name=re.compile("Start|Resume")).first.click()
    expect(learner.unit.get_by_test_id("screen")).to_be_visible(timeout=20_000)
    learner.work_sample(SAMPLE, "pretest", score=60)
    learner.to_unit("Lesson 1")
    learner.work(answers(SAMPLE, "lesson-1"), screens=2)
    learner.is_saved()
    take(learner, "player")
    learner.exit()
    take(learner, "course")
    manager = Person(browser, served)
    manager.sign_in("manager@harbor-city.example", password)
    take(manager, "learners", "/agency/learners")


def main() -> None:
    """Serve a demo in a folder of its own and photograph it."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        served = Served({"DATA": str(folder / "data")}, folder / "log")
        try:
            password = json.loads(served.run("demo", "--json"))["password"]
            served.start()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium())
                take_all(browser, served, password)
                browser.close()
        finally:
            served.stop()


if __name__ == "__main__":
    main()
