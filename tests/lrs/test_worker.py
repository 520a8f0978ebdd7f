from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lrs import worker
from lrs.db import writing
from lrs.jobs import enqueue
from lrs.tables import MAIN_TENANT, Clock
from lrs.worker import Turn, Work, work, work_once
from statements.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from lrs.parts import Parts

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
    assert work_once(parts, todo, Turn()) == 4
    assert (read, ran) == ([(1, 3)], [{"n": 1}])
    assert work_once(parts, todo, Turn()) == 0


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
    turn = Turn()
    work_once(parts, todo, turn)
    work_once(parts, todo, turn)
    assert done == ["often", "seldom", "often"]


@pytest.mark.parametrize("error", [ZeroDivisionError, Unavailable])
def test_a_part_that_fails_stops_no_other(
    parts: Parts, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    now = datetime.now(UTC)
    monkeypatch.setattr(worker, "clock", lambda: now)

    def fail(*_arguments: Any, **_named: Any) -> None:
        ran.append("failed")
        raise error

    def read(_db: Session, **_named: Any) -> None:
        ran.append("read")

    todo = Work(
        handlers={"act": (lambda *_: ran.append("job"),)},
        followers={"broken": fail, "sound": read},
        periodic={"broken too": (timedelta(0), fail)},
    )
    with writing(parts.engine) as db:
        enqueue(db, "act", {}, run_at=now)
        db.get_one(Clock, MAIN_TENANT).seq = 1
    turn = Turn()
    assert work_once(parts, todo, turn) == 2
    assert ran == ["failed", "failed", "read", "job"]
    # what is broken rests before it is tried again, what is only busy does not
    work_once(parts, todo, turn)
    rested = ran[4:]
    assert rested == ([] if error is ZeroDivisionError else ["failed", "failed"])
    now += worker.FIRST_REST
    work_once(parts, todo, turn)
    assert ran[4 + len(rested) :] == ["failed", "failed"]


def test_it_ends_when_told(parts: Parts) -> None:
    stop = threading.Event()
    working = threading.Thread(target=work, args=(parts, NOTHING, stop))
    working.start()
    assert working.is_alive()
    stop.set()
    working.join(10)
    assert not working.is_alive()
