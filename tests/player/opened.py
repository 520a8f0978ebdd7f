"""A launch that is open, and a client on its content host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrs.db import reading
from player import urls
from player.launches import get_launch
from tests.player.packages import scorm_12, unit
from tests.player.site import Site, applications

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from lrs.parts import Parts
    from packages.courses import Package
    from player.launches import Opened

SCRIPT = "const answer = 42;\n" * 200
FILM = bytes(range(256)) * 1000
FILES: dict[str, bytes | str] = {
    "lib/app.js": SCRIPT,
    "lib/App.js": "other case",
    "film.mp4": FILM,
    "empty.css": "",
    "ü/Straße [1].txt": "hello",
    "100%25.txt": "percent",
    "noend": "data",
    "handout.pdf": b"%PDF-1.4",
}


@dataclass
class Open:
    """A launch and a client on its content host."""

    site: Site
    package: Package
    opened: Opened
    client: FlaskClient
    host: str

    def get(self, path: str, **headers: str) -> TestResponse:
        """Get a path; `Accept_Encoding` names the header Accept-Encoding."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=named, base_url=self.host)


def open_on(parts: Parts, more: dict[str, bytes | str] | None = None) -> Open:
    """Give an open launch of a package with FILES and more of them."""
    site = Site(parts, 0)
    package = site.add(scorm_12({"One": unit("One")}, FILES | (more or {})))
    launch = site.launch(package)
    _, content_app = applications(parts)
    with reading(parts.engine) as db:
        label = get_launch(db, launch_id=launch.launch_id).label
    origin = urls.content_origin(parts.config, label)
    return Open(site, package, launch, content_app.test_client(), origin)
