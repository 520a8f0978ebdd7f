"""Another system is let in and shut out again, by an operator on a phone's screen."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.conftest import sqlite_url
from tests.journeys.people import Person
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.servers import Servers

OPERATOR, PASSWORD = "operator@rollcall.example", "a password of the tests"
STATEMENT = {
    "actor": {"mbox": "mailto:officer@agency.example"},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {"id": "https://agency.example/courses/1"},
}


@pytest.fixture
def served(servers: Servers, tmp_path: Path) -> Iterator[Served]:
    """A new installation with its operator and nobody else."""
    settings = {"DATA": str(tmp_path), "DATABASE_URL": sqlite_url(servers, tmp_path)}
    served = Served(settings | {"WORKERS": "2"}, tmp_path / "log")
    words = ("user", "create", OPERATOR, "--role", "operator", "--password-stdin")
    served.run(*words, standard_input=PASSWORD)
    served.start("--no-worker")
    yield served
    served.stop()


def call(
    served: Served,
    method: str,
    path: str,
    authorization: str,
    body: Any = None,
    kind: str = "application/json",
) -> tuple[int, Any]:
    """What the other system sends; the status and the body of the answer."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
    headers = {
        "Authorization": authorization,
        "X-Experience-API-Version": "2.0.0",
        "Content-Type": kind,
    }
    raw = body if isinstance(body, str) or body is None else json.dumps(body)
    try:
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def tab_to(page: Page, text: str) -> None:
    """Press Tab until the thing of this text has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim()")
        if focused.startswith(text):
            return
    pytest.fail(f"{text} is not reached by Tab")


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways for."""
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return not wide


def make(page: Page) -> tuple[str, str]:
    """Make a credential by keyboard alone; its key and the secret as copied."""
    page.goto("/admin/credentials")
    assert fits(page)
    tab_to(page, "New credential")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New credential")).to_be_visible()
    assert fits(page)
    page.get_by_label("Whose it is").focus()
    page.keyboard.type("Academy LMS")
    page.get_by_label("Read all statements").focus()
    page.keyboard.press("Space")
    page.get_by_label("Requests in a minute, at most").focus()
    page.keyboard.type("60")
    tab_to(page, "Make it")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The secret is shown this once.")).to_be_visible()
    assert fits(page)
    key = page.get_by_label("Key", exact=True).input_value()
    page.get_by_label("Secret", exact=True).focus()
    tab_to(page, "Copy the secret")
    page.keyboard.press("Enter")
    expect(page.locator("#copied")).to_have_text("Secret copied.")
    page.bring_to_front()
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Secret", exact=True).input_value()
    return key, copied


def test_another_system_comes_and_goes(served: Served, browser: Browser) -> None:
    """Made, used by a token, seen, revoked: the token is refused at once."""
    operator = Person(browser, served, width=360)
    operator.context.grant_permissions(["clipboard-read", "clipboard-write"])
    operator.sign_in(OPERATOR, PASSWORD)
    page = operator.page
    key, secret = make(page)

    pair = base64.b64encode(f"{key}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "statements/write"}
    status, token = call(
        served,
        "POST",
        "/xapi/oauth/token",
        f"Basic {pair}",
        urlencode(form),
        "application/x-www-form-urlencoded",
    )
    assert status == 200
    bearer = f"Bearer {token['access_token']}"
    status, (stored,) = call(served, "POST", "/xapi/statements", bearer, STATEMENT)
    assert status == 200
    read = f"/xapi/statements?statementId={stored}"
    status, statement = call(served, "GET", read, f"Basic {pair}")
    assert status == 200
    assert statement["authority"]["name"] == "Academy LMS"
    assert call(served, "GET", read, bearer)[0] == 403

    page.get_by_role("link", name="I have it").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("60 a minute")
    expect(page.locator("dt:has-text('Last used') + dd")).not_to_have_text("Never")
    assert secret not in page.content()
    page.get_by_role("link", name="Revoke…").click()
    expect(main).to_contain_text("This cannot be taken back.")
    assert fits(page)
    assert call(served, "POST", "/xapi/statements", bearer, STATEMENT)[0] == 200
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("is refused from now on")).to_be_visible()
    for authorization in (bearer, f"Basic {pair}"):
        status, problem = call(
            served, "POST", "/xapi/statements", authorization, STATEMENT
        )
        assert status == 401, problem
    expect(page.get_by_text("Revoked and expired (1)")).to_be_visible()
    operator.leave()
