"""F3: the browser is killed while a learner works; nothing kept on disk is lost."""

from __future__ import annotations

import os
import random
import re
import time
import uuid
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.player.browser.chromium import killable
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserType, FrameLocator, Page

    from player.launches import Opened
    from tests.player.site import Site

KILLS = int(os.environ.get("ROLLCALLTEST_F3_KILLS", "5"))
FEWEST_KEPT = 25

# Each turn is one entry: the n-th has the sequence number n + 1, after initialize.
WORKING = """
api.LMSInitialize("");
document.getElementById("out").textContent =
  "at " + api.LMSGetValue("cmi.core.lesson_location");
window.turn = 0;
window.work = () => setInterval(() => {
  window.turn += 1;
  api.LMSSetValue("cmi.core.lesson_location", String(window.turn));
  api.LMSCommit("");
}, 20);
"""

# What the journal has acknowledged, as the shell hears it.
LISTEN = """
window.kept = 0;
const send = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (data, ...rest) {
  if (data && data.type === "kept") window.kept = Math.max(window.kept, data.seq);
  return send.call(this, data, ...rest);
};
"""


# A journal that acknowledges and does not write: the control, which must be caught.
FORGETFUL = "IDBObjectStore.prototype.put = function () { return this.count(); };"


def unit_of(page: Page) -> FrameLocator:
    return page.frame_locator("#unit").frame_locator("#unit")


def work(page: Page, opened: Opened, *, seconds: float, bug: str = "") -> int:
    """Let the unit work; give the last entry that is known to be kept."""
    page.add_init_script(LISTEN + bug)
    page.goto(opened.url)
    expect(unit_of(page).locator("#out")).to_have_text(re.compile(r"^at "))
    frame = next(one for one in page.frames if "/page.html" in one.url)
    frame.evaluate("work()")
    kept, until = 0, time.monotonic() + seconds
    while kept < FEWEST_KEPT or time.monotonic() < until:
        kept = page.evaluate("window.kept")
    return kept


def resumed_at(page: Page, opened: Opened) -> int:
    """Open the course again; give where the unit finds itself."""
    page.goto(opened.url)
    expect(unit_of(page).locator("#out")).to_have_text(re.compile(r"^at "))
    text = unit_of(page).locator("#out").text_content() or ""
    page.goto("about:blank")
    return int(text.removeprefix("at ") or 0)


def cut_off(environ: dict[str, object]) -> tuple[str, str, bytes] | None:
    if str(environ["PATH_INFO"]).endswith("/entries"):
        return "503 Service Unavailable", "text/plain", b""
    return None


def killed(
    site: Site, driver: BrowserType, profile: Path, *, kills: int, bug: str = ""
) -> list[tuple[int, int]]:
    """Kill the browser again and again; give (kept, found after it) of every time.

    Every other time nothing reaches the server before the kill.
    """
    package = site.add(scorm_12({"One": unit("One", WORKING)}))
    chance = random.Random(7)  # noqa: S311 - which moments, no secrets
    found = []
    registration, kept = uuid.uuid4(), None
    for turn in range(kills + 1):
        with killable(driver, profile) as browser:
            context = browser.start()
            site.refuse = None
            if kept is not None:
                again = site.launch(package, registration=registration)
                found.append((kept, resumed_at(context.new_page(), again)))
            if turn == kills:
                break
            site.refuse = cut_off if turn % 2 == 0 else None
            registration = uuid.uuid4()
            opened = site.launch(package, registration=registration)
            seconds = chance.uniform(0.2, 1.2)
            kept = work(context.new_page(), opened, seconds=seconds, bug=bug)
            browser.kill()
    return found


def test_f3_no_entry_that_was_kept_is_lost(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "profile").mkdir()
    found = killed(site, browser.browser_type, tmp_path / "profile", kills=KILLS)
    kept = sum(one for one, _ in found)
    lost = [pair for pair in found if pair[1] < pair[0] - 1]
    print(  # noqa: T201 - the figure
        f"F3: {KILLS} kills of the browser, {kept} entries kept on disk, "
        f"{len(lost)} kills that lost any"
    )
    assert len(found) == KILLS
    assert all(kept >= FEWEST_KEPT for kept, _ in found)
    assert lost == []


def test_a_journal_that_does_not_write_is_caught(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "profile").mkdir()
    [(kept, after)] = killed(
        site, browser.browser_type, tmp_path / "profile", kills=1, bug=FORGETFUL
    )
    assert after < kept - 1
