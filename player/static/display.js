/**
 * What the player page shows: the line about saving, notices, what lies over the unit
 * while there is none to see, the menu's place, the question at the exit.
 */

import { announcement, leaveText, savedText } from "./words.js";

export const $ = (id) => document.getElementById(id);
export const given = JSON.parse($("launch").textContent);

const clock = (ms) =>
  new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

let shown = { state: "loading", trouble: null };

export function show(now) {
  const said = announcement(shown, now);
  const bad = ["waiting", "offline", "signed_out"].includes(now.state);
  shown = { ...now, trouble: bad ? now.state : now.state === "saving" ? shown.trouble : null };
  $("saved").dataset.state = now.state;
  $("saved-text").textContent = savedText(now, clock);
  if (said !== null) $("announce").textContent = said;
}

export function notice(text, { label = null, action = null } = {}) {
  $("notice-text").textContent = text;
  $("notice-action").hidden = label === null;
  $("notice-action").textContent = label ?? "";
  $("notice-action").onclick = action;
  $("notice").hidden = false;
}

/** Lays a card over the unit; `go` is `[label, action]` of a button of its own. */
export function cover(
  title,
  text,
  { busy = false, retry = false, leave = false, go = null } = {},
) {
  $("cover-title").textContent = title;
  $("cover-text").textContent = text;
  $("spinner").hidden = !busy;
  $("cover-retry").hidden = !retry;
  $("cover-leave").hidden = !(leave && given.return_url);
  $("cover-go").hidden = go === null;
  $("cover-go").textContent = go?.[0] ?? "";
  $("cover-go").onclick = go?.[1] ?? null;
  $("cover").hidden = false;
  $("stage").setAttribute("aria-busy", String(busy));
  if (!busy) $("announce").textContent = `${title}. ${text}`;
}

export function uncover() {
  $("cover").hidden = true;
  $("stage").setAttribute("aria-busy", "false");
  // Keys go to the unit, unless the learner has gone somewhere else meanwhile.
  if (document.activeElement === document.body) $("unit").focus();
}

const wide = window.matchMedia("(min-width: 64rem)");

function showMenu(wanted) {
  const menu = $("menu");
  menu.hidden = !wanted;
  $("menu-button").setAttribute("aria-expanded", String(wanted));
  if (wanted) menu.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

/** Where the menu lies over the unit, it must not hide what is said there. */
export function closeNarrowMenu() {
  if ($("menu") !== null && !wide.matches) showMenu(false);
}

export function listenToMenu() {
  const menu = $("menu");
  if (menu === null) return;
  $("menu-button").onclick = () => showMenu(menu.hidden);
  menu.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    showMenu(false);
    $("menu-button").focus();
  };
  showMenu(wide.matches);
}

export function askToLeave(waiting) {
  return new Promise((resolve) => {
    const dialog = $("leave");
    $("leave-text").textContent = leaveText(waiting);
    $("leave-stay").onclick = () => dialog.close("stay");
    $("leave-go").onclick = () => dialog.close("go");
    dialog.onclose = () => resolve(dialog.returnValue === "go");
    dialog.returnValue = "";
    dialog.showModal();
  });
}
