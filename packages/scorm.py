"""Reads `imsmanifest.xml`: SCORM 1.2 (CAM 2.3) and, as far as units go, SCORM 2004.

Elements and attributes are matched by their local names, because real manifests often
lack namespaces or declare wrong ones. The version is told from the vocabulary first,
then from `schemaversion`: tools write the latter wrong more often than the former.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from lxml import etree

from packages.contents import Contents
from packages.findings import finding, refuse
from packages.manifest import (
    Block,
    Finding,
    Kind,
    Manifest,
    Standard,
    Unit,
    is_absolute,
    slugs,
)
from packages.safexml import read_xml
from statements.errors import InvalidPackage

Element = etree._Element  # noqa: SLF001 - the only name lxml gives the type

_VERSIONS: dict[str, tuple[Standard, str]] = {
    "1.2": ("scorm_12", "1.2"),
    "1.3": ("scorm_2004", "2nd"),
    "cam 1.3": ("scorm_2004", "2nd"),
    "2004": ("scorm_2004", "2nd"),
    "2004 2nd edition": ("scorm_2004", "2nd"),
    "2004 3rd edition": ("scorm_2004", "3rd"),
    "2004 4th edition": ("scorm_2004", "4th"),
}
# Parts of namespace names that only one of the two uses.
_VOCABULARY_12 = ("adlcp_rootv1p2", "imscp_rootv1p1p2")
_VOCABULARY_2004 = ("adlcp_v1p3", "adlseq_v1p3", "adlnav_v1p3", "imsss")
_NAMES: dict[str, str] = {"scorm_12": "SCORM 1.2", "scorm_2004": "SCORM 2004"}
_FOREIGN = {"imsccv1p": "IMS Common Cartridge", "imsqti": "IMS Question & Test"}

_TIMESPAN = re.compile(r"\d{1,4}:\d{2}:\d{2}(\.\d{1,2})?")
_LIMIT_ACTIONS = re.compile(r"(exit|continue),\s*(no )?message")
_DECIMAL = re.compile(r"\+?\d+(\.\d*)?|\.\d+")
# Characters that may stand in a query or fragment as written (RFC 3986, 3.4 and 3.5).
_PARAMETERS_SAFE = "%/?:@!$&'()*+,;=#[]~"
_TITLE_LENGTH = 500


def read_scorm(contents: Contents, name: str) -> Manifest:
    """The manifest in the file `name`; raises InvalidPackage, UnsafeArchive."""
    document = read_xml(contents.read(name), path=name)
    book = _Book(contents, name, document.root, list(document.findings))
    element = _local(document.root)
    if element != "manifest":
        refuse("not_a_manifest", path=name, line=1, element=element)
    book.standard, edition = _version(book)
    organization = _organization(book)
    units, blocks = _units(book, organization)
    _note_missing_files(book)
    return Manifest(
        standard=book.standard,
        edition=edition,
        identifier=_attribute(book.root, "identifier"),
        title=_course_title(book, organization),
        description=_general(book.root, "description") or _outside_description(book),
        units=units,
        blocks=blocks,
    ).with_findings(book.findings)


@dataclass
class _Book:
    """The manifest being read, and what was noted so far."""

    contents: Contents
    path: str
    root: Element
    findings: list[Finding] = field(default_factory=list)
    standard: Standard = "scorm_12"

    def note(self, code: str, element: Element | None = None, **words: Any) -> None:
        """Remember a finding at the line of `element`."""
        line: Any = None if element is None else element.sourceline
        self.findings.append(finding(code, path=self.path, line=line, **words))


# --- elements ---------------------------------------------------------------------------


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Element | None, name: str) -> list[Element]:
    if element is None:
        return []
    return [child for child in element if _local(child) == name]


def _child(element: Element | None, *names: str) -> Element | None:
    """The first child of the first child … with these names."""
    for name in names:
        found = _children(element, name)
        if not found:
            return None
        element = found[0]
    return element


def _text(element: Element | None, length: int | None = None) -> str:
    """All text within, blanks collapsed."""
    if element is None:
        return ""
    return " ".join(_raw_text(element).split())[:length]


def _raw_text(element: Element) -> str:
    return "".join(str(text) for text in element.itertext())


def _attribute(element: Element, name: str) -> str:
    """An attribute by local name in any case: tools write scormType and scormtype."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2].lower() == name:
            return str(value).strip()
    return ""


def _base(element: Element) -> str:
    return str(element.get("{http://www.w3.org/XML/1998/namespace}base") or "")


# --- the version ------------------------------------------------------------------------


def _version(book: _Book) -> tuple[Standard, str]:
    """Standard and edition, by vocabulary, then by what `schemaversion` says."""
    namespaces = _namespaces(book.root)
    for part, standard_name in _FOREIGN.items():
        if part in namespaces:
            refuse("other_standard", path=book.path, line=1, standard=standard_name)
    element = _child(book.root, "metadata", "schemaversion")
    said = _text(element)
    by_text = _VERSIONS.get(re.sub(r"^(adl )?scorm ", "", said.lower()))
    is_12 = any(part in namespaces for part in _VOCABULARY_12)
    is_2004 = any(part in namespaces for part in _VOCABULARY_2004)
    standard = _standard(book.root, by_text, is_12=is_12, is_2004=is_2004)
    if "}" not in str(book.root.tag) or not (is_12 or is_2004):
        book.note("no_namespace", book.root, standard=_NAMES[standard])
    if by_text is None:
        code = "version_unknown" if said else "version_missing"
        book.note(code, element, said=said, standard=_NAMES[standard])
    elif by_text[0] == standard:
        return by_text
    else:
        book.note("version_differs", element, said=said, standard=_NAMES[standard])
    return standard, _edition_by_vocabulary(book.root, standard)


def _standard(
    root: Element, by_text: tuple[Standard, str] | None, *, is_12: bool, is_2004: bool
) -> Standard:
    """By namespaces where they are of one kind, by what is said, by spelling."""
    if is_12 != is_2004:
        return "scorm_2004" if is_2004 else "scorm_12"
    if by_text is not None:
        return by_text[0]
    spellings = {
        str(key).rpartition("}")[2]
        for resource in root.iter()
        if _local(resource) == "resource"
        for key in resource.attrib
    }
    return "scorm_2004" if "scormType" in spellings else "scorm_12"


def _namespaces(root: Element) -> str:
    """All namespace names that the file uses, in one text."""
    names = {str(value) for value in root.nsmap.values()}
    for element in root.iter():
        names.add(str(element.tag).partition("}")[0])
        names.update(str(key).partition("}")[0] for key in element.attrib)
    # A leading "{" marks a name in use; a key without namespace has none and is dropped.
    return " ".join(name.strip("{") for name in names if ":" in name)


def _edition_by_vocabulary(root: Element, standard: Standard) -> str:
    """The edition where none is written: 4th by what only it has, else the 3rd."""
    if standard == "scorm_12":
        return "1.2"
    for element in root.iter():
        shares_data = _local(element) == "map" and "adlcp_v1p3" in str(element.tag)
        if shares_data or element.get("completedByMeasure") is not None:
            return "4th"
    return "3rd"


# --- the structure ----------------------------------------------------------------------


def _organization(book: _Book) -> Element | None:
    """The structure to use: the one marked as default, else the first."""
    organizations = _child(book.root, "organizations")
    found = _children(organizations, "organization")
    if not found or organizations is None:
        return None
    default = _attribute(organizations, "default")
    for organization in found:
        if default and _attribute(organization, "identifier") == default:
            if len(found) > 1:
                book.note("several_organizations", organizations, count=len(found))
            return organization
    if default or len(found) > 1:
        book.note("default_organization", organizations, name=default)
    return found[0]


@dataclass(frozen=True)
class _Draft:
    """A unit before its index and slug are known."""

    element: Element
    identifier: str
    unit: Unit


def _units(
    book: _Book, organization: Element | None
) -> tuple[tuple[Unit, ...], tuple[Block, ...]]:
    resources = _resources(book.root)
    drafts: list[_Draft] = []
    blocks: list[Block] = []
    if organization is not None and any(
        _local(element) == "item" for element in organization
    ):
        for item in _children(organization, "item"):
            drafts.extend(_item_units(book, resources, item, blocks, None))
    else:
        drafts.extend(_loose_units(book, resources))
    if not drafts and not any(one.severity == "error" for one in book.findings):
        book.note("no_units", book.root)
    seen: set[str] = set()
    for draft in drafts:
        if draft.identifier in seen:
            book.note("identifier_repeated", draft.element, identifier=draft.identifier)
        seen.add(draft.identifier)
    names = slugs(draft.identifier for draft in drafts)
    units = tuple(
        replace(draft.unit, index=index, slug=slug)
        for index, (draft, slug) in enumerate(zip(drafts, names, strict=True))
    )
    return units, tuple(blocks)


def _resources(root: Element) -> dict[str, Element]:
    """Resources by identifier; those of the manifest itself before inner ones."""
    result: dict[str, Element] = {}
    for element in root.iter():
        if _local(element) == "resource":
            result.setdefault(_attribute(element, "identifier"), element)
    return result


def _item_units(
    book: _Book,
    resources: dict[str, Element],
    item: Element,
    blocks: list[Block],
    block: int | None,
) -> Iterator[_Draft]:
    """The units of an item and of the items below, in the order of the menu.

    An item with items below, or without a unit, becomes one of `blocks`.
    """
    title = _text(_child(item, "title"), _TITLE_LENGTH)
    identifier = _attribute(item, "identifier")
    reference = _attribute(item, "identifierref")
    items = _children(item, "item")
    if not title:
        title = identifier or reference or "Unit"
        book.note("title_missing", item, what="An item", title=title)
    if not identifier:
        identifier = reference or f"item-line-{item.sourceline}"
        book.note("identifier_missing", item, identifier=identifier)
    unit = None
    if reference:
        resource = resources.get(reference)
        if resource is None:
            book.note("resource_missing", item, title=title, resource=reference)
        elif not _attribute(resource, "href"):
            book.note("resource_without_start", item, title=title)
        else:
            unit = _unit(book, item, resource, title)
            if unit is not None:
                unit = replace(unit, identifier=identifier, block=block)
                yield _Draft(item, identifier, unit)
    elif not items:
        book.note("item_empty", item, title=title)
    if items or unit is None:
        index = len(blocks)
        blocks.append(Block(index, identifier, title, parent=block))
        for child in items:
            yield from _item_units(book, resources, child, blocks, index)


def _loose_units(book: _Book, resources: dict[str, Element]) -> Iterator[_Draft]:
    """A unit per SCO where there is no structure; else per resource with a page."""
    startable = {
        identifier: resource
        for identifier, resource in resources.items()
        if _attribute(resource, "href")
    }
    scos = {
        identifier: resource
        for identifier, resource in startable.items()
        if _attribute(resource, "scormtype").lower() == "sco"
    }
    for identifier, resource in (scos or startable).items():
        title = _general(resource, "title") or identifier
        unit = _unit(book, resource, resource, title)
        if unit is not None:
            yield _Draft(resource, identifier, replace(unit, identifier=identifier))
    if startable:
        book.note("no_organization", book.root)


def _unit(book: _Book, item: Element, resource: Element, title: str) -> Unit | None:
    """The unit of an item and its resource; None, noted, when it cannot start."""
    start = _start(book, item, resource, title)
    if start is None:
        return None
    launch, parameters = start
    visible = _attribute(item, "isvisible").lower() not in {"false", "0"}
    if not visible:
        book.note("hidden", item, title=title)
    prerequisites = _text(_child(item, "prerequisites"))
    if prerequisites:
        book.note("prerequisites", item, title=title, said=prerequisites)
    return Unit(
        index=0,
        identifier="",
        slug="",
        kind=_kind(book, resource, title),
        title=title,
        launch=launch,
        parameters=parameters,
        mastery_score=_mastery_score(book, item, title),
        max_time=_max_time(book, item, title),
        time_limit_action=_time_limit_action(item),
        data_from_lms=_item_text(item, "datafromlms"),
        prerequisites=prerequisites,
        visible=visible,
    )


def _kind(book: _Book, resource: Element, title: str) -> Kind:
    said = _attribute(resource, "scormtype")
    if said.lower() == "asset":
        kind: Kind = "asset"
    else:
        kind = "sco"
    if said.lower() not in {"sco", "asset"}:
        # An asset would be complete by being opened; a SCO has to say so itself.
        book.note("kind_missing", resource, title=title)
    elif said != kind:
        book.note("kind_spelled", resource, title=title, said=said)
    return kind


def _item_text(item: Element, name: str) -> str:
    """The text of a child of the item, its name in any case."""
    for child in item:
        if _local(child).lower() == name:
            return _raw_text(child).strip()
    return ""


def _mastery_score(book: _Book, item: Element, title: str) -> Decimal | None:
    """`adlcp:masteryscore`, 0 to 100 (CAM 1.2, 2.3.2.5.4)."""
    said = _item_text(item, "masteryscore")
    if not said:
        return None
    if _DECIMAL.fullmatch(said) and Decimal(said) <= 100:
        return Decimal(said)
    book.note("mastery_score", item, title=title, said=said)
    return None


def _max_time(book: _Book, item: Element, title: str) -> str:
    """`adlcp:maxtimeallowed` as a timespan of SCORM 1.2, or nothing."""
    said = _item_text(item, "maxtimeallowed")
    if not said or _TIMESPAN.fullmatch(said):
        return said
    book.note("time_limit", item, title=title, said=said)
    return ""


def _time_limit_action(item: Element) -> str:
    said = _item_text(item, "timelimitaction").lower()
    return said if _LIMIT_ACTIONS.fullmatch(said) else ""


# --- addresses --------------------------------------------------------------------------


def _start(
    book: _Book, item: Element, resource: Element, title: str
) -> tuple[str, str] | None:
    """Launch file and parameters of a resource; None, noted, when there is none."""
    href = _attribute(resource, "href")
    base = _joined(_base(_parent(resource)), _base(resource))
    base = _joined(_base(book.root), base)
    if is_absolute(base + href) or is_absolute(href):
        book.note("launch_external", resource, title=title, launch=base + href)
        return None
    plain, query, fragment = _split(href)
    written = _joined(base, plain)
    found = book.contents.find(written)
    exact = found is not None and found[1]
    # Some files are truly called "a?b.html", some folders in xml:base lack their "/".
    for other in (_joined(base, href), _joined(base + "/", plain) if base else ""):
        if found is None and other:
            found = book.contents.find(other)
    if found is None:
        outside = ".." in written.replace("\\", "/").split("/")
        code = "launch_outside" if outside else "launch_missing"
        book.note(code, resource, title=title, launch=written)
        return None
    launch, _ = found
    if not exact:
        book.note(
            "launch_repaired", resource, title=title, written=written, launch=launch
        )
    return launch, merge_parameters(query, fragment, _attribute(item, "parameters"))


def _parent(element: Element) -> Element:
    parent = element.getparent()
    return element if parent is None else parent


def _joined(base: str, address: str) -> str:
    """`address` against `base` as RFC 3986, 5.2 has it for relative paths."""
    if not base or address.startswith(("/", "\\")):
        return address
    folder = re.sub(r"[^/\\]*$", "", base)
    return folder + address


def _split(href: str) -> tuple[str, str, str]:
    """Path, query and fragment, the latter two without their marks."""
    rest, _, fragment = href.partition("#")
    path, _, query = rest.partition("?")
    return path, query, fragment


def merge_parameters(query: str, fragment: str, parameters: str) -> str:
    """Query and fragment of the launch address with an item's `parameters` added.

    As SCORM 2004 4th Edition CAM 3.4.1.10.4 spells it out, and 1.2 content expects;
    except that a query is put before a fragment that the address already has.
    """
    parameters = parameters.strip().lstrip("?&")
    if parameters.startswith("#"):
        fragment = fragment or parameters[1:]
    elif parameters:
        added, _, own_fragment = parameters.partition("#")
        query = f"{query}&{added}" if query else added
        fragment = fragment or own_fragment
    text = (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    return quote(text, safe=_PARAMETERS_SAFE)


def _note_missing_files(book: _Book) -> None:
    """Files that the manifest lists and the package lacks: one finding for all."""
    missing: list[tuple[str, Element]] = []
    for resource in book.root.iter():
        if _local(resource) != "resource":
            continue
        base = _joined(_base(_parent(resource)), _base(resource))
        base = _joined(_base(book.root), base)
        for file in _children(resource, "file"):
            href = _attribute(file, "href")
            if not href or is_absolute(base + href) or is_absolute(href):
                continue
            address = _joined(base, href)
            if (
                book.contents.find(_joined(base, _split(href)[0])) is None
                and book.contents.find(address) is None
            ):
                missing.append((address, file))
    if missing:
        first, element = missing[0]
        book.note("files_missing", element, count=len(missing), first=first)


# --- metadata ---------------------------------------------------------------------------


def _course_title(book: _Book, organization: Element | None) -> str:
    """The title of the structure, else of the metadata, else the identifier."""
    title = _text(_child(organization, "title"), _TITLE_LENGTH)
    title = title or _general(book.root, "title")
    if not title:
        title = _attribute(book.root, "identifier") or "Untitled course"
        book.note("title_missing", book.root, what="The course", title=title)
    return title


def _general(element: Element | None, name: str) -> str:
    """Title or description from LOM metadata: the first language given."""
    lom = _child(element, "metadata", "lom")
    if lom is None and element is not None and _local(element) in {"lom", "record"}:
        lom = element
    found = _child(lom, "general", name)
    if found is None:
        return ""
    strings = [child for child in found if _local(child) in {"langstring", "string"}]
    return _text(strings[0] if strings else found, _TITLE_LENGTH * 8)


def _outside_description(book: _Book) -> str:
    """The description from a metadata file beside the manifest (`adlcp:location`)."""
    location = _text(_child(book.root, "metadata", "location"))
    if not location:
        return ""
    found = book.contents.find(location)
    if found is not None:
        try:
            document = read_xml(book.contents.read(found[0]), path=found[0])
        except InvalidPackage:
            # A broken description is no reason to refuse the course, an unsafe one is.
            pass
        else:
            return _general(document.root, "description")
    book.note("metadata_missing", book.root, name=location)
    return ""
