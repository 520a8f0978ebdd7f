"""What a hostile unit tries, each by its name (F19, T5, T6)."""

from __future__ import annotations

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
    # what else a page may send or load without asking anybody
    "a module from the portal": (
        "return !!(await import(PORTAL + '/assets/player/queue.js'));"
    ),
    "a style from the portal": (
        "const l = document.createElement('link'); l.rel = 'stylesheet';"
        "l.href = PORTAL + '/forged'; document.head.append(l);"
        "return new Promise((ok) => { l.onload = () => ok(true);"
        " l.onerror = () => ok(false); });"
    ),
    "a style that loads from the portal": (
        "const s = document.createElement('style');"
        "s.textContent = `@import url(${PORTAL}/forged);"
        " body { background: url(${PORTAL}/forged) }`;"
        "document.head.append(s); return wait();"
    ),
    "a font from the portal": (
        "const f = new FontFace('x', `url(${PORTAL}/forged)`);"
        "return !!(await f.load());"
    ),
    "a film from the portal": (
        "const v = document.createElement('video'); v.src = PORTAL + '/forged';"
        "document.body.append(v); v.load(); return wait();"
    ),
    "a page fetched ahead": (
        "const l = document.createElement('link'); l.rel = 'prefetch';"
        "l.href = PORTAL + '/forged'; document.head.append(l); return wait();"
    ),
    "a page built ahead": (
        "const s = document.createElement('script'); s.type = 'speculationrules';"
        "s.textContent = JSON.stringify({prerender: [{source: 'list',"
        " urls: [PORTAL + '/forged']}], prefetch: [{source: 'list',"
        " urls: [PORTAL + '/forged']}]});"
        "document.head.append(s); return wait();"
    ),
    "a ping of a link": (
        "const a = document.createElement('a'); a.href = '#'; a.ping = PORTAL + '/forged';"
        "document.body.append(a); a.click(); return wait();"
    ),
    "a form to the portal in a new window": (
        "const f = document.createElement('form'); f.action = PORTAL + '/forged';"
        "f.method = 'post'; f.target = '_blank'; document.body.append(f); f.submit();"
        "return wait();"
    ),
    "a worker that asks the portal": (
        "const w = new Worker(URL.createObjectURL(new Blob([`fetch('${PORTAL}/forged',"
        " {mode: 'no-cors'}).then(() => postMessage(true), () => postMessage(false))`])));"
        "return new Promise((ok) => { w.onmessage = ({data}) => ok(data);"
        " w.onerror = () => ok(false); });"
    ),
    "a frame of data that asks the portal": (
        "const i = document.createElement('iframe');"
        "i.src = 'data:text/html,' + encodeURIComponent(`<script>fetch('${PORTAL}/forged',"
        " {mode: 'no-cors'}).then(() => parent.postMessage('out', '*'))<\\/script>`);"
        "document.body.append(i);"
        "return new Promise((ok) => { onmessage = ({data}) => ok(data === 'out');"
        " setTimeout(() => ok(false), 300); });"
    ),
    "a frame without the sandbox": (
        "const i = document.createElement('iframe'); i.sandbox ="
        " 'allow-scripts allow-same-origin allow-top-navigation';"
        "i.srcdoc = `<script>top.location = '${PORTAL}/gone'<\\/script>`;"
        "document.body.append(i); return wait();"
    ),
    "another base for addresses": (
        "const b = document.createElement('base'); b.href = PORTAL + '/';"
        "document.head.prepend(b); const is = document.baseURI.startsWith(PORTAL);"
        "b.remove(); return is;"
    ),
    # the window, the machine, the person
    "go back in the window's history": "history.go(-5); return wait();",
    "close the window": "top.close(); await wait(); return top.closed;",
    "the camera": (
        "return !!(await navigator.mediaDevices.getUserMedia({video: true}));"
    ),
    "the learner's place": (
        "return new Promise((ok) => navigator.geolocation.getCurrentPosition("
        "() => ok(true), () => ok(false)));"
    ),
    "a notification": "return (await Notification.requestPermission()) === 'granted';",
    "what was copied elsewhere": "return !!(await navigator.clipboard.readText());",
    # what lies beside the unit on its own host
    "a file above the package": (
        "const a = await fetch('/../../etc/passwd'); return a.ok;"
    ),
    "a file by another spelling": (
        "const a = await fetch('/%2e%2e/%2e%2e/etc/passwd'); return a.ok;"
    ),
    "the portal's pages on its own host": (
        "const a = await fetch('/launches/00000000-0000-4000-8000-000000000000');"
        "return a.ok;"
    ),
    "the record store on its own host": (
        "const a = await fetch('/xapi/statements'); return a.ok;"
    ),
    "the record store with what the browser knows": (
        "const a = await fetch(PORTAL + '/xapi/statements', {credentials: 'include',"
        " headers: {'X-Experience-API-Version': '1.0.3'}}); return a.ok;"
    ),
}
