"""Units of cmi5 in Chromium: in the frame and in a window of their own, left and again."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import orjson
from playwright.sync_api import expect
from sqlalchemy import select

from lrs.db import reading
from lrs.tables import Statement
from tests.player.browser.test_play import content_of, eventually
from tests.player.packages import cmi5, scorm_12, unit
from tests.player.sample import SHORT_NAMES

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route

    from tests.player.site import Site

SOON = 60_000
# a sound unit: it ends its session by a button, or in the last moment that it has
UNIT = """<!doctype html><title>Unit</title><h1>Unit</h1><p id="out"></p>
<button id="pass">Pass</button><button id="leave">Leave</button>
<script>
const given = new URLSearchParams(window.location.search);
const out = document.getElementById("out");
const endpoint = given.get("endpoint");
let headers, data, isOver = false;
const about = (more) => new URLSearchParams({ agent: given.get("actor"), ...more });
const state = (stateId) => `${endpoint}activities/state?` + about({
  stateId, activityId: given.get("activityId"), registration: given.get("registration"),
});
const get = async (address) => (await fetch(address, { headers })).json();
function say(verb, result, more = {}) {
  const context = structuredClone(data.contextTemplate);
  context.registration = given.get("registration");
  context.contextActivities.category = [
    { id: "https://w3id.org/xapi/cmi5/context/categories/cmi5" },
    ...(result?.success === undefined ? []
      : [{ id: "https://w3id.org/xapi/cmi5/context/categories/moveon" }]),
  ];
  const statement = {
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    actor: JSON.parse(given.get("actor")),
    verb: { id: `http://adlnet.gov/expapi/verbs/${verb}` },
    object: { id: given.get("activityId") },
    context,
    ...(result === undefined ? {} : { result }),
  };
  const body = JSON.stringify(statement);
  return fetch(`${endpoint}statements`, { method: "POST", headers, body, ...more });
}
async function end(more) {
  if (isOver) return;
  isOver = true;
  await say("terminated", { duration: "PT2M" }, more);
}
(async () => {
  const answer = await fetch(given.get("fetch"), { method: "POST" });
  const token = (await answer.json())["auth-token"];
  headers = {
    Authorization: `Basic ${token}`,
    "Content-Type": "application/json",
    "X-Experience-API-Version": "1.0.3",
  };
  data = await get(state("LMS.LaunchData"));
  await get(`${endpoint}agents/profile?` + about({ profileId: "cmi5LearnerPreferences" }));
  const mark = await fetch(state("bookmark"), { headers });
  const where = mark.status === 200 ? await mark.json() : "new";
  await say("initialized");
  out.textContent = `${where}|${data.launchMode}|${given.get("own")}`;
})();
document.getElementById("pass").onclick = async () => {
  await fetch(state("bookmark"), { method: "PUT", headers, body: '"page 9"' });
  const answer = await say("passed", { success: true, duration: "PT1M" });
  out.textContent = String(answer.status);
};
document.getElementById("leave").onclick = async () => {
  await end();
  window.location.href = data.returnURL;
};
window.addEventListener("pagehide", () => end({ keepalive: true }));
</script>"""


def verbs(site: Site, registration: uuid.UUID) -> list[str]:
    """Give the verbs of all statements of a registration, in order."""
    with reading(site.parts.engine) as db:
        rows = db.scalars(
            select(Statement.payload)
            .where(Statement.registration == registration)
            .order_by(Statement.seq)
        ).all()
    return [SHORT_NAMES[orjson.loads(row)["verb"]["id"]] for row in rows]


def test_a_unit_in_the_frame_is_passed_and_left(site: Site, page: Page) -> None:
    registration = uuid.uuid4()
    package = site.add(cmi5({"One": UNIT, "Two": UNIT}))
    page.goto(site.launch(package, registration=registration).url)
    inside = content_of(page)
    expect(inside.locator("#out")).to_have_text("new|Normal|1", timeout=SOON)
    inside.locator("#pass").click()
    expect(inside.locator("#out")).to_have_text("200", timeout=SOON)
    inside.locator("#leave").click()
    expect(page.locator("#cover-title")).to_have_text(
        "You have left the unit", timeout=SOON
    )
    expect(page.locator("#cover-go")).to_have_text("Next unit")
    expect(page.locator("#menu [data-unit='0'] .state")).to_contain_text(
        "Done", timeout=SOON
    )
    page.locator("#cover-go").click()
    expect(page.locator("header h1")).to_have_text("Two", timeout=SOON)
    expect(content_of(page).locator("#out")).to_have_text("new|Normal|1", timeout=SOON)
    content_of(page).locator("#pass").click()
    eventually(lambda: "satisfied" in verbs(site, registration))
    assert verbs(site, registration) == [
        "launched",
        "initialized",
        "passed",
        "terminated",
        "launched",
        "initialized",
        "passed",
        "satisfied",
    ]


def test_a_unit_whose_reports_are_refused_is_told_of(site: Site, page: Page) -> None:
    unsound = UNIT.replace("    id: crypto.randomUUID(),\n", "")
    assert unsound != UNIT
    page.goto(site.launch(site.add(cmi5({"One": unsound}))).url)
    expect(page.locator("#notice-text")).to_contain_text(
        "the server refuses", timeout=SOON
    )


def test_a_unit_in_a_window_of_its_own(
    site: Site, page: Page, context: BrowserContext
) -> None:
    registration = uuid.uuid4()
    package = site.add(cmi5({"One": UNIT}, launch_method="OwnWindow"))
    page.goto(site.launch(package, registration=registration).url)
    button = page.get_by_role("button", name="Open unit")
    with context.expect_page() as opened:
        button.click(timeout=SOON)
    inside = opened.value
    expect(inside.locator("#out")).to_have_text("new|Normal|1", timeout=SOON)
    # whatever it does, it cannot lead the player page away
    assert inside.evaluate("window.opener") is None
    inside.locator("#pass").click()
    expect(inside.locator("#out")).to_have_text("200", timeout=SOON)
    with inside.expect_event("close", timeout=SOON):
        inside.locator("#leave").click()
    expect(page.locator("#cover-title")).to_have_text(
        "You have left the unit", timeout=SOON
    )
    assert verbs(site, registration) == [
        "launched",
        "initialized",
        "passed",
        "satisfied",
        "terminated",
    ]


def test_loading_the_page_again_launches_the_unit_again(site: Site, page: Page) -> None:
    registration = uuid.uuid4()
    package = site.add(cmi5({"One": UNIT.replace("pagehide", "never")}))
    page.goto(site.launch(package, registration=registration).url)
    inside = content_of(page)
    expect(inside.locator("#out")).to_have_text("new|Normal|1", timeout=SOON)
    inside.locator("#pass").click()
    expect(inside.locator("#out")).to_have_text("200", timeout=SOON)
    first = page.url
    page.reload()
    expect(content_of(page).locator("#out")).to_have_text(
        "page 9|Normal|1", timeout=SOON
    )
    assert page.url != first
    assert verbs(site, registration)[-3:] == ["abandoned", "launched", "initialized"]


def test_the_last_words_of_a_unit_are_waited_for(site: Site, page: Page) -> None:
    # however long it takes: the page's patience does not run out
    page.add_init_script("const began = Date.now(); Date.now = () => began;")
    registration = uuid.uuid4()
    package = site.add(cmi5({"One": UNIT}))
    page.goto(site.launch(package, registration=registration).url)
    expect(content_of(page).locator("#out")).to_have_text("new|Normal|1", timeout=SOON)
    page.locator("#exit").click()
    expect(page.locator("#cover-title")).to_have_text(
        re.compile("You can close this page"), timeout=SOON
    )
    assert verbs(site, registration) == ["launched", "initialized", "terminated"]


def test_what_has_no_run_time_is_shown(site: Site, page: Page) -> None:
    """As in a preview of a unit that speaks to a record store, or of an asset."""

    def without(route: Route) -> None:
        answer = route.fetch()
        body = answer.json() | {"kind": "asset", "elements": {}, "values": {}}
        route.fulfill(response=answer, json=body)

    page.route("**/start", without)
    page.goto(site.launch(site.add(scorm_12({"One": unit("One")}))).url)
    expect(content_of(page).locator("h1")).to_have_text("One", timeout=SOON)
