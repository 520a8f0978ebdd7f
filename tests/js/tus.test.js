import assert from "node:assert/strict";
import { test } from "node:test";

import { Cancelled, fingerprint, metadata, pauseBefore, Refused, Upload } from "../../portal/static/tus.js";

const FILE = Object.assign(new Blob(["x".repeat(250)]), { name: "Мой курс.zip", lastModified: 7 });

/** A server that keeps what comes; `spoil(method, n)` may answer instead of it. */
function server({ spoil = () => null, kept = {} } = {}) {
  const seen = { calls: [], pauses: [], shown: [] };
  const uploads = new Map(Object.entries(kept));
  const answer = (status, headers = {}, detail = "") => ({
    status, detail, header: (name) => headers[name] ?? null,
  });
  const ask = async (method, address, headers, body, onSent) => {
    seen.calls.push(method);
    const spoilt = spoil(method, seen.calls.length, uploads);
    if (spoilt) return answer(...spoilt);
    if (method === "POST") {
      const place = `${address}/${uploads.size + 1}`;
      uploads.set(place, "");
      return answer(201, { Location: place });
    }
    if (!uploads.has(address)) return answer(404);
    const have = uploads.get(address);
    if (method === "DELETE") uploads.delete(address);
    if (method === "PATCH") {
      if (headers["Upload-Offset"] !== String(have.length)) return answer(409);
      onSent(body.size / 2);
      uploads.set(address, have + (await body.text()));
    }
    const offset = uploads.get(address)?.length;
    return answer(method === "HEAD" ? 200 : 204, { "Upload-Offset": String(offset) });
  };
  ask.stop = () => seen.calls.push("stop");
  const memory = new Map();
  const upload = (more = {}) => new Upload({
    file: FILE, address: "/uploads", owner: "me", ask, memory, piece: 100,
    wait: async (seconds) => { seen.pauses.push(seconds); },
    show: (state) => seen.shown.push(state),
    ...more,
  });
  return { upload, uploads, memory, seen };
}

test("a file goes in pieces and is forgotten when it is there", async () => {
  const { upload, uploads, memory, seen } = server();
  assert.equal(await upload().run(), "/uploads/1");
  assert.equal(uploads.get("/uploads/1").length, 250);
  assert.deepEqual(seen.calls, ["POST", "PATCH", "PATCH", "PATCH"]);
  assert.equal(memory.size, 0);
  const sent = seen.shown.map((state) => state.sent);
  assert.deepEqual(sent, [...sent].sort((a, b) => a - b));
});

test("after a break it asks how much is safe and goes on there", async () => {
  const { upload, uploads, seen } = server({
    spoil: (method, n, held) => {
      if (n !== 3) return null;
      // a part of the piece had come when the connection broke
      held.set("/uploads/1", held.get("/uploads/1") + "x".repeat(30));
      return [0];
    },
  });
  await upload().run();
  assert.equal(uploads.get("/uploads/1"), "x".repeat(250));
  assert.deepEqual(seen.calls, ["POST", "PATCH", "PATCH", "HEAD", "PATCH", "PATCH"]);
  assert.deepEqual(seen.pauses, [1]);
});

test("after a reload the same file goes on where it was", async () => {
  const { upload, memory, seen } = server({ kept: { "/uploads/9": "x".repeat(200) } });
  memory.set(fingerprint(FILE, "me"), "/uploads/9");
  assert.equal(await upload().run(), "/uploads/9");
  assert.deepEqual(seen.calls, ["HEAD", "PATCH"]);
});

test("an upload that the server forgot begins anew", async () => {
  const { upload, memory, seen } = server();
  memory.set(fingerprint(FILE, "me"), "/uploads/9");
  assert.equal(await upload().run(), "/uploads/1");
  assert.deepEqual(seen.calls.slice(0, 2), ["HEAD", "POST"]);
});

for (const status of [0, 408, 409, 429, 500, 503]) {
  test(`${status} passes`, async () => {
    const { upload, seen } = server({
      spoil: (method, n) => (n > 1 && n < 5 ? [status, { "Retry-After": "3" }] : null),
    });
    assert.equal(await upload().run(), "/uploads/1");
    assert.deepEqual(seen.pauses, [3, 3, 4]);
  });
}

for (const status of [400, 401, 403, 412, 413]) {
  test(`${status} does not pass, and what was sent can go on later`, async () => {
    const { upload, memory } = server({
      spoil: (method) => (method === "PATCH" ? [status, {}, "Why."] : null),
    });
    await assert.rejects(upload().run(), (error) => error instanceof Refused && error.message === "Why.");
    assert.equal(memory.size, 1);
  });
}

test("an answer of somebody else is no answer", async () => {
  const { upload, seen } = server({
    spoil: (method, n) => (n === 2 ? [204, {}] : null),
  });
  assert.equal(await upload().run(), "/uploads/1");
  assert.deepEqual(seen.calls.slice(0, 3), ["POST", "PATCH", "HEAD"]);
});

test("a cancelled upload is forgotten by all", async () => {
  const { upload, uploads, memory, seen } = server();
  const going = upload({
    show: ({ sent }) => { if (sent >= 100) ending ??= going.cancel(); },
  });
  let ending = null;
  await assert.rejects(going.run(), Cancelled);
  await ending;
  assert.equal(uploads.size, 0);
  assert.equal(memory.size, 0);
  assert.ok(seen.calls.includes("stop"));
});

for (const [status, isGone] of [[204, true], [404, true], [410, true], [409, false], [503, false], [0, false]]) {
  test(`cancelling tells whether anything is left: ${status}`, async () => {
    const { upload, memory } = server({
      spoil: (method) => (method === "DELETE" ? [status] : null),
    });
    memory.set(fingerprint(FILE, "me"), "/uploads/9");
    assert.equal(await upload().cancel(), isGone);
    assert.equal(memory.size, isGone ? 0 : 1);
  });
}

test("nothing is left of what was not begun", async () => {
  assert.equal(await server().upload().cancel(), true);
});

test("pauses grow and end", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map((n) => pauseBefore(n, null)), [1, 2, 4, 8, 16, 30, 30]);
  assert.equal(pauseBefore(1, "120"), 120);
  assert.equal(pauseBefore(1, "99999"), 300);
});

test("names in any alphabet", () => {
  const encoded = metadata("Мой курс.zip").split(" ")[1];
  assert.equal(Buffer.from(encoded, "base64").toString("utf8"), "Мой курс.zip");
});
