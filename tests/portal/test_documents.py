"""Documents of a course: known by what they hold, bounded, gone when taken away."""

from __future__ import annotations

import io
import uuid
import zipfile
from typing import TYPE_CHECKING

import pytest

from lrs.db import writing
from lrs.storage import ObjectMissing
from packages.courses import CourseNotFound, create_course
from portal import documents
from portal.documents import (
    DocumentNotFound,
    DocumentTooLarge,
    DocumentType,
    TooManyDocuments,
)
from statements.errors import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from lrs.parts import Parts

PDF = b"%PDF-1.4\n%handout"


def office(*members: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in ("[Content_Types].xml", *members):
            archive.writestr(name, "x")
    return body.getvalue()


class Shelf:
    """A course with documents."""

    def __init__(self, parts: Parts, now: datetime) -> None:
        self.parts, self.now = parts, now
        with writing(parts.engine) as db:
            self.course = create_course(db, title="T", created_by="t", now=now).id

    def add(self, data: bytes, name: str = "a.pdf", **change: str) -> uuid.UUID:
        with writing(self.parts.engine) as db:
            return documents.add_document(
                self.parts.storage,
                db,
                course_id=self.course,
                title=change.get("title", ""),
                filename=name,
                data=io.BytesIO(data),
                audience=change.get("audience", "enrolled"),
                by=uuid.uuid4(),
                now=self.now,
            ).id

    def shown(self) -> list[tuple[str, str, str]]:
        with writing(self.parts.engine) as db:
            return [
                (one.title, one.filename, one.type_text)
                for one in documents.find_documents(db, course_id=self.course)
            ]


@pytest.fixture
def shelf(parts: Parts, now: datetime) -> Shelf:
    return Shelf(parts, now)


TAKEN = [
    ("pdf", PDF, "Handout.PDF", "Handout.PDF", "PDF"),
    ("word", office("word/document.xml"), "a.docx", "a.docx", "Word"),
    ("slides", office("ppt/presentation.xml"), "a.pptx", "a.pptx", "PowerPoint"),
    ("sheet", office("xl/workbook.xml"), "a.xlsx", "a.xlsx", "Excel"),
    ("png", b"\x89PNG\r\n\x1a\n...", "a.png", "a.png", "PNG picture"),
    ("jpeg", b"\xff\xd8\xff\xe0...", "a.jpeg", "a.jpeg", "JPEG picture"),
    ("misnamed", PDF, "page.html", "page.html.pdf", "PDF"),
    ("with a path", PDF, "..\\..\\etc/x.pdf", "x.pdf", "PDF"),
]


def test_what_is_taken(shelf: Shelf) -> None:
    for name, data, sent, kept, kind in TAKEN:
        key = shelf.add(data, sent, title=name)
        assert (name, kept, kind) in shelf.shown(), name
        with writing(shelf.parts.engine) as db:
            row = documents.get_document(db, course_id=shelf.course, document_id=key)
            assert row.size == len(data), name
            with shelf.parts.storage.open(row.storage_key) as stream:
                assert stream.read() == data, name


REFUSED = [
    ("page", b"<!doctype html><script>1</script>", "a.pdf"),
    ("script", b"alert(1)", "a.js"),
    ("nothing", b"", "a.pdf"),
    ("zip", office("index.html"), "a.docx"),
    ("macros", office("word/document.xml", "word/vbaProject.bin"), "a.docx"),
    ("too many files", office("word/document.xml", *map(str, range(20_001))), "a.docx"),
    ("broken zip", b"PK\x03\x04" + b"x" * 50, "a.xlsx"),
]


def test_what_is_not(shelf: Shelf) -> None:
    for name, data, sent in REFUSED:
        with pytest.raises(DocumentType):
            shelf.add(data, sent)
        assert shelf.shown() == [], name
    assert list(shelf.parts.storage.keys("documents/")) == []


def test_bounds_and_words(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    shelf.add(PDF, "a.pdf", title=" The handout ")
    shelf.add(PDF, "b.pdf")
    assert [row[0] for row in shelf.shown()] in (
        ["The handout", "b"],
        ["b", "The handout"],
    )
    with pytest.raises(Invalid, match="who may download"):
        shelf.add(PDF, audience="strangers")
    monkeypatch.setattr(documents, "MOST", 2)
    with pytest.raises(TooManyDocuments):
        shelf.add(PDF)
    monkeypatch.setattr(documents, "LARGEST", len(PDF) - 1)
    with pytest.raises(DocumentTooLarge):
        shelf.add(PDF)
    shelf.course = uuid.uuid4()
    monkeypatch.undo()
    with pytest.raises(CourseNotFound):
        shelf.add(PDF)


def test_taken_away_it_is_gone(shelf: Shelf, now: datetime) -> None:
    key = shelf.add(PDF)
    with writing(shelf.parts.engine) as db:
        with pytest.raises(DocumentNotFound):
            documents.get_document(db, course_id=uuid.uuid4(), document_id=key)
        row = documents.get_document(db, course_id=shelf.course, document_id=key)
        place = documents.remove_document(db, document=row, now=now)
        with pytest.raises(DocumentNotFound):
            documents.get_document(db, course_id=shelf.course, document_id=key)
    shelf.parts.storage.delete(place)
    assert shelf.shown() == []
    with pytest.raises(ObjectMissing):
        shelf.parts.storage.open(place)
