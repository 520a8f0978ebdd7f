import assert from "node:assert/strict";
import { test } from "node:test";

import { gatherCalls } from "../../player/static/calls.js";

const get = { f: "LMSGetValue", a: ["cmi.core.entry"], r: "resume", e: 0 };

test("equal calls in a row are one, with the time of the first", () => {
  let now = 10.4;
  const calls = gatherCalls(() => now);
  calls.note(get);
  now = 20;
  calls.note(get);
  calls.note({ ...get, r: "" });
  assert.deepEqual(calls.take(), [
    [10, "LMSGetValue", ["cmi.core.entry"], "resume", 0, 2],
    [20, "LMSGetValue", ["cmi.core.entry"], "", 0, 1],
  ]);
});

test("what was taken is gone, and is not counted on", () => {
  const calls = gatherCalls(() => 1);
  calls.note(get);
  assert.equal(calls.waiting, 1);
  calls.take();
  assert.equal(calls.waiting, 0);
  calls.note(get);
  assert.equal(calls.take()[0][5], 1);
});

test("of too many, a thousand are kept and the others counted", () => {
  const calls = gatherCalls(() => 1);
  for (let n = 0; n < 1300; n += 1) calls.note({ ...get, a: [`cmi.objectives.${n}.id`] });
  const taken = calls.take();
  assert.equal(taken.length, 1001);
  assert.deepEqual(taken.at(-1), [1, "", [], "", 0, 300]);
  assert.deepEqual(calls.take(), []);
});

test("long texts are cut and tell how long they were; what is no text becomes one", () => {
  const calls = gatherCalls(() => 1);
  calls.note({ f: "LMSSetValue", a: ["cmi.suspend_data", "x".repeat(5000)], r: "true", e: "0" });
  calls.note({ f: "LMSSetValue", a: [undefined, 7], r: null, e: undefined });
  const [long, odd] = calls.take();
  assert.equal(long[2][1], `${"x".repeat(1000)}… (5000)`);
  assert.deepEqual(odd, [1, "LMSSetValue", ["", "7"], "", 0, 1]);
});
