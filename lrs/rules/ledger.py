"""The ledger: completions and credit awarded, and taken back by a second entry.

Nothing is edited. An award is in force for a person while the newest entry with its
id is not a reversal. Ids are made from what is awarded and for which evidence, times
are those of the evidence and of the statement or change that caused the entry.
"""

import uuid
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session, aliased

from lrs.rules.tables import Award
from statements.errors import NotFound

NAMESPACE = uuid.UUID("8f0c9d53-7f2c-5b7e-8d35-4b8d7a0f2c11")
COMPLETION = "completion"
CREDIT = "credit"
AWARD = "award"
REVERSAL = "reversal"

# what the id of an award is made from: not the person, so that a merge of two
# identifiers leaves the id, and a certificate that names it, unchanged
IDENTITY = (
    "kind",
    "course_iri",
    "registration",
    "revision",
    "product",
    "period",
    "policy",
    "policy_from",
    "zone",
    "term",
    "cycle",
    "at",
    "ready_at",
    "scaled",
    "hours",
    "credit",
    "transfer",
    "mandates",
    "flags",
    "evidence",
)


def award_id(content: dict[str, Any]) -> uuid.UUID:
    """The id of an award with this content (column -> value)."""
    named = {name: content[name] for name in IDENTITY}
    text = orjson.dumps(named, option=orjson.OPT_SORT_KEYS, default=str).decode()
    return uuid.uuid5(NAMESPACE, text)


def entry_id(award: uuid.UUID, person: uuid.UUID, ordinal: int) -> uuid.UUID:
    """The id of the n-th entry about an award and a person."""
    return uuid.uuid5(award, f"{person}|{ordinal}")


def in_force() -> ColumnElement[bool]:
    """SQL: this `Award` row is an award that nothing later takes back."""
    later = aliased(Award)
    return and_(
        Award.entry == AWARD,
        ~exists().where(
            later.tenant_id == Award.tenant_id,
            later.award == Award.award,
            later.person == Award.person,
            later.number > Award.number,
        ),
    )


def net(entries: Iterable[Award]) -> dict[tuple[uuid.UUID, uuid.UUID], Award]:
    """(award, person) -> entry, of the awards in force after entries in their order."""
    found: dict[tuple[uuid.UUID, uuid.UUID], Award] = {}
    for entry in entries:
        if entry.entry == AWARD:
            found[entry.award, entry.person] = entry
        else:
            found.pop((entry.award, entry.person), None)
    return found


def find_awards(
    db: Session,
    *,
    tenant: int,
    person: uuid.UUID | None = None,
    registration: uuid.UUID | None = None,
    kind: str | None = None,
) -> list[Award]:
    """Awards in force, in the order of completion."""
    wanted = select(Award).where(Award.tenant_id == tenant, in_force())
    if person is not None:
        wanted = wanted.where(Award.person == person)
    if registration is not None:
        wanted = wanted.where(Award.registration == registration)
    if kind is not None:
        wanted = wanted.where(Award.kind == kind)
    return list(db.scalars(wanted.order_by(Award.at, Award.award)))


def get_award(db: Session, *, tenant: int, award: uuid.UUID) -> Award:
    """The newest entry that awarded `award`, in force or not; raises NotFound."""
    found = db.scalar(
        select(Award)
        .where(Award.tenant_id == tenant, Award.award == award, Award.entry == AWARD)
        .order_by(Award.number.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound(f"There is no award {award}.")
    return found


def is_in_force(db: Session, *, tenant: int, award: uuid.UUID) -> bool:
    """Whether some person holds the award now."""
    held = select(Award.id).where(
        Award.tenant_id == tenant, Award.award == award, in_force()
    )
    return db.scalar(held.limit(1)) is not None
