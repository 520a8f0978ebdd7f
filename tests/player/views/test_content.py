"""The content site over HTTP: who gets in, what comes out, under which headers."""

from __future__ import annotations

import gzip
import io
import re
from typing import TYPE_CHECKING, Any

import pytest

from lrs.parts import Parts
from lrs.storage import make_storage
from tests.player.opened import FILM, SCRIPT, Open, open_on
from tests.player.packages import scorm_12, unit

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

    from lrs.config import Config


@pytest.fixture
def opened(sqlite_engine: Engine, config: Config) -> Open:
    """Give an open launch on SQLite and files."""
    return open_on(Parts(config, sqlite_engine, make_storage(config)))


@pytest.fixture
def opened_anywhere(parts: Parts) -> Open:
    """Give an open launch on each database and storage."""
    return open_on(parts)


def check_protected(response: TestResponse, portal: str) -> None:
    policy = dict(
        part.split(" ", 1)
        for part in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["frame-ancestors"] == f"'self' {portal}"
    assert policy["object-src"] == "'none'"
    assert "allow-top-navigation" not in policy["sandbox"]
    assert {"data:", "blob:"} <= set(policy["default-src"].split())
    assert "http:" not in policy["default-src"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Origin-Agent-Cluster"] == "?1"
    assert "Cache-Control" in response.headers
    assert "Set-Cookie" not in response.headers
    assert "X-Frame-Options" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/lib/app.js", {}, 200),
        ("HEAD", "/lib/app.js", {}, 200),
        ("GET", "/lib/app.js", {"Range": "bytes=0-1"}, 206),
        ("GET", "/lib/app.js", {"Range": "bytes=999999-"}, 416),
        ("GET", "/lib/app.js", {"If-None-Match": "*"}, 304),
        ("GET", "/lib/app.js", {"If-Match": '"other"'}, 412),
        ("GET", "/nothing", {}, 404),
        ("GET", "/", {}, 404),
        ("POST", "/lib/app.js", {}, 405),
        ("PUT", "/lib/app.js", {}, 405),
        ("GET", "/lib/app.js", {"Sec-Fetch-Dest": "serviceworker"}, 403),
        ("GET", "/lib/app.js", {"Service-Worker": "script"}, 403),
        ("GET", "/__player/shell", {}, 200),
        ("GET", "/__player/shell.js", {}, 200),
        ("GET", "/__player/frame.js", {}, 404),
        ("GET", "/__player/../frame.js", {}, 404),
        ("POST", "/__player/entries", {}, 400),
        ("POST", "/__player/entries", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/__player/entries", {"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_every_status_is_protected(
    opened: Open, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = opened.client.open(
        path, method=method, headers=headers, base_url=opened.host
    )
    assert response.status_code == status
    check_protected(response, opened.site.parts.config.portal_url)


@pytest.mark.parametrize(
    "label",
    ["", "0" * 32, "f" * 31, "F" * 32, "%", "x" * 32],
)
def test_without_an_open_launch_of_the_label_there_is_nothing(
    opened: Open, label: str
) -> None:
    base = opened.host.partition("://")[2].partition(".")[2]
    host = f"http://{label}.{base}" if label else f"http://{base}"
    for path in ("/lib/app.js", "/__player/shell", "/"):
        response = opened.client.get(path, base_url=host)
        assert response.status_code == 404
        check_protected(response, opened.site.parts.config.portal_url)


def test_a_launch_that_ended_serves_no_more(opened_anywhere: Open) -> None:
    from datetime import UTC, datetime

    from lrs.db import writing
    from player import launches

    assert opened_anywhere.get("/lib/app.js").status_code == 200
    with writing(opened_anywhere.site.parts.engine) as db:
        launches.end(
            db,
            config=opened_anywhere.site.parts.config,
            launch_id=opened_anywhere.opened.launch_id,
            now=datetime.now(UTC),
        )
    assert opened_anywhere.get("/lib/app.js").status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/unit 0/page.html", "text/html"),
        ("/unit%200/page.html", "text/html"),
        ("/lib/app.js", "text/javascript"),
        ("/film.mp4", "video/mp4"),
        ("/empty.css", "text/css"),
        ("/ü/Straße [1].txt", "text/plain"),
        ("/%C3%BC/Stra%C3%9Fe%20%5B1%5D.txt", "text/plain"),
        ("/100%2525.txt", "text/plain"),
        ("/imsmanifest.xml", "application/xml"),
        ("/noend", "application/octet-stream"),
    ],
)
def test_types(opened: Open, path: str, kind: str) -> None:
    response = opened.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == kind


def test_keys_are_exact(opened_anywhere: Open) -> None:
    assert opened_anywhere.get("/lib/App.js").data == b"other case"
    for path in (
        "/LIB/app.js",
        "/lib//app.js",
        "//lib/app.js",
        "/lib/./app.js",
        "/lib/../lib/app.js",
        "/lib%2Fapp.js%00",
        "/lib/app.js/",
        "/lib",
        "/lib/",
        "/lib/app.js.",
        "/lib\\app.js",
        "/%2e%2e/lib/app.js",
    ):
        assert opened_anywhere.get(path).status_code == 404, path


def test_cookies_are_neither_read_nor_set(opened: Open) -> None:
    opened.client.set_cookie("session", "stolen", domain="localhost")
    response = opened.get("/lib/app.js", Cookie="session=stolen")
    assert response.status_code == 200
    assert "Cookie" not in response.headers.get("Vary", "")


def test_compression_of_what_gets_smaller(opened_anywhere: Open) -> None:
    response = opened_anywhere.get("/lib/app.js", Accept_Encoding="gzip, br")
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.data).decode() == SCRIPT
    assert response.headers["ETag"].endswith('-gzip"')
    assert "Accept-Encoding" in response.headers["Vary"]
    again = opened_anywhere.get(
        "/lib/app.js", Accept_Encoding="gzip", If_None_Match=response.headers["ETag"]
    )
    assert (again.status_code, again.data) == (304, b"")
    for headers in ({}, {"Accept_Encoding": "gzip;q=0"}, {"Accept_Encoding": "br"}):
        plain = opened_anywhere.get("/lib/app.js", **headers)
        assert "Content-Encoding" not in plain.headers
        assert plain.data.decode() == SCRIPT
        assert plain.headers["Content-Length"] == str(len(SCRIPT))
    film = opened_anywhere.get("/film.mp4", Accept_Encoding="gzip")
    assert "Content-Encoding" not in film.headers


def test_documents_are_asked_for_again_the_rest_never(opened: Open) -> None:
    assert opened.get("/unit 0/page.html").headers["Cache-Control"] == (
        "private, no-cache"
    )
    assert opened.get("/film.mp4").headers["Cache-Control"] == (
        "private, max-age=31536000, immutable"
    )
    assert opened.get("/nothing").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("purpose", "handed_out"), [("iframe", True), ("document", True), ("empty", False)]
)
def test_a_pdf_is_handed_out_where_it_would_be_shown(
    opened: Open, purpose: str, *, handed_out: bool
) -> None:
    response = opened.get("/handout.pdf", Sec_Fetch_Dest=purpose)
    assert response.status_code == 200
    assert ("Content-Disposition" in response.headers) == handed_out
    assert "Sec-Fetch-Dest" in response.headers["Vary"]


def test_one_range(opened_anywhere: Open) -> None:
    response = opened_anywhere.get("/film.mp4", Range="bytes=1000-1999")
    assert response.status_code == 206
    assert response.data == FILM[1000:2000]
    assert response.headers["Content-Range"] == f"bytes 1000-1999/{len(FILM)}"
    assert response.headers["Content-Length"] == "1000"
    tail = opened_anywhere.get("/film.mp4", Range="bytes=-5")
    assert tail.data == FILM[-5:]


def test_several_ranges(opened_anywhere: Open) -> None:
    response = opened_anywhere.get("/film.mp4", Range="bytes=0-9,100000-100009")
    assert response.status_code == 206
    kind = response.headers["Content-Type"]
    match = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", kind)
    assert match
    pieces = response.data.split(b"--" + match[1].encode())
    assert len(pieces) == 4
    assert pieces[1].endswith(b"\r\n\r\n" + FILM[:10] + b"\r\n")
    assert pieces[2].endswith(b"\r\n\r\n" + FILM[100000:100010] + b"\r\n")
    assert pieces[3] == b"--\r\n"


def test_a_range_of_another_version_gives_the_whole(opened: Open) -> None:
    etag = opened.get("/film.mp4").headers["ETag"]
    assert opened.get("/film.mp4", Range="bytes=0-1", If_Range=etag).status_code == 206
    for other in ('"other"', f"W/{etag}"):
        whole = opened.get("/film.mp4", Range="bytes=0-1", If_Range=other)
        assert (whole.status_code, len(whole.data)) == (200, len(FILM))


def test_a_file_that_storage_lost_is_an_answer_not_a_crash(
    opened_anywhere: Open,
) -> None:
    storage = opened_anywhere.site.parts.storage
    for key in list(storage.keys("")):
        storage.delete(key)
    for headers in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=0-1,5-6"}):
        response = opened_anywhere.get("/film.mp4", **headers)
        assert response.status_code == 404
        check_protected(response, opened_anywhere.site.parts.config.portal_url)


def test_head_has_the_headers_and_no_body(opened: Open) -> None:
    got = opened.get("/film.mp4")
    head = opened.client.head("/film.mp4", base_url=opened.host)
    assert head.data == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


def test_the_shell_knows_the_portal(opened: Open) -> None:
    page = opened.get("/__player/shell").text
    assert f'data-portal="{opened.site.parts.config.portal_url}"' in page


def post_tail(opened: Open, body: Any) -> TestResponse:
    return opened.client.post("/__player/entries", json=body, base_url=opened.host)


ENTRY = {
    "uuid": "7a8bd1a1-6c1b-4f6e-9f0a-0d5a6c3b1a11",
    "seq": 1,
    "kind": "initialize",
    "changes": [],
    "at": "2026-03-02T17:00:00Z",
    "mono": 1,
    "prev": "",
}


def test_a_stranger_is_refused_before_a_body_is_read(opened: Open) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            pytest.fail("the body was read")

    response = opened.client.post(
        "/__player/entries",
        base_url=f"http://{'0' * 32}.content.localhost:8000",
        input_stream=Unread(),
        content_length=1000,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 404


def test_the_tail_of_a_closed_tab_is_committed(opened_anywhere: Open) -> None:
    from datetime import UTC, datetime

    from lrs.db import writing
    from player import launches

    with writing(opened_anywhere.site.parts.engine) as db:
        launches.start(
            db,
            config=opened_anywhere.site.parts.config,
            launch_id=opened_anywhere.opened.launch_id,
            now=datetime.now(UTC),
        )
    body = {"launch": str(opened_anywhere.opened.launch_id), "entries": [ENTRY]}
    for _ in range(2):
        response = post_tail(opened_anywhere, body)
        assert response.status_code == 200, response.text
        assert response.json is not None
        assert response.json["committed_seq"] == 1


def test_the_tail_of_another_label_is_refused(opened: Open) -> None:
    package = opened.site.add(scorm_12({"Two": unit("Two")}))
    other = opened.site.launch(package, learner="learner-2")
    body = {"launch": str(other.launch_id), "entries": [ENTRY]}
    assert post_tail(opened, body).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, [], {"launch": "x", "entries": []}, {"launch": 1, "entries": "x"}]
)
def test_a_malformed_tail_is_refused(opened: Open, body: Any) -> None:
    assert 400 <= post_tail(opened, body).status_code < 500
