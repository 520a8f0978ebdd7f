// Asks how the import goes, shows it, and loads the page again when it is over.
const panel = document.getElementById("importing");
const bar = panel.querySelector("progress");
const text = document.getElementById("import-text");
let pause = 400;

async function look() {
  try {
    const answer = await fetch(panel.dataset.status, {headers: {Accept: "application/json"}});
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.detail);
    bar.value = Math.round(100 * found.progress);
    if (found.status === "imported" || found.status === "rejected") {
      location.reload();
      return;
    }
    pause = Math.min(pause * 1.3, 3000);
  } catch {
    text.textContent = "The server does not answer at present. Trying again.";
    pause = 3000;
  }
  setTimeout(look, pause);
}

setTimeout(look, pause);
