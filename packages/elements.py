"""How SCORM's descriptions are read: elements by local name, and what was noted.

Elements and attributes are matched by their local names, because real manifests often
lack namespaces or declare wrong ones.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from packages.contents import Contents
from packages.findings import finding, refuse
from packages.manifest import Finding, Severity

Element = etree._Element  # noqa: SLF001 - the only name lxml gives the type

LONGEST_TITLE = 500
LONGEST_TEXT = 4000
# One manifest can have one fault a hundred thousand times.
MOST_OF_A_KIND = 25
MOST_LOOKED_UP = 16 << 20
_EACH_LOOK = 64

_XML = "{http://www.w3.org/XML/1998/namespace}"


@dataclass
class Book:
    """The description being read, and what was noted so far.

    `beside` counts bytes of other files that were read for it, `looked_up` characters of
    addresses.
    """

    contents: Contents
    path: str
    root: Element
    read: tuple[Finding, ...] = ()
    beside: int = 0
    looked_up: int = 0
    _noted: list[Finding] = field(default_factory=list)
    _counts: Counter[tuple[str, Severity]] = field(default_factory=Counter)

    def note(self, code: str, element: Element | None = None, **words: Any) -> None:
        """Remember a finding at the line of `element`; only the first ones of a kind."""
        found = finding(code, path=self.path, line=line_of(element), **words)
        kind = (code, found.severity)
        self._counts[kind] += 1
        if self._counts[kind] <= MOST_OF_A_KIND:
            self._noted.append(found)

    def find(self, written: str) -> tuple[str, bool] | None:
        """The file that an address means, as `Contents.find`; raises InvalidPackage.

        Addresses are joined of parts that many share, so what is looked up is bounded.
        """
        self.looked_up += len(written) + _EACH_LOOK
        if self.looked_up > MOST_LOOKED_UP:
            limit = MOST_LOOKED_UP >> 20
            refuse("addresses_too_large", path=self.path, limit=limit)
        return self.contents.find(written)

    @property
    def can_look(self) -> bool:
        """True while more than half of what may be looked up is left."""
        return 2 * self.looked_up < MOST_LOOKED_UP

    @property
    def has_error(self) -> bool:
        """True when something was noted that refuses the package."""
        return any(severity == "error" for _, severity in self._counts)

    @property
    def findings(self) -> list[Finding]:
        """What was noted, and of which kinds there is more."""
        left = sum(max(0, count - MOST_OF_A_KIND) for count in self._counts.values())
        more = [finding("more_findings", path=self.path, count=left)] if left else []
        return [*self.read, *self._noted, *more]


def line_of(element: Element | None) -> int | None:
    """The line an element begins in."""
    line: Any = None if element is None else element.sourceline
    return None if line is None else int(line)


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element | None, name: str) -> list[Element]:
    """The child elements of that name; its capitals do not matter."""
    if element is None:
        return []
    folded = name.lower()
    return [child for child in element if local(child).lower() == folded]


def child(element: Element | None, *names: str) -> Element | None:
    """The first child of the first child … with these names."""
    for name in names:
        found = children(element, name)
        if not found:
            return None
        element = found[0]
    return element


def text(element: Element | None, length: int | None = None) -> str:
    """All text within, blanks collapsed."""
    if element is None:
        return ""
    return " ".join(raw_text(element).split())[:length]


def raw_text(element: Element) -> str:
    """All text within, as it is written."""
    return "".join(str(part) for part in element.itertext())


def attribute(element: Element, name: str) -> str:
    """An attribute by local name in any case: tools write scormType and scormtype."""
    folded = name.lower()
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2].lower() == folded:
            return str(value).strip()
    return ""


def as_xml(element: Element) -> str:
    """The element as XML text, with the vocabularies it uses."""
    return str(etree.tostring(element, encoding="unicode", with_tail=False))


def base(element: Element | None) -> str:
    """`xml:base` of an element, empty where it has none."""
    return "" if element is None else str(element.get(_XML + "base") or "").strip()


def language(element: Element | None) -> str:
    """`xml:lang` of an element or of the nearest one above."""
    while element is not None:
        said = element.get(_XML + "lang")
        if said:
            return str(said).strip()
        element = element.getparent()
    return ""
