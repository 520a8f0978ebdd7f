import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { createApi } from "../../player/static/api.js";

const tableOf = (standard) =>
  JSON.parse(
    readFileSync(new URL(`../../player/elements/${standard}.json`, import.meta.url), "utf8"),
  );
const table = tableOf("scorm_12");
const newer = tableOf("scorm_2004");

/** A fresh API with what it emitted, as an unit of this content would find it. */
function opened(values = {}, { initialize = true } = {}) {
  const entries = [];
  const made = createApi({
    table,
    values: { "cmi.core.lesson_status": "not attempted", ...values },
    emit: (kind, changes) => entries.push([kind, changes]),
  });
  if (initialize) assert.equal(made.api.LMSInitialize(""), "true");
  return { api: made.api, flush: made.flush, entries };
}

test("the eight functions of SCORM 1.2 and no other", () => {
  assert.deepEqual(Object.keys(opened().api).sort(), [
    "LMSCommit", "LMSFinish", "LMSGetDiagnostic", "LMSGetErrorString",
    "LMSGetLastError", "LMSGetValue", "LMSInitialize", "LMSSetValue",
  ]);
});

test("the API of SCORM 2004 tells its version, as IEEE 1484.11.2 asks; 1.2 has none", () => {
  const { api } = createApi({ table: newer, values: {}, emit: () => {} });
  assert.match(api.version, /^1\.0\./);
  assert.equal(opened().api.version, undefined);
});

test("states: before, running, after", () => {
  const { api, entries } = opened({}, { initialize: false });
  for (const call of [
    () => api.LMSSetValue("cmi.core.lesson_location", "1"),
    () => api.LMSCommit(""),
    () => api.LMSFinish(""),
  ]) {
    assert.equal(call(), "false");
    assert.equal(api.LMSGetLastError(), "301");
  }
  assert.equal(api.LMSGetValue("cmi.core.entry"), "");
  assert.equal(api.LMSGetLastError(), "301");
  assert.equal(api.LMSInitialize(""), "true");
  assert.equal(api.LMSGetLastError(), "0");
  assert.equal(api.LMSInitialize(""), "false");
  assert.equal(api.LMSGetLastError(), "101");
  assert.equal(api.LMSFinish(""), "true");
  assert.equal(api.LMSSetValue("cmi.core.lesson_location", "1"), "false");
  assert.equal(api.LMSGetLastError(), "301");
  assert.equal(api.LMSInitialize(""), "false");
  assert.deepEqual(entries, [["initialize", []], ["terminate", []]]);
});

test("an argument where none belongs is refused, its absence is not", () => {
  const { api } = opened({}, { initialize: false });
  assert.equal(api.LMSInitialize("x"), "false");
  assert.equal(api.LMSGetLastError(), "201");
  assert.equal(api.LMSInitialize(), "true");
  assert.equal(api.LMSCommit("x"), "false");
  assert.equal(api.LMSCommit(null), "true");
});

const READ = [
  ["cmi.core._children", table.elements["cmi.core._children"].keyword, "0"],
  ["cmi.core.lesson_status", "not attempted", "0"],
  ["cmi.core.student_name", "", "0"],
  ["cmi.objectives._count", "0", "0"],
  ["cmi.objectives.0.id", "", "201"],
  ["cmi.core.session_time", "", "404"],
  ["cmi.core.exit", "", "404"],
  ["cmi.core.lesson_status._children", "", "202"],
  ["cmi.core.lesson_status._count", "", "203"],
  ["cmi.core._count", "", "203"],
  ["cmi.core", "", "201"],
  ["cmi.core.nothing", "", "401"],
  ["nothing", "", "401"],
  ["", "", "201"],
  ["cmi..core", "", "201"],
  ["cmi.objectives.n.id", "", "201"],
  ["cmi.objectives.00.id", "", "201"],
  [undefined, "", "201"],
];
for (const [name, value, code] of READ) {
  test(`LMSGetValue(${name}) is ${JSON.stringify(value)}, error ${code}`, () => {
    const { api } = opened();
    assert.equal(api.LMSGetValue(name), value);
    assert.equal(api.LMSGetLastError(), code);
  });
}

const WRITTEN = [
  ["cmi.core.lesson_status", "completed", "0"],
  ["cmi.core.lesson_status", "not attempted", "405"],
  ["cmi.core.lesson_status", "Completed", "405"],
  ["cmi.core.score.raw", "80", "0"],
  ["cmi.core.score.raw", 79.5, "0"],
  ["cmi.core.score.raw", "", "0"],
  ["cmi.core.score.raw", "100.1", "405"],
  ["cmi.core.score.raw", "-1", "405"],
  ["cmi.core.score.raw", "80%", "405"],
  ["cmi.core.session_time", "00:10:00", "0"],
  ["cmi.core.session_time", "0:10:00", "405"],
  ["cmi.core.exit", "", "0"],
  ["cmi.core.exit", "suspend", "0"],
  ["cmi.core.exit", "normal", "405"],
  ["cmi.core.student_id", "x", "403"],
  ["cmi.core._children", "x", "402"],
  ["cmi.objectives._count", "1", "402"],
  ["cmi.core.lesson_location", "x".repeat(255), "0"],
  ["cmi.core.lesson_location", "👮".repeat(255), "0"],
  ["cmi.core.lesson_location", "x".repeat(256), "405"],
  ["cmi.suspend_data", "x".repeat(64000), "0"],
  ["cmi.suspend_data", "x".repeat(64001), "405"],
  ["cmi.suspend_data", "a\u0000b", "405"],
  ["cmi.suspend_data", "\ud800", "405"],
  ["cmi.student_preference.audio", "-1", "0"],
  ["cmi.student_preference.audio", "101", "405"],
  ["cmi.interactions.0.id", "Q1", "0"],
  ["cmi.interactions.1.id", "Q1", "201"],
  ["cmi.interactions.0.id", "two words", "405"],
  ["cmi.core.lesson_location.x", "1", "401"],
];
for (const [name, value, code] of WRITTEN) {
  test(`LMSSetValue(${name}, ${String(value).slice(0, 20)}) gives ${code}`, () => {
    const { api, flush, entries } = opened();
    assert.equal(api.LMSSetValue(name, value), code === "0" ? "true" : "false");
    assert.equal(api.LMSGetLastError(), code);
    flush();
    const expected = code === "0" ? [["set", [[name, String(value)]]]] : [];
    assert.deepEqual(entries.slice(1), expected);
  });
}

test("arrays grow one by one and count, also inside one another", () => {
  const { api } = opened({ "cmi.interactions._count": "2" });
  assert.equal(api.LMSGetValue("cmi.interactions._count"), "2");
  assert.equal(api.LMSSetValue("cmi.interactions.2.id", "Q3"), "true");
  assert.equal(api.LMSGetValue("cmi.interactions._count"), "3");
  assert.equal(api.LMSSetValue("cmi.interactions.2.correct_responses.1.pattern", "a"), "false");
  assert.equal(api.LMSSetValue("cmi.interactions.2.correct_responses.0.pattern", "a"), "true");
  assert.equal(api.LMSGetValue("cmi.interactions.2.correct_responses._count"), "1");
  assert.equal(api.LMSSetValue("cmi.objectives.0.id", "o"), "true");
  assert.equal(api.LMSSetValue("cmi.objectives.0.score.raw", "50"), "true");
  assert.equal(api.LMSGetValue("cmi.objectives.0.score.raw"), "50");
  assert.equal(api.LMSGetValue("cmi.objectives.0.score._children"), "raw,min,max");
  assert.equal(api.LMSGetValue("cmi.objectives.1.id"), "");
  assert.equal(api.LMSGetLastError(), "201");
});

test("comments are appended, and each piece is sent alone", () => {
  const { api, flush, entries } = opened({ "cmi.comments": "one " });
  api.LMSSetValue("cmi.comments", "two ");
  api.LMSSetValue("cmi.comments", "three");
  assert.equal(api.LMSGetValue("cmi.comments"), "one two three");
  flush();
  assert.deepEqual(entries.at(-1)[1], [["cmi.comments", "two "], ["cmi.comments", "three"]]);
});

test("a long value replaces the one not yet sent, short ones all follow", () => {
  const { api, entries } = opened();
  api.LMSSetValue("cmi.suspend_data", "a".repeat(5000));
  api.LMSSetValue("cmi.core.lesson_status", "passed");
  api.LMSSetValue("cmi.core.lesson_status", "completed");
  api.LMSSetValue("cmi.suspend_data", "b".repeat(5000));
  api.LMSCommit("");
  assert.deepEqual(entries.at(-1), ["commit", [
    ["cmi.core.lesson_status", "passed"],
    ["cmi.core.lesson_status", "completed"],
    ["cmi.suspend_data", "b".repeat(5000)],
  ]]);
});

test("a commit without change sends nothing, Finish takes what waits", () => {
  const { api, entries } = opened();
  api.LMSCommit("");
  api.LMSSetValue("cmi.core.lesson_location", "7");
  api.LMSFinish("");
  assert.deepEqual(entries, [
    ["initialize", []],
    ["terminate", [["cmi.core.lesson_location", "7"]]],
  ]);
});

test("error texts and diagnostics", () => {
  const { api } = opened();
  assert.equal(api.LMSGetErrorString("405"), table.errors["405"]);
  assert.equal(api.LMSGetErrorString(405), table.errors["405"]);
  assert.equal(api.LMSGetErrorString("999"), "");
  for (const word of ["constructor", "toString", "__proto__"]) {
    assert.equal(api.LMSGetErrorString(word), "");
    assert.equal(api.LMSGetDiagnostic(word), "");
  }
  api.LMSSetValue("cmi.core.student_id", "x");
  const told = `${table.errors["403"]}: cmi.core.student_id`;
  assert.equal(api.LMSGetDiagnostic(""), told);
  assert.equal(api.LMSGetDiagnostic("403"), told);
  assert.equal(api.LMSGetDiagnostic("401"), table.errors["401"]);
  assert.equal(api.LMSGetDiagnostic("999"), "");
});

test("every element of the table can be reached, and its access holds", () => {
  for (const [row, element] of Object.entries(table.elements)) {
    const { api } = opened({
      "cmi.objectives._count": "1",
      "cmi.interactions._count": "1",
      "cmi.interactions.0.objectives._count": "1",
      "cmi.interactions.0.correct_responses._count": "1",
    });
    const name = row.replaceAll(".n.", ".0.");
    api.LMSGetValue(name);
    assert.equal(api.LMSGetLastError(), element.access === "wo" ? "404" : "0", name);
    if (element.access === undefined || element.access === "ro") {
      assert.equal(api.LMSSetValue(name, ""), "false", name);
    }
  }
});

test("changes without end are handed over in pieces", () => {
  const { api, entries } = opened();
  for (let turn = 0; turn < 2500; turn += 1) {
    api.LMSSetValue("cmi.core.lesson_location", String(turn));
  }
  assert.deepEqual(entries.slice(1).map(([kind, changes]) => [kind, changes.length]), [
    ["set", 1000], ["set", 1000],
  ]);
  api.LMSFinish("");
  assert.equal(entries.at(-1)[1].length, 500);
});

/** An API whose hand-over fails while `broken.now` holds. */
function failing(broken) {
  const entries = [];
  const made = createApi({
    table,
    values: {},
    emit: (kind, changes) => {
      if (broken.now) throw new Error("nobody listens");
      entries.push([kind, changes]);
    },
  });
  return { ...made, entries };
}

test("what cannot be handed over is told, and waits for the next time", (t) => {
  t.mock.method(console, "error", () => {});
  const broken = { now: true };
  const { api, flush, entries } = failing(broken);
  assert.equal(api.LMSInitialize(""), "false");
  assert.equal(api.LMSGetLastError(), "101");
  broken.now = false;
  assert.equal(api.LMSInitialize(""), "true");
  api.LMSSetValue("cmi.core.lesson_location", "1");
  broken.now = true;
  flush();
  assert.equal(api.LMSCommit(""), "false");
  assert.equal(api.LMSGetLastError(), "101");
  assert.equal(api.LMSFinish(""), "false");
  api.LMSSetValue("cmi.core.lesson_location", "2");
  broken.now = false;
  assert.equal(api.LMSFinish(""), "true");
  assert.deepEqual(entries, [
    ["initialize", []],
    ["terminate", [["cmi.core.lesson_location", "1"], ["cmi.core.lesson_location", "2"]]],
  ]);
  assert.equal(console.error.mock.callCount(), 4);
});

test("calls are traced as content made them", () => {
  const calls = [];
  const trace = (call) => calls.push(call);
  const { api } = createApi({ table, values: {}, emit: () => {}, trace });
  api.LMSInitialize("");
  api.LMSSetValue("cmi.core.score.raw", 80);
  api.LMSGetValue("cmi.core.nothing", "more", "and more");
  api.LMSGetLastError();
  api.LMSFinish();
  assert.deepEqual(calls, [
    { f: "LMSInitialize", a: [""], r: "true", e: 0 },
    { f: "LMSSetValue", a: ["cmi.core.score.raw", "80"], r: "true", e: 0 },
    { f: "LMSGetValue", a: ["cmi.core.nothing", "more"], r: "", e: 401 },
    { f: "LMSGetLastError", a: [], r: "401", e: 401 },
    { f: "LMSFinish", a: [], r: "true", e: 0 },
  ]);
});

test("a trace that fails does not reach the content", (t) => {
  t.mock.method(console, "error", () => {});
  const trace = () => {
    throw new Error("full");
  };
  const { api } = createApi({ table, values: {}, emit: () => {}, trace });
  assert.equal(api.LMSInitialize(""), "true");
  assert.equal(console.error.mock.callCount(), 1);
});

test("arrays together hold so much, in characters, and the rest goes on", () => {
  const name = "cmi.interactions.0.student_response";
  const { api } = createApi({
    table: { ...table, arrays_hold: name.length + 10 },
    values: { [name]: "🙂".repeat(8), "cmi.interactions._count": "1" },
    emit: () => {},
  });
  api.LMSInitialize("");
  assert.equal(api.LMSSetValue("cmi.interactions.0.id", "q"), "false");
  assert.equal(api.LMSGetLastError(), "101");
  assert.equal(api.LMSSetValue(name, "🙂".repeat(10)), "true");
  assert.equal(api.LMSSetValue(name, "🙂".repeat(11)), "false");
  assert.equal(api.LMSSetValue(name, "a"), "true");
  assert.equal(api.LMSSetValue("cmi.suspend_data", "x".repeat(1000)), "true");
});

test("a long value in an array stays where it was, since others may need it", () => {
  const entries = [];
  const { api } = createApi({
    table: newer,
    values: { "adl.data._count": "1", "adl.data.0.id": "s" },
    emit: (kind, changes) => entries.push(changes.map(([name]) => name)),
  });
  const [id, store] = ["cmi.interactions.0.id", "adl.data.0.store"];
  api.Initialize("");
  for (const turn of ["a", "b"]) {
    assert.equal(api.SetValue(id, turn.repeat(300)), "true");
    assert.equal(api.SetValue("cmi.interactions.0.type", "other"), "true");
    assert.equal(api.SetValue(store, turn.repeat(300)), "true");
  }
  api.Commit("");
  const kind = "cmi.interactions.0.type";
  assert.deepEqual(entries[1], [id, kind, id, kind, store]);
});
