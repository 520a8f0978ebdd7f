"""The document against the routes, and against what another system gets answered."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

import wsgi
from lrs import jobs
from lrs.credentials import create_credential
from lrs.db import writing
from lrs.tables import MAIN_TENANT
from lrs.views import alone
from tests.api.described import Described
from tests.packages.make import course

if TYPE_CHECKING:
    from flask import Flask

    from lrs.parts import Parts

# the document itself, and what reads it
ABOUT = {"openapi.openapi", "openapi.page", "openapi.style"}
LEARNER = {"account": {"homePage": "https://lms.example", "name": "7"}}


def make_app(parts: Parts, site: str) -> Flask:
    return wsgi.create_app(parts) if site == "portal" else alone.create_app(parts)


@pytest.mark.parametrize("site", ["portal", "alone"])
@pytest.mark.parametrize("database", ["sqlite"])
def test_routes_and_document_are_the_same(parts: Parts, site: str) -> None:
    app = make_app(parts, site)
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.endpoint not in ABOUT
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    described = {
        (path, method.upper())
        for path, calls in document["paths"].items()
        for method in calls.keys() - {"parameters", "head", "options"}
    }
    assert described == routes
    assert len(routes) >= {"portal": 15, "alone": 4}[site]
    calls = [
        one
        for shared in document["paths"].values()
        for method, one in shared.items()
        if method != "parameters"
    ]
    names = [one["operationId"] for one in calls]
    assert len(set(names)) == len(names)
    assert all(one["summary"] for one in calls)


@pytest.fixture
def api(parts: Parts) -> Described:
    with writing(parts.engine) as db:
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="A system",
            home_page=parts.config.portal_url,
            now=datetime.now(UTC),
            scopes=("all", "credentials/write"),
        )
    return Described(wsgi.create_app(parts), (issued.key, issued.secret))


def work(parts: Parts) -> None:
    jobs.run_due(parts, wsgi.WORK.handlers, datetime.now(UTC))


def test_packages_from_upload_to_removal(api: Described, parts: Parts) -> None:
    sent = api.call("POST", "packages?filename=a.zip", data=course(title="T"))
    assert sent.status_code == 202
    place = f"packages/{sent.json['id']}"
    cancelled = api.call("POST", "packages", data=course(title="Not this"))
    path = f"packages/{cancelled.json['id']}"
    assert api.call("POST", f"{path}/cancel").json["status"] == "rejected"
    assert api.call("POST", f"{path}/cancel").status_code == 409
    work(parts)
    shown = api.call("GET", place).json
    assert (shown["status"], shown["title"]) == ("imported", "T")
    wrong = api.call("POST", "packages", data=b"no zip", headers={"Prefer": "wait=0"})
    work(parts)
    refused = f"packages/{wrong.json['id']}"
    found = api.call("GET", f"{refused}/findings?severity=error").json["findings"]
    assert len(found) == 1
    assert api.call("GET", f"{refused}/findings?severity=info").json["findings"] == []
    assert api.call("GET", f"{place}/findings?severity=bad").status_code == 400

    files = api.call("GET", f"{place}/files?limit=1").json
    assert len(files["files"]) == 1
    cursor = files["cursor"]
    rest = api.call("GET", f"{place}/files?cursor={cursor}").json
    assert rest["cursor"] is None
    paths = [one["path"] for one in files["files"] + rest["files"]]
    assert paths == sorted(paths)
    assert {"imsmanifest.xml", "index.html"} <= set(paths)
    assert api.call("GET", f"{refused}/files?cursor={cursor}").status_code == 400

    listed = [api.call("GET", "packages?limit=2").json]
    listed.append(api.call("GET", f"packages?cursor={listed[0]['cursor']}").json)
    ids = [one["id"] for page in listed for one in page["packages"]]
    assert ids == [wrong.json["id"], cancelled.json["id"], sent.json["id"]]
    for query, count in (
        ("status=imported", 1),
        ("status=rejected", 2),
        ("standard=scorm_12", 1),
        ("standard=cmi5", 0),
        (f"sha256={shown['sha256']}", 1),
        ("status=rejected&standard=scorm_12", 0),
    ):
        answer = api.call("GET", f"packages?{query}").json
        assert len(answer["packages"]) == count, query
    for query in ("status=deleted", "standard=x", "sha256=0", "title=T"):
        assert api.call("GET", f"packages?{query}").status_code == 400

    assert api.call("POST", "packages", data=b"").status_code == 400
    assert api.call("DELETE", place).status_code == 204
    assert api.call("GET", place).status_code == 404
    assert api.call("GET", f"{place}/files").status_code == 404
    assert len(api.call("GET", "packages").json["packages"]) == 2


def test_launches_and_registrations(api: Described, parts: Parts) -> None:
    sent = api.call("POST", "packages", data=course(title="T"))
    place = f"packages/{sent.json['id']}/launches"
    assert api.call("POST", place, json={"actor": LEARNER}).status_code == 409
    work(parts)
    opened = api.call("POST", place, json={"actor": LEARNER, "unit": 0}).json
    assert api.call("POST", place, json={"actor": {}}).status_code == 400
    group = {"objectType": "Group"} | LEARNER
    assert api.call("POST", place, json={"actor": group}).status_code == 400
    text = {"data": b"x", "content_type": "text/plain"}
    assert api.call("POST", place, **text).status_code == 415
    registration = f"registrations/{opened['registration']}"
    assert api.call("GET", registration).json["units"][0]["unit"] == 0
    waiver = {"unit": 0, "reason": "Tested out"}
    assert api.call("POST", f"{registration}/waivers", json=waiver).status_code == 201
    assert api.call("POST", f"{registration}/waivers").status_code == 400
    abandoned = f"launches/{opened['launch']}/abandon"
    assert api.call("POST", abandoned).status_code == 204
    assert api.call("POST", f"launches/{uuid.uuid4()}/abandon").status_code == 404


def test_credentials(api: Described) -> None:
    body = {"name": "Another", "scopes": ["statements/read"], "per_minute": 5}
    made = api.call("POST", "credentials", json=body).json
    place = f"credentials/{made['id']}"
    assert api.call("GET", place).json["per_minute"] == 5
    assert len(api.call("GET", "credentials").json["credentials"]) == 2
    assert api.call("GET", "credentials?limit=1").json["cursor"]
    void = {"name": "x", "scopes": ["statements/void"]}
    assert api.call("POST", "credentials", json=void).status_code == 403
    assert api.call("DELETE", place).status_code == 204
    other = Described(api.app, (made["key"], made["secret"]))
    assert other.call("GET", "credentials").status_code == 401
