"""The files of an export: where they lie, what they are called, how they are written.

What is written is on the disk before it has its name.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from statements.errors import Invalid

# longer than any statement that a request may carry
MAX_LINE = 16 << 20
CHUNK = 1 << 20
# SHA-2 hashes by the number of their hexadecimal digits
_ALGORITHMS = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}


class BrokenData(Invalid):
    """The data of an attachment is not what its hash says."""


def about_path(path: Path) -> Path:
    """Where an export says what it holds."""
    return path.with_name(f"{path.name}.json")


def attachments_folder(path: Path) -> Path:
    """Where the data of an export's attachments lies, each named by its hash."""
    return path.with_name(f"{path.name}.attachments")


def refused_path(path: Path) -> Path:
    """Where an import puts the lines that it could not take."""
    return path.with_name(f"{path.name}.refused")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None when there is no such file, or nothing to use in it."""
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """The object as the whole of the file, at once."""
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(path, [body])


def write_whole(path: Path, blocks: Iterable[bytes]) -> None:
    """The blocks as the whole of the file, or no file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        try:
            for block in blocks:
                part.write(block)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


def hashed(data: BinaryIO, sha2: str) -> Iterable[bytes]:
    """The blocks of `data`; raises BrokenData at its end when it has another hash."""
    digest = hashlib.new(_ALGORITHMS[len(sha2)])
    while block := data.read(CHUNK):
        digest.update(block)
        yield block
    if digest.hexdigest() != sha2:
        raise BrokenData(f"The data kept as {sha2} has the hash {digest.hexdigest()}.")


def is_hash(sha2: str) -> bool:
    """Whether the text is a SHA-2 hash in small hexadecimal digits."""
    return len(sha2) in _ALGORITHMS and not set(sha2) - set("0123456789abcdef")
