"""Documents: State, Agent Profile and Activity Profile, in one table.

xAPI 1.0.3 Communication 2.2, 2.3, 2.6, 2.7, 3.1; xAPI 2.0 4.1.4, 4.1.6.2, 4.1.6.5,
4.1.6.6. A precondition is a part of the write itself (`UPDATE … WHERE etag = …`,
`INSERT … ON CONFLICT DO NOTHING`): the number of rows written decides, so of two
writers who both read the same version one wins and the other is told. Content and
content type are kept byte for byte; a merge keeps the bytes of every member.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, UtcDateTime, insert_new
from lrs.merge import members, merge
from lrs.preconditions import ANY, Precondition
from lrs.tables import key_of
from statements.errors import (
    Conflict,
    Invalid,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unavailable,
)

STATE, AGENT_PROFILE, ACTIVITY_PROFILE = "state", "agent_profile", "activity_profile"
JSON = "application/json"
# a document that grows by POST stops here
MAX_CONTENT = 16 * 1024 * 1024
MERGEABLE = "a POST needs JSON objects, both the one sent and the one stored"
# how often a merge begins anew because the document went or came meanwhile
_TRIES = 20


class DocumentExists(Conflict):
    """There is a document here already; read it, then send its ETag as If-Match."""


class PreconditionMissing(Invalid):
    """A profile document is written with If-Match or If-None-Match."""


class NotMergeable(Invalid):
    """A POST sets members of JSON objects; one of the documents is none."""


class Document(Base):
    """A document: its content as received, and whom and what it is about.

    `context_key` stands for what comes before the id in an address (kind, actor,
    activity), `document_key` for registration and id.
    """

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_actor", "tenant_id", "actor_key"),)

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    context_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    document_key: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    actor_key: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    ifi: Mapped[str | None] = mapped_column(Text)
    activity: Mapped[str | None] = mapped_column(Text)
    registration: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    document_id: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    etag: Mapped[str] = mapped_column(String(40))
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What documents are about: an actor (by IFI), an activity, or both.

    A registration narrows it; without one a document has none, and a list is of all.
    """

    tenant: int
    kind: str
    ifi: str | None = None
    activity: str | None = None
    registration: uuid.UUID | None = None

    @property
    def key(self) -> uuid.UUID:
        """The same for every registration."""
        return _digest(self.kind, self.ifi or "", self.activity or "")

    def document_key(self, document_id: str) -> uuid.UUID:
        """The key of one document of this context."""
        return _digest(str(self.registration or ""), document_id)


@dataclass(frozen=True)
class Content:
    """What a document holds."""

    data: bytes
    content_type: str

    @property
    def etag(self) -> str:
        """The SHA-1 of the data in hexadecimal, as xAPI 1.0.3 asks for."""
        return etag_of(self.data)

    @property
    def is_json(self) -> bool:
        """Whether it calls itself JSON."""
        return self.content_type.partition(";")[0].strip().lower() == JSON


@dataclass(frozen=True)
class Stored:
    """A document as it is: the data, how it was called, which version of when."""

    data: bytes
    content_type: str
    etag: str
    updated: datetime


@dataclass(frozen=True)
class Named:
    """A document of a list: its id, and when it was last changed."""

    document_id: str
    updated: datetime


# made once, as one document is asked for again and again
_TABLE = cast("Table", Document.__table__)
_IS_THIS = (
    _TABLE.c.tenant_id == bindparam("the_tenant"),
    _TABLE.c.context_key == bindparam("the_context"),
    _TABLE.c.document_key == bindparam("the_document"),
)
_READ = select(
    _TABLE.c.content, _TABLE.c.content_type, _TABLE.c.etag, _TABLE.c.updated
).where(*_IS_THIS)
_READ_LOCKED = _READ.with_for_update()
_CHANGE = _TABLE.update().where(*_IS_THIS)
_REMOVE = _TABLE.delete().where(*_IS_THIS)


def etag_of(data: bytes) -> str:
    """The ETag of content, without quotes."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def get_document(db: Session, *, context: Context, document_id: str) -> Stored:
    """The document; raises NotFound."""
    found = db.execute(_READ, _this(context, document_id)).first()
    if found is None:
        raise NotFound(f"There is no document {document_id[:80]!r} here.")
    return Stored(*found)


def find_documents(
    db: Session, *, context: Context, since: datetime | None = None
) -> list[Named]:
    """The documents of a context by id, or those changed after an instant.

    Without a registration it lists those of every registration, each id once.
    """
    wanted = select(_TABLE.c.document_id, _TABLE.c.updated).where(*_within(context))
    if since is not None:
        wanted = wanted.where(_TABLE.c.updated > since)
    newest: dict[str, datetime] = {}
    for document_id, updated in db.execute(wanted):
        newest[document_id] = max(updated, newest.get(document_id, updated))
    return [Named(*item) for item in sorted(newest.items())]


def put_document(
    db: Session,
    *,
    context: Context,
    document_id: str,
    content: Content,
    precondition: Precondition,
    bare: str,
    now: datetime,
) -> None:
    """Store the content as the whole document.

    `bare` says what a request without precondition does: `replace` whatever there is,
    `create` what is not there (else DocumentExists), or `refuse`. Raises
    PreconditionFailed, DocumentExists, PreconditionMissing.
    """
    key, values = _row(context, document_id), _values(content, now)
    if precondition.match is not None:
        change = _CHANGE.where(*precondition.conditions(_TABLE.c.etag))
        expect(_count(db, change.values(**values), _this(context, document_id)))
    elif precondition.none_match is not None and ANY in precondition.none_match:
        expect(insert_new(db, Document, **key, **values))
    elif precondition.none_match is not None:
        conditions = precondition.conditions(_TABLE.c.etag)
        expect(_upsert(db, key | values, *conditions))
    elif bare == "replace":
        _upsert(db, key | values)
    elif bare == "create":
        if not insert_new(db, Document, **key, **values):
            raise _exists()
    else:
        if _current(db, context, document_id) is not None:
            raise _exists()
        raise PreconditionMissing(
            "A profile document is written with a precondition: send "
            "If-None-Match: * for a new one, If-Match with the ETag of an old one.",
            requirement="a PUT of a profile must have If-Match or If-None-Match",
        )


def post_document(
    db: Session,
    *,
    context: Context,
    document_id: str,
    content: Content,
    precondition: Precondition,
    now: datetime,
    is_secret: bool = False,
) -> None:
    """Set the top-level members of a JSON document, or store it if there is none.

    Both must be JSON objects. The row is locked from reading to writing, so no
    member that another merge sets is lost. Raises NotMergeable, PreconditionFailed.
    Where `is_secret`, a refusal does not say what is wrong with the document stored.
    """
    posted = _members_of(content, "The document posted")
    for _ in range(_TRIES):
        found = _current(db, context, document_id)
        expect(precondition.holds(None if found is None else found.etag))
        if found is None:
            row = _row(context, document_id)
            if insert_new(db, Document, **row, **_values(content, now)):
                return
            continue
        old = Content(found.data, found.content_type)
        try:
            data = _merged(old, posted)
        except (NotMergeable, TooLarge):
            if not is_secret:
                raise
            raise NotMergeable(
                "What was posted cannot be merged here; PUT replaces a document of "
                "any kind.",
                requirement=MERGEABLE,
            ) from None
        # as it was called before: only its members are set
        merged = Content(data, found.content_type)
        change = _CHANGE.values(**_values(merged, now))
        _count(db, change, _this(context, document_id))
        return
    raise Unavailable("Others write and remove this document all the time; try again.")


def delete_document(
    db: Session, *, context: Context, document_id: str, precondition: Precondition
) -> None:
    """Remove the document; one that is not there is removed already.

    Raises PreconditionFailed, also for If-Match where there is nothing.
    """
    gone = _REMOVE.where(*precondition.conditions(_TABLE.c.etag))
    this = _this(context, document_id)
    if _count(db, gone, this) == 0 and precondition.is_given:
        found = _current(db, context, document_id)
        # what is there now failed it, or came after the write looked: both are 412
        expect(found is None and precondition.match is None)


def delete_documents(db: Session, *, context: Context) -> None:
    """Remove all documents of the context, of one registration or of all."""
    _count(db, _TABLE.delete().where(*_within(context)))


def _merged(old: Content, posted: dict[str, bytes]) -> bytes:
    data = merge(_members_of(old, "The document stored"), posted)
    if len(data) > MAX_CONTENT:
        raise TooLarge(f"A document may have {MAX_CONTENT} bytes.", limit=MAX_CONTENT)
    return data


def _members_of(content: Content, which: str) -> dict[str, bytes]:
    if not content.is_json:
        raise NotMergeable(
            f"{which} has the content type {content.content_type[:80]!r}, not {JSON}; "
            "PUT replaces a document of any kind.",
            requirement=MERGEABLE,
        )
    try:
        return members(content.data)
    except Invalid as error:
        raise NotMergeable(f"{which} {error.detail}.", requirement=MERGEABLE) from error


def _digest(*parts: str) -> uuid.UUID:
    """Sixteen bytes of the SHA-256 of parts that hold no U+0000."""
    return uuid.UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16])


def _within(context: Context) -> list[ColumnElement[bool]]:
    found = [_TABLE.c.tenant_id == context.tenant, _TABLE.c.context_key == context.key]
    if context.registration is not None:
        found.append(_TABLE.c.registration == context.registration)
    return found


def _this(context: Context, document_id: str) -> dict[str, Any]:
    return {
        "the_tenant": context.tenant,
        "the_context": context.key,
        "the_document": context.document_key(document_id),
    }


def _current(db: Session, context: Context, document_id: str) -> Stored | None:
    """The document as it is now, locked until the transaction ends."""
    found = db.execute(_READ_LOCKED, _this(context, document_id)).first()
    return None if found is None else Stored(*found)


def _row(context: Context, document_id: str) -> dict[str, Any]:
    return {
        "tenant_id": context.tenant,
        "context_key": context.key,
        "document_key": context.document_key(document_id),
        "kind": context.kind,
        "actor_key": None if context.ifi is None else key_of(context.ifi),
        "ifi": context.ifi,
        "activity": context.activity,
        "registration": context.registration,
        "document_id": document_id,
    }


def _values(content: Content, now: datetime) -> dict[str, Any]:
    return {
        "content": content.data,
        "content_type": content.content_type,
        "etag": content.etag,
        "updated": now,
    }


def _upsert(db: Session, row: dict[str, Any], *conditions: ColumnElement[bool]) -> bool:
    """Insert the row, or change it where the conditions hold; whether it was done."""
    dialect = db.get_bind().dialect.name
    return bool(_count(db, _inserting(dialect, *conditions), row))


def _inserting(dialect: str, *conditions: ColumnElement[bool]) -> Any:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    new = make(_TABLE)
    return new.on_conflict_do_update(
        index_elements=["tenant_id", "context_key", "document_key"],
        set_={
            name: new.excluded[name]
            for name in ("content", "content_type", "etag", "updated")
        },
        where=and_(*conditions) if conditions else None,
    )


def _count(db: Session, command: Any, values: dict[str, Any] | None = None) -> int:
    options = {"preserve_rowcount": True}
    done = db.execute(command, values, execution_options=options)
    return cast("CursorResult[Any]", done).rowcount


def expect(count: int) -> None:
    """Raise PreconditionFailed where nothing was found or changed."""
    if not count:
        raise PreconditionFailed(
            "The document is not, or no longer, what If-Match or If-None-Match says; "
            "nothing was changed. Read it again and send its present ETag.",
            requirement="a write happens only if its precondition holds",
        )


def _exists() -> DocumentExists:
    return DocumentExists(
        "There is a document here already; nothing was changed. Check its present "
        "state, then send its ETag as If-Match to replace it.",
        requirement="a PUT that replaces a document must have If-Match",
    )
