"""What the scripts and pages of a course give away, in one look at each.

Nothing is run. It answers three questions an author wants answered before learners ask
them: does anything report to the LMS at all, what is loaded from other servers (the
player blocks that), and which ids inside look like tests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from packages.contents import Contents

_SCRIPTS = (".js", ".mjs", ".json", ".html", ".htm", ".xhtml", ".xml")
_PAGES = (".html", ".htm", ".xhtml", ".css")
# What cannot be looked into, but may well report: Flash.
_OPAQUE = (".swf",)
_FILE_BYTES = 8 << 20
_TOTAL_BYTES = 64 << 20

# SCORM 1.2 and AICC's API, SCORM 2004's.
_REPORTS = re.compile(rb"LMS(?:Initialize|SetValue|Finish)\b|\bAPI_1484_11\b")
_RECORDS = re.compile(rb"cmi\.(?:objectives|interactions)\b")
_NAME = re.compile(
    rb"""["']([\w.-]{0,40}(?:pre|post)[\s_.-]?(?:test|assess|quiz|exam)[\w.-]{0,40})["']""",
    re.IGNORECASE,
)
_LOADS = re.compile(
    rb"""<(?:script|link|iframe|img|video|audio|source|embed)\b[^<>]{0,400}?\s(?:src|href)"""
    rb"""\s*=\s*["']?\s*(?:https?:)?//([a-z0-9.-]{1,100}(?::[0-9]{1,5})?)"""
    rb"""|(?:@import|url\()\s*["'(]{0,2}\s*(?:https?:)?//([a-z0-9.-]{1,100}(?::[0-9]{1,5})?)""",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Scripts:
    """`reports` is None when not everything could be looked into."""

    reports: bool | None = False
    records: bool = False
    names: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)


def read_scripts(contents: Contents) -> Scripts:
    """Look through the course; raises UnsafeArchive for files that are not as listed."""
    found = Scripts()
    unseen = any(path.lower().endswith(_OPAQUE) for path in contents.files)
    for path, data in _texts(contents):
        if data is None:
            unseen = True
            continue
        if path.endswith(_PAGES):
            for match in _LOADS.finditer(data):
                found.hosts.add((match[1] or match[2]).decode().lower())
        if path.endswith(_SCRIPTS):
            found.reports = found.reports or bool(_REPORTS.search(data))
            found.records = found.records or bool(_RECORDS.search(data))
            names = _NAME.finditer(data)
            found.names |= {match[1].decode("utf-8", "replace") for match in names}
    if unseen and not found.reports:
        found.reports = None
    return found


def _texts(contents: Contents) -> Iterator[tuple[str, bytes | None]]:
    """Each text by its path in small letters; None for one that is too large."""
    left = _TOTAL_BYTES
    for path, entry in contents.files.items():
        name = path.lower()
        if not name.endswith(_SCRIPTS + _PAGES):
            continue
        if entry.size > min(left, _FILE_BYTES):
            yield name, None
            continue
        left -= entry.size
        with contents.open(path) as stream:
            yield name, stream.read()
