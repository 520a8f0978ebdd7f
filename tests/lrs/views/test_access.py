from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from lrs.views.access import Allowed, Undeclared, allow, allowed_of, set_guard
from statements.errors import DomainError, Forbidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient


@pytest.fixture
def app() -> Flask:
    made = Flask("routes", static_folder=None)

    @made.errorhandler(DomainError)
    def refused(error: DomainError) -> tuple[str, int]:
        return error.code, 403

    def route(path: str, declare: Callable[..., object] | None) -> None:
        def view() -> str:
            return "seen"

        made.add_url_rule(path, path, declare(view) if declare else view)  # type: ignore[arg-type]

    route("/public", allow("public"))
    route("/launch", allow("launch"))
    route("/authors", allow("role", "author", "operator"))
    route("/undeclared", None)
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    seen: list[Allowed] = []

    def only_authors(allowed: Allowed) -> None:
        seen.append(allowed)
        if "author" not in allowed.names:
            raise Forbidden

    set_guard(app, "role", only_authors)
    app.extensions["seen"] = seen
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/public", 200, "seen"),
        ("/authors", 200, "seen"),
        # nobody enforces launches in this application, so nobody gets in
        ("/launch", 403, "undeclared"),
        ("/undeclared", 403, "undeclared"),
        ("/nowhere", 404, None),
    ],
)
def test_what_is_declared_is_enforced(
    client: FlaskClient, path: str, status: int, body: str | None
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert body is None or answer.text == body


def test_a_guard_sees_the_declaration(app: Flask, client: FlaskClient) -> None:
    client.get("/authors")
    expected = Allowed("role", frozenset({"author", "operator"}))
    assert app.extensions["seen"] == [expected]
    assert allowed_of(app, "/authors") == expected
    assert allowed_of(app, "/undeclared") is None
    assert allowed_of(app, "nowhere") is None


def test_a_guard_may_refuse(app: Flask, client: FlaskClient) -> None:
    def nobody(_allowed: Allowed) -> None:
        raise Forbidden

    set_guard(app, "role", nobody)
    assert client.get("/authors").status_code == 403
    assert client.get("/public").status_code == 200


def test_flask_s_own_answer_to_options_is_for_all(client: FlaskClient) -> None:
    for path in ("/authors", "/launch"):
        answer = client.options(path)
        assert answer.status_code == 200
        assert "GET" in answer.headers["Allow"]


def test_a_view_that_answers_options_itself_is_guarded() -> None:
    app = Flask("own", static_folder=None)

    @app.errorhandler(Undeclared)
    def refused(_error: Undeclared) -> tuple[str, int]:
        return "no", 403

    @app.route("/own", methods=["OPTIONS"])
    @allow("role", "author")
    def own() -> str:
        return "seen"

    set_guard(app, "signed_in", lambda _allowed: None)
    assert app.test_client().options("/own").status_code == 403


@pytest.mark.parametrize(
    ("kind", "names"), [("everybody", ()), ("role", ()), ("public", ("author",))]
)
def test_a_declaration_must_say_something(kind: str, names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="declares nothing"):
        allow(kind, *names)
