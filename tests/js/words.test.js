import assert from "node:assert/strict";
import { test } from "node:test";

import {
  announcement,
  doneText,
  endText,
  lackingText,
  leaveText,
  savedText,
  spentText,
  unitText,
  windowText,
} from "../../player/static/words.js";

const time = () => "10:42";
const ROWS = [
  [{ state: "loading" }, "Opening"],
  [{ state: "saved", savedAt: 1, waiting: 0 }, "Saved 10:42"],
  [{ state: "saved", savedAt: null }, "Nothing to save yet"],
  [{ state: "saving", waiting: 2 }, "Saving"],
  [{ state: "waiting", waiting: 3 }, "3 not yet sent"],
  [{ state: "offline", waiting: 3 }, "Offline, 3 not yet sent"],
  [{ state: "offline" }, "Offline"],
  [{ state: "signed_out", waiting: 1 }, "Signed out, 1 not yet sent"],
  [{ state: "superseded" }, "Open elsewhere"],
  [{ state: "failed" }, "Not saving"],
];
for (const [now, text] of ROWS) {
  test(`${JSON.stringify(now)} reads "${text}"`, () => assert.equal(savedText(now, time), text));
}

test("saving and saved are not read aloud again and again", () => {
  assert.equal(announcement({ state: "saved", trouble: null }, { state: "saving" }), null);
  assert.equal(announcement({ state: "saving", trouble: null }, { state: "saved" }), null);
});

test("trouble and its end are read aloud, once", () => {
  assert.match(announcement({ state: "saving" }, { state: "offline" }), /offline/);
  assert.equal(announcement({ state: "offline" }, { state: "offline" }), null);
  assert.match(
    announcement({ state: "saving", trouble: "offline" }, { state: "saved" }), /All your work/,
  );
});

test("the menu tells how far, and how well where the server tells it", () => {
  assert.equal(unitText({ completion: "completed", success: "unknown" }), "Done");
  assert.equal(unitText({ completion: "completed", success: "failed" }), "Not passed");
  assert.equal(unitText({ completion: "completed", success: "passed" }), "Passed");
  assert.equal(unitText({ completion: "incomplete" }), "Begun");
  assert.equal(unitText({ completion: "incomplete", current: true }), "Open now");
  assert.equal(unitText({ completion: "unknown" }), "");
});

test("one change, many changes", () => {
  assert.match(leaveText(1), /^1 change is/);
  assert.match(leaveText(3), /^3 changes are/);
});

test("what a unit lacks", () => {
  assert.equal(lackingText({ missing: 0, hosts: [] }), null);
  assert.equal(lackingText({}), null);
  assert.match(lackingText({ missing: 1, hosts: [] }), /^1 file of this unit is missing/);
  assert.match(lackingText({ missing: 4, hosts: [] }), /^4 files of this unit are missing/);
  assert.match(lackingText({ missing: 4, hosts: ["cdn.example"] }), /\(cdn\.example\)/);
});

for (const [seconds, text] of [
  [0, ""], [59, ""], [60, "1 min so far"], [3599, "59 min so far"], [3600, "1 h so far"],
  [5400, "1 h 30 min so far"], [-5, ""],
]) {
  test(`${seconds} seconds read "${text}"`, () => assert.equal(spentText(seconds), text));
}

test("a locked unit says so, unless it is done or open", () => {
  assert.equal(unitText({ completion: "unknown", open: false }), "Locked");
  assert.equal(unitText({ completion: "completed", open: false }), "Done");
  assert.equal(unitText({ completion: "unknown", open: false, current: true }), "Open now");
});

test("an end without completion is told with its reason, another with what comes next", () => {
  assert.match(endText({ completion: "incomplete", hasNext: true }), /did not report/);
  assert.equal(endText({ completion: "completed", hasNext: true }), "This unit is finished.");
  assert.match(endText({ completion: "completed", hasNext: false }), /exit/);
  assert.match(endText({ hasNext: false }), /finished/);
});

test("how many are done is not told before there are any", () => {
  assert.deepEqual([doneText(0), doneText(2)], ["", ", 2 done"]);
});

test("each state of a unit's own window has words of its own", () => {
  const cards = ["ready", "blocked", "open", "closed", "left"].map((state) => windowText(state));
  assert.equal(new Set(cards.map(([title]) => title)).size, 5);
  assert.ok(cards.flat().every((text) => text.length > 8));
});
