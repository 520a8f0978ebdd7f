"""AICC data as text: what a unit posts, its groups, and the tables in it.

CMI001 version 4, appendix A (HACP) and 5.2 (groups of names and values). Units in the
field write it in many ways, so it is read leniently: any case, any line ends, any
charset, values escaped once, twice or not at all, groups in any order.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

PARAMETERS = ("command", "version", "session_id", "au_password", "aicc_data")
GROUPS = frozenset(
    {
        "core",
        "core_lesson",
        "core_vendor",
        "comments",
        "evaluation",
        "objectives_status",
        "student_data",
        "student_demographics",
        "student_preferences",
    }
)
MOST_ROWS = 5000

_HEADING = re.compile(r"[ \t]*\[[ \t]*([A-Za-z][A-Za-z_ ]{0,40}?)[ \t]*\][ \t]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_STILL_ESCAPED = re.compile(r"%5b", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """One request of HACP: the command in small letters, and what came with it."""

    command: str
    session_id: str
    password: str
    version: str
    data: str


@dataclass(frozen=True)
class Groups:
    """Names and values by group, and each group's text as it was written.

    All names are in small letters; a name that comes twice has its first value.
    """

    values: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, str]

    def get(self, group: str, name: str) -> str | None:
        """The value; None where it is not said."""
        return self.values.get(group, {}).get(name)


def read_request(*posted: bytes) -> Request:
    """The request in a body of a form, or in several (the query is one too).

    Data that the unit forgot to escape holds `&` and line ends of its own: what follows
    `aicc_data` and is no parameter of HACP belongs to the data.
    """
    found: dict[str, list[bytes]] = {}
    for form in posted:
        last = ""
        for part in form.split(b"&"):
            name, equals, value = part.partition(b"=")
            key = _text(_unescaped(name)).strip().lower() if equals else ""
            if key in PARAMETERS:
                found.setdefault(key, [value])
                last = key
            elif last == "aicc_data":
                found[last].append(part)
    data = b"&".join(found.pop("aicc_data", []))
    said = {name: _text(_unescaped(value)).strip() for name, (value,) in found.items()}
    return request_of(said, _text(data if _is_plain(data) else _unescaped(data)))


def request_of(said: Mapping[str, str], data: str) -> Request:
    """The request of these parameters; their names in small letters."""
    if "[" not in data and _STILL_ESCAPED.search(data):
        data = _text(unquote_to_bytes(data))
    return Request(
        command=said.get("command", "").lower(),
        session_id=said.get("session_id", ""),
        password=said.get("au_password", ""),
        version=said.get("version", ""),
        data=data.replace("\0", ""),
    )


def _is_plain(data: bytes) -> bool:
    """Whether it was never escaped: a form's value holds no line ends."""
    return b"\n" in data.strip() or b"\r" in data.strip()


def _unescaped(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def _text(value: bytes) -> str:
    """UTF-8, or else what browsers take for Latin-1."""
    try:
        return value.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def read_groups(text: str) -> Groups:
    """The groups of a PutParam.

    Only a known name in brackets begins a group: other lines in brackets belong to the
    text that a unit keeps in `[Core_Lesson]`.
    """
    values: dict[str, dict[str, str]] = {}
    texts: dict[str, str] = {}
    group, begin, end = "", 0, 0
    for start, stop, following in _lines(text):
        heading = _HEADING.fullmatch(text, start, stop)
        name = "_".join(heading[1].lower().split()) if heading else ""
        if name in GROUPS:
            if group:
                texts.setdefault(group, text[begin:end])
            group, begin, end = name, following, following
            values.setdefault(group, {})
            continue
        end = stop
        if group:
            key, equals, value = text[start:stop].partition("=")
            key = key.strip().lower()
            if equals and key and not key.startswith(";"):
                values[group].setdefault(key, bare(value))
    if group:
        texts.setdefault(group, text[begin:end])
    return Groups(values, {name: one.rstrip("\r\n") for name, one in texts.items()})


def _lines(text: str) -> list[tuple[int, int, int]]:
    """Of each line: where it starts and stops, and where the next one starts."""
    found, start = [], 0
    for match in _LINE_END.finditer(text):
        found.append((start, match.start(), match.end()))
        start = match.end()
    if start < len(text):
        found.append((start, len(text), len(text)))
    return found


def bare(value: str) -> str:
    """The value without blanks and quotes around it."""
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1].strip() if quoted else value


def read_table(text: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a table of values with commas between them; at most MOST_ROWS.

    The first row may name the columns, in any order and case; where it does not, they
    are `columns`.
    """
    unified = _LINE_END.sub("\n", text).strip("\n")
    try:
        rows = _rows(unified, strict=True)
    except csv.Error:
        try:
            rows = _rows(unified, strict=False)
        except csv.Error:
            return []
    if not rows:
        return []
    names = ["_".join(cell.lower().split()) for cell in rows[0]]
    if set(names) & set(columns):
        return [dict(zip(names, row, strict=False)) for row in rows[1:]]
    return [dict(zip(columns, row, strict=False)) for row in rows]


def _rows(text: str, *, strict: bool) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text), skipinitialspace=True, strict=strict)
    found = []
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            found.append(stripped)
        if len(found) > MOST_ROWS:
            break
    return found


def write_groups(groups: Mapping[str, Mapping[str, str] | str]) -> str:
    """Groups as text: names and values, or free text as it is."""
    lines = []
    for group, held in groups.items():
        lines.append(f"[{group}]")
        if isinstance(held, str):
            lines.append(held)
        else:
            lines += [f"{name}={_flat(value)}" for name, value in held.items()]
    return "".join(f"{line}\r\n" for line in lines)


def _flat(value: str) -> str:
    """A value is one line, whoever wrote it."""
    return " ".join(_LINE_END.split(value))
