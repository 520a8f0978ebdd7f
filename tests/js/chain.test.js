import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { chainFrom, randomUuid } from "../../player/static/chain.js";

const clocks = { now: () => Date.UTC(2026, 2, 2, 17), mono: () => 12.7 };

test("entries follow one another by number and hash", () => {
  const next = chainFrom({ seq: 4, prev: "f00", ...clocks });
  const first = next("initialize", []);
  const second = next("set", [["cmi.core.lesson_location", "Straße"]]);
  assert.deepEqual(Object.keys(first), ["uuid", "seq", "kind", "changes", "at", "mono", "prev"]);
  assert.equal(first.seq, 5);
  assert.equal(first.prev, "f00");
  assert.equal(first.at, "2026-03-02T17:00:00.000Z");
  assert.equal(first.mono, 13);
  assert.equal(second.seq, 6);
  const whole = JSON.stringify([first.uuid, 5, "initialize", [], first.at, 13, "f00"]);
  assert.equal(second.prev, createHash("sha256").update(whole).digest("hex"));
});

test("random UUIDs are of version 4 and differ", () => {
  const made = new Set(Array.from({ length: 100 }, () => randomUuid()));
  assert.equal(made.size, 100);
  for (const one of made) {
    assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
