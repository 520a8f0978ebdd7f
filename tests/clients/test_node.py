"""Published JavaScript clients against a served installation, on both databases."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT, cloned_postgres, postgres_url, sqlite_url
from tests.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Servers

HERE = Path(__file__).parent


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """Give a server for the tests of all clients."""
    folder = tmp_path_factory.mktemp("clients")
    if request.param == "sqlite":
        url = sqlite_url(servers, folder)
    else:
        url = postgres_url(servers, cloned_postgres(servers))
    settings = {"DATA": str(folder), "DATABASE_URL": url, "WORKERS": "1"}
    server = Served(settings, folder / "log")
    server.start("--no-worker")
    yield server
    server.stop()


@pytest.mark.parametrize("client", ["tincanjs", "xapi"])
def test_a_published_client_is_understood(served: Served, client: str) -> None:
    key, secret = served.credential("all")
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", str(HERE / f"{client}.test.js")],
        cwd=ROOT,
        env=os.environ
        | {
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            # NO_PROXY: the machine's settings are not the tests'
            "NO_PROXY": "*",
            "LRS_ENDPOINT": f"http://127.0.0.1:{served.port}/xapi/",
            "LRS_KEY": key,
            "LRS_SECRET": secret,
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-4_000:]}"
    count = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert count is not None
    assert int(count[1]) >= 11, "it ran no tests"
