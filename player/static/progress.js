/**
 * What the page shows of the whole course: the menu with its states and locks, how many
 * units are done, the time spent.
 */

import { $, given } from "./display.js";
import { doneText, spentText, unitText } from "./words.js";

/** The time spent is shown by the minute. */
const MINUTE = 60_000;

const known = new Map();
let before = 0;
let begun = null;

function showLine(one) {
  const button = document.querySelector(`#menu [data-unit="${one.index}"]`);
  if (button === null) return;
  const state = button.querySelector(".state");
  const why = button.querySelector(".why");
  const isLocked = one.open === false && !one.current;
  state.textContent = unitText({ ...one, open: !isLocked });
  state.dataset.state = one.success === "failed" ? "failed" : one.completion;
  if (isLocked) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  why.textContent = isLocked ? (one.reason ?? "") : "";
  why.hidden = why.textContent === "";
}

function showDone() {
  const bar = $("progress");
  if (bar === null) return;
  const done = [...known.values()].filter(({ completion }) => completion === "completed").length;
  bar.value = done;
  $("done").textContent = doneText(done);
}

/** Shows what is new of these units; what is not said of them stays. */
export function showUnits(units) {
  for (const one of units) {
    const whole = { ...known.get(one.index), ...one, current: one.index === given.unit };
    known.set(one.index, whole);
    showLine(whole);
  }
  showDone();
}

/** The units as the start tells them: those it does not name are not there to see. */
export function showAll(units) {
  const named = new Set(units.map(({ index }) => String(index)));
  for (const line of document.querySelectorAll("#menu [data-line]")) {
    line.hidden = !named.has(line.dataset.line) && line.dataset.line !== String(given.unit);
  }
  showUnits(units);
}

/** Where the buttons lead, as the server sees it; a locked neighbour can tell why. */
export function showWay(start) {
  for (const name of ["previous", "next"]) {
    const button = $(name);
    const unit = start[name];
    if (button === null || unit === undefined) continue;
    if (unit !== null) {
      button.dataset.unit = String(unit);
      button.disabled = false;
    } else if (known.get(Number(button.dataset.unit))?.open !== false) {
      button.disabled = true;
    }
  }
}

/** Why a unit cannot be opened now; null where it can. */
export function lockOf(unit) {
  const one = known.get(unit);
  if (one === undefined || one.open !== false) return null;
  return one.reason || "This unit is locked: something else has to be done first.";
}

function showSpent() {
  const place = $("spent");
  if (place === null) return;
  const here = begun === null ? 0 : (performance.now() - begun) / 1000;
  place.textContent = spentText(before + here);
}

/** Counts on from the seconds that the server knows of. */
export function countTime(seconds) {
  before = Number(seconds) || 0;
  begun = performance.now();
  showSpent();
  setInterval(showSpent, MINUTE);
}
