from __future__ import annotations

import io
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from lrs.clock import STEP
from lrs.views.alone import create_app
from lrs.views.xapi import MAX_BODY, MAX_DRAINED_OF_STRANGERS
from tests.lrs.views.conftest import VERSION, Lrs, Own, statement

ANSWERED = [
    ("1.0", "1.0.3"),
    ("1.0.0", "1.0.3"),
    ("1.0.3", "1.0.3"),
    ("1.0.9", "1.0.3"),
    ("2.0", "2.0.0"),
    ("2.0.0", "2.0.0"),
    ("2.0.1", "2.0.0"),
]


def test_the_version_is_that_of_the_request(lrs: Lrs) -> None:
    for given, answered in ANSWERED:
        answer = lrs.call("GET", headers={VERSION: given})
        assert answer.status_code == 200
        assert answer.headers[VERSION] == answered


def test_other_versions_are_refused(lrs: Lrs) -> None:
    for given in ("", "0.9", "1", "1.1.0", "2.1.0", "3.0.0", "1.0.3x"):
        answer = lrs.call("POST", body=statement(), headers={VERSION: given})
        assert answer.status_code == 400, given
        assert answer.get_json()["code"] == "unsupported_version"
        named = {"": "0.95", "2": "2.0.0"}.get(given[:1], "1.0.3")
        assert answer.headers[VERSION] == named


def test_statements_say_which_version_they_are_of(lrs: Lrs) -> None:
    (old,) = lrs.store(statement())
    (new,) = lrs.speaking("2.0.0").store(statement())
    (kept,) = lrs.speaking("2.0.0").store(statement(version="1.0.1"))
    for speaker in (lrs, lrs.speaking("2.0.0")):
        read = [
            speaker.get(statementId=one).get_json()["version"]
            for one in (old, new, kept)
        ]
        assert read == ["1.0.0", "2.0.0", "1.0.1"]


def test_what_2_0_brought_needs_2_0(lrs: Lrs) -> None:
    agent = {"objectType": "contextAgent", "agent": {"mbox": "mailto:a@example.org"}}
    sent = statement(context={"contextAgents": [agent]})
    answer = lrs.post(sent)
    assert answer.status_code == 400
    assert answer.get_json()["path"] == "$.context.contextAgents"
    assert lrs.speaking("2.0.0").post(sent).status_code == 200
    query = {"agent": '{"mbox":"mailto:a@example.org"}'}
    assert lrs.found(**query) == []
    assert lrs.found(**query, related_agents="true") == [sent["id"]]


def test_browsers_of_other_sites_may_ask(lrs: Lrs) -> None:
    answer = lrs.app.test_client().options(
        "/xapi/statements",
        headers={
            "Origin": "http://content.localhost:8000",
            "Access-Control-Request-Method": "POST",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    exposed = lrs.get().headers["Access-Control-Expose-Headers"]
    assert "X-Experience-API-Consistent-Through" in exposed
    # no cookies: an answer may be read by every site, so it must not be the user's
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_a_preflight_tells_the_methods_of_the_address(lrs: Lrs) -> None:
    for path, methods in (
        ("/xapi/statements", {"GET", "HEAD", "POST", "PUT", "OPTIONS"}),
        ("/xapi/about", {"GET", "HEAD", "OPTIONS"}),
    ):
        answer = lrs.app.test_client().options(path)
        for name in ("Allow", "Access-Control-Allow-Methods"):
            assert set(answer.headers[name].split(", ")) == methods


def test_headers_of_every_answer(lrs: Lrs) -> None:
    for answer in (
        lrs.get(),
        lrs.get("/xapi/about"),
        lrs.get("/xapi"),
        lrs.get("/xapi/"),
        lrs.get("/xapi/nowhere"),
        lrs.get(limit="x"),
        lrs.call("PATCH"),
        lrs.call("TRACE"),
        lrs.call("HEAD"),
        lrs.call("OPTIONS"),
        lrs.call("GET", headers={"Authorization": "Basic eDp5"}),
        lrs.call("GET", headers={VERSION: "7"}),
        lrs.call("POST", body=b"{"),
    ):
        assert answer.headers[VERSION] == "1.0.3"
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert VERSION in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "private, no-cache"
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"ETag", "Last-Modified", VERSION} <= set(exposed)


@pytest.mark.parametrize(
    ("given", "expected"), [("1.0.3", "1.0.3"), ("2.0.0", "2.0.0"), ("", "2.0.0")]
)
def test_a_body_in_chunks_is_refused_as_all_else_is(
    own: Own, given: str, expected: str
) -> None:
    own = replace(own, app=create_app(own.parts))
    chunks = {VERSION: given, "Transfer-Encoding": "chunked"}
    for path in ("/xapi/statements", "/xapi/activities/state"):
        answer = own.call("POST", path, body=b"[]", headers=chunks)
        assert answer.status_code == 411
        assert answer.get_json()["code"] == "length_required"
        assert answer.headers[VERSION] == expected
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert VERSION in answer.headers["Access-Control-Expose-Headers"]
    elsewhere = own.call("POST", "/health/live", body=b"[]", headers=chunks)
    assert elsewhere.status_code == 411
    assert VERSION not in elsewhere.headers


def test_a_slash_too_many_is_overlooked(own: Own) -> None:
    """As content has it that puts one of its own behind the endpoint (cmi5, 8.1.1)."""
    sent = statement()
    answer = own.call("POST", "/xapi//statements", body=sent)
    assert (answer.status_code, answer.get_json()) == (200, [sent["id"]])
    for path in ("/xapi//statements", "/xapi///statements"):
        found = own.call("GET", path, statementId=sent["id"])
        assert (found.status_code, found.get_json()["id"]) == (200, sent["id"])
    state = {"activityId": "http://example.org/a", "stateId": "s"}
    state["agent"] = '{"mbox":"mailto:a@example.org"}'
    path = "/xapi//activities//state"
    assert own.call("PUT", path, body=b"x", **state).status_code == 204
    assert own.call("GET", path, **state).data == b"x"


def test_a_refusal_tells_how_far_the_log_is_as_well(lrs: Lrs) -> None:
    name = "X-Experience-API-Consistent-Through"
    lrs.store(statement())
    asked = datetime.now(UTC) + STEP
    while datetime.now(UTC) < asked:
        time.sleep(0.01)
    for refused in (lrs.get(limit="x"), lrs.post({})):
        assert refused.status_code == 400
        assert datetime.fromisoformat(refused.headers[name]) >= asked - STEP
    stranger = lrs.call("GET", headers={"Authorization": "Basic eDp5"})
    assert datetime.fromisoformat(stranger.headers[name]) < datetime.now(UTC)


def test_a_refusal_needs_no_database(lrs: Lrs, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("", {}, psycopg.errors.AdminShutdown())

    monkeypatch.setattr("lrs.views.xapi.consistent_through", away)
    answer = lrs.get(limit="x")
    assert answer.status_code == 400
    assert "X-Experience-API-Consistent-Through" not in answer.headers


def test_head_answers_as_get_without_a_body(lrs: Lrs) -> None:
    (one,) = lrs.store(statement())
    for path, query in (
        ("/xapi/statements", {"statementId": one}),
        ("/xapi/statements", {"limit": "1", "format": "ids"}),
        ("/xapi/statements", {"attachments": "true", "statementId": one}),
        ("/xapi/statements", {"limit": "x"}),
        ("/xapi/about", {}),
        ("/xapi/nowhere", {}),
    ):
        got = lrs.call("GET", path, **query)
        asked = lrs.call("HEAD", path, **query)
        assert asked.data == b""
        assert asked.status_code == got.status_code
        moving = {"X-Experience-API-Consistent-Through", "Content-Type"}
        assert {name: value for name, value in asked.headers if name not in moving} == {
            name: value for name, value in got.headers if name not in moving
        }
        assert asked.mimetype == got.mimetype


def alternate(
    lrs: Lrs, method: str, path: str = "/xapi/statements", **form: str
) -> TestResponse:
    """Send a request with nothing outside the form, as an old browser does."""
    headers = lrs.headers()
    whole = {name.replace("_", "-"): value for name, value in form.items()}
    return lrs.app.test_client().post(
        f"{path}?method={method}",
        data=urlencode({**headers, **whole}),
        content_type="text/plain",
    )


def test_the_alternate_syntax_of_1_0(lrs: Lrs) -> None:
    sent: Any = statement()
    body = orjson.dumps(sent).decode()
    answer = alternate(lrs, "PUT", statementId=sent["id"], content=body)
    assert answer.status_code == 204, answer.text
    answer = alternate(lrs, "GET", statementId=sent["id"])
    assert answer.get_json()["id"] == sent["id"]
    assert answer.headers[VERSION] == "1.0.3"
    answer = alternate(lrs, "POST", content=orjson.dumps([statement()]).decode())
    assert answer.status_code == 200, answer.text
    assert len(lrs.found()) == 2
    answer = alternate(lrs, "HEAD", statementId=sent["id"])
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    page = alternate(lrs, "GET", limit="1").get_json()
    assert lrs.get(page["more"]).get_json()["statements"][0]["id"] == sent["id"]


def test_the_alternate_syntax_refused(lrs: Lrs) -> None:
    content = orjson.dumps(statement()).decode()
    for status, code, answer in (
        (401, "unauthenticated", alternate(lrs, "GET", Authorization="Basic eDp5")),
        (
            400,
            "unsupported_version",
            alternate(lrs, "GET", X_Experience_API_Version=""),
        ),
        (400, "invalid_form", alternate(lrs, "PUT", statementId="a")),
        (400, "invalid_parameter", alternate(lrs, "POST", content=content, a="b")),
        (400, "no_alternate_syntax", alternate(lrs.speaking("2.0.0"), "GET")),
        (405, "method_not_allowed", alternate(lrs, "DELETE")),
        (404, "not_found", alternate(lrs, "GET", "/xapi/nowhere")),
    ):
        assert answer.status_code == status, answer.text
        assert answer.get_json()["code"] == code
    assert lrs.found() == []


def test_a_parameter_named_method_is_no_other_syntax(lrs: Lrs) -> None:
    sent: Any = statement()
    for client in (lrs, lrs.speaking("2.0.0")):
        path = f"/xapi/statements?method=POST&statementId={sent['id']}"
        answer = client.call("PUT", path, body=sent)
        assert answer.status_code == 400
    assert lrs.found() == []


def test_a_refused_body_is_read_so_that_the_refusal_arrives(lrs: Lrs) -> None:
    known = lrs.headers(**{"Content-Type": "text/x-unknown"})
    stranger = known | {"Authorization": "Basic eDp5"}
    for headers, length, is_read in (
        (known, 5_000_000, True),
        (known, MAX_BODY + 1, False),
        (known | {"Expect": "100-continue"}, 5_000, False),
        (stranger, MAX_DRAINED_OF_STRANGERS, True),
        (stranger, MAX_DRAINED_OF_STRANGERS + 1, False),
    ):
        body = io.BytesIO(b"x" * length)
        answer = lrs.app.test_client().post(
            "/xapi/statements",
            input_stream=body,
            headers=headers,
            content_length=length,
        )
        assert answer.status_code in {400, 401, 413}
        assert (body.tell() == length) is is_read


def test_answers_are_data(lrs: Lrs) -> None:
    for answer in (lrs.get(), lrs.get(limit="x"), lrs.get("/xapi/about")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith(
            "default-src 'none'"
        )


def test_a_body_too_long_is_refused_unread(lrs: Lrs) -> None:
    answer = lrs.app.test_client().post(
        "/xapi/statements",
        data=b"[]",
        headers=lrs.headers(**{"Content-Type": "application/json"}),
        environ_overrides={"CONTENT_LENGTH": str(MAX_BODY + 1)},
    )
    assert answer.status_code == 413
    assert answer.get_json()["limit"] == MAX_BODY


def test_a_body_that_does_not_say_how_long_it_is(
    lrs: Lrs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrs.views.xapi.MAX_BODY", 10)
    headers = {"Transfer-Encoding": "chunked"}
    answer = lrs.app.test_client().post(
        "/xapi/statements",
        input_stream=io.BytesIO(b"[" * 100),
        headers=lrs.headers(**headers, **{"Content-Type": "application/json"}),
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


def test_what_is_not_there(lrs: Lrs) -> None:
    answer = lrs.get("/xapi/nothing/here")
    assert answer.status_code == 404
    assert answer.get_json()["code"] == "not_found"
    for method in ("DELETE", "PATCH", "TRACE", "OTHER"):
        answer = lrs.call(method, "/xapi/about")
        assert answer.status_code == 405
        assert answer.get_json()["code"] == "method_not_allowed"
        assert {"GET", "HEAD"} <= set(answer.headers["Allow"].split(", "))


def test_a_fault_of_ours_tells_nothing(
    lrs: Lrs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "SELECT secret FROM somewhere"
        raise RuntimeError(message)

    monkeypatch.setattr("lrs.query.find_statements", broken)
    answer = lrs.get()
    assert answer.status_code == 500
    assert answer.get_json()["code"] == "internal_server_error"
    assert "secret" not in answer.text
