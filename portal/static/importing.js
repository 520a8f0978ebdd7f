// Asks how the import goes, shows it, and loads the page again when it is over.
const panel = document.getElementById("importing");
const bar = panel.querySelector("progress");
const text = document.getElementById("import-text");
const detail = document.getElementById("import-detail");
let pause = 400;

// read out only when it changes
function say(words) {
  if (text.textContent !== words) text.textContent = words;
}

async function look() {
  try {
    const answer = await fetch(panel.dataset.status, {headers: {Accept: "application/json"}});
    // signed out, or no package any more: the page itself says so
    if (answer.redirected || [401, 403, 404].includes(answer.status)) {
      location.reload();
      return;
    }
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.detail);
    const share = Math.round(100 * found.progress);
    bar.value = share;
    if (found.status !== "queued" && found.status !== "importing") {
      location.reload();
      return;
    }
    say(found.status === "queued" ? panel.dataset.queued : panel.dataset.importing);
    detail.textContent = found.status === "queued" ? "" : `${share} %`;
    pause = Math.min(pause * 1.3, 2000);
  } catch {
    say("The server does not answer at present. Trying again.");
    pause = 3000;
  }
  setTimeout(look, pause);
}

setTimeout(look, pause);
