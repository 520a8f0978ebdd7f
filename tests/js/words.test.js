import assert from "node:assert/strict";
import { test } from "node:test";

import { announcement, lackingText, leaveText, savedText, unitText } from "../../player/static/words.js";

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
