import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { sha256 } from "../../player/static/sha256.js";

const expected = (text) => createHash("sha256").update(text, "utf8").digest("hex");

test("every length around the block border", () => {
  for (let length = 0; length < 200; length += 1) {
    const text = "x".repeat(length);
    assert.equal(sha256(text), expected(text), `length ${length}`);
  }
});

test("text outside ASCII is hashed as UTF-8", () => {
  for (const text of ["Überprüfung", "курс", "漢字", "👮🚓", "\u0000\n\t"]) {
    assert.equal(sha256(text), expected(text));
  }
});

test("a large suspend_data takes little time", () => {
  const text = "0123456789abcdef".repeat(16384);
  const before = performance.now();
  assert.equal(sha256(text), expected(text));
  assert.ok(performance.now() - before < 1000);
});
