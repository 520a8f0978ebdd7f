"""The management API of launches and registrations."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from lrs.credentials import create_credential
from lrs.db import writing
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Clock, Tenant
from player import urls
from player.tables import Launch
from player.views import manage, runtime
from portal.acts import portal_authority
from statements.build import activity, build_statement
from statements.prepare import prepare
from tests.player.sample import (
    COURSE,
    LEARNER,
    OTHER,
    Player,
    add_package,
    make_unit,
)

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from lrs.parts import Parts


class Api:
    """An installation with one package and callers with credentials."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        app = Flask("test")
        app.extensions["rollcall"] = parts
        app.register_blueprint(manage.BLUEPRINT)
        app.register_blueprint(runtime.BLUEPRINT)
        self.client = app.test_client()
        self.now = datetime.now(UTC)
        self.keys = {
            "all": self.credential("all"),
            "reader": self.credential("statements/read"),
            "seer": self.credential("all", "pretest/read"),
        }
        with writing(parts.engine) as db:
            units = (make_unit(0), make_unit(1))
            self.package = add_package(db, *units, now=self.now)
            self.package_id = self.package.id

    def credential(self, *scopes: str, tenant: int = MAIN_TENANT) -> tuple[str, str]:
        with writing(self.parts.engine) as db:
            issued = create_credential(
                db,
                tenant=tenant,
                name="A system",
                home_page="http://localhost:8000",
                now=self.now,
                scopes=scopes,
            )
        return issued.key, issued.secret

    def call(
        self, method: str, path: str, body: object = None, key: str | None = "all"
    ) -> TestResponse:
        return self.client.open(
            f"/api/v1/{path}",
            method=method,
            json=body if method == "POST" else None,
            auth=self.keys[key] if key else None,
        )

    def launch(self, **body: Any) -> dict[str, Any]:
        return answer(
            self.call(
                "POST", f"packages/{self.package_id}/launches", {"actor": OTHER} | body
            ),
            201,
        )


@pytest.fixture
def api(parts: Parts) -> Api:
    return Api(parts)


def answer(response: TestResponse, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json  # type: ignore[assignment]
    return found


def problem(response: TestResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    return response.status_code, response.json["code"]  # type: ignore[index]


def test_a_launch(api: Api) -> None:
    opened = api.launch(return_url="https://lms.example/done")
    assert set(opened) == {"launch", "registration", "url", "content_url"}
    assert opened["url"].startswith(
        f"http://localhost:8000/launches/{opened['launch']}?token=v1."
    )
    assert opened["content_url"].endswith(
        ".content.localhost:8000/lesson%200/index.html?a=1"
    )
    with writing(api.parts.engine) as db:
        launch = db.get_one(Launch, uuid.UUID(opened["launch"]))
        assert (launch.actor, launch.mode, launch.unit) == (OTHER, "Normal", 0)
        assert launch.return_url == "https://lms.example/done"
        assert launch.course_iri.endswith(f"/activities/{api.package_id}")


def test_a_launch_within_a_registration(api: Api) -> None:
    registration = str(uuid.uuid4())
    for unit in (0, 1):
        opened = api.launch(registration=registration, unit=unit, mode="Browse")
        assert opened["registration"] == registration
    other = api.call(
        "POST",
        f"packages/{api.package_id}/launches",
        {"actor": LEARNER, "registration": registration},
    )
    assert problem(other) == (409, "registration_taken")


def test_a_registration_that_was_launched_for_another_course_is_taken(
    api: Api,
) -> None:
    with writing(api.parts.engine) as db:
        learner = Player(db, api.parts.config, api.package, api.now).open()
    for mode in ("Normal", "Browse"):
        refused = api.call(
            "POST",
            f"packages/{api.package_id}/launches",
            {
                "actor": LEARNER,
                "registration": str(learner.registration),
                "mode": mode,
            },
        )
        assert problem(refused) == (409, "registration_taken")
    with writing(api.parts.engine) as db:
        learner.db = db
        assert learner.start()["mode"] == "Normal"


@pytest.mark.parametrize(
    ("course", "author", "status"),
    [
        ("another", "portal", 409),
        ("another", "elsewhere", 201),
        ("own", "portal", 201),
    ],
)
def test_a_registration_that_the_portal_gave_out_is_its_courses(
    api: Api, course: str, author: str, status: int
) -> None:
    registration, config = uuid.uuid4(), api.parts.config
    iri = urls.course_iri(config, api.package_id)
    statement = build_statement(
        id=uuid.uuid4(),
        actor=LEARNER,
        verb="registered",
        object=activity(iri if course == "own" else COURSE),
        timestamp=api.now,
        context={"registration": str(registration)},
    )
    with writing(api.parts.engine) as db:
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(statement, now=api.now)],
            authority=portal_authority(config) if author == "portal" else OTHER,
            now=api.now,
        )
    opened = api.call(
        "POST",
        f"packages/{api.package_id}/launches",
        {"actor": LEARNER, "registration": str(registration)},
    )
    assert opened.status_code == status
    if status != 201:
        assert problem(opened) == (409, "registration_taken")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        ({"actor": {}}, 400),
        ({"actor": {"mbox": "nobody"}}, 400),
        ({"actor": {"objectType": "Group", "member": [OTHER]}}, 400),
        ({"actor": {"account": {"homePage": "http://a.b", "name": "\x00"}}}, 400),
        ({"actor": OTHER, "unit": 9}, 409),
        ({"actor": OTHER, "unit": -1}, 409),
        ({"actor": OTHER, "unit": "0"}, 400),
        ({"actor": OTHER, "mode": "normal"}, 400),
        ({"actor": OTHER, "registration": "r"}, 400),
        ({"actor": OTHER, "return_url": "javascript:alert(1)"}, 400),
        ({"actor": OTHER, "return_url": "//evil.example"}, 400),
        ({"actor": OTHER, "return_url": "http://["}, 400),
        ({"actor": OTHER, "return_url": "https://e.org/" + "x" * 2000}, 400),
        ({"actor": OTHER, "learner": "x"}, 400),
        ({"actor": OTHER, "return_url": "x" * 70_000}, 413),
    ],
    ids=lambda row: ascii(row)[:60],
)
def test_what_is_no_launch(api: Api, body: object, status: int) -> None:
    response = api.call("POST", f"packages/{api.package_id}/launches", body)
    assert problem(response)[0] == status


def test_text_that_is_no_json(api: Api) -> None:
    response = api.client.post(
        f"/api/v1/packages/{api.package_id}/launches",
        data=b"{",
        auth=api.keys["all"],
    )
    assert problem(response) == (400, "invalid")


def test_only_with_a_credential_of_the_scope(api: Api) -> None:
    opened = api.launch()
    calls = [
        ("POST", f"packages/{api.package_id}/launches", {"actor": OTHER}),
        ("POST", f"launches/{opened['launch']}/abandon", {}),
        ("GET", f"registrations/{opened['registration']}", None),
        (
            "POST",
            f"registrations/{opened['registration']}/waivers",
            {"unit": 0, "reason": "r"},
        ),
    ]
    for method, path, body in calls:
        assert problem(api.call(method, path, body, key=None))[0] == 401
        refused = api.call(method, path, body, key="reader")
        assert problem(refused) == (403, "missing_scope")


def test_another_tenant_sees_nothing(api: Api) -> None:
    with writing(api.parts.engine) as db:
        db.add(Tenant(id=2, name="other"))
        db.flush()
        db.add(Clock(tenant_id=2, seq=0, stored=api.now))
    api.keys["other"] = api.credential("all", tenant=2)
    opened = api.launch()
    for method, path, body in [
        ("POST", f"packages/{api.package_id}/launches", {"actor": OTHER}),
        ("POST", f"launches/{opened['launch']}/abandon", {}),
        ("GET", f"registrations/{opened['registration']}", None),
        (
            "POST",
            f"registrations/{opened['registration']}/waivers",
            {"unit": 0, "reason": "r"},
        ),
    ]:
        assert problem(api.call(method, path, body, key="other"))[0] == 404


def test_abandoning_twice_is_harmless(api: Api) -> None:
    opened = api.launch()
    for _ in range(2):
        path = f"launches/{opened['launch']}/abandon"
        assert api.call("POST", path, {}).status_code == 204
    assert problem(api.call("POST", f"launches/{uuid.uuid4()}/abandon"))[0] == 404
    assert problem(api.call("POST", path, {"why": "x"}))[0] == 400


def test_a_registration(api: Api) -> None:
    opened = api.launch(actor=LEARNER)
    path = f"registrations/{opened['registration']}"
    with writing(api.parts.engine) as db:
        player = Player(db, api.parts.config, api.package, api.now)
        player.launch_id = uuid.UUID(opened["launch"])
        assert player.sit(lesson_status="passed", raw="85").problem is None
    found = answer(api.call("GET", path))
    assert found["completion"] == "incomplete"
    assert (found["success"], found["scaled"]) == ("passed", 0.85)
    assert found["units"][0] | {"saved_at": None, "total_seconds": 0} == {
        "unit": 0,
        "id": "ITEM-0",
        "title": "Lesson 1",
        "completion": "completed",
        "success": "passed",
        "scaled": 0.85,
        "total_seconds": 0,
        "suspended": False,
        "waived": False,
        "hidden": False,
        "saved_at": None,
    }
    assert found["units"][0]["total_seconds"] == 20
    assert found["reasons"] == [
        {"code": "not_started", "unit": 1, "text": "Lesson 2 has not been started."}
    ]
    waiver = {"unit": 1, "reason": "Tested out"}
    assert answer(api.call("POST", f"{path}/waivers", waiver), 201) == answer(
        api.call("POST", f"{path}/waivers", waiver), 201
    )
    [reason] = answer(api.call("GET", path))["reasons"]
    assert (reason["code"], reason["unit"]) == ("waived", 1)
    assert problem(api.call("GET", f"registrations/{uuid.uuid4()}"))[0] == 404
    for wrong in (
        {},
        {"unit": 1},
        {"unit": 1, "reason": ""},
        {"unit": 9, "reason": "x"},
    ):
        assert problem(api.call("POST", f"{path}/waivers", wrong))[0] == 400


def test_an_old_launch_is_abandoned_for_good(api: Api) -> None:
    opened = api.launch()
    api.call("POST", f"launches/{opened['launch']}/abandon", {})
    token = opened["url"].partition("token=")[2]
    response = api.client.post(
        f"/launches/{opened['launch']}/start",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert problem(response) == (409, "launch_closed")
