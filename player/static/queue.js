/**
 * Sends the journal to the server, in order, until the server says what is committed.
 *
 * Nothing is ever given up: whatever is not our own answer (a network that is gone, a
 * captive portal's page with status 200, a proxy's error) is tried again after a
 * growing, random pause, or when the server said to come back. Three answers end it:
 * another launch has taken over (409 superseded: the server keeps our tail aside), the
 * server cannot read an entry and never will (400: it stays here, all before it is
 * saved), or the learner must sign in again first (401; sending goes on as soon as they
 * have).
 */

const BATCH = 50;
/** Another launch, or another browser with this one, wrote meanwhile. */
const KEPT_ASIDE = ["superseded", "entry_conflict"];
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** Ours, unlike a proxy's 400: the entries themselves cannot be read. */
const UNREADABLE = ["invalid", "invalid_entries"];
/** A request that got no answer in this time is counted as failed, in milliseconds. */
const PATIENCE = 30_000;

/** Seconds or a date, as milliseconds from now; nothing where it is neither. */
export function retryAfter(header, now) {
  if (header === null || header === undefined || header === "") return null;
  const seconds = Number(header);
  const pause = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(pause) ? null : Math.max(0, pause);
}

/** The pause before try number `tries` (from 1): full jitter under a doubling ceiling. */
export function pauseBefore(tries, random) {
  return random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1));
}

/** One POST with a deadline: `{status, body, retry}`; status 0 is no answer of ours. */
export async function post(path, { token, body, fetch, now, keepalive = false }) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      keepalive,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const type = answer.headers.get("Content-Type") ?? "";
    const retry = retryAfter(answer.headers.get("Retry-After"), now());
    if (!type.includes("json")) return { status: 0, body: null, retry };
    return { status: answer.status, body: await answer.json(), retry };
  } catch {
    return { status: 0, body: null, retry: null };
  }
}

/** Whether an entry holds work; a log of calls alone says nothing new to the learner. */
const isWork = ({ kind }) => kind !== "log";

/**
 * The sender of one registration.
 *
 * @param journal   keeps the entries (journal.js)
 * @param token     `{current}`: the launch token, replaced when it is renewed
 * @param launch    whose token it is
 * @param onState   called with `{state, waiting, savedAt, answer}` at every change
 * Everything else stands for the browser and is replaced in tests.
 */
export class Queue {
  #tries = 0;
  #wake = () => {};
  #run = null;
  #todo = new Set();
  #asked = 0;
  #batch = BATCH;
  #failing = "waiting";
  #waiting = 0;
  /** Entries on their way to the disk: the journal does not count them yet. */
  #arriving = 0;
  #savedAt = null;
  #over = false;
  /** By launch, the entry whose number was taken. */
  #refusals = new Map();

  constructor({ journal, token, launch, onState, ...world }) {
    this.journal = journal;
    this.token = token;
    this.launch = launch;
    this.onState = onState;
    this.fetch = world.fetch ?? ((...all) => globalThis.fetch(...all));
    this.now = world.now ?? (() => Date.now());
    this.random = world.random ?? Math.random;
    this.sleep = world.sleep ?? ((ms) => new Promise((done) => setTimeout(done, ms)));
    this.online = world.online ?? (() => navigator.onLine);
    this.renewing = world.renewing ?? (() => {});
  }

  get waiting() {
    return this.#waiting;
  }

  #tell(state, answer = null) {
    this.onState({ state, waiting: this.#waiting, savedAt: this.#savedAt, answer });
  }

  /** Keeps an entry, then sends it; settles true when it is on disk. */
  async add(entry) {
    this.#waiting += 1;
    this.#arriving += 1;
    if (!this.#over && isWork(entry)) this.#tell(this.#tries > 0 ? this.#failing : "saving");
    const isOnDisk = await this.journal.put(this.launch, entry).finally(() => {
      this.#arriving -= 1;
    });
    this.run([this.launch]).catch((error) => this.onState({ state: "failed", error }));
    return isOnDisk;
  }

  async #count() {
    this.#waiting = (await this.journal.count()) + this.#arriving;
  }

  /** Wakes a sleeping sender: the network is back, the learner has signed in. */
  hurry() {
    this.#wake();
  }

  /** Ends sending for good; what is not sent stays in the journal. */
  stop() {
    this.#over = true;
    this.#wake();
  }

  /**
   * Sends until nothing of these launches waits; one run at a time, a second call joins
   * the first. Settles true when all that can be sent is committed.
   */
  run(launches) {
    if (this.#over) return Promise.resolve(false);
    for (const launch of launches) this.#todo.add(launch);
    this.#asked += 1;
    this.#run ??= this.#drain().then(
      (isDone) => {
        this.#run = null;
        return this.#todo.size > 0 ? this.run([]) : isDone;
      },
      (error) => {
        this.#run = null;
        throw error;
      },
    );
    return this.#run;
  }

  async #drain() {
    while (this.#todo.size > 0 && !this.#over) {
      const [launch] = this.#todo;
      const asked = this.#asked;
      await this.#count();
      const entries = await this.#entriesOf(launch);
      if (entries.length === 0) {
        // What came while we looked asks for another look.
        if (asked === this.#asked) this.#todo.delete(launch);
      } else {
        if (this.#tries > 0 || entries.some(isWork)) {
          this.#tell(this.#tries > 0 ? this.#failing : "saving");
        }
        await this.#deliver(launch, entries);
      }
    }
    return !this.#over;
  }

  async #entriesOf(launch) {
    try {
      return await this.journal.first(launch, this.#batch);
    } catch (error) {
      // Sealed with a key that the server no longer has: lost, but no reason to keep
      // the learner from going on.
      if (launch === this.launch) throw error;
      return [];
    }
  }

  async #deliver(launch, entries) {
    const before = this.#refusals.has(launch) ? [this.#refusals.get(launch)] : [];
    const { status, body, retry } = await post(`/launches/${launch}/entries`, {
      token: this.token.current,
      body: { entries: [...before, ...entries], sent: new Date(this.now()).toISOString() },
      fetch: this.fetch,
      now: this.now,
    });
    if (this.#over) return undefined;
    if (status === 200 && Number.isInteger(body?.committed_seq)) {
      return this.#committed(launch, body, entries.some(isWork));
    }
    if (status === 409 && KEPT_ASIDE.includes(body?.code)) {
      return this.#superseded(launch, entries, body);
    }
    if (status === 409 && body?.code === "gap" && body.expected_seq > entries[0].seq) {
      return this.journal.drop(launch, body.expected_seq - 1);
    }
    const isForeign = launch !== this.launch && body?.code === "invalid_token";
    if (status === 401 && !isForeign) return this.#renew();
    if (status === 413) this.#batch = 1;
    if (isForeign || (launch !== this.launch && [400, 403, 404, 409, 410].includes(status))) {
      // An older launch that the server will never take back must not keep the learner
      // from starting a new one; its entries stay here for support to see.
      this.#todo.delete(launch);
      return undefined;
    }
    if (status === 400 && UNREADABLE.includes(body?.code)) return this.#refused(entries);
    return this.#pause(retry, status === 0 ? "offline" : "waiting");
  }

  async #committed(launch, body, isNews) {
    this.#tries = 0;
    await this.journal.drop(launch, body.committed_seq);
    await this.#count();
    if (isNews) this.#savedAt = this.now();
    this.#tell(this.#waiting === 0 ? "saved" : "saving", body);
  }

  /**
   * The server has kept these aside: here they are done with, and what still waits
   * follows them. Behind a number that was taken, it is known by the entry refused.
   */
  async #superseded(launch, entries, { seq }) {
    const refused = entries.find((one) => one.seq === seq);
    if (refused !== undefined) this.#refusals.set(launch, refused);
    await this.journal.drop(launch, entries.at(-1).seq);
    await this.#count();
    if (launch !== this.launch) return;
    this.#tell("superseded");
    this.#over = (await this.journal.count(launch)) === 0;
  }

  /** One by one first, so that all before the one that cannot be read is saved. */
  #refused(entries) {
    if (entries.length > 1) {
      this.#batch = 1;
      return;
    }
    this.#tell("refused");
    this.#over = true;
  }

  async #renew() {
    const { status, body, retry } = await post(`/launches/${this.launch}/token`, {
      token: this.token.current,
      body: {},
      fetch: this.fetch,
      now: this.now,
    });
    if (status === 200 && typeof body?.token === "string") {
      this.token.current = body.token;
      return;
    }
    if (status === 401 || status === 403) this.renewing();
    await this.#pause(retry, status === 401 || status === 403 ? "signed_out" : "offline");
  }

  async #pause(retry, state) {
    this.#tries += 1;
    this.#failing = state === "offline" && this.online() ? "waiting" : state;
    this.#tell(this.#failing);
    const pause = Math.max(retry ?? 0, pauseBefore(this.#tries, this.random));
    await Promise.race([
      this.sleep(pause),
      new Promise((done) => {
        this.#wake = done;
      }),
    ]);
  }
}
