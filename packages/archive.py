"""Zip archives from strangers: read by central directory, nothing trusted.

Names never become paths of this machine; they are keys in a mapping. Everything that is
true of a well-made archive is checked before a byte is unpacked: one disk, no password,
known compression, regular files only, names that stay inside, no two entries on the
same bytes, bounds on count, size, ratio and depth. Unpacking counts bytes itself and
stops where the archive said it would. Answers for T1 to T3 of the threat model; the
format is PKWARE's APPNOTE 6.3, sections 4.3 to 4.5.

Python's `zipfile` is not used: before 3.11.8 it accepts entries that overlap, and it
builds its whole list before anything could be counted.
"""

import io
import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn, cast
from urllib.parse import unquote

from packages.findings import finding, refuse, refuse_as_unsafe
from packages.manifest import Finding

MAXIMUM_FILES = 20_000
MAXIMUM_UNPACKED = 1 << 30
MAXIMUM_RATIO = 200
MAXIMUM_DEPTH = 32
MAXIMUM_NAME_BYTES = 1024
# Small files may be blank for good reasons; only what grows beyond this is suspect.
RATIO_FROM_BYTES = 16 << 20
# Folders are entries too; beyond this many the list itself is an attack.
MAXIMUM_ENTRIES = 3 * MAXIMUM_FILES

_BLOCK = 1 << 16
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
_UTF8_FLAG = 1 << 11
_DOS_FOLDER = 0x10
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_LONGEST_TAIL = _END.size + 0xFFFF
_JUNK_FOLDERS = {"__macosx", ".git", ".svn"}
_JUNK_FILES = {".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db"}
_DEVICES = {"con", "prn", "aux", "nul", "clock$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive: its clean name and where its bytes are.

    `limit` is where the next file begins; `header_name` is what the local header must
    say.
    """

    name: str
    size: int
    packed: int
    offset: int
    limit: int
    crc: int
    method: int
    header_name: bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose list was found safe. Opened files still check their bytes."""

    file: BinaryIO
    files: Mapping[str, Entry]
    findings: tuple[Finding, ...]

    def open(self, name: str) -> BinaryIO:
        """The unpacked bytes of a file, as a stream; raises KeyError for no such file.

        Reading raises UnsafeArchive as soon as the bytes are not what the archive said.
        """
        entry = self.files[name]
        return cast("BinaryIO", io.BufferedReader(_Unpacker(self.file, entry), _BLOCK))


class BareFile(Archive):
    """One file that came without an archive around it, as if it were in one."""

    __slots__ = ()

    def open(self, name: str) -> BinaryIO:
        """The bytes of the file; raises KeyError for another name."""
        entry = self.files[name]
        self.file.seek(0)
        return io.BytesIO(self.file.read(entry.size))


def bare_file(file: BinaryIO, name: str) -> BareFile:
    """A seekable file as the only one of an archive, under that name."""
    size = file.seek(0, io.SEEK_END)
    entry = Entry(name, size, size, 0, size, 0, _STORED, name.encode())
    return BareFile(file, {name: entry}, ())


def open_archive(file: BinaryIO) -> Archive:
    """The archive in a seekable file.

    Raises InvalidPackage for a damaged archive, UnsafeArchive for a hostile one.
    """
    start, directory_size, before = _find_directory(file)
    listed = list(_read_directory(file, start, directory_size, before))
    limits = _limits(listed, start)
    _refuse_growth(listed)
    codec, findings = _choose_codec(listed)
    if before:
        findings.append(finding("prefix", count=before))
    return Archive(file, *_clean(listed, limits, codec, findings))


@dataclass(frozen=True, slots=True)
class _Listed:
    """An entry as the central directory has it."""

    name: bytes
    header_name: bytes
    is_utf8: bool
    size: int
    packed: int
    offset: int
    crc: int
    method: int


# --- the central directory --------------------------------------------------------------


def _damaged(reason: str) -> NoReturn:
    refuse("zip_damaged", reason=reason)


def _find_directory(file: BinaryIO) -> tuple[int, int, int]:
    """Where the central directory begins, its length, and the bytes before the zip."""
    length = file.seek(0, io.SEEK_END)
    if not length:
        refuse("empty_file")
    tail_start = max(0, length - _LONGEST_TAIL)
    file.seek(tail_start)
    tail = file.read()
    at = _end_position(tail)
    if at < 0:
        file.seek(0)
        if file.read(4) == b"PK\3\4":
            _damaged("its list of files is missing, so it was probably cut off")
        refuse("not_a_package")
    end = tail_start + at
    (_, disk, first_disk, here, total, size, offset, _) = _END.unpack_from(tail, at)
    if _is_zip64(file, end):
        end, disk, first_disk, here, total, size, offset = _read_end64(file, end)
    if disk or first_disk or here != total:
        refuse("zip_in_parts")
    before = end - size - offset
    if before < 0:
        _damaged("its list of files lies outside the file")
    if total > MAXIMUM_ENTRIES:
        refuse_as_unsafe("too_many_files", limit=MAXIMUM_FILES)
    return before + offset, size, before


def _end_position(tail: bytes) -> int:
    """The end record whose comment reaches exactly to the end of the file, or -1."""
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if len(tail) - at >= _END.size:
            comment = _END.unpack_from(tail, at)[7]
            if at + _END.size + comment == len(tail):
                return at
        at = tail.rfind(b"PK\5\6", 0, at)
    return -1


def _is_zip64(file: BinaryIO, end: int) -> bool:
    if end < _END64_LOCATOR.size:
        return False
    file.seek(end - _END64_LOCATOR.size)
    return file.read(4) == b"PK\6\7"


def _read_end64(file: BinaryIO, end: int) -> tuple[int, int, int, int, int, int, int]:
    """The zip64 end record: where it is, then disks, counts, size and offset."""
    locator_at = end - _END64_LOCATOR.size
    file.seek(locator_at)
    _, _, at, disks = _END64_LOCATOR.unpack(file.read(_END64_LOCATOR.size))
    if disks > 1:
        refuse("zip_in_parts")
    # A prefix shifts every offset; the record then stands right before its locator.
    for position in (at, locator_at - _END64.size):
        if not 0 <= position <= locator_at - _END64.size:
            continue
        file.seek(position)
        record = file.read(_END64.size)
        if record.startswith(b"PK\6\6"):
            _, _, _, _, disk, first, here, total, size, offset = _END64.unpack(record)
            return position, disk, first, here, total, size, offset
    _damaged("its zip64 record is missing")


def _read_directory(
    file: BinaryIO, start: int, size: int, before: int
) -> Iterator[_Listed]:
    """Each file of the list; folders are skipped."""
    file.seek(start)
    left = size
    count = files = 0
    while left > 0:
        header = file.read(_ENTRY.size)
        if len(header) < _ENTRY.size or not header.startswith(b"PK\1\2"):
            _damaged("its list of files ends early")
        fields = _ENTRY.unpack(header)
        name_length, extra_length, comment_length = fields[12:15]
        rest_length = name_length + extra_length + comment_length
        rest = file.read(rest_length)
        left -= _ENTRY.size + rest_length
        if len(rest) < rest_length or left < 0:
            _damaged("its list of files ends early")
        count += 1
        name = rest[:name_length]
        extra = rest[name_length : name_length + extra_length]
        entry = _entry(fields, name, extra, before)
        files += entry is not None
        if count > MAXIMUM_ENTRIES or files > MAXIMUM_FILES:
            refuse_as_unsafe("too_many_files", limit=MAXIMUM_FILES)
        if entry is not None:
            yield entry


def _entry(
    fields: tuple[int, ...], name: bytes, extra: bytes, before: int
) -> _Listed | None:
    """The entry, checked by itself; None for a folder."""
    (_, _, _, _, _, flags, method, _, _, crc, packed, size) = fields[:12]
    disk, attributes, offset = fields[15], fields[17], fields[18]
    shown = name.decode("utf-8", "replace")
    packed, size, offset, disk = _zip64_sizes(extra, packed, size, offset, disk)
    if disk:
        refuse("zip_in_parts", path=shown)
    if flags & _ENCRYPTED:
        refuse("zip_encrypted", path=shown)
    if len(name) > MAXIMUM_NAME_BYTES:
        refuse_as_unsafe("name_too_long", path=shown, limit=MAXIMUM_NAME_BYTES)
    kind = stat.S_IFMT(attributes >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        refuse_as_unsafe("special_file", path=shown)
    is_folder = kind == stat.S_IFDIR or bool(attributes & _DOS_FOLDER)
    if is_folder or name.endswith((b"/", b"\\")):
        _refuse_unsafe_name(shown)
        if size:
            refuse_as_unsafe("special_file", path=shown)
        return None
    if method not in {_STORED, _DEFLATED}:
        refuse("zip_method", path=shown, method=method)
    if method == _STORED and packed != size:
        refuse_as_unsafe("zip_size_differs", path=shown)
    if size > RATIO_FROM_BYTES and size > MAXIMUM_RATIO * max(packed, 1):
        refuse_as_unsafe("ratio", path=shown, limit=MAXIMUM_RATIO)
    unicode_name = _unicode_name(extra, name)
    return _Listed(
        name=unicode_name or name,
        header_name=name,
        is_utf8=bool(flags & _UTF8_FLAG) or unicode_name is not None,
        size=size,
        packed=packed,
        offset=before + offset,
        crc=crc,
        method=method,
    )


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The extra fields that are whole (APPNOTE 4.5.1)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if at + 4 + length > len(extra):
            return
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _zip64_sizes(
    extra: bytes, packed: int, size: int, offset: int, disk: int
) -> tuple[int, int, int, int]:
    """Sizes and offset, from the zip64 field where the 32-bit ones are full (4.5.3)."""
    limit = 0xFFFFFFFF
    if limit not in {packed, size, offset}:
        return packed, size, offset, 0 if disk == 0xFFFF else disk
    values = b"".join(value for kind, value in _extra_fields(extra) if kind == 1)
    at = 0
    result = []
    for value in (size, packed, offset):
        if value != limit:
            result.append(value)
            continue
        if at + 8 > len(values):
            _damaged("a zip64 field is missing")
        result.append(struct.unpack_from("<Q", values, at)[0])
        at += 8
    return result[1], result[0], result[2], 0 if disk == 0xFFFF else disk


def _unicode_name(extra: bytes, name: bytes) -> bytes | None:
    """The UTF-8 name of field 0x7075, when it belongs to this very name (4.6.9)."""
    for kind, value in _extra_fields(extra):
        if kind == 0x7075 and len(value) > 5 and value[0] == 1:
            (checksum,) = struct.unpack_from("<L", value, 1)
            if checksum == zlib.crc32(name):
                return value[5:]
    return None


def _refuse_growth(entries: Iterable[_Listed]) -> None:
    """The whole must stay within bounds, by size and by ratio."""
    total = sum(entry.size for entry in entries)
    packed = sum(entry.packed for entry in entries)
    if total > MAXIMUM_UNPACKED:
        refuse_as_unsafe("too_large", limit=MAXIMUM_UNPACKED >> 20)
    if total > RATIO_FROM_BYTES and total > MAXIMUM_RATIO * max(packed, 1):
        refuse_as_unsafe("ratio", limit=MAXIMUM_RATIO)


def _limits(entries: Iterable[_Listed], directory: int) -> dict[int, int]:
    """Offset of each file -> where the next begins; refuses files on the same bytes."""
    ordered = sorted(entries, key=lambda one: one.offset)
    limits: dict[int, int] = {}
    for number, entry in enumerate(ordered, 1):
        limit = ordered[number].offset if number < len(ordered) else directory
        end = entry.offset + _LOCAL.size + len(entry.header_name) + entry.packed
        if end > directory:
            _damaged("a file reaches beyond the archive")
        if end > limit:
            shown = entry.name.decode("utf-8", "replace")
            refuse_as_unsafe("zip_overlap", path=shown)
        limits[entry.offset] = limit
    return limits


# --- names ------------------------------------------------------------------------------


def _choose_codec(entries: Iterable[_Listed]) -> tuple[str, list[Finding]]:
    """How to read names that are not marked as UTF-8 (one answer for the archive).

    Most tools write UTF-8 even without the mark. Else it is a code page of the author's
    computer: Cyrillic words are runs of high bytes without Latin letters among them
    (code page 866), Western names mix both (437).
    """
    unmarked = [entry.name for entry in entries if not entry.is_utf8]
    names = [name for name in unmarked if not name.isascii()]
    if all(_is_utf8(name) for name in names):
        return "utf-8", []
    codec = "cp866" if all(_looks_cyrillic(name) for name in names) else "cp437"
    encoding = {"cp866": "Cyrillic (866)", "cp437": "Western (437)"}[codec]
    path = names[0].decode(codec)
    return codec, [finding("name_encoding", path=path, encoding=encoding)]


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _looks_cyrillic(name: bytes) -> bool:
    """True when every word with high bytes is of Cyrillic letters of code page 866."""
    text = name.decode("cp866")
    words = "".join(one if one.isalpha() else " " for one in text).split()
    high = [word for word in words if not word.isascii()]
    return bool(high) and all(
        "\u0400" <= one <= "\u04ff" for word in high for one in word
    )


def _clean(
    entries: Iterable[_Listed],
    limits: Mapping[int, int],
    codec: str,
    findings: list[Finding],
) -> tuple[dict[str, Entry], tuple[Finding, ...]]:
    """The files by clean name, junk left out; findings told once each."""
    files: dict[str, Entry] = {}
    backslashes = junk = odd = 0
    for entry in entries:
        name, had_backslash = _clean_name(entry, codec)
        if _is_junk(name):
            junk += 1
            continue
        backslashes += had_backslash
        odd += not _is_portable(name)
        if name in files:
            refuse_as_unsafe("duplicate_names", path=name)
        files[name] = Entry(
            name=name,
            size=entry.size,
            packed=entry.packed,
            offset=entry.offset,
            limit=limits[entry.offset],
            crc=entry.crc,
            method=entry.method,
            header_name=entry.header_name,
        )
    _refuse_files_as_folders(files)
    if backslashes:
        findings.append(finding("backslashes", count=backslashes))
    if junk:
        findings.append(finding("left_out", count=junk))
    if odd:
        findings.append(finding("name_not_portable", count=odd))
    findings.extend(_case_twins(files))
    return files, tuple(findings)


def _clean_name(entry: _Listed, codec: str) -> tuple[str, bool]:
    """The name with `/`, in NFC, and whether it had backslashes."""
    try:
        name = entry.name.decode("utf-8" if entry.is_utf8 else codec)
    except UnicodeDecodeError:
        refuse_as_unsafe("unsafe_name", path=entry.name.decode("utf-8", "replace"))
    _refuse_unsafe_name(name)
    slashed = name.replace("\\", "/")
    # "./a" and "a//b" are written by some tools and mean what they say.
    parts = [part for part in slashed.split("/") if part not in {"", "."}]
    if not parts:
        refuse_as_unsafe("unsafe_name", path=name)
    if len(parts) > MAXIMUM_DEPTH:
        refuse_as_unsafe("too_deep", path=name, limit=MAXIMUM_DEPTH)
    clean = unicodedata.normalize("NFC", "/".join(parts))
    # letters of old code pages are longer in UTF-8 than in the archive
    if len(clean.encode()) > MAXIMUM_NAME_BYTES:
        refuse_as_unsafe("name_too_long", path=name, limit=MAXIMUM_NAME_BYTES)
    return clean, "\\" in name


def _refuse_unsafe_name(name: str) -> None:
    """Refuse what could leave the package in any reading of the name."""
    for reading in (name, unicodedata.normalize("NFKC", name), _decoded(name)):
        slashed = reading.replace("\\", "/")
        parts = [part.strip() for part in slashed.split("/")]
        first = next((part for part in parts if part not in {"", "."}), "")
        if (
            slashed.startswith("/")
            or any(part == ".." for part in parts)
            or (first[1:2] == ":" and first[0].isalpha())
            or any(unicodedata.category(one) in {"Cc", "Cs"} for one in reading)
        ):
            refuse_as_unsafe("unsafe_name", path=name)


def _decoded(name: str) -> str:
    """The name with percent-escapes decoded as often as it takes (at most thrice)."""
    for _ in range(3):
        plain = unquote(name)
        if plain == name:
            break
        name = plain
    return unicodedata.normalize("NFKC", name)


def _is_junk(name: str) -> bool:
    parts = name.lower().split("/")
    return any(part in _JUNK_FOLDERS for part in parts[:-1]) or parts[-1] in _JUNK_FILES


def _is_portable(name: str) -> bool:
    return not any(
        part.endswith((".", " "))
        or part.partition(".")[0].strip().lower() in _DEVICES
        or any(one in '<>:"|?*' for one in part)
        for part in name.split("/")
    )


def _refuse_files_as_folders(files: Mapping[str, Entry]) -> None:
    for name in files:
        parent = name.rpartition("/")[0]
        while parent:
            if parent in files:
                refuse_as_unsafe("duplicate_names", path=parent)
            parent = parent.rpartition("/")[0]


def _case_twins(files: Mapping[str, Entry]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in files:
        folded = name.casefold()
        if folded in seen:
            yield finding("names_differ_in_case", path=name)
            return
        seen[folded] = name


# --- unpacking --------------------------------------------------------------------------


class _Unpacker(io.RawIOBase):
    """The bytes of one entry, counted and summed while they are read."""

    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file = file
        self._entry = entry
        self._position = self._start()
        self._packed_left = entry.packed
        self._inflate = None if entry.method == _STORED else zlib.decompressobj(-15)
        self._count = 0
        self._crc = 0

    def readable(self) -> bool:
        return True

    def _start(self) -> int:
        """Where the data begin; the local header must name the same file."""
        self._file.seek(self._entry.offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
            refuse("zip_damaged", path=self._entry.name, reason="a file is not there")
        fields = _LOCAL.unpack(header)
        name_length, extra_length = fields[10:12]
        if self._file.read(name_length) != self._entry.header_name:
            refuse_as_unsafe("zip_disagrees", path=self._entry.name)
        start: int = self._entry.offset + _LOCAL.size + name_length + extra_length
        if start + self._entry.packed > self._entry.limit:
            refuse_as_unsafe("zip_overlap", path=self._entry.name)
        return start

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; 0 at the end, after length and checksum were found right."""
        try:
            data = self._next(len(buffer))
        except zlib.error:
            self._refuse_size()
        self._count += len(data)
        if self._count > self._entry.size:
            self._refuse_size()
        self._crc = zlib.crc32(data, self._crc)
        if not data and (self._count, self._crc) != (self._entry.size, self._entry.crc):
            self._refuse_size()
        buffer[: len(data)] = data
        return len(data)

    def _next(self, length: int) -> bytes:
        if self._inflate is None:
            return self._packed(length)
        while not self._inflate.eof:
            source = self._inflate.unconsumed_tail or self._packed(_BLOCK)
            data = self._inflate.decompress(source, length)
            if data:
                return data
            if not source:
                break
        return b""

    def _packed(self, length: int) -> bytes:
        self._file.seek(self._position)
        data = self._file.read(min(length, self._packed_left))
        self._position += len(data)
        self._packed_left -= len(data)
        return data

    def _refuse_size(self) -> NoReturn:
        refuse_as_unsafe("zip_size_differs", path=self._entry.name)
