"""`import statements`: a file of one statement a line into a record store.

Each statement goes the way of a received one: checked, compared with what is stored
under its id, and stored whole or refused with a reason. So a second import of the same
file changes nothing, and one that was interrupted is simply run again; it then goes on
behind the last statement that it had stored. A line without an id is refused: a
second import would store it twice.

Statements are stored under one authority, as if a client had sent them. Keeping the
authorities of the file is for one's own exports: whoever wrote the file says in it
who vouches for its statements, and what they void.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy import text as sql

from lrs.db import reading, writing
from lrs.parts import Parts
from lrs.storage import ObjectMissing
from lrs.store import store_statements
from lrs.tables import Statement
from lrs.transfer.data import has_data, keep_data, needed, read_data
from lrs.transfer.files import (
    CHUNK,
    MAX_LINE,
    about_path,
    attachments_folder,
    is_hash,
    read_json,
    refused_path,
    write_json,
)
from statements import text
from statements.attachments import Declared, declared
from statements.errors import DomainError, Invalid, TooLarge, Unavailable
from statements.prepare import Prepared, prepare
from statements.signatures import MAX_LENGTH as MAX_SIGNATURE
from statements.signatures import check_declaration, check_signature, is_signature
from statements.stamp import SERVER_SET
from statements.validate import check_actor

# what one transaction takes: others wait for it
BATCH_LINES = 500
BATCH_BYTES = 4 << 20
BATCH_REFERENCES = 20_000
# how many reasons are kept to be shown
MAX_REASONS = 1_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Progress = Callable[[int, int], None]


class LineRefused(Invalid):
    """A line of the file cannot be imported."""


class MissingData(Invalid):
    """The data of an attachment is neither with the file nor in the record store."""


@dataclass(kw_only=True)
class Imported:
    """What became of the lines of a file."""

    lines: int = 0
    stored: int = 0
    known: int = 0
    refused: int = 0
    reasons: list[dict[str, Any]] = field(default_factory=list)
    refused_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the file: its number, where it lies, its bytes unless too long."""

    number: int
    start: int
    end: int
    raw: bytes | None


@dataclass(frozen=True, kw_only=True)
class Item:
    """A line ready for the store; `authority` is JSON text."""

    line: Line
    prepared: Prepared
    authority: bytes
    may_void_any: bool


def import_authority(home_page: str) -> dict[str, Any]:
    """Whose statements they are when nobody else is named."""
    account = {"homePage": home_page, "name": "import"}
    return {"objectType": "Agent", "name": "Import", "account": account}


def import_statements(
    parts: Parts,
    path: Path,
    *,
    tenant: int,
    authority: dict[str, Any] | None,
    keep_going: bool,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Imported:
    """Store every line of the file; raises LineRefused at the first that cannot be.

    With `keep_going` such lines are written to a file of their own instead and the
    rest is stored. `authority` None keeps those of the file. `progress` is told how
    many bytes were read, and of how many.
    """
    about = read_json(about_path(path)) or {}
    if about.get("complete") is False and not keep_going:
        raise Invalid(
            f"{path} is an export that was interrupted: run the export again, or "
            "import what there is with --keep-going."
        )
    try:
        with path.open("rb") as file:
            run = _Import(parts, path, file, tenant, authority, clock)
            run.voids_any = frozenset(about.get("voids_any", ()))
            run.keep_going = keep_going
            return run.all(progress)
    except OSError as error:
        raise Invalid(f"{error.filename or path}: {error.strerror}.") from error


class _Import:
    """One import under way."""

    def __init__(
        self,
        parts: Parts,
        path: Path,
        file: BinaryIO,
        tenant: int,
        authority: dict[str, Any] | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.parts, self.path, self.file = parts, path, file
        self.tenant, self.clock = tenant, clock
        self.authority = None if authority is None else _text(authority)
        self.folder = attachments_folder(path)
        self.keep_going = False
        self.voids_any: frozenset[str] = frozenset()
        self.done = Imported()
        self.refused_bytes = 0
        self.brought: set[tuple[str, str]] = set()
        self.last: Item | None = None
        self.counted_at = BATCH_LINES
        self.place = place_path(parts, path, tenant)

    def all(self, progress: Progress) -> Imported:
        """Every line from the place on; what became of them."""
        size = self.path.stat().st_size
        offset = self._resume()
        batch: list[Item] = []
        weight = 0.0
        for line in lines(self.file, offset=offset, number=self.done.lines):
            self.done.lines = line.number
            try:
                item = self._item(line)
            except Unavailable:
                raise
            except DomainError as error:
                if not self.keep_going:
                    self._store(batch)
                self._refuse(line, error)
            else:
                batch.append(item)
                weight += _weight(item)
            if weight >= 1:
                self._store(batch)
                self._keep_place(line.end)
                batch, weight = [], 0.0
            progress(line.end, size)
        self._store(batch)
        progress(size, size)
        self.place.unlink(missing_ok=True)
        return self.done

    # The place where an interrupted import goes on

    def _resume(self) -> int:
        """Where to begin; the counts are those of that place."""
        found = read_json(self.place)
        if found is None or not self._is_stored(found):
            refused_path(self.path).unlink(missing_ok=True)
            return 0
        self.done = Imported(**found["done"])
        self.refused_bytes = found["refused_bytes"]
        if self.refused_bytes:
            self.done.refused_file = refused_path(self.path)
            with self.done.refused_file.open("ab") as file:
                file.truncate(self.refused_bytes)
        return int(found["end"])

    def _is_stored(self, found: dict[str, Any]) -> bool:
        """Whether the file still has the statement there, and the store has it."""
        self.file.seek(found["start"])
        try:
            id = UUID(orjson.loads(self.file.readline(MAX_LINE))["id"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        with reading(self.parts.engine) as db:
            stored = db.scalar(
                select(Statement.seq).where(
                    Statement.tenant_id == self.tenant,
                    Statement.statement_id == UUID(found["id"]),
                )
            )
        return id == UUID(found["id"]) and stored is not None

    def _keep_place(self, end: int) -> None:
        """What was read up to `end` is stored or refused: go on there next time."""
        if self.last is None:
            return
        done = {name: getattr(self.done, name) for name in _COUNTS}
        place = {
            "id": str(self.last.prepared.id),
            "start": self.last.line.start,
            "end": end,
            "done": done,
            "refused_bytes": self.refused_bytes,
        }
        # without it the next run begins at the beginning and finds all known
        with suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.place, place)

    # A line made ready

    def _item(self, line: Line) -> Item:
        """The line as the store wants it; raises what is wrong with it."""
        if line.raw is None:
            raise Invalid(f"The line is longer than {MAX_LINE} bytes.")
        raw = line.raw.removeprefix(BYTE_ORDER_MARK).strip(b" \t\r\n")
        statement = text.load(raw)
        if not isinstance(statement, dict):
            raise Invalid("The line is not a statement.")
        if "id" not in statement:
            raise Invalid("The statement has no id: a second import would repeat it.")
        bare, raw = without_server_set(statement, raw)
        if "timestamp" not in bare and "stored" in statement:
            # what an LRS sets when there is none (Data 2.4.7)
            bare = {**bare, "timestamp": statement["stored"]}
            raw = text.append(raw, {"timestamp": statement["stored"]})
        prepared = self._prepared(bare, raw)
        authority = self.authority
        if authority is None:
            check_actor(statement.get("authority"), version=prepared.version)
            authority = _text(statement["authority"])
        self._bring(prepared, authority.decode())
        return Item(
            line=line,
            prepared=prepared,
            authority=authority,
            may_void_any=self.authority is None and str(prepared.id) in self.voids_any,
        )

    def _prepared(self, statement: dict[str, Any], raw: bytes) -> Prepared:
        """Checked as of either version of xAPI: another store may have taken it so."""
        now = self.clock()
        try:
            return prepare(statement, raw, version="1.0.3", now=now)
        except Invalid as error:
            with suppress(Invalid):
                return prepare(statement, raw, version="2.0.0", now=now)
            raise error from None

    def _bring(self, prepared: Prepared, authority: str) -> None:
        """Keep the data of the statement's attachments; raises what is wrong with it."""
        # the same token signs the same statement, however many attachments name it
        checked: set[tuple[int, str]] = set()
        for one in filter(_is_signed, declared(prepared.received)):
            check_declaration(one.attachment, path=one.path)
            if (token := (id(one.part), one.sha2)) not in checked:
                self._check_signature(one, prepared.version)
                checked.add(token)
        for sha2 in sorted(prepared.references.attachments):
            if (sha2, authority) in self.brought:
                continue
            path = self.folder / sha2
            if is_hash(sha2) and path.is_file():
                with path.open("rb") as data:
                    keep_data(
                        self.parts, self.tenant, sha2, data, authority, self.clock()
                    )
            elif sha2 in needed(prepared.statement) and not has_data(
                self.parts, self.tenant, sha2, authority, self.clock()
            ):
                raise MissingData(f"The data of the attachment {sha2} is missing.")
            self.brought.add((sha2, authority))

    def _check_signature(self, one: Declared, version: str) -> None:
        path = self.folder / one.sha2
        try:
            if is_hash(one.sha2) and path.is_file():
                with path.open("rb") as data:
                    token = data.read(MAX_SIGNATURE + 1)
            else:
                token = read_data(
                    self.parts, self.tenant, one.sha2, limit=MAX_SIGNATURE + 1
                )
        except ObjectMissing as error:
            message = f"The data of the signature {one.sha2} is missing."
            raise MissingData(message) from error
        if len(token) > MAX_SIGNATURE:
            raise TooLarge(f"A signature may have {MAX_SIGNATURE} bytes.")
        check_signature(
            token, one.attachment, statement=one.part, version=version, path=one.path
        )

    # Storing

    def _store(self, batch: list[Item]) -> None:
        """Store the batch; what is refused of it is told line by line."""
        if not batch:
            return
        try:
            stored, known = self._stored(batch)
        except Unavailable:
            raise
        except DomainError as error:
            if len(batch) == 1:
                self._refuse(batch[0].line, error)
                return
            middle = len(batch) // 2
            self._store(batch[:middle])
            self._store(batch[middle:])
        else:
            self.done.stored += stored
            self.done.known += known
            self.last = batch[-1]
            if self.done.stored >= self.counted_at:
                self.counted_at = 2 * self.done.stored
                self._count_anew()

    def _count_anew(self) -> None:
        """Tell PostgreSQL how large the table is by now.

        It would find out in a minute; until then it takes what it knows from when the
        table was empty, and reads all of it for every batch.
        """
        if self.parts.engine.dialect.name == "postgresql":
            # if something else is at it, that tells as well
            with suppress(Unavailable), writing(self.parts.engine) as db:
                db.execute(sql("ANALYZE statement"))

    def _stored(self, batch: list[Item]) -> tuple[int, int]:
        """How many of the batch were stored, and how many had been before."""
        ids = [item.prepared.id for item in batch]
        with writing(self.parts.engine) as db:
            known = db.scalars(
                select(Statement.statement_id).where(
                    Statement.tenant_id == self.tenant, Statement.statement_id.in_(ids)
                )
            ).all()
            for (authority, may_void_any), items in groupby(batch, _vouching):
                store_statements(
                    db,
                    tenant=self.tenant,
                    statements=[item.prepared for item in items],
                    authority=orjson.loads(authority),
                    now=self.clock(),
                    may_void_any=may_void_any,
                )
        return len(set(ids)) - len(known), len(known) + len(ids) - len(set(ids))

    def _refuse(self, line: Line, error: DomainError) -> None:
        """The line is kept aside, or the end of the import."""
        if not self.keep_going:
            raise LineRefused(
                f"Line {line.number} of {self.path}: {error.detail} What stands before "
                "it is stored. Mend the line and run again, or give --keep-going.",
                line=line.number,
                reason=error.detail,
            ) from error
        self.done.refused += 1
        if len(self.done.reasons) < MAX_REASONS:
            self.done.reasons.append({"line": line.number, "reason": error.detail})
        self.done.refused_file = refused_path(self.path)
        with self.path.open("rb") as source, self.done.refused_file.open("ab") as file:
            source.seek(line.start)
            left, block = line.end - line.start, b""
            while left and (block := source.read(min(CHUNK, left))):
                left -= file.write(block)
            if not block.endswith(b"\n"):
                file.write(b"\n")
            self.refused_bytes = file.tell()


_COUNTS = ("lines", "stored", "known", "refused", "reasons")


def place_path(parts: Parts, path: Path, tenant: int) -> Path:
    """Where the place in a file is remembered while it is imported into a tenant."""
    what = f"{path.resolve()}\n{parts.engine.url}\n{tenant}".encode()
    name = hashlib.sha256(what).hexdigest()
    return parts.config.data / "imports" / f"{name}.json"


def lines(file: BinaryIO, *, offset: int = 0, number: int = 0) -> Iterator[Line]:
    """The lines from `offset` on that are not empty; `number` is of the one before."""
    file.seek(offset)
    while raw := file.readline(MAX_LINE + 2):
        start, number = offset, number + 1
        offset += len(raw)
        is_long = len(raw) > MAX_LINE + 1
        while raw and not raw.endswith(b"\n") and is_long:
            raw = file.readline(CHUNK)
            offset += len(raw)
        if is_long:
            yield Line(number=number, start=start, end=offset, raw=None)
        elif raw.strip():
            yield Line(number=number, start=start, end=offset, raw=raw)


def without_server_set(
    statement: dict[str, Any], raw: bytes
) -> tuple[dict[str, Any], bytes]:
    """The statement and its text without `stored` and `authority`.

    Of an export's line exactly that is taken away which the export put there.
    """
    if not any(name in statement for name in SERVER_SET):
        return statement, raw
    bare = {name: value for name, value in statement.items() if name not in SERVER_SET}
    last = tuple(statement)[-2:]
    if set(last) == set(SERVER_SET) and isinstance(statement["authority"], dict):
        texts = {
            "stored": orjson.dumps(statement["stored"]),
            "authority": _text(statement["authority"]),
        }
        end = b"".join(b',"%b":%b' % (name.encode(), texts[name]) for name in last)
        if raw.endswith(end + b"}"):
            return bare, raw[: -len(end) - 1] + b"}"
    return bare, text.without(raw, SERVER_SET, bare)


def _is_signed(one: Declared) -> bool:
    return is_signature(one.attachment)


def _text(authority: dict[str, Any]) -> bytes:
    return orjson.dumps(authority, option=orjson.OPT_SORT_KEYS)


def _vouching(item: Item) -> tuple[bytes, bool]:
    return item.authority, item.may_void_any


def _weight(item: Item) -> float:
    """How much of a batch the item takes: a batch is full at 1."""
    named = item.prepared.references
    return max(
        1 / BATCH_LINES,
        len(item.prepared.raw) / BATCH_BYTES,
        (len(named.actors) + len(named.activities)) / BATCH_REFERENCES,
    )
