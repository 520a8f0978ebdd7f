"""The fetch address, the way back, and what is heard of a unit, over HTTP."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from lrs.db import reading
from player import tokens, urls
from player.heard import heard_of
from player.sittings import get_launch
from statements.errors import Unavailable
from tests.player.cmi5.unit import Lms

if TYPE_CHECKING:
    from lrs.parts import Parts

AT_ONCE = 8


@pytest.fixture
def lms(parts: Parts) -> Lms:
    return Lms(parts)


def test_the_fetch_address_works_once(lms: Lms) -> None:
    unit = lms.launch()
    first, second = unit.fetch(), unit.fetch()
    assert list(first) == ["auth-token"]
    assert second["error-code"] == "1"
    assert "auth-token" not in second


def test_of_those_who_ask_at_once_one_gets_it(lms: Lms) -> None:
    unit = lms.launch()
    path = urlsplit(unit.given["fetch"]).path

    def ask(_: int) -> dict[str, str]:
        answer = lms.client.application.test_client().post(path)
        assert answer.status_code == 200
        found: dict[str, str] = answer.json
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, range(AT_ONCE)))
    assert sum("auth-token" in one for one in answers) == 1
    assert sum(one.get("error-code") in {"1", "3"} for one in answers) == AT_ONCE - 1


def test_it_is_for_post_alone_and_for_every_site(lms: Lms) -> None:
    path = urlsplit(lms.launch().given["fetch"]).path
    assert lms.client.get(path).status_code == 405
    asked = lms.client.options(
        path,
        headers={
            "Access-Control-Request-Headers": "content-type, x-anything",
            "Origin": "https://cdn.example",
        },
    )
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Headers"] == "content-type, x-anything"
    answer = lms.client.post(path, headers={"Origin": "https://cdn.example"})
    for one in (asked, answer):
        # some units ask with cookies, of which none is looked at here
        assert one.headers["Access-Control-Allow-Origin"] == "https://cdn.example"
        assert one.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in one.headers["Vary"]
        assert "Set-Cookie" not in one.headers
    plain = lms.client.post(path)
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in plain.headers
    assert answer.headers["Cache-Control"] == "no-store"
    odd = lms.client.options(path, headers={"Access-Control-Request-Headers": "a\tb;c"})
    assert odd.headers["Access-Control-Allow-Headers"] == "Content-Type"


@pytest.mark.parametrize("token", ["x", "0" * 32 + ".aaaa", "a" * 500])
def test_other_addresses_are_a_security_error(lms: Lms, token: str) -> None:
    answer = lms.client.post(f"/cmi5/fetch/{token}")
    assert (answer.status_code, answer.json["error-code"]) == (200, "2")


def test_a_busy_database_is_an_application_error(
    lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **__: Any) -> None:
        raise Unavailable

    monkeypatch.setattr("player.cmi5.sessions.fetch", busy)
    assert lms.launch().fetch()["error-code"] == "3"


def test_the_way_back_can_be_framed_by_its_content_alone(lms: Lms) -> None:
    unit = lms.launch()
    answer = lms.client.get(f"/cmi5/return/{unit.launch_id}")
    with reading(lms.parts.engine) as db:
        label = get_launch(db, launch_id=unit.launch_id).label
    origin = urls.content_origin(lms.parts.config, label)
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {origin};" in policy
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert "You have left the unit" in answer.text
    assert 'href="https://school.example/back"' in answer.text


def test_the_way_back_of_no_launch_leads_nowhere(lms: Lms) -> None:
    answer = lms.client.get(f"/cmi5/return/{uuid.uuid4()}")
    assert answer.status_code == 200
    assert "href" not in answer.text.partition("<main")[2]
    assert "frame-ancestors 'self';" in answer.headers["Content-Security-Policy"]


def test_what_is_heard_of_a_unit(lms: Lms) -> None:
    unit = lms.launch()
    token = tokens.make_token(
        lms.parts.config, launch_id=unit.launch_id, expires=_later(lms, unit.launch_id)
    )

    def heard() -> tuple[str, str]:
        answer = lms.client.get(
            f"/launches/{unit.launch_id}/heard",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200
        return answer.json["state"], answer.json["completion"]

    found = [heard()]
    unit.begin()
    for verb in ("initialized", "passed", "terminated"):
        unit.say(verb)
        found.append(heard())
    assert found == [
        ("silent", "unknown"),
        ("running", "incomplete"),
        ("running", "completed"),
        ("over", "completed"),
    ]
    assert lms.client.get(f"/launches/{unit.launch_id}/heard").status_code == 401


def test_that_reports_are_refused_is_heard(lms: Lms) -> None:
    unit = lms.launch().begin()
    with reading(lms.parts.engine) as db:
        assert not heard_of(db, launch_id=unit.launch_id).refused
    assert unit.send(unit.statement("passed")).status_code == 403
    with reading(lms.parts.engine) as db:
        assert heard_of(db, launch_id=unit.launch_id).refused


def _later(lms: Lms, launch_id: uuid.UUID) -> Any:
    with reading(lms.parts.engine) as db:
        return get_launch(db, launch_id=launch_id).expires_at
