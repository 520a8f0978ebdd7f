"""The cases of the run-time in `cases_*.json`, and the server's model played by them.

The same files are played against the browser's API in tests/js/api_cases.test.js.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from player import cmi


def cases_of(standard: str) -> dict[str, Any]:
    """The file of a standard, its repeated texts written out."""
    file = Path(__file__).with_name(f"cases_{standard}.json")
    found: dict[str, Any] = json.loads(
        file.read_text(encoding="utf-8"), object_hook=_written_out
    )
    return found


def _written_out(part: dict[str, Any]) -> Any:
    if set(part) != {"times"}:
        return part
    text, times = part["times"]
    return text * times


class Session:
    """What the API answers where the server's model stands behind it."""

    def __init__(self, table: cmi.Elements, values: Mapping[str, str]) -> None:
        self.table = table
        self.values = dict(values)
        self.state = "before"
        self.error = 0
        self.about = ""
        names = table.source["api"]
        self.what = {name: what for what, name in names.items() if what != "object"}

    def call(self, function: str, arguments: list[Any]) -> str:
        """What the function returns; `error` is what it leaves."""
        texts = ["" if one is None else str(one) for one in arguments]
        what = self.what[function]
        if what in {"last_error", "error_string", "diagnostic"}:
            return self._told(what, *texts)
        codes = self.table.source["calls"]
        self.error, self.about = codes[what].get(self.state, 0), ""
        if what in {"initialize", "terminate", "commit"} and texts[:1] not in (
            [],
            [""],
        ):
            self.error = codes["argument"]
        if self.error:
            return "" if what == "get" else "false"
        if what == "get":
            self.about = texts[0]
            value, self.error = cmi.get_value(self.table, self.values, texts[0])
            return value
        if what == "set":
            self.about = texts[0]
            update, self.error = cmi.set_value(self.table, self.values, *texts)
            self.values.update(update)
            return "false" if self.error else "true"
        self.state = {"initialize": "running", "terminate": "after"}.get(
            what, self.state
        )
        return "true"

    def _told(self, what: str, code: str = "") -> str:
        texts = self.table.source["errors"]
        if what == "last_error":
            return str(self.error)
        if what == "diagnostic" and code in {"", str(self.error)}:
            about = f": {self.about}" if self.error and self.about else ""
            return f"{texts[str(self.error)]}{about}"
        return str(texts.get(code, ""))
