"""Who may see which page, what pages refuse, and the headers of each of them."""

from __future__ import annotations

import re
import uuid

import pytest

from lrs.views.access import KINDS, allowed_of
from tests.people import PASSWORD


@pytest.fixture
def engine(sqlite_engine):
    """One database is enough here: what differs between the two is tested elsewhere."""
    return sqlite_engine


# page -> the people of the cast it opens to; everyone else is refused
EVERYONE = {
    "officer",
    "manager",
    "author",
    "analyst",
    "auditor",
    "operator",
}
PAGES = {
    "/account": EVERYONE,
    "/my/courses": EVERYONE,
    "/my/certificates": EVERYONE,
    "/my/credit": EVERYONE,
    "/courses": EVERYONE,
    "/agency/learners": {"manager"},
    "/authoring": {"author"},
    "/statements": {"analyst", "auditor"},
    "/admin/users": {"operator"},
    "/admin/users/new": {"operator"},
    "/admin/agencies": {"operator"},
    "/admin/credentials": {"operator"},
    "/admin/credentials/new": {"operator"},
    "/admin/health": {"operator"},
    "/admin/audit": {"operator", "auditor"},
}


def test_every_route_of_the_application_is_declared(app) -> None:
    for rule in app.url_map.iter_rules():
        declared = allowed_of(app, rule.endpoint)
        assert declared is not None, rule
        assert declared.kind in KINDS


def test_pages_open_to_their_roles_only(world, caller) -> None:
    for name in sorted(EVERYONE):
        browser = caller(getattr(world.cast, name))
        for path, people in PAGES.items():
            status = browser.get(path).status_code
            assert status == (200 if name in people else 403), (name, path)


def test_every_page_asks_for_sign_in_and_comes_back(world, caller) -> None:
    browser = caller()
    for path in PAGES:
        answer = browser.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"/sign-in?next={path}"
        assert browser.get(
            path, headers={"Accept": "application/json"}
        ).status_code == (401)
    page = browser.get("/sign-in?next=/my/credit").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    answer = browser.post(
        "/sign-in",
        {
            "email": world.cast.officer.email,
            "password": PASSWORD,
            "next": "/my/credit",
            "csrf_token": token,
        },
    )
    assert answer.headers["Location"].endswith("/my/credit")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/verify", "/nothing", "/account"])
def test_headers_of_pages(caller, path: str) -> None:
    answer = caller().get(path, follow_redirects=True)
    headers = answer.headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    page = answer.get_data(as_text=True)
    assert "<script>" not in page
    assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", page)


# unsafe requests


FOREIGN = [
    ({"Origin": "https://evil.example"}, {}),
    ({"Origin": "null"}, {}),
    ({"Sec-Fetch-Site": "cross-site"}, {}),
    ({}, {"csrf_token": ""}),
    ({}, {"csrf_token": "forged"}),
]


def test_requests_from_elsewhere_are_refused(world, caller) -> None:
    browser = caller(world.cast.officer)
    path = f"/courses/{world.course_id}/enrol"
    for headers, fields in FOREIGN:
        answer = browser.post(path, fields, headers=headers)
        assert answer.status_code == 403, (headers, fields)
    assert browser.post(path).status_code == 302


def test_another_session_token_is_refused(world, caller) -> None:
    stolen = caller(world.cast.manager).token("/account")
    browser = caller(world.cast.officer)
    path = f"/courses/{world.course_id}/enrol"
    assert browser.post(path, {"csrf_token": stolen}).status_code == 403


def test_unknown_things_and_wrong_methods_are_pages(world, caller) -> None:
    browser = caller(world.cast.officer)
    for path, status in (
        ("/nothing", 404),
        (f"/courses/{uuid.uuid4()}", 404),
        (f"/certificates/{uuid.uuid4()}", 404),
        (f"/courses/{world.course_id}/enrol", 405),
    ):
        answer = browser.get(path)
        assert answer.status_code == status, path
        assert "<h1>" in answer.get_data(as_text=True)
        script = browser.get(path, headers={"Accept": "application/json"})
        assert script.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/xapi/nothing", "/xapi/oauth/nothing", "/api/v1/nothing"]
)
def test_other_systems_are_not_answered_with_pages(app, caller, path: str) -> None:
    for accept in ("*/*", "text/html"):
        headers = {"Accept": accept, "X-Experience-API-Version": "1.0.3"}
        answer = caller().get(path, headers=headers)
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers
        assert "Sign in" not in answer.get_data(as_text=True)
        if accept == "*/*" or path.startswith("/api/"):
            assert answer.content_type == "application/problem+json"
    headers = {"X-Experience-API-Version": "1.0.3"}
    answer = app.test_client().delete("/xapi/statements", headers=headers)
    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert {"GET", "POST", "PUT"} <= set(answer.allow)


def test_nul_is_refused_before_a_database_sees_it(world, caller) -> None:
    operator = caller(world.cast.operator)
    for path in ("/admin/users?q=%00", "/verify?code=%00"):
        assert operator.get(path).status_code == 400, path
    form = {"name": "a\0b", "csrf_token": operator.token("/account")}
    assert operator.post("/admin/agencies", form).status_code == 400


def test_a_fault_tells_nothing_but_its_number(app, caller, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        message = "SELECT secret FROM place"
        raise RuntimeError(message)

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("portal.views.account.render", fail)
    answer = caller().get("/", headers={"X-Request-ID": "0123456789abcdef"})
    assert answer.status_code == 500
    page = answer.get_data(as_text=True)
    assert "SELECT" not in page
    assert "Traceback" not in page
    assert answer.headers["X-Request-ID"] in page


def test_forms_have_a_size(world, caller) -> None:
    browser = caller(world.cast.officer)
    path = f"/courses/{world.course_id}/enrol"
    answer = browser.post(path, {"more": "x" * (2 << 20)})
    assert answer.status_code == 413
    assert "<h1>" in answer.get_data(as_text=True)
