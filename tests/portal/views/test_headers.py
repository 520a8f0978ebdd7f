"""The headers of what is no page, and of an installation that is encrypted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

import wsgi

if TYPE_CHECKING:
    from lrs.parts import Parts


@pytest.fixture
def database() -> str:
    """Give one kind of database: nothing here differs between them."""
    return "sqlite"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/account", "application/problem+json"),
        ("/nothing", "application/problem+json"),
        ("/api/v1/packages", "application/problem+json"),
        ("/metrics", "text/plain"),
        ("/health/live", "application/json"),
    ],
)
def test_data_is_not_shown_as_a_page(parts: Parts, path: str, kind: str) -> None:
    client = Client(wsgi.create_app(parts))
    answer = client.get(path, headers={"Accept": "application/json"})
    assert answer.mimetype == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/sign-in", "/nothing", "/health/live", "/xapi/about"]
)
def test_encrypted_stays_encrypted(parts: Parts, path: str) -> None:
    kept = "Strict-Transport-Security"
    assert kept not in Client(wsgi.create_app(parts)).get(path).headers
    config = replace(
        parts.config,
        portal_url="https://portal.example",
        content_url="https://content.example",
    )
    client = Client(wsgi.create_app(replace(parts, config=config)))
    assert client.get(path).headers[kept] == "max-age=31536000"
