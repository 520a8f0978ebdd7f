"""Documents of a course: handouts that learners download, kept in storage.

What a file is, its first bytes say, not its name. It is always sent as a download, so a
browser never runs anything of it on the portal's own site.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from io import SEEK_END
from typing import BinaryIO

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, Uuid, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.db import Base, UtcDateTime, new_id
from lrs.storage import Storage
from packages.archive import open_archive
from packages.courses import get_course
from packages.uploads import clean_filename
from portal import words
from statements.errors import Invalid, NotFound, TooLarge

LARGEST = 25_000_000
MOST = 50
AUDIENCES: Mapping[str, str] = {
    "enrolled": "People who are enrolled",
    "everyone": "Everyone who is signed in",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
# how a type of file begins, or which file its zip archive holds; and how it is named
_TYPES = (
    (b"%PDF-", "", "application/pdf", ".pdf", "PDF"),
    (
        b"PK",
        "word/document.xml",
        f"{_OFFICE}wordprocessingml.document",
        ".docx",
        "Word",
    ),
    (
        b"PK",
        "ppt/presentation.xml",
        f"{_OFFICE}presentationml.presentation",
        ".pptx",
        "PowerPoint",
    ),
    (b"PK", "xl/workbook.xml", f"{_OFFICE}spreadsheetml.sheet", ".xlsx", "Excel"),
    (b"\x89PNG\r\n\x1a\n", "", "image/png", ".png", "PNG picture"),
    (b"\xff\xd8\xff", "", "image/jpeg", ".jpg", "JPEG picture"),
)
NAMES: Mapping[str, str] = {kind: name for _, _, kind, _, name in _TYPES}
ACCEPT = ",".join(end for _, _, _, end, _ in _TYPES)
# how files begin that are often sent instead, and what an author calls them
_OTHERS = (
    (b"PK", "a zip archive, or an Office file with macros"),
    (b"\xd0\xcf\x11\xe0", "an Office file of the older kind (doc, xls, ppt)"),
    (b"{\\rtf", "a file in RTF"),
    (b"GIF8", "a GIF picture"),
    (b"<", "a web page or XML"),
    (b"MZ", "a program"),
)


class DocumentNotFound(NotFound):
    """There is no such document, or it is not open to you."""


class DocumentType(Invalid):
    """Documents are PDF, Word, PowerPoint, Excel (docx, pptx, xlsx), PNG or JPEG."""


class DocumentTooLarge(TooLarge):
    """A document may have 25 MB."""


class TooManyDocuments(Invalid):
    """A course may have 50 documents; take one away first."""


class Document(Base):
    """A handout of a course; taken away, its row stays and its bytes go."""

    __tablename__ = "course_document"
    __table_args__ = (Index("ix_course_document_course", "course_id", "added_at"),)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("course.id"))
    title: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    audience: Mapped[str] = mapped_column(String(10))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by: Mapped[uuid.UUID] = mapped_column(Uuid)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def storage_key(self) -> str:
        """Where its bytes are."""
        return f"documents/{self.id.hex}"

    @property
    def type_text(self) -> str:
        """What it is, as people say it."""
        return NAMES.get(self.content_type, "File")


def add_document(
    storage: Storage,
    db: Session,
    *,
    course_id: uuid.UUID,
    title: str,
    filename: str,
    data: BinaryIO,
    audience: str,
    by: uuid.UUID,
    now: datetime,
) -> Document:
    """The document, its bytes in storage before its row.

    `data` can be read again from its beginning. Raises DocumentType, DocumentTooLarge,
    TooManyDocuments, CourseNotFound.
    """
    if audience not in AUDIENCES:
        raise Invalid("Say who may download it.", field="audience")
    content_type, ending = _type_of(data)
    size, sha256 = _measure(data)
    get_course(db, course_id=course_id)
    if len(find_documents(db, course_id=course_id)) >= MOST:
        raise TooManyDocuments
    name = clean_filename(filename)
    endings = {ending, ".jpeg"} if ending == ".jpg" else {ending}
    if not any(name.lower().endswith(one) for one in endings):
        name = name[-(255 - len(ending)) :] + ending
    document = Document(
        id=new_id(),
        course_id=course_id,
        title=title.strip() or name.rpartition(".")[0],
        filename=name,
        content_type=content_type,
        size=size,
        sha256=sha256,
        audience=audience,
        added_at=now,
        added_by=by,
    )
    data.seek(0)
    storage.put(document.storage_key, data, content_type=content_type)
    db.add(document)
    db.flush()
    return document


def find_documents(db: Session, *, course_id: uuid.UUID) -> Sequence[Document]:
    """The documents of a course that are there, the oldest first."""
    chosen = select(Document).where(
        Document.course_id == course_id, Document.removed_at.is_(None)
    )
    return db.scalars(chosen.order_by(Document.added_at, Document.id)).all()


def get_document(
    db: Session, *, course_id: uuid.UUID, document_id: uuid.UUID
) -> Document:
    """The document of this course; raises DocumentNotFound."""
    document = db.get(Document, document_id)
    if (
        document is None
        or document.course_id != course_id
        or document.removed_at is not None
    ):
        raise DocumentNotFound
    return document


def remove_document(db: Session, *, document: Document, now: datetime) -> str:
    """Take the document away; the key of its bytes, to be deleted after the commit."""
    document.removed_at = now
    db.flush()
    return document.storage_key


def refusal(error: Invalid | TooLarge, filename: str, data: BinaryIO) -> str:
    """Why the file is not taken, with its name and what it really is."""
    name = clean_filename(filename)
    if isinstance(error, DocumentType):
        return f"“{name}” is {_looks_like(data)}. {error.detail}"
    if isinstance(error, DocumentTooLarge):
        size = words.size_text(data.seek(0, SEEK_END))
        return f"“{name}” has {size}. {error.detail}"
    return error.detail


def _looks_like(data: BinaryIO) -> str:
    data.seek(0)
    head = data.read(1 << 12)
    if not head:
        return "empty"
    for begin, name in _OTHERS:
        if head.lstrip().startswith(begin):
            return name
    # the last letter may have been cut
    is_text = b"\0" not in head and "\ufffd" not in head.decode("utf-8", "replace")[:-3]
    return "plain text" if is_text else "of a kind that is not taken"


def _type_of(data: BinaryIO) -> tuple[str, str]:
    """Content type and usual ending of a file, by what is in it."""
    data.seek(0)
    head = data.read(8)
    for begin, member, content_type, ending, _ in _TYPES:
        if head.startswith(begin) and (not member or _holds(data, member)):
            return content_type, ending
    raise DocumentType


def _holds(data: BinaryIO, member: str) -> bool:
    """Whether a safe archive has this file and no macros; nothing is unpacked."""
    try:
        names = open_archive(data).files.keys()
    except Invalid:
        return False
    macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    return {member, "[Content_Types].xml"} <= names and not macros


def _measure(data: BinaryIO) -> tuple[int, str]:
    """Size and hash; raises DocumentTooLarge past the limit."""
    data.seek(0)
    digest, size = hashlib.sha256(), 0
    while block := data.read(1 << 20):
        size += len(block)
        if size > LARGEST:
            raise DocumentTooLarge
        digest.update(block)
    return size, digest.hexdigest()
