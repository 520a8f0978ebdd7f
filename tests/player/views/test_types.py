import pytest

from packages.media import TYPES
from player.views.types import DOCUMENTS, is_compressible


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


def test_documents_are_types_that_files_can_have() -> None:
    assert set(TYPES.values()) >= DOCUMENTS


def test_what_runs_scripts_by_itself_is_a_document() -> None:
    assert {"text/html", "application/xhtml+xml", "image/svg+xml"} <= DOCUMENTS
