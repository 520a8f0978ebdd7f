"""An LRS alone, as an outside client sees it: no portal, no player, no packages."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lrs.config import Config
from lrs.credentials import Issued, create_credential
from lrs.db import make_engine, writing
from lrs.parts import Parts
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from lrs.views import BLUEPRINTS, XAPI
from lrs.views.express import StoreApp
from tests.conftest import cloned_postgres, postgres_url, sqlite_url, storage_of
from tests.servers import Servers

VERSION = "X-Experience-API-Version"


@dataclass
class Lrs:
    """A client of the application; `answer.json` is decoded by Flask."""

    app: Flask
    parts: Parts
    issued: Issued
    version: str = "1.0.3"

    def headers(self, **more: str) -> dict[str, str]:
        pair = f"{self.issued.key}:{self.issued.secret}".encode()
        return {
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            VERSION: self.version,
        } | more

    def call(
        self,
        method: str,
        path: str = "/xapi/statements",
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> TestResponse:
        raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        kind = {"Content-Type": "application/json"} if raw is not None else {}
        return self.app.test_client().open(
            path,
            method=method,
            data=raw,
            query_string=query or None,
            headers=self.headers(**kind) | (headers or {}),
        )

    def get(self, path: str = "/xapi/statements", **query: str) -> TestResponse:
        return self.call("GET", path, **query)

    def post(self, body: Any) -> TestResponse:
        return self.call("POST", body=body)

    def found(self, **query: str) -> list[str]:
        """The ids of the statements of a page."""
        answer = self.get(**query)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.get_json()["statements"]]

    def store(self, *statements: dict[str, Any]) -> list[str]:
        answer = self.post(list(statements))
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.get_json()
        return ids

    def with_scopes(self, scopes: Iterable[str], tenant: int = MAIN_TENANT) -> Lrs:
        """The same application with another credential."""
        return Lrs(self.app, self.parts, issue(self.parts, scopes, tenant))

    def speaking(self, version: str) -> Lrs:
        return Lrs(self.app, self.parts, self.issued, version)


def issue(
    parts: Parts, scopes: Iterable[str] = ("all",), tenant: int = MAIN_TENANT
) -> Issued:
    with writing(parts.engine) as db:
        return create_credential(
            db,
            tenant=tenant,
            name="External LMS",
            home_page=parts.config.portal_url,
            now=datetime.now(UTC),
            scopes=tuple(scopes),
        )


def statement(**members: Any) -> dict[str, Any]:
    """A small valid statement with a fresh id."""
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:officer@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "http://example.org/activities/course"},
    } | members


def application(parts: Parts) -> Flask:
    app = StoreApp("lrs-alone", static_folder=None)
    app.extensions["rollcall"] = parts
    for blueprint in (*XAPI, *BLUEPRINTS):
        app.register_blueprint(blueprint)
    return app


@pytest.fixture
def lrs(parts: Parts) -> Lrs:
    return Lrs(application(parts), parts, issue(parts))


@dataclass
class Own(Lrs):
    """A record store of its own in an installation that it shares with others."""

    tenant: int = 0

    def with_scopes(self, scopes: Iterable[str], tenant: int = 0) -> Own:
        issued = issue(self.parts, scopes, tenant or self.tenant)
        return replace(self, issued=issued, tenant=tenant or self.tenant)

    def speaking(self, version: str) -> Own:
        return replace(self, version=version)


def new_tenant(parts: Parts) -> int:
    with writing(parts.engine) as db:
        return create_tenant(db, name=uuid.uuid4().hex).id


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_app(
    request: pytest.FixtureRequest,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """An application for all tests of a module: a database of one's own takes long."""
    folder = tmp_path_factory.mktemp("own")
    if request.param == "sqlite":
        url = sqlite_url(servers, folder)
    else:
        url = postgres_url(servers, cloned_postgres(servers))
    config = Config(data=folder, secret_key="a secret", workers=1, database_url=url)
    engine = make_engine(url)
    yield application(Parts(config, engine, storage_of(config)))
    engine.dispose()


@pytest.fixture
def own(shared_app: Flask) -> Own:
    """An empty record store: a fresh tenant of an application that others use too."""
    parts: Parts = shared_app.extensions["rollcall"]
    tenant = new_tenant(parts)
    issued = issue(parts, tenant=tenant)
    return Own(shared_app, parts, issued, tenant=tenant)
