"""Reads `tincan.xml`, by which packages of xAPI say what they hold.

The form is that of the TinCan launch of the tools: a list of activities, of which each
one with a `launch` becomes a unit. The others (questions, pages) describe what
statements will be about.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from packages import addresses
from packages.addresses import Address
from packages.contents import Contents
from packages.elements import Element
from packages.findings import finding, refuse
from packages.manifest import Finding, Manifest, Unit, slugs
from packages.safexml import read_xml
from statements.scalars import is_iri

NAMESPACE = "http://projecttincan.com/tincan.xsd"
_COURSE = "http://adlnet.gov/expapi/activities/course"
_TITLE_LENGTH = 500
_TEXT_LENGTH = 4000
_SHOWN_OF_A_KIND = 20


def read_tincan(contents: Contents, name: str) -> Manifest:
    """The activities of the file `name`; raises InvalidPackage, UnsafeArchive."""
    document = read_xml(contents.read(name), path=name)
    root = document.root
    if _local(root) != "tincan":
        element = _local(root)
        refuse("xapi_root", path=name, line=root.sourceline, element=element)
    book = _Book(contents, name, list(document.findings))
    if str(root.tag) != f"{{{NAMESPACE}}}tincan":
        book.note("xapi_namespace", root)
    activities = [
        element
        for part in _children(root, "activities")
        for element in _children(part, "activity")
    ]
    units = [unit for element in activities for unit in _unit(book, element)]
    _note_repeated(book, activities)
    if not units and all(one.severity != "error" for one in book.findings):
        book.note("no_units", root)
    book.note_rest()
    course = _course(activities)
    title, language = _words(course, "name", _TITLE_LENGTH)
    identifier = _attribute(course, "id")
    if not title:
        title = identifier[:_TITLE_LENGTH] or "Untitled course"
        words = {"what": "The course", "title": title}
        book.findings.append(finding("title_missing", path=name, line=1, **words))
    names = slugs(addresses.short_name(unit.identifier) for unit in units)
    return Manifest(
        standard="xapi",
        edition="1.0",
        identifier=identifier,
        title=title,
        description=_words(course, "description", _TEXT_LENGTH)[0],
        language=language,
        units=tuple(
            replace(unit, index=index, slug=slug)
            for index, (unit, slug) in enumerate(zip(units, names, strict=True))
        ),
    ).with_findings(book.findings)


@dataclass
class _Book:
    """The description being read, and what was noted so far."""

    contents: Contents
    path: str
    findings: list[Finding]
    counts: Counter[str] = field(default_factory=Counter)

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


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element | None, name: str) -> list[Element]:
    """The children of that name; real files lack the namespace or have another."""
    if element is None:
        return []
    return [child for child in element if _local(child) == name]


def _attribute(element: Element | None, name: str) -> str:
    return "" if element is None else str(element.get(name, "")).strip()


def _language(element: Element) -> str:
    xml = "{http://www.w3.org/XML/1998/namespace}lang"
    return _attribute(element, "lang") or _attribute(element, xml)


def _text(element: Element) -> str:
    return " ".join("".join(map(str, element.itertext())).split())


def _words(element: Element | None, name: str, length: int) -> tuple[str, str]:
    """A name or description and its language: the first one given."""
    for child in _children(element, name):
        if text := _text(child):
            return text[:length], _language(child)
    return "", ""


def _course(activities: list[Element]) -> Element | None:
    """What names the package: its course, else what can be launched, else the first."""
    launchable = [one for one in activities if _children(one, "launch")]
    for candidates in (launchable, activities):
        for activity in candidates:
            if _attribute(activity, "type") == _COURSE:
                return activity
    return next(iter(launchable or activities), None)


def _note_repeated(book: _Book, activities: list[Element]) -> None:
    """Two activities of one id: an error where one of them would be launched."""
    seen: dict[str, bool] = {}
    for activity in activities:
        identifier = _attribute(activity, "id")
        launched = bool(_children(activity, "launch"))
        if identifier in seen and (launched and seen[identifier]):
            book.note("xapi_repeated", activity, identifier=identifier)
        elif identifier in seen:
            book.note("identifier_repeated", activity, identifier=identifier)
        seen[identifier] = launched or seen.get(identifier, False)


def _unit(book: _Book, activity: Element) -> list[Unit]:
    """The unit of an activity, when it can be launched."""
    launches = _children(activity, "launch")
    identifier = _attribute(activity, "id")
    title = _words(activity, "name", _TITLE_LENGTH)[0]
    if not is_iri(identifier):
        code = "xapi_id" if launches else "xapi_id_inside"
        book.note(code, activity, title=title or "Untitled", said=identifier)
    kind = _attribute(activity, "type")
    if kind and not is_iri(kind):
        book.note("activity_type", activity, title=title or identifier, said=kind)
        kind = ""
    if not launches:
        return []
    if not title:
        title = identifier[:_TITLE_LENGTH] or "Unit"
        book.note("title_missing", activity, what="An activity", title=title)
    launch = _preferred(book, activity, launches, title)
    address = _address(book, launch, title)
    if address is None:
        return []
    return [
        Unit(
            index=0,
            identifier=identifier,
            slug="",
            kind="activity",
            title=title,
            launch=address.launch,
            parameters=address.parameters,
            description=_words(activity, "description", _TEXT_LENGTH)[0],
            activity_type=kind,
        )
    ]


def _preferred(
    book: _Book, activity: Element, launches: list[Element], title: str
) -> Element:
    """The launch in the language of the name, else the first one."""
    language = _words(activity, "name", _TITLE_LENGTH)[1].lower()
    chosen = next(
        (one for one in launches if language and _language(one).lower() == language),
        launches[0],
    )
    if len(launches) > 1:
        said = _language(chosen) or "the first one"
        count = len(launches)
        book.note("xapi_launches", activity, title=title, count=count, language=said)
    return chosen


def _address(book: _Book, launch: Element, title: str) -> Address | None:
    """Where a unit begins; None, noted, when it cannot."""
    written = "".join(map(str, launch.itertext())).strip()
    if not written:
        book.note("launch_empty", launch, title=title)
        return None
    if addresses.is_web(written):
        host = addresses.host_of(written)
        book.note("unit_elsewhere", launch, title=title, host=host)
        return addresses.elsewhere(written)
    found = addresses.inside(book.contents, written)
    if found is None:
        if addresses.scheme_of(written) or written.startswith("//"):
            code = "launch_forbidden"
        else:
            code = "launch_outside" if addresses.leaves(written) else "launch_missing"
        book.note(code, launch, title=title, launch=written)
    elif not found.exact:
        book.note(
            "launch_repaired",
            launch,
            title=title,
            written=written,
            launch=found.launch,
        )
    return found
