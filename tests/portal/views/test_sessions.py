from __future__ import annotations

import pytest
from sqlalchemy import func, select

from lrs.db import reading
from portal.sessions import PortalSession


@pytest.fixture
def engine(sqlite_engine):
    """One database is enough here: what differs between the two is tested elsewhere."""
    return sqlite_engine


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
