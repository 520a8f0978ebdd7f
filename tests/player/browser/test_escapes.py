"""A hostile package tries to get out of its frame (F19, T5, T6); nothing works."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import select

from lrs.db import reading
from player import urls
from player.launches import get_launch
from player.tables import Entry, SideEntry
from tests.packages import make
from tests.player.browser.escapes import ESCAPES
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Frame, FrameLocator, Page

    from player.launches import Opened
    from tests.player.site import Site

ATTEMPT = """
const wait = () => new Promise((ok) => setTimeout(() => ok(false), 200));
window.attempt = async (body) => {
  const values = ["PORTAL", "OTHER"].map((name) => window[name]);
  try {
    const trial = new Function(
      "PORTAL", "OTHER", "wait", `return (async () => { ${body} })()`);
    const late = new Promise((ok) => setTimeout(() => ok(false), 1500));
    return (await Promise.race([trial(...values, wait), late])) === true;
  } catch (error) {
    return false;
  }
};
"""
HOSTILE = f'api.LMSInitialize("");{ATTEMPT}'
BESIDE: dict[str, str | bytes] = {
    "worker.js": "self.onfetch = () => {};",
    "x.js": "window.taken = true;",
    "x.html": "<body id='other'>other learner</body>",
}
PAGE_2004 = f"""<!doctype html><meta charset="utf-8"><h1>One</h1><p id="out"></p>
<script>const api = parent.API_1484_11; api.Initialize("");{ATTEMPT}</script>"""


def hostile_2004() -> bytes:
    """Give a SCORM 2004 package with the same page."""
    item = make.Item(title="One", href="unit/page.html")
    files: dict[str, str | bytes] = {"unit/page.html": PAGE_2004, **BESIDE}
    return make.course(
        item,
        files=files,
        version="2004 4th Edition",
        namespaces=make.NAMESPACES_2004,
        spelled="adlcp:scormType",
    )


PAGE_CMI5 = f"""<!doctype html><meta charset="utf-8"><h1>One</h1><p id="out"></p>
<script>const given = new URLSearchParams(location.search);{ATTEMPT}</script>"""
STRUCTURE = """<?xml version="1.0" encoding="utf-8"?>
<courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
<course id="https://hostile.example/course"><title><langstring lang="en">Small course
</langstring></title><description><langstring lang="en">Hostile</langstring></description>
</course><au id="https://hostile.example/unit" moveOn="Completed"><title><langstring
lang="en">One</langstring></title><description><langstring lang="en">One</langstring>
</description><url>unit/page.html</url></au></courseStructure>"""


ASKS_ONCE = """
fetch(given.get("fetch"), { method: "POST" })
  .then(async (answer) => String("auth-token" in (await answer.json())))
"""


def hostile_cmi5() -> bytes:
    """Give a package of cmi5 with the same page."""
    return make.package({"cmi5.xml": STRUCTURE, "unit/page.html": PAGE_CMI5, **BESIDE})


# a package of each standard, and how its unit shows that its run-time still works
PACKAGES = {
    "scorm_12": (
        lambda: scorm_12({"One": unit("One", HOSTILE)}, BESIDE),
        "api.LMSSetValue('cmi.core.lesson_location', 'end')",
    ),
    "scorm_2004": (hostile_2004, "api.SetValue('cmi.location', 'end')"),
    "cmi5": (hostile_cmi5, ASKS_ONCE),
}


@pytest.fixture
def origins(request: pytest.FixtureRequest, site: Site) -> dict[str, Any]:
    build, works = PACKAGES[getattr(request, "param", "scorm_12")]
    package = site.add(build())
    mine, other = site.launch(package), site.launch(package, learner="learner-2")
    return {
        "mine": mine,
        "other": origin_of(site, other),
        "package": package,
        "others": other,
        "works": works,
    }


def origin_of(site: Site, opened: Opened) -> str:
    with reading(site.parts.engine) as db:
        label = get_launch(db, launch_id=opened.launch_id).label
    return urls.content_origin(site.parts.config, label)


def frame_of(page: Page, part: str) -> Frame:
    return next(one for one in page.frames if part in one.url)


def show(page: Page, opened: Opened) -> FrameLocator:
    """Open the launch and wait for its unit."""
    page.goto(opened.url)
    inner = page.frame_locator("#unit").frame_locator("#unit")
    expect(inner.locator("h1")).to_have_text("One")
    return inner


@pytest.mark.parametrize("origins", PACKAGES, indirect=True)
def test_f19_nothing_gets_out(
    site: Site, context: BrowserContext, origins: dict[str, Any]
) -> None:
    portal = site.parts.config.portal_url
    session = {"name": "portal_session", "value": "secret", "url": portal}
    context.add_cookies([{**session, "sameSite": "Lax", "httpOnly": False}])  # type: ignore[typeddict-item]
    seen: list[tuple[str, str, str]] = []

    def watch(environ: dict[str, Any]) -> None:
        if "portal_session" in environ.get("HTTP_COOKIE", ""):
            seen.append((environ["HTTP_HOST"], environ["PATH_INFO"], "cookie"))

    site.refuse = watch
    page = context.new_page()
    show(page, origins["mine"])
    address, title = page.url, page.title()
    before = [page.locator(part).inner_html() for part in (".titles", ".body")]
    site.requests.clear()
    seen.clear()
    out = {}
    for name, body in ESCAPES.items():
        frame = frame_of(page, "/page.html")
        frame.evaluate(
            f"window.PORTAL = {portal!r}; window.OTHER = {origins['other']!r}"
        )
        out[name] = frame.evaluate("(body) => window.attempt(body)", body)
        assert page.url == address, name
    assert [name for name, got in out.items() if got] == []
    assert len(out) >= 60
    assert page.title() == title
    after = [page.locator(part).inner_html() for part in (".titles", ".body")]
    assert after == before
    assert [one for one in site.requests if one[2] in {"/forged", "/gone"}] == []
    assert [one for one in seen if "content." in one[0]] == []
    # the run-time goes on working after all that
    assert frame_of(page, "/page.html").evaluate(origins["works"]) == "true"
    print(  # noqa: T201 - the figure
        f"F19: {len(out)} escapes tried by {origins['package'].standard}, 0 succeeded"
    )


REFRESH = """
const meta = document.createElement("meta");
meta.httpEquiv = "refresh";
meta.content = `0;url=${PORTAL}/forged`;
document.head.append(meta);
"""


@pytest.mark.parametrize(
    ("part", "go"),
    [
        ("/page.html", "location = PORTAL + '/forged'"),
        ("/page.html", "location.replace(PORTAL + '/forged')"),
        ("/page.html", REFRESH),
        ("/__player/shell", "location = PORTAL + '/forged'"),
        ("/__player/shell", "location = 'https://example.org/'"),
        ("/__player/shell", "location = 'data:text/html,<h1>Sign in</h1>'"),
    ],
    ids=[
        "unit",
        "unit-replaced",
        "unit-refreshed",
        "shell",
        "shell-away",
        "shell-data",
    ],
)
def test_f19_a_frame_that_leaves_gets_nowhere(
    site: Site,
    context: BrowserContext,
    origins: dict[str, Any],
    part: str,
    go: str,
) -> None:
    """The frame may be lost to the unit itself; the portal is not reached by it."""
    portal = site.parts.config.portal_url
    page = context.new_page()
    show(page, origins["mine"])
    address = page.url
    site.requests.clear()
    frame = frame_of(page, part)
    with contextlib.suppress(Error):
        frame.evaluate(f"window.PORTAL = {portal!r}; {go}")
    # the browser has had every chance: what it refuses, it shows in the frame
    page.wait_for_timeout(500)
    if part == "/__player/shell":
        expect(page.locator("#cover")).to_contain_text("left its place")
    assert page.url == address
    assert [one for one in site.requests if one[2] == "/forged"] == []
    own = {"", "chrome-error://chromewebdata", portal}
    own.add(origin_of(site, origins["mine"]))
    assert {origin(one.url) for one in page.frames} <= own


def origin(url: str) -> str:
    """Give scheme, host and port of an address; nothing where it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


# what a unit that has laid hands on the shell's port may say to the portal's page
NASTY = "<img src=x onerror=\"window.xss = 1; document.title = 'xss'\">"
MESSAGES: list[Any] = [
    None,
    1,
    NASTY,
    [],
    {"type": NASTY},
    {"type": "entry"},
    {"type": "entry", "entry": {"seq": "1", "uuid": 1, "changes": {}}},
    {"type": "entry", "entry": {"seq": 1, "uuid": NASTY, "changes": []}},
    {"type": "unit", "state": "failed", "status": NASTY},
    {"type": "lacking", "missing": NASTY, "hosts": [NASTY]},
    {"type": "lacking", "missing": 1, "hosts": NASTY},
    {"type": "ready", "tails": NASTY},
    {"type": "closed", "finished": NASTY},
    {"type": "__proto__", "entry": {"__proto__": {"seq": 1}}},
    {"type": "log", "calls": [{"f": NASTY, "a": [NASTY], "r": NASTY, "e": NASTY}]},
    {"type": "calls", "calls": NASTY},
    {"type": "next", "unit": NASTY, "url": "javascript:window.xss = 1"},
]
STEAL = """
() => {
  const ports = parent.MessagePort.prototype;
  const send = ports.postMessage;
  return new Promise((ok) => {
    ports.postMessage = function (data, ...rest) {
      window.port = this;
      ports.postMessage = send;
      ok(true);
      return send.call(this, data, ...rest);
    };
    api.LMSSetValue("cmi.core.lesson_location", "stolen");
    api.LMSCommit("");
  });
}
"""


def test_f19_messages_of_a_stolen_port_are_only_text(
    site: Site, context: BrowserContext, origins: dict[str, Any]
) -> None:
    """The shell is the unit's own origin: its port can be taken, and gives nothing."""
    page = context.new_page()
    failures: list[str] = []
    page.on("dialog", lambda dialog: (failures.append("dialog"), dialog.dismiss()))
    show(page, origins["mine"])
    address, title = page.url, page.title()
    frame = frame_of(page, "/page.html")
    assert frame.evaluate(STEAL)
    for message in MESSAGES:
        frame.evaluate("(message) => window.port.postMessage(message)", message)
    page.wait_for_timeout(500)
    assert (page.url, page.title(), failures) == (address, title, [])
    assert page.evaluate("window.xss") is None
    assert page.locator("img[src='x']").count() == 0
    assert page.evaluate("Object.prototype.seq") is None


FORGED = """
const stored = %s;
Object.defineProperty(stored, "getItem", { value: (key) => stored[key] ?? null });
Object.defineProperty(stored, "setItem", { value: (key, value) => (stored[key] = value) });
Object.defineProperty(stored, "removeItem", { value: (key) => delete stored[key] });
if (location.pathname === "/__player/shell")
  Object.defineProperty(window, "localStorage", { value: stored });
"""


def test_f19_a_tail_forged_for_another_learner_is_refused(
    site: Site, context: BrowserContext, origins: dict[str, Any]
) -> None:
    """What the shell hands over of earlier visits names launches: not everybody's."""
    victim = origins["others"]
    page = context.new_page()
    entry = {
        "uuid": str(uuid.uuid4()),
        "seq": 1,
        "kind": "initialize",
        "changes": [["cmi.core.lesson_status", "passed"]],
        "at": "2026-03-02T17:00:00.000Z",
        "mono": 1,
        "prev": "",
    }
    # browsers that give framed sites a storage let the unit write there
    stored = {f"__player.tail.{victim.launch_id}": json.dumps([entry])}
    page.add_init_script(FORGED % json.dumps(stored))
    site.requests.clear()
    show(page, site.launch(origins["package"]))
    tried = [one for one in site.requests if str(victim.launch_id) in one[2]]
    assert tried, "the forged tail was not even sent: this test shows nothing"
    with reading(site.parts.engine) as db:
        mine = Entry.launch_id == victim.launch_id
        assert db.scalars(select(Entry.seq).where(mine)).all() == []
        aside = SideEntry.launch_id == victim.launch_id
        assert db.scalars(select(SideEntry.seq).where(aside)).all() == []


def test_f19_the_same_attempts_succeed_without_the_walls(
    site: Site, context: BrowserContext, origins: dict[str, Any]
) -> None:
    """The control: the same scripts, run as a page of the portal itself, get through."""
    page = context.new_page()
    site.refuse = lambda environ: (
        ("200 OK", "text/html", b"<h1>control</h1>")
        if environ["PATH_INFO"] in {"/control", "/forged"}
        else None
    )
    portal = site.parts.config.portal_url
    page.goto(f"{portal}/control")
    page.evaluate(
        "([portal, source]) => { window.api = {LMSInitialize() {}};"
        " window.PORTAL = portal; window.OTHER = portal;"
        " const s = document.createElement('script'); s.textContent = source;"
        " document.body.append(s); }",
        [portal, HOSTILE],
    )
    works = {
        name: page.evaluate("(body) => window.attempt(body)", ESCAPES[name])
        for name in (
            "read the portal's document",
            "fetch from the portal",
            "fetch with cookies",
            "read the portal's storage",
            "call the portal's functions",
        )
    }
    assert all(works.values()), json.dumps(works)


def test_a_package_cannot_be_framed_by_others(
    site: Site, context: BrowserContext, origins: dict[str, Any]
) -> None:
    origin = origin_of(site, origins["mine"])
    page = context.new_page()
    site.refuse = lambda environ: (
        ("200 OK", "text/html", f"<iframe src='{origin}/x.html'></iframe>".encode())
        if environ["PATH_INFO"] == "/embedder"
        else None
    )
    page.goto(f"http://127.0.0.1:{site.port}/embedder")
    page.wait_for_timeout(500)
    [_, framed] = page.frames
    assert framed.locator("#other").count() == 0


@pytest.mark.parametrize("scope", ["/", "/__player/"])
def test_a_service_worker_is_refused_by_the_server(
    site: Site, context: BrowserContext, origins: dict[str, Any], scope: str
) -> None:
    """Opened as a page of its own, where the browser itself would allow one."""
    page = context.new_page()
    page.goto(f"{origin_of(site, origins['mine'])}/x.html")
    error = page.evaluate(
        "(scope) => navigator.serviceWorker.register('/worker.js', {scope})"
        ".then(() => '', (error) => error.message)",
        scope,
    )
    assert "403" in error
    assert page.evaluate("fetch('/worker.js').then((answer) => answer.status)") == 200


def test_what_one_learner_stores_no_other_reads(
    site: Site, context: BrowserContext, origins: dict[str, Any]
) -> None:
    """Opened as pages of their own, where every browser lets them store."""
    mine, other = origin_of(site, origins["mine"]), origins["other"]
    first, second = context.new_page(), context.new_page()
    first.goto(f"{mine}/x.html")
    first.evaluate(
        "localStorage.setItem('secret', '1');"
        "document.cookie = 'secret=1'; caches.open('secret');"
    )
    second.goto(f"{other}/x.html")
    assert second.evaluate("localStorage.getItem('secret')") is None
    assert "secret" not in second.evaluate("document.cookie")
    assert second.evaluate("caches.keys()") == []
    again = context.new_page()
    again.goto(f"{mine}/x.html")
    assert again.evaluate("localStorage.getItem('secret')") == "1"
