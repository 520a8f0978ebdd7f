"""Units of AICC and xAPI in Chromium: what their pages send arrives, and is told again."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from lrs.db import reading
from player.launches import get_launch
from player.tables import Attempt
from tests.player.browser.test_play import content_of, eventually
from tests.player.packages import aicc, tincan

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from player.launches import Opened
    from tests.player.site import Site

# as units of tools do it: a form by a script, read line by line
HACP = """<!doctype html><title>Unit</title><h1>Unit</h1><p id="out"></p>
<button id="pass">Pass</button>
<script>
const given = new URLSearchParams(window.location.search);
async function say(command, data = "") {
  const body = new URLSearchParams({
    command, version: "4.0", session_id: given.get("aicc_sid"), aicc_data: data,
  });
  const answer = await fetch(given.get("aicc_url"), { method: "POST", body });
  return answer.text();
}
const value = (text, name) =>
  text.split("\\r\\n").map((line) => line.split("=")).find(([one]) => one === name)[1];
const out = document.getElementById("out");
say("GetParam").then((text) => {
  out.textContent = `${value(text, "Lesson_Status")}|${value(text, "Lesson_Location")}`;
});
document.getElementById("pass").onclick = async () => {
  await say("PutParam",
    "[Core]\\r\\nLesson_Location=9\\r\\nLesson_Status=P\\r\\nScore=90\\r\\nTime=00:02:00\\r\\n");
  await say("ExitAU");
  out.textContent = "done";
};
</script>"""

XAPI = """<!doctype html><title>Unit</title><h1>Unit</h1><p id="out"></p>
<button id="pass">Pass</button>
<script>
const given = new URLSearchParams(window.location.search);
const headers = {
  Authorization: given.get("auth"),
  "X-Experience-API-Version": "1.0.3",
  "Content-Type": "application/json",
};
const out = document.getElementById("out");
const query = new URLSearchParams({
  stateId: "bookmark",
  activityId: given.get("activity_id"),
  agent: given.get("actor"),
  registration: given.get("registration"),
});
const state = `${given.get("endpoint")}activities/state?${query}`;
fetch(state, { headers }).then(async (answer) => {
  out.textContent = answer.status === 200 ? await answer.text() : "new";
});
async function say(verb, result) {
  const statement = {
    actor: JSON.parse(given.get("actor")),
    verb: { id: `http://adlnet.gov/expapi/verbs/${verb}` },
    object: { id: given.get("activity_id") },
    context: { registration: given.get("registration") },
    result,
  };
  const body = JSON.stringify(statement);
  return fetch(`${given.get("endpoint")}statements`, { method: "POST", headers, body });
}
document.getElementById("pass").onclick = async () => {
  await fetch(state, { method: "PUT", headers, body: '"page 9"' });
  const answer = await say("passed", { score: { scaled: 0.9 }, completion: true });
  out.textContent = String(answer.status);
};
</script>"""


def attempt_of(site: Site, opened: Opened) -> Attempt:
    with reading(site.parts.engine) as db:
        launch = get_launch(db, launch_id=opened.launch_id)
        found = db.get_one(Attempt, launch.attempt_id)
        db.expunge(found)
        return found


def has_passed(site: Site, opened: Opened) -> bool:
    found = attempt_of(site, opened)
    return (found.completion, found.success) == ("completed", "passed")


def test_an_aicc_unit_speaks_hacp(site: Site, page: Page) -> None:
    registration = uuid.uuid4()
    package = site.add(aicc({"Unit": HACP}))
    opened = site.launch(package, registration=registration)
    page.goto(opened.url)
    out = content_of(page).locator("#out")
    expect(out).to_have_text("not attempted, ab-initio|", timeout=60_000)
    content_of(page).locator("#pass").click()
    expect(out).to_have_text("done", timeout=60_000)
    eventually(lambda: has_passed(site, opened))
    assert attempt_of(site, opened).seconds == 120
    page.goto(site.launch(package, registration=registration).url)
    expect(content_of(page).locator("#out")).to_have_text("passed|9", timeout=60_000)


def test_an_xapi_unit_sends_statements(site: Site, page: Page) -> None:
    registration = uuid.uuid4()
    package = site.add(tincan({"Unit": XAPI}))
    opened = site.launch(package, registration=registration)
    page.goto(opened.url)
    out = content_of(page).locator("#out")
    expect(out).to_have_text("new", timeout=60_000)
    content_of(page).locator("#pass").click()
    expect(out).to_have_text("200", timeout=60_000)
    assert has_passed(site, opened)
    page.goto(site.launch(package, registration=registration).url)
    expect(content_of(page).locator("#out")).to_have_text('"page 9"', timeout=60_000)


# as drivers of their time do it: a synchronous request as the page goes
LEAVES = HACP.replace(
    "</script>",
    """
function put(command, data) {
  const request = new XMLHttpRequest();
  request.open("POST", given.get("aicc_url"), false);
  request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
  const sid = given.get("aicc_sid");
  const said = `command=${command}&session_id=${sid}&version=4.0&aicc_data=`;
  request.send(said + encodeURIComponent(data));
}
window.onunload = () => {
  put("PutParam",
    "[Core]\\r\\nLesson_Location=7\\r\\nLesson_Status=P\\r\\nScore=90\\r\\n");
  put("ExitAU", "");
};
</script>""",
)


@pytest.mark.parametrize("way", ["exit", "close"])
def test_last_words_of_a_unit_arrive(
    site: Site, context: BrowserContext, way: str
) -> None:
    page = context.new_page()
    opened = site.launch(site.add(aicc({"Unit": LEAVES})))
    page.goto(opened.url)
    out = content_of(page).locator("#out")
    expect(out).to_have_text("not attempted, ab-initio|", timeout=60_000)
    if way == "exit":
        page.locator("#exit").click()
    else:
        page.close(run_before_unload=True)
    eventually(lambda: has_passed(site, opened))


def test_a_unit_on_another_server_has_a_window_of_its_own(
    site: Site, page: Page
) -> None:
    host = f"units.localhost:{site.port}"

    def elsewhere(environ: dict[str, Any]) -> tuple[str, str, bytes] | None:
        if environ["HTTP_HOST"] != host:
            return None
        return "200 OK", "text/html", HACP.encode()

    site.refuse = elsewhere
    opened = site.launch(site.add(aicc({"Unit": f"http://{host}/start"})))
    page.goto(opened.url)
    button = page.get_by_role("button", name=re.compile("Open", re.IGNORECASE))
    expect(button.first).to_be_visible(timeout=60_000)
    with page.context.expect_page(timeout=60_000) as opening:
        button.first.click()
    out = opening.value.locator("#out")
    expect(out).to_have_text("not attempted, ab-initio|", timeout=60_000)
    opening.value.locator("#pass").click()
    expect(out).to_have_text("done", timeout=60_000)
    assert has_passed(site, opened)
    opening.value.close()
