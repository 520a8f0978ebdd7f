"""The management API of launches that were, and of their logs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from lrs.credentials import create_credential
from lrs.db import writing
from lrs.tables import MAIN_TENANT
from player.views import history
from tests.player.sample import Player, add_package, make_unit

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from lrs.parts import Parts

ROW = [1, "LMSGetValue", ["cmi.core.entry"], "ab-initio", 0, 2]


class Api:
    """An installation with two launches, and a credential."""

    def __init__(self, parts: Parts) -> None:
        app = Flask("test")
        app.extensions["rollcall"] = parts
        app.register_blueprint(history.BLUEPRINT)
        self.client: FlaskClient = app.test_client()
        now = datetime.now(UTC)
        with writing(parts.engine) as db:
            self.keys = {
                scope: create_credential(
                    db,
                    tenant=MAIN_TENANT,
                    name="A system",
                    home_page="http://localhost:8000",
                    now=now,
                    scopes=(scope,),
                )
                for scope in ("launches/read", "launches/write", "all/read")
            }
            package = add_package(db, make_unit(0), now=now)
            first = Player(db, parts.config, package, now).open()
            first.start()
            first.send({**first.entry("initialize"), "calls": [ROW]})
            first.send(first.entry("set", ("cmi.core.score.raw", "50")))
            second = first.again()
            self.package, self.registration = package.id, first.registration
            self.first, self.second = first.launch_id, second.launch_id

    def get(self, path: str, scope: str = "launches/read") -> TestResponse:
        key = self.keys[scope]
        return self.client.get(f"/api/v1/{path}", auth=(key.key, key.secret))

    def json(self, path: str) -> Any:
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.get_json()


@pytest.fixture
def api(parts: Parts) -> Api:
    return Api(parts)


def test_launches_page_by_page(api: Api) -> None:
    path, found = "launches?limit=1", []
    cursor: str | None = ""
    while cursor is not None:
        page = api.json(path + (f"&cursor={cursor}" if cursor else ""))
        found += [one["launch"] for one in page["launches"]]
        cursor = page["cursor"]
    assert found == [str(api.second), str(api.first)]


def test_a_launch_says_what_became_of_it(api: Api) -> None:
    shown = api.json(f"launches/{api.first}")
    assert shown["state"] == "open"
    assert shown["mode"] == "Normal"
    assert shown["scaled"] == 0.5
    assert (shown["entries"], shown["findings"], shown["set_aside"]) == (2, 0, 0)
    assert shown["title"] == "Lesson 1"
    assert api.json(f"launches/{api.second}")["state"] == "waiting"


@pytest.mark.parametrize("name", ["registration", "package"])
def test_launches_of_one_thing(api: Api, name: str) -> None:
    value = getattr(api, name)
    assert len(api.json(f"launches?{name}={value}")["launches"]) == 2
    assert api.json(f"launches?{name}={uuid.uuid4()}")["launches"] == []


def test_the_log_page_by_page_and_sought_through(api: Api) -> None:
    place = f"launches/{api.first}/log"
    first = api.json(f"{place}?limit=2")
    assert [one["function"] for one in first["calls"]] == [
        "(session begins)",
        "LMSGetValue",
    ]
    assert first["calls"][1]["times"] == 2
    rest = api.json(f"{place}?limit=2&cursor={first['cursor']}")
    assert [one["arguments"] for one in rest["calls"]] == [["cmi.core.score.raw", "50"]]
    assert rest["cursor"] is None
    sought = api.json(f"{place}?element=score&errors=false")["calls"]
    assert [one["function"] for one in sought] == ["SetValue"]
    assert api.json(f"{place}?errors=true")["calls"] == []


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("launches", "launches/write", 403),
        ("launches", "all/read", 200),
        (f"launches/{uuid.UUID(int=0)}", "launches/read", 404),
        (f"launches/{uuid.UUID(int=0)}/log", "launches/read", 404),
        ("launches?cursor=x", "launches/read", 400),
        ("launches?limit=0", "launches/read", 400),
        ("launches?registration=x", "launches/read", 400),
        ("launches?what=1", "launches/read", 400),
    ],
)
def test_who_may_and_what_is_refused(
    api: Api, path: str, scope: str, status: int
) -> None:
    response = api.get(path, scope)
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.content_type == "application/problem+json"
