// One file sent in pieces (tus 1.0.0): what is safe on the server stays there, so after a
// break, a reload or another day it goes on where it was. The page hands in how to ask,
// wait and remember; see upload.js.

export const PIECE = 8 * 1024 * 1024;
const VERSION = "1.0.0";
const LONGEST_PAUSE = 30;

/** The server does not want it: trying again as it is would not help. */
export class Refused extends Error {}
/** The person ended it. */
export class Cancelled extends Error {}

/** Seconds to wait before the n-th try again: 1, 2, 4 … 30, or what the server asks. */
export function pauseBefore(failures, asked) {
  const wanted = Number.parseInt(asked ?? "", 10);
  const own = Math.min(2 ** (failures - 1), LONGEST_PAUSE);
  return Number.isNaN(wanted) ? own : Math.min(Math.max(own, wanted), 300);
}

/** What tells a file from others without reading it. */
export function fingerprint(file, owner) {
  return ["rollcall-upload", owner, file.name, file.size, file.lastModified].join(":");
}

/** The name as the protocol carries it. */
export function metadata(name) {
  const bytes = new TextEncoder().encode(name);
  return `filename ${btoa(String.fromCharCode(...bytes))}`;
}

function passes(status) {
  return status === 0 || status === 408 || status === 409 || status === 429 || status >= 500;
}

export class Upload {
  /**
   * `ask(method, address, headers, body, onSent)` resolves to `{status, header, detail}`,
   * status 0 when nothing answered; `ask.stop()` breaks it off. `wait(seconds)` resolves
   * then, or sooner when the network is back. `memory` has get, set and delete.
   */
  constructor({file, address, owner, ask, wait, memory, show, piece = PIECE}) {
    Object.assign(this, {file, address, ask, wait, memory, show, piece});
    this.name = fingerprint(file, owner);
    this.place = memory.get(this.name);
    this.isCancelled = false;
  }

  /** Send all that is missing; the address of the upload. */
  async run() {
    let offset = null;
    let failures = 0;
    while (offset !== this.file.size) {
      const answer = await this.#step(offset);
      if (this.isCancelled) throw new Cancelled();
      if (answer.offset !== undefined) {
        offset = answer.offset;
        if (answer.isPiece) failures = 0;
        this.show({sent: offset ?? 0, failures});
        continue;
      }
      if (answer.status === 404 || answer.status === 410) {
        this.#forget();
      } else if (!passes(answer.status)) {
        throw new Refused(answer.detail || `The server refused the file (${answer.status}).`);
      }
      offset = null;
      failures += 1;
      this.show({failures, seconds: pauseBefore(failures, answer.header("Retry-After"))});
      await this.wait(pauseBefore(failures, answer.header("Retry-After")));
      if (this.isCancelled) throw new Cancelled();
    }
    const place = this.place;
    this.#forget();
    return place;
  }

  /** Break off and let the server forget it; resolves to whether nothing of it is left. */
  async cancel() {
    this.isCancelled = true;
    this.ask.stop();
    if (!this.place) return true;
    const {status} = await this.ask("DELETE", this.place, {"Tus-Resumable": VERSION});
    const isGone = status === 204 || status === 404 || status === 410;
    if (isGone) this.#forget();
    return isGone;
  }

  #forget() {
    this.place = undefined;
    this.memory.delete(this.name);
  }

  async #step(offset) {
    if (!this.place) return this.#create();
    if (offset === null) {
      const answer = await this.ask("HEAD", this.place, {"Tus-Resumable": VERSION});
      return answer.status === 200 ? this.#at(answer) : answer;
    }
    const part = this.file.slice(offset, offset + this.piece);
    const answer = await this.ask(
      "PATCH",
      this.place,
      {
        "Tus-Resumable": VERSION,
        "Upload-Offset": String(offset),
        "Content-Type": "application/offset+octet-stream",
      },
      part,
      (sent) => this.show({sent: offset + sent}),
    );
    return answer.status === 204 ? {...this.#at(answer), isPiece: true} : answer;
  }

  async #create() {
    const answer = await this.ask("POST", this.address, {
      "Tus-Resumable": VERSION,
      "Upload-Length": String(this.file.size),
      "Upload-Metadata": metadata(this.file.name),
    });
    if (answer.status !== 201) return answer;
    this.place = answer.header("Location");
    this.memory.set(this.name, this.place);
    return {offset: 0};
  }

  /** Where the server is; an answer without it is not one of ours. */
  #at(answer) {
    const found = Number.parseInt(answer.header("Upload-Offset") ?? "", 10);
    return Number.isNaN(found) ? {...answer, status: 0} : {offset: found};
  }
}
