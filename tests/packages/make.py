"""Builds packages for tests: well-made, odd and hostile. No binaries are kept in git.

`manifest()` writes an imsmanifest.xml, `package()` zips files the usual way. `Zip`
writes the zip format by hand, so that every field can lie.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMESPACES_12 = (
    'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" '
    'xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"'
)
NAMESPACES_2004 = (
    'xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" '
    'xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" '
    'xmlns:imsss="http://www.imsglobal.org/xsd/imsss"'
)
START_PAGE = (
    "<!DOCTYPE html><title>A page</title>"
    "<script>parent.API.LMSInitialize(''); parent.API.LMSFinish('')</script>"
)


@dataclass
class Item:
    """An item of the structure with its resource; `href` None makes a heading."""

    identifier: str = "item-1"
    title: str | None = "Lesson"
    href: str | None = "index.html"
    kind: str | None = "sco"
    attributes: str = ""
    inside: str = ""
    items: list[Item] = field(default_factory=list)
    reference: str | None = None
    base: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def resource(self) -> str:
        return self.reference or f"r-{self.identifier}"

    def item_xml(self) -> str:
        points = self.href is not None or self.reference is not None
        reference = f' identifierref="{self.resource}"' if points else ""
        title = "" if self.title is None else f"<title>{escape(self.title)}</title>"
        identifier = f" identifier={quoteattr(self.identifier)}"
        children = "\n".join(item.item_xml() for item in self.items)
        return (
            f"<item{identifier if self.identifier else ''}{reference} "
            f"{self.attributes}>\n{title}\n{self.inside}{children}</item>"
        )

    def resource_xml(self, spelled: str = "adlcp:scormtype") -> str:
        own = ""
        if self.href is not None:
            kind = "" if self.kind is None else f' {spelled}="{self.kind}"'
            base = f' xml:base="{self.base}"' if self.base else ""
            files = "".join(f"\n<file href={quoteattr(name)}/>" for name in self.files)
            own = (
                f'<resource identifier="r-{self.identifier}" type="webcontent"{kind}'
                f"{base} href={quoteattr(self.href)}>{files}</resource>\n"
            )
        return own + "".join(item.resource_xml(spelled) for item in self.items)


def manifest(
    *items: Item,
    title: str | None = "A course",
    version: str | None = "1.2",
    namespaces: str = NAMESPACES_12,
    spelled: str = "adlcp:scormtype",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
    root: str = "",
    metadata: str = "",
    organizations: str = 'default="org"',
    more: str = "",
    resources: str = "",
) -> str:
    """The text of an imsmanifest.xml; `more` and others are put in as they are."""
    items = items or (Item(),)
    said = "" if version is None else f"<schemaversion>{version}</schemaversion>"
    heading = "" if title is None else f"<title>{escape(title)}</title>"
    return (
        f'{declaration}<manifest identifier="course-1" {namespaces} {root}>\n'
        f"<metadata><schema>ADL SCORM</schema>{said}{metadata}</metadata>\n"
        f'<organizations {organizations}>\n<organization identifier="org">{heading}\n'
        + "\n".join(item.item_xml() for item in items)
        + f"</organization>{more}</organizations>\n<resources{resources}>\n"
        + "".join(item.resource_xml(spelled) for item in items)
        + "</resources>\n</manifest>\n"
    )


def package(files: dict[str, str | bytes], *, folder: str = "") -> bytes:
    """A zip of these files as any tool makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(folder + name), content)
    return buffer.getvalue()


def course(
    *items: Item, files: dict[str, str | bytes] | None = None, **words: Any
) -> bytes:
    """A package whose start pages all exist."""
    content: dict[str, str | bytes] = {"imsmanifest.xml": manifest(*items, **words)}
    for name in start_pages(items or (Item(),)):
        content[name] = START_PAGE
    return package(content | (files or {}))


def start_pages(items: Sequence[Item]) -> list[str]:
    pages = [item.href.split("?")[0].split("#")[0] for item in items if item.href]
    return pages + [page for item in items for page in start_pages(item.items)]


@dataclass
class Entry:
    """One file of a zip; a value that is not None is written whatever the truth."""

    name: str | bytes
    content: bytes = b"x"
    method: int = 0
    flags: int = 0
    attributes: int = 0
    extra: bytes = b""
    size: int | None = None
    packed: int | None = None
    crc: int | None = None
    offset: int | None = None
    disk: int = 0
    raw: bytes | None = None
    header_name: bytes | None = None
    header_extra: bytes = b""

    @property
    def raw_name(self) -> bytes:
        return self.name.encode() if isinstance(self.name, str) else self.name

    @property
    def data(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.method == zipfile.ZIP_DEFLATED:
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            return deflate.compress(self.content) + deflate.flush()
        return self.content


def mode(kind: int) -> int:
    """External attributes of a Unix file of that kind (`stat.S_IFLNK` …)."""
    return (kind | 0o644) << 16


@dataclass
class Zip:
    """A zip written by hand: local parts, list, end record."""

    entries: list[Entry]
    prefix: bytes = b""
    comment: bytes = b""
    count: int | None = None
    directory_size: int | None = None
    directory_offset: int | None = None
    disk: int = 0
    zip64: bool = False

    def __bytes__(self) -> bytes:
        body = bytearray()
        offsets = []
        for entry in self.entries:
            offsets.append(len(body))
            body += self._local(entry)
        start = len(body)
        for entry, offset in zip(self.entries, offsets, strict=True):
            body += self._listed(entry, offset)
        return bytes(self.prefix + body + self._end(len(body) - start, start))

    def _fields(self, entry: Entry) -> tuple[int, int, int]:
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        packed = len(entry.data) if entry.packed is None else entry.packed
        size = len(entry.content) if entry.size is None else entry.size
        return crc, packed, size

    def _local(self, entry: Entry) -> bytes:
        name = entry.raw_name if entry.header_name is None else entry.header_name
        head = struct.pack(
            "<4s5H3L2H",
            b"PK\3\4",
            20,
            entry.flags,
            entry.method,
            0,
            33,
            *self._fields(entry),
            len(name),
            len(entry.header_extra),
        )
        return head + name + entry.header_extra + entry.data

    def _listed(self, entry: Entry, offset: int) -> bytes:
        name = entry.raw_name
        head = struct.pack(
            "<4s6H3L5H2L",
            b"PK\1\2",
            0x0314,
            20,
            entry.flags,
            entry.method,
            0,
            33,
            *self._fields(entry),
            len(name),
            len(entry.extra),
            0,
            entry.disk,
            0,
            entry.attributes,
            offset if entry.offset is None else entry.offset,
        )
        return head + name + entry.extra

    def _end(self, size: int, offset: int) -> bytes:
        count = len(self.entries) if self.count is None else self.count
        size = size if self.directory_size is None else self.directory_size
        given = offset if self.directory_offset is None else self.directory_offset
        record = b""
        if self.zip64:
            at = offset + size
            record = struct.pack(
                "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, given
            ) + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
            count, size, given = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
        end = struct.pack(
            "<4s4H2LH",
            b"PK\5\6",
            self.disk,
            self.disk,
            min(count, 0xFFFF),
            min(count, 0xFFFF),
            size,
            given,
            len(self.comment),
        )
        return record + end + self.comment


def overlapping(copies: int = 200) -> bytes:
    """Every entry on the same bytes: a zip bomb without recursion."""
    data = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = data.compress(bytes(1 << 20)) + data.flush()
    entries = [
        Entry(
            f"f{number:04d}",
            content=bytes(1 << 20),
            method=8,
            raw=packed if number == 0 else b"",
            packed=len(packed),
            offset=0,
        )
        for number in range(copies)
    ]
    return bytes(Zip(entries))


SYMLINK = mode(stat.S_IFLNK)
