from __future__ import annotations

import re

import pytest
from flask_login.utils import encode_cookie

from lrs.db import writing
from portal.users import get_user, set_active
from tests.people import PASSWORD


@pytest.fixture
def engine(sqlite_engine):
    """One database is enough here: what differs between the two is tested elsewhere."""
    return sqlite_engine


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


def test_closing_an_account_ends_its_open_session(world, caller) -> None:
    browser = caller(world.cast.officer)
    with writing(world.parts.engine) as db:
        set_active(get_user(db, user_id=world.cast.officer.id), active=False)
    assert browser.get("/account").status_code == 302
    page = caller().sign_in(world.cast.officer.email).get_data(as_text=True)
    assert "do not match an open account" in page


def test_too_many_tries_are_refused_before_the_password(world, caller) -> None:
    browser = caller()
    for _ in range(10):
        browser.sign_in(world.cast.officer.email, "not the password")
    page = browser.sign_in(world.cast.officer.email).get_data(as_text=True)
    assert "Too many tries" in page


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil.example", "https://evil.example", "http://["]
)
def test_signing_in_leads_nowhere_else(world, caller, address: str) -> None:
    browser = caller()
    answer = browser.get("/sign-in", query_string={"next": address})
    assert answer.headers["Location"] == "/sign-in"
    form = {
        "email": world.cast.officer.email,
        "password": PASSWORD,
        "next": address,
        "csrf_token": browser.token("/sign-in"),
    }
    assert browser.post("/sign-in", form).headers["Location"] == "/sign-in"


def test_signing_in_needs_the_token_too(world, caller) -> None:
    browser = caller()
    browser.get("/sign-in")
    browser.post(
        "/sign-in",
        {"email": world.cast.officer.email, "password": PASSWORD, "csrf_token": "no"},
    )
    assert browser.get("/account").status_code == 302


def test_no_cookie_outlives_the_session(world, caller) -> None:
    browser = caller()
    form = {
        "email": world.cast.officer.email,
        "password": PASSWORD,
        "remember": "y",
        "csrf_token": browser.token("/sign-in"),
    }
    answer = browser.post("/sign-in", form)
    assert answer.status_code == 302
    names = {
        cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")
    }
    assert names == {"rollcall"}
    assert browser.get("/account").status_code == 200
    browser.post("/sign-out")
    assert browser.get("/account").status_code == 302


def test_a_cookie_that_remembers_opens_nothing(app, world, caller) -> None:
    browser = caller()
    with app.app_context():
        known = encode_cookie(world.cast.officer.uniquifier)
    browser.client.set_cookie("remember_token", known)
    assert browser.get("/account").status_code == 302


def test_the_password_is_asked_for_on_one_page_only(world, caller) -> None:
    browser = caller(world.cast.officer)
    assert browser.get("/sign-in/again").status_code == 404
    answer = browser.post("/sign-in/again", {"password": "not the password"})
    assert answer.status_code == 404


def test_signing_in_gives_no_tokens(world, caller) -> None:
    browser = caller()
    form = {
        "email": world.cast.officer.email,
        "password": PASSWORD,
        "csrf_token": browser.token("/sign-in"),
    }
    answer = browser.post(
        "/sign-in?include_auth_token", form, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 302
    assert "token" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/account", "/sign-in"])
def test_tokens_in_a_request_are_nothing(world, caller, path: str) -> None:
    anonymous = caller().get(
        path, headers={"Authentication-Token": world.cast.officer.uniquifier}
    )
    assert anonymous.status_code == (302 if path == "/account" else 200)
    assert caller(world.cast.officer).get(path).status_code in {200, 302}
