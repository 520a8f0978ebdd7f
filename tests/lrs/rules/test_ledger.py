from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.rules import ledger
from lrs.rules.ledger import AWARD, REVERSAL, award_id, entry_id
from lrs.rules.tables import Award
from lrs.tables import MAIN_TENANT, key_of
from statements.errors import NotFound
from tests.lrs.rules.builders import COURSE, LEARNER_IFI, REGISTRATION, at

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

PERSON, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
CONTENT: dict[str, Any] = {
    "kind": "completion",
    "ifi": LEARNER_IFI,
    "course_key": key_of(COURSE),
    "course_iri": COURSE,
    "registration": REGISTRATION,
    "revision": "1",
    "product": COURSE,
    "period": "2026",
    "policy": "cops.certificate",
    "policy_from": date(2023, 1, 1),
    "zone": "UTC",
    "term": "2026",
    "cycle": None,
    "at": at("2026-02-01T10:00:00"),
    "ready_at": at("2026-02-01T11:00:00"),
    "scaled": Decimal("0.8000000"),
    "hours": Decimal(4),
    "credit": None,
    "transfer": "credit",
    "mandates": [],
    "flags": [],
    "evidence": ["a", "b"],
    "completion": None,
}


def write(db: Session, *entries: tuple[str, uuid.UUID], **changed: Any) -> uuid.UUID:
    content = CONTENT | changed
    award = award_id(content)
    before = len(db.scalars(select(Award)).all())
    for number, (entry, person) in enumerate(entries, start=before + 1):
        db.add(
            Award(
                **content,
                tenant_id=MAIN_TENANT,
                id=entry_id(award, person, number),
                number=number,
                award=award,
                entry=entry,
                person=person,
                cause_seq=number,
                cause_change=0,
                recorded_at=content["at"],
            )
        )
    db.flush()
    return award


def holders(db: Session) -> set[tuple[uuid.UUID, uuid.UUID]]:
    by_query = {
        (one.award, one.person) for one in ledger.find_awards(db, tenant=MAIN_TENANT)
    }
    entries = db.scalars(select(Award).order_by(Award.number))
    assert by_query == ledger.net(entries).keys()
    return by_query


@pytest.mark.parametrize(
    ("entries", "who"),
    [
        ([(AWARD, PERSON)], {PERSON}),
        ([(AWARD, PERSON), (REVERSAL, PERSON)], set()),
        ([(AWARD, PERSON), (REVERSAL, PERSON), (AWARD, PERSON)], {PERSON}),
        ([(AWARD, PERSON), (AWARD, OTHER), (REVERSAL, PERSON)], {OTHER}),
        ([(AWARD, PERSON), (REVERSAL, PERSON), (AWARD, OTHER)], {OTHER}),
    ],
)
def test_the_newest_entry_of_an_award_and_person_counts(
    db: Session, entries: list[tuple[str, uuid.UUID]], who: set[uuid.UUID]
) -> None:
    award = write(db, *entries)
    assert holders(db) == {(award, person) for person in who}
    assert ledger.is_in_force(db, tenant=MAIN_TENANT, award=award) == bool(who)
    assert ledger.get_award(db, tenant=MAIN_TENANT, award=award).entry == AWARD


def test_awards_are_found_by_person_registration_and_kind(db: Session) -> None:
    one = write(db, (AWARD, PERSON))
    two = write(db, (AWARD, OTHER), kind="credit", registration=uuid.UUID(int=9))

    def found(**wanted: Any) -> list[uuid.UUID]:
        rows = ledger.find_awards(db, tenant=MAIN_TENANT, **wanted)
        return [row.award for row in rows]

    assert found(person=PERSON) == [one]
    assert found(registration=uuid.UUID(int=9)) == [two]
    assert found(kind="credit") == [two]
    assert found(kind="credit", person=PERSON) == []
    assert ledger.find_awards(db, tenant=2) == []


def test_an_unknown_award_is_not_found(db: Session) -> None:
    with pytest.raises(NotFound):
        ledger.get_award(db, tenant=MAIN_TENANT, award=uuid.uuid4())
    assert not ledger.is_in_force(db, tenant=MAIN_TENANT, award=uuid.uuid4())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (name, value)
        for name, value in {
            "kind": "credit",
            "course_iri": "x",
            "registration": uuid.UUID(int=7),
            "revision": "2",
            "product": "x",
            "period": "2025",
            "policy": "post.credit",
            "policy_from": date(2010, 1, 1),
            "zone": "America/New_York",
            "term": "2025",
            "cycle": "cpt-2025",
            "at": at("2026-02-01T10:00:01"),
            "ready_at": at("2026-02-01T11:00:01"),
            "scaled": Decimal("0.8100000"),
            "hours": Decimal(3),
            "credit": Decimal(0),
            "transfer": "none",
            "mandates": ["pursuit"],
            "flags": ["capped"],
            "evidence": ["a", "c"],
        }.items()
    ],
)
def test_the_id_is_made_from_all_that_is_awarded(column: str, value: Any) -> None:
    assert award_id(CONTENT | {column: value}) != award_id(CONTENT)


def test_the_id_does_not_depend_on_the_person_and_never_changes() -> None:
    assert award_id(CONTENT | {"ifi": "mbox::mailto:a@b.example"}) == award_id(CONTENT)
    # written into certificates: an id that moved would orphan them
    assert str(award_id(CONTENT)) == "2418acf1-3e7a-57f4-9f43-09602426645a"
