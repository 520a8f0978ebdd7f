"""The server as a user runs it: a process of its own, on a free port, that can be killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers import S3_KEY, S3_SECRET, free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0


class Served:
    """`rollcall` with settings of its own; `start`, `kill`, `stop`."""

    program: tuple[str, ...] = (sys.executable, str(ROOT / "wsgi.py"))
    folder = ROOT

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        """Take settings without the prefix; the port is chosen here."""
        self.port = free_ports(1)[0]
        self.log = log
        self.command = [*self.program, "serve"]
        self.process: subprocess.Popen[bytes] | None = None
        self.portal = f"http://localhost:{self.port}"
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ROLLCALL_")
        } | {
            "AWS_ACCESS_KEY_ID": S3_KEY,
            "AWS_SECRET_ACCESS_KEY": S3_SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "ROLLCALL_PORT": str(self.port),
            "ROLLCALL_PORTAL_URL": self.portal,
            "ROLLCALL_CONTENT_URL": f"http://content.localhost:{self.port}",
            **{f"ROLLCALL_{name}": value for name, value in settings.items()},
        }

    def run(self, *words: str, standard_input: str | None = None) -> str:
        """Run a command of the command line; its standard output."""
        done = subprocess.run(
            [*self.program, *words],
            cwd=self.folder,
            env=self.environ,
            input=standard_input,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def credential(self, *scopes: str) -> tuple[str, str]:
        """Make a credential; its key and secret."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        made: dict[str, Any] = json.loads(
            self.run("credential", "create", "--name", "test", *words, "--json")
        )
        return made["key"], made["secret"]

    def start(self, *words: str) -> None:
        """Start serving and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, *words],
                cwd=self.folder,
                env=self.environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            assert time.monotonic() < end, self.log.read_text()[-4000:]
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether the server says that it can serve."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(
                "GET", "/health/ready", headers={"Host": f"localhost:{self.port}"}
            )
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def signal(self, number: int) -> None:
        """Signal every process of the server and wait for the first one's end."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and end what is left."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=30)
        self.kill()
