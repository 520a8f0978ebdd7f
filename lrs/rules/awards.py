"""What a decision awards, and the entries of the ledger that bring it about.

Completions are awarded per registration; credit once per product and period of a
person, to the earliest completion.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.jobs import enqueue
from lrs.rules.catalogue import chunks
from lrs.rules.decide import Decision, first_of_each
from lrs.rules.facts import Observation
from lrs.rules.ledger import (
    AWARD,
    COMPLETION,
    CREDIT,
    IDENTITY,
    REVERSAL,
    award_id,
    entry_id,
    net,
)
from lrs.rules.tables import Award, RulesCursor, Standing

# columns of an award that its reversal repeats
CONTENT = (*IDENTITY, "ifi", "course_key", "completion")


@dataclass(frozen=True)
class Cause:
    """The statement or change that is being looked at."""

    seq: int
    change: int
    at: datetime


@dataclass(frozen=True, order=True)
class Subject:
    """Whom and what a decision is about."""

    person: uuid.UUID
    course: uuid.UUID
    registration: uuid.UUID


class Books:
    """Standings and ledger of the persons at hand, read once and written together."""

    def __init__(
        self, db: Session, *, cursor: RulesCursor, now: datetime, tells: bool
    ) -> None:
        self.db, self.cursor, self.now, self.tells = db, cursor, now, tells
        self.tenant = cursor.tenant_id
        self._standings: dict[
            uuid.UUID, dict[tuple[uuid.UUID, uuid.UUID], Standing]
        ] = {}
        self._entries: dict[uuid.UUID, list[Award]] = {}

    def prepare(self, persons: Collection[uuid.UUID]) -> None:
        """Read at once what is written about these persons."""
        missing = sorted({one for one in persons if one not in self._standings})
        for person in missing:
            self._standings[person], self._entries[person] = {}, []
        for part in chunks(missing):
            for row in self.db.scalars(
                select(Standing).where(
                    Standing.tenant_id == self.tenant, Standing.person.in_(part)
                )
            ):
                self._standings[row.person][row.course_key, row.registration] = row
            for entry in self.db.scalars(
                select(Award)
                .where(Award.tenant_id == self.tenant, Award.person.in_(part))
                .order_by(Award.number)
            ):
                self._entries[entry.person].append(entry)

    def standing(self, subject: Subject) -> Standing | None:
        """What was last decided about a subject."""
        self.prepare([subject.person])
        return self._standings[subject.person].get(
            (subject.course, subject.registration)
        )

    def record(
        self,
        subject: Subject,
        *,
        course_iri: str,
        decision: Decision,
        revision: str,
        content: dict[str, Any] | None,
        cause: Cause,
    ) -> None:
        """Write down a decision, and `content`, the completion that it awards."""
        standing = self.standing(subject)
        before = None if standing is None else standing.award
        after = None if content is None else award_id(content)
        kept = None if standing is None else standing.decision
        products = {None if standing is None else standing.product}
        if before != after:
            self._change_completion(subject, before, content, cause)
        standing = standing or self._new_standing(subject, course_iri)
        span = decision.span
        standing.outcome = decision.outcome
        standing.product = span.offer.product or None if span else None
        standing.award = after
        standing.decision = as_json(decision, revision)
        standing.cause_seq, standing.cause_change = cause.seq, cause.change
        if before != after or (after is not None and standing.decision != kept):
            self._settle(subject.person, products | {standing.product}, cause)

    def forget(self, subject: Subject, cause: Cause) -> None:
        """Take back what was decided about a subject of whom nothing is left."""
        standing = self.standing(subject)
        if standing is None:
            return
        # it may not have been written yet
        self.db.flush()
        del self._standings[subject.person][subject.course, subject.registration]
        self.db.delete(standing)
        if standing.award is not None:
            self._change_completion(subject, standing.award, None, cause)
            self._settle(subject.person, {standing.product}, cause)
        self.db.flush()

    def _new_standing(self, subject: Subject, course_iri: str) -> Standing:
        standing = Standing(
            tenant_id=self.tenant,
            person=subject.person,
            course_key=subject.course,
            registration=subject.registration,
            course_iri=course_iri,
        )
        self._standings[subject.person][subject.course, subject.registration] = standing
        self.db.add(standing)
        return standing

    def _change_completion(
        self,
        subject: Subject,
        before: uuid.UUID | None,
        content: dict[str, Any] | None,
        cause: Cause,
    ) -> None:
        if before is not None:
            held = net(self._entries[subject.person])
            old = held[before, subject.person]
            self._write(before, REVERSAL, subject.person, contents(old), cause)
        if content is not None:
            self._write(award_id(content), AWARD, subject.person, content, cause)

    def _settle(
        self, person: uuid.UUID, products: Collection[str | None], cause: Cause
    ) -> None:
        for product in sorted(one for one in products if one is not None):
            self._settle_credit(person, product, cause)

    def _settle_credit(self, person: uuid.UUID, product: str, cause: Cause) -> None:
        """Credit once per product and period: to the earliest completion."""
        held = {
            award: entry
            for (award, _), entry in net(self._entries[person]).items()
            if entry.product == product
        }
        earning = {
            one.award: one.decision
            for one in self._standings[person].values()
            if one.award in held and one.decision["credit"] is not None
        }
        firsts = first_of_each(
            (product, held[award].period, held[award].at, award) for award in earning
        )
        wanted: dict[uuid.UUID, dict[str, Any]] = {}
        for completion in firsts.values():
            content = credit_content(held[completion], earning[completion])
            wanted[award_id(content)] = content
        present = {
            award: entry for award, entry in held.items() if entry.kind == CREDIT
        }
        for award in sorted(present.keys() - wanted.keys()):
            self._write(award, REVERSAL, person, contents(present[award]), cause)
        for award in sorted(wanted.keys() - present.keys()):
            self._write(award, AWARD, person, wanted[award], cause)

    def _write(
        self,
        award: uuid.UUID,
        entry: str,
        person: uuid.UUID,
        content: dict[str, Any],
        cause: Cause,
    ) -> None:
        entries = self._entries[person]
        ordinal = sum(1 for one in entries if one.award == award)
        self.cursor.entries += 1
        row = Award(
            **content,
            tenant_id=self.tenant,
            id=entry_id(award, person, ordinal),
            number=self.cursor.entries,
            award=award,
            entry=entry,
            person=person,
            cause_seq=cause.seq,
            cause_change=cause.change,
            recorded_at=cause.at,
        )
        self.db.add(row)
        entries.append(row)
        if self.tells and content["kind"] == COMPLETION:
            enqueue(
                self.db,
                "completion.derived" if entry == AWARD else "completion.reversed",
                {"tenant": self.tenant, "award": str(award), "person": str(person)},
                run_at=self.now,
            )


def contents(entry: Award) -> dict[str, Any]:
    """The columns of an entry that say what was awarded."""
    return {name: getattr(entry, name) for name in CONTENT}


def completion_content(
    subject: Subject,
    *,
    course_iri: str,
    seen: Iterable[Observation],
    decision: Decision,
    revision: str,
) -> dict[str, Any]:
    """What a completion says, column by column; the decision is complete."""
    span = decision.span
    if span is None:
        message = "a complete course has rules"
        raise ValueError(message)
    used = [one for one in seen if one.evidence.id in decision.evidence]
    return {
        "kind": COMPLETION,
        "ifi": min(used, key=lambda one: one.evidence).ifi,
        "course_key": subject.course,
        "course_iri": course_iri,
        "registration": subject.registration,
        "revision": revision,
        "product": span.offer.product,
        "period": decision.period,
        "policy": span.version.id,
        "policy_from": span.version.start,
        "zone": span.offer.zone,
        "term": None if decision.term is None else decision.term.id,
        "cycle": None,
        "at": decision.at,
        "ready_at": decision.ready_at,
        "scaled": decision.scaled,
        "hours": span.offer.hours,
        "credit": None,
        "transfer": span.offer.transfer,
        "mandates": list(span.offer.mandates),
        "flags": [],
        "evidence": [str(one) for one in decision.evidence],
        "completion": None,
    }


def credit_content(completion: Award, decision: dict[str, Any]) -> dict[str, Any]:
    """What the credit of a completion says; `decision` as kept in its standing."""
    credit = decision["credit"]
    return contents(completion) | {
        "kind": CREDIT,
        "cycle": credit["cycle"],
        "credit": Decimal(credit["value"]),
        "flags": list(credit["flags"]),
        "completion": completion.award,
    }


def as_json(decision: Decision, revision: str) -> dict[str, Any]:
    """The decision as kept in `Standing.decision`."""
    credit, span = decision.credit, decision.span
    return {
        "outcome": decision.outcome,
        "reasons": [
            {"code": one.code, "values": dict(one.values)} for one in decision.reasons
        ],
        "evidence": [str(one) for one in decision.evidence],
        "at": _instant(decision.at),
        "ready_at": _instant(decision.ready_at),
        "policy": None if span is None else span.version.id,
        "policy_from": None if span is None else span.version.start.isoformat(),
        "revision": revision,
        "term": None if decision.term is None else decision.term.id,
        "period": decision.period,
        "scaled": None if decision.scaled is None else str(decision.scaled),
        "credit": None
        if credit is None
        else {
            "value": str(credit.value),
            "cycle": credit.cycle,
            "flags": list(credit.flags),
        },
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
