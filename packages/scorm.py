"""Reads `imsmanifest.xml`: SCORM 1.2 (CAM 2.3) and SCORM 2004, 2nd to 4th Edition.

The version is told from the vocabulary first, then from `schemaversion`: tools write the
latter wrong more often than the former.
"""

import re
from collections.abc import Iterator

from packages.contents import Contents
from packages.elements import (
    LONGEST_TITLE,
    Book,
    Element,
    attribute,
    child,
    language,
    line_of,
    local,
    text,
)
from packages.findings import refuse
from packages.lom import Metadata, read_metadata
from packages.manifest import Manifest, Standard, standard_text
from packages.safexml import read_xml
from packages.scorm_2004 import shares_as_fourth_edition
from packages.scorm_items import Structure, find_organization
from packages.scorm_resources import (
    find_resources,
    note_missing_dependencies,
    note_missing_files,
)

LONGEST_ADDRESS = 4000
_ADDRESSES = {"href", "parameters", "identifier", "identifierref", "base"}

# Parts of namespace names that only one of the two uses.
_VOCABULARY_12 = ("adlcp_rootv1p2", "imscp_rootv1p1p2")
_VOCABULARY_2004 = ("adlcp_v1p3", "adlseq_v1p3", "adlnav_v1p3", "imsss")
_NAMES: dict[str, str] = {"scorm_12": "SCORM 1.2", "scorm_2004": "SCORM 2004"}
_FOREIGN = {"imsccv1p": "IMS Common Cartridge", "imsqti": "IMS Question & Test"}
_EDITION = re.compile(
    r"\b(1st|2nd|3rd|4th|first|second|third|fourth)\b( ?ed(ition)?\b)?"
)
_ORDINALS = {"1st": "2nd", "first": "2nd", "second": "2nd"} | {
    "third": "3rd",
    "fourth": "4th",
}


def read_scorm(contents: Contents, name: str) -> Manifest:
    """The manifest in the file `name`; raises InvalidPackage, UnsafeArchive."""
    document = read_xml(contents.read(name), path=name)
    book = Book(contents, name, document.root, document.findings)
    element = local(document.root)
    if element != "manifest":
        refuse("not_a_manifest", path=name, line=1, element=element)
    _check_lengths(book)
    standard, edition = _version(book)
    resources = find_resources(
        book, may_hold_manifests=(standard, edition) != ("scorm_2004", "4th")
    )
    organization = find_organization(book)
    structure = Structure(book, resources, is_2004=standard == "scorm_2004")
    activities = structure.read(organization)
    units = structure.units()
    note_missing_files(book)
    note_missing_dependencies(book, resources)
    said = read_metadata(book, book.root).or_else(read_metadata(book, organization))
    title, spoken = _course_title(book, organization, said)
    return Manifest(
        standard=standard,
        edition=edition,
        identifier=attribute(book.root, "identifier"),
        title=title,
        description=said.description,
        units=units,
        language=spoken,
        keywords=said.keywords,
        typical_duration=said.typical_duration,
        version=said.version,
        publisher=said.publisher,
        blocks=tuple(structure.blocks),
        activities=activities,
    ).with_findings(book.findings)


def _check_lengths(book: Book) -> None:
    """Refuse addresses that no one can use, before they are joined many times over."""
    for element in book.root.iter():
        for key, value in element.attrib.items():
            name = str(key).rpartition("}")[2].lower()
            if name in _ADDRESSES and len(value) > LONGEST_ADDRESS:
                line, limit = line_of(element), LONGEST_ADDRESS
                refuse("address_too_long", path=book.path, line=line, limit=limit)


def _course_title(
    book: Book, organization: Element | None, said: Metadata
) -> tuple[str, str]:
    """The title of the structure, else of the metadata, else the identifier.

    And its language: of the XML where it is marked, else of the metadata.
    """
    element = child(organization, "title")
    title = text(element, LONGEST_TITLE)
    if title:
        return title, language(element) or said.language
    if said.title:
        return said.title, said.language
    title = attribute(book.root, "identifier")[:LONGEST_TITLE] or "Untitled course"
    book.note("title_missing", book.root, what="The course", title=title)
    return title, ""


# --- the version ------------------------------------------------------------------------


def _version(book: Book) -> tuple[Standard, str]:
    """Standard and edition, by vocabulary, then by what `schemaversion` says."""
    namespaces = _namespaces(book.root)
    for part, standard_name in _FOREIGN.items():
        if part in namespaces:
            refuse("other_standard", path=book.path, line=1, standard=standard_name)
    element = child(book.root, "metadata", "schemaversion")
    said = text(element)
    by_text = version_of(said)
    is_12 = any(part in namespaces for part in _VOCABULARY_12)
    is_2004 = any(part in namespaces for part in _VOCABULARY_2004)
    standard = _standard(book.root, by_text, is_12=is_12, is_2004=is_2004)
    if "}" not in str(book.root.tag) or not (is_12 or is_2004):
        book.note("no_namespace", book.root, standard=_NAMES[standard])
    if by_text is not None and by_text[0] == standard and by_text[1]:
        return standard, by_text[1]
    edition = _edition_by_vocabulary(book.root, standard)
    if by_text is None:
        code = "version_unknown" if said else "version_missing"
        book.note(code, element, said=said, standard=standard_text(standard, edition))
    elif by_text[0] != standard:
        name = standard_text(standard, edition)
        book.note("version_differs", element, said=said, standard=name)
    return standard, edition


def version_of(said: str) -> tuple[Standard, str] | None:
    """Standard and edition that a `schemaversion` means, however it is spelled.

    `CAM 1.3` is the 2nd Edition (CAM 1.3.1, 3.4.1.1); "2004" alone names no edition.
    """
    words = " ".join(re.split(r"[\s_,()®-]+", said.lower()))
    words = re.sub(r"^(adl )?(scorm )?(cam )?(version |v ?\.?)?", "", words).strip()
    if re.fullmatch(r"1\.2(\.\d)?", words):
        return "scorm_12", "1.2"
    if re.fullmatch(r"1\.3(\.\d+)?", words):
        return "scorm_2004", "2nd"
    edition = _EDITION.search(words)
    if edition is not None:
        return "scorm_2004", _ORDINALS.get(edition[1], edition[1])
    if re.fullmatch(r"2004( ?v?1\.3(\.\d+)?)?", words):
        return "scorm_2004", ""
    return None


def _standard(
    root: Element, by_text: tuple[Standard, str] | None, *, is_12: bool, is_2004: bool
) -> Standard:
    """By namespaces where they are of one kind, by what is said, by spelling."""
    if is_12 != is_2004:
        return "scorm_2004" if is_2004 else "scorm_12"
    if by_text is not None:
        return by_text[0]
    return "scorm_2004" if "scormType" in _spellings(root) else "scorm_12"


def _spellings(root: Element) -> Iterator[str]:
    for element in root.iter():
        if local(element) == "resource":
            for key in element.attrib:
                yield str(key).rpartition("}")[2]


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
    return "4th" if shares_as_fourth_edition(root) else "3rd"
