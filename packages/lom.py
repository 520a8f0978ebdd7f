"""Learning object metadata: what a course says of itself beyond its structure.

Both bindings are read: that of SCORM 1.2 (IMS 1.2.1: `langstring`, `keyword` under
`general`, `vcard`, `datetime`) and that of SCORM 2004 (IEEE 1484.12.3: `string`,
`entity`, `duration`), inside the manifest or in a file beside it (`adlcp:location`).
"""

import re
from dataclasses import dataclass, fields, replace

from packages.elements import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    Book,
    Element,
    attribute,
    base,
    child,
    children,
    language,
    local,
    raw_text,
    text,
)
from packages.safexml import MAXIMUM_BYTES, read_xml
from packages.scorm_resources import joined
from statements.errors import InvalidPackage

# What may be read of files beside the manifest, each of which counts for some bytes more.
MOST_BESIDE = MAXIMUM_BYTES
_EACH_BESIDE = 10_000
_KEYWORDS = 50
_SHORT = 100
# IEEE 1484.12.1, 8: a period of ISO 8601; SCORM 1.2 tools write a clock as well.
_PERIOD = re.compile(
    r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"
)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]?\d)(?::([0-5]?\d)(?:\.\d+)?)?")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_CARD_LINE = re.compile(r"(?:^|\s)(ORG|FN|N)(?:;[^:\s]*)?:(.*?)(?=\s[A-Z-]+[;:]|$)")
_ROLES = ("publisher", "content provider", "author", "creator", "")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What was said; empty where it was not. `language` is that of `title`."""

    title: str = ""
    language: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    typical_duration: str = ""
    version: str = ""
    publisher: str = ""

    def or_else(self, other: "Metadata") -> "Metadata":
        """The same with what is missing taken from `other`."""
        missing = {
            field.name: getattr(other, field.name)
            for field in fields(self)
            if not getattr(self, field.name)
        }
        return replace(self, **missing)


def read_metadata(book: Book, element: Element | None) -> Metadata:
    """What the `metadata` of a manifest, organization, item or resource says."""
    holder = child(element, "metadata")
    found = Metadata()
    if holder is None:
        return found
    for inside in holder:
        if local(inside).lower() in {"lom", "record"}:
            found = found.or_else(_read_lom(book, inside))
    for location in children(holder, "location"):
        found = found.or_else(_read_beside(book, location))
    return found


def read_description(element: Element | None) -> str:
    """The description of an item or a resource, where its LOM is in the manifest."""
    general = child(element, "metadata", "lom", "general")
    return _string(child(general, "description"), 2 * LONGEST_TITLE)[0]


def _read_beside(book: Book, location: Element) -> Metadata:
    """What a file beside the manifest says; noted when it is missing or broken.

    And when so much was read of such files that this one is left out.
    """
    name = text(location)
    if not name:
        return Metadata()
    found = book.find(joined(base(book.root), name)) or book.find(name)
    if found is not None:
        book.beside += book.contents.files[found[0]].size + _EACH_BESIDE
    if found is not None and book.beside <= MOST_BESIDE + _EACH_BESIDE:
        try:
            document = read_xml(book.contents.read(found[0]), path=found[0])
        except InvalidPackage:
            # A broken description is no reason to refuse the course, an unsafe one is.
            pass
        else:
            return _read_lom(book, document.root)
    book.note("metadata_missing", location, name=name)
    return Metadata()


def _read_lom(book: Book, lom: Element) -> Metadata:
    general = child(lom, "general")
    title, spoken = _string(child(general, "title"), LONGEST_TITLE)
    spoken = spoken or _language(text(child(general, "language")))
    description, _ = _string(child(general, "description"), LONGEST_TEXT)
    life = child(lom, "lifecycle")
    return Metadata(
        title=title,
        language=spoken,
        description=description,
        keywords=_keywords(general),
        typical_duration=_duration(book, lom),
        version=_string(child(life, "version"), _SHORT)[0],
        publisher=_publisher(life),
    )


def _strings(element: Element | None) -> list[Element]:
    if element is None:
        return []
    return [one for one in element if local(one).lower() in {"langstring", "string"}]


def _string(element: Element | None, length: int) -> tuple[str, str]:
    """The first language given of a text, and which language that is."""
    for one in _strings(element):
        said = text(one, length)
        if said:
            return said, _language(attribute(one, "language") or language(one))
    return ("" if _strings(element) else text(element, length)), ""


def _language(said: str) -> str:
    """A language tag of RFC 5646 by its shape, else nothing ("none" is LOM for it)."""
    if said.lower() in {"none", "x-none"} or not _LANGUAGE.fullmatch(said):
        return ""
    return said


def _keywords(general: Element | None) -> tuple[str, ...]:
    """Every keyword once, however they are grouped: by element, string or comma."""
    found: dict[str, None] = {}
    for keyword in children(general, "keyword"):
        for one in _strings(keyword) or [keyword]:
            for word in re.split(r"[,;]", text(one, LONGEST_TEXT)):
                if word.strip():
                    found.setdefault(word.strip()[:_SHORT])
    return tuple(found)[:_KEYWORDS]


def _duration(book: Book, lom: Element) -> str:
    """`typicalLearningTime` as a period of ISO 8601; noted when it is none."""
    element = child(lom, "educational", "typicallearningtime")
    said = next(
        (
            text(one)
            for name in ("duration", "datetime")
            for one in children(element, name)
        ),
        "",
    )
    if not said or said.upper() in {"PT", "P"}:
        return ""
    if _PERIOD.fullmatch(said.upper()):
        return said.upper()
    clock = _CLOCK.fullmatch(said)
    if clock is None:
        book.note("learning_time", said=said)
        return ""
    hours, minutes, seconds = (int(part or 0) for part in clock.groups())
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{n}{unit}" for n, unit in parts if n) or "0S")


def _publisher(life: Element | None) -> str:
    """Who is named in the vCard of a publisher, else of who provided or wrote it."""
    named: dict[str, str] = {}
    for contribution in children(life, "contribute"):
        role = child(contribution, "role", "value")
        role_name = (_string(role, _SHORT)[0] or text(role)).lower()
        for entity in (
            *children(contribution, "entity"),
            *children(contribution, "centity"),
        ):
            lines = " ".join(raw_text(entity)[:LONGEST_TEXT].split())
            card = dict(reversed(_CARD_LINE.findall(lines)))
            said = card.get("ORG") or card.get("FN") or card.get("N") or ""
            name = " ".join(said.replace("\\,", ",").replace(";", " ").split())
            if name:
                named.setdefault(role_name, name[:LONGEST_TITLE])
    return next((named[role] for role in _ROLES if role in named), "")
