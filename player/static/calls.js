/**
 * Gathers the calls that content makes of its run-time API, for the log that authors
 * and support read. A row is `[ms, function, arguments, result, error, times]`: `ms` of
 * the clock that entries have as `mono`; equal calls in a row are one, with a count.
 */

/** So many rows are handed over at once; what comes beyond is counted. */
const MOST = 1000;
/** Longer texts are cut, with their length told: whole values are in the entry. */
const LONGEST = 1000;

const cut = (value) => {
  const text = value === undefined || value === null ? "" : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length})` : text;
};

/** `{note, take, waiting}`; `mono` tells milliseconds of a clock that is never set back. */
export function gatherCalls(mono) {
  let rows = [];
  let last = "";
  let left = 0;
  return {
    /** Keeps a call. */
    note({ f, a, r, e }) {
      const said = [String(f), [...a].map(cut), cut(r), Number(e) || 0];
      const same = JSON.stringify(said);
      if (same === last) {
        rows.at(-1)[5] += 1;
      } else if (rows.length < MOST) {
        rows.push([Math.round(mono()), ...said, 1]);
        last = same;
      } else {
        left += 1;
      }
    },
    /** The calls since the last time; what was left out is a row without a function. */
    take() {
      if (left > 0) rows.push([Math.round(mono()), "", [], "", 0, left]);
      const taken = rows;
      rows = [];
      last = "";
      left = 0;
      return taken;
    },
    get waiting() {
      return rows.length;
    },
  };
}
