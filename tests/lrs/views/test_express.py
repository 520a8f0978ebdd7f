"""The express way answers as Flask does, and leaves to Flask what is not plain."""

from __future__ import annotations

import io
import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from flask import Flask
from werkzeug.test import Client, EnvironBuilder

from lrs.credentials import create_credential, revoke_credential
from lrs.db import writing
from lrs.server import Observed
from lrs.views.application import process_of
from statements.errors import Unavailable
from statements.vocabulary import VOIDED
from tests.lrs.views.conftest import VERSION, Lrs, statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

PATH = "/xapi/statements"
JSON = "application/json"
ATTACHMENT = {
    "usageType": "http://example.org/usage",
    "display": {"en": "A file"},
    "contentType": "text/plain",
    "length": 3,
    "sha2": "a" * 64,
    "fileUrl": "http://example.org/file",
}
KNOWN_ID = str(uuid.UUID(int=7))


class Ways:
    """One application by both ways; each call tells whether Flask was asked."""

    def __init__(self, lrs: Lrs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lrs = lrs
        self.asked = 0
        full = Flask.full_dispatch_request

        def counted(app: Flask) -> Any:
            self.asked += 1
            return full(app)

        monkeypatch.setattr(Flask, "full_dispatch_request", counted)
        lrs.store(statement(id=KNOWN_ID), statement(), statement())
        # from the second request on a caller is remembered, and its use is noted
        assert lrs.get().status_code == 200

    def by_flask(self, **request: Any) -> TestResponse:
        def plain(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
            return Flask.wsgi_app(self.lrs.app, environ, start)

        return Client(plain).open(**self.request(request))  # type: ignore[return-value]

    def express(self, **request: Any) -> tuple[TestResponse, bool]:
        before = self.asked
        answer = self.lrs.app.test_client().open(**self.request(request))
        return answer, self.asked == before

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        headers = self.lrs.headers() | request.pop("headers", {})
        present = {name: one for name, one in headers.items() if one is not None}
        return {"path": PATH, "headers": present} | request


@pytest.fixture
def ways(lrs: Lrs, monkeypatch: pytest.MonkeyPatch) -> Ways:
    return Ways(lrs, monkeypatch)


def told(answer: TestResponse) -> tuple[int, dict[str, str], Any]:
    """What does not change from one request to the next."""
    headers = {name: text for name, text in answer.headers if "Consistent" not in name}
    names = [name for name, _ in answer.headers]
    assert len(names) == len(set(names)), names
    assert VERSION in headers
    if answer.status_code < 500:
        assert "X-Experience-API-Consistent-Through" in names
    body = answer.get_json(silent=True) or answer.text
    return answer.status_code, headers, body


AGENT = orjson.dumps({"mbox": "mailto:officer@example.org"}).decode()
READINGS = {
    "all": ({}, {}, True),
    "a page": ({"limit": "1"}, {}, True),
    "ascending": ({"limit": "2", "ascending": "true"}, {}, True),
    "an agent": ({"agent": AGENT}, {}, True),
    "nothing found": ({"verb": "http://example.org/none"}, {}, False),
    "since long ago": ({"since": "2020-01-01T00:00:00Z"}, {}, True),
    "version 2.0": ({}, {VERSION: "2.0.0"}, True),
    "version 1.0": ({}, {VERSION: "1.0"}, True),
    "until now": ({"until": "2999-01-01T00:00:00Z"}, {}, False),
    "ids": ({"format": "ids"}, {}, False),
    "canonical": ({"format": "canonical"}, {}, False),
    "attachments": ({"attachments": "false"}, {}, True),
    "one": ({"statementId": KNOWN_ID}, {}, False),
    "one that is voided": ({"voidedStatementId": KNOWN_ID}, {}, False),
    "an unknown parameter": ({"page": "2"}, {}, False),
    "a wrong limit": ({"limit": "-1"}, {}, False),
    "a cursor of nobody's": ({"cursor": "abc"}, {}, False),
    "no version": ({}, {VERSION: None}, False),
    "version 3.0": ({}, {VERSION: "3.0.0"}, False),
    "no caller": ({}, {"Authorization": None}, False),
    "an unknown caller": ({}, {"Authorization": "Basic bm86Ym9keQ=="}, False),
}


@pytest.mark.parametrize("name", READINGS)
def test_reading_is_the_same_by_both_ways(ways: Ways, name: str) -> None:
    query, headers, is_express = READINGS[name]
    request = {"method": "GET", "query_string": query, "headers": headers}
    answer, was_express = ways.express(**request)
    assert was_express is is_express
    assert told(answer) == told(ways.by_flask(**request))


def test_a_page_leads_on_from_way_to_way(ways: Ways) -> None:
    found: list[str] = []
    address: str | None = f"{PATH}?limit=1"
    while address:
        one, was_express = ways.express(method="GET", path=address)
        other = ways.by_flask(method="GET", path=address)
        assert was_express
        assert one.get_json() == other.get_json()
        found += [each["id"] for each in one.get_json()["statements"]]
        address = one.get_json()["more"]
    assert len(set(found)) == 3
    assert KNOWN_ID in found


def bodies() -> dict[str, tuple[Any, str, bool]]:
    """Name -> body, its type, whether it is stored at once."""
    void = {"objectType": "StatementRef", "id": KNOWN_ID}
    return {
        "one": (statement(), JSON, True),
        "one without id": ({**statement(), "id": None}, JSON, False),
        "a list": ([statement(), statement()], JSON, True),
        "in UTF-8": (statement(), f"{JSON}; charset=utf-8", True),
        "in another spelling": (statement(), f"{JSON}; charset=UTF-8", False),
        "none": ([], JSON, False),
        "of another type": (statement(), "text/plain", False),
        "with a file": (statement(attachments=[ATTACHMENT]), JSON, False),
        "no JSON": (b"{", JSON, False),
        "of a wrong kind": (7, JSON, False),
        "invalid": ([statement(), statement(verb={})], JSON, False),
        "twice in a list": ([statement(id=str(uuid.UUID(int=9)))] * 2, JSON, False),
        "known": (statement(id=KNOWN_ID), JSON, True),
        "known and other": (
            statement(id=KNOWN_ID, verb={"id": "http://example.org/other"}),
            JSON,
            False,
        ),
        "voiding": (statement(verb={"id": VOIDED}, object=void), JSON, True),
    }


@pytest.mark.parametrize("name", bodies())
def test_storing_is_the_same_by_both_ways(ways: Ways, name: str) -> None:
    body, kind, is_express = bodies()[name]
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    request = {"method": "POST", "data": raw, "content_type": kind}
    answer, was_express = ways.express(**request)
    assert was_express is is_express
    assert told(answer) == told(ways.by_flask(**request))
    if answer.status_code == 200:
        listed = body if isinstance(body, list) else [body]
        assert answer.get_json() == [one["id"] for one in listed]
        for one in answer.get_json():
            stored = ways.by_flask(method="GET", query_string={"statementId": one})
            assert stored.get_json()["id"] == one


def test_a_statement_without_id_is_stored_once(ways: Ways) -> None:
    body = statement()
    del body["id"]
    request = {"method": "POST", "data": orjson.dumps(body), "content_type": JSON}
    answer, was_express = ways.express(**request)
    assert was_express
    [given] = answer.get_json()
    assert re.fullmatch(r"[0-9a-f-]{36}", given)
    assert len(ways.lrs.found()) == 4


def test_what_the_store_refuses_is_tried_once(
    ways: Ways, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(write: Any) -> None:
        tries.append(write)
        raise Unavailable("Busy; try again.")

    monkeypatch.setattr(process_of(ways.lrs.app).commits, "store", refuse)
    raw = orjson.dumps(statement())
    answer, _ = ways.express(method="POST", data=raw, content_type=JSON)
    assert (answer.status_code, len(tries)) == (503, 1)
    assert answer.get_json()["detail"] == "Busy; try again."
    # all of the body was read, so the connection may go on
    assert "Connection" not in answer.headers


def test_a_body_that_breaks_off_is_refused(ways: Ways) -> None:
    raw = orjson.dumps(statement())
    builder = EnvironBuilder(
        path=PATH, method="POST", headers=ways.lrs.headers(), content_type=JSON
    )
    environ = builder.get_environ()
    environ["wsgi.input"] = io.BytesIO(raw[:50])
    environ["CONTENT_LENGTH"] = str(len(raw))
    observed = Observed(ways.lrs.app.wsgi_app, site="lrs")
    status: list[str] = []
    body = b"".join(observed(environ, lambda line, *_: status.append(line)))
    assert status == ["400 BAD REQUEST"]
    assert b"broke off" in body
    assert len(ways.lrs.found()) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_revoked_credential_is_refused_at_once(ways: Ways, method: str) -> None:
    with writing(ways.lrs.parts.engine) as db:
        revoke_credential(db, key=ways.lrs.issued.key, now=datetime.now(UTC))
    raw = orjson.dumps(statement()) if method == "POST" else None
    answer, was_express = ways.express(method=method, data=raw, content_type=JSON)
    assert (answer.status_code, was_express) == (401, False)
    assert len(ways.lrs.with_scopes(["all"]).found()) == 3


@pytest.mark.parametrize(
    ("scope", "method", "status"),
    [
        ("statements/write", "POST", 200),
        ("statements/write", "GET", 403),
        ("statements/read", "GET", 200),
        ("statements/read", "POST", 403),
        ("statements/read/mine", "GET", 200),
        ("profile", "GET", 403),
    ],
)
def test_scopes_hold(ways: Ways, scope: str, method: str, status: int) -> None:
    ways.lrs = ways.lrs.with_scopes([scope])
    for _ in range(3):
        raw = orjson.dumps(statement()) if method == "POST" else None
        answer, _ = ways.express(method=method, data=raw, content_type=JSON)
        assert answer.status_code == status
    if scope == "statements/read/mine":
        # the statements are another credential's
        assert answer.get_json()["statements"] == []


def test_a_limited_credential_is_counted(ways: Ways) -> None:
    with writing(ways.lrs.parts.engine) as db:
        ways.lrs.issued = create_credential(
            db,
            tenant=1,
            name="Limited",
            home_page="http://example.org",
            now=datetime.now(UTC),
            per_minute=2,
        )
    statuses = [ways.express(method="GET")[0].status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_reading_behind_the_wall_is_left_to_the_view(ways: Ways) -> None:
    ways.lrs = ways.lrs.with_scopes(["all", "pretest/read"])
    ways.express(method="GET")
    answer, was_express = ways.express(method="GET")
    assert (answer.status_code, was_express) == (200, False)
