"""The two commands as an operator gives them."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from lrs.credentials import create_credential
from lrs.db import reading, writing
from lrs.tables import MAIN_TENANT, Statement
from lrs.tenants import create_tenant
from lrs.transfer.cli import add_commands
from statements.errors import DomainError, Invalid, NotFound
from tests.conftest import ROOT
from tests.lrs.transfer.samples import (
    BEGIN,
    SPELLINGS,
    attachment,
    ids_of,
    make,
    put,
    put_all,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lrs.config import Config
    from lrs.parts import Parts


def run(config: Config, *arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args([str(one) for one in arguments])
    return int(parsed.run(parsed, config))


def export(path: Path, *more: str) -> tuple[object, ...]:
    return ("export", "statements", "--format", "ndjson", "--out", path, *more)


def test_out_of_one_tenant_and_into_another(
    parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = put_all(parts, 3)
    path, back = tmp_path / "out", tmp_path / "back"
    with writing(parts.engine) as db:
        create_tenant(db, name="academy")
    assert run(parts.config, *export(path, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["path"] == str(path)
    assert (told["statements"], told["added"], told["left_out"]) == (3, 3, 0)
    assert told["missing"] == []
    into = ("import", "statements", path, "--tenant", "academy")
    assert run(parts.config, *into, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["lines"], told["stored"], told["known"]) == (3, 3, 0)
    assert (told["refused"], told["reasons"], told["refused_file"]) == (0, [], None)
    assert run(parts.config, *into) == 0
    assert "0 statements stored, 3 known before" in capsys.readouterr().out
    assert run(parts.config, *export(back, "--tenant", "academy")) == 0
    assert "holds 3 statements, 3 of them new" in capsys.readouterr().out
    assert ids_of(back) == made
    (authority,) = {
        json.dumps(json.loads(line)["authority"])
        for line in back.read_bytes().splitlines()
    }
    assert json.loads(authority)["account"] == {
        "homePage": parts.config.portal_url,
        "name": "import",
    }


def test_times_bound_an_export(parts: Parts, tmp_path: Path) -> None:
    put_all(parts, 2)
    path = tmp_path / "out"
    times = ("--since", "2026-03-02T17:00:00Z", "--until", "2026-03-02T18:00:00+01:00")
    assert run(parts.config, *export(path, *times)) == 0
    assert ids_of(path) == []
    assert (
        run(parts.config, *export(tmp_path / "b", "--until", "2026-03-03T00:00:00Z"))
        == 0
    )
    assert len(ids_of(tmp_path / "b")) == 2


def test_an_import_may_be_a_credentials(parts: Parts, tmp_path: Path) -> None:
    with writing(parts.engine) as db:
        issued = create_credential(
            db,
            tenant=MAIN_TENANT,
            name="Old LMS",
            home_page=parts.config.portal_url,
            now=BEGIN,
        )
    path = tmp_path / "in"
    path.write_text(json.dumps(make()) + "\n")
    words = ("import", "statements", path, "--credential")
    assert run(parts.config, *words, issued.key) == 0
    with pytest.raises(NotFound):
        run(parts.config, *words, "unknown")
    run(parts.config, *export(tmp_path / "out"))
    (line,) = (tmp_path / "out").read_bytes().splitlines()
    assert json.loads(line)["authority"]["account"]["name"] == issued.key


def test_refused_lines_are_told(
    parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in"
    path.write_text(f"{json.dumps(make())}\n{{}}\n{json.dumps(make())}\n")
    words = ("import", "statements", path)
    with pytest.raises(Invalid, match="Line 2 of"):
        run(parts.config, *words)
    assert run(parts.config, *words, "--keep-going") == 1
    out = capsys.readouterr().out
    assert "Line 2: The statement has no id" in out
    assert f"1 lines were refused and are in {path}.refused" in out
    assert run(parts.config, *words, "--keep-going", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["line"] for one in told["reasons"]] == [2]
    assert told["refused_file"] == f"{path}.refused"


def test_missing_data_is_told(
    parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = attachment(b"lost")
    put(parts, SPELLINGS["loose"](make(attachments=[one])))
    assert run(parts.config, *export(tmp_path / "out")) == 1
    assert f"{one['sha2']} is missing" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_formats_to_come_are_refused(parts: Parts, tmp_path: Path, kind: str) -> None:
    words = ("export", "statements", "--format", kind, "--out", tmp_path / "out")
    with pytest.raises(DomainError, match="ndjson"):
        run(parts.config, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("export", "statements", "--out", "x"),
        ("export", "statements", "--format", "xml", "--out", "x"),
        ("export", "statements", "--format", "ndjson", "--out", "x", "--since", "now"),
        ("export", "documents"),
        ("import", "statements"),
        ("import", "statements", "x", "--credential", "k", "--keep-authority"),
    ],
)
def test_wrong_use_is_told_apart(config: Config, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(config, *words)
    assert caught.value.code == 2


def environ_of(config: Config) -> dict[str, str]:
    return os.environ | {
        "ROLLCALL_DATA": str(config.data),
        "ROLLCALL_DATABASE_URL": config.database_url,
        "ROLLCALL_STORAGE_URL": config.storage_url,
        "ROLLCALL_S3_ENDPOINT_URL": config.s3_endpoint_url,
    }


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "lrs", *map(str, words)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_terminal_sees_a_bar_and_a_pipe_none(parts: Parts, tmp_path: Path) -> None:
    put_all(parts, 3)

    def told(*words: object, is_terminal: bool) -> str:
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        done = subprocess.run(
            command(*words),
            cwd=ROOT,
            env=environ_of(parts.config),
            stdout=subprocess.PIPE,
            stderr=follower if is_terminal else subprocess.PIPE,
            check=True,
        )
        os.close(follower)
        if not is_terminal:
            os.close(leader)
            return done.stderr.decode()
        shown = os.read(leader, 100_000).decode()
        os.close(leader)
        return shown

    path = tmp_path / "out"
    assert re.search(
        r"\[#{40}\] 3/3 statements\r\n", told(*export(path), is_terminal=True)
    )
    assert told("import", "statements", path, is_terminal=False) == ""


def killed_when(parts: Parts, claim: Callable[[], bool], *words: object) -> bool:
    """Run a command and kill it once the claim is true; whether it was still running."""
    process = subprocess.Popen(
        command(*words),
        cwd=ROOT,
        env=environ_of(parts.config),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        end = time.monotonic() + 300
        while process.poll() is None and not claim():
            assert time.monotonic() < end
            time.sleep(0.005)
        was_running = process.poll() is None
    finally:
        process.kill()
        process.wait()
    return was_running


def test_killed_at_any_moment_both_go_on_to_the_same_end(
    parts: Parts, tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    rows = [make() for _ in range(5_000)]
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    def count() -> int:
        with reading(parts.engine) as db:
            return db.scalar(select(func.count()).select_from(Statement)) or 0

    into = ("import", "statements", source)
    kills = 0
    for least in (1, 1_500, 3_000):
        kills += killed_when(parts, lambda least=least: count() >= least, *into)
        assert count() % 500 == 0, "a part of a batch was stored"
    assert kills, "the import was never interrupted"
    assert run(parts.config, *into) == 0
    assert count() == len(rows)

    def written() -> bool:
        return out.exists() and out.stat().st_size > 0

    for _ in range(20):
        if killed_when(parts, written, *export(out)):
            break
        # it was too quick for us
        out.unlink()
    else:
        pytest.fail("the export was never interrupted")
    assert run(parts.config, *export(out)) == 0
    assert ids_of(out) == [row["id"] for row in rows]
    about = json.loads(out.with_name("out.json").read_text())
    assert (about["complete"], about["statements"]) == (True, len(rows))
