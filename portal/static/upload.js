// The upload of a package: by drop or choice, in pieces, with progress; then on to its page.
const form = document.getElementById("upload");
const {Cancelled, Upload} = await import(form.dataset.tus);
const input = form.querySelector('input[type="file"]');
const button = form.querySelector('button[type="submit"]');
const cancel = document.getElementById("upload-cancel");
const panel = document.getElementById("upload-progress");
const bar = panel.querySelector("progress");
const detail = document.getElementById("upload-detail");
const status = document.getElementById("upload-status");
const token = form.querySelector('input[name="csrf_token"]').value;
let current = null;

// what is read out changes seldom; the bar and the line below it move all the time
function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// what is on its way now is not among what waits to go on
function hideRunning(gone) {
  const waiting = document.getElementById("waiting");
  if (!waiting) return;
  const isOf = (place, item) => place?.endsWith(`/${item.dataset.upload}`) ?? false;
  for (const item of waiting.querySelectorAll("[data-upload]")) {
    item.hidden = isOf(current?.place, item);
    if (isOf(gone, item)) item.remove();
  }
  waiting.hidden = !waiting.querySelector("[data-upload]:not([hidden])");
}

function ended(text) {
  current = null;
  hideRunning();
  panel.hidden = true;
  cancel.hidden = true;
  button.disabled = false;
  say(text);
}

function ask(method, address, headers, body, onSent) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    ask.stop = () => request.abort();
    request.upload.addEventListener("progress", (event) => onSent?.(event.loaded));
    request.addEventListener("loadend", () => {
      let told = "";
      try {
        told = JSON.parse(request.responseText).detail;
      } catch {
        // no problem document: the status says enough
      }
      resolve({
        status: request.status,
        header: (name) => request.getResponseHeader(name),
        detail: told,
      });
    });
    request.open(method, address);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(body ?? null);
  });
}
ask.stop = () => {};

function wait(seconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      wait.stop = () => {};
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    addEventListener("online", done);
    wait.stop = done;
  });
}
wait.stop = () => {};

const memory = {
  get(name) {
    try {
      return localStorage.getItem(name) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // it goes on until the page is left
    }
  },
  delete(name) {
    try {
      localStorage.removeItem(name);
    } catch {
      // as above
    }
  },
};

function shower(file) {
  return ({sent, failures, seconds}) => {
    hideRunning();
    if (seconds !== undefined) {
      say("The connection is broken. What was sent is safe; trying again.");
      detail.textContent = `Next try in ${seconds} s`;
      return;
    }
    if (failures === 0 || !failures) say(`Sending ${file.name}`);
    const share = Math.floor((100 * sent) / file.size);
    bar.value = share;
    detail.textContent = sent < file.size
      ? `${size(sent)} of ${size(file.size)} sent (${share} %)`
      : "All sent. The file is being stored.";
  };
}

async function send(file) {
  if (current) return;
  if (!file.size) {
    say("The file is empty.");
    return;
  }
  button.disabled = true;
  panel.hidden = false;
  cancel.hidden = false;
  bar.value = 0;
  detail.textContent = "";
  say(`Sending ${file.name}`);
  current = new Upload({
    file, address: form.dataset.url, owner: form.dataset.owner, ask, wait, memory, show: shower(file),
  });
  hideRunning();
  try {
    location.assign(await current.run());
  } catch (error) {
    if (!(error instanceof Cancelled)) ended(error.message);
  }
}

cancel.addEventListener("click", async () => {
  const going = current;
  const place = going?.place;
  cancel.hidden = true;
  say("Ending the upload");
  const over = going?.cancel();
  wait.stop();
  const isGone = await over;
  ended(isGone === false
    ? "The server could not end the upload, or all of it was there already. Load this page again to see what became of it."
    : "The upload was cancelled. Nothing was kept.");
  if (isGone) hideRunning(place);
  button.focus();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files.length) send(input.files[0]);
});
for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.add("is-over");
  });
}
form.addEventListener("dragleave", (event) => {
  if (!form.contains(event.relatedTarget)) form.classList.remove("is-over");
});
form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("is-over");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});
