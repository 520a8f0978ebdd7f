"""The player's two sites, served for a browser on a free port."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.serving import make_server

from lrs.db import make_engine, writing
from lrs.parts import Parts
from lrs.storage import make_storage
from packages.courses import Package, get_package
from packages.intake import import_package, receive_package
from player import launches, urls
from player.views import BLUEPRINTS, content
from wsgi import create_lrs_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrs.config import Config
    from player.scorm_12 import Mode

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def applications(parts: Parts) -> tuple[Flask, Flask]:
    """Give the portal application with the player alone, and the content application."""
    portal, site = Flask("rollcall"), Flask("content")
    for app in (portal, site):
        app.extensions["rollcall"] = parts
    for blueprint in BLUEPRINTS:
        portal.register_blueprint(blueprint)
    site.register_blueprint(content.BLUEPRINT)
    return portal, site


@dataclass
class Site:
    """A running player.

    `requests` notes what arrived. `refuse` may answer instead of the player; `spoil`
    says that the player's answer, given after it did its work, is lost on the way.
    """

    parts: Parts
    port: int
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    refuse: Callable[[dict[str, Any]], tuple[str, str, bytes] | None] | None = None

    spoil: Callable[[dict[str, Any]], bool] | None = None

    def add(self, zipped: bytes, name: str = "small.zip") -> Package:
        """Import a package, as the worker would."""
        now = datetime.now(UTC)
        with writing(self.parts.engine) as db:
            package = receive_package(
                self.parts,
                db,
                filename=name,
                data=io.BytesIO(zipped),
                created_by="tests",
                now=now,
            )
            key = package.id
        import_package(self.parts, {"package": str(key)}, now)
        with writing(self.parts.engine) as db:
            package = get_package(db, package_id=key)
            assert package.status == "imported", package.findings
            db.expunge(package)
            return package

    def launch(
        self,
        package: Package,
        *,
        unit: int = 0,
        registration: uuid.UUID | None = None,
        learner: str = "learner-1",
        course: uuid.UUID | None = None,
        return_url: str = "",
        mode: Mode = "Normal",
    ) -> launches.Opened:
        """Open a launch of a unit."""
        home = self.parts.config.portal_url
        with writing(self.parts.engine) as db:
            return launches.open_launch(
                db,
                config=self.parts.config,
                package=package,
                unit=unit,
                course_iri=urls.course_iri(self.parts.config, course or package.id),
                revision="1",
                actor={
                    "objectType": "Agent",
                    "account": {"homePage": home, "name": learner},
                },
                registration=registration or uuid.uuid4(),
                mode=mode,
                mastery={},
                return_url=return_url,
                learner_name="Officer, Sworn",
                now=datetime.now(UTC),
            )

    def values(self, opened: launches.Opened) -> dict[str, str]:
        """Give the CMI values that the server holds of a launch's attempt."""
        from player.tables import Attempt

        with writing(self.parts.engine) as db:
            launch = launches.get_launch(db, launch_id=opened.launch_id)
            return dict(db.get_one(Attempt, launch.attempt_id).values)


@contextmanager
def serve(config: Config, *, public: int | None = None) -> Iterator[Site]:
    """Give a running site on `config`, whose addresses are set to the port found.

    `public` is the port of what stands before it, where browsers are to come by that.
    """
    site: Site | None = None

    def application(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        assert site is not None
        host = environ.get("HTTP_HOST", "")
        inside = host.endswith(f"content.localhost:{public or site.port}")
        site.requests.append((environ["REQUEST_METHOD"], host, environ["PATH_INFO"]))
        refused = site.refuse(environ) if site.refuse else None
        if refused is not None:
            status, kind, body = refused
            start_response(status, [("Content-Type", kind)])
            return [body]
        is_store = environ["PATH_INFO"].startswith("/xapi/")
        app: Any = content_app if inside else store if is_store else portal_app
        if site.spoil is not None and site.spoil(environ):
            list(app(environ, lambda *_: None))
            start_response("502 Bad Gateway", [("Content-Type", "text/html")])
            return [b"<h1>lost</h1>"]
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, application, threaded=True)
    port = server.server_port
    config = replace(
        config,
        portal_url=f"http://localhost:{public or port}",
        content_url=f"http://content.localhost:{public or port}",
    )
    parts = Parts(config, make_engine(config.database_url), make_storage(config))
    portal_app, content_app = applications(parts)
    store = create_lrs_app(parts)
    site = Site(parts, port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        parts.engine.dispose()
