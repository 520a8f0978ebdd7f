"""The files of a package put into storage, each under a key of ours.

Small files go several at a time: a disk and an S3 server take longer to confirm one than
to take it. Large ones stream. A repeated import writes the same bytes under the same
keys.
"""

import io
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, cast

from lrs.storage import Storage
from packages.compressed import squeezed
from packages.contents import Contents
from packages.media import content_type
from packages.receiving import Summed

THREADS = 8
# what may wait in memory: files of at most this size, so many of them
SMALL = 1 << 20
WAITING = 16

Report = Callable[[float], None]


def files_prefix(package_id: uuid.UUID) -> str:
    """What the keys of all files of a package begin with."""
    return f"packages/{package_id.hex}/"


def put_files(
    storage: Storage, package_id: uuid.UUID, contents: Contents, report: Report
) -> list[dict[str, Any]]:
    """The rows that will make the files reachable, which are all in storage by then.

    `report` is called with the share of the bytes that are. Raises InvalidPackage and
    UnsafeArchive for files that are not what the archive says.
    """
    total = sum(entry.size for entry in contents.files.values()) or 1
    rows: list[dict[str, Any]] = []
    pending: deque[Future[dict[str, Any]]] = deque()
    done = 0

    def add(row: dict[str, Any]) -> None:
        nonlocal done
        rows.append({"package_id": package_id, **row})
        done += row["size"]
        report(done / total)

    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for number, (path, entry) in enumerate(contents.files.items()):
                key = f"{files_prefix(package_id)}{number:05d}"
                with contents.open(path) as source:
                    if entry.size > SMALL:
                        add(_put(storage, key, path, source, entry.size))
                        continue
                    data = io.BytesIO(source.read())
                pending.append(pool.submit(_put, storage, key, path, data, entry.size))
                if len(pending) == WAITING:
                    add(pending.popleft().result())
            while pending:
                add(pending.popleft().result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return rows


def _put(
    storage: Storage, key: str, path: str, source: BinaryIO, size: int
) -> dict[str, Any]:
    kind = content_type(path)
    with squeezed(source, kind=kind, size=size) as squeezing:
        summed = Summed(cast("BinaryIO", squeezing))
        storage.put(key, cast("BinaryIO", summed), content_type=kind)
        gzip_size = squeezing.put(storage, key)
    return {
        "path": path,
        "storage_key": key,
        "size": summed.size,
        "sha256": summed.sha256.hexdigest(),
        "content_type": kind,
        "gzip_size": gzip_size,
    }
