// TinCanJS as it is published, against a served record store; tests/clients/test_node.py
// says where. It has one attachment of text per statement: of a second one, and of bytes
// that are no text, it makes a broken body (0.50.0, under Node).

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { before, test } from "node:test";
import TinCan from "tincanjs";

const { LRS_ENDPOINT: endpoint, LRS_KEY: username, LRS_SECRET: password } = process.env;

TinCan.enableDebug && TinCan.DEBUG === true && assert.fail("too much talk");

const lrs = new TinCan.LRS({ endpoint, username, password, allowFail: false });

/** Call a method that takes a callback; what it gives, or what was wrong. */
function ask(method, ...given) {
  return new Promise((resolve, reject) => {
    const cfg = given.pop();
    lrs[method](...given, {
      ...cfg,
      callback(error, found) {
        if (error === null) {
          resolve(found);
        } else {
          // the number of a status, or an error; the answer comes second
          const told = new Error(`${error} ${found && found.responseText}`);
          reject(Object.assign(told, { status: error, answer: found }));
        }
      },
    });
  });
}

let agent, activity, count = 0;

before(() => {
  assert.ok(endpoint && username && password, "no record store was named");
});

/** Somebody and something that no other test has. */
function fresh() {
  count += 1;
  const name = `${randomUUID()}-${count}`;
  agent = new TinCan.Agent({ mbox: `mailto:${name}@example.org`, name: "Zoë Ø" });
  activity = new TinCan.Activity({
    id: `http://example.org/activities/${name}`,
    definition: { name: { "en-US": "Pursuits", "sv-SE": "Förföljelse" } },
  });
}

function made(more = {}) {
  return new TinCan.Statement({
    actor: agent,
    verb: { id: "http://adlnet.gov/expapi/verbs/completed" },
    target: activity,
    ...more,
  });
}

const ids = (result) => result.statements.map((one) => one.id);

test("the store tells its versions", async () => {
  const about = await ask("about", {});
  assert.ok(about.version.includes("1.0.3"), about.version);
});

test("a statement goes there and back", async () => {
  fresh();
  const sent = made({ result: { score: { scaled: 0.8 }, duration: "PT1M3.5S" } });
  await ask("saveStatement", sent, {});
  const got = await ask("retrieveStatement", sent.id, {});
  assert.equal(got.actor.mbox, agent.mbox);
  assert.equal(got.actor.name, "Zoë Ø");
  assert.equal(got.result.score.scaled, 0.8);
  assert.ok(got.stored && got.authority);
  // the same once more is no fault
  await ask("saveStatement", sent, {});
});

test("a statement without an id gets one", async () => {
  fresh();
  const sent = new TinCan.Statement(
    { actor: agent, verb: { id: "http://example.org/verbs/read" }, target: activity },
    { doStamp: false },
  );
  const xhr = await ask("saveStatement", sent, {});
  const [id] = JSON.parse(xhr.responseText);
  assert.equal((await ask("retrieveStatement", id, {})).id, id);
});

test("many statements are found by every filter, page by page", async () => {
  fresh();
  const tutor = new TinCan.Agent({ mbox: `mailto:${randomUUID()}@example.org` });
  const course = `http://example.org/courses/${randomUUID()}`;
  const registration = TinCan.Utils.getUUID();
  const other = { id: `http://example.org/verbs/${randomUUID()}` };
  const sent = [
    made(),
    made({ verb: other }),
    made({ context: { registration } }),
    made({ context: { instructor: tutor } }),
    made({ context: { contextActivities: { parent: [{ id: course }] } } }),
  ];
  await ask("saveStatements", sent, {});
  const all = sent.map((one) => one.id);
  const found = async (params) => ids(await ask("queryStatements", { params }));
  assert.deepEqual(await found({ agent }), all.toReversed());
  assert.deepEqual(await found({ agent, ascending: true }), all);
  assert.deepEqual(await found({ activity, ascending: true }), all);
  assert.deepEqual(await found({ verb: other.id }), [all[1]]);
  assert.deepEqual(await found({ registration }), [all[2]]);
  assert.deepEqual(await found({ agent: tutor }), []);
  assert.deepEqual(await found({ agent: tutor, related_agents: true }), [all[3]]);
  assert.deepEqual(await found({ activity: course }), []);
  assert.deepEqual(
    await found({ activity: course, related_activities: true }), [all[4]],
  );
  const stored = (await ask("retrieveStatement", all[1], {})).stored;
  assert.deepEqual(await found({ agent, until: stored, ascending: true }), all.slice(0, 2));
  assert.deepEqual(await found({ agent, since: stored, ascending: true }), all.slice(2));

  const pages = [];
  let page = await ask("queryStatements", { params: { agent, limit: 2 } });
  for (;;) {
    pages.push(...ids(page));
    if (!page.more) {
      break;
    }
    page = await ask("moreStatements", { url: page.more });
  }
  assert.deepEqual(pages, all.toReversed());

  const [short] = (await ask("queryStatements", { params: { activity, format: "ids" } }))
    .statements;
  assert.equal(short.target.definition, null);
  const [whole] = (
    await ask("queryStatements", { params: { activity, format: "canonical" } })
  ).statements;
  assert.ok(whole.target.definition.name["en-US"]);
});

test("a voided statement is found by its own address alone", async () => {
  fresh();
  const sent = made();
  await ask("saveStatement", sent, {});
  await ask("saveStatement", new TinCan.Statement({
    actor: agent,
    verb: { id: "http://adlnet.gov/expapi/verbs/voided" },
    target: new TinCan.StatementRef({ id: sent.id }),
  }), {});
  await assert.rejects(ask("retrieveStatement", sent.id, {}), { status: 404 });
  const got = await ask("retrieveVoidedStatement", sent.id, {});
  assert.equal(got.id, sent.id);
});

test("an attachment goes there and back", async () => {
  fresh();
  const content = "a report\r\nwith – lines\n--and dashes";
  const bytes = Buffer.from(content);
  const attachment = new TinCan.Attachment({
    usageType: "http://example.org/usage/report",
    display: { "en-US": "Report" },
    contentType: "text/plain; charset=utf-8",
  });
  attachment.setContentFromString(content);
  assert.equal(attachment.sha2, createHash("sha256").update(bytes).digest("hex"));
  const sent = made({ attachments: [attachment] });
  await ask("saveStatement", sent, {});
  const params = { attachments: true };
  const got = await ask("retrieveStatement", sent.id, { params });
  assert.equal(got.attachments[0].getContentAsString(), content);
  const { statements } = await ask("queryStatements", { params: { agent, ...params } });
  assert.equal(statements[0].attachments[0].getContentAsString(), content);
  const bare = await ask("retrieveStatement", sent.id, {});
  assert.equal(bare.attachments[0].length, bytes.length);
});

test("state is kept, changed, listed and dropped", async () => {
  fresh();
  const of = { agent, activity, registration: TinCan.Utils.getUUID() };
  await ask("saveState", "bookmark", "page 3", { ...of, contentType: "text/plain" });
  const first = await ask("retrieveState", "bookmark", of);
  assert.equal(first.contents, "page 3");
  assert.equal(first.contentType, "text/plain");
  assert.match(first.etag, /^"[0-9a-f]{40}"$/);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const json = { ...of, contentType: "application/json" };
  await ask("saveState", "answers", { a: 1 }, json);
  await ask("saveState", "answers", { b: 2 }, { ...json, method: "POST" });
  const merged = await ask("retrieveState", "answers", of);
  assert.deepEqual(merged.contents, { a: 1, b: 2 });
  const listed = await ask("retrieveStateIds", { ...of, since });
  assert.deepEqual(listed.toSorted(), ["answers", "bookmark"]);
  await ask("dropState", "bookmark", of);
  assert.equal((await ask("retrieveState", "bookmark", of)), null);
  await ask("dropState", null, of);
  assert.deepEqual(await ask("retrieveStateIds", of), []);
});

for (const [kind, whose] of [
  ["ActivityProfile", () => ({ activity })],
  ["AgentProfile", () => ({ agent })],
]) {
  test(`${kind} is guarded by its etag`, async () => {
    fresh();
    const of = { ...whose(), contentType: "application/json" };
    await ask(`save${kind}`, "settings", { size: 1 }, of);
    const first = await ask(`retrieve${kind}`, "settings", whose());
    assert.deepEqual(first.contents, { size: 1 });
    const changed = { ...of, lastSHA1: first.etag };
    await ask(`save${kind}`, "settings", { size: 2 }, changed);
    // somebody else was quicker
    const late = ask(`save${kind}`, "settings", { size: 3 }, changed);
    await assert.rejects(late, { status: 412 });
    // and without looking first nothing is overwritten
    await assert.rejects(ask(`save${kind}`, "settings", { size: 3 }, of), { status: 412 });
    const kept = await ask(`retrieve${kind}`, "settings", whose());
    assert.deepEqual(kept.contents, { size: 2 });
    assert.deepEqual(await ask(`retrieve${kind}Ids`, whose()), ["settings"]);
    await ask(`drop${kind}`, "settings", whose());
    assert.equal(await ask(`retrieve${kind}`, "settings", whose()), null);
  });
}

test("an activity has its definition", async () => {
  fresh();
  await ask("saveStatement", made(), {});
  const found = await ask("retrieveActivity", activity.id, {});
  assert.equal(found.definition.name["en-US"], "Pursuits");
});

test("a refusal is understood", async () => {
  fresh();
  const taken = made();
  await ask("saveStatement", taken, {});
  const altered = made({ id: taken.id, target: { id: "http://example.org/other" } });
  await assert.rejects(ask("saveStatement", altered, {}), { status: 409 });
  await assert.rejects(ask("retrieveStatement", randomUUID(), {}), { status: 404 });
  const stranger = new TinCan.LRS({
    endpoint, username, password: "wrong", allowFail: false,
  });
  const status = await new Promise((resolve) => {
    stranger.about({ callback: (error) => resolve(error) });
  });
  assert.equal(status, null, "about needs no credentials");
  const refused = await new Promise((resolve) => {
    stranger.saveStatement(made(), { callback: (error) => resolve(error) });
  });
  assert.equal(refused, 401);
});
