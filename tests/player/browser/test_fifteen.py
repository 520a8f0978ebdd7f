"""What `tests/player/test_fifteen.py` names and no other test shows in a browser."""

from __future__ import annotations

import io
import uuid
import zipfile
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.player.browser.test_play import content_of, frame_of, saved
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.player.site import Site

LARGE = 64_000
KEEPS = f"""
api.LMSInitialize("");
const kept = api.LMSGetValue("cmi.suspend_data");
document.getElementById("out").textContent =
  `${{kept.length}} ${{kept === "é".repeat({LARGE})}}`;
window.addEventListener("unload", () => {{
  api.LMSSetValue("cmi.suspend_data", "é".repeat({LARGE}));
  api.LMSSetValue("cmi.core.exit", "suspend");
  api.LMSFinish("");
}});
"""


def test_more_than_a_beacon_holds_survives_the_exit(
    site: Site, context: BrowserContext
) -> None:
    """What a unit says in its last moment may be larger than what browsers then send."""
    registration = uuid.uuid4()
    package = site.add(scorm_12({"One": unit("One", KEEPS)}))
    first = context.new_page()
    first.goto(site.launch(package, registration=registration).url)
    expect(content_of(first).locator("#out")).to_have_text("0 false")
    first.get_by_role("button", name="Exit").click()
    expect(first.locator("#cover")).to_contain_text("You can close this page")
    second = context.new_page()
    second.goto(site.launch(package, registration=registration).url)
    expect(content_of(second).locator("#out")).to_have_text(f"{LARGE} true")


FIRST = """<!doctype html><html><head><script>
let from = window;
while (!from.API && from.parent !== from) from = from.parent;
const api = from.API;
const found = api ? api.LMSInitialize("") : "no API";
</script></head><body><h1>One</h1><p id="out"></p><script>
document.getElementById("out").textContent = found;
</script></body></html>"""


def test_the_api_is_there_before_the_first_script(site: Site, page: Page) -> None:
    page.goto(site.launch(site.add(scorm_12({"One": FIRST}))).url)
    expect(content_of(page).locator("#out")).to_have_text("true")
    frame_of(page).evaluate("location.reload()")
    # in the same session the API says that it was initialised; it is there
    expect(content_of(page).locator("#out")).to_have_text("false")
    saved(page)


def backslashed(plain: bytes) -> bytes:
    """Give the same zip as some tools of Windows write it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as given, zipfile.ZipFile(made, "w") as out:
        for name in given.namelist():
            entry = zipfile.ZipInfo("x")
            entry.filename = name.replace("/", "\\")
            out.writestr(entry, given.read(name))
    return made.getvalue()


def test_a_package_zipped_with_backslashes_finds_its_files(
    site: Site, page: Page
) -> None:
    script = """
api.LMSInitialize("");
const script = document.createElement("script");
script.src = "../deep/down/lib.js";
document.body.append(script);
"""
    lib = "document.getElementById('out').textContent = 'found';"
    plain = scorm_12({"One": unit("One", script)}, {"deep/down/lib.js": lib})
    page.goto(site.launch(site.add(backslashed(plain))).url)
    expect(content_of(page).locator("#out")).to_have_text("found")


def test_a_new_version_is_shown_at_once(site: Site, context: BrowserContext) -> None:
    """The same learner, the same file names, the same browser: other contents."""
    script = """
api.LMSInitialize("");
const script = document.createElement("script");
script.src = "../lib.js";
document.body.append(script);
"""
    for version in ("first", "second"):
        lib = f"document.getElementById('out').textContent = '{version}';"
        package = site.add(scorm_12({"One": unit("One", script)}, {"lib.js": lib}))
        page = context.new_page()
        page.goto(site.launch(package).url)
        expect(content_of(page).locator("#out")).to_have_text(version)
