"""The outbox and the followers: at least once, exactly once, never lost."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from lrs.db import reading, writing
from lrs.jobs import (
    FIRST_PAUSE,
    LEASE,
    Follower,
    Job,
    enqueue,
    follow,
    run_due,
    run_next,
)
from lrs.tables import MAIN_TENANT, Clock

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.parts import Parts


def add(parts: Parts, now: datetime, **payload: Any) -> None:
    with writing(parts.engine) as db:
        enqueue(db, "count", payload, run_at=now)


def jobs(parts: Parts) -> list[Job]:
    with reading(parts.engine) as db:
        found = list(db.scalars(select(Job).order_by(Job.created_at)))
        db.expunge_all()
        return found


def test_a_job_runs_once_and_is_done(parts: Parts, now: datetime) -> None:
    seen: list[dict[str, Any]] = []
    add(parts, now, number=1)
    handlers = {"count": (lambda _parts, payload, _now: seen.append(payload),)}
    assert run_due(parts, handlers, now) == 1
    assert run_due(parts, handlers, now) == 0
    assert seen == [{"number": 1}]
    assert jobs(parts)[0].done_at == now


def test_a_job_of_a_rolled_back_transaction_never_runs(
    parts: Parts, now: datetime
) -> None:
    with pytest.raises(ZeroDivisionError), writing(parts.engine) as db:
        enqueue(db, "count", {}, run_at=now)
        raise ZeroDivisionError
    assert run_due(parts, {"count": ()}, now) == 0


def test_a_failing_job_is_recorded_and_tried_again_later(
    parts: Parts, now: datetime
) -> None:
    tries: list[int] = []

    def fail_twice(_parts: Parts, _payload: dict[str, Any], _now: datetime) -> None:
        tries.append(1)
        if len(tries) < 3:
            message = "the printer is on fire"
            raise RuntimeError(message)

    add(parts, now)
    handlers = {"count": (fail_twice,)}
    run_due(parts, handlers, now)
    failed = jobs(parts)[0]
    assert "the printer is on fire" in (failed.failure or "")
    assert failed.done_at is None
    assert run_due(parts, handlers, now + FIRST_PAUSE / 2) == 0
    assert run_due(parts, handlers, now + FIRST_PAUSE) == 1
    assert run_due(parts, handlers, now + 4 * FIRST_PAUSE) == 1
    assert jobs(parts)[0].done_at is not None
    assert jobs(parts)[0].failure is None
    assert len(tries) == 3


def test_a_job_of_a_worker_that_died_is_taken_up_after_its_lease(
    parts: Parts, now: datetime
) -> None:
    class KilledError(BaseException):
        """Like a kill: nothing after it runs."""

    def die(_parts: Parts, _payload: dict[str, Any], _now: datetime) -> None:
        raise KilledError

    add(parts, now)
    with pytest.raises(KilledError):
        run_due(parts, {"count": (die,)}, now)
    assert run_due(parts, {"count": ()}, now + LEASE - timedelta(seconds=1)) == 0
    assert run_due(parts, {"count": ()}, now + LEASE) == 1


def test_a_lease_is_renewed_while_the_job_runs(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long past the first lease another worker finds nothing to do."""
    monkeypatch.setattr("lrs.jobs.LEASE", timedelta(milliseconds=300))
    passed = timedelta(0)

    def clock() -> datetime:
        return now + passed

    def lease() -> datetime:
        [job] = jobs(parts)
        return job.run_at

    others: list[bool] = []

    def last(_parts: Parts, _payload: dict[str, Any], _now: datetime) -> None:
        nonlocal passed
        for _ in range(4):
            passed += timedelta(milliseconds=250)
            others.append(run_next(parts, {"count": ()}, clock))
            end = time.monotonic() + 120
            while lease() <= clock() + timedelta(milliseconds=250):
                assert time.monotonic() < end, "the lease was not renewed"
                time.sleep(0.01)

    add(parts, now)
    assert run_next(parts, {"count": (last,)}, clock)
    assert others == [False] * 4
    [job] = jobs(parts)
    assert job.tries == 1
    assert job.done_at is not None


def test_who_has_lost_the_lease_changes_nothing(parts: Parts, now: datetime) -> None:
    def overtaken(_parts: Parts, _payload: dict[str, Any], _now: datetime) -> None:
        with writing(parts.engine) as db:
            db.execute(update(Job).values(tries=Job.tries + 1, run_at=now + LEASE))
        raise ZeroDivisionError

    add(parts, now)
    run_due(parts, {"count": (overtaken,)}, now)
    [job] = jobs(parts)
    assert (job.tries, job.run_at, job.failure) == (2, now + LEASE, None)


def test_two_workers_that_begin_at_once_read_each_number_once(
    parts: Parts, now: datetime
) -> None:
    read: list[tuple[int, int]] = []
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    def note(_db: Session, *, first_seq: int, last_seq: int, **_: Any) -> None:
        read.append((first_seq, last_seq))

    def work() -> None:
        barrier.wait()
        try:
            follow(parts, {"reader": note}, now)
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    with writing(parts.engine) as db:
        db.get_one(Clock, MAIN_TENANT).seq = 7
    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert failures == []
    assert read == [(1, 7)]


def test_a_follower_reads_every_number_once_in_order(
    parts: Parts, now: datetime
) -> None:
    stretches: list[tuple[int, int]] = []

    def read(
        db: Session, *, tenant: int, first_seq: int, last_seq: int, now: datetime
    ) -> None:
        del db, now
        assert tenant == MAIN_TENANT
        stretches.append((first_seq, last_seq))

    def move_clock(to: int) -> None:
        with writing(parts.engine) as db:
            db.get_one(Clock, MAIN_TENANT).seq = to

    assert follow(parts, {"reader": read}, now) == 0
    move_clock(1203)
    assert follow(parts, {"reader": read}, now) == 1203
    assert follow(parts, {"reader": read}, now) == 0
    move_clock(1204)
    assert follow(parts, {"reader": read}, now) == 1
    assert stretches == [(1, 500), (501, 1000), (1001, 1203), (1204, 1204)]


def test_a_follower_that_fails_stays_where_it_was(parts: Parts, now: datetime) -> None:
    def fail(db: Session, **_: Any) -> None:
        enqueue(db, "never", {}, run_at=now)
        raise ZeroDivisionError

    with writing(parts.engine) as db:
        db.get_one(Clock, MAIN_TENANT).seq = 5
    with pytest.raises(ZeroDivisionError):
        follow(parts, {"reader": fail}, now)
    assert jobs(parts) == []
    with reading(parts.engine) as db:
        cursor = db.get(Follower, (MAIN_TENANT, "reader"))
        assert cursor is None or cursor.seq == 0
