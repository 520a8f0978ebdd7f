// Buttons that copy what a field shows; where copying is not allowed, it is selected.
const told = document.getElementById("copied");

async function copy(field) {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy");
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const label = document.querySelector(`label[for="${field.id}"]`).textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copy(field);
    button.focus();
    button.firstChild.data = done ? "Copied" : "Press Ctrl+C";
    told.textContent = done ? `${label} copied.` : `${label} selected.`;
    if (!done) field.focus();
    setTimeout(() => {
      button.firstChild.data = "Copy";
    }, 3000);
  });
  field.addEventListener("focus", () => field.select());
}
