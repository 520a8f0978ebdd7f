from __future__ import annotations

import threading
import time
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from lrs.credentials import Caller, create_credential, verify_secret
from lrs.db import reading, writing
from lrs.limits import (
    MAX_REMEMBERED,
    CredentialUse,
    Noted,
    last_uses,
    note_use,
    note_use_in_passing,
    spend,
)
from lrs.tables import MAIN_TENANT, Clock
from statements.errors import TooMany

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

SECOND = timedelta(seconds=1)


def caller(db: Session, now: datetime, per_minute: int | None = None) -> Caller:
    made = create_credential(
        db,
        tenant=MAIN_TENANT,
        name="LMS",
        home_page="http://localhost:8000",
        now=now,
        per_minute=per_minute,
    )
    return verify_secret(db, key=made.key, secret=made.secret, now=now)


def spent(db: Session, one: Caller, now: datetime, times: int) -> int:
    """How many of so many requests at this instant are let through."""
    passed = 0
    for _ in range(times):
        try:
            spend(db, caller=one, now=now)
        except TooMany:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize("per_minute", [1, 2, 7, 60, 90])
def test_an_allowance_is_full_at_first_and_fills_evenly(
    db: Session, now: datetime, per_minute: int
) -> None:
    one = caller(db, now, per_minute)
    assert spent(db, one, now, per_minute + 3) == per_minute
    each = timedelta(minutes=1) / per_minute
    assert spent(db, one, now + 0.9 * each, 1) == 0
    assert spent(db, one, now + each, 2) == 1
    assert spent(db, one, now + 3 * each, 9) == min(2, per_minute)
    later = now + timedelta(minutes=10)
    assert spent(db, one, later, per_minute + 3) == per_minute


def test_a_refusal_says_when_to_come_again(db: Session, now: datetime) -> None:
    one = caller(db, now, 2)
    assert spent(db, one, now, 2) == 2
    with pytest.raises(TooMany) as refused:
        spend(db, caller=one, now=now + SECOND)
    wait = refused.value.extra["retry_after"]
    assert wait == 29
    assert refused.value.extra["per_minute"] == 2
    spend(db, caller=one, now=now + SECOND + wait * SECOND)


def test_a_clock_that_steps_back_takes_no_more_than_it_should(
    db: Session, now: datetime
) -> None:
    one = caller(db, now, 3)
    assert spent(db, one, now, 3) == 3
    assert spent(db, one, now - timedelta(hours=1), 3) == 0
    assert spent(db, one, now + timedelta(minutes=1), 9) == 3


def test_allowances_are_each_credentials_own(db: Session, now: datetime) -> None:
    one, other = caller(db, now, 2), caller(db, now, 2)
    assert spent(db, one, now, 5) == 2
    assert spent(db, other, now, 5) == 2


def test_who_has_no_limit_leaves_no_row(db: Session, now: datetime) -> None:
    one = caller(db, now)
    assert spent(db, one, now, 50) == 50
    assert db.scalars(select(CredentialUse)).all() == []


def test_a_limit_is_exact_among_many_at_once(engine: Engine, now: datetime) -> None:
    with writing(engine) as db:
        one = caller(db, now, 25)
    start = threading.Barrier(8)
    passed: list[int] = []

    def ask() -> None:
        start.wait()
        for _ in range(6):
            try:
                with writing(engine) as db:
                    spend(db, caller=one, now=now)
            except TooMany:
                continue
            passed.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 25


def test_the_last_use_is_noted_once_a_minute(db: Session, now: datetime) -> None:
    one, other = caller(db, now), caller(db, now)
    ids = [one.credential_id, other.credential_id]
    assert last_uses(db, credentials=ids) == {}
    for seconds, noted in [(0, 0), (30, 0), (60, 60), (61, 60), (3600, 3600)]:
        note_use(db, caller=one, now=now + seconds * SECOND)
        seen = last_uses(db, credentials=ids)
        assert seen == {one.credential_id: now + noted * SECOND}


def test_a_note_never_waits_for_a_writer(engine: Engine, now: datetime) -> None:
    with writing(engine) as db:
        one = caller(db, now)
    with writing(engine) as db:
        db.execute(update(Clock).values(seq=Clock.seq))
        began = time.monotonic()
        note_use_in_passing(engine, caller=one, now=now)
        # a writer waits for five seconds
        assert time.monotonic() - began < 4
    later = now + timedelta(minutes=1)
    note_use_in_passing(engine, caller=one, now=later)
    with reading(engine) as db:
        seen = last_uses(db, credentials=[one.credential_id])
    assert seen == {one.credential_id: later}


def test_a_spent_request_is_a_use(engine: Engine, now: datetime) -> None:
    with writing(engine) as db:
        one = caller(db, now, 5)
    for minutes in range(2):
        at = now + timedelta(minutes=minutes)
        with writing(engine) as db:
            spend(db, caller=one, now=at)
        with reading(engine) as db:
            seen = last_uses(db, credentials=[one.credential_id])
        assert seen == {one.credential_id: at}


def test_a_process_notes_a_credential_once_a_minute(now: datetime) -> None:
    noted = Noted()
    one, other = some_caller(), some_caller()
    assert noted.is_due(one, now)
    assert not noted.is_due(one, now + 59 * SECOND)
    assert noted.is_due(other, now + 59 * SECOND)
    assert noted.is_due(one, now + 60 * SECOND)


def test_what_a_process_remembers_is_bounded(now: datetime) -> None:
    noted = Noted()
    first = some_caller()
    assert noted.is_due(first, now)
    for _ in range(MAX_REMEMBERED):
        noted.is_due(some_caller(), now)
    assert noted.is_due(first, now)


def some_caller() -> Caller:
    return Caller(1, "k", "LMS", frozenset(), {}, None, None, uuid.uuid4())
