"""T30: what only one may win, many at once: a number, a registration, a repeat."""

from __future__ import annotations

import copy
import http.client
import json
import os
import time
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.tables import Statement
from player import tokens
from player.cmi5.tables import Cmi5Session
from player.tables import Entry, Launch, SideEntry
from statements.errors import Unavailable
from tests.faults.callers import at_once
from tests.player.cmi5.opened import Course
from tests.player.sample import Player, add_package

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

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

    def fetch(self, path: str) -> dict[str, Any]:
        """Ask a fetch address of cmi5, until the server is not too busy."""
        port = self.running.served.port
        while True:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            line.request("POST", path, headers={"Host": f"localhost:{port}"})
            answer = line.getresponse()
            body: dict[str, Any] = json.loads(answer.read())
            line.close()
            # whether used or not: 1 and 2 say so, anything else to try again
            assert answer.status == http.HTTPStatus.OK, body
            if body.get("error-code") != "3":
                return body

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


def test_t30_one_who_asks_gets_the_authorization_of_a_cmi5_launch(
    running: Running,
) -> None:
    """The fetch address works once, however many ask it at the same time."""
    callers = Callers(running)
    for _ in range(ROUNDS):
        with writing(running.parts.engine) as db:
            course = Course(db, callers.config, datetime.now(UTC))
            launch_id = course.launch()
            entry = course.start(launch_id)["entry"]
        address = dict(parse_qsl(urlsplit(entry).query))["fetch"]
        path = urlsplit(address).path
        answers = at_once(AT_ONCE, lambda _, path=path: callers.fetch(path))
        tokens_given = [one["auth-token"] for one in answers if "auth-token" in one]
        assert len(tokens_given) == 1
        assert sum("error-code" in one for one in answers) == AT_ONCE - 1
        # and it stays so
        assert "error-code" in callers.fetch(path)


def test_t30_one_session_of_a_cmi5_registration_is_live(running: Running) -> None:
    """Units launched all at once: each that is overtaken is abandoned, once."""
    engine = running.parts.engine
    config = Callers(running).config
    for _ in range(ROUNDS):
        with writing(engine) as db:
            course = Course(db, config, datetime.now(UTC) - timedelta(hours=2))

        def launch(number: int, course: Course = course) -> uuid.UUID:
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    with writing(engine) as db:
                        return replace_db(course, db).launch(number % 3)
                except Unavailable:
                    assert time.monotonic() < end

        launched = at_once(AT_ONCE, launch)
        with reading(engine) as db:
            said = Counter(replace_db(course, db).verbs())
            sessions = [db.get_one(Cmi5Session, one) for one in launched]
        assert said["launched"] == AT_ONCE
        assert said["abandoned"] == AT_ONCE - 1
        assert sum(one.is_open for one in sessions) == 1


def replace_db(course: Course, db: Session) -> Course:
    """Give the same course in another transaction."""
    other = copy.copy(course)
    other.db = db
    return other
