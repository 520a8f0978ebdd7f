import assert from "node:assert/strict";
import { test } from "node:test";

import { letSpeak } from "../../player/static/lastwords.js";

/** A window whose page is about to go: its requests of old are refused. */
function aWindow() {
  const fetched = [];
  class XMLHttpRequest {
    open(method, url, isAsync = true) {
      this.opened = { method, url, isAsync };
    }

    setRequestHeader() {}

    send() {
      throw new Error("Synchronous XHR in page dismissal");
    }
  }
  const window = { document: { baseURI: "https://unit.example/a/b.html" }, XMLHttpRequest };
  window.fetch = async (address, said) => {
    fetched.push([address, said]);
  };
  return { window, fetched };
}

test("what a request writes outlives the page, as it was written", () => {
  const { window, fetched } = aWindow();
  letSpeak([window, window]);
  const request = new window.XMLHttpRequest();
  request.open("post", "../hacp?x=1", false);
  request.setRequestHeader("Content-Type", "text/plain");
  request.send("command=PutParam");
  assert.equal(fetched.length, 1);
  const [address, said] = fetched[0];
  assert.equal(address, "https://unit.example/hacp?x=1");
  assert.equal(said.method, "POST");
  assert.deepEqual(said.headers, [["Content-Type", "text/plain"]]);
  assert.equal(said.body, "command=PutParam");
  assert.equal(said.keepalive, true);
});

test("what would only be read is not asked for any more", () => {
  const { window, fetched } = aWindow();
  letSpeak([window]);
  const request = new window.XMLHttpRequest();
  request.open("GET", "blank.html", false);
  request.send();
  assert.deepEqual(fetched, []);
});

test("a request that was opened before is sent as it was meant", () => {
  const { window } = aWindow();
  const request = new window.XMLHttpRequest();
  request.open("POST", "/hacp", false);
  letSpeak([window]);
  assert.throws(() => request.send("x"), /dismissal/);
});

test("a fetch that writes outlives the page too", async () => {
  const { window, fetched } = aWindow();
  letSpeak([window]);
  await window.fetch("/xapi/statements", { method: "POST", body: "{}" });
  await window.fetch("/page");
  assert.equal(fetched[0][1].keepalive, true);
  assert.equal(fetched[0][1].body, "{}");
  assert.deepEqual(fetched[1], ["/page", undefined]);
});
