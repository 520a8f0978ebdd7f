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


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "a page": (b" <html>", 400, "is a web page or XML. Documents are PDF"),
    "nothing": (b"", 400, "is empty. Documents are PDF"),
    "text": (b"Dear learners", 400, "is plain text. Documents are PDF"),
    "an archive": (b"PK\3\4", 400, "is a zip archive, or an Office file with macros."),
    "sound": (b"RIFF\0\xff", 400, "is of a kind that is not taken. Documents are PDF"),
    "large": (b"%PDF-" + bytes(200_000), 413, "has 200 kB. A document may have"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_form_comes_again_with_what_was_sent(
    world: World, author, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGEST", 200_000)
    data, status, told = REFUSED[name]
    answer = add(world, author, data, title="My handout", audience="everyone")
    text = text_of(answer)
    assert answer.status_code == status
    error = re.search(r'id="document-error" role="alert">([^<]+)<', text)
    assert error is not None
    assert error[1].startswith(f"“Grüße 1.pdf” {told}")
    assert 'aria-describedby="document-hint document-error"' in text
    assert 'value="My handout"' in text
    assert '<option value="everyone" selected>' in text
    # its address can be loaded again
    course = f"/authoring/courses/{world.course_id}"
    again = author.get(f"{course}/documents")
    assert again.headers["Location"] == f"{course}#documents"


def test_more_than_the_form_takes_has_the_form_again(
    world: World, author, caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "DOCUMENT_LIMIT", 300_000)
    data = b"%PDF-" + bytes(400_000)
    answer = add(world, author, data)
    assert answer.status_code == 413
    assert "The file is too large. A document may have 25 MB." in text_of(answer)
    assert 'id="document-error"' in text_of(answer)
    stranger = add(world, caller(world.cast.manager), data)
    assert 'id="document-error"' not in text_of(stranger)


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
