"""Documents over HTTP: added by authors, downloaded by those they are for."""

from __future__ import annotations

import io
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from portal import documents
from portal.views import pages
from tests.portal.views.text import text_of

if TYPE_CHECKING:
    from tests.portal.conftest import World

PDF = b"%PDF-1.4\n" + b"x" * 100_000


def add(world: World, browser: Any, data: bytes = PDF, **change: Any) -> Any:
    fields = {"title": "Handout <1>", "audience": "enrolled"} | change
    return browser.post(
        f"/authoring/courses/{world.course_id}/documents",
        fields | {"file": (io.BytesIO(data), "Grüße 1.pdf")},
        content_type="multipart/form-data",
    )


def place_of(world: World, browser: Any) -> str:
    text = text_of(browser.get(f"/authoring/courses/{world.course_id}"))
    found = re.search(r'href="(/courses/[^"]+/documents/[^"]+)"', text)
    assert found is not None
    return found[1]


@pytest.fixture
def author(world, caller):
    return caller(world.cast.author)


def test_for_the_enrolled(world: World, author, caller) -> None:
    assert add(world, author).status_code == 302
    place = place_of(world, author)
    officer, dispatcher = caller(world.cast.officer), caller(world.cast.dispatcher)
    assert officer.get(place).status_code == 404
    world.enrol(world.cast.officer)
    shown = text_of(officer.get(f"/courses/{world.course_id}"))
    assert "Handout &lt;1&gt;" in shown
    assert "Handout" not in text_of(dispatcher.get(f"/courses/{world.course_id}"))
    answer = officer.get(place)
    assert (answer.status_code, answer.data) == (200, PDF)
    headers = answer.headers
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == (
        "attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe%201.pdf"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert dispatcher.get(place).status_code == 404
    assert caller().get(place).status_code == 302

    removed = author.post(f"/authoring{place}/remove")
    assert removed.status_code == 302
    assert officer.get(place).status_code == 404
    assert list(world.parts.storage.keys("documents/")) == []
    assert author.post(f"/authoring{place}/remove").status_code == 404


def test_for_everyone_signed_in(world: World, author, caller) -> None:
    add(world, author, audience="everyone")
    place = place_of(world, author)
    dispatcher = caller(world.cast.dispatcher)
    assert dispatcher.get(place).status_code == 200
    assert "Handout" in text_of(dispatcher.get(f"/courses/{world.course_id}"))


def test_what_is_refused(
    world: World, author, caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pages.DOCUMENT_LIMIT > documents.LARGEST
    monkeypatch.setattr(documents, "LARGEST", 200_000)
    monkeypatch.setattr(pages, "DOCUMENT_LIMIT", 300_000)
    for data, change, status in (
        (b"<script>", {}, 400),
        (PDF, {"audience": "strangers"}, 400),
        (b"%PDF-" + bytes(200_000), {}, 413),
        (b"%PDF-" + bytes(400_000), {}, 413),
    ):
        assert add(world, author, data, **change).status_code == status, status
    course = f"/authoring/courses/{world.course_id}/documents"
    assert author.post(course, {"audience": "enrolled"}).status_code == 400
    assert add(world, caller(world.cast.manager)).status_code == 403
    elsewhere = f"/authoring/courses/{uuid.uuid4()}/documents"
    fields = {"file": (io.BytesIO(b"%PDF-"), "a.pdf"), "audience": "enrolled"}
    answer = author.post(elsewhere, fields, content_type="multipart/form-data")
    assert answer.status_code == 404
    assert list(world.parts.storage.keys("documents/")) == []
