"""F9: no reader of the log misses a row, whatever it remembers and however it pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.writers import Follower

if TYPE_CHECKING:
    from sqlalchemy import Engine

SECONDS = float(os.environ.get("ROLLCALLTEST_F9_SECONDS", "10"))
ROOT = Path(__file__).parents[2]


def run_writers(engine: Engine, seconds: float, kind: str, threads: int) -> list[str]:
    """Let two processes write for a while; the ids they had acknowledged."""
    url = engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.faults.writers",
                url,
                seed,
                str(threads),
                kind,
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    time.sleep(seconds)
    acknowledged: list[str] = []
    for process in processes:
        out, _ = process.communicate("", timeout=30)
        assert process.returncode == 0
        for line in out.splitlines():
            acknowledged += json.loads(line)
    return acknowledged


def follow_while_writing(
    engine: Engine, seconds: float, kind: str, threads: int = 4
) -> tuple[list[str], list[Follower]]:
    """Follow by seq and by stored, in small and large pages, beside the writers."""
    followers = [
        Follower(engine, column, page)
        for column, page in (("seq", 1), ("seq", 50), ("stored", 7), ("stored", 50))
    ]
    for follower in followers:
        follower.start()
    acknowledged = run_writers(engine, seconds, kind, threads)
    for follower in followers:
        follower.over.set()
        follower.join(timeout=60)
        assert not follower.is_alive()
    return acknowledged, followers


def test_f9_followers_see_every_acknowledged_statement_once_and_in_order(
    engine: Engine,
) -> None:
    """Two processes write, with rollbacks; four followers read beside them."""
    acknowledged, followers = follow_while_writing(engine, SECONDS, "real")
    assert len(acknowledged) > 100 * SECONDS / 10
    for follower in followers:
        numbers = [seq for seq, _ in follower.seen]
        assert numbers == list(range(1, len(acknowledged) + 1))
        assert {one for _, one in follower.seen} == set(acknowledged)
    print(  # noqa: T201 - the figure
        f"F9 {engine.dialect.name}: {SECONDS:g} s, {len(acknowledged)} acknowledged, "
        f"{len(followers)} followers, 0 missed, 0 twice"
    )


def test_f9_control_numbers_taken_before_commit_are_caught(
    postgresql_engine: Engine,
) -> None:
    """Numbers taken early let a follower miss rows: the check above can fail."""
    acknowledged, followers = follow_while_writing(postgresql_engine, 3, "early")
    fast = next(one for one in followers if one.page == 50)
    assert len(fast.seen) < len(acknowledged)
