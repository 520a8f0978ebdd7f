"""Text of packages compressed once, at import, instead of at every request.

Beside the bytes of a file whose type gets smaller lie the same bytes as gzip (RFC
1952), where that saves a tenth or more. They come to be while the file itself is read
on its way into storage.
"""

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from lrs.storage import Storage
from packages.media import is_compressible

# below this a request's head is larger than what is saved
SMALLEST = 1024
# what is larger takes longer to compress than authors would wait for
LARGEST = 64 << 20
SAVES = 0.9

_IN_MEMORY = 1 << 20
_LEVEL = 6
# a window of 32 KiB in the form of gzip; the same bytes give the same bytes
_GZIP = 31


def beside(key: str) -> str:
    """The key of the compressed bytes of the file under `key`."""
    return f"{key}.gz"


class Squeezed:
    """A stream as it is, which keeps the same compressed when it is worth it."""

    def __init__(self, source: BinaryIO, kept: BinaryIO | None) -> None:
        """Read from `source`; compress into `kept`, if anything."""
        self._source = source
        self._kept = kept
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the source."""
        block = self._source.read(size)
        if self._kept is not None:
            self._size += len(block)
            self._kept.write(self._packer.compress(block))
        return block

    def put(self, storage: Storage, key: str) -> int | None:
        """Keep what was compressed beside `key`; its size, or None when it is not kept.

        The source has been read to its end by then.
        """
        if self._kept is None:
            return None
        self._kept.write(self._packer.flush())
        size = self._kept.tell()
        if size > self._size * SAVES:
            return None
        self._kept.seek(0)
        storage.put(beside(key), self._kept, content_type="application/gzip")
        return size


@contextmanager
def squeezed(source: BinaryIO, *, kind: str, size: int) -> Iterator[Squeezed]:
    """The stream, compressed on the way when its type and its size say so."""
    if not is_compressible(kind) or not SMALLEST <= size <= LARGEST:
        yield Squeezed(source, None)
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as kept:
        yield Squeezed(source, cast("BinaryIO", kept))
