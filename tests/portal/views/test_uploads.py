"""Packages sent by an author: in pieces, by the plain form, twice; and what is cancelled."""

from __future__ import annotations

import io
import json
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading
from lrs.jobs import run_due
from lrs.storage import PART
from packages.courses import Package
from packages.intake import import_package
from packages.uploads import Upload
from portal.audit import AuditEntry
from portal.views.pages import clock
from tests.packages.make import course
from tests.portal.views.text import text_of

if TYPE_CHECKING:
    from lrs.parts import Parts

HANDLERS = {"package.import": (import_package,)}
SPOKEN = {"Tus-Resumable": "1.0.0", "Accept": "application/json"}
PIECE = SPOKEN | {"Content-Type": "application/offset+octet-stream"}


class Author:
    """An author's browser, and the calls that its script makes."""

    def __init__(self, parts: Parts, browser: Any) -> None:
        self.parts, self.browser = parts, browser
        self.token = browser.token("/account")

    def call(self, method: str, place: str, data: bytes = b"", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"X-CSRFToken": self.token, "Origin": self.browser.origin}
        return self.browser.client.open(
            place, method=method, data=data, headers=own | named
        )

    def begin(self, size: int) -> str:
        answer = self.call(
            "POST", "/authoring/uploads", **SPOKEN, Upload_Length=str(size)
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
        place: str = answer.headers["Location"]
        assert place.startswith("/authoring/uploads/")
        return place

    def send(self, place: str, start: int, data: bytes) -> Any:
        return self.call("PATCH", place, data, **PIECE, Upload_Offset=str(start))

    def form(self, data: bytes, name: str = "a.zip") -> str:
        answer = self.browser.post(
            "/authoring/packages",
            {"file": (io.BytesIO(data), name)},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 302, text_of(answer)
        place: str = answer.headers["Location"]
        return place

    def work(self) -> None:
        run_due(self.parts, HANDLERS, clock() + timedelta(seconds=5))

    def packages(self) -> list[Package]:
        with reading(self.parts.engine) as db:
            return list(db.scalars(select(Package).order_by(Package.created_at)))

    def acts(self) -> list[str]:
        with reading(self.parts.engine) as db:
            return list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.at)))


@pytest.fixture
def engine(sqlite_engine: Any) -> Any:
    """One database is enough here: what differs is in tests/packages/test_receiving."""
    return sqlite_engine


@pytest.fixture
def author(parts: Parts, cast: Any, caller: Any) -> Author:
    return Author(parts, caller(cast.author))


def test_a_package_is_sent_in_pieces(author: Author) -> None:
    data = course(title="In pieces", files={"a.bin": bytes(PART)})
    place = author.begin(len(data))
    assert author.send(place, 0, data[:1000]).status_code == 204
    page = text_of(author.browser.get("/authoring"))
    assert "Not finished yet" in page
    assert "package.zip" in page
    assert "arrived" in text_of(author.browser.get(place))
    looked = author.call("HEAD", place, **SPOKEN)
    assert looked.headers["Upload-Offset"] == "1000"
    assert author.send(place, 1000, data[1000:]).status_code == 204
    [package] = author.packages()
    there = author.browser.get(place)
    assert there.headers["Location"] == f"/authoring/packages/{package.id}"
    shown = author.browser.get(f"/authoring/packages/{package.id}/status").get_json()
    assert shown == {"status": "queued", "progress": 0.0}
    assert author.acts() == ["package.uploaded"]
    author.work()
    shown = author.browser.get(f"/authoring/packages/{package.id}/status").get_json()
    assert shown == {"status": "imported", "progress": 1.0}
    assert "Not finished yet" not in text_of(author.browser.get("/authoring"))


@pytest.mark.parametrize("way", ["pieces", "form"])
def test_the_same_file_is_named_before_it_is_imported_again(
    author: Author, way: str
) -> None:
    data = course(title="Known")
    first = author.form(data)
    author.work()
    if way == "form":
        place = author.form(data)
    else:
        place = author.begin(len(data))
        assert author.send(place, 0, data).status_code == 204
    [known] = author.packages()
    page = author.browser.get(place).get_data(as_text=True)
    assert "You have this package already" in page
    assert f'href="/authoring/packages/{known.id}"' in page
    assert "Decide" in text_of(author.browser.get("/authoring"))
    for _ in range(2):
        answer = author.browser.post(f"{place}/accept")
        assert answer.headers["Location"] != first.replace("uploads", "packages")
    author.work()
    assert [one.status for one in author.packages()] == ["imported", "imported"]
    assert author.acts() == ["package.uploaded", "package.uploaded"]
    # one that is thrown away instead
    place = author.form(data)
    assert author.browser.post(f"{place}/discard").headers["Location"] == "/authoring"
    assert author.browser.get(place).status_code == 404
    assert len(author.packages()) == 2
    held = list(author.parts.storage.keys("uploads/"))
    assert held == []


def test_a_package_is_no_upload_any_more(author: Author) -> None:
    place = author.form(course())
    page = place.replace("uploads", "packages")
    for act in ("accept", "discard"):
        assert author.browser.post(f"{place}/{act}").headers["Location"] == page
    assert author.call("DELETE", place, **SPOKEN).status_code == 409
    assert len(author.packages()) == 1


def test_an_import_is_cancelled(author: Author) -> None:
    place = author.form(course())
    page = place.replace("uploads", "packages")
    assert "Cancel the import" in text_of(author.browser.get(page))
    for _ in range(2):
        answer = author.browser.post(f"{page}/cancel")
        assert answer.headers["Location"] == page
    for address in (page, "/authoring"):
        text = text_of(author.browser.get(address))
        assert '<span class="rc-pill">Cancelled</span>' in text, address
        assert "rc-pill--bad" not in text, address
        assert "cannot be used" not in text.lower(), address
        told = "The import was cancelled. Upload it again when you like."
        assert (told in text) == (address == page)
    author.work()
    assert list(author.parts.storage.keys("")) == []
    assert author.acts() == ["package.uploaded", "package.import_cancelled"]


def test_what_is_wrong_is_said(author: Author) -> None:
    answer = author.browser.post("/authoring/packages", {})
    assert answer.status_code == 400
    assert "Choose a file" in text_of(answer)
    for page in ("/authoring/packages/{}/status", "/authoring/uploads/{}"):
        unknown = author.browser.get(page.format(uuid.uuid4()))
        assert unknown.status_code == 404
    answer = author.call("POST", "/authoring/uploads", **SPOKEN, Upload_Length="0")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "upload_empty")


def test_only_the_author_who_sends(author: Author, cast: Any, caller: Any) -> None:
    """Other roles may not at all; another author knows nothing of it."""
    place = author.begin(100)
    for person, status in ((cast.manager, 403), (cast.officer, 403)):
        other = Author(author.parts, caller(person))
        for method in ("HEAD", "PATCH", "DELETE", "GET"):
            answer = other.call(method, place, **PIECE, Upload_Offset="0")
            assert answer.status_code == status, (method, person.email)
        answer = other.call("POST", "/authoring/uploads", **SPOKEN, Upload_Length="1")
        assert answer.status_code == status
    with reading(author.parts.engine) as db:
        [upload] = db.scalars(select(Upload)).all()
    assert upload.received == 0


def test_other_sites_send_nothing(author: Author) -> None:
    place = author.begin(100)
    calls = [("POST", "/authoring/uploads"), ("PATCH", place), ("DELETE", place)]
    calls += [("POST", f"{place}/{act}") for act in ("accept", "discard")]
    for method, address in calls:
        for change in ({"X-CSRFToken": "x"}, {"Origin": "https://other.example"}):
            answer = author.call(method, address, **PIECE, **change)
            assert answer.status_code == 403, (method, change)
            json.loads(answer.get_data())
    assert author.call("HEAD", place, **SPOKEN).headers["Upload-Offset"] == "0"


def test_the_page_works_without_scripts(author: Author) -> None:
    page = author.browser.get("/authoring").get_data(as_text=True)
    form = re.search(r'<form[^>]*id="upload"[^>]*>', page)
    assert form is not None
    assert 'enctype="multipart/form-data"' in form[0]
    assert 'action="/authoring/packages"' in form[0]
