// The upload of a package: by drop or choice, with progress, then on to its page.
const form = document.getElementById("upload");
const input = form.querySelector('input[type="file"]');
const button = form.querySelector("button");
const panel = document.getElementById("upload-progress");
const bar = panel.querySelector("progress");
const status = document.getElementById("upload-status");
const token = document.querySelector('meta[name="csrf-token"]').content;

function say(text) {
  status.textContent = text;
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function failed(text) {
  panel.hidden = true;
  button.disabled = false;
  say(text);
}

function send(file) {
  const request = new XMLHttpRequest();
  button.disabled = true;
  panel.hidden = false;
  bar.value = 0;
  say(`Sending ${file.name}`);
  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = Math.round((100 * event.loaded) / event.total);
    say(event.loaded < event.total
      ? `${size(event.loaded)} of ${size(event.total)} sent`
      : "All sent. The file is being stored.");
  });
  request.addEventListener("load", () => {
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // not ours: said below
    }
    if (request.status === 201 && answer.url) {
      location.assign(answer.url);
    } else {
      failed(answer.detail || `The server refused the file (${request.status}).`);
    }
  });
  request.addEventListener("error", () =>
    failed("The connection broke. Nothing was kept; try again."));
  request.open("POST", `${form.dataset.url}?filename=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-CSRFToken", token);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  request.send(file);
}

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
