"""The player page over HTTP: who gets it, what it tells, under which headers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lrs.db import writing
from lrs.parts import Parts
from lrs.storage import make_storage
from player import launches, tokens
from player.urls import web_address
from player.views.frame import COOKIE
from tests.player.packages import scorm_12, unit
from tests.player.site import Site, applications

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sqlalchemy import Engine
    from werkzeug.test import TestResponse

    from lrs.config import Config


@pytest.fixture
def site(sqlite_engine: Engine, config: Config) -> Site:
    return Site(Parts(config, sqlite_engine, make_storage(config)), 0)


@pytest.fixture
def client(site: Site) -> FlaskClient:
    portal, _ = applications(site.parts)
    return portal.test_client()


def data_of(response: TestResponse) -> dict[str, Any]:
    match = re.search(
        r'<script type="application/json" id="launch">(.*?)</script>',
        response.text,
        re.DOTALL,
    )
    assert match
    found: dict[str, Any] = json.loads(match[1])
    return found


def policy_of(response: TestResponse) -> dict[str, str]:
    parts = response.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def check_protected(response: TestResponse) -> None:
    policy = policy_of(response)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert policy["frame-ancestors"] == "'self'"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"


def test_the_page_frames_the_launch_s_origin_only(
    site: Site, client: FlaskClient
) -> None:
    response = client.get(site.launch(site.add(scorm_12({"One": unit("One")}))).url)
    assert response.status_code == 200
    check_protected(response)
    data = data_of(response)
    assert policy_of(response)["frame-src"] == data["content"]
    assert re.fullmatch(
        r"http://[0-9a-f]{32}\.content\.localhost:8000", data["content"]
    )
    assert (
        f'unload=(self "{data["content"]}")' in response.headers["Permissions-Policy"]
    )
    sandbox = re.search(r'sandbox="([^"]*)"', response.text)
    assert sandbox
    assert "top-navigation" not in sandbox[1]
    assert "allow-scripts" in sandbox[1]


def test_the_cookie_stands_in_for_the_address_and_for_nothing_else(
    site: Site, client: FlaskClient
) -> None:
    package = site.add(scorm_12({"One": unit("One")}))
    opened, other = site.launch(package), site.launch(package)
    response = client.get(opened.url)
    [cookie] = response.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert f"Path=/launches/{opened.launch_id}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get(f"/launches/{opened.launch_id}").status_code == 200
    assert client.get(f"/launches/{other.launch_id}").status_code == 401
    client.set_cookie(COOKIE, opened.token, path=f"/launches/{other.launch_id}")
    assert client.get(f"/launches/{other.launch_id}").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "v1.0.0.0", None])
def test_without_a_good_token_nothing_is_told(
    site: Site, client: FlaskClient, token: str | None
) -> None:
    package = site.add(scorm_12({"Secret unit": unit("Secret unit")}))
    opened = site.launch(package)
    address = opened.url.partition("?")[0]
    response = client.get(address if token is None else f"{address}?token={token}")
    assert response.status_code == 401
    check_protected(response)
    assert "Secret" not in response.text
    assert "Set-Cookie" not in response.headers


def test_an_expired_token_tells_the_way_back(site: Site, client: FlaskClient) -> None:
    opened = site.launch(site.add(scorm_12({"One": unit("One")})))
    old = tokens.make_token(
        site.parts.config,
        launch_id=opened.launch_id,
        expires=datetime(2026, 1, 1, tzinfo=UTC),
    )
    response = client.get(f"/launches/{opened.launch_id}?token={old}")
    assert response.status_code == 401
    assert "course list" in response.text


def test_a_launch_that_is_over_leads_back(site: Site, client: FlaskClient) -> None:
    opened = site.launch(
        site.add(scorm_12({"One": unit("One")})), return_url="http://localhost:8000/c"
    )
    with writing(site.parts.engine) as db:
        launches.end(
            db,
            config=site.parts.config,
            launch_id=opened.launch_id,
            now=datetime.now(UTC),
        )
    response = client.get(opened.url)
    assert response.status_code == 410
    check_protected(response)
    assert 'href="http://localhost:8000/c"' in response.text


def test_titles_are_text(site: Site, client: FlaskClient) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    units = {evil: unit("One"), f"'\"{evil}": unit("Two")}
    response = client.get(site.launch(site.add(scorm_12(units))).url)
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "<img" not in response.text
    assert data_of(response)["unit_title"] == evil


@pytest.mark.parametrize(("title", "shown"), [("Unit", 1), ("Small course", 0)])
def test_a_course_of_one_unit_is_named_where_the_unit_has_another_name(
    site: Site, client: FlaskClient, title: str, shown: int
) -> None:
    package = site.add(scorm_12({title: unit("One")}))
    page = client.get(site.launch(package).url).text
    assert page.count('<p class="course">Small course</p>') == shown
    assert f"<h1>{title}</h1>" in page


def test_the_menu_is_for_several_units(site: Site, client: FlaskClient) -> None:
    one = client.get(site.launch(site.add(scorm_12({"One": unit("One")}))).url)
    assert "Contents" not in one.text
    units = {title: unit(title) for title in ("First", "Second", "Third")}
    several = client.get(site.launch(site.add(scorm_12(units)), unit=1).url)
    assert several.text.count("data-unit=") == 3 + 2
    assert "Unit 2 of 3" in several.text


def test_a_review_says_that_nothing_counts(site: Site, client: FlaskClient) -> None:
    package = site.add(scorm_12({"One": unit("One")}))
    assert "nothing you do here counts" not in client.get(site.launch(package).url).text
    review = client.get(site.launch(package, mode="Review").url)
    assert "Review: nothing you do here counts" in review.text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://lms.example.org/back?x=1", "https://lms.example.org/back?x=1"),
        ("/courses/1", "/courses/1"),
        ("", ""),
        ("/", "/"),
        ("//evil.example", ""),
        ("/\\evil.example", ""),
        ("/\t/evil.example", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https:", ""),
        ("courses", ""),
    ],
)
def test_only_web_addresses_lead_out(given: str, shown: str) -> None:
    assert web_address(given) == shown
