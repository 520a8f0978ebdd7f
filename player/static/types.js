/**
 * The types of the element tables: what a value must look like.
 *
 * Read from the `types` of a table, whose `reading` list says what each word means, and
 * decided as the server does (`player/cmi_types.py`). SCORM 1.2 RTE 3.4.1, SCORM 2004
 * RTE 4.1.1 (types, delimiters, localized strings) and 4.2.9 (responses).
 */

const MARK = /^\{([a-z_]+)=([^{}]*)\}/;

/** A text's length in characters; code units would count some of them twice. */
export function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Every type of a table by its name, those that it names of others resolved. */
export function typesOf(rows) {
  const made = new Map();
  const make = (name) => {
    if (!made.has(name)) made.set(name, build(rows[name]));
    return made.get(name);
  };
  const build = (row) => ({
    ...row,
    vocabulary: row.vocabulary === undefined ? null : new Set(row.vocabulary),
    pattern: row.pattern === undefined ? null : new RegExp(`^(?:${row.pattern})$`, "u"),
    min: Number(row.min ?? -Infinity),
    max: Number(row.max ?? Infinity),
    primary: row.primary === undefined ? null : new Set(row.primary.split(" ")),
    as: row.as === undefined ? null : make(row.as),
    marks: Object.entries(row.marks ?? {}).map(([mark, type]) => [mark, make(type)]),
    item: row.item === undefined ? null : make(row.item),
    sides: (row.sides ?? []).map(make),
  });
  for (const name of Object.keys(rows)) make(name);
  return made;
}

/** Why a text is not of the type, "type" or "range"; null when it is. */
export function problemOf(type, text) {
  if (type.accepted !== undefined && lengthOf(text) > type.accepted) return "type";
  if (type.vocabulary?.has(text)) return null;
  if (type.as !== null) return problemOf(type.as, text);
  const rest = withoutMarks(type, text);
  if (rest === null) return "type";
  if (type.split !== undefined) return isList(type, rest) ? null : "type";
  if (type.halves !== undefined) return isPair(type, rest) ? null : "type";
  if (type.pattern === null) return type.vocabulary === null ? null : "type";
  if (!type.pattern.test(rest)) return "type";
  if (type.primary !== null && !type.primary.has(rest.split("-")[0].toLowerCase())) {
    return "type";
  }
  if (type.min === -Infinity && type.max === Infinity) return null;
  return type.min <= Number(rest) && Number(rest) <= type.max ? null : "range";
}

/** What two texts have in common that are one and the same to the type. */
export function sameness(type, text) {
  if (type.split === undefined || !type.distinct) return text;
  return text.split(type.split).sort().join(type.split);
}

function withoutMarks(type, text) {
  const left = new Map(type.marks);
  let rest = text;
  while (left.size > 0) {
    const found = MARK.exec(rest);
    if (found === null || !left.has(found[1])) break;
    if (problemOf(left.get(found[1]), found[2]) !== null) return null;
    left.delete(found[1]);
    rest = rest.slice(found[0].length);
  }
  return rest;
}

function isList(type, text) {
  if (text === "" && type.empty) return true;
  const items = text.split(type.split);
  if (type.distinct && new Set(items).size < items.length) return false;
  return items.every((item) => problemOf(type.item, item) === null);
}

function isPair(type, text) {
  const parts = text.split(type.halves);
  if (parts.length !== type.sides.length) return false;
  if (type.some && parts.every((part) => part === "")) return false;
  if (parts.some((part, at) => problemOf(type.sides[at], part) !== null)) return false;
  if (!type.ordered || parts.some((part) => part === "")) return true;
  return Number(parts[0]) <= Number(parts[1]);
}
