import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Model, createApi } from "../../player/static/api.js";

/** The cases that the server's model plays too, in tests/player/test_cmi.py. */
const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const writtenOut = (value) =>
  value?.times === undefined ? value : value.times[0].repeat(value.times[1]);

/** The rows of a table that an edition has, as it has them. */
function ofEdition(rows, edition) {
  const kept = Object.entries(rows).filter(([, { editions }]) => editions?.[edition] !== null);
  return Object.fromEntries(
    kept.map(([name, { editions, ...row }]) => [name, { ...row, ...editions?.[edition] }]),
  );
}

function tableOf(standard, edition = "4th") {
  const table = read(`../../player/elements/${standard}.json`);
  for (const part of ["types", "elements"]) table[part] = ofEdition(table[part], edition);
  return table;
}

function initialOf(table) {
  const rows = Object.entries(table.elements).filter(([, row]) => row.initial !== undefined);
  return Object.fromEntries(rows.map(([name, row]) => [name, row.initial]));
}

function play(table, given, calls) {
  const values = { ...initialOf(table), ...given };
  const { api } = createApi({ table, values, emit: () => {} });
  for (const [name, args, value, error] of calls) {
    const answer = api[name](...args.map(writtenOut));
    const left = api[table.api.last_error]();
    assert.deepEqual([name, args, answer, left], [name, args, writtenOut(value), String(error)]);
  }
}

for (const standard of ["scorm_12", "scorm_2004"]) {
  const cases = read(`../player/cases_${standard}.json`);
  const table = tableOf(standard);
  const first = initialOf(table);
  const stored = { ...first, ...cases.stored };

  test(`${standard}: ${cases.get.length} values read`, () => {
    for (const [name, value, code] of cases.get) {
      assert.deepEqual([name, new Model(table, stored).get(name)], [name, { value, code }]);
    }
  });

  test(`${standard}: ${cases.set.length} values written`, () => {
    const before = standard === "scorm_12" ? first : stored;
    for (const [name, value, code] of cases.set) {
      const model = new Model(table, before);
      const text = writtenOut(value);
      assert.deepEqual([name, value, model.set(name, text)], [name, value, code]);
      if (code === 0) assert.equal(model.values.get(name), text);
    }
  });

  for (const [name, given, calls] of cases.plays) {
    test(`${standard}: ${name}`, () => play(table, given, calls));
  }
  for (const [edition, name, given, calls] of cases.editions ?? []) {
    test(`${standard}, ${edition} edition: ${name}`, () => {
      play(tableOf(standard, edition), given, calls);
    });
  }
}
