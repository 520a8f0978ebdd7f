from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from lrs.jobs import Job
from lrs.rules.awards import (
    Books,
    Cause,
    Subject,
    as_json,
    completion_content,
    contents,
)
from lrs.rules.decide import Decision, Evidence
from lrs.rules.facts import read_observation
from lrs.rules.ledger import net
from lrs.rules.tables import Award, RulesCursor, Standing
from lrs.tables import MAIN_TENANT, key_of
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER_IFI,
    OFFER,
    VERBS,
    at,
    decided,
    rules,
    whole_way,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

PERSON = uuid.UUID(int=1)
START = at("2026-02-01T10:00:00")
CAUSE = Cause(7, 3, START)
SUBJECT = Subject(PERSON, key_of(COURSE), uuid.UUID(int=10))


def books(db: Session, now: datetime, *, tells: bool = True) -> Books:
    cursor = db.get(RulesCursor, MAIN_TENANT)
    if cursor is None:
        cursor = RulesCursor(tenant_id=MAIN_TENANT, seq=0, change=0, entries=0)
        db.add(cursor)
        db.flush()
    return Books(db, cursor=cursor, now=now, tells=tells)


def earned(start: datetime, **offer: Any) -> tuple[Decision, dict[str, Any]]:
    """A complete decision and what it awards, for the registration of SUBJECT."""
    way = whole_way(start)
    decision = decided(way, rules(replace(OFFER, **offer)))
    seen = [
        found
        for one in way
        if (
            found := read_observation(
                one, orjson.dumps(one), at(one["timestamp"]), 1, verbs=VERBS, own=True
            )
        )
    ]
    content = completion_content(
        SUBJECT, course_iri=COURSE, seen=seen, decision=decision, revision="1"
    )
    return decision, content


def record(
    book: Books,
    subject: Subject,
    decision: Decision,
    content: dict[str, Any] | None,
) -> None:
    if content is not None:
        content = content | {"registration": subject.registration}
    book.record(
        subject,
        course_iri=COURSE,
        decision=decision,
        revision="1",
        content=content,
        cause=CAUSE,
    )
    book.db.flush()


def entries(db: Session) -> list[str]:
    found = db.scalars(select(Award).order_by(Award.number))
    return [f"{one.kind} {one.entry}" for one in found]


def test_an_award_tells_its_policy_zone_and_evidence(
    db: Session, now: datetime
) -> None:
    decision, content = earned(START)
    record(books(db, now), SUBJECT, decision, content)
    completion, credit = db.scalars(select(Award).order_by(Award.number)).all()
    assert (completion.policy, str(completion.policy_from)) == (
        "cops.certificate",
        "2023-01-01",
    )
    assert (completion.zone, completion.term) == ("America/Los_Angeles", "2026")
    assert completion.evidence == [str(one) for one in decision.evidence]
    assert completion.ifi == LEARNER_IFI
    assert (completion.cause_seq, completion.cause_change) == (7, 3)
    assert completion.recorded_at == START
    assert (completion.credit, credit.credit) == (None, Decimal(4))
    assert contents(credit) == contents(completion) | {
        "kind": "credit",
        "cycle": "cpt-2025",
        "credit": Decimal(4),
        "completion": completion.award,
    }


def test_the_same_decision_again_writes_nothing(db: Session, now: datetime) -> None:
    decision, content = earned(START)
    for _ in range(2):
        # read anew from the tables the second time
        record(books(db, now), SUBJECT, decision, content)
    assert entries(db) == ["completion award", "credit award"]


def test_other_evidence_is_a_reversal_and_another_award(
    db: Session, now: datetime
) -> None:
    for _ in range(2):
        record(books(db, now), SUBJECT, *earned(START))
    assert entries(db) == [
        "completion award",
        "credit award",
        "completion reversal",
        "completion award",
        "credit reversal",
        "credit award",
    ]
    numbers = db.scalars(select(Award.number).order_by(Award.number)).all()
    assert list(numbers) == [1, 2, 3, 4, 5, 6]


def test_forgetting_takes_everything_back(db: Session, now: datetime) -> None:
    book = books(db, now)
    record(book, SUBJECT, *earned(START))
    book.forget(SUBJECT, CAUSE)
    book.forget(SUBJECT, CAUSE)
    assert net(db.scalars(select(Award).order_by(Award.number))) == {}
    assert db.scalars(select(Standing)).all() == []
    # and it can begin again, in the same run
    record(book, SUBJECT, *earned(START))
    assert len(net(db.scalars(select(Award).order_by(Award.number)))) == 2


def test_credit_goes_to_the_earliest_of_several_completions(
    db: Session, now: datetime
) -> None:
    book = books(db, now)
    second = replace(SUBJECT, registration=uuid.UUID(int=20))
    record(book, SUBJECT, *earned(START))
    record(book, second, *earned(at("2026-01-20T10:00:00")))
    held = net(db.scalars(select(Award).order_by(Award.number))).values()
    assert sorted((one.kind, one.registration.int) for one in held) == [
        ("completion", 10),
        ("completion", 20),
        ("credit", 20),
    ]
    # when that one goes, the other has it again
    book.forget(second, CAUSE)
    held = net(db.scalars(select(Award).order_by(Award.number))).values()
    assert sorted((one.kind, one.registration.int) for one in held) == [
        ("completion", 10),
        ("credit", 10),
    ]


def test_a_product_that_changes_takes_its_credit_along(
    db: Session, now: datetime
) -> None:
    book = books(db, now)
    record(book, SUBJECT, *earned(START))
    record(book, SUBJECT, *earned(START, product="joined"))
    held = net(db.scalars(select(Award).order_by(Award.number))).values()
    assert {(one.kind, one.product) for one in held} == {
        ("completion", "joined"),
        ("credit", "joined"),
    }


@pytest.mark.parametrize("tells", [True, False])
def test_completions_are_told_to_the_outbox(
    db: Session, now: datetime, *, tells: bool
) -> None:
    book = books(db, now, tells=tells)
    record(book, SUBJECT, *earned(START))
    (completion, _) = db.scalars(select(Award).order_by(Award.number)).all()
    book.forget(SUBJECT, CAUSE)
    jobs = db.scalars(select(Job)).all()
    assert {job.kind: job.payload["award"] for job in jobs} == (
        {
            "completion.derived": str(completion.award),
            "completion.reversed": str(completion.award),
        }
        if tells
        else {}
    )


def test_a_decision_is_kept_with_its_reasons(db: Session, now: datetime) -> None:
    decision = decided(whole_way(START, scaled="0.79"))
    record(books(db, now), SUBJECT, decision, None)
    (standing,) = db.scalars(select(Standing)).all()
    assert (standing.outcome, standing.award) == ("incomplete", None)
    assert standing.product == COURSE
    (reason,) = standing.decision["reasons"]
    assert reason["code"] == "score_below"
    assert reason["values"]["scaled"] == "0.7900000"
    assert standing.decision == as_json(decision, "1")
    assert entries(db) == []


def test_without_rules_there_is_nothing_to_award() -> None:
    with pytest.raises(ValueError, match="rules"):
        completion_content(
            SUBJECT, course_iri=COURSE, seen=(), decision=Decision("x"), revision=""
        )


def test_evidence_is_ordered_by_instant_then_id() -> None:
    early, late = START, at("2026-02-02T10:00:00")
    one, two = uuid.UUID(int=1), uuid.UUID(int=2)
    rows = [Evidence(late, one, late), Evidence(early, two, late)]
    assert min(rows).id == two
    rows = [Evidence(early, two, early), Evidence(early, one, late)]
    assert min(rows).id == one
