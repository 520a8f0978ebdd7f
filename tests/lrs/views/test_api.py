"""What all calls of the management API share, on two calls made for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from lrs.views import api
from lrs.views.access import allow
from statements.errors import Conflict

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from lrs.parts import Parts


class Body(api.Given):
    """What is sent."""

    name = api.text("Who.", required=True)
    count = api.Whole(load_default=0)
    id = api.Uuid()


class Answer(api.Answered):
    """What is answered."""

    given = api.text("As it came.")
    at = api.Instant()


@pytest.fixture
def database() -> str:
    """Give one kind of database: none is asked."""
    return "sqlite"


@pytest.fixture
def client(parts: Parts) -> FlaskClient:
    blueprint = api.Blueprint("tried", __name__, description="For tests.")

    @blueprint.post("/tried")
    @blueprint.arguments(Body)
    @blueprint.response(201, Answer, headers=api.LOCATION)
    @allow("public")
    def try_it(body: dict[str, Any]) -> Any:
        if body["name"] == "taken":
            raise Conflict
        if body["name"] == "broken":
            raise RuntimeError(body["name"])
        at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        return {"given": str(body), "at": at}, 201, {"Location": "/x"}

    @blueprint.get("/tried")
    @blueprint.arguments(api.PageQuery, location="query")
    @blueprint.response(200)
    @allow("public")
    def list_them(query: dict[str, Any]) -> dict[str, Any]:
        return query

    app = Flask("test")
    app.extensions["rollcall"] = parts
    app.register_blueprint(blueprint)
    return app.test_client()


def test_a_body_is_loaded_and_an_answer_dumped(client: FlaskClient) -> None:
    answer = client.post("/api/v1/tried", json={"name": "n", "count": 3})
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/x"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json() == {
        "given": "{'name': 'n', 'count': 3}",
        "at": "2026-03-02T09:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"7", 400, None),
        (b"", 400, "name"),
        (b"{}", 400, "name"),
        (b'{"name": 1}', 400, "name"),
        (b'{"name": null}', 400, "name"),
        (b'{"name": "n", "more": 1}', 400, "more"),
        (b'{"name": "n", "count": "1"}', 400, "count"),
        (b'{"name": "n", "count": true}', 400, "count"),
        (b'{"name": "n", "count": 1.5}', 400, "count"),
        (b'{"name": "n", "id": "{%s}"}' % (b"5" * 32), 400, "id"),
        (b'{"name": "a\\u0000"}', 400, "name"),
        (b'{"name": "\\\\\\u0000"}', 400, "name"),
        (b'{"name": "\\ud800"}', 400, None),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 413, None),
        (b'{"name": "taken"}', 409, None),
        (b'{"name": "n", "count": 2.0}', 201, None),
        (b'{"name": "\\\\u0000"}', 201, None),
        (b"[" * 5000, 400, None),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_a_body_may_be(
    client: FlaskClient, sent: bytes, status: int, field: str | None
) -> None:
    answer = client.post(
        "/api/v1/tried", data=sent, content_type="application/json; charset=utf-8"
    )
    assert answer.status_code == status
    if status >= 400:
        assert answer.content_type == "application/problem+json"
        assert answer.get_json().get("field") == field
        assert answer.get_json()["status"] == status


REASONS = [
    ("{}", "name: it is required."),
    ('{"name": null}', "name: it may not be null."),
    ('{"name": "n", "{more}": 1}', "{more}: there is no such member."),
]


@pytest.mark.parametrize(("sent", "told"), REASONS)
def test_members_are_refused_in_words(
    client: FlaskClient, sent: str, told: str
) -> None:
    answer = client.post("/api/v1/tried", data=sent, content_type="application/json")
    assert answer.get_json()["detail"] == told


def test_a_parameter_that_is_not_there_is_refused_in_words(client: FlaskClient) -> None:
    answer = client.get("/api/v1/tried?more=1")
    assert answer.get_json()["detail"] == "more: there is no such parameter."


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 201),
        ("application/vnd.api+json", 201),
        ("", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_what_type_a_body_may_have(client: FlaskClient, kind: str, status: int) -> None:
    answer = client.post("/api/v1/tried", data=b'{"name": "n"}', content_type=kind)
    assert answer.status_code == status
    if status == 415:
        assert answer.get_json()["code"] == "unsupported_media_type"
        assert "application/json" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("?limit=5", 200),
        ("?limit=500&cursor=x", 200),
        ("?limit=0", 400),
        ("?limit=501", 400),
        ("?limit=-1", 400),
        ("?limit=1.0", 400),
        ("?limit=%2B1", 400),
        ("?limit=", 400),
        ("?limit=1&limit=2", 400),
        ("?page=1", 400),
        ("?cursor=%00", 400),
    ],
)
def test_what_parameters_may_be(client: FlaskClient, query: str, status: int) -> None:
    answer = client.get(f"/api/v1/tried{query}")
    assert answer.status_code == status
    if status == 400:
        assert answer.get_json()["code"] == "invalid_parameter"


def test_a_call_without_parameters_takes_none(client: FlaskClient) -> None:
    answer = client.post("/api/v1/tried?x=1", json={"name": "n"})
    assert answer.status_code == 400
    assert answer.get_json()["field"] == "x"


def test_a_fault_tells_nothing_of_itself(client: FlaskClient) -> None:
    answer = client.post("/api/v1/tried", json={"name": "broken"})
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["code"] == "fault"
    assert "broken" not in answer.get_data(as_text=True)
