"""The document and its page, of a record store that stands alone."""

from __future__ import annotations

import re

import pytest

from tests.lrs.views.conftest import Lrs


@pytest.fixture
def database() -> str:
    """Give one kind of database: nothing here differs between them."""
    return "sqlite"


def test_the_document_describes_its_own_calls(lrs: Lrs) -> None:
    answer = lrs.app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    document = answer.get_json()
    assert document["openapi"] == "3.1.0"
    assert sorted(document["paths"]) == [
        "/api/v1/credentials",
        "/api/v1/credentials/{credential_id}",
    ]
    call = document["paths"]["/api/v1/credentials"]["post"]
    assert call["security"] == [{"basic": []}, {"oauth2": ["credentials/write"]}]
    assert set(call["responses"]) >= {"201", "400", "401", "403", "415", "429"}
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]
    token = flow["clientCredentials"]["tokenUrl"]
    assert token == f"{lrs.parts.config.portal_url}/xapi/oauth/token"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_document_says_what_is_checked(lrs: Lrs) -> None:
    document = lrs.app.test_client().get("/api/v1/openapi.json").get_json()
    body = document["components"]["schemas"]["CredentialBody"]
    assert body["additionalProperties"] is False
    assert sorted(body["required"]) == ["name", "scopes"]
    assert body["properties"]["per_minute"]["maximum"] == 1_000_000
    shown = document["components"]["schemas"]["CredentialAnswer"]
    assert sorted(shown["required"]) == sorted(shown["properties"])
    assert "secret" not in shown["properties"]


def test_the_page_needs_nothing_from_elsewhere(lrs: Lrs) -> None:
    client = lrs.app.test_client()
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "create_a_credential" in text
    assert "credentials/write" in text
    assert "<script" not in text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)
    sheet = client.get(style)
    assert sheet.status_code == 200
    assert sheet.mimetype == "text/css"
    assert "url(" not in sheet.get_data(as_text=True)
    anchors = re.findall(r'href="#([^"]+)"', text)
    assert anchors
    assert all(f'id="{anchor}"' in text for anchor in anchors)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/credentials", 405),
        ("GET", "/api/v1/credentials/7", 404),
    ],
)
def test_unknown_addresses_are_problems(
    lrs: Lrs, method: str, path: str, status: int
) -> None:
    answer = lrs.call(method, path, headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == status
    assert {"type", "title", "code", "detail"} <= body.keys()
    assert (status == 405) == ("Allow" in answer.headers)


def test_other_addresses_are_left_alone(lrs: Lrs) -> None:
    answer = lrs.app.test_client().get("/nothing")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
