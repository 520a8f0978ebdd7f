"""Reads `cmi5.xml`, the course structure of cmi5 (sections 13 and 14).

cmi5 is read strictly: whatever the specification or its schema forbids is an error that
names the section. Reading goes on after an error as far as it can, so that an author
sees all of them at once, and so that leniency (`packages.check`) is only a matter of
how grave a finding is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from packages import addresses
from packages.addresses import Address
from packages.cmi5_structure import Structure, name_of, share
from packages.contents import Contents
from packages.elements import Element
from packages.findings import finding, refuse
from packages.manifest import Block, Finding, Manifest, Objective, Unit, slugs
from packages.safexml import read_xml
from statements.scalars import is_iri

NAMESPACE = "https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd"
# What drafts of the specification called it, and what tools make of it.
_DRAFTS = {
    "http://www.aicc.org/2012/01/cmi5",
    "http://www.adlnet.gov/cmi5/CourseStructure.xsd",
    "http://aicc.org/CMI5/CourseStructure.xsd",
    "https://w3id.org/xapi/profiles/cmi5/v1",
}
# Section 8.1: what the launch itself puts into the query.
_RESERVED = ("endpoint", "fetch", "actor", "activityId", "registration")
_SCORE_PLACES = 4
_TITLE_LENGTH = 500
_TEXT_LENGTH = 4000
_SHOWN_OF_A_KIND = 20


def read_cmi5(contents: Contents, name: str, *, alone: bool = False) -> Manifest:
    """The course in the file `name`; `alone` when there is no zip around it.

    Raises InvalidPackage, UnsafeArchive.
    """
    document = read_xml(contents.read(name), path=name)
    root = document.root
    namespace, element = name_of(root)
    if element != "courseStructure":
        refuse("cmi5_root", path=name, line=root.sourceline, element=element)
    book = _Book(contents, name, namespace, alone, list(document.findings))
    _note_namespace(book, root)
    structure = Structure(namespace, book.note)
    structure.check(root)
    course = book.child(root, "course")
    identifier = book.attribute(course, "id")
    book.claim(course, identifier)
    objectives = tuple(_objectives(book, root))
    known = {objective.identifier for objective in objectives}
    _read_members(book, root, None, known)
    if not book.units and all(one.severity != "error" for one in book.findings):
        book.note("no_units", root)
    if structure.extensions:
        count = len(structure.extensions)
        book.note("cmi5_extension", structure.extensions[0], count=count)
    if book.without_move_on:
        count = len(book.without_move_on)
        book.note("cmi5_move_on", book.without_move_on[0], count=count)
    book.note_rest()
    title, language = book.text(course, "title", _TITLE_LENGTH)
    names = slugs(addresses.short_name(unit.identifier) for unit in book.units)
    return Manifest(
        standard="cmi5",
        edition="1.0",
        identifier=identifier,
        title=title or book.untitled(root, "The course", identifier),
        description=book.text(course, "description", _TEXT_LENGTH)[0],
        language=language,
        units=tuple(
            replace(unit, index=index, slug=slug)
            for index, (unit, slug) in enumerate(zip(book.units, names, strict=True))
        ),
        blocks=tuple(book.blocks),
        objectives=objectives,
    ).with_findings(book.findings)


@dataclass
class _Book:
    """The course structure being read, and what was noted so far."""

    contents: Contents
    path: str
    namespace: str
    alone: bool
    findings: list[Finding]
    units: list[Unit] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    without_move_on: list[Element] = field(default_factory=list)

    def note(self, code: str, element: Element, **words: Any) -> None:
        """Remember a finding at the line of `element`, unless there are many."""
        self.counts[code] += 1
        if self.counts[code] <= _SHOWN_OF_A_KIND:
            line: Any = element.sourceline
            self.findings.append(finding(code, path=self.path, line=line, **words))

    def note_rest(self) -> None:
        """Say how many findings were left out."""
        left = sum(max(0, count - _SHOWN_OF_A_KIND) for count in self.counts.values())
        if left:
            self.findings.append(finding("more_findings", path=self.path, count=left))

    def children(self, element: Element | None, name: str) -> list[Element]:
        """The children of that name in the namespace of cmi5."""
        if element is None:
            return []
        return [one for one in element if name_of(one) == (self.namespace, name)]

    def child(self, element: Element | None, name: str) -> Element | None:
        """The first child of that name."""
        found = self.children(element, name)
        return found[0] if found else None

    def attribute(self, element: Element | None, name: str) -> str:
        """An attribute without the blanks around it (13.1)."""
        return "" if element is None else str(element.get(name, "")).strip()

    def text(self, element: Element | None, name: str, length: int) -> tuple[str, str]:
        """A title or description and its language: the first one given."""
        strings = self.children(self.child(element, name), "langstring")
        for string in strings:
            words = " ".join("".join(map(str, string.itertext())).split())
            if words:
                return words[:length], self.attribute(string, "lang")
        return "", ""

    def words(self, element: Element, name: str) -> str:
        """The text of a child, without the blanks around it (13.1)."""
        child = self.child(element, name)
        return "" if child is None else "".join(map(str, child.itertext())).strip()

    def untitled(self, element: Element, what: str, identifier: str) -> str:
        """A title where none is given, noted."""
        title = identifier[:_TITLE_LENGTH] or "Untitled"
        self.note("title_missing", element, what=what, title=title)
        return title

    def claim(self, element: Element | None, identifier: str) -> None:
        """Take an id; noted when it is taken already (13.1.2 to 13.1.4)."""
        if element is None or not identifier:
            return
        if identifier in self.taken:
            kind = name_of(element)[1]
            rule = {"block": "13.1.2", "objective": "13.1.3"}.get(kind, "13.1.4")
            self.note(
                "cmi5_repeated_id", element, kind=kind, identifier=identifier, rule=rule
            )
        self.taken.add(identifier)


def _note_namespace(book: _Book, root: Element) -> None:
    if book.namespace in _DRAFTS:
        book.note("cmi5_draft", root, namespace=book.namespace, right=NAMESPACE)
    elif book.namespace != NAMESPACE:
        said = book.namespace or "no namespace"
        book.note("cmi5_namespace", root, namespace=said, right=NAMESPACE)


def _objectives(book: _Book, root: Element) -> Iterator[Objective]:
    """The objectives of the course (13.1.3)."""
    for element in book.children(book.child(root, "objectives"), "objective"):
        identifier = book.attribute(element, "id")
        book.claim(element, identifier)
        title = book.text(element, "title", _TITLE_LENGTH)[0]
        yield Objective(
            identifier=identifier,
            title=title or book.untitled(element, "An objective", identifier),
            description=book.text(element, "description", _TEXT_LENGTH)[0],
        )


def _read_members(
    book: _Book, element: Element, block: int | None, known: set[str]
) -> None:
    """Read the units and blocks of a course or block, in the order of the document."""
    for child in element:
        if name_of(child) == (book.namespace, "au"):
            _read_unit(book, child, block, known)
        elif name_of(child) == (book.namespace, "block"):
            _read_block(book, child, block, known)


def _read_block(
    book: _Book, element: Element, parent: int | None, known: set[str]
) -> None:
    identifier = book.attribute(element, "id")
    book.claim(element, identifier)
    title = book.text(element, "title", _TITLE_LENGTH)[0]
    index = len(book.blocks)
    book.blocks.append(
        Block(
            index=index,
            identifier=identifier,
            title=title or book.untitled(element, "A block", identifier),
            description=book.text(element, "description", _TEXT_LENGTH)[0],
            parent=parent,
            objectives=_references(book, element, known),
        )
    )
    _read_members(book, element, index, known)


def _read_unit(
    book: _Book, element: Element, block: int | None, known: set[str]
) -> None:
    identifier = book.attribute(element, "id")
    book.claim(element, identifier)
    title = book.text(element, "title", _TITLE_LENGTH)[0]
    title = title or book.untitled(element, "A unit", identifier)
    move_on = book.attribute(element, "moveOn")
    if not move_on:
        book.without_move_on.append(element)
    address = _address(book, element, title)
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
            parameters=address.parameters,
            mastery_score=_mastery_score(book, element, title),
            description=book.text(element, "description", _TEXT_LENGTH)[0],
            block=block,
            objectives=_references(book, element, known),
            activity_type=_activity_type(book, element, title),
            move_on=move_on or "NotApplicable",
            launch_method=book.attribute(element, "launchMethod") or "AnyWindow",
            launch_parameters=book.words(element, "launchParameters"),
            entitlement_key=book.words(element, "entitlementKey"),
        )
    )


def _references(book: _Book, element: Element, known: set[str]) -> tuple[str, ...]:
    """The objectives that a block or unit names."""
    names = []
    for reference in book.children(book.child(element, "objectives"), "objective"):
        identifier = book.attribute(reference, "idref")
        if identifier in known:
            names.append(identifier)
        else:
            book.note("cmi5_objective", reference, identifier=identifier)
    return tuple(dict.fromkeys(names))


def _mastery_score(book: _Book, element: Element, title: str) -> Any:
    """`masteryScore`, 0 to 1; the structure's check has refused anything else."""
    score = share(book.attribute(element, "masteryScore"))
    if score is not None:
        exponent = score.normalize().as_tuple().exponent
        if isinstance(exponent, int) and exponent < -_SCORE_PLACES:
            book.note("cmi5_score_places", element, title=title, said=str(score))
    return score


def _activity_type(book: _Book, element: Element, title: str) -> str:
    said = book.attribute(element, "activityType")
    if said and not is_iri(said):
        book.note("activity_type", element, title=title, said=said)
        return ""
    return said


def _address(book: _Book, element: Element, title: str) -> Address | None:
    """Where the unit begins (13.1.4, 14.1, 14.2); None, noted, when it cannot."""
    place = book.child(element, "url")
    if place is None:
        return None
    written = book.words(element, "url")
    if len(written) > addresses.MAXIMUM_LENGTH:
        book.note("cmi5_url_unqualified", place, title=title, url=written)
        return None
    if not addresses.is_url(written):
        book.note("cmi5_url", place, title=title, url=written)
    if addresses.is_forbidden(written):
        book.note("launch_forbidden", place, title=title, launch=written)
        return None
    taken = [name for name in _RESERVED if name in addresses.query_names(written)]
    if taken:
        names = ", ".join(taken)
        book.note("cmi5_reserved", place, title=title, names=names)
    if addresses.scheme_of(written) or written.startswith("//"):
        return _elsewhere(book, place, written, title)
    if book.alone:
        book.note("cmi5_url_relative", place, title=title, url=written)
        return None
    return _inside(book, place, written, title)


def _elsewhere(book: _Book, place: Element, written: str, title: str) -> Address | None:
    if not addresses.is_qualified(written):
        book.note("cmi5_url_unqualified", place, title=title, url=written)
        return None
    book.note(
        "unit_elsewhere",
        place,
        title=title,
        host=addresses.host_of(written) or written,
    )
    return addresses.elsewhere(written)


def _inside(book: _Book, place: Element, written: str, title: str) -> Address | None:
    found = addresses.inside(book.contents, written)
    if found is None:
        book.note("cmi5_url_missing", place, title=title, url=written)
    elif not found.exact:
        book.note(
            "cmi5_url_differs", place, title=title, url=written, launch=found.launch
        )
    return found
