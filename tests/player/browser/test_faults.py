"""Bad networks and two places at once: every entry arrives exactly once (F3)."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect
from sqlalchemy import select

from lrs.db import reading
from player.tables import Entry, SideEntry
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page

    from tests.player.site import Site

SECONDS = 6
TURNS = int(os.environ.get("ROLLCALLTEST_F3_OFFLINE", "6"))
PLACES = int(os.environ.get("ROLLCALLTEST_F3_TABS", "4"))
FEWEST_ENTRIES = 60

WORKING = """
api.LMSInitialize("");
document.getElementById("out").textContent =
  "at " + api.LMSGetValue("cmi.core.lesson_location");
let turn = 0;
window.step = (name) => {
  turn += 1;
  api.LMSSetValue("cmi.core.lesson_location", name ?? String(turn));
  api.LMSCommit("");
  return turn;
};
let timer = null;
window.work = () => { timer = setInterval(step, 20); };
window.rest = () => clearInterval(timer);
"""

# Every frame notes the entries that leave it; the shell's are those of the unit.
NOTE = """
window.entries = [];
const send = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (data, ...rest) {
  if (data && data.type === "entry") window.entries.push(data.entry.uuid);
  return send.call(this, data, ...rest);
};
"""


def unit_of(page: Page) -> FrameLocator:
    return page.frame_locator("#unit").frame_locator("#unit")


def frame_of(page: Page, part: str) -> Any:
    return next(one for one in page.frames if part in one.url)


def emitted(page: Page) -> list[str]:
    found: list[str] = frame_of(page, "/__player/shell").evaluate("window.entries")
    return found


def stored(site: Site) -> tuple[Counter[str], Counter[str]]:
    """Give how often each entry was applied, and kept aside."""
    with reading(site.parts.engine) as db:
        applied = Counter(str(one) for one in db.scalars(select(Entry.uuid)))
        aside = Counter(str(one) for one in db.scalars(select(SideEntry.uuid)))
    return applied, aside


def all_sent(page: Page) -> None:
    expect(page.locator("#saved")).to_have_attribute(
        "data-state", "saved", timeout=240_000
    )


def opened(site: Site, context: BrowserContext, **launch: Any) -> Page:
    page = context.new_page()
    page.add_init_script(NOTE)
    page.goto(site.launch(**launch).url)
    expect(unit_of(page).locator("#out")).to_contain_text("at ")
    return page


def test_both_sides_compute_the_same_chain(site: Site, context: BrowserContext) -> None:
    package = site.add(scorm_12({"One": unit("One", WORKING)}))
    page = opened(site, context, package=package)
    texts = [
        "plain",
        "Straße 👮",
        'quote " slash / \\ back',
        "\u2028\u007f",
        "\u0001\b\f\t",
    ]
    for text in texts:
        frame_of(page, "/page.html").evaluate("(name) => step(name)", text)
    all_sent(page)
    with reading(site.parts.engine) as db:
        rows = db.scalars(select(Entry).order_by(Entry.seq)).all()
        assert [row.is_chained for row in rows] == [True] * (len(texts) + 1)
        assert [row.changes[0][1] for row in rows[1:]] == texts


def check_all_applied_once(site: Site, page: Page) -> None:
    sent = emitted(page)
    applied, aside = stored(site)
    until = time.monotonic() + 240
    # the last may still be on their way from the unit
    while applied.total() < len(sent) and time.monotonic() < until:
        page.wait_for_timeout(100)
        applied, aside = stored(site)
    assert len(sent) >= FEWEST_ENTRIES
    assert applied == Counter(sent)
    assert not aside


def test_requests_and_answers_that_get_lost(
    site: Site, context: BrowserContext
) -> None:
    package = site.add(scorm_12({"One": unit("One", WORKING)}))
    page = opened(site, context, package=package)
    chance = random.Random(11)  # noqa: S311 - which requests, no secrets
    lost: Counter[str] = Counter()
    answers = [
        ("200 OK", "text/html", b"<h1>Sign in to this network</h1>"),
        ("200 OK", "application/json", b'{"ok": true}'),
        ("503 Service Unavailable", "application/problem+json", b"{}"),
        ("504 Gateway Timeout", "text/plain", b""),
    ]

    def refuse(environ: dict[str, Any]) -> tuple[str, str, bytes] | None:
        if not environ["PATH_INFO"].endswith("/entries") or chance.random() < 0.6:
            return None
        lost["requests"] += 1
        return chance.choice(answers)

    def spoil(environ: dict[str, Any]) -> bool:
        if not environ["PATH_INFO"].endswith("/entries") or chance.random() < 0.6:
            return False
        lost["answers"] += 1
        return True

    site.refuse, site.spoil = refuse, spoil
    frame_of(page, "/page.html").evaluate("work()")
    until = time.monotonic() + SECONDS
    while time.monotonic() < until or min(lost["requests"], lost["answers"]) < 3:
        page.wait_for_timeout(200)
        page.evaluate("window.dispatchEvent(new Event('online'))")
    frame_of(page, "/page.html").evaluate("rest()")
    site.refuse = site.spoil = None
    all_sent(page)
    check_all_applied_once(site, page)


def test_f3_a_network_that_comes_and_goes(site: Site, context: BrowserContext) -> None:
    package = site.add(scorm_12({"One": unit("One", WORKING)}))
    page = opened(site, context, package=package)
    frame_of(page, "/page.html").evaluate("work()")
    for _ in range(TURNS):
        context.set_offline(True)
        page.wait_for_timeout(300)
        context.set_offline(False)
        page.wait_for_timeout(200)
    frame_of(page, "/page.html").evaluate("rest()")
    all_sent(page)
    check_all_applied_once(site, page)
    print(  # noqa: T201 - the figure
        f"F3: {TURNS} times offline and online, {len(emitted(page))} entries, "
        "0 lost, 0 twice"
    )


def test_f3_two_computers_in_turns(site: Site, browser: Browser) -> None:
    """The newest has the course; what an older one still sends is kept aside, once."""
    package = site.add(scorm_12({"One": unit("One", WORKING)}))
    registration = uuid.uuid4()
    places = [browser.new_context() for _ in range(2)]
    sent: list[str] = []
    older: Page | None = None
    for turn in range(PLACES):
        page = opened(
            site, places[turn % 2], package=package, registration=registration
        )
        frame_of(page, "/page.html").evaluate("(name) => step(name)", f"turn {turn}")
        all_sent(page)
        if older is not None:
            frame_of(older, "/page.html").evaluate("step('too late')")
            expect(older.locator("#cover")).to_contain_text("elsewhere")
            sent += emitted(older)
            older.close()
        older = page
    assert older is not None
    sent += emitted(older)
    applied, aside = stored(site)
    assert applied + aside == Counter(sent)
    assert aside.total() == PLACES - 1
    last = opened(site, places[0], package=package, registration=registration)
    expect(unit_of(last).locator("#out")).to_have_text(f"at turn {PLACES - 1}")
    for place in places:
        place.close()
    print(  # noqa: T201 - the figure
        f"F3: {PLACES} turns of two computers, {len(sent)} entries, 0 lost, 0 twice"
    )


def test_f3_two_tabs_at_work_at_once(site: Site, context: BrowserContext) -> None:
    """A tab is opened beside one at work: what either kept is applied or kept aside."""
    package = site.add(scorm_12({"One": unit("One", WORKING)}))
    registration = uuid.uuid4()
    sent: list[str] = []
    older: Page | None = None
    for _ in range(PLACES):
        page = opened(site, context, package=package, registration=registration)
        frame_of(page, "/page.html").evaluate("work()")
        if older is not None:
            expect(older.locator("#cover")).to_contain_text("another tab")
            frame_of(older, "/page.html").evaluate("rest()")
            sent += emitted(older)
            older.close()
        frame_of(page, "/__player/shell").wait_for_function("entries.length >= 10")
        older = page
    assert older is not None
    frame_of(older, "/page.html").evaluate("rest()")
    sent += emitted(older)
    # what a closed tab could not send, the next visit sends
    last = opened(site, context, package=package, registration=registration)
    sent += emitted(last)
    until = time.monotonic() + 240
    found = stored(site)
    while found[0].total() + found[1].total() < len(sent) and time.monotonic() < until:
        time.sleep(0.2)
        found = stored(site)
    assert found[0] + found[1] == Counter(sent)
    print(  # noqa: T201 - the figure
        f"F3: {PLACES} tabs beside one at work, {len(sent)} entries, 0 lost, 0 twice"
    )
