/**
 * The learner's journal: entries on disk in IndexedDB on the portal's origin, from the
 * moment content made them until the server says they are committed.
 *
 * Writes are strict (on disk when the promise settles): a killed browser was measured
 * to lose the last seconds of localStorage and nothing of this. Where the browser can
 * (a secure context), each entry is sealed with a key the server hands out per
 * registration, so that the next person at a shared PC cannot read it.
 *
 * Where the disk refuses (a full one, a private window of some browsers), entries are
 * held in memory and sent all the same: saving goes on as long as the page is open.
 */

const NAME = "rollcall-player";
const STORE = "entries";
/** Milliseconds between tries to open it. */
const PAUSES = [100, 400, 1500];

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

function ask() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE, { keyPath: ["registration", "launch", "seq"] });
  };
  return request;
}

/**
 * The database. What lies in it must not be passed over because it could not be opened
 * at once: after a crash it may still be held or mended.
 */
async function openDatabase() {
  for (const pause of PAUSES) {
    // Where it is switched off this throws at once, and for good.
    const request = ask();
    try {
      return await settled(request);
    } catch {
      await new Promise((done) => setTimeout(done, pause));
    }
  }
  return settled(ask());
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));

class Seal {
  #key;

  static async of(base64) {
    const seal = new Seal();
    if (crypto.subtle !== undefined) {
      seal.#key = await crypto.subtle.importKey(
        "raw", bytesOf(base64), "AES-GCM", false, ["encrypt", "decrypt"],
      );
    }
    return seal;
  }

  async close(entry) {
    const text = new TextEncoder().encode(JSON.stringify(entry));
    if (this.#key === undefined) return { text };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, text: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#key, text) };
  }

  async open({ iv, text }) {
    const clear =
      iv === undefined
        ? text
        : await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.#key, text);
    return JSON.parse(new TextDecoder().decode(clear));
  }
}

/** The journal of one registration; entries of its launches lie in order of seq. */
export class Journal {
  #database = null;
  #seal;
  #registration;
  /** What the disk refused: launch to seq to entry. */
  #held = new Map();

  /** Opens the journal, making it at the first time. */
  static async open({ registration, key }) {
    const journal = new Journal();
    journal.#registration = registration;
    journal.#seal = await Seal.of(key);
    try {
      const database = await openDatabase();
      database.onversionchange = () => database.close();
      journal.#database = database;
    } catch {
      // Everything is held in memory then; `put` says so.
    }
    return journal;
  }

  #range(launch, upTo = Infinity) {
    const first = [this.#registration, launch, -Infinity];
    return IDBKeyRange.bound(first, [this.#registration, launch, upTo]);
  }

  #whole() {
    return IDBKeyRange.bound([this.#registration], [this.#registration, []]);
  }

  #store() {
    return this.#database.transaction(STORE).objectStore(STORE);
  }

  /** Settles true when the entry is on disk, false when it is only held in memory. */
  async put(launch, entry) {
    try {
      const sealed = await this.#seal.close(entry);
      const row = { registration: this.#registration, launch, seq: entry.seq, ...sealed };
      const transaction = this.#database.transaction(STORE, "readwrite", {
        durability: "strict",
      });
      transaction.objectStore(STORE).put(row);
      await finished(transaction);
      return true;
    } catch {
      if (!this.#held.has(launch)) this.#held.set(launch, new Map());
      this.#held.get(launch).set(entry.seq, entry);
      return false;
    }
  }

  /** The first entries of a launch, in order, at most `most`. */
  async first(launch, most) {
    const held = [...(this.#held.get(launch)?.values() ?? [])];
    const rows =
      this.#database === null
        ? []
        : await settled(this.#store().getAll(this.#range(launch), most));
    const kept = await Promise.all(rows.map((row) => this.#seal.open(row)));
    return [...kept, ...held].sort((a, b) => a.seq - b.seq).slice(0, most);
  }

  /** How many entries wait, of one launch or of the registration. */
  async count(launch = null) {
    let held = 0;
    for (const [name, entries] of this.#held) {
      if (launch === null || launch === name) held += entries.size;
    }
    if (this.#database === null) return held;
    const range = launch === null ? this.#whole() : this.#range(launch);
    return held + (await settled(this.#store().count(range)));
  }

  /** The launches of this registration that have entries waiting. */
  async launches() {
    if (this.#database === null) return [];
    const keys = await settled(this.#store().getAllKeys(this.#whole()));
    return [...new Set(keys.map(([, launch]) => launch))];
  }

  /** Forgets the entries of a launch up to a sequence number, those of all by default. */
  async drop(launch, upTo = Infinity) {
    for (const seq of [...(this.#held.get(launch)?.keys() ?? [])]) {
      if (seq <= upTo) this.#held.get(launch).delete(seq);
    }
    if (this.#database === null) return;
    const transaction = this.#database.transaction(STORE, "readwrite");
    transaction.objectStore(STORE).delete(this.#range(launch, upTo));
    await finished(transaction);
  }
}
