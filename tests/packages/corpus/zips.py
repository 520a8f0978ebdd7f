"""Odd and hostile zip files around a course, each with the answer that is expected.

An answer is what decides: the codes of errors where the package is refused, else the
codes of everything else that was said, in alphabetical order.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable

from tests.packages.make import (
    NAMESPACES_2004,
    START_PAGE,
    SYMLINK,
    Entry,
    Item,
    Zip,
    course,
    manifest,
    mode,
    overlapping,
    package,
)

UTF8 = 1 << 11
MANIFEST = Entry("imsmanifest.xml", manifest().encode())
PAGE = Entry("index.html", START_PAGE.encode())
FILES: dict[str, str | bytes] = {
    "imsmanifest.xml": manifest(),
    "index.html": START_PAGE,
}


def deflated(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(content) + deflate.flush()


def around(*entries: Entry, **words: object) -> bytes:
    """A course with further entries, written by hand."""
    return bytes(Zip([MANIFEST, PAGE, *entries], **words))  # type: ignore[arg-type]


def with_files(**more: str | bytes) -> bytes:
    """A course with further files; `__` in a name is `/`, `_0` a dot."""
    named = {
        name.replace("__", "/").replace("_0", "."): content
        for name, content in more.items()
    }
    return package(FILES | named)


def streamed() -> bytes:
    """As a tool writes that cannot go back: sizes behind the data."""

    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, block: bytes) -> int:  # type: ignore[override]
            self.data += bytes(block)
            return len(block)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return pipe.data


def in_folders(count: int) -> bytes:
    return package(FILES, folder="".join(f"f{n}/" for n in range(count)))


def quine_like() -> bytes:
    """A zip in a zip in a zip …: only the first is looked into."""
    data = course()
    for level in range(8):
        data = package({f"level{level}.zip": data})
    return data


Answer = tuple[str, ...]
ZIPS: dict[str, tuple[Callable[[], bytes], Answer]] = {
    # --- well made, or nearly so
    "plain": (course, ()),
    "streamed": (streamed, ()),
    "stored": (around, ()),
    "zip64": (lambda: around(zip64=True), ()),
    "with a comment": (lambda: around(comment=b"made by " + b"x" * 60_000), ()),
    "behind a program": (lambda: around(prefix=b"MZ" + b"\0" * 5000), ("prefix",)),
    "folder entries": (lambda: around(Entry("a/", b""), Entry("a/b/", b"")), ()),
    "one folder down": (lambda: in_folders(1), ("nested_root",)),
    "twenty folders down": (lambda: in_folders(20), ("nested_root",)),
    "mac": (
        lambda: package(FILES | {"__MACOSX/._index.html": "y", ".DS_Store": "z"}),
        ("left_out",),
    ),
    "mac around a folder": (
        lambda: package(
            {f"course/{name}": data for name, data in FILES.items()}
            | {"__MACOSX/course/._imsmanifest.xml": "x"}
        ),
        ("left_out", "nested_root"),
    ),
    "windows": (
        lambda: with_files(Thumbs_0db="x", desktop_0ini="y"),
        ("left_out",),
    ),
    "backslashes": (
        lambda: bytes(
            Zip(
                [
                    Entry("imsmanifest.xml", manifest(Item(href="a/b.html")).encode()),
                    Entry(b"a\\b.html", START_PAGE.encode()),
                ]
            )
        ),
        ("backslashes",),
    ),
    "capitals": (
        lambda: package({"IMSMANIFEST.XML": manifest(), "index.html": START_PAGE}),
        ("manifest_case",),
    ),
    "names that differ in case": (
        lambda: with_files(A_0js="1", a_0js="2"),
        ("names_differ_in_case",),
    ),
    "a decoy below": (
        lambda: with_files(old__imsmanifest_0xml="<broken"),
        ("manifest_inside",),
    ),
    "a decoy beside in capitals": (
        lambda: with_files(IMSManifest_0xml="<broken"),
        ("names_differ_in_case",),
    ),
    "files above the course": (
        lambda: package(
            {f"c/{name}": data for name, data in FILES.items()} | {"readme.txt": "x"}
        ),
        ("nested_root", "outside_root"),
    ),
    "reserved on Windows": (lambda: with_files(con_0txt="x"), ("name_not_portable",)),
    "old Cyrillic names": (
        lambda: around(Entry("Урок.html".encode("cp866"))),
        ("name_encoding",),
    ),
    "blanks, brackets, percent": (
        lambda: course(Item(href="a (1) [x] 100%.html")),
        (),
    ),
    "Cyrillic start page": (lambda: course(Item(href="Урок 1/начало.html")), ()),
    "right to left mark in a name": (
        lambda: around(Entry("a\u202egpj.html", flags=UTF8)),
        (),
    ),
    "empty files": (lambda: with_files(a="", b__c=""), ()),
    "two thousand files": (
        lambda: package(FILES | {f"f/{n}.txt": "x" for n in range(2000)}),
        (),
    ),
    "a large start page": (
        lambda: course(files={"data.bin": bytes(range(256)) * 20_000}),
        (),
    ),
    "SCORM 2004": (
        lambda: course(
            version="2004 4th Edition",
            namespaces=NAMESPACES_2004,
            spelled="adlcp:scormType",
        ),
        (),
    ),
    "two standards": (lambda: with_files(tincan_0xml="<tincan/>"), ("also",)),
    # --- no course
    "nothing": (lambda: b"", ("empty_file",)),
    "one byte": (lambda: b"P", ("not_a_package",)),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), ("not_a_package",)),
    "a page": (lambda: b"<!DOCTYPE html><p>Not found</p>", ("xml_doctype",)),
    "an empty zip": (lambda: package({}), ("no_manifest",)),
    "end record alone": (lambda: bytes(Zip([])), ("no_manifest",)),
    "pages alone": (lambda: package({"index.html": "x"}), ("no_manifest",)),
    "a zip in a zip": (lambda: package({"course.zip": course()}), ("inner_zip",)),
    "zips within zips": (quine_like, ("inner_zip",)),
    "two courses": (
        lambda: package(
            {f"{n}/{name}": data for n in "ab" for name, data in FILES.items()}
        ),
        ("several_courses",),
    ),
    "the player's own folder": (
        lambda: package(FILES | {"__player/shell.js": "x"}),
        ("reserved_name",),
    ),
    # --- damaged
    "cut in the middle": (lambda: course()[: len(course()) // 2], ("zip_damaged",)),
    "cut at the end": (lambda: course()[:-10], ("zip_damaged",)),
    "only the end": (lambda: course()[-60:], ("zip_damaged",)),
    "a part of a set": (lambda: around(disk=1), ("zip_in_parts",)),
    "an entry on another disk": (
        lambda: around(Entry("a", disk=3)),
        ("zip_in_parts",),
    ),
    "list too long": (lambda: around(directory_size=4000), ("zip_damaged",)),
    "list too short": (lambda: around(directory_size=9), ("zip_damaged",)),
    "list elsewhere": (lambda: around(directory_offset=1 << 30), ("zip_damaged",)),
    "wrong checksum": (lambda: around(Entry("a", crc=1)), ("zip_size_differs",)),
    "manifest with a wrong checksum": (
        lambda: bytes(Zip([Entry("imsmanifest.xml", b"<manifest/>", crc=1), PAGE])),
        ("zip_size_differs",),
    ),
    "not deflate": (
        lambda: around(Entry("a", method=8, raw=b"\xff\xff")),
        ("zip_size_differs",),
    ),
    "locked": (lambda: around(Entry("a", flags=1)), ("zip_encrypted",)),
    "lzma": (lambda: around(Entry("a", method=14)), ("zip_method",)),
    "zstandard": (lambda: around(Entry("a", method=93)), ("zip_method",)),
    # --- hostile
    "two of a name": (
        lambda: bytes(Zip([MANIFEST, PAGE, PAGE])),
        ("duplicate_names",),
    ),
    "two manifests of a name": (
        lambda: bytes(Zip([MANIFEST, MANIFEST, PAGE])),
        ("duplicate_names",),
    ),
    "listed under another name": (
        lambda: around(Entry("a", header_name=b"b")),
        ("zip_disagrees",),
    ),
    "a file that is a folder": (
        lambda: around(Entry("a"), Entry("a/b")),
        ("duplicate_names",),
    ),
    "climbs": (lambda: around(Entry("../../evil.html")), ("unsafe_name",)),
    "climbs with backslashes": (
        lambda: around(Entry(b"..\\..\\evil.html")),
        ("unsafe_name",),
    ),
    "climbs with percents": (
        lambda: around(Entry("%2e%2e/%2e%2e/evil.html")),
        ("unsafe_name",),
    ),
    "climbs with wide dots": (
        lambda: around(Entry("\uff0e\uff0e/evil.html", flags=UTF8)),
        ("unsafe_name",),
    ),
    "from the root": (lambda: around(Entry("/etc/cron.d/evil")), ("unsafe_name",)),
    "from a drive": (lambda: around(Entry("C:/evil.exe")), ("unsafe_name",)),
    "from a share": (lambda: around(Entry(b"\\\\host\\evil")), ("unsafe_name",)),
    "zero byte in a name": (lambda: around(Entry("a.html\0.png")), ("unsafe_name",)),
    "line break in a name": (lambda: around(Entry("a\nb")), ("unsafe_name",)),
    "a link": (
        lambda: around(Entry("a", b"/etc/passwd", attributes=SYMLINK)),
        ("special_file",),
    ),
    "a link as the manifest": (
        lambda: bytes(
            Zip([Entry("imsmanifest.xml", b"/etc/passwd", attributes=SYMLINK), PAGE])
        ),
        ("special_file",),
    ),
    "a pipe": (
        lambda: around(Entry("a", attributes=mode(stat.S_IFIFO))),
        ("special_file",),
    ),
    "a long name": (lambda: around(Entry("a" * 1025)), ("name_too_long",)),
    "deep folders": (lambda: around(Entry("a/" * 40 + "b")), ("too_deep",)),
    "names of blanks": (lambda: around(Entry("   /x")), ("name_not_portable",)),
    # --- bombs
    "grows": (
        lambda: around(
            Entry("a", bytes(64 << 20), method=8, raw=deflated(bytes(64 << 20)))
        ),
        ("ratio",),
    ),
    "grows, and lies": (
        lambda: around(Entry("a", b"", 8, size=99, raw=deflated(bytes(64 << 20)))),
        ("zip_size_differs",),
    ),
    "overlaps": (lambda: overlapping(500), ("zip_overlap",)),
    "says a terabyte": (
        lambda: around(Entry("a", b"", 8, size=0xFFFFFFF0, raw=bytes(30 << 20))),
        ("too_large",),
    ),
    "sixty thousand folders": (
        lambda: bytes(Zip([Entry(f"{n}/", b"") for n in range(65_000)])),
        ("too_many_files",),
    ),
    "says fewer files than it lists": (
        lambda: bytes(Zip([Entry(f"{n}", b"") for n in range(30_000)], count=2)),
        ("too_many_files",),
    ),
    "a manifest that grows": (
        lambda: bytes(
            Zip([Entry("imsmanifest.xml", b" " * (11 << 20), method=8), PAGE])
        ),
        ("xml_too_large",),
    ),
}
