"""Content types of the files that packages hold."""

import pytest

from packages.media import (
    content_type,
    is_compressible,
    is_document,
    is_media,
    rows,
    types,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("index.html", "text/html"),
        ("a/B.HTM", "text/html"),
        ("page.xhtml", "application/xhtml+xml"),
        ("player.js", "text/javascript"),
        ("player.min.mjs", "text/javascript"),
        ("style.css", "text/css"),
        ("data.json", "application/json"),
        ("player.js.map", "application/json"),
        ("site.webmanifest", "application/manifest+json"),
        ("imsmanifest.xml", "application/xml"),
        ("ims_xml.xsd", "application/xml"),
        ("a.wasm", "application/wasm"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.JPEG", "image/jpeg"),
        ("a.gif", "image/gif"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
        ("a.vtt", "text/vtt"),
        ("a.woff", "font/woff"),
        ("a.woff2", "font/woff2"),
        ("a.ttf", "font/ttf"),
        ("a.otf", "font/otf"),
        ("a.eot", "application/vnd.ms-fontobject"),
        ("a.mp4", "video/mp4"),
        ("a.m4v", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a.ogv", "video/ogg"),
        ("a.mov", "video/quicktime"),
        ("a.mp3", "audio/mpeg"),
        ("a.m4a", "audio/mp4"),
        ("a.ogg", "audio/ogg"),
        ("a.wav", "audio/wav"),
        ("list.m3u8", "application/vnd.apple.mpegurl"),
        ("a.pdf", "application/pdf"),
        ("a.swf", "application/x-shockwave-flash"),
        ("notes.txt", "text/plain"),
        ("folder.js/readme", "application/octet-stream"),
        ("a.exe", "application/octet-stream"),
        ("a.php", "application/octet-stream"),
        ("html", "application/octet-stream"),
        (".html", "application/octet-stream"),
        ("page.html.", "application/octet-stream"),
    ],
)
def test_content_type(path: str, expected: str) -> None:
    assert content_type(path) == expected


def test_an_ending_stands_once() -> None:
    endings = [ending for row in rows() for ending in row["endings"]]
    assert len(endings) == len(set(endings)) == len(types())
    assert endings == [ending.lower() for ending in endings]
    assert len({row["name"] for row in rows()}) == len(rows())


def test_rows_have_no_member_that_nobody_reads() -> None:
    known = {"name", "endings", "document", "packs", "media"}
    assert set().union(*rows()) == known


@pytest.mark.parametrize(
    ("kind", "smaller"),
    [
        ("text/html", True),
        ("text/javascript", True),
        ("text/vtt", True),
        ("application/json", True),
        ("image/svg+xml", True),
        ("application/wasm", True),
        ("font/ttf", True),
        ("font/woff2", False),
        ("image/png", False),
        ("video/mp4", False),
        ("audio/mpeg", False),
        ("application/pdf", False),
        ("application/zip", False),
        ("application/octet-stream", False),
    ],
)
def test_is_compressible(kind: str, *, smaller: bool) -> None:
    assert is_compressible(kind) is smaller


def test_text_gets_smaller() -> None:
    assert all(is_compressible(row["name"]) for row in rows() if "text/" in row["name"])


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "application/xhtml+xml",
        "application/xml",
        "image/svg+xml",
        "application/pdf",
    ],
)
def test_what_a_browser_shows_as_a_page_is_a_document(kind: str) -> None:
    assert is_document(kind)


def test_media_are_audio_and_video_alone() -> None:
    kinds = {row["name"] for row in rows()}
    media = {kind for kind in kinds if is_media(kind)}
    assert {kind.partition("/")[0] for kind in media} == {"audio", "video"}
    assert not any(is_document(kind) or is_compressible(kind) for kind in media)
    assert {"video/mp4", "video/webm", "audio/mpeg", "audio/mp4"} <= media
