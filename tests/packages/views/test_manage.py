"""The management API of packages, as another system calls it."""

from __future__ import annotations

import io
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from lrs import jobs
from lrs.credentials import create_credential
from lrs.db import reading, writing
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from packages import courses
from packages.intake import import_package, remove_files
from packages.views import manage
from packages.views.manage import wanted_wait
from tests.packages.make import course
from tests.packages.test_cmi5 import au, course_structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from lrs.parts import Parts

HANDLERS = {"package.import": (import_package,), "package.delete": (remove_files,)}


class Api:
    """An installation and callers with credentials; `work` does what is queued."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        app = Flask("test")
        app.extensions["rollcall"] = parts
        app.register_blueprint(manage.BLUEPRINT)
        self.client = app.test_client()
        with writing(parts.engine) as db:
            other = create_tenant(db, name="other").id
        self.keys = {
            "all": self.credential(MAIN_TENANT, "all"),
            "reader": self.credential(MAIN_TENANT, "packages/read"),
            "lms": self.credential(MAIN_TENANT, "statements/write"),
            "other": self.credential(other, "all"),
        }

    def credential(self, tenant: int, *scopes: str) -> tuple[str, str]:
        with writing(self.parts.engine) as db:
            issued = create_credential(
                db,
                tenant=tenant,
                name="A system",
                home_page="http://localhost:8000",
                now=datetime.now(UTC),
                scopes=scopes,
            )
        return issued.key, issued.secret

    def call(
        self, method: str, path: str = "", key: str | None = "all", **words: Any
    ) -> TestResponse:
        auth = self.keys[key] if key else None
        url = f"/api/v1/packages{path}"
        return self.client.open(url, method=method, auth=auth, **words)

    def upload(self, data: bytes, **headers: str) -> TestResponse:
        return self.call("POST", "?filename=a.zip", data=data, headers=headers)

    def work(self) -> int:
        return jobs.run_due(self.parts, HANDLERS, datetime.now(UTC))


@pytest.fixture
def api(parts: Parts) -> Api:
    return Api(parts)


@pytest.fixture
def worker(api: Api) -> Iterator[None]:
    """Do what is queued in the background, as an installation does."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.05):
            api.work()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_an_upload_is_accepted_and_then_shown(api: Api) -> None:
    answer = api.upload(course(title="T"), **{"Content-Type": "image/png"})
    assert answer.status_code == 202
    location = answer.headers["Location"]
    assert answer.get_json()["status"] == "queued"
    assert location == f"/api/v1/packages/{answer.get_json()['id']}"
    api.work()
    shown = api.call("GET", location.removeprefix("/api/v1/packages")).get_json()
    assert shown["status"] == "imported"
    assert shown["progress"] == 1.0
    assert (shown["standard"], shown["edition"]) == ("scorm_12", "1.2")
    assert (shown["title"], shown["filename"]) == ("T", "a.zip")
    assert shown["units"] == [
        {"index": 0, "id": "item-1", "title": "Lesson", "launch": "index.html"}
    ]
    assert shown["findings"] == []


def test_a_form_is_refused_and_not_stored(api: Api) -> None:
    form = {"file": (io.BytesIO(course()), "a.zip")}
    answer = api.call("POST", data=form, content_type="multipart/form-data")
    assert answer.status_code == 415
    assert answer.content_type == "application/problem+json"
    assert "--data-binary @course.zip" in answer.get_json()["detail"]
    assert api.call("GET").get_json()["packages"] == []
    assert api.work() == 0


@pytest.mark.parametrize(
    ("query", "status"),
    [("", "rejected"), ("&lenient=false", "rejected"), ("&lenient=true", "imported")],
)
def test_leniency_for_cmi5_is_asked_for(api: Api, query: str, status: str) -> None:
    draft = course_structure(
        au(url="https://example.com/"), namespace="http://www.aicc.org/2012/01/cmi5"
    )
    sent = api.call("POST", f"?filename=cmi5.xml{query}", data=draft.encode())
    assert sent.status_code == 202
    api.work()
    assert api.call("GET", f"/{sent.get_json()['id']}").get_json()["status"] == status


@pytest.mark.usefixtures("worker")
def test_waiting_for_an_import(api: Api) -> None:
    answer = api.upload(course(), Prefer="respond-async, wait=60")
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "wait=60"
    assert answer.get_json()["status"] == "imported"
    assert answer.headers["Location"].endswith(answer.get_json()["id"])


@pytest.mark.usefixtures("worker")
def test_a_refused_package_says_why(api: Api) -> None:
    answer = api.upload(b"no zip", Prefer="wait=60")
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["code"] == "invalid_package"
    assert problem["detail"] == problem["findings"][0]["message"]
    assert set(problem["findings"][0]) == {
        "severity",
        "code",
        "message",
        "advice",
        "path",
        "line",
    }
    shown = api.call("GET", f"/{problem['id']}").get_json()
    assert (shown["status"], shown["units"]) == ("rejected", [])


def test_waiting_in_vain(api: Api) -> None:
    answer = api.upload(course(), Prefer="wait=0")
    assert answer.status_code == 202
    assert answer.get_json()["status"] == "queued"


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("", None),
        ("respond-async", None),
        ("wait=10", 10),
        ("respond-async; wait=10", 10),
        ('wait = "7"', 7),
        ("wait=99999", 120),
        ("await=5", None),
        ("wait=-5", None),
    ],
)
def test_the_wish_to_wait(prefer: str, seconds: int | None) -> None:
    assert wanted_wait(prefer) == seconds


def test_deleting(api: Api) -> None:
    package_id = api.upload(course()).get_json()["id"]
    api.work()
    before = list(api.parts.storage.keys(""))
    assert api.call("DELETE", f"/{package_id}").status_code == 204
    assert api.call("GET", f"/{package_id}").status_code == 404
    assert api.call("DELETE", f"/{package_id}").status_code == 404
    with reading(api.parts.engine) as db:
        package = courses.get_package(db, package_id=uuid.UUID(package_id))
        assert len(courses.manifest_of(package).units) == 1
        assert courses.find_files(db, package_id=package.id) == []
        assert courses.find_packages(db) == []
    assert list(api.parts.storage.keys("")) == before != []
    api.work()
    assert list(api.parts.storage.keys("")) == []


def test_what_is_being_imported_is_not_deleted(api: Api) -> None:
    package_id = api.upload(course()).get_json()["id"]
    assert api.call("DELETE", f"/{package_id}").status_code == 409
    api.work()
    assert api.call("DELETE", f"/{package_id}").status_code == 204


def test_a_version_of_a_course_is_not_deleted(api: Api) -> None:
    package_id = uuid.UUID(api.upload(course()).get_json()["id"])
    api.work()
    now = datetime.now(UTC)
    with writing(api.parts.engine) as db:
        made = courses.create_course(db, title="T", created_by="x", now=now)
        courses.add_version(db, course_id=made.id, package_id=package_id, now=now)
    answer = api.call("DELETE", f"/{package_id}")
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "package_in_use"


def test_who_may_do_what(api: Api) -> None:
    path = "/" + api.upload(course()).get_json()["id"]
    calls = [("POST", ""), ("GET", path), ("DELETE", path)]
    expected = {
        None: [401, 401, 401],
        "lms": [403, 403, 403],
        "reader": [403, 200, 403],
        "other": [202, 404, 404],
        "all": [202, 200, 409],
    }
    for key, statuses in expected.items():
        found = [
            api.call(method, where, key, data=b"x" if method == "POST" else None)
            for method, where in calls
        ]
        assert [answer.status_code for answer in found] == statuses, key
        for answer in found:
            if answer.status_code >= 400:
                assert answer.content_type == "application/problem+json"
