/**
 * Lets frames of a unit lead each other. A sandboxed window may not send its brother to
 * another page, so the contents frame of a frameset stays without effect; this window
 * stands above them all, and may. Links with a target and `window.open` with a name go
 * where they say; a script that sets the location of a frame beside it cannot be helped.
 */

const watched = new WeakSet();

/** The windows of a unit that this origin may look into, the unit's own first. */
export function windowsOf(top) {
  const found = [];
  try {
    if (top.document) found.push(top);
    for (let n = 0; n < top.frames.length; n += 1) found.push(...windowsOf(top.frames[n]));
  } catch {
    // A frame of another site: its own affair.
  }
  return found;
}

/** The window that a name means, where the browser itself would not lead there. */
function named(root, from, name) {
  if (name === "_parent") return from === root ? null : from.parent;
  if (name === "" || name.startsWith("_")) return null;
  const below = new Set(windowsOf(from));
  return windowsOf(root).find((one) => one.name === name && !below.has(one)) ?? null;
}

function onClick(event, root, from) {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target?.closest?.("a[href], area[href]");
  if (!link || link.protocol === "javascript:" || link.hasAttribute("download")) return;
  const base = from.document.querySelector("base[target]")?.target ?? "";
  const found = named(root, from, (link.target || base).trim());
  if (found === null) return;
  event.preventDefault();
  found.location.assign(link.href);
}

function lead(root, from) {
  from.document.addEventListener("click", (event) => onClick(event, root, from));
  const open = from.open;
  from.open = (...given) => {
    const [url = "", name = ""] = given.map(String);
    const found = named(root, from, name);
    if (found === null) return open.apply(from, given);
    if (url !== "") found.location.assign(new URL(url, from.document.baseURI));
    return found;
  };
}

function watch(root) {
  for (const one of windowsOf(root)) {
    if (watched.has(one.document)) continue;
    watched.add(one.document);
    lead(root, one);
    for (const frame of one.document.querySelectorAll("frame, iframe")) {
      frame.addEventListener("load", () => watch(root));
    }
  }
}

/** Watches the unit in a frame, and whatever it loads there. */
export function leadFrames(unit) {
  unit.addEventListener("load", () => watch(unit.contentWindow));
}
