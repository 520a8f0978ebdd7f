"""The run-time over HTTP: who may call what, and the shape of the answers."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from lrs.db import writing
from player import tokens
from player.sittings import get_launch
from player.views import runtime
from tests.player.sample import LEARNER, OTHER, Player, add_package, make_unit

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from lrs.parts import Parts


class Page:
    """A player page: a launch, its token, and the client."""

    def __init__(self, parts: Parts, client: FlaskClient, player: Player) -> None:
        self.parts, self.client, self.player = parts, client, player
        self.token = self.fresh_token()

    def fresh_token(self, now: datetime | None = None) -> str:
        return tokens.make_token(
            self.parts.config,
            launch_id=self.player.launch_id,
            expires=(now or datetime.now(UTC)) + tokens.LIFETIME,
        )

    def post(
        self,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        launch_id: uuid.UUID | None = None,
    ) -> TestResponse:
        token = self.token if token is None else token
        return self.client.post(
            f"/launches/{launch_id or self.player.launch_id}/{path}",
            json={} if body is None else body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    def another(self) -> Page:
        with writing(self.parts.engine) as db:
            self.player.db = db
            return Page(self.parts, self.client, self.player.again())


@pytest.fixture
def page(parts: Parts) -> Page:
    app = Flask("test")
    app.extensions["rollcall"] = parts
    app.register_blueprint(runtime.BLUEPRINT)
    now = datetime.now(UTC) - timedelta(hours=1)
    with writing(parts.engine) as db:
        package = add_package(db, make_unit(0), make_unit(1), now=now)
        player = Player(db, parts.config, package, now).open()
    return Page(parts, app.test_client(), player)


def problem(response: TestResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status_code, response.json["code"]  # type: ignore[index]


def answer(response: TestResponse, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = response.json  # type: ignore[assignment]
    return found


def later() -> datetime:
    return datetime.now(UTC) + tokens.LIFETIME


ROUTES = ["start", "entries", "token", "units", "close"]


@pytest.mark.parametrize("path", ROUTES)
def test_only_the_launchs_own_token_opens_it(page: Page, path: str) -> None:
    other = page.another()
    stranger = tokens.make_token(
        page.parts.config, launch_id=uuid.uuid4(), expires=later()
    )
    foreign = tokens.make_token(
        replace(page.parts.config, secret_key="another"),
        launch_id=page.player.launch_id,
        expires=later(),
    )
    for token in ("", "x", page.token + "x", foreign):
        assert problem(page.post(path, token=token)) == (401, "invalid_token")
    if path == "entries":
        # the newer launch of the same registration sends the older one's leftovers
        assert problem(page.post(path, {}, token=other.token)) == (
            400,
            "invalid_entries",
        )
        assert problem(page.post(path, token=stranger)) == (404, "not_found")
    else:
        for token in (other.token, stranger):
            assert problem(page.post(path, token=token)) == (401, "invalid_token")


def test_a_token_of_another_learner_or_package_sends_nothing(page: Page) -> None:
    older = page.player
    body = {"entries": [older.entry("initialize")]}
    with writing(page.parts.engine) as db:
        package = add_package(db, now=older.now)
    strangers = [
        Player(older.db, older.config, older.package, older.now),
        Player(older.db, older.config, package, older.now),
    ]
    for stranger, actor in zip(strangers, (OTHER, LEARNER), strict=True):
        stranger.now += timedelta(minutes=1)
        with writing(page.parts.engine) as db:
            stranger.db = db
            other = Page(page.parts, page.client, stranger.open(actor=actor))
        refused = page.post("entries", body, token=other.token)
        assert problem(refused) == (401, "invalid_token")


def test_the_next_registration_of_the_same_package_sends_leftovers(page: Page) -> None:
    """Both have one content host, where the older one's tail may still lie."""
    older = page.player
    body = {"entries": [older.entry("initialize")]}
    newer = Player(older.db, older.config, older.package, older.now)
    newer.now += timedelta(minutes=1)
    with writing(page.parts.engine) as db:
        newer.db = db
        other = Page(page.parts, page.client, newer.open())
    assert newer.registration != older.registration
    sent = page.post("entries", body, token=other.token)
    assert answer(sent)["committed_seq"] == 1


def test_a_browser_is_not_made_to_ask_for_a_password(page: Page) -> None:
    """To a challenge of Basic it opens a window of its own, and the page waits."""
    for token in ("", page.fresh_token(datetime.now(UTC) - timedelta(days=3))):
        refused = page.post("start", token=token)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="Rollcall"'


def test_an_older_launchs_token_sends_nothing_for_a_newer_one(page: Page) -> None:
    newer = page.another()
    body = {"entries": [newer.player.entry("initialize")]}
    refused = newer.post("entries", body, token=page.token)
    assert problem(refused) == (401, "invalid_token")
    assert answer(newer.post("entries", body))["committed_seq"] == 1


def test_an_ended_launchs_token_sends_nothing_for_an_older_one(page: Page) -> None:
    newer = page.another()
    assert newer.post("close").status_code == 204
    body = {"entries": [page.player.entry("initialize")]}
    refused = page.post("entries", body, token=newer.token)
    # not 401: signing in would not help, and the page goes on to its own entries
    assert problem(refused) == (409, "launch_closed")


@pytest.mark.parametrize("path", ROUTES)
def test_an_expired_token_says_so(page: Page, path: str) -> None:
    old = page.fresh_token(datetime.now(UTC) - tokens.LIFETIME)
    assert problem(page.post(path, token=old)) == (401, "token_expired")


def test_start_entries_and_close(page: Page) -> None:
    started = answer(page.post("start"))
    assert started["committed_seq"] == 0
    assert started["elements"]["standard"] == "scorm_12"
    player = page.player
    body = {"entries": [player.entry("initialize"), player.entry("set", ("x", "y"))]}
    assert answer(page.post("entries", body)) == {
        "committed_seq": 2,
        "completion": "unknown",
        "success": "unknown",
        "findings": [{"seq": 2, "name": "x", "code": 401}],
        "next": None,
    }
    gap = page.post("entries", {"entries": [player.entry() | {"seq": 9}]})
    assert problem(gap) == (409, "gap")
    assert gap.json["expected_seq"] == 3  # type: ignore[index]
    assert page.post("close").status_code == 204
    assert page.post("close").status_code == 204
    assert problem(page.post("start")) == (409, "launch_closed")
    assert problem(page.post("token")) == (409, "launch_closed")
    assert problem(page.post("units", {"unit": 1})) == (409, "launch_closed")
    late = page.post("entries", {"entries": [player.entry() | {"seq": 3}]})
    assert problem(late) == (409, "superseded")


def test_what_is_refused_is_committed_all_the_same(page: Page) -> None:
    first, _, third = (page.player.entry(kind) for kind in ("initialize", "set", "set"))
    assert problem(page.post("entries", {"entries": [first, third]})) == (409, "gap")
    assert answer(page.post("start"))["committed_seq"] == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"\xff", b"null"])
def test_bodies_that_are_no_entries(page: Page, body: bytes) -> None:
    response = page.client.post(
        f"/launches/{page.player.launch_id}/entries",
        data=body,
        headers={"Authorization": f"Bearer {page.token}"},
    )
    assert problem(response) in {(400, "invalid"), (400, "invalid_entries")}


def test_a_body_that_is_too_large(page: Page) -> None:
    response = page.client.post(
        f"/launches/{page.player.launch_id}/entries",
        data=b" " * (runtime.LARGEST_BODY + 1),
        headers={"Authorization": f"Bearer {page.token}"},
    )
    assert problem(response) == (413, "too_large")


def test_another_unit(page: Page) -> None:
    opened = answer(page.post("units", {"unit": 1}), 201)
    assert opened["url"].startswith("http://localhost:8000/launches/")
    token = opened["url"].partition("token=")[2]
    launch_id = uuid.UUID(opened["launch"])
    started = answer(page.post("start", token=token, launch_id=launch_id))
    assert started["unit"] == 1
    for wrong in ({}, {"unit": "1"}, {"unit": True}, [1]):
        assert problem(page.post("units", wrong, token=page.token))[0] in {400, 409}


def test_a_token_alone_begets_no_longer_life(page: Page) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    short = page.fresh_token(soon - tokens.LIFETIME)
    renewed = answer(page.post("token", token=short))
    assert datetime.fromisoformat(renewed["expires"]) == soon
    started = answer(page.post("start", token=renewed["token"]))
    assert datetime.fromisoformat(started["expires"]) == soon
    body = {"entries": [page.player.entry("initialize")]}
    answer(page.post("entries", body, token=short))
    opened = answer(page.post("units", {"unit": 1}, token=short), 201)
    unit = opened["url"].partition("token=")[2]
    assert tokens.parse_token(page.parts.config, unit).expires == soon
    with writing(page.parts.engine) as db:
        for launch_id in (page.player.launch_id, uuid.UUID(opened["launch"])):
            assert get_launch(db, launch_id=launch_id).expires_at == soon


def test_the_learner_signed_in_has_another_twelve_hours(page: Page) -> None:
    page.client.application.extensions["rollcall_actor"] = lambda: LEARNER
    almost = datetime.now(UTC) + timedelta(hours=11)
    short = page.fresh_token(datetime.now(UTC) - timedelta(hours=11))
    renewed = answer(page.post("token", token=short))
    assert datetime.fromisoformat(renewed["expires"]) > almost
    opened = answer(page.post("units", {"unit": 1}, token=short), 201)
    unit = opened["url"].partition("token=")[2]
    assert tokens.parse_token(page.parts.config, unit).expires > almost


@pytest.mark.parametrize(
    ("signed_in", "status"), [(None, 401), (OTHER, 401), (LEARNER, 200)]
)
def test_an_expired_token_is_renewed_for_the_person_signed_in(
    page: Page, signed_in: dict[str, Any] | None, status: int
) -> None:
    old = page.fresh_token(datetime.now(UTC) - timedelta(days=3))
    page.client.application.extensions["rollcall_actor"] = lambda: signed_in
    assert page.post("token", token=old).status_code == status


def test_every_route_says_who_may_call_it() -> None:
    app = Flask("test")
    app.register_blueprint(runtime.BLUEPRINT)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("runtime."):
            assert app.view_functions[rule.endpoint].allowed.kind == "launch"  # type: ignore[attr-defined]
            assert rule.methods == {"POST", "OPTIONS"}
