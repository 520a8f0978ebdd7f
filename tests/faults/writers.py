"""Writers and followers of the fault tests: real processes on a real database.

Run as a program, it writes lists of statements until it is killed or told to stop
and reports every acknowledged id on standard output, one line per transaction.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from lrs.db import make_engine, reading, writing
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Clock, Statement, key_of
from statements.prepare import prepare

if TYPE_CHECKING:
    from sqlalchemy import Engine

AUTHORITY = {"account": {"homePage": "https://lrs.example", "name": "faults"}}
VERB = "http://adlnet.gov/expapi/verbs/experienced"


class RolledBackError(Exception):
    """The writer changed its mind."""


def a_statement(worker: int) -> dict[str, Any]:
    """Give a new statement; writers share ten activities."""
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": f"mailto:writer{worker}@example.org"},
        "verb": {"id": VERB},
        "object": {
            "id": f"https://lrs.example/activities/{random.randrange(10)}",  # noqa: S311
            "definition": {"name": {"en": f"Round {random.randrange(5)}"}},  # noqa: S311
        },
    }


def write(engine: Engine, worker: int, chance: random.Random) -> list[str]:
    """Write 1 to 25 statements in one transaction; [] when it was rolled back."""
    now = datetime.now(UTC)
    made = [prepare(a_statement(worker), now=now) for _ in range(chance.randint(1, 25))]
    try:
        with writing(engine) as db:
            store_statements(
                db, tenant=MAIN_TENANT, statements=made, authority=AUTHORITY, now=now
            )
            if chance.random() < 0.1:
                raise RolledBackError
    except RolledBackError:
        return []
    return [str(one.id) for one in made]


def write_numbered_early(
    engine: Engine, worker: int, chance: random.Random
) -> list[str]:
    """Write as a store without the lock would: the control that must be caught.

    The number is taken in a transaction of its own and the row committed later, as
    with a sequence, whose numbers do not wait for commits either.
    """
    del worker
    now = datetime.now(UTC)
    with writing(engine) as db:
        seq = db.scalar(
            update(Clock)
            .where(Clock.tenant_id == MAIN_TENANT)
            .values(seq=Clock.seq + 1)
            .returning(Clock.seq)
        )
    time.sleep(chance.random() * 0.02)
    made = uuid.uuid4()
    with writing(engine) as db:
        db.execute(
            insert(Statement).values(
                tenant_id=MAIN_TENANT,
                seq=seq,
                stored=now + timedelta(microseconds=seq or 0),
                statement_id=made,
                timestamp=now,
                verb_key=key_of(VERB),
                voids_any=False,
                has_score=False,
                version="1.0.3",
                authority_key=key_of("faults"),
                plain=0,
                payload=b"{}",
            )
        )
    return [str(made)]


class Follower(threading.Thread):
    """Reads the log by `column > last` in pages until told that writing is over."""

    def __init__(self, engine: Engine, column: str, page: int) -> None:
        """Follow by `seq` or `stored` in pages of `page` rows."""
        super().__init__(daemon=True)
        self.engine, self.page = engine, page
        self.column = getattr(Statement, column)
        self.seen: list[tuple[int, str]] = []
        self.over = threading.Event()

    def run(self) -> None:
        """Follow; one more look after the writers have stopped."""
        last: Any = None
        while True:
            finishing = self.over.is_set()
            query = (
                select(self.column, Statement.seq, Statement.statement_id)
                .where(Statement.tenant_id == MAIN_TENANT)
                .order_by(self.column)
                .limit(self.page)
            )
            if last is not None:
                query = query.where(self.column > last)
            with reading(self.engine) as db:
                rows = db.execute(query).all()
            self.seen += [(seq, str(statement_id)) for _, seq, statement_id in rows]
            if rows:
                last = rows[-1][0]
            elif finishing:
                return
            else:
                time.sleep(0.002)


def main() -> None:
    """Write with some threads until standard input closes."""
    url, seed, threads, kind = sys.argv[1:5]
    engine = make_engine(url)
    act = write_numbered_early if kind == "early" else write
    stop = threading.Event()
    print_lock = threading.Lock()

    def loop(worker: int) -> None:
        chance = random.Random(int(seed) * 1000 + worker)  # noqa: S311
        while not stop.is_set():
            ids = act(engine, worker, chance)
            with print_lock:
                sys.stdout.write(json.dumps(ids) + "\n")
                sys.stdout.flush()

    running = [threading.Thread(target=loop, args=(n,)) for n in range(int(threads))]
    for thread in running:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in running:
        thread.join()


if __name__ == "__main__":
    main()
