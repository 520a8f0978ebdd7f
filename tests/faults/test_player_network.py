"""Learners behind a bad network, on a server as users run it: no entry is lost or doubled.

As in `test_player_kills`, every entry answers one question, so that what the server
holds can be counted three ways. The network is `tests/proxy.py`.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import time
from typing import TYPE_CHECKING, Any

from lrs.db import reading
from player.tables import Attempt, Launch
from tests.faults.test_kills import settings_of
from tests.faults.test_player_kills import SECRET, Page, numbers_of, open_pages
from tests.proxy import FAULTS, Proxy, Request
from tests.served import Served

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

TIMES = int(os.environ.get("ROLLCALLTEST_NETWORK_TIMES", "1"))
PATIENCE = 300.0
# what has no answer by then is asked again
DEADLINE = 3.0


class Careful(Page):
    """A page that believes nothing but the server's own words, as the browser's does."""

    def post(self, entries: list[dict[str, Any]]) -> int | None:
        """Post once: the number committed, or None when nobody knows."""
        answer = self.exchange(entries)
        if answer is None:
            return None
        status, kind, text = answer
        try:
            said = json.loads(text) if "json" in kind else {}
        except ValueError:
            return None
        if status == http.HTTPStatus.OK and isinstance(said.get("committed_seq"), int):
            return int(said["committed_seq"])
        code = str(said.get("code", ""))
        # ours, and nothing that the proxy says: more of the same would not help
        if status == http.HTTPStatus.CONFLICT or code.startswith(("invalid", "fault")):
            self.refused.append((status, text))
            self.stop.set()
            return entries[-1]["seq"] if entries else 0
        return None

    def exchange(self, entries: list[dict[str, Any]]) -> tuple[int, str, bytes] | None:
        """Send over a connection of its own; status, type and body of what comes."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=DEADLINE
        )
        try:
            connection.request(
                "POST",
                f"/launches/{self.sent.player.launch_id}/entries",
                json.dumps({"entries": entries}),
                {
                    "Authorization": f"Bearer {self.sent.token}",
                    "Content-Type": "application/json",
                    "Host": f"localhost:{self.port}",
                },
            )
            answer = connection.getresponse()
            kind = answer.headers.get("Content-Type", "")
            return answer.status, kind, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class Gullible(Careful):
    """A page that takes every 200 for the server's: the control."""

    def post(self, entries: list[dict[str, Any]]) -> int | None:
        """Post once, and believe."""
        answer = self.exchange(entries)
        if answer is not None and answer[0] == http.HTTPStatus.OK:
            return int(entries[-1]["seq"]) if entries else 0
        if answer is not None and answer[0] == http.HTTPStatus.CONFLICT:
            self.refused.append((answer[0], answer[2]))
            self.stop.set()
            return entries[-1]["seq"] if entries else 0
        return None


def run_badly(
    engine: Engine, tmp_path: Path, kind: type[Page], times: int
) -> tuple[list[Page], Proxy]:
    """Let learners work until every fault has happened so many times."""
    settings = settings_of(engine, tmp_path) | {"SECRET_KEY": SECRET}
    served = Served(settings, tmp_path / "log")
    chance = random.Random(times)  # noqa: S311 - reproducible

    def choose(_: Request) -> str | None:
        missing = [fault for fault in FAULTS if proxy.done[fault] < times]
        return chance.choice(missing) if missing and chance.random() < 0.5 else None

    with Proxy(choose=choose) as proxy:
        proxy.upstream = served.port
        pages = open_pages(engine, served, tmp_path)
        pages = [kind(proxy.port, one.sent, n) for n, one in enumerate(pages)]
        try:
            served.start("--no-worker")
            for page in pages:
                page.start()
            end = time.monotonic() + PATIENCE
            while any(proxy.done[fault] < times for fault in FAULTS):
                if all(page.refused for page in pages):
                    break
                assert time.monotonic() < end, proxy.done
                time.sleep(0.02)
            for page in pages:
                page.stop.set()
            for page in pages:
                page.join(timeout=PATIENCE)
                assert not page.is_alive()
        finally:
            served.stop()
    return pages, proxy


def test_f3_no_fault_of_the_network_loses_or_doubles_an_entry(
    engine: Engine, tmp_path: Path
) -> None:
    pages, proxy = run_badly(engine, tmp_path, Careful, 3 * TIMES)
    assert [page.refused for page in pages if page.refused] == []
    assert min(proxy.done[fault] for fault in FAULTS) >= 3 * TIMES
    with reading(engine) as db:
        for page in pages:
            player, answered = page.sent.player, page.sent.answered
            player.db = db
            assert numbers_of(db, page) == list(range(1, answered + 2))
            launch = db.get_one(Launch, player.launch_id)
            values = db.get_one(Attempt, launch.attempt_id).values
            assert values["cmi.interactions._count"] == str(answered)
            assert player.verbs() == ["initialized", *["responded"] * answered]
    print(  # noqa: T201 - the figure
        f"F3 network: {engine.dialect.name}: {proxy.done.total()} faults of "
        f"{len(FAULTS)} kinds, {sum(page.sent.acknowledged for page in pages)} entries "
        "acknowledged, 0 lost, 0 twice"
    )


def test_control_a_page_that_believes_any_200_is_caught(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    pages, _ = run_badly(sqlite_engine, tmp_path, Gullible, 3)
    with reading(sqlite_engine) as db:
        held = sum(len(numbers_of(db, page)) for page in pages)
    assert held < sum(page.sent.answered + 1 for page in pages)
