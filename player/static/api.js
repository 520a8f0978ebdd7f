/**
 * The SCORM run-time API, answered from memory by an element table
 * (`player/elements/*.json`, the same file the server validates with; its "reading"
 * list says what its words mean).
 *
 * SCORM 1.2 RTE 3.2 (functions, errors) and 3.4 (data model). Pure: no window, no
 * clock, no network. What content changes is handed to `emit(kind, changes)`; who
 * listens numbers, keeps and sends it.
 */

/** A value longer than this replaces the one waiting to be sent, not follows it. */
const BULKY = 255;

/** So many changes are handed over at once, however fast content makes more. */
const MOST = 1000;

const INDEX = /^(?:0|[1-9][0-9]{0,5})$/;
const DIGITS = /^[0-9]+$/;

const asText = (value) => (value === undefined || value === null ? "" : String(value));

/** A text's length in characters; code units would count some of them twice. */
function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** The values of one unit: read, checked and written by the table. */
export class Model {
  #elements;
  #types = new Map();
  #forbidden;
  #categories = new Set();

  constructor(table, values) {
    this.codes = table.codes;
    this.#elements = new Map(Object.entries(table.elements));
    this.#forbidden = new RegExp(table.forbidden, "u");
    for (const [name, type] of Object.entries(table.types)) {
      const pattern =
        type.pattern === undefined ? null : new RegExp(`^(?:${type.pattern})$`, "u");
      this.#types.set(name, { ...type, pattern });
    }
    for (const name of this.#elements.keys()) {
      const parts = name.split(".");
      for (let at = 1; at < parts.length; at += 1) {
        this.#categories.add(parts.slice(0, at).join("."));
      }
    }
    this.values = new Map();
    for (const [name, value] of Object.entries(values)) {
      this.values.set(name, asText(value));
    }
  }

  /** The element of a full name, or the code that tells why there is none. */
  #find(name) {
    const parts = name.split(".");
    const wrong = (part) =>
      part === "" || part === "n" || (DIGITS.test(part) && !INDEX.test(part));
    if (parts.some(wrong)) return { code: this.codes.malformed };
    const row = parts.map((part) => (INDEX.test(part) ? "n" : part)).join(".");
    const element = this.#elements.get(row);
    if (element !== undefined) return { element, parts };
    return { code: this.#whyNot(row) };
  }

  #whyNot(row) {
    const dot = row.lastIndexOf(".");
    const parent = row.slice(0, Math.max(dot, 0));
    if (this.#elements.has(parent) || this.#categories.has(parent)) {
      if (row.endsWith("._children")) return this.codes.no_children;
      if (row.endsWith("._count")) return this.codes.not_array;
    }
    return this.#categories.has(row) ? this.codes.category : this.codes.unknown;
  }

  /** The arrays that a name passes: `[name of the count, index, most]`. */
  #steps(parts) {
    const steps = [];
    parts.forEach((part, at) => {
      if (!INDEX.test(part)) return;
      const array = parts.slice(0, at);
      const row = array.map((name) => (INDEX.test(name) ? "n" : name)).join(".");
      const most = this.#elements.get(`${row}._count`)?.max ?? Infinity;
      steps.push([`${array.join(".")}._count`, Number(part), most]);
    });
    return steps;
  }

  #count(name) {
    return Number(this.values.get(name) ?? 0);
  }

  #isValid(type, text) {
    if (this.#forbidden.test(text)) return false;
    if (type.accepted !== undefined && lengthOf(text) > type.accepted) return false;
    if (type.vocabulary?.includes(text)) return true;
    if (type.pattern === null) return type.vocabulary === undefined;
    if (!type.pattern.test(text)) return false;
    if (type.min !== undefined && Number(text) < Number(type.min)) return false;
    return type.max === undefined || Number(text) <= Number(type.max);
  }

  /** The value of an element, and "0" or the code that tells why there is none. */
  get(name) {
    const { element, parts, code } = this.#find(name);
    if (element === undefined) return { value: "", code };
    if (element.access === "wo") return { value: "", code: this.codes.write_only };
    const steps = this.#steps(parts);
    if (steps.some(([count, index]) => index >= this.#count(count))) {
      return { value: "", code: this.codes.index };
    }
    if (element.keyword !== undefined) return { value: element.keyword, code: 0 };
    if (element.count) return { value: String(this.#count(name)), code: 0 };
    return { value: this.values.get(name) ?? "", code: 0 };
  }

  /** Writes a value; 0 when it was taken, else the code that tells why not. */
  set(name, value) {
    const { element, parts, code } = this.#find(name);
    if (element === undefined) return code;
    if (element.keyword !== undefined || element.count) return this.codes.keyword;
    if (element.access === "ro") return this.codes.read_only;
    const steps = this.#steps(parts);
    for (const [count, index, most] of steps) {
      if (index > this.#count(count)) return this.codes.index;
      if (index >= most) return this.codes.full;
    }
    const whole = element.set === "append" ? (this.values.get(name) ?? "") + value : value;
    if (!this.#isValid(this.#types.get(element.type), whole)) return this.codes.type;
    this.values.set(name, whole);
    for (const [count, index] of steps) {
      if (index === this.#count(count)) this.values.set(count, String(index + 1));
    }
    return 0;
  }

  /** Whether a later value of an element makes an earlier one, not yet sent, moot. */
  replaces(name) {
    return this.#find(name).element?.set !== "append";
  }
}

/**
 * The API object that content finds, under the names its standard gives the functions.
 *
 * @param table   the element table
 * @param values  element name to value, as the server sent them
 * @param emit    called `(kind, changes)`, kind initialize, set, commit or terminate
 * @param soon    called when a change waits; who listens calls `flush()` in a second
 */
export function createApi({ table, values, emit, soon = () => {} }) {
  const model = new Model(table, values);
  const { codes, errors } = table;
  let state = "before";
  let lastError = 0;
  let waiting = [];

  const answer = (code, done = "true", refused = "false") => {
    lastError = code;
    return code === 0 ? done : refused;
  };
  const closed = () => (state === "before" ? codes.not_initialized : codes.already_terminated);
  const hand = (kind) => {
    const changes = waiting;
    waiting = [];
    emit(kind, changes);
  };
  const note = (name, value) => {
    const old = waiting.findIndex(([other, text]) => other === name && text.length > BULKY);
    if (old >= 0 && model.replaces(name)) waiting.splice(old, 1);
    waiting.push([name, value]);
    if (waiting.length >= MOST) hand("set");
  };

  const functions = {
    initialize(argument) {
      if (asText(argument) !== "") return answer(codes.argument);
      if (state !== "before") return answer(codes.already_initialized);
      state = "running";
      hand("initialize");
      return answer(0);
    },
    terminate(argument) {
      if (asText(argument) !== "") return answer(codes.argument);
      if (state !== "running") return answer(closed());
      state = "after";
      hand("terminate");
      return answer(0);
    },
    get(name) {
      if (state !== "running") return answer(closed(), "", "");
      const { value, code } = model.get(asText(name));
      return answer(code, value, "");
    },
    set(name, value) {
      if (state !== "running") return answer(closed());
      const code = model.set(asText(name), asText(value));
      if (code === 0) {
        note(asText(name), asText(value));
        soon();
      }
      return answer(code);
    },
    commit(argument) {
      if (asText(argument) !== "") return answer(codes.argument);
      if (state !== "running") return answer(closed());
      if (waiting.length > 0) hand("commit");
      return answer(0);
    },
    last_error: () => String(lastError),
    error_string: (code) => errors[asText(code)] ?? "",
    diagnostic: (code) => errors[asText(code) === "" ? lastError : asText(code)] ?? "",
  };

  const api = {};
  for (const [what, call] of Object.entries(functions)) api[table.api[what]] = call;
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
