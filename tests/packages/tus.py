"""A client of the tus protocol with a credential."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask

from lrs.credentials import create_credential
from lrs.db import writing
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from packages.views import uploads

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from lrs.parts import Parts

SPOKEN = {"Tus-Resumable": "1.0.0"}
PIECE = SPOKEN | {"Content-Type": "application/offset+octet-stream"}


class Tus:
    """A client with a credential that speaks the protocol."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        app = Flask("test")
        app.extensions["rollcall"] = parts
        app.register_blueprint(uploads.BLUEPRINT)
        self.client = app.test_client()
        with writing(parts.engine) as db:
            other = create_tenant(db, name="other").id
        self.keys = {
            "all": self.credential(MAIN_TENANT, "all"),
            "second": self.credential(MAIN_TENANT, "packages/write"),
            "reader": self.credential(MAIN_TENANT, "packages/read"),
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
        self,
        method: str,
        place: str = "/api/v1/uploads",
        key: str | None = "all",
        data: bytes = b"",
        **headers: str,
    ) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            place,
            method=method,
            data=data,
            auth=self.keys[key] if key else None,
            headers=named,
        )

    def begin(self, data: bytes, name: str = "a.zip") -> str:
        encoded = base64.b64encode(name.encode()).decode()
        answer = self.call(
            "POST",
            **SPOKEN,
            Upload_Length=str(len(data)),
            # values of other names may be anything
            Upload_Metadata=f"filename {encoded},filetype,hash /w==",
        )
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.headers["Location"]

    def send(self, place: str, start: int, data: bytes, **headers: str) -> TestResponse:
        return self.call(
            "PATCH", place, data=data, **PIECE, Upload_Offset=str(start), **headers
        )
