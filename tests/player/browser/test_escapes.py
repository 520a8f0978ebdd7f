"""A hostile package tries to get out of its frame (F19, T5, T6); nothing works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from lrs.db import reading
from player import urls
from player.launches import get_launch
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from player.launches import Opened
    from tests.player.site import Site

# Each is the body of an async function that gives true when it got out. PORTAL and
# OTHER are the portal's origin and another learner's content origin.
ESCAPES = {
    "read the portal's document": "return !!top.document.body;",
    "read the portal's address": "return !!top.location.href;",
    "read the page between": (
        "return parent.parent !== parent && !!parent.parent.document;"
    ),
    "read the page around the shell": "return !!parent.frameElement.ownerDocument;",
    "find a token in the shell": (
        "return /token|v1\\.[0-9a-f]{32}/.test(parent.document.documentElement.outerHTML)"
        " || Object.keys(parent).some((key) => /token|journal/i.test(key));"
    ),
    "read the portal's globals": "return !!top.rollcall;",
    "call the portal's functions": "top.eval('1'); return true;",
    "send the window elsewhere": "top.location = 'about:blank#out'; return wait();",
    "replace the window": "top.location.replace(PORTAL + '/gone'); return wait();",
    "open over the window": "return !!window.open(PORTAL + '/gone', '_top');",
    "open over the player page": "return !!window.open(PORTAL + '/gone', '_parent')"
    " && !!parent.location.href.includes('/gone');",
    "a link over the window": (
        "const a = document.createElement('a'); a.href = PORTAL + '/gone';"
        "a.target = '_top'; document.body.append(a); a.click(); return wait();"
    ),
    "a form over the window": (
        "const f = document.createElement('form'); f.action = PORTAL + '/gone';"
        "f.target = '_top'; document.body.append(f); f.submit(); return wait();"
    ),
    "post a form to the portal": (
        "const i = document.createElement('iframe'); i.name = 'sink';"
        "document.body.append(i); const f = document.createElement('form');"
        "f.method = 'post'; f.action = PORTAL + '/forged'; f.target = 'sink';"
        "document.body.append(f); f.submit(); return wait();"
    ),
    "fetch from the portal": "return !!(await fetch(PORTAL + '/forged'));",
    "fetch with cookies": (
        "return !!(await fetch(PORTAL + '/forged', "
        "{mode: 'no-cors', credentials: 'include', method: 'POST'}));"
    ),
    "beacon to the portal": (
        "navigator.sendBeacon(PORTAL + '/forged', 'x'); return wait();"
    ),
    "a socket to the portal": (
        "const s = new WebSocket(PORTAL.replace('http', 'ws') + '/forged');"
        "return new Promise((ok) => { s.onopen = () => ok(true);"
        " s.onerror = () => ok(false); });"
    ),
    "events from the portal": (
        "const s = new EventSource(PORTAL + '/forged');"
        "return new Promise((ok) => { s.onopen = () => ok(true);"
        " s.onerror = () => ok(false); });"
    ),
    "a picture from the portal": (
        "const i = new Image(); i.src = PORTAL + '/forged';"
        "return new Promise((ok) => { i.onload = () => ok(true);"
        " i.onerror = () => ok(false); });"
    ),
    "a script from the portal": (
        "const s = document.createElement('script');"
        "s.src = PORTAL + '/assets/player/queue.js'; document.body.append(s);"
        "return new Promise((ok) => { s.onload = () => ok(true);"
        " s.onerror = () => ok(false); });"
    ),
    "frame the portal": (
        "const i = document.createElement('iframe'); i.src = PORTAL + '/forged';"
        "document.body.append(i); return wait();"
    ),
    "put the portal in the shell's place": (
        "const i = document.createElement('iframe'); document.body.append(i);"
        "i.contentWindow.location = PORTAL + '/forged'; return wait();"
    ),
    "embed the portal": (
        "const o = document.createElement('object'); o.data = PORTAL + '/forged';"
        "document.body.append(o); return wait();"
    ),
    "fetch from another learner's host": (
        "return !!(await fetch(OTHER + '/imsmanifest.xml', {mode: 'no-cors'}));"
    ),
    "a script from another learner's host": (
        "const s = document.createElement('script'); s.src = OTHER + '/x.js';"
        "document.body.append(s);"
        "return new Promise((ok) => { s.onload = () => ok(true);"
        " s.onerror = () => ok(false); });"
    ),
    "frame another learner's host": (
        "const i = document.createElement('iframe'); i.src = OTHER + '/x.html';"
        "document.body.append(i); await wait(); return !!i.contentDocument.body.id;"
    ),
    "widen the domain": (
        "document.domain = location.host.split('.').slice(1).join('.').split(':')[0];"
        "return document.domain !== location.hostname;"
    ),
    "a service worker": (
        "return !!(await navigator.serviceWorker.register('/worker.js'));"
    ),
    "a service worker before the shell": (
        "return !!(await navigator.serviceWorker.register('/worker.js',"
        " {scope: '/__player/'}));"
    ),
    "another host of the network": (
        "return !!(await fetch('http://127.0.0.1:9/', {mode: 'no-cors'}));"
    ),
    "pose as the shell": (
        "let port = false; addEventListener('message', (e) => {"
        " if (e.ports.length) port = true; });"
        "top.postMessage({type: 'rollcall.shell'}, PORTAL); await wait(); return port;"
    ),
    "hand the portal a port": (
        "const c = new MessageChannel(); top.postMessage({type: 'rollcall.shell'},"
        " '*', [c.port2]); return new Promise((ok) => {"
        " c.port1.onmessage = () => ok(true); setTimeout(() => ok(false), 300); });"
    ),
    "read the portal's storage": "return !!top.localStorage;",
    "read the journal": (
        "const all = await indexedDB.databases();"
        "return all.some((one) => one.name === 'rollcall-player');"
    ),
    "listen to the portal's tabs": (
        "const c = new BroadcastChannel('rollcall.player.REGISTRATION');"
        "return new Promise((ok) => { c.onmessage = () => ok(true);"
        " c.postMessage({type: 'opened', tab: 'x'}); setTimeout(() => ok(false), 300);"
        " });"
    ),
    "a window of the portal": (
        "const w = window.open(PORTAL + '/assets/player/frame.css');"
        "await wait(); return !!w && !!w.document.body;"
    ),
    "steer the window from another": (
        "const w = window.open('../x.html', 'second'); await wait(); await wait();"
        'w.eval("opener.top.location = \'" + PORTAL + "/gone\'"); return wait();'
    ),
    "read the portal from another window": (
        "const w = window.open('../x.html', 'third'); await wait(); await wait();"
        "return w.eval('!!opener.top.document.body');"
    ),
    "read the cookies": "return /portal_session/.test(document.cookie);",
}

HOSTILE = """
api.LMSInitialize("");
const wait = () => new Promise((ok) => setTimeout(() => ok(false), 300));
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


@pytest.fixture
def origins(site: Site) -> dict[str, Any]:
    package = site.add(
        scorm_12(
            {"One": unit("One", HOSTILE)},
            {
                "worker.js": "self.onfetch = () => {};",
                "x.js": "window.taken = true;",
                "x.html": "<body id='other'>other learner</body>",
            },
        )
    )
    mine, other = site.launch(package), site.launch(package, learner="learner-2")
    return {"mine": mine, "other": origin_of(site, other), "package": package}


def origin_of(site: Site, opened: Opened) -> str:
    with reading(site.parts.engine) as db:
        label = get_launch(db, launch_id=opened.launch_id).label
    return urls.content_origin(site.parts.config, label)


def test_nothing_gets_out(
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
    page.goto(origins["mine"].url)
    address, title = page.url, page.title()
    inner = page.frame_locator("#unit").frame_locator("#unit")
    expect(inner.locator("h1")).to_have_text("One")
    before = [page.locator(part).inner_html() for part in (".titles", ".body")]
    site.requests.clear()
    seen.clear()
    out = {}
    for name, body in ESCAPES.items():
        frame = next(one for one in page.frames if "/page.html" in one.url)
        frame.evaluate(
            f"window.PORTAL = {portal!r}; window.OTHER = {origins['other']!r}"
        )
        out[name] = frame.evaluate("(body) => window.attempt(body)", body)
        assert page.url == address, name
    assert [name for name, got in out.items() if got] == []
    assert len(out) >= 25
    assert page.title() == title
    after = [page.locator(part).inner_html() for part in (".titles", ".body")]
    assert after == before
    assert [one for one in site.requests if one[2] in {"/forged", "/gone"}] == []
    assert [one for one in seen if "content." in one[0]] == []
    # the run-time goes on working after all that
    frame = next(one for one in page.frames if "/page.html" in one.url)
    assert (
        frame.evaluate("api.LMSSetValue('cmi.core.lesson_location', 'end')") == "true"
    )


def test_the_same_attempts_succeed_without_the_walls(
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
