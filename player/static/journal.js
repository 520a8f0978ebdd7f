/**
 * The learner's journal: entries on disk in IndexedDB on the portal's origin, from the
 * moment content made them until the server says they are committed.
 *
 * Writes are strict (on disk when the promise settles): a killed browser was measured
 * to lose the last seconds of localStorage and nothing of this. Where the browser can
 * (a secure context), each entry is sealed with a key the server hands out per
 * registration, so that the next person at a shared PC cannot read it.
 */

const NAME = "rollcall-player";
const STORE = "entries";

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
  #database;
  #seal;
  #registration;

  /** Opens the journal, making it at the first time. Raises what IndexedDB raises. */
  static async open({ registration, key }) {
    const journal = new Journal();
    journal.#registration = registration;
    journal.#seal = await Seal.of(key);
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: ["registration", "launch", "seq"] });
    };
    journal.#database = await settled(request);
    journal.#database.onversionchange = () => journal.#database.close();
    return journal;
  }

  #range(launch, upTo = Infinity) {
    const first = [this.#registration, launch, -Infinity];
    return IDBKeyRange.bound(first, [this.#registration, launch, upTo]);
  }

  /** Settles when the entry is on disk. */
  async put(launch, entry) {
    const sealed = await this.#seal.close(entry);
    const transaction = this.#database.transaction(STORE, "readwrite", {
      durability: "strict",
    });
    transaction.objectStore(STORE).put({
      registration: this.#registration,
      launch,
      seq: entry.seq,
      ...sealed,
    });
    await finished(transaction);
  }

  /** The first entries of a launch, in order, at most `most`. */
  async first(launch, most) {
    const store = this.#database.transaction(STORE).objectStore(STORE);
    const rows = await settled(store.getAll(this.#range(launch), most));
    return Promise.all(rows.map((row) => this.#seal.open(row)));
  }

  /** How many entries wait, of one launch or of the registration. */
  async count(launch = null) {
    const store = this.#database.transaction(STORE).objectStore(STORE);
    const whole = IDBKeyRange.bound([this.#registration], [this.#registration, []]);
    return settled(store.count(launch === null ? whole : this.#range(launch)));
  }

  /** The launches of this registration that have entries waiting. */
  async launches() {
    const store = this.#database.transaction(STORE).objectStore(STORE);
    const range = IDBKeyRange.bound([this.#registration], [this.#registration, []]);
    const keys = await settled(store.getAllKeys(range));
    return [...new Set(keys.map(([, launch]) => launch))];
  }

  /** Forgets the entries of a launch up to a sequence number, those of all by default. */
  async drop(launch, upTo = Infinity) {
    const transaction = this.#database.transaction(STORE, "readwrite");
    transaction.objectStore(STORE).delete(this.#range(launch, upTo));
    await finished(transaction);
  }
}
