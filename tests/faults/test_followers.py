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
    from collections.abc import Callable

    from sqlalchemy import Engine

PATIENCE = 300.0
FEWEST = 100
SECONDS = float(os.environ.get("ROLLCALLTEST_F9_SECONDS", "10"))
ROOT = Path(__file__).parents[2]


def run_writers(
    engine: Engine, enough: Callable[[], bool], kind: str, threads: int
) -> list[str]:
    """Let two processes write until it is enough; the ids they had acknowledged."""
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
    end = time.monotonic() + PATIENCE
    while not enough() and time.monotonic() < end:
        time.sleep(0.02)
    acknowledged: list[str] = []
    for process in processes:
        out, _ = process.communicate("", timeout=300)
        assert process.returncode == 0
        for line in out.splitlines():
            acknowledged += json.loads(line)
    return acknowledged


def follow_while_writing(
    engine: Engine,
    enough: Callable[[list[tuple[int, str]]], bool],
    kind: str,
    threads: int = 4,
) -> tuple[list[str], list[Follower]]:
    """Follow by seq and by stored, in small and large pages, beside the writers.

    `enough` is asked about what the quickest has seen.
    """
    followers = [
        Follower(engine, column, page)
        for column, page in (("seq", 1), ("seq", 50), ("stored", 7), ("stored", 50))
    ]
    for follower in followers:
        follower.start()
    seen = followers[1].seen
    acknowledged = run_writers(engine, lambda: enough(seen), kind, threads)
    for follower in followers:
        follower.over.set()
        follower.join(timeout=300)
        assert not follower.is_alive()
    return acknowledged, followers


def test_f9_followers_see_every_acknowledged_statement_once_and_in_order(
    engine: Engine,
) -> None:
    """Two processes write, with rollbacks; four followers read beside them."""
    end = time.monotonic() + SECONDS

    def enough(seen: list[tuple[int, str]]) -> bool:
        return time.monotonic() > end and len(seen) > FEWEST

    acknowledged, followers = follow_while_writing(engine, enough, "real")
    assert len(acknowledged) > FEWEST
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

    def enough(seen: list[tuple[int, str]]) -> bool:
        """Whether a number was passed over: all of them are committed in the end."""
        return bool(seen) and seen[-1][0] > len(seen) + 10

    acknowledged, followers = follow_while_writing(postgresql_engine, enough, "early")
    fast = next(one for one in followers if one.page == 50)
    assert len(fast.seen) < len(acknowledged)
