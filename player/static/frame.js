/**
 * The player page: brings shell, journal and server together and shows the learner how
 * things stand. Order matters: the journal's leftovers go out before the launch is
 * started, because what the unit finds when it resumes is decided at the start.
 */

import {
  $,
  askToLeave,
  closeNarrowMenu,
  cover,
  given,
  listenToMenu,
  notice,
  show,
  uncover,
} from "./display.js";
import { follow, heardOf, untilOver } from "./heard.js";
import { Journal } from "./journal.js";
import { countTime, lockOf, showAll, showUnits, showWay } from "./progress.js";
import { post, Queue } from "./queue.js";
import { openWindow } from "./window.js";
import { endText, lackingText, windowText } from "./words.js";

const SHELL_PATIENCE = 20_000;
const CLOSE_PATIENCE = 4000;
const LEAVE_PATIENCE = 6000;
const TAKEOVER_PATIENCE = 3000;
const END_PATIENCE = 4000;
const SECOND_LOAD = 1500;
/** A first page that takes longer than this is said to be late. */
const LATE = 30_000;
/** A unit that has not called its API by then probably never will. */
const SILENCE = 60_000;

const token = { current: given.token };
const tab = Math.random().toString(36).slice(2);
const channel = new BroadcastChannel(`rollcall.player.${given.registration}`);
const later = (ms) => new Promise((done) => setTimeout(done, ms));
let journal = null;
let queue = null;
let port = null;
let over = false;
let reported = false;
let leaving = false;
let started = false;
let shown = false;
let ended = false;
let ahead = false;
/** The unit speaks to the server by itself; it has led to the page that ends it. */
let apart = false;
let left = false;
let release = () => {};
let closed = () => {};
let puts = Promise.resolve();

// The token has done its work; it need not stand in the address bar and the history.
window.history.replaceState(null, "", window.location.pathname);

/** Ends this window's part: another launch or another tab has the course now. */
function giveUp(title, text, { retry = true, state = "superseded" } = {}) {
  over = true;
  port?.postMessage({ type: "over" });
  show({ state });
  cover(title, text, { leave: true, retry });
}

let warned = false;
function warnOfMemory() {
  if (warned) return;
  warned = true;
  notice(
    "Your browser cannot keep your work on this computer (its storage is full or switched off). " +
      "It is sent as you go: do not close this page before it says that all is saved.",
  );
}

function onQueue(now) {
  if (over) return;
  show(now);
  if (now.state === "failed") return;
  if (now.answer !== null) {
    port?.postMessage({ type: "committed", seq: now.answer.committed_seq });
    const { completion, units, next } = now.answer;
    showUnits(units ?? [{ index: given.unit, completion }]);
    if (ended && now.state === "saved") finished(completion);
    if (next) followContent(next);
  }
  if (now.state === "refused") {
    giveUp(
      "This unit cannot be saved any further",
      "It sent something that the server cannot read. All before that is saved; go back " +
        "to the course and open the unit again.",
      { retry: false, state: "refused" },
    );
    release();
  }
  if (now.state === "superseded") {
    giveUp(
      "This course was opened elsewhere",
      "You can go on there. What you did here since then was kept, but it does not count.",
      { retry: false },
    );
    release();
  }
}

function askToSignIn() {
  notice("You were signed out. Your work is kept here and sent as soon as you sign in again.", {
    label: "Sign in (new window)",
    action: () => window.open(given.sign_in_url, "_blank", "popup,width=520,height=720"),
  });
}

/** The one sender of this registration on this computer: an older tab gives way. */
async function takeOver() {
  channel.postMessage({ type: "opened", tab });
  if (navigator.locks === undefined) return;
  const name = `rollcall.player.${given.registration}`;
  const hold = (granted) => () => {
    granted();
    return new Promise((done) => {
      release = done;
    });
  };
  const asked = new Promise((granted) => {
    navigator.locks.request(name, hold(granted)).catch(() => {});
  });
  if (await Promise.race([asked.then(() => true), later(TAKEOVER_PATIENCE)])) return;
  await new Promise((granted) => {
    navigator.locks.request(name, { steal: true }, hold(granted)).catch(() => {});
  });
}

channel.onmessage = async ({ data }) => {
  if (data?.type !== "opened" || data.tab === tab || over) return;
  giveUp("This course is open in another tab", "Go on there, or take it up here again.");
  await later(300);
  await puts.catch(() => {});
  queue?.stop();
  release();
};

/** The unit has put something else where the shell was: nothing is saved any more. */
function onShellGone() {
  if (leaving || over || !started) return;
  show({ state: "failed" });
  cover(
    "The unit has left its place",
    "What you did in it until now is kept. Open it again to go on.",
    { retry: true, leave: true },
  );
}

/** Loads the shell and settles with what an earlier window there could not hand over. */
function openShell() {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("shell")), SHELL_PATIENCE);
    window.onmessage = (event) => {
      const frame = $("unit").contentWindow;
      if (event.origin !== given.content || event.source !== frame) return;
      if (event.data?.type !== "rollcall.shell") return;
      if (started) {
        // The unit has loaded its surroundings again: the launch begins anew.
        window.location.reload();
        return;
      }
      const pipe = new MessageChannel();
      port?.close();
      port = pipe.port1;
      port.onmessage = (message) => {
        if (message.data?.type === "ready") {
          clearTimeout(timer);
          resolve(Array.isArray(message.data.tails) ? message.data.tails : []);
        } else {
          onShell(message.data);
        }
      };
      frame.postMessage({ type: "rollcall.port" }, given.content, [pipe.port2]);
    };
    // Loaded a second time, it is either the shell again, which soon says so, or not.
    $("unit").onload = () => started && setTimeout(onShellGone, SECOND_LOAD);
    $("unit").src = `${given.content}/__player/shell`;
  });
}

const isEntry = (entry) =>
  typeof entry === "object" && entry !== null && Number.isInteger(entry.seq) &&
  typeof entry.uuid === "string" && Array.isArray(entry.changes);

function onShell(data) {
  if (data?.type === "entry" && isEntry(data.entry)) {
    const { kind } = data.entry;
    if (kind !== "log") reported = true;
    if (kind === "initialize") ended = false;
    if (kind === "terminate" && !leaving) onEnd();
    puts = puts
      .then(() => queue.add(data.entry))
      .then((isOnDisk) => {
        if (isOnDisk) port.postMessage({ type: "kept", seq: data.entry.seq });
        else warnOfMemory();
      });
  } else if (data?.type === "unit" && data.state === "failed") {
    shown = true;
    cover(
      "The unit cannot be shown",
      data.status > 0
        ? `Its first page was answered with ${Number(data.status)}. Tell your administrator; the package may be damaged.`
        : "Its first page could not be loaded: the network failed, or something on this computer blocks it.",
      { retry: true, leave: true },
    );
  } else if (data?.type === "unit") {
    shown = true;
    if (!leaving && !left) uncover();
    if (data.reports !== false) setTimeout(() => reported || over || silent(), SILENCE);
  } else if (data?.type === "lacking") {
    const text = lackingText(data);
    if (text !== null && !over) notice(text);
  } else if (data?.type === "closed") {
    closed();
  }
}

let warnedOfRefusal = false;
function warnOfRefusal() {
  warnedOfRefusal = true;
  notice(
    "This unit reports in a way that the server refuses, so your progress in it may not " +
      "be recorded; tell your training manager.",
  );
}

/** A unit that speaks to the server by itself has got somewhere. */
function onHeard({ state, completion, refused = false }) {
  reported ||= state !== "silent" || refused;
  if (refused && !warnedOfRefusal && completion !== "completed") warnOfRefusal();
  showUnits([{ index: given.unit, completion }]);
  if (state === "over" && !left) finished(completion);
}

function silent() {
  notice(
    "This unit has not reported anything so far. If you have worked in it for a while, " +
      "your progress may not be recorded; tell your training manager.",
  );
}

/** What it came to is told once the server has said; soon anyway, if that takes long. */
function onEnd() {
  ended = true;
  setTimeout(() => ended && finished(), END_PATIENCE);
}

/** The unit has said goodbye, often by trying to close a window that it does not own. */
function finished(completion) {
  ended = false;
  if (leaving || over || ahead) return;
  const next = $("next");
  const hasNext = next !== null && !next.disabled;
  const way = hasNext ? { label: "Next unit", action: () => next.click() } : {};
  notice(endText({ completion, hasNext }), way);
}

/** Goes where content itself has asked to go, once its work is saved. */
function followContent({ unit, exit }) {
  if (leaving || over || ahead) return;
  if (Number.isInteger(unit)) {
    ahead = true;
    leaveThen(() => toUnit(unit));
  } else if (exit === true) {
    ahead = true;
    leaveThen(toReturn);
  }
}

/** A page that does not come is told of; it may still come. */
function tellOfDelay() {
  setTimeout(() => {
    if (shown || over || leaving) return;
    cover(
      "The unit is slow to open",
      "Its first page has not come yet: the network is slow, or something on it holds the page back. It is shown as soon as it is here.",
      { retry: true, leave: true },
    );
  }, LATE);
}

/** Sends what earlier visits left on this computer. */
async function flushLeftovers(tails) {
  for (const { launch, entries } of tails) {
    if (typeof launch !== "string" || !Array.isArray(entries)) continue;
    for (const entry of entries.filter(isEntry)) await journal.put(launch, entry);
  }
  port.postMessage({ type: "tails_kept" });
  const launches = await journal.launches();
  if (launches.length === 0) return;
  cover("Sending saved work", "Work from your last visit is sent first.", { busy: true });
  await queue.run(launches);
}

async function startLaunch() {
  for (let tries = 1; ; tries += 1) {
    const { status, body, retry } = await post(`/launches/${given.launch}/start`, {
      token: token.current,
      body: {},
      fetch: (...all) => fetch(...all),
      now: () => Date.now(),
    });
    if (status === 200 && typeof body?.entry === "string") return body;
    if ([403, 404, 409, 410].includes(status)) return { refused: body ?? {} };
    if (status === 401) {
      cover("This link has expired", "Open the course again from your course list.", {
        leave: true,
      });
      return null;
    }
    cover("Waiting for the network", "The page tries again by itself.", { busy: true });
    show({ state: "offline" });
    await later(Math.max(retry ?? 0, Math.min(30_000, 1000 * 2 ** tries * Math.random())));
  }
}

async function open() {
  cover("Opening the unit", "This takes a moment.", { busy: true });
  let tails;
  try {
    [tails] = await Promise.all([openShell(), takeOver()]);
  } catch {
    cover(
      "The unit's server does not answer",
      `Units come from ${new URL(given.content).host.replace(/^[^.]*\./, "")}. If other pages work, your network may block it.`,
      { retry: true, leave: true },
    );
    return;
  }
  if (over) return;
  journal = await Journal.open({ registration: given.registration, key: given.journal_key });
  queue = new Queue({
    journal, token, launch: given.launch, onState: onQueue, renewing: askToSignIn,
  });
  await flushLeftovers(tails);
  if (over) return;
  const start = await startLaunch();
  if (start === null || over) return;
  if (start.refused?.code === "launch_used") {
    // Such a unit can be opened once by a launch; loading the page again asks for another.
    await toUnit(given.unit);
    return;
  }
  if (start.refused !== undefined) {
    giveUp(
      "This launch is over",
      "It was ended, or the course was opened again elsewhere. Open it from your course list.",
      { retry: false },
    );
    release();
    return;
  }
  show({ state: "saved", savedAt: null });
  showAll(start.units ?? []);
  showWay(start);
  countTime(start.seconds);
  started = true;
  // Such units report to the record store by themselves: nothing is saved from here.
  apart = start.kind !== "asset" && start.elements?.api === undefined;
  $("saved").hidden = apart;
  if (apart) {
    const isDone = () => leaving || over || left;
    follow(given.launch, token, { isDone, onHeard });
    setTimeout(() => isDone() || reported || silent(), SILENCE + SHELL_PATIENCE);
  }
  if (isElsewhere(start)) {
    showWindow("ready", start.entry);
    return;
  }
  tellOfDelay();
  port.postMessage({
    type: "start",
    launch: given.launch,
    title: given.unit_title,
    kind: start.kind,
    standard: start.standard,
    elements: start.elements,
    values: start.values,
    entry: start.entry,
    committed_seq: start.committed_seq,
    prev: start.prev,
  });
}

/** Whether the unit has a window of its own; one of another server, unless told. */
function isElsewhere({ own_window: wanted, entry }) {
  return wanted ?? (/^https?:/.test(entry) && !entry.startsWith(`${given.content}/`));
}

let unitWindow = null;
let used = false;

/** The card that stands where a unit in a window of its own would be. */
function showWindow(state, address) {
  if (leaving || over) return;
  const [title, text, label] = windowText(state);
  const open = () => {
    unitWindow = openWindow(address, () => {
      unitWindow = null;
      if (!leaving && !over && used) showWindow("closed", address);
    });
    used ||= unitWindow !== null;
    showWindow(unitWindow === null ? "blocked" : "open", address);
  };
  const action =
    state === "open"
      ? () => unitWindow?.focus()
      : used
        ? () => leaveThen(() => toUnit(given.unit))
        : open;
  cover(title, text, { leave: true, go: [label, action] });
}

/** The unit has led to the page that says it was left (`returned.js`). */
function onReturned() {
  if (leaving || over) return;
  const next = $("next");
  const [title, text] = windowText("left");
  used = false;
  left = true;
  if (apart) heardOf(given.launch, token).then((heard) => heard && onHeard(heard));
  const go = next !== null && !next.disabled ? ["Next unit", () => next.click()] : null;
  cover(title, text, { leave: true, go });
}

function listenToReturns() {
  const isIt = (data) => data?.type === "rollcall.returned" && data.launch === given.launch;
  window.addEventListener("message", (event) => {
    if (event.origin === window.location.origin && isIt(event.data)) onReturned();
  });
  const returns = new BroadcastChannel(`rollcall.returned.${given.launch}`);
  returns.onmessage = ({ data }) => {
    if (!isIt(data)) return;
    returns.postMessage({ type: "rollcall.seen" });
    onReturned();
  };
}

/** Closes the unit and sends what it said; settles with how many are not sent. */
async function finish() {
  leaving = true;
  $("notice").hidden = true;
  closeNarrowMenu();
  cover("Saving", "Your work is being saved.", { busy: true });
  unitWindow?.close();
  if (port !== null && !over) {
    const done = new Promise((resolve) => {
      closed = resolve;
    });
    port.postMessage({ type: "close" });
    await Promise.race([done, later(CLOSE_PATIENCE)]);
    await puts.catch(() => {});
    // Its last words are on their way; once the launch is closed nobody takes them.
    if (apart) await untilOver(given.launch, token, CLOSE_PATIENCE);
  }
  if (queue === null || over) return 0;
  queue.hurry();
  const sent = queue.run([given.launch]);
  await Promise.race([sent, later(LEAVE_PATIENCE)]);
  return journal.count(given.launch);
}

async function leaveThen(go) {
  let waiting = await finish();
  while (waiting > 0 && !(await askToLeave(waiting))) waiting = await finish();
  window.onbeforeunload = null;
  await go(waiting);
}

async function toReturn(waiting) {
  // What still waits belongs to this launch: ended, it would only be kept aside.
  if (!over && waiting === 0) {
    await post(`/launches/${given.launch}/close`, {
      token: token.current,
      body: {},
      fetch: (...all) => fetch(...all),
      now: () => Date.now(),
    });
  }
  if (given.return_url) window.location.assign(given.return_url);
  else cover("You can close this page", "Your work is saved.");
}

async function toUnit(unit) {
  const { status, body } = await post(`/launches/${given.launch}/units`, {
    token: token.current,
    body: { unit },
    fetch: (...all) => fetch(...all),
    now: () => Date.now(),
  });
  if (status === 201 && typeof body?.url === "string") {
    window.location.assign(body.url);
    return;
  }
  if (status === 409) {
    const back = ["Back to the unit", () => window.location.reload()];
    cover("This unit cannot be opened now", body?.detail ?? "", { leave: true, go: back });
    return;
  }
  cover(
    status === 0 ? "Waiting for the network" : "This unit cannot be opened now",
    status === 0
      ? "Your work is kept. Try again when you are online."
      : (body?.detail ?? "Try again, or open it from your course list."),
    { retry: true, leave: true },
  );
}

function listen() {
  $("exit").onclick = () => leaveThen(toReturn);
  $("cover-leave").onclick = () => leaveThen(toReturn);
  $("cover-retry").onclick = () => {
    window.onbeforeunload = null;
    window.location.reload();
  };
  $("notice-close").onclick = () => {
    $("notice").hidden = true;
  };
  for (const button of document.querySelectorAll("[data-unit]")) {
    button.onclick = () => {
      const unit = Number(button.dataset.unit);
      // What was done here since may have opened it: then the server is asked.
      const lock = unit === given.unit || reported ? null : lockOf(unit);
      if (lock !== null) {
        closeNarrowMenu();
        notice(lock);
      } else if (unit !== given.unit) {
        leaveThen(() => toUnit(unit));
      }
    };
  }
  listenToMenu();
  listenToReturns();
  if (document.fullscreenEnabled) {
    $("full").hidden = false;
    $("full").onclick = () => $("stage").requestFullscreen();
  }
  window.addEventListener("online", () => queue?.hurry());
  window.addEventListener("focus", () => queue?.hurry());
  window.onbeforeunload = (event) => {
    if ((queue?.waiting ?? 0) > 0 && !over) event.preventDefault();
  };
}

listen();
open().catch(() => {
  cover("The unit cannot be opened", "Something went wrong on this page. Try again.", {
    retry: true,
    leave: true,
  });
});
