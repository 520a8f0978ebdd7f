"""A real package from a case's manifest, with a page of ours that runs commands."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.player.scorm_2004.cases import Case, Command

_RESOURCE = re.compile(r"<resource\b([^>]*)>(.*?)</resource>", re.DOTALL)
_BASE = re.compile(r'\bxml:base\s*=\s*"([^"]*)"')
_HREF = re.compile(r'<file\s+href\s*=\s*"([^"]*)"')

# finds the run-time as content does, in the windows above; `play` answers every command
# with what came back and the error code then, `leave` says what content says at last
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Case</title></head>
<body><h1>Case</h1><p id="state">ready</p>
<script>
"use strict";
function find(from) {
  while (!from.API_1484_11 && from.parent && from.parent !== from) from = from.parent;
  return from.API_1484_11 ?? null;
}
const api = find(window);
function written(name) {
  const [before, id, after] = name.split("&");
  if (id === undefined) return name;
  const array = before.slice(0, -1);
  const count = Number(api.GetValue(`${array}._count`));
  for (let n = 0; n < count; n += 1) {
    if (api.GetValue(`${array}.${n}.id`) === id) return `${array}.${n}${after}`;
  }
  return `${array}.${count}${after}`;
}
function objectiveIds() {
  const count = Number(api.GetValue("cmi.objectives._count"));
  const ids = [];
  for (let n = 0; n < count; n += 1) ids.push(api.GetValue(`cmi.objectives.${n}.id`));
  return ids.sort().join(",");
}
function run([method, ...given]) {
  if (method === "COI") return [objectiveIds(), "0"];
  const passed = [...given];
  if (/^[GS]etValue$/.test(method)) passed[0] = written(passed[0]);
  return [api[method](...passed), api.GetLastError()];
}
function play(commands) {
  const answers = commands.map(run);
  document.getElementById("state").textContent = "played";
  return answers;
}
function leave() {
  api?.Terminate("");
}
</script></body></html>
"""


def package(case: Case) -> bytes:
    """The zip: the manifest as it is, the page at every HTML file it names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", case.manifest)
        for path in sorted(files_of(case.manifest)):
            is_page = path.lower().endswith((".htm", ".html"))
            archive.writestr(path, PAGE if is_page else "")
    return made.getvalue()


def files_of(manifest: str) -> set[str]:
    """The paths of the files that the resources of a manifest name."""
    found: set[str] = set()
    for attributes, body in _RESOURCE.findall(manifest):
        base = _BASE.search(attributes)
        folder = base[1] if base else ""
        found.update(folder + href for href in _HREF.findall(body))
    return found


def rows_of(commands: tuple[Command, ...]) -> list[list[str]]:
    """The commands as the page's `play` takes them."""
    return [[one.method, *one.arguments] for one in commands]
