/**
 * The SCORM run-time API, answered from memory by an element table
 * (`player/elements/*.json`, the same file the server validates with; its "reading"
 * list says what its words mean).
 *
 * SCORM 1.2 RTE 3.2 (functions, errors); SCORM 2004 RTE 3.1 (functions, states,
 * errors). Pure: no window, no clock, no network. What content changes is handed to
 * `emit(kind, changes)`; who listens numbers, keeps and sends it.
 */

import { Model, asText } from "./model.js";

export { Model };

/** A value longer than this replaces the one waiting to be sent, not follows it. */
const BULKY = 255;

/** So many changes are handed over at once, however fast content makes more. */
const MOST = 1000;

/** The books' longest text of GetDiagnostic. */
const LONGEST = 255;

/**
 * The API object that content finds, under the names its standard gives the functions
 * and with the version of the API where the standard has one.
 *
 * @param table   the element table
 * @param values  element name to value, as the server sent them
 * @param emit    called `(kind, changes)`, kind initialize, set, commit or terminate
 * @param soon    called when a change waits; who listens calls `flush()` in a second
 * @param trace   called after every call of content with `{f, a, r, e}`: the function,
 *                its arguments as texts, what it returned, the error it left
 */
export function createApi({ table, values, emit, soon = () => {}, trace = null }) {
  const model = new Model(table, values);
  const { calls } = table;
  const errors = new Map(Object.entries(table.errors));
  let state = "before";
  let lastError = 0;
  let about = "";
  let waiting = [];

  const answer = (code, done = "true", refused = "false", name = "") => {
    lastError = code;
    about = name;
    return code === 0 ? done : refused;
  };
  /** Hands over what waits; where that fails it waits on. */
  const hand = (kind) => {
    const changes = waiting;
    waiting = [];
    try {
      emit(kind, changes);
      return true;
    } catch (error) {
      waiting = [...changes, ...waiting];
      console.error(error);
      return false;
    }
  };
  /** The code that forbids a call now; 0 when it may be made. */
  const barred = (what, argument = "") =>
    asText(argument) === "" ? calls[what][state] ?? 0 : calls.argument;
  const note = (name, value) => {
    const old = waiting.findIndex(([other, text]) => other === name && text.length > BULKY);
    if (old >= 0 && model.replaces(name)) waiting.splice(old, 1);
    waiting.push([name, value]);
    if (waiting.length >= MOST) hand("set");
  };
  const pass = (what, after) => {
    const before = state;
    state = after;
    if (hand(what)) return answer(0);
    state = before;
    return answer(calls[what].failed);
  };

  const functions = {
    initialize(argument) {
      const code = barred("initialize", argument);
      return code === 0 ? pass("initialize", "running") : answer(code);
    },
    terminate(argument) {
      const code = barred("terminate", argument);
      return code === 0 ? pass("terminate", "after") : answer(code);
    },
    get(name) {
      const closed = barred("get");
      if (closed !== 0) return answer(closed, "", "");
      const { value, code } = model.get(asText(name));
      return answer(code, value, "", asText(name));
    },
    set(name, value) {
      const closed = barred("set");
      if (closed !== 0) return answer(closed);
      const [element, text] = [asText(name), asText(value)];
      const code = model.set(element, text);
      if (code === 0) {
        note(element, text);
        soon();
      }
      return answer(code, "true", "false", element);
    },
    commit(argument) {
      const code = barred("commit", argument);
      if (code !== 0) return answer(code);
      return waiting.length === 0 ? answer(0) : pass("commit", state);
    },
    last_error: () => String(lastError),
    error_string: (code) => errors.get(asText(code)) ?? "",
    diagnostic(code) {
      const asked = asText(code);
      if (asked !== "" && asked !== String(lastError)) return errors.get(asked) ?? "";
      const text = errors.get(String(lastError));
      return lastError !== 0 && about !== "" ? `${text}: ${about}`.slice(0, LONGEST) : text;
    },
  };

  const traced = (f, call) => (...given) => {
    const r = call(...given);
    try {
      trace({ f, a: given.slice(0, 2).map(asText), r, e: lastError });
    } catch (error) {
      console.error(error);
    }
    return r;
  };
  const api = table.api.version === undefined ? {} : { version: table.api.version };
  for (const [what, call] of Object.entries(functions)) {
    const name = table.api[what];
    api[name] = trace === null ? call : traced(name, call);
  }
  return {
    api,
    /** Hands over what waits, without the content having asked to. */
    flush() {
      if (waiting.length > 0) hand("set");
    },
    get state() {
      return state;
    },
  };
}
