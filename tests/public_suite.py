"""ADL's public conformance suite against the server as a user runs it.

    make conformance SUITE=/path/to/lrs-conformance-test-suite

`SUITE` is a checkout of `adlnet/lrs-conformance-test-suite` in which `npm install`
has run. For each version and kind of database: a fresh installation, `rollcall serve`,
all cases of the version under a time limit, one line `passed/total`, and the names
of the cases that failed. A version counts as passed when as many cases passed as the
suite's own list of batteries has, so that cases left out are noticed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import cloned_postgres, postgres_url, sqlite_url
from tests.served import Served
from tests.servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("1.0.3", "2.0.0")
DATABASES = ("sqlite", "postgresql")
LIMIT_SECONDS = 1200.0


def expected(suite: Path, version: str) -> int:
    """Give the number of cases that the suite says a version has."""
    listed = re.search(
        rf'"{re.escape(version)}": \{{\s*"conformanceTestCount": (\d+)',
        (suite / "batteries.js").read_text(),
    )
    if listed is None:
        sys.exit(f"{suite} has no battery for {version}")
    return int(listed[1])


@contextlib.contextmanager
def serving(
    servers: Servers, database: str, folder: Path, *, alone: bool = False
) -> Iterator[Served]:
    """Serve a fresh installation, or the record store alone, on a kind of database."""
    url = (
        sqlite_url(servers, folder)
        if database == "sqlite"
        else postgres_url(servers, cloned_postgres(servers))
    )
    settings = {"DATABASE_URL": url, "DATA": str(folder), "SECRET_KEY": "the suite's"}
    served = Served(settings, folder / "log")
    if alone:
        served.command = [sys.executable, "-m", "lrs", "serve"]
    served.start()
    try:
        yield served
    finally:
        served.stop()


def run(
    suite: Path, served: Served, version: str, grep: str, seconds: float
) -> tuple[dict[str, int], list[str]]:
    """Run a version's cases; the last summary and the names of those that failed."""
    key, secret = served.credential("all")
    endpoint = f"http://127.0.0.1:{served.port}/xapi"
    words = ["-e", endpoint, "-a", "-u", key, "-p", secret, "-x", version, "-z"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["node", "bin/console_runner.js", *words, *(["-g", grep] if grep else [])],
            cwd=suite,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            print(f"not finished after {seconds:.0f} seconds")  # noqa: T201
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    summaries = [line for line in lines if line.startswith('{"total":')]
    if not summaries:
        sys.exit("the suite gave no summary:\n" + "\n".join(lines[-20:]))
    noted = [line.split()[-1] for line in lines if line.startswith("Full run log")]
    failed: list[str] = []
    if noted:
        log = json.loads(Path(noted[-1]).read_text()).get("log")
        failed = list(failures(log, []))
    summary: dict[str, int] = json.loads(summaries[-1])
    return summary, failed


def failures(test: dict[str, Any] | None, above: list[str]) -> Iterator[str]:
    """Give the failed cases below a test of the suite's log, each with its reason."""
    if not test or test.get("status") != "failed":
        return
    names = [*above, str(test.get("title", ""))]
    below = [one for one in test.get("tests", ()) if one]
    if not below:
        yield f"{' > '.join(names[1:])}\n    {test.get('error')}"
    for one in below:
        yield from failures(one, names)


def main() -> int:
    """Print one line per version and database; 0 when all cases passed."""
    parser = argparse.ArgumentParser(prog="make conformance")
    parser.add_argument("suite", type=Path)
    parser.add_argument("--version", choices=VERSIONS, action="append")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--alone", action="store_true", help="python -m lrs serve")
    parser.add_argument("--grep", default="", help="only cases whose name matches")
    parser.add_argument("--seconds", type=float, default=LIMIT_SECONDS)
    given = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="rollcall-suite-")
    servers = Servers(Path(folder))
    passed = True
    try:
        for database in given.database or DATABASES:
            for version in given.version or VERSIONS:
                with (
                    tempfile.TemporaryDirectory(prefix="rollcall-suite-") as data,
                    serving(servers, database, Path(data), alone=given.alone) as served,
                ):
                    summary, failed = run(
                        given.suite, served, version, given.grep, given.seconds
                    )
                wanted = (
                    summary["total"] if given.grep else expected(given.suite, version)
                )
                right = summary["passed"] == summary["total"] == wanted
                passed = passed and right
                print(  # noqa: T201
                    f"{version} {database}: {summary['passed']}/{summary['total']}"
                    f" of {wanted} {'passed' if right else 'FAILED'}",
                    *failed,
                    sep="\n",
                    flush=True,
                )
    finally:
        servers.stop_all()
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
