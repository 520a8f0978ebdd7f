"""What a unit may load from elsewhere: allowed hosts, and media of the S3 server."""

from __future__ import annotations

import http.server
import io
import threading
import wave
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from lrs.db import writing
from packages.courses import add_version, create_course
from packages.hosts import AllowedHost
from player.views import files
from tests.conftest import s3_config, sqlite_url
from tests.player.browser.test_play import content_of
from tests.player.packages import scorm_12, unit
from tests.player.site import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from lrs.config import Config
    from tests.player.site import Site
    from tests.servers import Servers

PATIENCE = 120_000
ASKS = """
const out = (text) => {{ document.getElementById("out").textContent = text; }};
api.LMSInitialize("");
const script = document.createElement("script");
script.src = "http://{host}/x.js";
script.onload = () => out(window.outside);
script.onerror = () => out("blocked");
document.body.append(script);
"""
PLAYS = """
const out = (text) => { document.getElementById("out").textContent = text; };
api.LMSInitialize("");
const audio = new Audio("../tone.wav");
audio.onloadedmetadata = () => out("lasts " + audio.duration);
audio.onerror = () => out("failed");
audio.load();
"""
# until the browser has all of it
READS = """
const out = (text) => { document.getElementById("out").textContent = text; };
api.LMSInitialize("");
const audio = new Audio("../tone.wav");
audio.preload = "auto";
audio.muted = true;
const look = () => {
  const { buffered, duration } = audio;
  const has = buffered.length ? buffered.end(buffered.length - 1) : 0;
  out(`has ${Math.round(has)} of ${Math.round(duration)}`);
};
for (const name of ["progress", "canplaythrough", "suspend", "timeupdate", "ended"])
  audio.addEventListener(name, look);
audio.onerror = () => out("failed");
audio.load();
"""


def tone() -> bytes:
    """Give two seconds of sound."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(32_000))
    return file.getvalue()


@contextmanager
def elsewhere() -> Iterator[str]:
    """Give the host of another server, which has a script."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"window.outside = 'loaded';"
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript")
            # a page that keeps itself apart takes nothing that does not offer itself
            self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"cdn.localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_script_from_elsewhere_loads_once_its_host_is_allowed(
    site: Site, page: Page
) -> None:
    with elsewhere() as host:
        package = site.add(scorm_12({"One": unit("One", ASKS.format(host=host))}))
        page.goto(site.launch(package).url)
        out = content_of(page).locator("#out")
        expect(out).to_have_text("blocked", timeout=PATIENCE)
        now = datetime.now(UTC)
        with writing(site.parts.engine) as db:
            course = create_course(db, title="Course", created_by="tests", now=now)
            version = add_version(
                db, course_id=course.id, package_id=package.id, now=now
            )
            # a name of this machine, which no author could allow
            db.add(
                AllowedHost(
                    version_id=version.id, host=host, allowed_at=now, allowed_by="tests"
                )
            )
        page.goto(site.launch(package).url)
        expect(out).to_have_text("loaded", timeout=PATIENCE)


def test_sound_in_pieces_is_read_to_its_end(
    site: Site, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 10_000)
    files_of: dict[str, bytes | str] = {"tone.wav": tone()}
    package = site.add(scorm_12({"One": unit("One", READS)}, files_of))
    page.goto(site.launch(package).url)
    out = content_of(page).locator("#out")
    expect(out).to_have_text("has 2 of 2", timeout=PATIENCE)
    asked = [path for _, _, path in site.requests if path == "/tone.wav"]
    assert len(asked) >= 4


@pytest.fixture
def site_on_s3(
    servers: Servers, tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Give a player whose large media come from the S3 server itself."""
    monkeypatch.setattr(files, "LARGE_MEDIA", 10_000)
    config = s3_config(servers, config)
    config = replace(
        config,
        database_url=sqlite_url(servers, tmp_path),
        s3_media_url=config.s3_endpoint_url,
    )
    with serve(config) as served:
        yield served


def test_large_sound_plays_from_the_s3_server(site_on_s3: Site, page: Page) -> None:
    answers: list[tuple[str, int]] = []
    page.on("response", lambda answer: answers.append((answer.url, answer.status)))
    files_of = {"tone.wav": tone()}
    package = site_on_s3.add(scorm_12({"One": unit("One", PLAYS)}, dict(files_of)))
    page.goto(site_on_s3.launch(package).url)
    out = content_of(page).locator("#out")
    expect(out).to_have_text("lasts 2", timeout=PATIENCE)
    origin = site_on_s3.parts.config.s3_media_url
    from_there = {status for url, status in answers if url.startswith(f"{origin}/")}
    assert from_there
    assert from_there <= {200, 206}
    assert 307 in {status for url, status in answers if url.endswith("/tone.wav")}
