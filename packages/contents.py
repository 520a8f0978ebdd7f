"""The files of a course as its readers see them: an archive from its root folder on.

Names that a manifest writes are resolved here, first as they stand, then as authors
misspell them. A name only ever selects a file that is in the archive.
"""

import posixpath
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import unquote

from packages.archive import Archive, Entry
from packages.findings import refuse, refuse_as_unsafe
from packages.manifest import is_absolute
from packages.safexml import MAXIMUM_BYTES


@dataclass(frozen=True)
class Contents:
    """Files by their path below the course's root folder (`root` ends with `/`)."""

    archive: Archive
    root: str = ""
    files: Mapping[str, Entry] = field(init=False)
    _folded: Mapping[str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        files = {
            name[len(self.root) :]: entry
            for name, entry in self.archive.files.items()
            if name.startswith(self.root)
        }
        folded: dict[str, str | None] = {}
        for name in files:
            key = name.casefold()
            # None: two files match, so a wrong case cannot be mended.
            folded[key] = None if key in folded else name
        object.__setattr__(self, "files", files)
        object.__setattr__(self, "_folded", folded)

    def open(self, path: str) -> BinaryIO:
        """The bytes of a file of the course; raises KeyError."""
        return self.archive.open(self.files[path].name)

    def read(self, path: str) -> bytes:
        """A small file (a description) as a whole; refuses large ones."""
        if path not in self.files:
            refuse("no_manifest", path=path)
        if self.files[path].size > MAXIMUM_BYTES:
            refuse_as_unsafe("xml_too_large", path=path, limit=MAXIMUM_BYTES >> 20)
        with self.open(path) as stream:
            return stream.read()

    def find(self, written: str) -> tuple[str, bool] | None:
        """The file that a relative address means, and whether it was written right.

        `written` has no query or fragment. None when no file fits, also when the
        address leaves the package.
        """
        escaped = _normal(unquote(written))
        plain = _normal(written)
        # A name that a browser would read as a URL of its own is no file's address.
        readings = [
            name
            for name in (escaped, plain)
            if name is not None and not is_absolute(name)
        ]
        for name in readings:
            if name in self.files:
                return name, "\\" not in written and not written.startswith("/")
        for name in readings:
            mended = self._folded.get(name.casefold())
            if mended is not None:
                return mended, False
        return None


def _normal(address: str) -> str | None:
    """The path that a relative address names, in NFC; None when it leaves the root."""
    slashed = address.strip().replace("\\", "/").lstrip("/")
    path = posixpath.normpath(slashed) if slashed else ""
    if not path or path in {".", ".."} or path.startswith("../"):
        return None
    return unicodedata.normalize("NFC", path)
