"""cmi5 by the management API alone, as another LMS uses it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from lrs.credentials import create_credential
from lrs.db import writing
from lrs.tables import MAIN_TENANT
from tests.player.cmi5.unit import Lms, Unit

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from lrs.parts import Parts


class Api(Lms):
    """The portal with one course, and a key of another system."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with writing(self.parts.engine) as db:
            issued = create_credential(
                db,
                tenant=MAIN_TENANT,
                name="A system",
                home_page=self.parts.config.portal_url,
                now=datetime.now(UTC),
            )
        self.key = (issued.key, issued.secret)

    def call(self, method: str, path: str, body: Any = None) -> TestResponse:
        return self.client.open(
            f"/api/v1/{path}", method=method, json=body, auth=self.key
        )

    def open(self, unit: int, registration: uuid.UUID, actor: Any) -> Unit:
        answer = self.call(
            "POST",
            f"packages/{self.package.id}/launches",
            {"unit": unit, "registration": str(registration), "actor": actor},
        )
        assert answer.status_code == 201, answer.text
        return Unit(self, uuid.UUID(answer.json["launch"]), answer.json["content_url"])


@pytest.fixture
def api(parts: Parts) -> Api:
    return Api(parts)


def test_a_course_from_launch_to_complete(api: Api) -> None:
    registration = uuid.uuid4()
    mail = {"objectType": "Agent", "mbox": "mailto:kim@example.org", "name": "Kim"}
    standing = f"registrations/{registration}"
    unit = api.open(0, registration, mail).begin()
    # known by a mailbox, launched by an account that says nothing of it
    assert unit.actor["account"]["homePage"] == api.parts.config.portal_url
    assert "kim" not in str(unit.actor).lower()
    unit.say("initialized", "passed", "terminated")
    found = api.call("GET", standing).json
    assert found["completion"] == "incomplete"
    assert found["units"][0]["completion"] == "completed"
    assert [one["unit"] for one in found["reasons"]] == [1, 2]
    for place in (1, 2):
        waived = api.call(
            "POST", f"{standing}/waivers", {"unit": place, "reason": "Administrative"}
        )
        assert waived.status_code == 201
    found = api.call("GET", standing).json
    assert (found["completion"], found["reasons"]) == ("completed", [])


def test_abandoning_ends_the_key(api: Api) -> None:
    actor = {"account": {"homePage": "https://school.example", "name": "4711"}}
    unit = api.open(0, uuid.uuid4(), actor).begin().say("initialized")
    assert unit.actor == {"objectType": "Agent", **actor}
    for _ in range(2):
        assert api.call("POST", f"launches/{unit.launch_id}/abandon").status_code == 204
    assert unit.send(unit.statement("terminated")).status_code == 401


def test_the_fetch_address_is_the_portals(api: Api) -> None:
    actor = {"account": {"homePage": "https://school.example", "name": "4711"}}
    unit = api.open(0, uuid.uuid4(), actor)
    fetch = urlsplit(unit.given["fetch"])
    assert f"{fetch.scheme}://{fetch.netloc}" == api.parts.config.portal_url
    assert urlsplit(unit.address).netloc.endswith(api.parts.config.content_host)
