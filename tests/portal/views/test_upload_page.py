"""The upload page in Chromium: pieces, breaks, a reload, cancelling, the same file twice."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from werkzeug.serving import make_server

import wsgi
from lrs.db import make_engine, reading, writing
from lrs.jobs import run_due
from lrs.parts import Parts
from lrs.storage import make_storage
from packages.courses import Package, add_version, create_course
from packages.intake import import_package
from packages.uploads import Upload
from tests.conftest import sqlite_url
from tests.packages.make import course
from tests.people import PASSWORD, make_cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from lrs.config import Config
    from tests.servers import Servers

MIB = 1 << 20
PIECE = 8 * MIB
PATIENCE = 60_000
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Portal:
    """The portal on a port; `refuse` may answer a request by a status instead."""

    parts: Parts
    refuse: Callable[[str, int], str | None] = lambda _method, _count: None
    offsets: list[int] = field(default_factory=list)

    def around(self, app: Wsgi) -> Wsgi:
        def application(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            method = environ["REQUEST_METHOD"]
            if method == "PATCH":
                self.offsets.append(int(environ["HTTP_UPLOAD_OFFSET"]))
            refused = self.refuse(method, len(self.offsets))
            if refused is None:
                return app(environ, start_response)
            left = int(environ.get("CONTENT_LENGTH") or 0)
            while left and (block := environ["wsgi.input"].read(min(left, MIB))):
                left -= len(block)
            start_response(refused, [("Content-Length", "0")])
            return [b""]

        return application

    def uploads(self) -> list[Upload]:
        with reading(self.parts.engine) as db:
            return list(db.scalars(select(Upload)))

    def work(self) -> None:
        handlers = {"package.import": (import_package,)}
        run_due(self.parts, handlers, datetime.now(UTC))


@pytest.fixture
def portal(servers: Servers, tmp_path: Path, config: Config) -> Iterator[Portal]:
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    config = replace(
        config,
        database_url=sqlite_url(servers, tmp_path),
        portal_url=f"http://localhost:{server.server_port}",
        content_url=f"http://content.localhost:{server.server_port}",
    )
    parts = Parts(config, make_engine(config.database_url), make_storage(config))
    with writing(parts.engine) as db:
        make_cast(db, datetime.now(UTC))
    made = Portal(parts)
    server.app = made.around(wsgi.create_app(parts))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    parts.engine.dispose()


@pytest.fixture
def page(browser: Browser, portal: Portal) -> Iterator[Page]:
    """Give the list of packages, as an author sees it."""
    context = browser.new_context(
        base_url=portal.parts.config.portal_url, viewport={"width": 1280, "height": 900}
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("author@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(re.compile("sign-in"), timeout=PATIENCE)
    page.goto("/authoring")
    yield page
    context.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a package of three pieces."""
    path = tmp_path / "large course.zip"
    path.write_bytes(
        course(title="Large", files={"a.mp4": os.urandom(2 * PIECE + MIB)})
    )
    return path


def upload(page: Page, file: Path) -> None:
    page.get_by_label("Package file").set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()


def test_a_break_costs_a_piece_at_the_most(
    page: Page, portal: Portal, file: Path
) -> None:
    portal.refuse = lambda method, count: (
        "503 Service Unavailable" if method == "PATCH" and count == 2 else None
    )
    upload(page, file)
    expect(page.get_by_role("heading", name="Importing")).to_be_visible(
        timeout=PATIENCE
    )
    assert portal.offsets == [0, PIECE, PIECE, 2 * PIECE]
    [sent] = portal.uploads()
    assert page.url.endswith(f"/authoring/packages/{sent.id}")
    portal.work()
    expect(page.get_by_role("heading", name="Importing")).to_have_count(
        0, timeout=PATIENCE
    )
    with reading(portal.parts.engine) as db:
        assert db.scalars(select(Package.status)).all() == ["imported"]


def test_after_a_reload_it_goes_on(page: Page, portal: Portal, file: Path) -> None:
    portal.refuse = lambda method, count: (
        "403 Forbidden" if method == "PATCH" and count == 2 else None
    )
    upload(page, file)
    expect(page.get_by_text("The server refused the file (403).")).to_be_visible(
        timeout=PATIENCE
    )
    page.reload()
    expect(page.get_by_role("heading", name="Not finished yet")).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_text("large course.zip")).to_be_visible(timeout=PATIENCE)
    upload(page, file)
    expect(page.get_by_role("heading", name="Importing")).to_be_visible(
        timeout=PATIENCE
    )
    assert portal.offsets == [0, PIECE, PIECE, 2 * PIECE]
    assert len(portal.uploads()) == 1


def test_what_is_on_its_way_does_not_wait(
    page: Page, portal: Portal, file: Path
) -> None:
    portal.refuse = lambda method, count: (
        "403 Forbidden" if method == "PATCH" and count == 2 else None
    )
    upload(page, file)
    expect(page.get_by_text("The server refused the file (403).")).to_be_visible(
        timeout=PATIENCE
    )
    page.reload()
    waiting = page.get_by_role("heading", name="Not finished yet")
    expect(waiting).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("the same file again in this browser")).to_be_visible(
        timeout=PATIENCE
    )
    portal.refuse = lambda method, _count: (
        "503 Service Unavailable" if method == "PATCH" else None
    )
    upload(page, file)
    expect(page.get_by_text("The connection is broken.")).to_be_visible(
        timeout=PATIENCE
    )
    expect(waiting).to_be_hidden(timeout=PATIENCE)
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_text("The upload was cancelled.")).to_be_visible(
        timeout=PATIENCE
    )
    expect(waiting).to_be_hidden(timeout=PATIENCE)
    assert portal.uploads() == []


def test_cancelling_leaves_nothing(page: Page, portal: Portal, file: Path) -> None:
    portal.refuse = lambda method, count: (
        "503 Service Unavailable" if method == "PATCH" and count > 1 else None
    )
    upload(page, file)
    expect(page.get_by_text("The connection is broken.")).to_be_visible(
        timeout=PATIENCE
    )
    page.get_by_role("button", name="Cancel the upload").click()
    expect(page.get_by_text("The upload was cancelled.")).to_be_visible(
        timeout=PATIENCE
    )
    assert portal.uploads() == []
    assert list(portal.parts.storage.keys("")) == []
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_enabled(
        timeout=PATIENCE
    )


def test_the_same_file_is_named_and_the_import_cancelled(
    page: Page, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "small.zip"
    file.write_bytes(course(title="Known course"))
    upload(page, file)
    expect(page.get_by_role("heading", name="Importing")).to_be_visible(
        timeout=PATIENCE
    )
    portal.work()
    page.goto("/authoring")
    upload(page, file)
    expect(page.get_by_text("You have this package already")).to_be_visible(
        timeout=PATIENCE
    )
    expect(page.get_by_role("link", name="Known course")).to_be_visible(
        timeout=PATIENCE
    )
    page.get_by_role("button", name="Import it anyway").click()
    page.get_by_role("button", name="Cancel the import").click()
    expect(page.get_by_text("The import was cancelled.")).to_be_visible(
        timeout=PATIENCE
    )


def test_long_names_do_not_widen_a_small_screen(page: Page, portal: Portal) -> None:
    now = datetime.now(UTC)
    with writing(portal.parts.engine) as db:
        package = Package(
            filename=f"{'long-name-of-a-file-' * 12}.zip",
            sha256="0" * 64,
            size=1,
            status="imported",
            standard="scorm_12",
            title="T" * 200,
            created_at=now,
            created_by="test",
        )
        made = create_course(
            db, title="C" * 200, description="", created_by="test", now=now
        )
        db.add(package)
        db.flush()
        add_version(db, course_id=made.id, package_id=package.id, now=now)
        package.status = "rejected"
        place = f"/authoring/courses/{made.id}"
    page.set_viewport_size({"width": 320, "height": 800})
    for address in ("/authoring", place):
        page.goto(address)
        expect(page.locator(".rc-tablewrap").last).to_be_visible(timeout=PATIENCE)
        wide = page.evaluate(
            "[document.documentElement, ...document.querySelectorAll('.rc-tablewrap')]"
            ".filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.tagName)"
        )
        assert wide == [], address
