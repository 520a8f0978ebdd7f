from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from werkzeug.test import Client

import lrs.__main__
import wsgi
from lrs.db import reading
from packages.samples import build_samples
from portal.users import SignInTries
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.parts import Parts


@pytest.fixture
def database() -> str:
    """Give one kind of database: nothing here differs between them."""
    return "sqlite"


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("portal.example", "portal"),
        ("portal.example:443", "portal"),
        ("127.0.0.1:8000", "portal"),
        ("", "portal"),
        ("content.example", "content"),
        ("ab12.content.example", "content"),
        ("AB12.Content.Example", "content"),
        ("ab12.content.example.", "content"),
        ("notcontent.example", "portal"),
        ("content.example.evil.example", "portal"),
        ("content.example:8443", "portal"),
        ("ab12.content.example:443", "content"),
        ("ab12.content.example.:443", "content"),
        ("ab12.content.example:80", "portal"),
    ],
)
@pytest.mark.parametrize(
    "content_url", ["https://content.example", "https://Content.Example:443"]
)
def test_the_host_chooses_the_site(
    parts: Parts, host: str, site: str, content_url: str
) -> None:
    config = replace(
        parts.config,
        portal_url="https://portal.example",
        content_url=content_url,
    )
    client = Client(wsgi.create_application(replace(parts, config=config)))
    answer = client.get("/health/live", headers={"Host": host})
    assert (answer.status_code == 200) is (site == "portal")


def test_a_port_is_a_part_of_the_host(parts: Parts) -> None:
    client = Client(wsgi.create_application(parts))
    for host, status in [
        ("localhost:8000", 200),
        ("content.localhost:8000", 404),
        ("a.content.localhost:8000", 404),
        ("a.content.localhost.:8000", 404),
    ]:
        answer = client.get("/health/live", headers={"Host": host})
        assert answer.status_code == status, host


@pytest.mark.parametrize(
    ("proxies", "counted"), [(0, "127.0.0.1"), (1, "192.0.2.2"), (2, "192.0.2.1")]
)
def test_tries_count_for_the_address_before_the_proxies(
    parts: Parts, proxies: int, counted: str
) -> None:
    config = replace(parts.config, trusted_proxies=proxies)
    client = Client(wsgi.create_application(replace(parts, config=config)))
    headers = {
        "Host": "localhost:8000",
        "X-Forwarded-For": "198.51.100.9, 192.0.2.1, 192.0.2.2",
    }
    caller = {"REMOTE_ADDR": "127.0.0.1"}
    answer = client.get("/sign-in", headers=headers, environ_base=caller)
    page = answer.get_data(as_text=True)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    form = {"email": "a@b.example", "password": "wrong", "csrf_token": found[1]}
    client.post("/sign-in", data=form, headers=headers, environ_base=caller)
    with reading(parts.engine) as db:
        keys = set(db.scalars(select(SignInTries.key)))
    assert keys == {"email:a@b.example", f"address:{counted}"}


def run(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder."""
    environment = {f"ROLLCALL_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, str(ROOT / "wsgi.py"), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("words", "settings", "code", "reason"),
    [
        ((), {}, 2, "usage"),
        (("dance",), {}, 2, "invalid choice"),
        (("doctor", "--loudly"), {}, 2, "unrecognized"),
        (("doctor",), {"COLOUR": "blue"}, 1, "ROLLCALL_COLOUR is not a setting"),
        (("doctor",), {"PORT": "many"}, 1, "ROLLCALL_PORT is 'many'"),
        (("doctor",), {"STORAGE_URL": "ftp://x"}, 1, "ROLLCALL_STORAGE_URL"),
        (
            ("worker",),
            {"DATABASE_URL": "postgresql+psycopg://x@/x?host=/nowhere"},
            1,
            "database",
        ),
        (("package", "check", "missing.zip"), {}, 1, "no file missing.zip"),
    ],
)
def test_exit_codes_and_reasons(
    tmp_path: Path, words: Any, settings: dict[str, str], code: int, reason: str
) -> None:
    done = run(tmp_path, *words, **settings)
    assert done.returncode == code
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_checks_of_files_leave_nothing_behind(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    package = build_samples(elsewhere)[0]
    assert run(folder, "package", "check", str(package)).returncode == 0
    assert run(folder, "rules", "check").returncode == 0
    done = run(folder, "doctor")
    assert done.returncode == 1
    assert f"there is no folder {folder / 'var'}" in done.stdout
    assert list(folder.iterdir()) == []


def test_help_names_every_command(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    commands = ["serve", "worker", "migrate", "doctor", "demo", "tenant", "credential"]
    for command in [*commands, "user", "package", "rules"]:
        assert re.search(rf"^    {command}\b", done.stdout, re.MULTILINE), command


def test_what_the_record_store_does_alone_it_does_here() -> None:
    for kind in ("handlers", "followers", "periodic"):
        alone, here = (getattr(work, kind) for work in (lrs.__main__.WORK, wsgi.WORK))
        assert alone.keys() <= here.keys()


def test_the_content_site_has_no_operations(parts: Parts) -> None:
    client = wsgi.create_content_app(parts).test_client()
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert client.get(path).status_code == 404
