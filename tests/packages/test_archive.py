"""Archives: what is read, what is refused, and that refusing is cheap."""

import io
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packages.archive import MAXIMUM_FILES, Archive, open_archive
from statements.errors import InvalidPackage, UnsafeArchive
from tests.packages.make import (
    SYMLINK,
    Entry,
    Zip,
    mode,
    overlapping,
    package,
)


def opened(data: bytes) -> Archive:
    return open_archive(io.BytesIO(data))


def read_all(data: bytes) -> dict[str, bytes]:
    archive = opened(data)
    return {name: archive.open(name).read() for name in archive.files}


def code_of(data: bytes) -> str:
    with pytest.raises((InvalidPackage, UnsafeArchive)) as caught:
        read_all(data)
    return str(caught.value.extra["findings"][0].code)


def test_reads_what_other_tools_write() -> None:
    files: dict[str, str | bytes] = {
        "a.txt": b"one",
        "b/c d.html": b"two" * 9999,
        "empty": b"",
    }
    assert read_all(package(files)) == files


def test_reads_data_descriptors_and_streams() -> None:
    buffer = io.BytesIO()

    class Unseekable(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return buffer.write(data)

    with zipfile.ZipFile(Unseekable(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"one" * 1000)
        archive.writestr("b.txt", b"two")
    assert read_all(buffer.getvalue()) == {"a.txt": b"one" * 1000, "b.txt": b"two"}


def test_reads_highly_compressed_small_files_whole() -> None:
    content = bytes(5 << 20)
    assert read_all(package({"blank.bin": content})) == {"blank.bin": content}


def test_reads_zip64() -> None:
    extra = struct.pack("<2HQ", 1, 8, 5)
    entry = Entry("a", b"hello", extra=extra)
    entry.size = entry.packed = None
    data = bytes(Zip([entry], zip64=True))
    assert read_all(data) == {"a": b"hello"}


def test_reads_zip64_sizes_of_entries() -> None:
    content = b"hello"
    extra = struct.pack("<2H2Q", 1, 16, len(content), len(content))
    entry = Entry("a", content, size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=extra)
    assert read_all(bytes(Zip([entry]))) == {"a": content}


def test_reads_zip64_behind_a_prefix() -> None:
    archive = opened(bytes(Zip([Entry("a")], prefix=b"#!/bin/sh\n", zip64=True)))
    assert archive.open("a").read() == b"x"


def test_broken_zip64_records_are_refused() -> None:
    whole = bytes(Zip([Entry("a")], zip64=True))
    locator = whole.index(b"PK\6\7")
    far = struct.pack("<4sLQL", b"PK\6\7", 0, 1 << 40, 1)
    parts = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2)
    gone = whole.replace(b"PK\6\6", b"XX\6\6")
    assert code_of(whole[:locator] + parts + whole[locator + 20 :]) == "zip_in_parts"
    assert read_all(whole[:locator] + far + whole[locator + 20 :]) == {"a": b"x"}
    assert code_of(gone) == "zip_damaged"


def test_a_cut_extra_field_is_passed_over() -> None:
    extra = struct.pack("<2H", 0x7075, 50) + b"short"
    assert read_all(bytes(Zip([Entry("a", extra=extra)]))) == {"a": b"x"}


def test_a_comment_and_a_prefix_do_no_harm() -> None:
    archive = opened(bytes(Zip([Entry("a")], prefix=b"#!/bin/sh\n", comment=b"PK\5\6")))
    assert archive.open("a").read() == b"x"
    assert [one.code for one in archive.findings] == ["prefix"]


def test_folders_are_not_files() -> None:
    data = bytes(
        Zip(
            [
                Entry("a/", b""),
                Entry("b", b"", attributes=mode(stat.S_IFDIR)),
                Entry("c", b"", attributes=0x10),
                Entry("a/x"),
            ]
        )
    )
    assert set(read_all(data)) == {"a/x"}


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a\\b.html", "a/b.html"),
        ("./a/b.html", "a/b.html"),
        ("a//b.html", "a/b.html"),
        ("файл с пробелами.html", "файл с пробелами.html"),
        ("e\u0301.html", "é.html"),
        ("a [1] (2).html", "a [1] (2).html"),
        ("100%.html", "100%.html"),
        ("%2525252e%2525252e/a", "%2525252e%2525252e/a"),
        ("a..b.html", "a..b.html"),
        ("...", "..."),
    ],
)
def test_names_are_cleaned(name: str, clean: str) -> None:
    assert set(opened(bytes(Zip([Entry(name, flags=1 << 11)]))).files) == {clean}


def test_cyrillic_names_of_old_windows_tools() -> None:
    names = ["Уроки/Введение в курс.html".encode("cp866"), b"index.html"]
    archive = opened(bytes(Zip([Entry(name) for name in names])))
    assert set(archive.files) == {"Уроки/Введение в курс.html", "index.html"}
    assert [one.code for one in archive.findings] == ["name_encoding"]
    assert archive.open("Уроки/Введение в курс.html").read() == b"x"


def test_western_names_of_old_windows_tools() -> None:
    archive = opened(bytes(Zip([Entry("Müller für alle.html".encode("cp437"))])))
    assert set(archive.files) == {"Müller für alle.html"}


def test_unmarked_utf8_names() -> None:
    archive = opened(bytes(Zip([Entry("Введение.html".encode())])))
    assert set(archive.files) == {"Введение.html"}
    assert archive.findings == ()


def test_unicode_path_field() -> None:
    old, new = b"vvedenie.html", "Введение.html".encode()
    extra = struct.pack("<2HBL", 0x7075, 5 + len(new), 1, zlib.crc32(old)) + new
    archive = opened(bytes(Zip([Entry(old, extra=extra)])))
    assert archive.open("Введение.html").read() == b"x"
    stale = struct.pack("<2HBL", 0x7075, 5 + len(new), 1, 7) + new
    assert set(opened(bytes(Zip([Entry(old, extra=stale)]))).files) == {"vvedenie.html"}


def test_system_files_are_left_out() -> None:
    names = ["__MACOSX/._a", "a/.DS_Store", "Thumbs.db", "a/index.html", ".git/config"]
    archive = opened(package(dict.fromkeys(names, b"x")))
    assert set(archive.files) == {"a/index.html"}
    assert [one.code for one in archive.findings] == ["left_out"]


def test_doubtful_names_are_kept_with_a_warning() -> None:
    names = ["a.html", "A.html", "con.txt", "b."]
    archive = opened(package(dict.fromkeys(names, b"x")))
    assert set(archive.files) == set(names)
    codes = {one.code for one in archive.findings}
    assert codes == {"names_differ_in_case", "name_not_portable"}


def deflated(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(content) + deflate.flush()


UNSAFE_NAMES = [
    "../a",
    "a/../../b",
    "a/..",
    "..",
    "/etc/passwd",
    "//server/share/a",
    "\\\\server\\share\\a",
    "C:\\windows\\a",
    "c:a",
    "..\\a",
    "a\\..\\..\\b",
    "a\0.html",
    "a\nb",
    "a\x7f",
    "%2e%2e/a",
    "%252e%252e%252fa",
    "..%2fa",
    "%2fetc/passwd",
    "..%5ca",
    "\uff0e\uff0e/a",
    "a/\uff0e\uff0e\uff0fb",
    "\u2025/a",
    "a/ .. /b",
    "/",
    ".",
    "./",
    "",
]

# Packed so that the archive is small, whatever it claims.
MEGA = deflated(bytes(64 << 20))

HOSTILE = [
    *(
        (f"name {name!r}", "unsafe_name", Zip([Entry(name, flags=1 << 11)]))
        for name in UNSAFE_NAMES
        if name != "./"
    ),
    ("bad utf-8", "unsafe_name", Zip([Entry(b"\xff\xfe", flags=1 << 11)])),
    ("unsafe folder", "unsafe_name", Zip([Entry("../a/", b""), Entry("b")])),
    ("symlink", "special_file", Zip([Entry("a", b"/etc", attributes=SYMLINK)])),
    ("device", "special_file", Zip([Entry("a", attributes=mode(stat.S_IFCHR))])),
    ("block", "special_file", Zip([Entry("a", attributes=mode(stat.S_IFBLK))])),
    ("fifo", "special_file", Zip([Entry("a", attributes=mode(stat.S_IFIFO))])),
    ("socket", "special_file", Zip([Entry("a", attributes=mode(stat.S_IFSOCK))])),
    ("folder with bytes", "special_file", Zip([Entry("a/", b"x")])),
    ("encrypted", "zip_encrypted", Zip([Entry("a", flags=1)])),
    ("strongly encrypted", "zip_encrypted", Zip([Entry("a", flags=1 | 1 << 6)])),
    ("masked headers", "zip_encrypted", Zip([Entry("a", flags=1 << 13)])),
    ("bzip2", "zip_method", Zip([Entry("a", method=12)])),
    ("deflate64", "zip_method", Zip([Entry("a", method=9)])),
    ("same name", "duplicate_names", Zip([Entry("a"), Entry("a")])),
    (
        "same name in NFC",
        "duplicate_names",
        Zip([Entry("é", flags=1 << 11), Entry("e\u0301", flags=1 << 11)]),
    ),
    ("same with slashes", "duplicate_names", Zip([Entry("a/b"), Entry("a\\b")])),
    ("file as folder", "duplicate_names", Zip([Entry("a"), Entry("a/b")])),
    ("long name", "name_too_long", Zip([Entry("a" * 1025)])),
    ("long in UTF-8", "name_too_long", Zip([Entry(b"\xc4" * 1000)])),
    ("deep", "too_deep", Zip([Entry("a/" * 40 + "b")])),
    ("other header name", "zip_disagrees", Zip([Entry("a", header_name=b"b")])),
    ("wrong crc", "zip_size_differs", Zip([Entry("a", crc=1)])),
    ("claims more", "zip_size_differs", Zip([Entry("a", b"xy", method=8, size=9)])),
    (
        "claims less",
        "zip_size_differs",
        Zip([Entry("a", bytes(1 << 20), method=8, size=9, crc=0)]),
    ),
    ("stored, other size", "zip_size_differs", Zip([Entry("a", b"xyz", size=9)])),
    ("not deflate", "zip_size_differs", Zip([Entry("a", method=8, raw=b"\xff\xff")])),
    (
        "deflate cut off",
        "zip_size_differs",
        Zip([Entry("a", bytes(5000), method=8, raw=deflated(bytes(5000))[:5])]),
    ),
    ("ratio", "ratio", Zip([Entry("a", bytes(64 << 20), method=8, raw=MEGA)])),
    (
        "ratio in all",
        "ratio",
        Zip(
            [
                Entry(f"{number}", bytes(9 << 20), 8, raw=deflated(bytes(9 << 20)))
                for number in range(3)
            ]
        ),
    ),
    (
        "too large in all",
        "too_large",
        Zip([Entry("a", b"", 8, size=600 << 20, packed=4 << 20, raw=bytes(4 << 20)),
             Entry("b", b"", 8, size=600 << 20, packed=4 << 20, raw=bytes(4 << 20))]),
    ),
    ("same bytes", "zip_overlap", Zip([Entry("a"), Entry("b", offset=0)])),
    (
        "extra reaches into the next",
        "zip_overlap",
        Zip([Entry("a", bytes(60), packed=100, size=100, header_extra=bytes(40))]),
    ),
    ("lies in the list", "zip_damaged", Zip([Entry("a", packed=90, size=90)])),
    ("offset beyond", "zip_damaged", Zip([Entry("a", offset=1 << 30)])),
    ("count lies low", "zip_in_parts", Zip([Entry("a")], disk=1)),
    ("other disk", "zip_in_parts", Zip([Entry("a", disk=3)])),
    ("count lies high", "too_many_files", Zip([Entry("a")], count=65000)),
    ("list too long", "zip_damaged", Zip([Entry("a")], directory_size=4000)),
    ("list too short", "zip_damaged", Zip([Entry("a")], directory_size=9)),
    (
        "no zip64 value",
        "zip_damaged",
        Zip([Entry("a", size=0xFFFFFFFF, packed=0xFFFFFFFF)]),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "made"),
    [(code, made) for _, code, made in HOSTILE],
    ids=[name for name, _, _ in HOSTILE],
)
def test_hostile_archives_are_refused(code: str, made: Zip) -> None:
    assert code_of(bytes(made)) == code


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("empty_file", b""),
        ("not_a_package", b"hello"),
        ("not_a_package", b"<html></html>"),
        ("zip_damaged", package({"a": bytes(99)})[:60]),
        ("zip_damaged", b"PK\3\4" + bytes(100)),
        ("zip_overlap", overlapping()),
        ("zip_damaged", bytes(Zip([Entry("a")]))[:20] + bytes(Zip([Entry("a")]))[24:]),
    ],
)
def test_damaged_files_are_refused(code: str, data: bytes) -> None:
    assert code_of(data) == code


def test_many_files_are_refused_before_they_are_listed() -> None:
    entries = [Entry(f"{number}", b"") for number in range(MAXIMUM_FILES + 1)]
    assert code_of(bytes(Zip(entries, zip64=True))) == "too_many_files"
    folders = [Entry(f"{number}/", b"") for number in range(3 * MAXIMUM_FILES + 1)]
    assert code_of(bytes(Zip(folders, zip64=True, count=1))) == "too_many_files"


def test_a_thousand_truncations_and_flips_are_answered() -> None:
    whole = package({"imsmanifest.xml": "<a/>" * 50, "b/c.html": "x" * 500})
    for at in range(len(whole)):
        for data in (
            whole[:at],
            whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :],
        ):
            try:
                read_all(data)
            except (InvalidPackage, UnsafeArchive) as error:
                assert error.extra["findings"]  # noqa: PT017 - either answer is fine


NAME_PARTS = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "\\",
        "a",
        "C:",
        "%2e",
        "%2f",
        "%5c",
        "\0",
        "\uff0e",
        "\uff0f",
        " ",
        "é",
    ]
)


@given(st.lists(NAME_PARTS, min_size=1, max_size=8).map("".join))
@settings(max_examples=2000, deadline=None)
def test_no_name_leaves_the_package(name: str) -> None:
    try:
        files = opened(bytes(Zip([Entry(name, flags=1 << 11)]))).files
    except UnsafeArchive:
        return
    for clean in files:
        parts = clean.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert "\\" not in clean
        assert "\0" not in clean
        assert ":" not in clean[1:2]


def test_bombs_are_answered_in_little_memory_and_time(tmp_path: Path) -> None:
    bombs = {
        "overlap": overlapping(2000),
        "ratio": bytes(Zip([Entry("a", bytes(64 << 20), method=8, raw=MEGA)])),
        "lies": bytes(Zip([Entry("a", b"", 8, size=99, packed=len(MEGA), raw=MEGA)])),
        "list": bytes(
            Zip([Entry(f"{n}", b"") for n in range(200_000)], zip64=True, count=3)
        ),
    }
    code = (
        "import sys, resource\n"
        "from packages.archive import open_archive\n"
        "from statements.errors import DomainError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (5, 5))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    with open(sys.argv[1], 'rb') as file:\n"
        "        archive = open_archive(file)\n"
        "        for name in archive.files:\n"
        "            with archive.open(name) as stream:\n"
        "                while stream.read(1 << 16):\n"
        "                    pass\n"
        "    code = 'fine'\n"
        "except DomainError as error:\n"
        "    code = error.extra['findings'][0].code\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(code, after - before)\n"
    )
    answers = {}
    for name, data in bombs.items():
        path = tmp_path / name
        path.write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        found, grown = done.stdout.split()
        answers[name] = found
        assert int(grown) < 64 << 10, name
    assert answers == {
        "overlap": "zip_overlap",
        "ratio": "ratio",
        "lies": "zip_size_differs",
        "list": "too_many_files",
    }
