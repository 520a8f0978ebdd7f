/**
 * The shell: runs on the content's own origin, because content finds its API by
 * walking parent windows of the same origin, and speaks to the portal window only
 * through a MessagePort. It shares its origin with the content, so it holds nothing
 * that the content may not have: no token, no key, no name of another learner.
 *
 * When the tab is closed the portal window may be gone before the content's last call
 * (many units call LMSFinish in their unload handler). What the portal window has not
 * confirmed by then goes to the content host by beacon, and into this origin's
 * localStorage, which is handed to the portal window at the next visit.
 */

import { createApi } from "./api.js";
import { gatherCalls } from "./calls.js";
import { chainFrom } from "./chain.js";
import { leadFrames, windowsOf } from "./frames.js";
import { letSpeak } from "./lastwords.js";

/** Content that sets a value and never commits is saved after this pause. */
const SOON = 1000;
/** Calls that change nothing are told after this pause, for the log. */
const UNTOLD = 5000;
/** What beacons may carry together. */
const BEACON = 60_000;
/** By then a unit has asked for what it needs to begin. */
const SETTLED = 5000;
const TAIL = "__player.tail.";
const PORTAL = document.documentElement.dataset.portal;
const ENTRIES = "/__player/entries";
const portal = window.parent;
// Here the walk for an API ends, as at the top of a window: reading one from the portal
// window would throw, and a unit that looks for another API first never found its own.
window.parent = window;

const unit = document.getElementById("unit");

let port = null;
let launch = null;
let session = null;
let next = null;
let leaving = false;
let over = false;
let timer = null;
let telling = null;
const calls = gatherCalls(() => performance.now());
/** Entries that the portal window has not yet said to be on disk, then committed. */
let unkept = [];
let uncommitted = [];

/** This origin's storage; nothing where the browser denies it to framed sites. */
function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

const tailKeys = (store) => Object.keys(store).filter((key) => key.startsWith(TAIL));

/** What an earlier window of this origin could not hand over any more. */
function readTails() {
  const store = storage();
  if (store === null) return [];
  const tails = [];
  for (const key of tailKeys(store)) {
    try {
      tails.push({ launch: key.slice(TAIL.length), entries: JSON.parse(store.getItem(key)) });
    } catch {
      store.removeItem(key);
    }
  }
  return tails;
}

function dropTails() {
  const store = storage();
  if (store === null) return;
  for (const key of tailKeys(store)) store.removeItem(key);
}

/** The last way out: two, since neither is sure. */
function rescue() {
  if (launch === null || over || uncommitted.length === 0) return;
  try {
    if (unkept.length > 0) storage()?.setItem(TAIL + launch, JSON.stringify(unkept));
  } catch {
    // The package has filled its storage: the beacon remains.
  }
  const sent = new Date().toISOString();
  const packed = (entries) =>
    new Blob([JSON.stringify({ launch, entries, sent })], { type: "text/plain" });
  const all = packed(uncommitted);
  // The log may be left behind, the work may not.
  const bare = () => packed(uncommitted.map(({ calls: _, ...entry }) => entry));
  navigator.sendBeacon(ENTRIES, all.size <= BEACON ? all : bare());
}

function emit(kind, changes) {
  clearTimeout(timer);
  clearTimeout(telling);
  timer = telling = null;
  if (over) return;
  const entry = { ...next(kind, changes), calls: calls.take() };
  unkept.push(entry);
  uncommitted.push(entry);
  port.postMessage({ type: "entry", entry });
  if (leaving) rescue();
}

function soon() {
  timer ??= setTimeout(() => session.flush(), SOON);
}

/** Hands over calls that no change has taken along. */
function tell() {
  if (calls.waiting > 0) emit("log", []);
}

function trace(call) {
  calls.note(call);
  telling ??= setTimeout(tell, UNTOLD);
}

function startScorm({ elements, values }) {
  session = createApi({ table: elements, values, emit, soon, trace });
  window[elements.api.object] = session.api;
}

/** A unit that speaks to the server by itself: nothing of it passes through here. */
function startPlain() {
  session = { flush() {}, state: "elsewhere" };
}

/**
 * An asset was looked at once it is loaded, and is then left. It need not speak to the
 * run-time, but may: many packages call assets what are SCOs.
 */
function startAsset(given) {
  startScorm(given);
  const run = session;
  let looked = "";
  session = {
    flush: run.flush,
    loaded() {
      looked = "running";
      emit("initialize", []);
    },
    closed() {
      if (run.state !== "before") return;
      looked = "after";
      emit("terminate", []);
    },
    get state() {
      return run.state === "before" && looked !== "" ? looked : run.state;
    },
  };
}

/** The HTTP status of the page in the unit's frame; 0 where it cannot be known. */
function statusOfUnit() {
  try {
    const [entry] = unit.contentWindow.performance.getEntriesByType("navigation");
    return entry?.responseStatus ?? 0;
  } catch {
    return 0;
  }
}

/** What a silent unit may lack: files that were not there, scripts of other sites. */
function lacking() {
  const hosts = new Set();
  let missing = 0;
  for (const one of windowsOf(unit.contentWindow)) {
    const loaded = one.performance.getEntriesByType("resource");
    // What a script asks for may be a question; what a page names should be there.
    missing += loaded.filter(
      ({ responseStatus, initiatorType }) =>
        responseStatus >= 400 && !["fetch", "xmlhttprequest", "beacon"].includes(initiatorType),
    ).length;
    for (const { src } of one.document.querySelectorAll("script[src], iframe[src]")) {
      const { protocol, host } = new URL(src, one.location.href);
      if (/^https?:$/.test(protocol) && host !== window.location.host) hosts.add(host);
    }
  }
  return { missing, hosts: [...hosts] };
}

/** Whether the frame shows a page of this site, not the browser's own that it failed. */
function isHere() {
  try {
    return unit.contentDocument !== null;
  } catch {
    return false;
  }
}

let loads = 0;
let isOwn = true;
/** Whether the unit speaks to the server itself; one of AICC may do both. */
let speaksItself = false;

function onUnitLoad() {
  loads += 1;
  const status = statusOfUnit();
  const failed = status >= 400 || (loads === 1 && isOwn && !isHere());
  const reports = !speaksItself;
  port.postMessage({ type: "unit", state: failed ? "failed" : "loaded", status, reports });
  if (failed) return;
  if (session.state === "before") session.loaded?.();
  setTimeout(() => port.postMessage({ type: "lacking", ...lacking() }), SETTLED);
}

/** Unloads the unit, so that it says its last words, and reports when it has. */
function closeUnit() {
  unit.onload = () => {
    unit.onload = null;
    session?.flush();
    if (session?.state === "running") session.closed?.();
    tell();
    port.postMessage({ type: "closed", finished: session?.state === "after" });
  };
  giveWord();
  unit.src = "about:blank";
}

function giveWord() {
  if (speaksItself && session !== null) letSpeak(windowsOf(unit.contentWindow));
}

function onPortMessage({ data }) {
  if (data?.type === "kept") {
    unkept = unkept.filter(({ seq }) => seq > data.seq);
    if (unkept.length === 0) storage()?.removeItem(TAIL + launch);
  } else if (data?.type === "committed") {
    uncommitted = uncommitted.filter(({ seq }) => seq > data.seq);
  } else if (data?.type === "start") {
    start(data);
  } else if (data?.type === "tails_kept") {
    dropTails();
  } else if (data?.type === "close") {
    closeUnit();
  } else if (data?.type === "over") {
    session?.flush();
    over = true;
  }
}

function start(given) {
  launch = given.launch;
  next = chainFrom({
    seq: given.committed_seq,
    prev: given.prev,
    now: () => Date.now(),
    mono: () => performance.now(),
  });
  if (given.elements?.api === undefined) startPlain();
  else if (given.kind === "asset") startAsset(given);
  else startScorm(given);
  unit.title = given.title;
  unit.onload = onUnitLoad;
  leadFrames(unit);
  speaksItself = session.state === "elsewhere" || given.standard === "aicc";
  const isWhole = /^https?:\/\//.test(given.entry);
  isOwn = !isWhole || given.entry.startsWith(`${window.location.origin}/`);
  unit.src = isWhole ? given.entry : `/${given.entry}`;
}

window.addEventListener("message", (event) => {
  if (port !== null || event.origin !== PORTAL || event.source !== portal) return;
  if (event.data?.type !== "rollcall.port" || event.ports.length !== 1) return;
  [port] = event.ports;
  port.onmessage = onPortMessage;
  port.postMessage({ type: "ready", tails: readTails() });
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") session?.flush();
});
window.addEventListener("pagehide", () => {
  leaving = true;
  giveWord();
  session?.flush();
  rescue();
});
// Not at once: within the event the frame itself is not focused yet.
window.addEventListener("focus", () => setTimeout(() => unit.contentWindow.focus()));
window.addEventListener("pageshow", () => {
  leaving = false;
});

portal.postMessage({ type: "rollcall.shell" }, PORTAL);
