"""Reads AICC courses: the files of a course description (CMI001, part 5 and appendix A).

A course is a group of files of one name: `.crs` (the course), `.au` (its assignable
units), `.des` (titles), `.cst` (the structure), and, where the tool wrote them, `.pre`
(what comes first), `.ort` (objectives) and `.cmp` (completion). They may lie in any
folder of the package; start pages are looked for from there, then from the top.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from packages import addresses
from packages.addresses import Address
from packages.aicc_files import CourseFile, Row, Table, decode, read_course, read_table
from packages.contents import Contents
from packages.findings import finding, refuse
from packages.manifest import Block, Finding, Manifest, Objective, Unit, slugs
from packages.prerequisites import finding_of

_ROOT = "root"
_NEEDED = ("au", "des", "cst")
_MAXIMUM_NESTING = 64
# What must come first is kept with each unit: for itself and for the blocks above it.
_MAXIMUM_FIRST = 1000
# Each takes four characters at least: itself, brackets and a sign.
_MOST_FIRST = _MAXIMUM_FIRST // 4 + 1
_SHOWN_OF_A_KIND = 20
_EDITION_LENGTH = 40
_TITLE_LENGTH = 500
_TEXT_LENGTH = 4000

_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}")
_TIME = re.compile(r"[0-9]{1,4}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,2})?")
_PLACES = Decimal("0.0000001")
_NO_TIME = re.compile(r"[0:.]*")
_END = r"(?:e|exit|c|continue)"
_SAY = r"(?:m|message|n|no ?message)"
_LIMIT_ACTION = re.compile(rf"{_END} ?,? ?{_SAY}|{_SAY} ?,? ?{_END}", re.IGNORECASE)
# Names of elements of a course: A1, B2, J3.
_NAME = re.compile(r"(?<![\w=])[ABJ]\d+(?!\w)", re.IGNORECASE)


def read_aicc(contents: Contents, name: str) -> Manifest:
    """The course whose `.crs` file is `name`; raises InvalidPackage, UnsafeArchive."""
    group = _Group(contents, name)
    course = group.course()
    tables = {ending: group.table(ending) for ending in ("au", "des", "cst")}
    described = {
        _key(row.get("system_id")): row
        for row in reversed(tables["des"].rows)
        if row.get("system_id")
    }
    book = _Book(group, described, list(_assignable(group, tables["au"])))
    book.prerequisites = _prerequisites(group)
    objectives = _objectives(book)
    _walk(book, _structure(group, tables["cst"]))
    _note_prerequisites(book)
    _note_totals(book, course)
    if not book.units and all(one.severity != "error" for one in group.findings):
        group.note("no_units", "crs", None)
    group.note_rest()
    title = _flat(course.get("course", "course_title"), _TITLE_LENGTH)
    identifier = course.get("course", "course_id")
    if not title:
        title = identifier[:_TITLE_LENGTH] or "Untitled course"
        group.note("title_missing", "crs", None, what="The course", title=title)
    names = slugs(unit.identifier for unit in book.units)
    return Manifest(
        standard="aicc",
        edition=_flat(course.get("course", "version"), _EDITION_LENGTH),
        identifier=identifier,
        title=title,
        description=course.texts.get("course_description", "")[:_TEXT_LENGTH],
        publisher=_flat(course.get("course", "course_creator"), _TITLE_LENGTH),
        units=tuple(
            replace(unit, index=index, slug=slug)
            for index, (unit, slug) in enumerate(zip(book.units, names, strict=True))
        ),
        blocks=tuple(book.blocks),
        objectives=objectives,
    ).with_findings(group.findings)


def _key(identifier: str) -> str:
    """Identifiers are compared without regard to case (CMI001, 5.1)."""
    return identifier.casefold()


def _flat(text: str, length: int) -> str:
    return " ".join(text.split())[:length]


# --- the files --------------------------------------------------------------------------


class _Group:
    """The files of one course, and what was noted of them so far."""

    def __init__(self, contents: Contents, name: str) -> None:
        self.contents = contents
        self.findings: list[Finding] = []
        self._counts: Counter[str] = Counter()
        self._tables: dict[str, Table] = {}
        self.folder = name[: name.rfind("/") + 1]
        self.paths = {"crs": name}
        beside = [
            path
            for path in contents.files
            if path.startswith(self.folder) and "/" not in path[len(self.folder) :]
        ]
        courses = [path for path in beside if path.lower().endswith(".crs")]
        if len(courses) > 1:
            refuse("several_courses", path=courses[1], count=len(courses))
        stem = name[:-4].casefold()
        for ending in ("au", "des", "cst", "pre", "ort", "cmp"):
            found = [path for path in beside if path.lower().endswith(f".{ending}")]
            named = [
                path for path in found if path.rpartition(".")[0].casefold() == stem
            ]
            if named or len(found) == 1:
                self.paths[ending] = (named or found)[0]
                if not named:
                    self.note("aicc_file_name", ending, 1, name=name)

    def note(self, code: str, ending: str, line: int | None, **words: Any) -> None:
        """Remember a finding of the file with that ending, unless there are many."""
        self._counts[code] += 1
        if self._counts[code] <= _SHOWN_OF_A_KIND:
            path = self.paths.get(ending, self.paths["crs"])
            self.findings.append(finding(code, path=path, line=line, **words))

    def note_rest(self) -> None:
        """Say how many findings were left out."""
        left = sum(max(0, count - _SHOWN_OF_A_KIND) for count in self._counts.values())
        if left:
            path = self.paths["crs"]
            self.findings.append(finding("more_findings", path=path, count=left))

    def course(self) -> CourseFile:
        """The course file; what it must say and does not is noted."""
        course = read_course(self._text("crs"))
        if "course" not in course.groups:
            refuse("aicc_no_course", path=self.paths["crs"])
        needed = ("Course_ID", "Version")
        missing = [one for one in needed if not course.get("course", one.lower())]
        if missing:
            self.note("aicc_fields", "crs", None, names=", ".join(missing))
        return course

    def _text(self, ending: str) -> str:
        path = self.paths[ending]
        text, findings = decode(self.contents.read(path), path=path)
        self.findings += findings
        return text

    def table(self, ending: str) -> Table:
        """The table with that ending; an empty one, noted when needed, for none."""
        if ending not in self.paths:
            if ending in _NEEDED:
                self.note("aicc_file_missing", "crs", None, name=f".{ending}")
            return Table((), ())
        path = self.paths[ending]
        table, findings = read_table(self._text(ending), path=path)
        self.findings += findings
        needed = {"au": ("system_id", "file_name"), "des": ("system_id",)}
        missing = [one for one in needed.get(ending, ()) if one not in table.names]
        if missing:
            code = "aicc_columns" if ending == "au" else "aicc_columns_missing"
            self.note(code, ending, 1, names=", ".join(missing))
        return table


# --- the units --------------------------------------------------------------------------


@dataclass
class _Book:
    """The course being put together."""

    group: _Group
    described: dict[str, Row]
    assignable: list[tuple[str, Row]]
    units: list[Unit] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    prerequisites: dict[str, list[str]] = field(default_factory=dict)
    reached: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _above: dict[int, list[str]] = field(default_factory=dict)

    def title(self, identifier: str, what: str) -> str:
        """The title of an element of the course, from the `.des` file."""
        row = self.described.get(_key(identifier))
        title = _flat(row.get("title"), _TITLE_LENGTH) if row else ""
        if not title:
            title = identifier
            self.group.note("title_missing", "des", None, what=what, title=title)
        return title

    def description(self, identifier: str) -> str:
        """Its description, from the same file."""
        row = self.described.get(_key(identifier))
        return row.get("description")[:_TEXT_LENGTH] if row else ""

    def needs(self, identifier: str, block: int | None) -> str:
        """What comes first: for the element itself, and for the blocks above it."""
        own = self.prerequisites.get(_key(identifier), ())
        said = list(dict.fromkeys([*self._needs_of_block(block), *own]))
        first = "&".join(f"({one})" for one in said) if len(said) > 1 else "".join(said)
        if len(first) <= _MAXIMUM_FIRST:
            return first
        words = {"name": identifier, "limit": _MAXIMUM_FIRST}
        self.group.note("aicc_first_long", "pre", None, **words)
        return ""

    def _needs_of_block(self, block: int | None) -> list[str]:
        """What comes before all of a block, outermost first; no more than can be kept."""
        if block is None:
            return []
        if block not in self._above:
            here = self.blocks[block]
            own = self.prerequisites.get(_key(here.identifier), ())
            said = dict.fromkeys([*self._needs_of_block(here.parent), *own])
            self._above[block] = list(said)[:_MOST_FIRST]
        return self._above[block]


def _assignable(group: _Group, table: Table) -> Iterator[tuple[str, Row]]:
    """Assignable units by their identifier; the first of two of one name counts."""
    seen = set()
    for row in table.rows:
        identifier = row.get("system_id")
        if not identifier:
            group.note("aicc_row", "au", row.line)
        elif _key(identifier) in seen:
            group.note("identifier_repeated", "au", row.line, identifier=identifier)
        else:
            seen.add(_key(identifier))
            yield identifier, row


def _add_unit(book: _Book, identifier: str, row: Row, block: int | None) -> None:
    title = book.title(identifier, "A unit")
    address = _address(book.group, row, title)
    if address is None:
        return
    book.units.append(
        Unit(
            index=0,
            identifier=identifier,
            slug="",
            kind="au",
            title=title,
            launch=address.launch,
            parameters=addresses.with_query(address.parameters, row.get("web_launch")),
            mastery_score=_mastery_score(book.group, row, title),
            max_time=_max_time(book.group, row, title),
            time_limit_action=_limit_action(book.group, row, title),
            data_from_lms=row.get("core_vendor"),
            entitlement_key=row.get("au_password"),
            prerequisites=book.needs(identifier, block),
            description=book.description(identifier),
            block=block,
            objectives=book.reached.get(_key(identifier), ()),
        )
    )


def _address(group: _Group, row: Row, title: str) -> Address | None:
    """Where the unit begins; None, noted, when it cannot."""
    written = row.get("file_name")
    if not written:
        group.note("launch_empty", "au", row.line, title=title)
        return None
    if addresses.is_web(written):
        host = addresses.host_of(written)
        group.note("unit_elsewhere", "au", row.line, title=title, host=host)
        return addresses.elsewhere(written)
    found = addresses.inside(group.contents, written, group.folder, "")
    if found is None:
        if addresses.scheme_of(written) or written.startswith("//"):
            code = "launch_forbidden"
        else:
            code = "launch_outside" if addresses.leaves(written) else "launch_missing"
        group.note(code, "au", row.line, title=title, launch=written)
    elif not found.exact:
        words = {"title": title, "written": written, "launch": found.launch}
        group.note("launch_repaired", "au", row.line, **words)
    return found


def _mastery_score(group: _Group, row: Row, title: str) -> Decimal | None:
    said = row.get("mastery_score")
    if not said:
        return None
    most, hundred = row.get("max_score"), Decimal(100)
    limit = (Decimal(most) if _NUMBER.fullmatch(most) else hundred) or hundred
    if _NUMBER.fullmatch(said) and Decimal(said) <= max(limit, hundred):
        # one that is above the maximum of the unit's own scores is a share already
        share = hundred / limit if Decimal(said) <= limit else Decimal(1)
        return (Decimal(said) * share).quantize(_PLACES).normalize()
    group.note("mastery_score", "au", row.line, title=title, said=said)
    return None


def _max_time(group: _Group, row: Row, title: str) -> str:
    said = row.get("max_time_allowed")
    if _NO_TIME.fullmatch(said):
        return ""
    if _TIME.fullmatch(said):
        return said
    group.note("time_limit", "au", row.line, title=title, said=said)
    return ""


def _limit_action(group: _Group, row: Row, title: str) -> str:
    said = " ".join(row.get("time_limit_action").split())
    if not said or _LIMIT_ACTION.fullmatch(said):
        return said
    group.note("aicc_limit_action", "au", row.line, title=title, said=said)
    return ""


# --- the structure ----------------------------------------------------------------------


@dataclass
class _Structure:
    """Members of each block, in order: their names as written, and the line."""

    names: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[tuple[str, int]]] = field(default_factory=dict)


def _structure(group: _Group, table: Table) -> _Structure:
    """The blocks of the `.cst` file."""
    structure = _Structure()
    table = _positional(group, table, "cst", "block", "member")
    known = [place for place, name in enumerate(table.names) if name == "member"]
    for row in table.rows:
        block = row.get("block") or row.values[0]
        if known:
            # Rows of many members have more values than there are columns.
            extra = row.after(len(table.names))
            named = [row.values[one] for one in known if one < len(row.values)]
            members = [*filter(None, named), *extra]
        else:
            members = [*row.after(1)]
        if not block:
            group.note("aicc_row", "cst", row.line)
            continue
        structure.names.setdefault(_key(block), block)
        structure.members.setdefault(_key(block), []).extend(
            (member, row.line) for member in members
        )
    return structure


def _positional(group: _Group, table: Table, ending: str, *names: str) -> Table:
    """The table, its columns told by their places where their names are not known."""
    if not table.first or names[0] in table.names:
        return table
    group.note("aicc_positions", ending, 1, names=", ".join(names))
    first = table.first[0]
    is_data = _key(first) == _ROOT or _NAME.fullmatch(first)
    return table.without_names() if is_data else table


def _tops(structure: _Structure) -> list[str]:
    """Where the structure begins: `ROOT`, else what is a member of nothing."""
    if _ROOT in structure.members:
        return [_ROOT]
    inner = {_key(name) for each in structure.members.values() for name, _ in each}
    tops = [key for key in structure.members if key not in inner]
    return tops or list(structure.members)[:1]


def _walk(book: _Book, structure: _Structure) -> None:
    """Put units and blocks in the order of the structure; what is left comes last."""
    rows = {_key(identifier): (identifier, row) for identifier, row in book.assignable}
    placed: set[str] = set()
    tops = _tops(structure)
    placed.update(tops)
    for top in tops:
        if top in rows:
            _add_unit(book, *rows[top], None)
        stack = [(iter(structure.members[top]), _top_block(book, structure, top, tops))]
        while stack:
            members, block = stack[-1]
            name, line = next(members, ("", 0))
            if not name:
                stack.pop()
                continue
            key = _key(name)
            if key in placed:
                book.group.note("aicc_twice", "cst", line, name=name)
                continue
            if key not in rows and key not in structure.members:
                book.group.note("aicc_unknown", "cst", line, name=name)
                continue
            placed.add(key)
            if key in rows:
                _add_unit(book, *rows[key], block)
            if key in structure.members:
                if len(stack) >= _MAXIMUM_NESTING:
                    limit = _MAXIMUM_NESTING
                    path = book.group.paths["cst"]
                    refuse("aicc_nested", path=path, line=line, limit=limit)
                inner = _add_block(book, name, block)
                stack.append((iter(structure.members[key]), inner))
    for key, (identifier, row) in rows.items():
        if key not in placed:
            if structure.members:
                book.group.note("aicc_unplaced", "au", row.line, name=identifier)
            _add_unit(book, identifier, row, None)


def _top_block(
    book: _Book, structure: _Structure, top: str, tops: list[str]
) -> int | None:
    """A heading for one of several tops; a single one is the course itself."""
    return _add_block(book, structure.names[top], None) if len(tops) > 1 else None


def _add_block(book: _Book, name: str, parent: int | None) -> int:
    index = len(book.blocks)
    book.blocks.append(
        Block(
            index=index,
            identifier=name,
            title=book.title(name, "A block"),
            description=book.description(name),
            parent=parent,
            objectives=book.reached.get(_key(name), ()),
        )
    )
    return index


# --- what comes first, objectives, totals -----------------------------------------------


def _prerequisites(group: _Group) -> dict[str, list[str]]:
    """What the `.pre` file says must come before each element."""
    result: dict[str, list[str]] = {}
    columns = ("structure_element", "prerequisite")
    table = _positional(group, group.table("pre"), "pre", *columns)
    named = "structure_element" in table.names
    for row in table.rows:
        element = row.get("structure_element") if named else row.values[0]
        said = row.get("prerequisite", "prerequisites")
        if not named:
            said = next(iter(row.values[1:]), "")
        if element and said:
            result.setdefault(_key(element), []).append(said)
    if "cmp" in group.paths:
        count = len(group.table("cmp").rows)
        if count:
            group.note("aicc_completion", "cmp", 1, count=count)
    return result


def _objectives(book: _Book) -> tuple[Objective, ...]:
    """The objectives of the course; `book.reached` says who serves which."""
    found: dict[str, str] = {}
    described: dict[str, str] = {}
    reached: dict[str, list[str]] = {}
    for element, objective, description in _relations(book.group):
        name = found.setdefault(_key(objective), objective)
        described.setdefault(_key(objective), description)
        reached.setdefault(_key(element), []).append(name)
    units = {_key(identifier) for identifier, _ in book.assignable}
    for key, row in reversed(book.described.items()):
        if re.fullmatch(r"j\d+", key) and key not in units:
            found.setdefault(key, row.get("system_id"))
    book.reached = {key: tuple(dict.fromkeys(each)) for key, each in reached.items()}
    result = []
    for key, name in found.items():
        known = book.described.get(key)
        title = known.get("title") if known else ""
        result.append(
            Objective(
                identifier=name,
                title=_flat(title, _TITLE_LENGTH) or name,
                description=book.description(name) or described.get(key, ""),
            )
        )
    return tuple(result)


def _relations(group: _Group) -> Iterator[tuple[str, str, str]]:
    """Element, objective, and a description of it if given, from the `.ort` file."""
    table = group.table("ort")
    by_objective = {"objective_id", "au_system_id"} <= set(table.names)
    if not by_objective:
        table = _positional(group, table, "ort", "course_element", "member")
    names = table.names
    for row in table.rows:
        if by_objective:
            element, objective = row.get("au_system_id"), row.get("objective_id")
            if element and objective:
                yield element, objective, row.get("objective_description")
            continue
        element = row.get("course_element") or row.values[0]
        for place, value in enumerate(row.values):
            column = names[place] if place < len(names) else "member"
            is_member = column == "member" or "course_element" not in names
            if value and is_member and value != element:
                yield element, value, ""


def _note_prerequisites(book: _Book) -> None:
    """Prerequisites are told; names in them that nobody has are doubtful."""
    known = {
        *(_key(identifier) for identifier, _ in book.assignable),
        *(_key(block.identifier) for block in book.blocks),
        *book.described,
    }
    for said in dict.fromkeys(
        one for each in book.prerequisites.values() for one in each
    ):
        unknown = [name for name in _NAME.findall(said) if _key(name) not in known]
        if unknown:
            names = ", ".join(unknown)
            book.group.note("aicc_first", "pre", None, said=said, names=names)
    for unit in book.units:
        if unit.prerequisites:
            words = {"title": unit.title, "said": unit.prerequisites}
            told = finding_of(unit.prerequisites)
            book.group.note(told, "pre", None, **words)


def _note_totals(book: _Book, course: CourseFile) -> None:
    """The course file counts units and blocks; another number means one is missing."""
    for name, found in (("Total_AUs", book.assignable), ("Total_Blocks", book.blocks)):
        said = course.get("course", name.lower())
        if said.isascii() and said.isdigit() and int(said[:9]) != len(found):
            words = {"name": name, "said": said, "count": len(found)}
            book.group.note("aicc_total", "crs", None, **words)
