from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lrs import worker
from lrs.db import writing
from lrs.jobs import enqueue
from lrs.tables import MAIN_TENANT, Clock
from lrs.worker import Work, work, work_once
from statements.errors import Unavailable

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.orm import Session

    from lrs.parts import Parts

NEVER = datetime.min.replace(tzinfo=UTC)
NOTHING = Work(handlers={}, followers={}, periodic={})


def test_it_follows_runs_jobs_and_tells_how_much(parts: Parts) -> None:
    read: list[tuple[int, int]] = []
    ran: list[dict[str, Any]] = []

    def note(
        _db: Session, *, tenant: int, first_seq: int, last_seq: int, now: datetime
    ) -> None:
        assert (tenant, now.tzinfo) == (MAIN_TENANT, UTC)
        read.append((first_seq, last_seq))

    todo = Work(
        handlers={"act": (lambda _parts, payload, _now: ran.append(payload),)},
        followers={"note": note},
        periodic={},
    )
    with writing(parts.engine) as db:
        enqueue(db, "act", {"n": 1}, run_at=datetime.now(UTC))
        clock = db.get(Clock, MAIN_TENANT)
        assert clock is not None
        clock.seq = 3
    assert work_once(parts, todo, {}) == 4
    assert (read, ran) == ([(1, 3)], [{"n": 1}])
    assert work_once(parts, todo, {}) == 0


def test_periodic_work_waits_for_its_time(parts: Parts) -> None:
    done: list[str] = []
    todo = Work(
        handlers={},
        followers={},
        periodic={
            "often": (timedelta(0), lambda _parts, _now: done.append("often")),
            "seldom": (timedelta(days=1), lambda _parts, _now: done.append("seldom")),
        },
    )
    due = dict.fromkeys(todo.periodic, NEVER)
    work_once(parts, todo, due)
    work_once(parts, todo, due)
    assert done == ["often", "seldom", "often"]


def test_a_busy_database_is_tried_again(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    tries = 0

    def busy(*_arguments: object) -> int:
        nonlocal tries
        tries += 1
        if tries == 3:
            stop.set()
        raise Unavailable

    monkeypatch.setattr(worker, "work_once", busy)
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0)
    work(parts, NOTHING, stop)
    assert tries == 3


def test_it_ends_when_told(parts: Parts) -> None:
    stop = threading.Event()
    working = threading.Thread(target=work, args=(parts, NOTHING, stop))
    working.start()
    assert working.is_alive()
    stop.set()
    working.join(10)
    assert not working.is_alive()
