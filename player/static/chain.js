/**
 * Numbers what content changed: each entry holds the hash of the one before, so that
 * the log shows by itself that nothing was left out, doubled or put elsewhere.
 */

import { sha256 } from "./sha256.js";

/** What the next entry of a launch carries as `prev`. */
export function hashOf({ uuid, seq, kind, changes, at, mono, prev }) {
  return sha256(JSON.stringify([uuid, seq, kind, changes, at, mono, prev]));
}

/** A random UUID; `crypto.randomUUID` is missing where the page came over plain http. */
export function randomUuid(random = (bytes) => crypto.getRandomValues(bytes)) {
  const bytes = random(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * A function `(kind, changes) -> entry` that goes on after the entry `seq` whose hash
 * is `prev`. `now` tells milliseconds since 1970, `mono` whole milliseconds of a clock
 * that is never set back.
 */
export function chainFrom({ seq, prev, now, mono, uuid = randomUuid }) {
  let last = { seq, hash: prev };
  return (kind, changes) => {
    const entry = {
      uuid: uuid(),
      seq: last.seq + 1,
      kind,
      changes,
      at: new Date(now()).toISOString(),
      mono: Math.round(mono()),
      prev: last.hash,
    };
    last = { seq: entry.seq, hash: hashOf(entry) };
    return entry;
  };
}
