"""The data of attachments on its way out of and into a record store."""

from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from lrs.attachments import Received, hold, keep, storage_key
from lrs.parts import Parts
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
    with parts.storage.open(storage_key(tenant, sha2)) as data:
        write_whole(path, hashed(data, sha2))


def read_data(parts: Parts, tenant: int, sha2: str, *, limit: int) -> bytes:
    """The first bytes of data in the record store; raises ObjectMissing."""
    with parts.storage.open(storage_key(tenant, sha2)) as data:
        return data.read(limit)


def has_data(
    parts: Parts, tenant: int, sha2: str, authority: str, now: datetime
) -> bool:
    """Whether the record store has the data already; then it is the authority's too."""
    return hold(parts, tenant=tenant, authority=authority, sha2=sha2, now=now)


def keep_data(
    parts: Parts,
    tenant: int,
    sha2: str,
    data: BinaryIO,
    authority: str,
    now: datetime,
) -> None:
    """The data is in the record store; raises BrokenData before it is."""
    length = sum(len(block) for block in hashed(data, sha2))
    keep(
        parts,
        tenant=tenant,
        authority=authority,
        received=[Received(sha2, length, data)],
        now=now,
    )
