from __future__ import annotations

import re
from typing import Any

import pytest

from tests.lrs.views.conftest import VERSION, Lrs, statement

# address, method, body, headers -> status, and the section in 1.0.3 and in 2.0
CASES: dict[str, tuple[str, str, Any, dict[str, str], int, str, str]] = {
    "an unknown parameter": (
        *("GET", "/xapi/statements?colour=red", None, {}),
        *(400, "Communication 2.1", "4.1.6.1"),
    ),
    "a parameter of another resource": (
        *("GET", "/xapi/about?agent=x", None, {}),
        *(400, "Communication 2.8", "4.1.6.7"),
    ),
    "a stranger": (
        *("GET", "/xapi/statements", None, {"Authorization": "Basic eDp5"}),
        *(401, "Communication 4.0", "4.1.8"),
    ),
    "no such statement": (
        "GET",
        "/xapi/statements?statementId=ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        None,
        {},
        404,
        "Communication 2.1",
        "4.1.6.1",
    ),
    "no such resource": (
        *("GET", "/xapi/nowhere", None, {}),
        *(404, "Communication 2.0", "4.1.6"),
    ),
    "no such method": (
        *("DELETE", "/xapi/statements", None, {}),
        *(405, "Communication 2.1", "4.1.6.1"),
    ),
    "nobody as actor": (
        *("POST", "/xapi/statements", {"actor": {}}, {}),
        *(400, "Data 2.4.2", "4.2.2.1"),
    ),
    "multipart without a boundary": (
        *("POST", "/xapi/statements", b"x", {"Content-Type": "multipart/mixed"}),
        *(400, "Communication 1.5", "4.1.3"),
    ),
    "no JSON": (
        *("POST", "/xapi/statements", b"{", {}),
        *(400, "Communication 2.1", "4.1.6.1"),
    ),
}


@pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])
def test_every_refusal_names_requirement_and_section(lrs: Lrs, version: str) -> None:
    client = lrs.speaking(version)
    for case, (method, path, body, headers, status, old, new) in CASES.items():
        answer = client.call(method, path, body=body, headers=headers)
        assert answer.status_code == status, case
        assert answer.mimetype == "application/problem+json", case
        problem = answer.get_json()
        assert problem["status"] == status, case
        assert problem["requirement"], case
        assert problem["detail"], case
        assert (new if version == "2.0.0" else old) in problem["section"], case


def test_what_a_statement_breaks_is_said_with_its_path(lrs: Lrs) -> None:
    sent = [statement(), statement(result={"score": {"scaled": 2}})]
    problem = lrs.post(sent).get_json()
    assert problem["path"] == "$[1].result.score.scaled"
    assert problem["requirement"]
    assert problem["section"].startswith("Data 2.4.5")


def test_a_missing_scope_and_a_conflict(lrs: Lrs) -> None:
    answer = lrs.with_scopes(["statements/write"]).get()
    assert answer.status_code == 403
    assert answer.get_json()["section"] == "Communication 3.2"
    sent = statement()
    lrs.store(sent)
    other = {**sent, "verb": {"id": "http://example.org/verbs/other"}}
    answer = lrs.speaking("2.0.0").post(other)
    assert answer.status_code == 409
    assert answer.get_json()["requirement"]
    assert answer.get_json()["section"].startswith("4.1.6.1")


FORMS = [
    ("", "application/problem+json"),
    ("*/*", "application/problem+json"),
    ("application/json", "application/problem+json"),
    ("image/png", "application/problem+json"),
    ("text/plain", "text/plain"),
    ("text/plain;q=0.1, application/json", "application/problem+json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
]


def test_the_form_is_that_which_the_caller_prefers(lrs: Lrs) -> None:
    for wanted, form in FORMS:
        answer = lrs.call(
            "GET", "/xapi/<b>nowhere</b>", headers={"Accept": wanted} if wanted else {}
        )
        assert (answer.status_code, answer.mimetype) == (404, form), wanted
        assert "not_found" in answer.text
        assert "nowhere" in answer.text
        # what the caller wrote is text in HTML too
        assert ("<b>" in answer.text) == (form != "text/html")
        assert "Accept" in answer.headers["Vary"]


def test_faults_of_ours_cite_no_section(
    lrs: Lrs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("lrs.views.about.load", broken)
    problem = lrs.get("/xapi/about").get_json()
    assert problem["status"] == 500
    assert not problem.keys() & {"requirement", "section"}


def test_headers_of_a_refusal_stay(lrs: Lrs) -> None:
    stranger = lrs.call("GET", headers={"Authorization": "Basic eDp5"})
    assert re.match("Basic|Bearer", stranger.headers["WWW-Authenticate"])
    missing = lrs.call("PATCH", "/xapi/about", headers={VERSION: "2.0.0"})
    assert missing.headers["Allow"].startswith("GET")
