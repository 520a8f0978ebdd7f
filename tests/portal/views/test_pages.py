"""Who may see which page, what pages refuse, and the headers of each of them."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.views.access import KINDS, allowed_of
from portal.sessions import PortalSession
from portal.users import get_user, set_active
from tests.people import PASSWORD

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


def test_assets_are_from_a_list(caller) -> None:
    browser = caller()
    for path in (
        "/assets/portal/rollcall.css",
        "/assets/portal/upload.js",
        "/assets/uswds/css/uswds.min.css",
        "/assets/uswds/fonts/public-sans/PublicSans-Regular.woff2",
    ):
        assert browser.get(path, buffered=True).status_code == 200, path
    for path in (
        "/assets/portal/../views/pages.py",
        "/assets/portal/..%2fviews%2fpages.py",
        "/assets/portal/nothing.css",
        "/assets/uswds/scss/stylesheets/uswds.scss",
        "/assets/uswds/../package.json",
        "/assets/uswds/%2e%2e/package.json",
    ):
        assert browser.get(path).status_code == 404, path


# signing in


def test_wrong_address_and_wrong_password_get_one_answer(world, caller) -> None:
    texts = set()
    for email, password in (
        (world.cast.officer.email, "not the password"),
        ("nobody@example.org", PASSWORD),
    ):
        answer = caller().sign_in(email, password)
        assert answer.status_code == 200
        page = answer.get_data(as_text=True)
        assert "do not match an open account" in page
        shown = re.sub(r'value="[^"]*"', "", page)
        texts.add(shown)
    assert len(texts) == 1


def test_a_session_gets_a_new_token_at_sign_in(world, caller) -> None:
    browser = caller()
    browser.get("/sign-in")
    planted = browser.client.get_cookie("rollcall").value
    browser.sign_in(world.cast.officer.email)
    assert browser.client.get_cookie("rollcall").value != planted
    other = caller()
    other.client.set_cookie("rollcall", planted)
    assert other.get("/account").status_code == 302


def test_signing_out_ends_the_session_on_the_server(world, caller) -> None:
    browser = caller(world.cast.officer)
    kept = browser.client.get_cookie("rollcall").value
    assert browser.get("/account").status_code == 200
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out").status_code == 302
    browser.client.set_cookie("rollcall", kept)
    assert browser.get("/account").status_code == 302


def test_closing_an_account_ends_its_open_session(world, caller) -> None:
    browser = caller(world.cast.officer)
    with writing(world.parts.engine) as db:
        set_active(get_user(db, user_id=world.cast.officer.id), active=False)
    assert browser.get("/account").status_code == 302
    page = caller().sign_in(world.cast.officer.email).get_data(as_text=True)
    assert "do not match an open account" in page


def test_cookie_flags(caller) -> None:
    cookie = caller().get("/sign-in").headers["Set-Cookie"]
    assert cookie.startswith("rollcall=")
    for flag in ("HttpOnly", "Path=/", "SameSite=Lax"):
        assert flag in cookie


def test_pages_without_anything_to_keep_make_no_session(world, caller) -> None:
    for path in ("/", "/verify", "/nothing"):
        assert "Set-Cookie" not in caller().get(path).headers
    with reading(world.parts.engine) as db:
        assert db.scalar(select(func.count()).select_from(PortalSession)) == 0


def test_too_many_tries_are_refused_before_the_password(world, caller) -> None:
    browser = caller()
    for _ in range(10):
        browser.sign_in(world.cast.officer.email, "not the password")
    page = browser.sign_in(world.cast.officer.email).get_data(as_text=True)
    assert "Too many tries" in page


# unsafe requests


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"Origin": "https://evil.example"}, {}),
        ({"Origin": "null"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({}, {"csrf_token": ""}),
        ({}, {"csrf_token": "forged"}),
    ],
)
def test_requests_from_elsewhere_are_refused(world, caller, headers, fields) -> None:
    browser = caller(world.cast.officer)
    path = f"/courses/{world.course_id}/enrol"
    assert browser.post(path, fields, headers=headers).status_code == 403
    assert browser.post(path).status_code == 302


def test_another_session_token_is_refused(world, caller) -> None:
    stolen = caller(world.cast.manager).token("/account")
    browser = caller(world.cast.officer)
    path = f"/courses/{world.course_id}/enrol"
    assert browser.post(path, {"csrf_token": stolen}).status_code == 403


def test_signing_in_needs_the_token_too(world, caller) -> None:
    browser = caller()
    browser.get("/sign-in")
    browser.post(
        "/sign-in",
        {"email": world.cast.officer.email, "password": PASSWORD, "csrf_token": "no"},
    )
    assert browser.get("/account").status_code == 302


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
