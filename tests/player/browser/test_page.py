"""The player page around the unit: outline, locks, progress, windows, what goes wrong."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect
from sqlalchemy import select

from lrs.db import reading
from player.tables import Entry
from tests.player.browser.test_play import call, content_of, eventually, saved, shows
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Page, Route

    from tests.player.site import Site

PATIENCE = 120_000
FINISHING = """
api.LMSInitialize("");
api.LMSSetValue("cmi.core.session_time", "00:25:00");
api.LMSSetValue("cmi.core.lesson_status", "completed");
api.LMSFinish("");
"""
TITLES = ["Welcome", "Facts", "Opinions", "Final test"]


def item(number: int) -> str:
    return (
        f'<item identifier="I{number}" identifierref="R{number}">'
        f"<title>{TITLES[number]}</title></item>"
    )


def with_headings() -> bytes:
    """Give a package whose second and third unit stand under headings."""
    scripts = {"Welcome": [FINISHING]}
    plain = scorm_12({one: unit(one, *scripts.get(one, [])) for one in TITLES})
    tree = (
        f'{item(0)}<item identifier="H"><title>Part one</title>{item(1)}'
        f'<item identifier="G"><title>Chapter</title>{item(2)}</item></item>{item(3)}'
    )
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "imsmanifest.xml":
                data = re.sub(
                    rb"(<title>Small course</title>).*(</organization>)",
                    lambda found: found[1] + tree.encode() + found[2],
                    data,
                )
            new.writestr(info.filename, data)
    return made.getvalue()


def answered(
    page: Page, pattern: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Change what the server answers there, as another standard would have it."""

    def handle(route: Route) -> None:
        # a page that goes away while it asks needs no answer
        with contextlib.suppress(PlaywrightError):
            answer = route.fetch()
            if answer.status != 200:
                route.fulfill(response=answer)
            else:
                route.fulfill(response=answer, json=change(answer.json()))

    page.route(re.compile(pattern), handle)


def test_the_outline_tells_headings_states_progress_and_time(
    site: Site, page: Page
) -> None:
    page.goto(site.launch(site.add(with_headings())).url)
    shows(page, "Welcome")
    menu = page.get_by_role("navigation", name="Contents")
    expect(menu.locator(".heading")).to_have_text(["Part one", "Chapter"])
    expect(menu.locator("ol ol ol .name")).to_have_text("Opinions")
    first = menu.get_by_role("button", name="Welcome")
    expect(first).to_contain_text("Done", timeout=PATIENCE)
    bar = page.get_by_role("progressbar", name="Units done")
    expect(bar).to_have_js_property("value", 1)
    expect(page.locator("#done")).to_have_text(", 1 done")
    page.get_by_role("button", name="Next", exact=True).click()
    shows(page, "Facts")
    expect(page.locator("#spent")).to_have_text("25 min so far")
    page.emulate_media(media="print")
    for shown in (menu, menu.locator(".heading").first, first):
        expect(shown).to_be_visible()
    for gone in (page.locator("#stage"), page.locator("#exit"), page.locator("footer")):
        expect(gone).to_be_hidden()


def test_a_locked_unit_says_why_and_is_not_opened(site: Site, page: Page) -> None:
    reason = "Finish Welcome first."

    def lock(start: dict[str, Any]) -> dict[str, Any]:
        for line in start["units"]:
            if line["title"] == "Facts":
                line |= {"open": False, "reason": reason}
        start["units"] = [one for one in start["units"] if one["title"] != "Opinions"]
        return start

    answered(page, r"/start$", lock)
    package = scorm_12({one: unit(one, "") for one in TITLES})
    page.goto(site.launch(site.add(package)).url)
    shows(page, "Welcome")
    locked = page.get_by_role("navigation").get_by_role("button", name="Facts")
    expect(locked).to_contain_text("Locked")
    expect(locked).to_contain_text(reason)
    expect(locked).to_have_attribute("aria-disabled", "true")
    address = page.url
    for button in (locked, page.get_by_role("button", name="Next", exact=True)):
        # a locked line is there to be read, and its press tells why
        button.dispatch_event("click")
        expect(page.locator("#notice-text")).to_have_text(reason)
        page.get_by_role("button", name="Dismiss").click()
    assert page.url == address
    expect(page.get_by_text("Opinions")).to_be_hidden()


def test_what_was_done_here_may_open_a_locked_unit(site: Site, page: Page) -> None:
    def lock(start: dict[str, Any]) -> dict[str, Any]:
        lines = [one | {"open": one["current"]} for one in start["units"]]
        return start | {"units": lines, "previous": None, "next": None}

    answered(page, r"/start$", lock)
    refusal = "Finish Welcome first."

    def refuse(route: Route) -> None:
        problem = {"status": 409, "code": "locked", "detail": refusal}
        route.fulfill(status=409, json=problem, content_type="application/problem+json")

    page.route(re.compile(r"/units$"), refuse)
    page.goto(site.launch(site.add(with_headings())).url)
    shows(page, "Welcome")
    expect(page.get_by_role("navigation")).to_contain_text("Done", timeout=PATIENCE)
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#cover-text")).to_have_text(refusal, timeout=PATIENCE)
    page.get_by_role("button", name="Back to the unit").click()
    shows(page, "Welcome")
    # the unit has spoken again
    saved(page)
    page.unroute_all()
    page.get_by_role("button", name="Facts").dispatch_event("click")
    shows(page, "Facts")


@pytest.mark.parametrize("wanted", ["unit", "exit"])
def test_content_s_own_navigation_is_followed(
    site: Site, page: Page, wanted: str
) -> None:
    going = {"unit": 3} if wanted == "unit" else {"exit": True}
    back = f"{site.parts.config.portal_url}/assets/player/frame.css"
    opened = site.launch(site.add(with_headings()), return_url=back)
    first = f"{opened.launch_id}/entries$"
    answered(page, first, lambda answer: answer | {"next": going})
    page.goto(opened.url)
    if wanted == "unit":
        shows(page, "Final test")
    else:
        page.wait_for_url(back, timeout=PATIENCE)


def in_a_window(page: Page) -> None:
    """Let the launch's unit be one that has a window of its own."""

    def change(start: dict[str, Any]) -> dict[str, Any]:
        entry = f"{start['content']}/{start['entry']}"
        return start | {"own_window": True, "elements": {}, "entry": entry}

    answered(page, r"/start$", change)


def test_a_unit_in_a_window_of_its_own(
    site: Site, context: BrowserContext, page: Page
) -> None:
    in_a_window(page)
    back = f"{site.parts.config.portal_url}/assets/player/frame.css"
    opened = site.launch(site.add(scorm_12({"One": unit("One", "")})), return_url=back)
    page.goto(opened.url)
    expect(page.get_by_role("heading", name="opens in a window")).to_be_visible()
    expect(page.locator("#saved")).to_be_hidden()
    with context.expect_page() as waiting:
        page.get_by_role("button", name="Open unit").click()
    other = waiting.value
    expect(other.locator("h1")).to_have_text("One")
    # it cannot lead the page that opened it anywhere
    assert other.evaluate("window.opener") is None
    expect(page.get_by_role("heading", name="is open in a window")).to_be_visible()
    page.get_by_role("button", name="Go to the unit").click()
    other.close()
    closed = page.get_by_role("heading", name="window is closed")
    expect(closed).to_be_visible(timeout=PATIENCE)
    address = page.url
    page.get_by_role("button", name="Open it again").click()
    page.wait_for_url(lambda url: url != address and "/launches/" in url)
    expect(page.get_by_role("heading", name="opens in a window")).to_be_visible()


def test_a_window_that_is_blocked_is_told(site: Site, page: Page) -> None:
    in_a_window(page)
    page.add_init_script("window.open = () => null")
    page.goto(site.launch(site.add(scorm_12({"One": unit("One", "")}))).url)
    page.get_by_role("button", name="Open unit").click()
    expect(page.get_by_role("heading", name="blocked the window")).to_be_visible()


def test_a_unit_that_was_left_leads_on(site: Site, page: Page) -> None:
    in_a_window(page)
    opened = site.launch(site.add(with_headings()))
    page.goto(opened.url)
    expect(page.get_by_role("heading", name="opens in a window")).to_be_visible()
    told = page.evaluate(
        """(launch) => new Promise((done) => {
          const channel = new BroadcastChannel(`rollcall.returned.${launch}`);
          channel.onmessage = ({ data }) => done(data.type);
          channel.postMessage({ type: "rollcall.returned", launch });
        })""",
        str(opened.launch_id),
    )
    assert told == "rollcall.seen"
    expect(page.get_by_role("heading", name="You have left the unit")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Next unit").click()
    shows(page, "Facts")


def test_a_launch_that_was_used_up_is_opened_anew(site: Site, page: Page) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))

    def used(route: Route) -> None:
        problem = {"status": 409, "code": "launch_used", "detail": "Used."}
        route.fulfill(status=409, json=problem, content_type="application/problem+json")

    page.route(re.compile(f"{opened.launch_id}/start$"), used)
    page.goto(opened.url)
    shows(page, "One")
    assert str(opened.launch_id) not in page.url


def test_an_end_without_completion_is_told(site: Site, page: Page) -> None:
    script = """
api.LMSInitialize("");
api.LMSSetValue("cmi.core.lesson_status", "incomplete");
api.LMSFinish("");
"""
    page.goto(site.launch(site.add(scorm_12({"One": unit("One", script)}))).url)
    notice = page.locator("#notice-text")
    expect(notice).to_contain_text(
        "did not report that you finished it", timeout=PATIENCE
    )


def test_a_first_page_that_is_blocked_is_told(site: Site, page: Page) -> None:
    page.route(re.compile(r"/unit%200/page\.html"), lambda route: route.abort())
    page.goto(site.launch(site.add(scorm_12({"One": unit("One")}))).url)
    expect(page.get_by_role("heading", name="cannot be shown")).to_be_visible()
    expect(page.locator("#cover-text")).to_contain_text("could not be loaded")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    shows(page, "One")


def test_a_first_page_that_does_not_come_is_told(site: Site, page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/unit%200/page\.html"), hold)
    page.clock.install()
    page.goto(site.launch(site.add(scorm_12({"One": unit("One")}))).url)
    eventually(lambda: page.evaluate("1") == 1 and bool(held))
    page.clock.fast_forward(31_000)
    expect(page.get_by_role("heading", name="slow to open")).to_be_visible()
    held[0].continue_()
    shows(page, "One")


def test_what_a_unit_calls_is_logged_also_when_it_changes_nothing(
    site: Site, page: Page
) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    for _ in range(3):
        call(page, "api.LMSGetValue('cmi.core.lesson_mode')")
    call(page, "api.LMSSetValue('cmi.core.lesson_status', 'splendid')")

    def rows() -> list[Any]:
        with reading(site.parts.engine) as db:
            found = db.scalars(
                select(Entry)
                .where(Entry.launch_id == opened.launch_id)
                .order_by(Entry.seq)
            )
            return [(one.kind, row) for one in found for row in one.calls or ()]

    eventually(lambda: "splendid" in str(rows()))
    told = [(kind, *row[1:]) for kind, row in rows()]
    mode = ["LMSGetValue", ["cmi.core.lesson_mode"], "normal", 0]
    assert sum(row[-1] for row in told if list(row[1:5]) == mode) == 3
    assert ("log", "LMSSetValue", ["cmi.core.lesson_status", "splendid"]) in [
        row[:3] for row in told
    ]
    saved(page)


# what can be pressed has a name, what is read stands out (WCAG 1.4.3, 4.1.2)
NAMELESS = """
[...document.querySelectorAll("button, a[href], input, iframe, progress")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.innerText || one.ariaLabel || one.title || "").trim())
  .map((one) => one.outerHTML)
"""
FAINT = """
(() => {
  const number = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (one) => {
    for (let at = one; at !== null; at = at.parentElement) {
      const colour = number(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((one) =>
    one.checkVisibility() && !one.disabled && !one.closest(".visually-hidden, .skip") &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((one) => {
    const [a, b] = [light(number(getComputedStyle(one).color)), light(ground(one))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.textContent.trim()];
  }).filter(([ratio]) => ratio < 4.5);
})()
"""


@pytest.mark.parametrize("width", [1280, 320])
def test_the_page_is_for_everybody(site: Site, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(site.launch(site.add(with_headings()), return_url="/x").url)
    shows(page, "Welcome")
    expect(page.locator("#notice")).to_be_visible(timeout=PATIENCE)
    menu = page.get_by_role("navigation", name="Contents")
    contents = page.get_by_role("button", name="Contents")
    if width == 320:
        expect(menu).to_be_hidden()
        contents.focus()
        page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("banner", "main", "contentinfo"):
        assert page.get_by_role(name).count() == 1, name
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter((one) => one.checkVisibility())"
        ".filter((one) => Math.min(one.offsetWidth, one.offsetHeight) < 24).length"
    )
    assert small == 0
    menu.get_by_role("button", name="Facts").focus()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(contents).to_be_focused()
