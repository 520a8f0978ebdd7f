"""Tokens over HTTP, as RFC 6749, 6750, 7009 and 8414 have it."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lrs.credentials import SCOPES, create_credential, revoke_credential
from lrs.db import writing
from lrs.tables import MAIN_TENANT
from tests.lrs.views.conftest import Lrs, statement

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

GRANT = {"grant_type": "client_credentials"}


def basic(key: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def ask(
    lrs: Lrs,
    form: Any,
    headers: dict[str, str] | None = None,
    *,
    path: str = "/xapi/oauth/token",
    query: dict[str, str] | None = None,
) -> TestResponse:
    if headers is None:
        headers = basic(lrs.issued.key, lrs.issued.secret)
    return lrs.app.test_client().post(
        path, data=form, headers=headers, query_string=query
    )


def token_of(lrs: Lrs, scope: str = "") -> str:
    answer = ask(lrs, GRANT | ({"scope": scope} if scope else {}))
    assert answer.status_code == 200, answer.text
    token: str = answer.get_json()["access_token"]
    return token


def with_token(
    lrs: Lrs, token: str, method: str = "GET", body: Any = None
) -> TestResponse:
    return lrs.call(method, body=body, headers={"Authorization": f"Bearer {token}"})


def test_a_credential_buys_a_token(lrs: Lrs) -> None:
    answer = ask(lrs, GRANT)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    body = answer.get_json()
    token = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "all"}
    one = statement()
    assert with_token(lrs, token, "POST", one).status_code == 200
    assert with_token(lrs, token).status_code == 200
    # the same authority as with the secret itself
    (stored,) = lrs.get().get_json()["statements"]
    assert stored["authority"]["account"]["name"] == lrs.issued.key
    mine = lrs.with_scopes(["statements/read/mine"])
    assert mine.found() == []


def test_key_and_secret_may_stand_in_the_form(lrs: Lrs) -> None:
    pair = {"client_id": lrs.issued.key, "client_secret": lrs.issued.secret}
    answer = ask(lrs, GRANT | pair, {})
    assert answer.status_code == 200
    assert with_token(lrs, answer.get_json()["access_token"]).status_code == 200


def test_a_token_reads_what_its_credential_wrote(lrs: Lrs) -> None:
    narrow = lrs.with_scopes(["statements/write", "statements/read/mine"])
    narrow.store(statement())
    lrs.store(statement())
    token = token_of(narrow, "statements/read/mine")
    found = with_token(narrow, token).get_json()["statements"]
    assert len(found) == 1
    refused = with_token(narrow, token, "POST", statement())
    assert refused.status_code == 403
    assert refused.get_json()["code"] == "missing_scope"
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="insufficient_scope", scope="statements/write"' in challenge


@pytest.mark.parametrize(
    ("form", "headers", "error", "status"),
    [
        ({}, None, "invalid_request", 400),
        ({"scope": "all"}, None, "invalid_request", 400),
        ({"grant_type": ""}, None, "unsupported_grant_type", 400),
        ({"grant_type": "password"}, None, "unsupported_grant_type", 400),
        ({"grant_type": "authorization_code"}, None, "unsupported_grant_type", 400),
        ({"grant_type": "é\0" * 50}, None, "unsupported_grant_type", 400),
        ({"grant_type": ["client_credentials"] * 2}, None, "invalid_request", 400),
        (GRANT | {"scope": "everything"}, None, "invalid_scope", 400),
        (GRANT | {"scope": "all pretest/read"}, None, "invalid_scope", 400),
        (GRANT | {"scope": "\0"}, None, "invalid_scope", 400),
        (GRANT | {"scope": ["state", "define"]}, None, "invalid_request", 400),
        (GRANT | {"client_secret": "x"}, None, "invalid_request", 400),
        (b'{"grant_type": "client_credentials"}', None, "invalid_request", 400),
        (GRANT, {}, "invalid_client", 401),
        (GRANT, basic("unknown", "x"), "invalid_client", 401),
        (GRANT, {"Authorization": "Basic"}, "invalid_client", 401),
        (GRANT, {"Authorization": "Basic /////w=="}, "invalid_client", 401),
        (GRANT, {"Authorization": "Bearer abc"}, "invalid_client", 401),
        (GRANT, {"Authorization": "Digest x"}, "invalid_client", 401),
        (GRANT | {"client_id": "x"}, {}, "invalid_client", 401),
        (GRANT | {"client_secret": "x"}, {}, "invalid_client", 401),
        (GRANT | {"client_id": "é", "client_secret": "\0"}, {}, "invalid_client", 401),
        (GRANT | {"padding": "x" * 20_000}, None, "invalid_request", 413),
    ],
)
def test_what_buys_no_token(
    lrs: Lrs, form: Any, headers: dict[str, str] | None, error: str, status: int
) -> None:
    answer = ask(lrs, form, headers)
    assert answer.status_code == status
    body = answer.get_json()
    assert body["error"] == error
    assert body["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"
    challenge = answer.headers.get("WWW-Authenticate", "")
    assert challenge.startswith("Basic realm=") == (status == 401)


def test_what_stands_in_the_address_buys_nothing(lrs: Lrs) -> None:
    pair = {"client_id": lrs.issued.key, "client_secret": lrs.issued.secret}
    assert ask(lrs, {}, {}, query=GRANT | pair).status_code == 400
    assert ask(lrs, GRANT, {}, query=pair).status_code == 401


def test_a_token_buys_no_token(lrs: Lrs) -> None:
    token = token_of(lrs)
    answer = ask(lrs, GRANT, {"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/xapi/oauth/token", "/xapi/oauth/revoke"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_tokens_are_asked_for_by_post(lrs: Lrs, path: str, method: str) -> None:
    answer = lrs.app.test_client().open(path, method=method)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.get_json()["error"] == "invalid_request"


def test_strangers_and_old_tokens_are_told_so(lrs: Lrs) -> None:
    for header in ("Bearer unknown", "Bearer", "Bearer a b", "bearer \N{SNOWMAN}"):
        answer = lrs.call("GET", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.get_json()["code"] == "invalid_token"
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_dies_with_its_credential_at_once(lrs: Lrs) -> None:
    token = token_of(lrs)
    assert with_token(lrs, token).status_code == 200
    with writing(lrs.parts.engine) as db:
        revoke_credential(db, key=lrs.issued.key, now=datetime.now(UTC))
    assert with_token(lrs, token).status_code == 401
    assert ask(lrs, GRANT).status_code == 401


def test_a_client_takes_its_token_back(lrs: Lrs) -> None:
    first, second = token_of(lrs), token_of(lrs)
    assert with_token(lrs, first).status_code == 200
    revoke = "/xapi/oauth/revoke"
    hinted = {"token": first, "token_type_hint": "refresh_token"}
    for _ in range(2):
        assert ask(lrs, hinted, path=revoke).status_code == 200
        assert with_token(lrs, first).status_code == 401
    assert with_token(lrs, second).status_code == 200
    stranger = lrs.with_scopes(["all"])
    assert ask(stranger, {"token": second}, path=revoke).status_code == 400
    assert ask(lrs, {"token": second}, {}, path=revoke).status_code == 401
    for form in ({}, {"token_type_hint": "access_token"}):
        assert ask(lrs, form, path=revoke).get_json()["error"] == "invalid_request"
    assert with_token(lrs, second).status_code == 200


def test_tokens_count_towards_the_limit_of_their_credential(lrs: Lrs) -> None:
    with writing(lrs.parts.engine) as db:
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="small",
            home_page=lrs.parts.config.portal_url,
            now=datetime.now(UTC),
            per_minute=3,
        )
    small = replace(lrs, issued=issued)
    token = token_of(small)
    assert with_token(small, token).status_code == 200
    assert small.get().status_code == 200
    for answer in (with_token(small, token), small.get(), ask(small, GRANT)):
        assert answer.status_code == 429
        assert answer.get_json()["code"] == "too_many"
        assert 1 <= int(answer.headers["Retry-After"]) <= 20
    assert lrs.get().status_code == 200


def test_the_metadata_say_where_tokens_are_had(lrs: Lrs) -> None:
    answer = lrs.app.test_client().get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 200
    body = answer.get_json()
    issuer = lrs.parts.config.portal_url
    assert body["issuer"] == issuer
    assert body["token_endpoint"] == f"{issuer}/xapi/oauth/token"
    assert body["revocation_endpoint"] == f"{issuer}/xapi/oauth/revoke"
    assert body["grant_types_supported"] == ["client_credentials"]
    assert set(body["scopes_supported"]) == set(SCOPES)


def test_no_token_goes_over_an_open_line(lrs: Lrs) -> None:
    config = replace(lrs.parts.config, portal_url="http://lms.example")
    lrs.app.extensions["rollcall"] = replace(lrs.parts, config=config)
    answer = ask(lrs, GRANT)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "insecure_transport"
