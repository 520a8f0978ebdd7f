import assert from "node:assert/strict";
import { test } from "node:test";

import { pauseBefore, Queue, retryAfter } from "../../player/static/queue.js";

const LAUNCH = "launch-now";
const OLDER = "launch-older";

/** The journal's contract, in memory; journal.js itself is tested in Chromium. */
class MemoryJournal {
  rows = new Map();
  #of = (launch) => this.rows.get(launch) ?? this.rows.set(launch, new Map()).get(launch);
  async put(launch, entry) { this.#of(launch).set(entry.seq, entry); }
  async first(launch, most) {
    return [...this.#of(launch).values()].sort((a, b) => a.seq - b.seq).slice(0, most);
  }
  async count(launch = null) {
    if (launch !== null) return this.#of(launch).size;
    return [...this.rows.values()].reduce((sum, one) => sum + one.size, 0);
  }
  async drop(launch, upTo = Infinity) {
    for (const seq of [...this.#of(launch).keys()]) {
      if (seq <= upTo) this.#of(launch).delete(seq);
    }
  }
}

const json = (status, body, headers = {}) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": status < 400 ? "application/json" : "application/problem+json", ...headers },
  });

/** A queue whose server answers by `reply(path, body, n)`; sleeps take no time. */
function setUp(reply) {
  const seen = { requests: [], states: [], pauses: [], renewals: 0 };
  const token = { current: "token-1" };
  const queue = new Queue({
    journal: new MemoryJournal(),
    token,
    launch: LAUNCH,
    onState: (state) => seen.states.push(state),
    fetch: async (path, options) => {
      const body = JSON.parse(options.body);
      seen.requests.push({ path, body, authorization: options.headers.Authorization });
      if (seen.requests.length > 500) throw new Error("the sender does not stop");
      return reply(path, body, seen.requests.length);
    },
    now: () => 1000,
    random: () => 0.5,
    sleep: async (ms) => { seen.pauses.push(ms); },
    online: () => false,
    renewing: () => { seen.renewals += 1; },
  });
  return { queue, seen, token };
}

const entry = (seq) => ({ uuid: `u${seq}`, seq, kind: "set", changes: [], at: "", mono: 0, prev: "" });
const committed = (body) => json(200, { committed_seq: body.entries.at(-1).seq });

async function added(queue, ...seqs) {
  for (const seq of seqs) await queue.add(entry(seq));
  await queue.run([LAUNCH]);
}

test("entries arrive once, in order, and leave the journal when committed", async () => {
  const { queue, seen } = setUp((path, body) => committed(body));
  await added(queue, 1, 2, 3);
  const seqs = seen.requests.flatMap(({ body }) => body.entries.map((one) => one.seq));
  assert.deepEqual([...new Set(seqs)], [1, 2, 3]);
  assert.equal(await queue.journal.count(), 0);
  assert.equal(seen.requests[0].path, `/launches/${LAUNCH}/entries`);
  assert.equal(seen.requests[0].body.sent, "1970-01-01T00:00:01.000Z");
  assert.equal(seen.requests[0].authorization, "Bearer token-1");
  assert.deepEqual(
    { ...seen.states.at(-1), answer: null },
    { state: "saved", waiting: 0, savedAt: 1000, answer: null },
  );
});

const NOT_OURS = {
  "no network": () => { throw new TypeError("Failed to fetch"); },
  "a captive portal": () => new Response("<h1>Welcome</h1>", { headers: { "Content-Type": "text/html" } }),
  "a broken answer": () => new Response("{", { headers: { "Content-Type": "application/json" } }),
  "json of someone else": () => json(200, { ok: true }),
  "a proxy's 502": () => new Response("bad gateway", { status: 502 }),
  "our 503": () => json(503, { code: "unavailable" }),
  "a 400 of another": () => json(400, { code: "body_broken" }),
  "a gap we cannot fill": () => json(409, { code: "gap", expected_seq: 1 }),
};
for (const [name, bad] of Object.entries(NOT_OURS)) {
  test(`${name} is tried again until it works, and nothing is dropped`, async () => {
    const { queue, seen } = setUp((path, body, n) => (n <= 30 ? bad() : committed(body)));
    await queue.journal.put(LAUNCH, entry(7));
    await added(queue, 8);
    assert.equal(seen.requests.length, 31);
    assert.ok(seen.requests.every(({ body }) => body.entries[0].seq === 7));
    assert.equal(await queue.journal.count(), 0);
    assert.equal(seen.pauses.length, 30);
    assert.deepEqual(seen.pauses.slice(0, 8), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    assert.equal(seen.states.at(-1).state, "saved");
  });
}

test("without a network the learner sees offline and how much waits", async () => {
  const { queue, seen } = setUp((path, body, n) => {
    if (n < 4) throw new TypeError("Failed to fetch");
    return committed(body);
  });
  await queue.journal.put(LAUNCH, entry(1));
  await added(queue, 2);
  const offline = seen.states.filter(({ state }) => state === "offline");
  assert.ok(offline.length >= 3);
  assert.equal(offline.at(-1).waiting, 2);
});

test("Retry-After is obeyed when it is longer", async () => {
  const { queue, seen } = setUp((path, body, n) =>
    n === 1 ? json(503, {}, { "Retry-After": "17" }) : committed(body));
  await added(queue, 1);
  assert.deepEqual(seen.pauses, [17000]);
});

test("Retry-After: seconds, dates, neither", () => {
  assert.equal(retryAfter("3", 0), 3000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:09 GMT", 4000), 5000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:01 GMT", 4000), 0);
  assert.equal(retryAfter("soon", 0), null);
  assert.equal(retryAfter(null, 0), null);
});

test("the pause doubles under full jitter and never passes a minute", () => {
  for (let tries = 1; tries < 2000; tries += 1) {
    assert.equal(pauseBefore(tries, () => 0), 0);
    assert.ok(pauseBefore(tries, () => 1) <= 60_000);
  }
  assert.equal(pauseBefore(1, () => 1), 1000);
});

test("the server already has the first ones: only the rest is sent", async () => {
  const { queue, seen } = setUp((path, body, n) =>
    n === 1 ? json(409, { code: "gap", expected_seq: 3 }) : committed(body));
  await queue.journal.put(LAUNCH, entry(1));
  await queue.journal.put(LAUNCH, entry(2));
  await added(queue, 3);
  assert.deepEqual(seen.requests[1].body.entries.map((one) => one.seq), [3]);
  assert.equal(await queue.journal.count(), 0);
});

for (const code of ["superseded", "entry_conflict"]) test(`${code} ends sending and is shown`, async () => {
  const { queue, seen } = setUp(() => json(409, { code }));
  await added(queue, 1);
  assert.equal(seen.states.at(-1).state, "superseded");
  await queue.add(entry(2));
  assert.equal(await queue.run([LAUNCH]), false);
  assert.equal(seen.requests.length, 1);
});

for (const code of ["superseded", "entry_conflict"]) {
  test(`${code}: what waits beyond one request is handed over too`, async () => {
    const kept = new Set();
    const { queue, seen } = setUp((path, { entries }) => {
      const taken = entries.some(({ seq }) => seq === 2);
      if (code === "superseded" || taken) for (const { seq } of entries) kept.add(seq);
      else return json(409, { code: "gap", expected_seq: 5 });
      return json(409, { code, expected_seq: 5, seq: code === "superseded" ? undefined : 2 });
    });
    for (let seq = 2; seq <= 180; seq += 1) await queue.journal.put(LAUNCH, entry(seq));
    assert.equal(await queue.run([LAUNCH]), false);
    assert.equal(kept.size, 179);
    assert.equal(await queue.journal.count(), 0);
    assert.equal(seen.states.at(-1).state, "superseded");
    assert.ok(seen.requests.every(({ body }) => body.entries.length <= 51));
  });
}

test("an expired token is renewed without losing anything", async () => {
  const { queue, seen, token } = setUp((path, body, n) => {
    if (path.endsWith("/token")) return json(200, { token: "token-2" });
    return n === 1 ? json(401, { code: "token_expired" }) : committed(body);
  });
  await added(queue, 1);
  assert.equal(token.current, "token-2");
  assert.deepEqual(seen.requests.map(({ authorization }) => authorization), [
    "Bearer token-1", "Bearer token-1", "Bearer token-2",
  ]);
  assert.equal(seen.states.at(-1).state, "saved");
});

test("signed out: the learner is asked, entries wait, then all is sent", async () => {
  const { queue, seen } = setUp((path, body, n) => {
    if (n < 10) return json(401, { code: "token_expired" });
    return path.endsWith("/token") ? json(200, { token: "new" }) : committed(body);
  });
  await added(queue, 1);
  assert.ok(seen.renewals > 0);
  assert.ok(seen.states.some(({ state, waiting }) => state === "signed_out" && waiting === 1));
  assert.equal(seen.states.at(-1).state, "saved");
});

test("leftovers of an older launch go out with the newer one's token", async () => {
  const { queue, seen } = setUp((path, body) => committed(body));
  await queue.journal.put(OLDER, entry(4));
  assert.equal(await queue.run([OLDER, LAUNCH]), true);
  assert.equal(seen.requests[0].path, `/launches/${OLDER}/entries`);
  assert.equal(await queue.journal.count(), 0);
});

for (const status of [400, 403, 404, 409, 410]) {
  test(`an older launch that answers ${status} does not block, nor is it forgotten`, async () => {
    const { queue, seen } = setUp(() => json(status, { code: "other" }));
    await queue.journal.put(OLDER, entry(4));
    assert.equal(await queue.run([OLDER]), true);
    assert.equal(seen.requests.length, 1);
    assert.equal(await queue.journal.count(), 1);
  });
}

test("a launch that is not this learner's does not block, whatever tail named it", async () => {
  const { queue, seen } = setUp((path, body) =>
    path.includes(OLDER) ? json(401, { code: "invalid_token" }) : committed(body));
  await queue.journal.put(OLDER, entry(4));
  assert.equal(await queue.run([OLDER]), true);
  assert.equal(seen.requests.length, 1);
  await added(queue, 1);
  assert.equal(await queue.journal.count(), 1);
});

test("an older launch that was superseded is done with, the new one goes on", async () => {
  const { queue } = setUp((path, body) =>
    path.includes(OLDER) ? json(409, { code: "superseded" }) : committed(body));
  await queue.journal.put(OLDER, entry(4));
  await queue.run([OLDER]);
  await added(queue, 1);
  assert.equal(await queue.journal.count(), 0);
});

test("too large together: one by one", async () => {
  const { queue, seen } = setUp((path, body) =>
    body.entries.length > 1 ? json(413, {}) : committed(body));
  await queue.journal.put(LAUNCH, entry(1));
  await queue.journal.put(LAUNCH, entry(2));
  await added(queue, 3);
  assert.equal(await queue.journal.count(), 0);
  assert.deepEqual(seen.requests.slice(1).map(({ body }) => body.entries.length), [1, 1, 1]);
});

for (const code of ["invalid", "invalid_entries"]) test(`${code}: what is before it is saved, then it ends`, async () => {
  const { queue, seen } = setUp((path, body) =>
    body.entries.some(({ seq }) => seq === 3) ? json(400, { code }) : committed(body));
  for (const seq of [1, 2, 3]) await queue.journal.put(LAUNCH, entry(seq));
  await queue.add(entry(4));
  assert.equal(await queue.run([LAUNCH]), false);
  assert.equal(seen.states.at(-1).state, "refused");
  assert.deepEqual((await queue.journal.first(LAUNCH, 9)).map(({ seq }) => seq), [3, 4]);
  assert.equal(await queue.run([LAUNCH]), false);
  assert.equal(seen.requests.length, 4);
});

test("a proxy's 400 is no answer of ours: tried again", async () => {
  const { queue } = setUp((path, body, n) => n < 3 ? json(400, {}) : committed(body));
  await added(queue, 1);
  assert.equal(await queue.journal.count(), 0);
});

test("stop leaves the journal as it is", async () => {
  const { queue } = setUp(() => { throw new TypeError("Failed to fetch"); });
  queue.sleep = async () => queue.stop();
  await queue.add(entry(1));
  assert.equal(await queue.run([LAUNCH]), false);
  assert.equal(await queue.journal.count(), 1);
});

test("leftovers that cannot be read any more do not keep the learner out", async () => {
  const { queue, seen } = setUp((path, body) => committed(body));
  const first = queue.journal.first.bind(queue.journal);
  queue.journal.first = async (launch, most) => {
    if (launch === OLDER) throw new Error("sealed with another key");
    return first(launch, most);
  };
  assert.equal(await queue.run([OLDER]), true);
  await added(queue, 1);
  assert.equal(seen.requests.length, 1);
});

test("what arrives while the journal is looked into is sent as well", async () => {
  const { queue, seen } = setUp((path, body) => committed(body));
  const first = queue.journal.first.bind(queue.journal);
  let late = null;
  queue.journal.first = async (launch, most) => {
    const found = await first(launch, most);
    late ??= queue.add(entry(1));
    await late;
    return found;
  };
  assert.equal(await queue.run([LAUNCH]), true);
  assert.equal(seen.requests.length, 1);
  assert.equal(await queue.journal.count(), 0);
});

test("nothing is called saved while an entry is on its way to the disk", async () => {
  const { queue, seen } = setUp((path, body) => committed(body));
  const put = queue.journal.put.bind(queue.journal);
  let arrive;
  queue.journal.put = async (launch, one) => {
    if (one.seq === 2) await new Promise((done) => { arrive = done; });
    return put(launch, one);
  };
  await queue.add(entry(1));
  const second = queue.add(entry(2));
  await queue.run([LAUNCH]);
  assert.equal(seen.requests.length, 1);
  assert.deepEqual(seen.states.filter(({ state }) => state === "saved"), []);
  assert.equal(seen.states.at(-1).waiting, 1);
  arrive();
  await second;
  await queue.run([LAUNCH]);
  assert.equal(seen.states.at(-1).state, "saved");
});
