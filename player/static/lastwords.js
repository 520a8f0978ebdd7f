/**
 * What a unit says as its page closes, where it speaks to a server itself (HACP, xAPI).
 *
 * Units of their time send their last words by a synchronous request in an unload
 * handler. Browsers refuse that by now, and break off what is not finished then. Once a
 * page is about to close, its requests that write are handed to the browser as ones that
 * outlive the page (Fetch, `keepalive`); up to 64 KiB, which no browser exceeds.
 *
 * Nothing is changed in a window before: only when it is about to go.
 */

const READS = ["GET", "HEAD"];
const changed = new WeakSet();

/** Lets the requests that these windows still send outlive their pages. */
export function letSpeak(windows) {
  for (const one of windows) {
    if (changed.has(one)) continue;
    changed.add(one);
    changeRequests(one);
    changeFetch(one);
  }
}

function changeRequests(window) {
  const { prototype } = window.XMLHttpRequest;
  const { open, send, setRequestHeader } = prototype;
  const asked = new WeakMap();

  prototype.open = function (method, url, ...rest) {
    const address = new URL(url, window.document.baseURI).href;
    asked.set(this, { method: String(method).toUpperCase(), address, headers: [] });
    return open.call(this, method, url, ...rest);
  };
  prototype.setRequestHeader = function (name, value) {
    asked.get(this)?.headers.push([name, value]);
    return setRequestHeader.call(this, name, value);
  };
  prototype.send = function (body) {
    const request = asked.get(this);
    if (request === undefined) return send.call(this, body);
    const { method, address, headers } = request;
    // What would be read comes too late for the page that asks.
    if (READS.includes(method)) return undefined;
    const said = { method, headers, body, keepalive: true, credentials: "same-origin" };
    window.fetch(address, said).catch(() => {});
    return undefined;
  };
}

function changeFetch(window) {
  const { fetch } = window;
  window.fetch = (address, said) => {
    const method = String(said?.method ?? address?.method ?? "GET").toUpperCase();
    return READS.includes(method)
      ? fetch.call(window, address, said)
      : fetch.call(window, address, { ...said, keepalive: true });
  };
}
