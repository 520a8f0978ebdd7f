"""Content types of the files that packages hold."""

import pytest

from packages.media import content_type


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("index.html", "text/html"),
        ("a/B.HTM", "text/html"),
        ("player.js", "text/javascript"),
        ("player.min.mjs", "text/javascript"),
        ("a.wasm", "application/wasm"),
        ("a.svg", "image/svg+xml"),
        ("a.vtt", "text/vtt"),
        ("a.woff2", "font/woff2"),
        ("a.webp", "image/webp"),
        ("a.mp4", "video/mp4"),
        ("folder.js/readme", "application/octet-stream"),
        ("a.exe", "application/octet-stream"),
        ("html", "application/octet-stream"),
    ],
)
def test_content_type(path: str, expected: str) -> None:
    assert content_type(path) == expected
