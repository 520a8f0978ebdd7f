/**
 * The values of one unit: read, checked and written by an element table
 * (`player/elements/*.json`), in the order of checks that its `reading` list gives and
 * that the server follows when it takes the same changes again (`player/cmi.py`).
 */

import { lengthOf, problemOf, sameness, typesOf } from "./types.js";

const INDEX = /^(?:0|[1-9][0-9]{0,5})$/;
const DIGITS = /^[0-9]+$/;
const TARGET = /^(.+)\.\{target=[^{}]*\}$/s;
const KIN = { _children: "no_children", _count: "not_array", _version: "no_version" };

export const asText = (value) =>
  value === undefined || value === null ? "" : String(value);

function rowOf(name) {
  const target = TARGET.exec(name);
  if (target !== null) return `${target[1]}.{target}`;
  return name
    .split(".")
    .map((part) => (DIGITS.test(part) ? "n" : part))
    .join(".");
}

/** The row with the indexes of a name in place of its first n. */
function filled(row, steps) {
  let name = row;
  for (const { index } of steps) name = name.replace(".n.", `.${index}.`);
  return name;
}

export class Model {
  #elements;
  #types;
  #forbidden;
  #codes;
  #categories = new Set();
  #filled = [];
  #most;
  #held = 0;

  constructor(table, values) {
    this.#codes = table.codes;
    this.#elements = new Map(Object.entries(table.elements));
    this.#types = typesOf(table.types);
    this.#forbidden = new RegExp(table.forbidden, "u");
    this.#most = table.arrays_hold;
    for (const [name, { count, max }] of this.#elements) {
      if (count && max > 0 && !name.includes(".n.")) {
        this.#filled.push(name.slice(0, -"_count".length));
      }
      const parts = name.split(".");
      for (let at = 1; at < parts.length; at += 1) {
        this.#categories.add(parts.slice(0, at).join("."));
      }
    }
    this.values = new Map();
    for (const [name, value] of Object.entries(values)) {
      const text = asText(value);
      if (!name.endsWith("._count")) this.#held += this.#longer(name, text);
      this.values.set(name, text);
    }
  }

  /** The element of a full name, or the reason why there is none. */
  #find(name) {
    if (name === "") return { reason: "empty" };
    const parts = name.split(".{target=")[0].split(".");
    if (parts.includes("") || parts.includes("n")) return { reason: "malformed" };
    const row = rowOf(name);
    const element = this.#elements.get(row);
    return element === undefined ? { reason: this.#whyNone(row) } : { element };
  }

  #whyNone(row) {
    if (this.#categories.has(row)) return "category";
    const dot = row.lastIndexOf(".");
    const parent = row.slice(0, Math.max(dot, 0));
    const last = row.slice(dot + 1);
    const isKnown = this.#elements.has(parent) || this.#categories.has(parent);
    return isKnown && Object.hasOwn(KIN, last) ? KIN[last] : "unknown";
  }

  /** The arrays that a name passes; null when an index is not written as one. */
  #steps(name) {
    const steps = [];
    if (!/\.[0-9]/.test(name) || TARGET.test(name)) return steps;
    const parts = name.split(".");
    for (const [at, part] of parts.entries()) {
      if (!DIGITS.test(part)) continue;
      if (!INDEX.test(part)) return null;
      const array = parts.slice(0, at).join(".");
      const counter = `${array}._count`;
      steps.push({
        array,
        counter,
        index: Number(part),
        count: this.#count(counter),
        most: this.#elements.get(rowOf(counter))?.max ?? Infinity,
      });
    }
    return steps;
  }

  /** By how much a value would make longer what the arrays hold that content fills. */
  #longer(name, text) {
    if (!this.#filled.some((beginning) => name.startsWith(beginning))) return 0;
    const old = this.values.get(name);
    return lengthOf(text) - (old === undefined ? -lengthOf(name) : lengthOf(old));
  }

  #count(name) {
    return Number(this.values.get(name) ?? 0);
  }

  /** The access that the array entry of an element has by itself. */
  #granted(element, name) {
    if (element.access_in === undefined) return undefined;
    return this.values.get(`${name.slice(0, name.lastIndexOf("."))}.${element.access_in}`);
  }

  /** What follows from threshold and measure; undefined without a threshold. */
  #decided({ decided }) {
    if (decided === undefined) return undefined;
    const threshold = this.values.get(decided.threshold) ?? "";
    if (threshold === "") return undefined;
    const measure = this.values.get(decided.measure) ?? "";
    if (measure === "") return decided.unset;
    return Number(measure) >= Number(threshold) ? decided.met : decided.unmet;
  }

  /** The value of an element, and 0 or the code that tells why there is none. */
  get(name) {
    const codes = this.#codes.get;
    const none = (reason) => ({ value: "", code: codes[reason] ?? 0 });
    const { element, reason } = this.#find(name);
    if (element === undefined) return none(reason);
    if (element.access === "wo") return none("write_only");
    const steps = this.#steps(name);
    if (steps === null || steps.some(({ index, count }) => index >= count)) {
      return none("index");
    }
    if (["wo", "no"].includes(this.#granted(element, name))) return none("write_only");
    if (element.keyword !== undefined) return { value: element.keyword, code: 0 };
    if (element.count) return { value: String(this.#count(name)), code: 0 };
    const value = this.#decided(element) ?? this.values.get(name) ?? element.default;
    if (value === undefined || (element.empty_is_unset && value === "")) {
      return none("no_value");
    }
    return { value, code: 0 };
  }

  /** Writes a value; 0 when it was taken, else the code that tells why not. */
  set(name, value) {
    const codes = this.#codes.set;
    const { element, reason } = this.#find(name);
    if (element === undefined) return codes[reason];
    if (element.type === undefined) return codes.keyword;
    if (element.access === "ro") return codes.read_only;
    const steps = this.#steps(name);
    if (steps === null) return codes.index;
    for (const { index, count, most } of steps) {
      if (index > count) return codes.index;
      if (index === count && count >= most) return codes.full;
    }
    const whole = element.set === "append" ? (this.values.get(name) ?? "") + value : value;
    const problem = this.#problem(element, name, whole, steps);
    if (problem !== null) return codes[problem];
    const longer = this.#longer(name, whole);
    if (longer > 0 && this.#held + longer > this.#most) return codes.full;
    this.#held += longer;
    this.values.set(name, whole);
    for (const { index, count, counter } of steps) {
      if (index === count) this.values.set(counter, String(count + 1));
    }
    return 0;
  }

  /** The reason why an element, whose place is there, cannot hold a text. */
  #problem(element, name, text, steps) {
    if (["ro", "no"].includes(this.#granted(element, name))) return "read_only";
    for (const other of element.depends ?? []) {
      if (!this.values.has(filled(other, steps))) return "depends";
    }
    const type = this.#typeOf(element, steps);
    if (type === undefined) return "depends";
    if (type.most !== undefined && steps.at(-1).index >= type.most) return "full";
    if (this.#forbidden.test(text)) return "type";
    const problem = problemOf(type, text);
    if (problem !== null) return problem;
    if (element.once && (this.values.get(name) ?? text) !== text) return "once";
    const unique = element.unique || type.unique;
    return unique && this.#isTwice(type, name, text, steps.at(-1)) ? "unique" : null;
  }

  #typeOf({ type, needs_type: by }, steps) {
    if (by === undefined) return this.#types.get(type);
    const kind = this.values.get(filled(by.element, steps)) ?? "";
    return Object.hasOwn(by.types, kind) ? this.#types.get(by.types[kind]) : undefined;
  }

  /** Whether another entry of the same array holds the same. */
  #isTwice(type, name, text, { array, index, count }) {
    const tail = name.slice(`${array}.${index}`.length);
    const same = sameness(type, text);
    for (let other = 0; other < count; other += 1) {
      const held = this.values.get(`${array}.${other}${tail}`);
      if (other === index || held === undefined || held.length !== text.length) continue;
      if (sameness(type, held) === same) return true;
    }
    return false;
  }

  /**
   * Whether a later value of an element makes an earlier one, not yet sent, moot.
   * One in an array may have begun its entry, and others may have needed it since.
   */
  replaces(name) {
    const { element } = this.#find(name);
    if (element === undefined || element.set === "append") return false;
    return (this.#steps(name) ?? []).every(({ most }) => most === 0);
  }
}
