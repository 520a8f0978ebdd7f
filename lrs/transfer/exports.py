"""`export statements`: the statements of a record store into a file, one a line.

The file is in the order of storing and holds every statement, voided ones too, byte
for byte with `stored` and `authority` (line breaks between members become spaces: a
line is a statement). What is committed while it runs is left for the next time: run
again, an export goes on after the last whole line, whether it was interrupted or
there are newer statements. What the pre-test wall hides is left out unless asked for.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import orjson
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lrs.db import reading
from lrs.parts import Parts
from lrs.query import last_seq
from lrs.rules.wall import pretest_wall
from lrs.storage import ObjectMissing
from lrs.tables import Statement
from lrs.tenants import find_tenant
from lrs.transfer.data import copy_data, needed
from lrs.transfer.files import (
    CHUNK,
    BrokenData,
    about_path,
    attachments_folder,
    is_hash,
    read_json,
    write_json,
)
from statements import scalars
from statements.errors import Conflict, Invalid
from statements.references import references

# a reading transaction should not last: the log of SQLite grows meanwhile
PAGE = 5_000
AT_ONCE = 50
log = logging.getLogger("rollcall.statements")

Progress = Callable[[int, int], None]


class NotThisExport(Conflict):
    """There is already another file of this name."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which statements: of one tenant, after `since`, up to `until` (by `stored`)."""

    tenant: str = "main"
    since: datetime | None = None
    until: datetime | None = None
    behind_wall: bool = False

    def about(self) -> dict[str, Any]:
        """The same as JSON; what an export is recognised by."""
        return {
            "format": "ndjson",
            "tenant": self.tenant,
            "since": self.since and scalars.format_timestamp(self.since),
            "until": self.until and scalars.format_timestamp(self.until),
            "behind_wall": self.behind_wall,
        }


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What the file holds now, how much of it is new, and what is missing."""

    statements: int = 0
    added: int = 0
    left_out: int = 0
    attachments: int = 0
    missing: list[str] = field(default_factory=list)
    through: str | None = None


def export_statements(
    parts: Parts, path: Path, wanted: Wanted, *, progress: Progress
) -> Exported:
    """Write what is wanted, or go on with what is there; raises NotThisExport.

    `progress` is told how many statements were looked at, and of how many.
    """
    if wanted.behind_wall:
        log.warning(
            "exporting behind the pre-test wall", extra={"tenant": wanted.tenant}
        )
    about = wanted.about()
    before = read_json(about_path(path))
    if path.exists() and (
        before is None or {**before, **about} != before or not path.is_file()
    ):
        raise NotThisExport(
            f"{path} is there already and is no export of this kind; "
            "give another PATH, or what it was begun with."
        )
    with reading(parts.engine) as db:
        tenant = find_tenant(db, name=wanted.tenant).id
        low, high = _bounds(db, tenant, wanted)
    with _locked(path) as file:
        lines = _cut(file)
        start = max(low, _place(parts, tenant, path, file))
        missing = sorted(before.get("missing", ())) if before else []
        write_json(about_path(path), about | {"complete": False, "missing": missing})
        writer = _Writer(parts, tenant, path, file, progress, (start, high))
        for sha2 in missing:
            writer.bring(sha2, is_needed=True)
        writer.write(behind_wall=wanted.behind_wall)
        whole = replace(
            writer.done,
            statements=lines + writer.done.added,
            left_out=max(high, start) - low - lines - writer.done.added,
            through=_last_stored(file),
        )
        with reading(parts.engine) as db:
            voids_any = _voids_any(db, tenant, low, max(high, start))
        write_json(
            about_path(path),
            about
            | {
                "complete": True,
                "statements": whole.statements,
                "left_out": whole.left_out,
                "through": whole.through,
                "missing": whole.missing,
                "voids_any": voids_any,
            },
        )
    return whole


def _bounds(db: Session, tenant: int, wanted: Wanted) -> tuple[int, int]:
    """The numbers after which and up to which statements are wanted."""

    def newest_at(instant: datetime) -> int:
        return (
            db.scalar(
                select(Statement.seq)
                .where(Statement.tenant_id == tenant, Statement.stored <= instant)
                .order_by(Statement.stored.desc())
                .limit(1)
            )
            or 0
        )

    low = 0 if wanted.since is None else newest_at(wanted.since)
    if wanted.until is None:
        return low, last_seq(db, tenant=tenant)
    return low, max(low, newest_at(wanted.until))


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, made when it is not there; only one export writes to it."""
    try:
        with path.open("ab+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(f"Another export is writing {path}.") from error
            yield file
    except OSError as error:
        raise Invalid(f"{error.filename or path}: {error.strerror}.") from error


def _cut(file: BinaryIO) -> int:
    """The number of whole lines; what was written of one more is taken away."""
    lines = end = position = 0
    file.seek(0)
    while block := file.read(CHUNK):
        lines += block.count(b"\n")
        if (last := block.rfind(b"\n")) >= 0:
            end = position + last + 1
        position += len(block)
    file.truncate(end)
    return lines


def _last_line(file: BinaryIO) -> bytes:
    """The last line of a file of whole lines; nothing when it has none."""
    position, tail = file.seek(0, os.SEEK_END), b""
    while position and b"\n" not in tail[:-1]:
        size = min(CHUNK, position)
        position = file.seek(position - size)
        tail = file.read(size) + tail
    return tail[:-1].rpartition(b"\n")[2]


def _last_stored(file: BinaryIO) -> str | None:
    line = _last_line(file)
    return orjson.loads(line)["stored"] if line else None


def _place(parts: Parts, tenant: int, path: Path, file: BinaryIO) -> int:
    """The number of the statement in the last line; 0 when there is none."""
    if not (line := _last_line(file)):
        return 0
    try:
        last = UUID(orjson.loads(line)["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotThisExport(f"The last line of {path} is not a statement.") from error
    with reading(parts.engine) as db:
        found = db.scalar(
            select(Statement.seq).where(
                Statement.tenant_id == tenant, Statement.statement_id == last
            )
        )
    if found is None:
        raise NotThisExport(
            f"{path} ends with statement {last}, which this record store does not "
            "have; give another PATH."
        )
    return found


def _voids_any(db: Session, tenant: int, low: int, high: int) -> list[str]:
    """The statements that void what another authority stored."""
    return [
        str(one)
        for one in db.scalars(
            select(Statement.statement_id)
            .where(
                Statement.tenant_id == tenant,
                Statement.voids_id.is_not(None),
                Statement.voids_any,
                Statement.seq > low,
                Statement.seq <= high,
            )
            .order_by(Statement.seq)
        )
    ]


class _Writer:
    """Writes the statements of a range of numbers, and the data they come with."""

    def __init__(
        self,
        parts: Parts,
        tenant: int,
        path: Path,
        file: BinaryIO,
        progress: Progress,
        within: tuple[int, int],
    ) -> None:
        self.parts, self.tenant = parts, tenant
        self.folder, self.file = attachments_folder(path), file
        self.progress = progress
        self.start, self.high = within
        self.done = Exported()
        self.seen: set[str] = set()

    def write(self, *, behind_wall: bool) -> None:
        """Append all lines; they are on the disk when this returns."""
        low, whole = self.start, self.high - self.start
        while low < self.high:
            end = min(low + PAGE, self.high)
            with reading(self.parts.engine) as db:
                rows = db.execute(
                    _rows(db, self.tenant, low, end, behind_wall=behind_wall),
                    execution_options={"yield_per": AT_ONCE},
                )
                for row in rows:
                    self._line(row)
                    self.progress(row.seq - self.start, whole)
            self.file.flush()
            low = end
        self.file.flush()
        os.fsync(self.file.fileno())
        self.progress(max(whole, 0), max(whole, 0))

    def _line(self, row: Any) -> None:
        # names may be spelt with escapes
        if b"attachments" in row.payload or b"\\u" in row.payload:
            statement = orjson.loads(row.payload)
            for sha2 in sorted(references(statement).attachments - self.seen):
                self.bring(sha2, is_needed=sha2 in needed(statement))
        # line breaks stand only between the parts of JSON, never inside them
        line = row.payload.replace(b"\r", b" ").replace(b"\n", b" ")
        self.file.write(line + b"\n")
        self.done = replace(self.done, added=self.done.added + 1)

    def bring(self, sha2: str, *, is_needed: bool) -> None:
        """Copy the data of an attachment, unless it is there already."""
        self.seen.add(sha2)
        path = self.folder / sha2
        if not is_hash(sha2) or path.exists():
            return
        self.folder.mkdir(exist_ok=True)
        try:
            copy_data(self.parts, self.tenant, sha2, path)
        except (ObjectMissing, BrokenData):
            if is_needed:
                self.done.missing.append(sha2)
        else:
            self.done = replace(self.done, attachments=self.done.attachments + 1)


def _rows(
    db: Session, tenant: int, low: int, high: int, *, behind_wall: bool
) -> Select[Any]:
    columns: tuple[Any, ...] = (Statement.seq, Statement.payload)
    chosen: Select[Any] = select(*columns).where(
        Statement.tenant_id == tenant, Statement.seq > low, Statement.seq <= high
    )
    wall = None if behind_wall else pretest_wall(db, tenant=tenant)
    if wall is not None and wall.activities:
        chosen = chosen.where(~wall.condition(db))
    return chosen.order_by(Statement.seq)
