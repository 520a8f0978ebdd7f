"""Standards that are recognised but not run yet: their titles, and nothing more.

Whoever adds a reader for one of them deletes its function here.
"""

import re

from packages.contents import Contents
from packages.manifest import Manifest, Standard
from packages.safexml import Document, read_xml

_TITLE_LENGTH = 500


def _first_text(document: Document, *path: str) -> str:
    """The text at the first such path of local names below the root."""
    steps = "/".join(f"*[local-name()='{name}']" for name in path)
    found = document.root.xpath(f"{steps}//text()")
    texts = found if isinstance(found, list) else []
    words = " ".join(str(text) for text in texts[:1]).split()
    return " ".join(words)[:_TITLE_LENGTH]


def read_cmi5(contents: Contents, name: str) -> Manifest:
    """The course's title from `cmi5.xml` (cmi5, section 13)."""
    document = read_xml(contents.read(name), path=name)
    title = _first_text(document, "course", "title", "langstring")
    return _titled("cmi5", title, document)


def read_tincan(contents: Contents, name: str) -> Manifest:
    """The first activity's name from `tincan.xml`."""
    document = read_xml(contents.read(name), path=name)
    title = _first_text(document, "activities", "activity", "name")
    return _titled("xapi", title, document)


def read_aicc(contents: Contents, name: str) -> Manifest:
    """The course's title from a `.crs` file (CMI001, 5.1)."""
    text = contents.read(name).decode("utf-8", "replace")
    match = re.search(r"(?im)^\s*course_title\s*=\s*(.+)$", text)
    title = match[1].strip()[:_TITLE_LENGTH] if match else ""
    return Manifest(standard="aicc", edition="", identifier="", title=title)


def _titled(standard: Standard, title: str, document: Document) -> Manifest:
    return Manifest(
        standard=standard, edition="", identifier="", title=title
    ).with_findings(document.findings)
