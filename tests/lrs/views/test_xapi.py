from __future__ import annotations

import io

import pytest

from lrs.views.xapi import MAX_BODY
from tests.lrs.views.conftest import VERSION, Lrs, statement

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
    assert lrs.call("DELETE", "/xapi/about").status_code == 405


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
