"""The two kinds of text files that AICC courses are described in (CMI001, appendix A).

A course file is of groups and `name=value` lines; the others are tables of values with
commas between them, whose first row names the columns. Tools write both in any encoding
and with any line ends, leave out columns, and quote carelessly.
"""

import codecs
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from packages.findings import finding, refuse
from packages.manifest import Finding

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_MAXIMUM_ROWS = 20_000
_MAXIMUM_CELLS = 400_000


@dataclass(frozen=True, slots=True)
class CourseFile:
    """Groups of a `.crs` file: names in small letters; text of free groups as it is."""

    groups: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, str]

    def get(self, group: str, name: str) -> str:
        """A value, or nothing."""
        return self.groups.get(group, {}).get(name, "")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table with the line it begins in."""

    line: int
    values: tuple[str, ...]
    columns: Mapping[str, int]

    def get(self, *names: str) -> str:
        """The value in the first of these columns that there is, or nothing."""
        for name in names:
            place = self.columns.get(name)
            if place is not None and place < len(self.values):
                return self.values[place]
        return ""

    def after(self, first: int) -> tuple[str, ...]:
        """All values from that place on that are not empty."""
        return tuple(value for value in self.values[first:] if value)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows below the names of the columns, which are in small letters."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    first: tuple[str, ...] = ()

    def without_names(self) -> "Table":
        """The same where the first row names no columns but is data too."""
        return Table((), (Row(1, self.first, {}), *self.rows))


def decode(data: bytes, *, path: str) -> tuple[str, list[Finding]]:
    """The text of a file with every line end a line feed, and what was guessed.

    Refuses one of more lines than any course has.
    """
    text, findings = _decoded(data, path)
    if text.count("\n") > _MAXIMUM_CELLS:
        refuse("aicc_table", path=path)
    return text, findings


def _decoded(data: bytes, path: str) -> tuple[str, list[Finding]]:
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(codec, "replace")
            found = finding("text_mark", path=path, line=1, encoding=name)
            return _unified(text), [found]
    for codec, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        if data[at:8:2] and not any(data[at:8:2]):
            return _unified(data.decode(codec, "replace")), []
    try:
        return _unified(data.decode()), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = data.decode("cp1252", "replace")
        return _unified(text), [finding("text_encoding", path=path, line=line)]


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def read_course(text: str) -> CourseFile:
    """The groups of a `.crs` file (CMI001, A.2)."""
    groups: dict[str, dict[str, str]] = {}
    texts: dict[str, list[str]] = {}
    group = ""
    for line in text.split("\n"):
        bare = line.strip()
        if bare.startswith("[") and bare.endswith("]") and bare[1:-1].strip():
            group = "_".join(bare[1:-1].lower().split())
            groups.setdefault(group, {})
            texts.setdefault(group, [])
            continue
        if not group:
            continue
        texts[group].append(bare)
        name, is_pair, value = line.partition("=")
        name = name.strip().lower()
        if is_pair and not name.startswith(";"):
            groups[group].setdefault(name, _bare(value))
    joined = {name: "\n".join(lines).strip() for name, lines in texts.items()}
    return CourseFile(groups, joined)


def _bare(value: str) -> str:
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1].strip() if quoted else value


def read_table(text: str, *, path: str) -> tuple[Table, list[Finding]]:
    """The table in a file and what was mended; refuses what is no table at all."""
    findings = []
    if text.count(",") > _MAXIMUM_CELLS:
        refuse("aicc_table", path=path)
    try:
        lines = _lines(text, strict=True)
    except csv.Error as error:
        _, _, reason = str(error).partition(": ")
        findings.append(finding("aicc_quotes", path=path, reason=reason or str(error)))
        try:
            lines = _lines(text, strict=False)
        except csv.Error:
            refuse("aicc_table", path=path)
    cells = sum(len(values) for _, values in lines)
    if len(lines) > _MAXIMUM_ROWS or cells > _MAXIMUM_CELLS:
        refuse("aicc_table", path=path)
    if not lines:
        return Table((), ()), findings
    names = tuple(_column(value) for value in lines[0][1])
    # the first of two columns of one name counts
    columns = {name: place for place, name in reversed([*enumerate(names)]) if name}
    rows = tuple(Row(line, values, columns) for line, values in lines[1:])
    return Table(names, rows, lines[0][1]), findings


def _lines(text: str, *, strict: bool) -> list[tuple[int, tuple[str, ...]]]:
    """Values of each row that holds any, with the line that it begins in."""
    reader = csv.reader(io.StringIO(text), skipinitialspace=True, strict=strict)
    result = []
    begins = 1
    for values in reader:
        stripped = tuple(value.strip() for value in values)
        if any(stripped):
            result.append((begins, stripped))
        begins = reader.line_num + 1
    return result


def _column(name: str) -> str:
    """The name of a column in small letters; blanks are as good as `_`."""
    return "_".join(name.lower().replace("_", " ").split())
