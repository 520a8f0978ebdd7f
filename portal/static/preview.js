// The page around a previewed unit: opens the content's shell, hands it what a launch
// would, confirms at once all that the unit says, and lists it. Nothing is kept or sent.
const given = JSON.parse(document.getElementById("preview").textContent);
const frame = document.getElementById("unit");
const state = document.getElementById("state");
const log = document.getElementById("log");
const MOST = 500;
const PATIENCE = 20000;
let port = null;

const KINDS = {initialize: "Begins", terminate: "Ends", commit: "Asks to save"};

function line(text, cls) {
  if (log === null) return;
  document.getElementById("silent").hidden = true;
  const item = document.createElement("li");
  item.className = cls;
  item.textContent = text;
  log.append(item);
  while (log.children.length > MOST) log.firstChild.remove();
  log.scrollTop = log.scrollHeight;
}

function onShell(data) {
  if (data?.type === "entry") {
    const {seq, kind, changes} = data.entry;
    for (const [name, value] of changes) line(`${name} = ${value}`, "rc-preview__value");
    if (KINDS[kind] !== undefined) line(KINDS[kind], "rc-preview__kind");
    port.postMessage({type: "kept", seq});
    port.postMessage({type: "committed", seq});
  } else if (data?.type === "unit") {
    state.textContent =
      data.state === "failed"
        ? `The first page of the unit was answered with ${Number(data.status)}.`
        : "";
  } else if (data?.type === "lacking") {
    const hosts = Array.isArray(data.hosts) ? data.hosts : [];
    if (data.missing > 0) line(`${Number(data.missing)} files that it asked for are not there.`, "rc-preview__lacks");
    if (hosts.length > 0) line(`It loads from other servers: ${hosts.join(", ")}`, "rc-preview__lacks");
  } else if (data?.type === "ready") {
    // what an earlier window could not hand over is of no launch
    port.postMessage({type: "tails_kept"});
    port.postMessage(given.start);
  }
}

window.addEventListener("message", (event) => {
  if (event.origin !== given.content || event.source !== frame.contentWindow) return;
  if (event.data?.type !== "rollcall.shell") return;
  const pipe = new MessageChannel();
  port?.close();
  port = pipe.port1;
  port.onmessage = (message) => onShell(message.data);
  frame.contentWindow.postMessage({type: "rollcall.port"}, given.content, [pipe.port2]);
});

setTimeout(() => {
  if (port === null) state.textContent = "The content site does not answer. Load this page again.";
}, PATIENCE);
frame.src = `${given.content}/__player/shell`;
