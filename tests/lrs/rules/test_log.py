from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from lrs.rules.log import LogReader
from lrs.tables import MAIN_TENANT, key_of
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER_IFI,
    LESSON,
    POSTTEST,
    REGISTRATION,
    VERBS,
    at,
    said,
    store,
    voiding,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

START = at("2026-02-01T10:00:00")
LEARNER_KEY = key_of(LEARNER_IFI)


def reader(db: Session, last: int) -> LogReader:
    log = LogReader(db, tenant=MAIN_TENANT, verbs=VERBS)
    log.last_seq = last
    return log


def test_only_what_may_matter_is_read(db: Session, now: datetime) -> None:
    kept = said("completed", LESSON, START)
    store(
        db,
        said("initialized", LESSON, START),
        kept,
        said("progressed", LESSON, START),
        voiding(kept, START),
        now=now,
    )
    rows = reader(db, 4).rows(1)
    assert [(row.seq, row.observation is None) for row in rows] == [
        (2, False),
        (4, True),
    ]
    assert rows[1].voids_id == uuid.UUID(kept["id"])
    assert reader(db, 3).rows(1) == rows[:1]
    assert reader(db, 4).rows(3) == rows[1:]
    assert LogReader(db, tenant=2, verbs=VERBS).rows(1) == []


def test_a_statement_is_found_once_it_is_there(db: Session, now: datetime) -> None:
    one = said("completed", LESSON, START)
    store(db, said("completed", COURSE, START), one, now=now)
    wanted = uuid.UUID(one["id"])
    found = reader(db, 2).find(wanted)
    assert found is not None
    assert found.seq == 2
    assert reader(db, 1).find(wanted) is None


def test_observations_are_those_of_an_identifier_in_a_registration(
    db: Session, now: datetime
) -> None:
    other = {"mbox": "mailto:other@agency.example"}
    store(
        db,
        said("completed", LESSON, START),
        said("completed", LESSON, START, registration=None),
        said("completed", LESSON, START, actor=other),
        said("completed", LESSON, START, registration=uuid.UUID(int=7)),
        now=now,
    )
    for prefetched in ((), {REGISTRATION}, {REGISTRATION, uuid.UUID(int=7)}):
        log = reader(db, 4)
        log.prefetch(prefetched)

        def seqs(
            actor: uuid.UUID, registration: uuid.UUID | None, log: LogReader = log
        ) -> list[int]:
            # asked twice: the second answer is remembered
            log.observed(actor, registration)
            return [one.observation.seq for one in log.observed(actor, registration)]

        assert seqs(LEARNER_KEY, REGISTRATION) == [1]
        assert seqs(LEARNER_KEY, None) == [2]
        assert seqs(LEARNER_KEY, uuid.UUID(int=7)) == [4]
        assert seqs(LEARNER_KEY, uuid.UUID(int=8)) == []
        assert seqs(key_of("mbox::mailto:other@agency.example"), REGISTRATION) == [3]


def test_an_observation_stands_until_its_own_authority_voids_it(
    db: Session, now: datetime
) -> None:
    foreign = {"account": {"homePage": "https://other.example", "name": "x"}}
    own, others, any_, early = (
        said("completed", POSTTEST, START, id=uuid.UUID(int=n)) for n in range(1, 5)
    )
    store(db, voiding(early, START), now=now)
    store(db, voiding(others, START), now=now, authority=foreign)
    store(db, own, others, any_, early, now=now)
    store(db, voiding(own, START), now=now)
    store(db, voiding(any_, START), now=now, authority=foreign, may_void_any=True)
    log = reader(db, 8)
    voided = {
        one.observation.evidence.id.int: one.voided_seq
        for one in log.observed(LEARNER_KEY, REGISTRATION)
    }
    assert voided == {1: 7, 2: None, 3: 8, 4: 1}
    first = log.observed(LEARNER_KEY, REGISTRATION)[0]
    assert [first.stands(seq) for seq in (2, 3, 6, 7, 8)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    # read before the voiding came, nothing is voided yet
    seen = reader(db, 6).observed(LEARNER_KEY, REGISTRATION)
    assert [one.voided_seq for one in seen] == [None, None, None, 1]
