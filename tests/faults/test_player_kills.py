"""The server is killed under learners at work; no entry is lost, none counts twice.

Each learner's page keeps what is not acknowledged and sends it again, as the browser's
queue does. Every entry answers one question, so what the server holds can be counted
three ways: entries logged, interactions in the model, statements told.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lrs.config import Config
from lrs.db import reading, writing
from player import tokens
from player.tables import Attempt, Entry, Launch
from tests.faults.test_kills import settings_of
from tests.player.sample import Player, add_package
from tests.served import Served

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

KILLS = int(os.environ.get("ROLLCALLTEST_PLAYER_KILLS", "4"))
LEARNERS = 6
ACKNOWLEDGED_PER_KILL = 25
SECRET = "a secret of the tests"


@dataclass
class Sent:
    """What one learner's page did."""

    player: Player
    token: str
    acknowledged: int = 0
    answered: int = 0
    repeats: int = 0


class Page(threading.Thread):
    """A learner who answers questions until told to stop."""

    def __init__(self, port: int, sent: Sent, number: int) -> None:
        """Send to the server on `port`."""
        super().__init__(daemon=True)
        self.port, self.sent = port, sent
        self.chance = random.Random(number)  # noqa: S311 - reproducible
        self.refused: list[tuple[int, bytes]] = []
        self.stop = threading.Event()

    def run(self) -> None:
        """Answer, send what is not acknowledged, again after a broken connection."""
        player = self.sent.player
        waiting = [player.entry("initialize")]
        while not self.stop.is_set() or waiting:
            if not self.stop.is_set():
                new = self.chance.randint(1, 3)
                waiting.extend(self.answer() for _ in range(new))
            committed = self.post(waiting[:20])
            if committed is None:
                self.sent.repeats += 1
                continue
            waiting = [one for one in waiting if one["seq"] > committed]
            self.sent.acknowledged = committed

    def answer(self) -> dict[str, Any]:
        """Give the entry of the next answer."""
        name = f"cmi.interactions.{self.sent.answered}"
        self.sent.answered += 1
        return self.sent.player.entry(
            "set",
            (f"{name}.id", f"q{self.sent.answered}"),
            (f"{name}.result", "correct"),
            after=0.1,
        )

    def post(self, entries: list[dict[str, Any]]) -> int | None:
        """Post once: the number committed, or None when nobody knows."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {
            "Authorization": f"Bearer {self.sent.token}",
            "Content-Type": "application/json",
            "Host": f"localhost:{self.port}",
        }
        path = f"/launches/{self.sent.player.launch_id}/entries"
        try:
            connection.request("POST", path, json.dumps({"entries": entries}), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
            return None
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        if answer.status != http.HTTPStatus.OK:
            self.refused.append((answer.status, text))
            self.stop.set()
            return entries[-1]["seq"] if entries else 0
        return int(json.loads(text)["committed_seq"])


def open_pages(engine: Engine, served: Served, tmp_path: Path) -> list[Page]:
    """Open a launch for each learner."""
    config = Config(
        data=tmp_path, secret_key=SECRET, workers=1, portal_url=served.portal
    )
    now = datetime.now(UTC)
    pages = []
    with writing(engine) as db:
        package = add_package(db, now=now)
        for number in range(LEARNERS):
            player = Player(db, config, package, now).open()
            token = tokens.make_token(
                config, launch_id=player.launch_id, expires=now + tokens.LIFETIME
            )
            pages.append(Page(served.port, Sent(player, token), number))
    return pages


def run_kills(served: Served, pages: list[Page], kills: int) -> None:
    """Kill and start the server again and again under the pages."""
    chance = random.Random(kills)  # noqa: S311 - reproducible
    served.start("--no-worker")
    for page in pages:
        page.start()
    for _ in range(kills):
        before = sum(page.sent.acknowledged for page in pages)
        end = time.monotonic() + 300
        while (
            sum(page.sent.acknowledged for page in pages) - before
            < ACKNOWLEDGED_PER_KILL
        ):
            assert [page.refused for page in pages if page.refused] == []
            assert time.monotonic() < end, "no new acknowledgements for five minutes"
            time.sleep(0.005)
        time.sleep(chance.random() * 0.2)
        served.kill()
        served.start("--no-worker")
    for page in pages:
        page.stop.set()
    for page in pages:
        page.join(timeout=300)
        assert not page.is_alive()


def numbers_of(db: Session, page: Page) -> list[int]:
    """Give the numbers of a page's entries that the server holds."""
    logged = select(Entry.seq).where(Entry.launch_id == page.sent.player.launch_id)
    return list(db.scalars(logged.order_by(Entry.seq)))


def test_no_entry_is_lost_and_none_counts_twice(engine: Engine, tmp_path: Path) -> None:
    """Entries, model and statements agree with what the pages did, to the last."""
    settings = settings_of(engine, tmp_path) | {"SECRET_KEY": SECRET}
    served = Served(settings, tmp_path / "log")
    pages = open_pages(engine, served, tmp_path)
    try:
        run_kills(served, pages, KILLS)
    finally:
        served.kill()
    assert [page.refused for page in pages if page.refused] == []
    with reading(engine) as db:
        for page in pages:
            player, answered = page.sent.player, page.sent.answered
            player.db = db
            assert numbers_of(db, page) == list(range(1, answered + 2))
            launch = db.get_one(Launch, player.launch_id)
            values = db.get_one(Attempt, launch.attempt_id).values
            assert values["cmi.interactions._count"] == str(answered)
            assert player.verbs() == ["initialized", *["responded"] * answered]
    acknowledged = sum(page.sent.acknowledged for page in pages)
    repeats = sum(page.sent.repeats for page in pages)
    assert acknowledged >= KILLS * ACKNOWLEDGED_PER_KILL
    assert repeats
    print(  # noqa: T201 - the figure
        f"{engine.dialect.name}: {KILLS} kills, {acknowledged} entries acknowledged, "
        f"0 lost, 0 twice, {repeats} requests repeated"
    )


def test_control_an_early_answer_is_caught(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    """A server that answers before it commits loses entries, and this sees it."""
    settings = settings_of(sqlite_engine, tmp_path) | {"SECRET_KEY": SECRET}
    served = Served(settings, tmp_path / "log")
    pages = open_pages(sqlite_engine, served, tmp_path)
    served.command = [sys.executable, "-m", "tests.faults.early_entries"]
    try:
        run_kills(served, pages, 2)
    finally:
        served.kill()
    with reading(sqlite_engine) as db:
        held = sum(len(numbers_of(db, page)) for page in pages)
    assert held < sum(page.sent.acknowledged for page in pages)
