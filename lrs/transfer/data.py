"""The data of attachments on its way out of and into a record store."""

from pathlib import Path
from typing import Any, BinaryIO

from lrs.parts import Parts
from lrs.storage import ObjectMissing
from lrs.transfer.files import hashed, write_whole


def needed(statement: dict[str, Any]) -> set[str]:
    """The hashes of attachments that are to be had nowhere else: without `fileUrl`."""
    return {
        one["sha2"].lower()
        for part in (statement, statement["object"])
        for one in part.get("attachments", ())
        if "fileUrl" not in one
    }


def copy_data(parts: Parts, tenant: int, sha2: str, path: Path) -> None:
    """The data as a file; raises ObjectMissing, BrokenData."""
    with parts.storage.open(_key(tenant, sha2)) as data:
        write_whole(path, hashed(data, sha2))


def has_data(parts: Parts, tenant: int, sha2: str) -> bool:
    """Whether the record store has the data already."""
    try:
        parts.storage.size(_key(tenant, sha2))
    except ObjectMissing:
        return False
    return True


def keep_data(parts: Parts, tenant: int, sha2: str, data: BinaryIO) -> None:
    """The data is in the record store; raises BrokenData before it is."""
    for _ in hashed(data, sha2):
        pass
    data.seek(0)
    kind = "application/octet-stream"
    parts.storage.put(_key(tenant, sha2), data, content_type=kind)


def _key(tenant: int, sha2: str) -> str:
    return f"attachments/{tenant}/{sha2}"
