"""The fixtures themselves: real servers, separate databases, no way out."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from lrs.db import reading, writing
from lrs.tables import Tenant

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from lrs.parts import Parts


@pytest.mark.parametrize("run", [1, 2])
def test_every_test_has_a_database_of_its_own(engine: Engine, run: int) -> None:
    with reading(engine) as db:
        assert db.scalars(select(Tenant.name)).all() == ["main"]
    with writing(engine) as db:
        db.add(Tenant(id=2, name=f"left by run {run}"))


def test_both_engines_are_what_they_say(engine: Engine) -> None:
    asked = {"sqlite": "SELECT sqlite_version()", "postgresql": "SHOW server_version"}
    with engine.connect() as connection:
        answer = connection.execute(text(asked[engine.dialect.name])).scalar_one()
    assert answer.startswith("3." if engine.dialect.name == "sqlite" else "18")


def test_db_writes(db: Session) -> None:
    db.add(Tenant(id=2, name="other"))
    db.flush()
    assert len(db.scalars(select(Tenant)).all()) == 2


def test_parts_go_together(parts: Parts) -> None:
    kinds = {"sqlite": "FileStorage", "postgresql": "S3Storage"}
    assert type(parts.storage).__name__ == kinds[parts.engine.dialect.name]
    assert parts.config.database_url.startswith(parts.engine.dialect.name)


def test_the_browser_runs_scripts(browser: Browser) -> None:
    with browser.new_context() as context:
        assert context.new_page().evaluate("1 + 1") == 2


ONE_FAILURE_EACH = """
import pathlib

def fail_once(name):
    seen = pathlib.Path(name)
    if not seen.exists():
        seen.touch()
        raise RuntimeError("the first time")

def test_fails_once():
    fail_once("once")

def test_fails_always():
    assert False
"""


def test_what_fails_is_tried_once_more_and_named(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(ONE_FAILURE_EACH)
    root = Path(__file__).parent.parent
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.conftest"),
            *("-c", root / "setup.cfg", "--rootdir", root, "-p", "no:cacheprovider"),
            *("-n", "2", "--dist", "loadfile", tmp_path),
        ],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    tries = re.findall(r"^(RERUN|PASSED|FAILED) .*::(\w+)", done.stdout, re.MULTILINE)
    assert sorted(set(tries)) == [
        ("FAILED", "test_fails_always"),
        ("PASSED", "test_fails_once"),
        ("RERUN", "test_fails_always"),
        ("RERUN", "test_fails_once"),
    ], done.stdout + done.stderr
    assert "1 failed, 1 passed, 2 rerun" in done.stdout


def test_a_test_reaches_nothing_but_this_machine() -> None:
    with socket.socket() as way_out, pytest.raises(PermissionError, match=r"192\.0"):
        way_out.connect(("192.0.2.1", 80))
