"""T30: what only one may win, many at once: a number, a registration, a repeat."""

from __future__ import annotations

import http.client
import json
import os
import time
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.tables import Statement
from player import tokens
from player.tables import Entry, Launch, SideEntry
from tests.faults.callers import at_once
from tests.player.sample import Player, add_package

if TYPE_CHECKING:
    from tests.faults.callers import Running

ROUNDS = int(os.environ.get("ROLLCALLTEST_T30_ROUNDS", "2"))
AT_ONCE = 50
PATIENCE = 300.0


class Callers:
    """Launches on a served player, and connections to it."""

    def __init__(self, running: Running) -> None:
        """Use the running server; its package is made once."""
        self.running = running
        self.config = replace(running.parts.config, secret_key="a secret of the tests")
        with writing(running.parts.engine) as db:
            self.package = add_package(db, now=datetime.now(UTC))
            db.expunge(self.package)

    def launches(self, count: int) -> list[Player]:
        """Open so many launches of one registration, one after the other."""
        now = datetime.now(UTC) - timedelta(seconds=count)
        with writing(self.running.parts.engine) as db:
            first = Player(db, self.config, self.package, now).open()
            opened = [first]
            for number in range(1, count):
                page = Player(
                    db,
                    self.config,
                    self.package,
                    now + timedelta(seconds=number),
                    registration=first.registration,
                )
                opened.append(page.open())
        return opened

    def all_at_once(
        self, posts: list[tuple[Player, str, Any]]
    ) -> list[tuple[int, dict[str, Any]]]:
        """Post all of them at the same time; what each heard, in order."""
        return at_once(len(posts), lambda number: self.post(*posts[number]))

    def post(self, player: Player, what: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Post until the server is not too busy; status and answer."""
        token = tokens.make_token(
            self.config,
            launch_id=player.launch_id,
            expires=datetime.now(UTC) + tokens.LIFETIME,
        )
        port = self.running.served.port
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Host": f"localhost:{port}",
        }
        end = time.monotonic() + PATIENCE
        while True:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            path = f"/launches/{player.launch_id}/{what}"
            line.request("POST", path, json.dumps(body), headers)
            answer = line.getresponse()
            text = answer.read()
            line.close()
            if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                return answer.status, json.loads(text)
            assert time.monotonic() < end, text


def count(running: Running, table: type, launch: Player) -> int:
    with reading(running.parts.engine) as db:
        of = select(func.count()).select_from(table)
        return db.scalar(of.where(table.launch_id == launch.launch_id)) or 0


def test_t30_one_number_is_taken_by_one_entry(running: Running) -> None:
    """Different entries under one number: one is applied, the others are kept aside."""
    callers = Callers(running)
    for _ in range(ROUNDS):
        [page] = callers.launches(1)
        entry = page.entry("initialize")
        bodies = [
            {"entries": [{**entry, "uuid": str(uuid.uuid4())}]} for _ in range(AT_ONCE)
        ]
        answers = callers.all_at_once([(page, "entries", one) for one in bodies])
        said = Counter(body.get("code", status) for status, body in answers)
        assert said == {200: 1, "entry_conflict": AT_ONCE - 1}
        assert count(running, Entry, page) == 1
        assert count(running, SideEntry, page) == AT_ONCE - 1


def test_t30_one_entry_sent_many_times_counts_once(running: Running) -> None:
    """The same entry from many sides at once: all hear that it is there, once."""
    callers = Callers(running)
    for _ in range(ROUNDS):
        [page] = callers.launches(1)
        body = {"entries": [page.entry("initialize")]}
        answers = callers.all_at_once([(page, "entries", body)] * AT_ONCE)
        assert [answer[0] for answer in answers] == [200] * AT_ONCE
        assert count(running, Entry, page) == 1
        assert count(running, SideEntry, page) == 0
        with reading(running.parts.engine) as db:
            told = select(func.count()).select_from(Statement)
            mine = Statement.registration == page.registration
            assert db.scalar(told.where(mine)) == 1


def test_t30_one_launch_of_a_registration_writes(running: Running) -> None:
    """Launches that start all at once: afterwards the newest writes, and no other."""
    callers = Callers(running)
    for _ in range(ROUNDS):
        pages = callers.launches(AT_ONCE)
        started = callers.all_at_once([(page, "start", {}) for page in pages])
        assert started[-1][0] == http.HTTPStatus.OK
        refused = {body["code"] for status, body in started if status != 200}
        assert refused <= {"superseded", "launch_closed"}
        answers = callers.all_at_once(
            [
                (page, "entries", {"entries": [page.entry("initialize")]})
                for page in pages
            ]
        )
        said = [body.get("code", status) for status, body in answers]
        assert said == ["superseded"] * (AT_ONCE - 1) + [200]
        with reading(running.parts.engine) as db:
            mine = Launch.registration == pages[0].registration
            live = db.scalars(select(Launch.id).where(mine, Launch.live)).all()
            assert live == [pages[-1].launch_id]
