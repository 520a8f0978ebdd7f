"""A unit played in Chromium: API, saving, resuming, moving on, leaving."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page

    from tests.player.site import Site


def content_of(page: Page) -> FrameLocator:
    """Give the unit's own document, inside the shell, inside the player page."""
    return page.frame_locator("#unit").frame_locator("#unit")


def frame_of(page: Page) -> Frame:
    """Give the frame that the unit is in."""
    return next(one for one in page.frames if "/unit" in one.url)


def call(page: Page, script: str) -> object:
    """Run a script in the unit's window."""
    return frame_of(page).evaluate(script)


def set_value(page: Page, name: str, value: str) -> None:
    assert call(page, f"api.LMSSetValue({name!r}, {value!r})") == "true"


def eventually(claim: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def saved(page: Page) -> None:
    """Wait until the bar says that all is saved."""
    line = page.locator("#saved-text")
    expect(line).to_have_text(re.compile(r"^Saved \d"), timeout=120_000)


def focused(page: Page) -> None:
    """Wait until the unit has the focus.

    It passes through two frames, each in its own time: a key before it goes to the
    page around the unit, and what has the focus there loses it.
    """
    frame_of(page).wait_for_function("document.hasFocus()")


def shows(page: Page, title: str) -> None:
    """Wait for a unit: for its player page first, as frames that go break a look in."""
    expect(page.locator("header h1")).to_have_text(title)
    expect(page.locator("#cover")).to_be_hidden()
    expect(content_of(page).locator("h1")).to_have_text(title)


def test_a_unit_finds_its_api_and_saves_a_second_after_a_change(
    site: Site, page: Page
) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    expect(page.locator("#cover")).to_be_hidden()
    set_value(page, "cmi.core.lesson_location", "page-3")
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "page-3")
    saved(page)
    assert "token=" not in page.url


# as units for several standards do: the walk for the newer API first, up to the top
WALKS_TWICE = """
function walk(name) {
  let from = window;
  while (!from[name] && from.parent && from.parent !== from) from = from.parent;
  return from[name] ?? null;
}
const found = walk("API_1484_11") ?? walk("API");
found.LMSInitialize("");
document.getElementById("out").textContent = found.LMSGetValue("cmi.core.entry");
"""


def test_a_unit_that_looks_for_another_api_first_finds_its_own(
    site: Site, page: Page
) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One", WALKS_TWICE)})))
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio")


def test_resume_after_the_tab_was_closed_without_a_word(
    site: Site, context: BrowserContext
) -> None:
    registration = uuid.uuid4()
    package = site.add(scorm_12({"One": unit("One")}))
    first = context.new_page()
    opened = site.launch(package, registration=registration)
    first.goto(opened.url)
    expect(content_of(first).locator("#out")).to_have_text("ab-initio|")
    set_value(first, "cmi.core.lesson_location", "page-7")
    first.close()
    second = context.new_page()
    second.goto(site.launch(package, registration=registration).url)
    expect(content_of(second).locator("#out")).to_have_text("resume|page-7")


def test_finish_in_unload_while_the_tab_closes(
    site: Site, context: BrowserContext
) -> None:
    script = """
api.LMSInitialize("");
document.getElementById("out").textContent = api.LMSGetValue("cmi.core.lesson_status");
window.addEventListener("unload", () => {
  api.LMSSetValue("cmi.core.lesson_status", "completed");
  api.LMSSetValue("cmi.core.score.raw", "91");
  api.LMSFinish("");
});
"""
    opened = site.launch(site.add(scorm_12({"One": unit("One", script)})))
    page = context.new_page()
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("not attempted")
    page.close(run_before_unload=True)
    eventually(lambda: site.values(opened)["cmi.core.lesson_status"] == "completed")
    assert site.values(opened)["cmi.core.score.raw"] == "91"


def test_leaving_unloads_the_unit_first_and_returns(site: Site, page: Page) -> None:
    script = """
api.LMSInitialize("");
window.onunload = () => {
  api.LMSSetValue("cmi.core.lesson_status", "passed");
  api.LMSFinish("");
};
"""
    back = f"{site.parts.config.portal_url}/assets/player/frame.css"
    opened = site.launch(
        site.add(scorm_12({"One": unit("One", script)})), return_url=back
    )
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    page.get_by_role("button", name="Exit").click()
    page.wait_for_url(back)
    assert site.values(opened)["cmi.core.lesson_status"] == "passed"


def test_the_menu_moves_between_units_and_shows_what_is_done(
    site: Site, page: Page
) -> None:
    finishing = """
api.LMSInitialize("");
api.LMSSetValue("cmi.core.lesson_status", "completed");
api.LMSFinish("");
"""
    package = site.add(
        scorm_12(
            {
                "First": unit("First", finishing),
                "Second": unit("Second"),
                "Third": unit("Third"),
            }
        )
    )
    page.goto(site.launch(package).url)
    shows(page, "First")
    menu = page.get_by_role("navigation", name="Contents")
    expect(menu).to_be_visible()
    expect(menu.get_by_role("button", name="First")).to_contain_text("Done")
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("button", name="Next", exact=True).click()
    shows(page, "Second")
    expect(
        page.get_by_role("navigation").get_by_role("button", name="First")
    ).to_contain_text("Done")
    page.get_by_role("button", name="Third").click()
    shows(page, "Third")
    expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled()


def test_loading_the_page_again_goes_on(site: Site, page: Page) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    for turn in range(3):
        set_value(page, "cmi.core.lesson_location", f"p{turn}")
        page.reload()
        expect(content_of(page).locator("#out")).to_have_text(f"resume|p{turn}")


def test_offline_work_waits_and_arrives(
    site: Site, page: Page, context: BrowserContext
) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    context.set_offline(True)
    for turn in range(3):
        set_value(page, "cmi.core.lesson_location", f"p{turn}")
        call(page, "api.LMSCommit('')")
    expect(page.locator("#saved-text")).to_contain_text("Offline, ")
    context.set_offline(False)
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "p2")
    saved(page)


def test_a_captive_portal_is_not_taken_for_an_answer(site: Site, page: Page) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    site.refuse = lambda environ: (
        ("200 OK", "text/html", b"<h1>Accept the terms of this hotel</h1>")
        if environ["PATH_INFO"].endswith("/entries")
        else None
    )
    set_value(page, "cmi.core.lesson_location", "lobby")
    expect(page.locator("#saved-text")).to_contain_text("not yet sent")
    site.refuse = None
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "lobby")
    saved(page)


def test_an_expired_token_is_renewed_without_leaving(site: Site, page: Page) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    body = b'{"code": "token_expired", "status": 401}'
    refused: list[str] = []

    def refuse(environ: dict[str, object]) -> tuple[str, str, bytes] | None:
        if str(environ["PATH_INFO"]).endswith("/entries") and not refused:
            refused.append("once")
            return "401 Unauthorized", "application/problem+json", body
        return None

    site.refuse = refuse
    set_value(page, "cmi.core.lesson_location", "on")
    eventually(lambda: bool(refused))
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "on")
    assert any(path.endswith("/token") for _, _, path in site.requests)
    saved(page)


def test_a_second_tab_takes_over_and_the_first_says_so(
    site: Site, context: BrowserContext
) -> None:
    registration = uuid.uuid4()
    package = site.add(scorm_12({"One": unit("One")}))
    first, second = context.new_page(), context.new_page()
    older = site.launch(package, registration=registration)
    first.goto(older.url)
    expect(content_of(first).locator("#out")).to_have_text("ab-initio|")
    set_value(first, "cmi.core.lesson_location", "tab-one")
    second.goto(site.launch(package, registration=registration).url)
    expect(content_of(second).locator("#out")).to_have_text("resume|tab-one")
    expect(first.locator("#cover")).to_contain_text("open in another tab")
    expect(first.locator("#saved-text")).to_have_text("Open elsewhere")


def test_another_computer_takes_over_and_the_first_says_so(
    site: Site, page: Page, browser: object
) -> None:
    registration = uuid.uuid4()
    package = site.add(scorm_12({"One": unit("One")}))
    page.goto(site.launch(package, registration=registration).url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    other = browser.new_context()  # type: ignore[attr-defined]
    there = other.new_page()
    there.goto(site.launch(package, registration=registration).url)
    expect(content_of(there).locator("h1")).to_have_text("One")
    set_value(page, "cmi.core.lesson_location", "late")
    expect(page.locator("#cover")).to_contain_text("opened elsewhere")
    other.close()


def test_a_first_page_that_is_missing_is_said_plainly(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"One": unit("One")}))
    site.refuse = lambda environ: (
        ("404 Not Found", "text/plain", b"gone")
        if str(environ["PATH_INFO"]).endswith("page.html")
        else None
    )
    page.goto(site.launch(package).url)
    expect(page.locator("#cover")).to_contain_text("cannot be shown")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    site.refuse = None
    page.get_by_role("button", name="Try again").click()
    shows(page, "One")


def test_a_wrong_or_missing_token_opens_nothing(site: Site, page: Page) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    for url in (opened.url.partition("?")[0], opened.url + "x"):
        response = page.goto(url)
        assert response is not None
        assert response.status == 401
        expect(page.locator("h1")).to_have_text("This link has expired")


def test_a_unit_that_lacks_files_or_wants_other_sites_says_so(
    site: Site, page: Page
) -> None:
    broken = unit("One", '</script><script src="gone.js"></script><script>')
    page.goto(site.launch(site.add(scorm_12({"One": broken}))).url)
    expect(page.locator("#notice")).to_contain_text("1 file of this unit is missing")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#notice")).to_be_hidden()
    foreign = unit(
        "Two", '</script><script src="https://cdn.example/x.js"></script><script>'
    )
    page.goto(site.launch(site.add(scorm_12({"Two": foreign}))).url)
    expect(page.locator("#notice")).to_contain_text("cdn.example")


def test_offline_at_the_exit_asks_and_keeps(
    site: Site, page: Page, context: BrowserContext
) -> None:
    back = f"{site.parts.config.portal_url}/assets/player/frame.css"
    registration = uuid.uuid4()
    package = site.add(scorm_12({"One": unit("One")}))
    opened = site.launch(package, registration=registration, return_url=back)
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    site.refuse = lambda environ: (
        ("502 Bad Gateway", "text/plain", b"")
        if environ["PATH_INFO"].endswith("/entries")
        else None
    )
    set_value(page, "cmi.core.lesson_location", "kept")
    page.get_by_role("button", name="Exit").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("not on the server yet")
    page.get_by_role("button", name="Exit anyway").click()
    page.wait_for_url(back)
    assert site.values(opened)["cmi.core.lesson_location"] == ""
    site.refuse = None
    page.goto(site.launch(package, registration=registration).url)
    expect(content_of(page).locator("#out")).to_have_text("resume|kept")


def test_last_words_of_a_tab_closed_offline_arrive_at_the_next_visit(
    site: Site, playwright_open: Callable[..., BrowserContext]
) -> None:
    """Where the browser lets framed sites store; the beacon has nowhere to go."""
    script = """
api.LMSInitialize("");
document.getElementById("out").textContent = api.LMSGetValue("cmi.core.lesson_location");
window.addEventListener("unload", () => {
  api.LMSSetValue("cmi.core.lesson_location", "last words");
  api.LMSFinish("");
});
"""
    context = playwright_open("--disable-features=TrackingProtection3pcd")
    registration = uuid.uuid4()
    package = site.add(scorm_12({"One": unit("One", script)}))
    page = context.new_page()
    opened = site.launch(package, registration=registration)
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    saved(page)
    refused: list[str] = []

    def refuse(environ: dict[str, object]) -> tuple[str, str, bytes] | None:
        if not str(environ["PATH_INFO"]).endswith("/entries"):
            return None
        refused.append(str(environ["HTTP_HOST"]))
        return "502 Bad Gateway", "text/plain", b""

    site.refuse = refuse
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    eventually(lambda: any("content." in host for host in refused))
    assert site.values(opened)["cmi.core.lesson_location"] == ""
    site.refuse = None
    page = context.new_page()
    page.goto(site.launch(package, registration=registration).url)
    expect(content_of(page).locator("#out")).to_have_text("last words")


def test_a_finished_unit_offers_the_next(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"First": unit("First"), "Second": unit("Second")}))
    page.goto(site.launch(package).url)
    shows(page, "First")
    call(page, "api.LMSFinish('')")
    expect(page.locator("#notice")).to_contain_text("This unit is finished.")
    page.get_by_role("button", name="Next unit").click()
    shows(page, "Second")


def test_the_page_works_by_keyboard_at_320_pixels(
    site: Site, context: BrowserContext
) -> None:
    package = site.add(scorm_12({"First": unit("First"), "Second": unit("Second")}))
    page = context.new_page()
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(site.launch(package).url)
    shows(page, "First")
    focused(page)
    page.wait_for_function("document.documentElement.scrollWidth === 320")
    expect(page.get_by_role("navigation", name="Contents")).to_be_hidden()
    page.locator("#menu-button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Contents")).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if "Second" in page.evaluate("document.activeElement.textContent"):
            break
    else:
        pytest.fail("the second unit is not reached by Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Contents")).to_be_hidden()
    expect(page.locator("#menu-button")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Second").focus()
    page.keyboard.press("Enter")
    shows(page, "Second")
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 24


def test_keys_reach_the_unit_without_a_click(site: Site, page: Page) -> None:
    script = """
api.LMSInitialize("");
document.addEventListener("keydown", (event) => {
  document.getElementById("out").textContent = event.key;
});
"""
    page.goto(site.launch(site.add(scorm_12({"One": unit("One", script)}))).url)
    expect(page.locator("#cover")).to_be_hidden()
    focused(page)
    page.keyboard.press("ArrowRight")
    expect(content_of(page).locator("#out")).to_have_text("ArrowRight")


POPUP = """<!doctype html><title>Popup</title><script>
let api = null;
for (let w = window, hops = 0; !api && w && hops < 9; hops += 1) {
  try { api = w.API ?? null; } catch { break; }
  w = w.parent !== w ? w.parent : w.opener;
}
api.LMSSetValue("cmi.core.lesson_location", "from the popup");
</script>"""


def test_a_window_that_the_unit_opens_finds_the_api(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"One": unit("One")}, {"unit 0/popup.html": POPUP}))
    opened = site.launch(package)
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    with page.expect_popup():
        assert call(page, "!!window.open('popup.html', '', 'width=300')")
    eventually(
        lambda: site.values(opened)["cmi.core.lesson_location"] == "from the popup"
    )


def test_a_pdf_is_handed_out_and_the_unit_stays(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"One": unit("One")}, {"a.pdf": b"%PDF-1.4"}))
    page.goto(site.launch(package).url)
    expect(page.locator("#cover")).to_be_hidden()
    with page.expect_download() as download:
        call(page, "location.href = '../a.pdf'")
    assert download.value.suggested_filename == "a.pdf"
    shows(page, "One")


def test_without_storage_the_work_is_sent_and_the_learner_warned(
    site: Site, page: Page
) -> None:
    page.add_init_script(
        "IDBFactory.prototype.open = () => { throw new Error('switched off'); };"
    )
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    expect(page.locator("#notice")).to_contain_text("cannot keep your work")
    set_value(page, "cmi.core.lesson_location", "sent")
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "sent")
    saved(page)


READ_DISK = """
() => new Promise((done) => {
  const opening = indexedDB.open("rollcall-player");
  opening.onupgradeneeded = () => opening.transaction.abort();
  opening.onerror = () => done([]);
  opening.onsuccess = () => {
    const reading = opening.result.transaction("entries").objectStore("entries").getAll();
    reading.onsuccess = () => done(reading.result.map((row) => [
      Object.keys(row).sort().join(), new TextDecoder("latin1").decode(row.text)]));
  };
})
"""


def test_the_journal_on_a_shared_computer_tells_nothing(site: Site, page: Page) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    site.refuse = lambda environ: (
        ("503 Service Unavailable", "text/plain", b"")
        if environ["PATH_INFO"].endswith("/entries")
        else None
    )
    set_value(page, "cmi.suspend_data", "a canary sings")
    call(page, "api.LMSCommit('')")
    eventually(lambda: len(page.evaluate(READ_DISK)) > 0)
    rows = page.evaluate(READ_DISK)
    assert {names for names, _ in rows} == {"iv,launch,registration,seq,text"}
    assert all("canary" not in text and "suspend" not in text for _, text in rows)


OPENS_LATE = """
const open = IDBFactory.prototype.open;
let tries = 0;
IDBFactory.prototype.open = function (...all) {
  tries += 1;
  if (tries > 2) return open.apply(this, all);
  return {
    error: new DOMException("Internal error opening backing store", "UnknownError"),
    set onerror(told) { setTimeout(told); },
  };
};
"""


def test_a_journal_that_does_not_open_at_once_is_waited_for(
    site: Site, page: Page
) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page.add_init_script(OPENS_LATE)
    site.refuse = lambda environ: (
        ("503 Service Unavailable", "text/plain", b"")
        if environ["PATH_INFO"].endswith("/entries")
        else None
    )
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    set_value(page, "cmi.core.lesson_location", "kept")
    call(page, "api.LMSCommit('')")
    expect(page.locator("#saved-text")).to_contain_text("not yet sent")
    assert page.evaluate(READ_DISK)
    expect(page.locator("#notice")).to_be_hidden()


def test_a_tab_closed_in_a_slow_network_leaves_nothing_behind(
    site: Site, context: BrowserContext
) -> None:
    """What is on disk and on its way is sent once more by the last beacon."""
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    page = context.new_page()
    page.goto(opened.url)
    expect(page.locator("#cover")).to_be_hidden()
    site.refuse = lambda environ: (
        ("504 Gateway Timeout", "text/plain", b"")
        if environ["PATH_INFO"].endswith("/entries")
        and "content." not in environ["HTTP_HOST"]
        else None
    )
    set_value(page, "cmi.core.lesson_location", "on its way")
    call(page, "api.LMSCommit('')")
    expect(page.locator("#saved-text")).to_contain_text("not yet sent")
    page.close(run_before_unload=True)
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "on its way")


def test_a_unit_that_reloads_its_surroundings_begins_anew(
    site: Site, page: Page
) -> None:
    page.goto(site.launch(site.add(scorm_12({"One": unit("One")}))).url)
    shows(page, "One")
    set_value(page, "cmi.core.lesson_location", "p4")
    call(page, "api.LMSCommit('')")
    call(page, "void setTimeout(() => parent.location.reload(), 500)")
    expect(content_of(page).locator("#out")).to_have_text("resume|p4")


def test_a_unit_that_replaces_the_shell_is_noticed(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"One": unit("One")}, {"x.html": "<p>elsewhere"}))
    page.goto(site.launch(package).url)
    shows(page, "One")
    call(page, "void parent.setTimeout(\"location.href = '/x.html'\", 100)")
    expect(page.locator("#cover")).to_contain_text("has left its place")
    expect(page.locator("#saved-text")).to_have_text("Not saving")
    page.get_by_role("button", name="Try again").click()
    shows(page, "One")


def test_an_asset_that_speaks_to_the_run_time_is_heard(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"One": unit("One")}, kind="asset"))
    opened = site.launch(package)
    page.goto(opened.url)
    expect(content_of(page).locator("#out")).to_have_text("ab-initio|")
    set_value(page, "cmi.core.lesson_location", "page-3")
    set_value(page, "cmi.core.lesson_status", "incomplete")
    eventually(lambda: site.values(opened)["cmi.core.lesson_location"] == "page-3")
    assert site.values(opened)["cmi.core.lesson_status"] == "incomplete"


def test_an_asset_is_done_once_it_was_looked_at(site: Site, page: Page) -> None:
    package = site.add(scorm_12({"One": unit("One", "")}, kind="asset"))
    opened = site.launch(package)
    page.goto(opened.url)
    eventually(lambda: site.values(opened)["cmi.core.lesson_status"] == "completed")
    saved(page)
