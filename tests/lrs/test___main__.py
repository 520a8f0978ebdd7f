"""The record store in a folder of its own: served, written to, read, moved."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import uuid
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

import lrs.__main__ as program
from tests.served import ROOT, Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

# read by the interpreter when it starts
NO_OTHER_FLOORS = """
import sys

class NoOtherFloors:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"packages", "player", "portal", "wsgi", "tests"}:
            raise ModuleNotFoundError(f"{name} is not there", name=name)

sys.meta_path.insert(0, NoOtherFloors())
"""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the two packages and nothing else of ours."""
    folder = tmp_path_factory.mktemp("alone")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("statements", "lrs"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    (folder / "sitecustomize.py").write_text(NO_OTHER_FLOORS)
    return folder


class Alone(Served):
    """The record store served from that folder."""

    program = (sys.executable, "-m", "lrs")

    def __init__(self, home: Path, settings: dict[str, str], log: Path) -> None:
        super().__init__(settings, log)
        self.folder = home
        self.environ |= {"PYTHONPATH": str(home)}
        self.key, self.secret = "", ""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        **headers: str,
    ) -> tuple[int, bytes]:
        """Call with the credential; the status and the body of the answer."""
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method,
                path,
                body=json.dumps(body).encode() if raw is None else raw,
                headers={
                    "Authorization": f"Basic {pair}",
                    "X-Experience-API-Version": "1.0.3",
                    "Content-Type": "application/json",
                }
                | {name.replace("_", "-"): value for name, value in headers.items()},
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def alone(home: Path, engine: Engine, tmp_path: Path) -> Iterator[Alone]:
    url = engine.url.render_as_string(hide_password=False)
    settings = {"DATA": str(tmp_path), "DATABASE_URL": url, "WORKERS": "1"}
    served = Alone(home, settings, tmp_path / "log")
    yield served
    served.stop()


def make(**members: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:officer@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "http://example.org/activities/course"},
    } | members


def whose() -> str:
    return urlencode(
        {
            "activityId": "http://example.org/activities/course",
            "agent": json.dumps({"mbox": "mailto:officer@example.org"}),
        }
    )


def test_it_runs_with_nothing_else_there(alone: Alone, tmp_path: Path) -> None:
    assert "present schema" in alone.run("migrate")
    alone.key, alone.secret = alone.credential("all")
    alone.start()
    sent = [make(), make()]
    status, body = alone.call("POST", "/xapi/statements", sent)
    assert (status, json.loads(body)) == (200, [one["id"] for one in sent])
    status, body = alone.call("GET", f"/xapi/statements?statementId={sent[0]['id']}")
    assert status == 200
    assert json.loads(body)["actor"] == sent[0]["actor"]
    document = f"/xapi/activities/state?stateId=bookmark&{whose()}"
    data = b"page 3 \x00\xff"
    kind = {"Content_Type": "application/octet-stream"}
    assert alone.call("PUT", document, raw=data, **kind)[0] == 204
    assert alone.call("GET", document) == (200, data)
    assert alone.call("GET", "/sign-in")[0] == 404
    # statements leave by the same commands
    path = tmp_path / "out.ndjson"
    alone.run("export", "statements", "--format", "ndjson", "--out", str(path))
    out = [json.loads(line)["id"] for line in path.read_bytes().splitlines()]
    assert out == [one["id"] for one in sent]
    alone.run("tenant", "create", "academy")
    alone.run("import", "statements", str(path), "--tenant", "academy")


def test_nothing_of_ours_comes_from_elsewhere(home: Path) -> None:
    words = (
        "import lrs.__main__, sys\n"
        "for name, module in list(sys.modules.items()):\n"
        "    first = name.partition('.')[0]\n"
        "    if first in {'statements', 'lrs', 'packages', 'player', 'portal'}:\n"
        "        print(module.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", words],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    files = done.stdout.split()
    assert len(files) > 30
    assert [file for file in files if not file.startswith(str(home))] == []


def test_its_commands_are_those_of_the_record_store(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        program.main(["--help"])
    told = capsys.readouterr().out
    for command in (
        *("serve", "worker", "doctor", "migrate", "tenant", "credential"),
        *("export", "import", "rules"),
    ):
        assert f"\n    {command}" in told, command
    assert "package" not in told
    assert "user" not in told


def test_a_command_has_its_exit_code(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROLLCALL_DATA", str(tmp_path))
        assert program.main(["migrate"]) == 0
        assert program.main(["credential", "revoke", "unknown"]) == 1
