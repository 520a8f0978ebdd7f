"""From the log to the ledger: a follower, and a replay that gives the same rows.

Statements and changes of the catalogue have one order (`Change.position`). For each
of them in turn the people it touches are decided anew, seeing the log and the
catalogue as they were right after it. So it makes no difference in how large pieces
the log is read, and a replay writes what the first run wrote, byte for byte. The net
state depends on the set of statements alone: `fold` and `decide` are blind to order.
"""

import hashlib
import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lrs.db import writing
from lrs.jobs import enqueue
from lrs.parts import Parts
from lrs.persons import actor_keys_of, person_of_key
from lrs.rules.catalogue import (
    CourseRows,
    chunks,
    courses_of_activities,
    load_courses,
    owns,
)
from lrs.rules.decide import COMPLETE, Decision, decide, first_of_each
from lrs.rules.facts import Observation, fold, relevant_verbs
from lrs.rules.ledger import (
    AWARD,
    COMPLETION,
    CREDIT,
    REVERSAL,
    award_id,
    entry_id,
    net,
)
from lrs.rules.log import LogReader, LogRow
from lrs.rules.policy import PolicyBook, policy_book
from lrs.rules.tables import (
    NO_REGISTRATION,
    Award,
    Change,
    PersonLink,
    Review,
    RulesCursor,
    Standing,
)
from lrs.tables import Reference, Statement, key_of

PIECE = 2000
# of a course without an offer, which is judged but awarded nothing
DEFAULT_ZONE = "America/Los_Angeles"
ABOUT = ("object", "parent", "grouping")


@dataclass(frozen=True)
class Cause:
    """The statement or change that is being looked at."""

    seq: int
    change: int
    at: datetime


@dataclass(frozen=True)
class Subject:
    """Whom and what a decision is about."""

    person: uuid.UUID
    course: uuid.UUID
    registration: uuid.UUID


def derive_range(
    db: Session, *, tenant: int, first_seq: int, last_seq: int, now: datetime
) -> None:
    """Follow the log up to `last_seq`; what was read before is not read again."""
    del first_seq
    _Run(db, tenant=tenant, now=now).advance(last_seq)


def handle_changed(parts: Parts, payload: dict[str, Any], now: datetime) -> None:
    """Job `rules.changed`: apply changes of the catalogue without waiting."""
    with writing(parts.engine) as db:
        catch_up(db, tenant=payload["tenant"], now=now)


def catch_up(db: Session, *, tenant: int, now: datetime) -> None:
    """Apply the changes that came after the last statement read."""
    run = _Run(db, tenant=tenant, now=now)
    run.advance(run.cursor.seq)


def replay(
    db: Session,
    *,
    tenant: int,
    now: datetime,
    progress: Callable[[int, int], None] = lambda _read, _all: None,
) -> int:
    """Empty the derived rows and derive them again; the number of ledger entries.

    Tells nobody: what followed from the rows has already followed. `progress` hears
    how many statements of how many are read.
    """
    cursor = _Run(db, tenant=tenant, now=now).cursor
    last = cursor.seq
    db.execute(delete(Award).where(Award.tenant_id == tenant))
    db.execute(delete(Standing).where(Standing.tenant_id == tenant))
    cursor.seq = cursor.change = cursor.entries = 0
    db.flush()
    db.expunge_all()
    for end in [*range(PIECE, last, PIECE), last]:
        _Run(db, tenant=tenant, now=now, tells=False).advance(end)
        progress(end, last)
    entries = select(func.count()).where(Award.tenant_id == tenant)
    return db.scalar(entries) or 0


def digest(db: Session, *, tenant: int) -> str:
    """SHA-256 over all derived rows of a tenant: equal before and after a replay."""
    found = hashlib.sha256()
    for table, order in (
        (Award, (Award.number,)),
        (Standing, (Standing.person, Standing.course_key, Standing.registration)),
    ):
        columns = table.__table__.columns
        rows = db.execute(
            select(*columns)
            .where(table.tenant_id == tenant)
            .order_by(*order)
            .execution_options(yield_per=1000)
        )
        for row in rows:
            plain = [str(one) if isinstance(one, Decimal) else one for one in row]
            found.update(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS))
    return found.hexdigest()


def clocks_of(db: Session, *, tenant: int) -> dict[uuid.UUID, str]:
    """Statement -> the clock by which a reviewer lets it count."""
    return {one: clock for _, one, clock in _reviews(db, tenant)}


def _reviews(db: Session, tenant: int) -> list[tuple[int, uuid.UUID, str]]:
    return [
        (row.number, row.statement_id, row.clock)
        for row in db.execute(
            select(Review.number, Review.statement_id, Review.clock)
            .where(Review.tenant_id == tenant)
            .order_by(Review.number)
        )
    ]


class _Run:
    """One stretch of the merged order of statements and changes."""

    def __init__(
        self, db: Session, *, tenant: int, now: datetime, tells: bool = True
    ) -> None:
        self.db, self.tenant, self.now, self.tells = db, tenant, now, tells
        self.book: PolicyBook = policy_book()
        self.verbs = relevant_verbs(self.book.verbs)
        self.cursor = self._lock_cursor()
        self.last_seq = self.cursor.seq
        self.log = LogReader(db, tenant=tenant, verbs=self.verbs)
        self.courses: dict[uuid.UUID, CourseRows | None] = {}
        self.owners: dict[uuid.UUID, set[uuid.UUID]] = {}
        self.persons: dict[tuple[uuid.UUID, int], uuid.UUID] = {}
        self.members: dict[tuple[uuid.UUID, int], frozenset[uuid.UUID]] = {}
        self.clocks: list[tuple[int, uuid.UUID, str]] | None = None
        self.entries: dict[uuid.UUID, list[Award]] = {}

    def _lock_cursor(self) -> RulesCursor:
        cursor = self.db.get(RulesCursor, self.tenant, with_for_update=True)
        if cursor is None:
            cursor = RulesCursor(tenant_id=self.tenant, seq=0, change=0, entries=0)
            self.db.add(cursor)
            self.db.flush()
        return cursor

    def advance(self, last_seq: int) -> None:
        """Read on to statement `last_seq` and the changes that came right after it."""
        self.last_seq = self.log.last_seq = max(last_seq, self.cursor.seq)
        changes = list(
            self.db.scalars(
                select(Change)
                .where(
                    Change.tenant_id == self.tenant,
                    Change.number > self.cursor.change,
                    Change.position <= self.last_seq,
                )
                .order_by(Change.number)
            )
        )
        rows = self.log.rows(self.cursor.seq + 1)
        self._know_courses(rows)
        for row in rows:
            while changes and changes[0].position < row.seq:
                self._apply_change(changes.pop(0))
            self._apply_statement(row)
        for change in changes:
            self._apply_change(change)
        self.cursor.seq = self.last_seq
        self.db.flush()

    # what is touched

    def _apply_statement(self, row: LogRow) -> None:
        cause = Cause(row.seq, self.cursor.change, row.stored)
        target = row if row.voids_id is None else self.log.find(row.voids_id)
        if target is None or target.seq > row.seq:
            return
        if target is not row:
            self._know_courses([target])
        for subject in self._subjects(target, cause.change):
            self._decide(subject, cause)

    def _apply_change(self, change: Change) -> None:
        self.cursor.change = change.number
        cause = Cause(change.position, change.number, change.recorded_at)
        if change.kind == "link":
            subjects = self._moved(change)
        elif change.kind == "review":
            subjects = self._reviewed(change)
        else:
            subjects = self._of_course(change)
        ordered = sorted(
            subjects, key=lambda one: (one.person, one.course, one.registration)
        )
        for subject in ordered:
            self._decide(subject, cause)

    def _subjects(self, row: LogRow, number: int) -> list[Subject]:
        """Person, course and registration of each known course a row is about."""
        if row.observation is None or row.actor_key is None:
            return []
        person = self._person(row.actor_key, number)
        registration = row.registration or NO_REGISTRATION
        found = []
        for key in sorted(self._course_keys(row.observation)):
            course = self._course(key)
            if course is not None and course.is_known(number):
                found.append(Subject(person, key, registration))
        return found

    def _moved(self, change: Change) -> set[Subject]:
        links = self.db.scalars(
            select(PersonLink).where(
                PersonLink.tenant_id == self.tenant, PersonLink.number == change.number
            )
        ).all()
        found: set[Subject] = set()
        for one in links:
            rows = self.log.rows(
                1, Statement.actor_key == one.actor_key, last=change.position
            )
            self._know_courses(rows)
            for row in rows:
                for subject in self._subjects(row, change.number):
                    for person in (one.previous, one.person):
                        found.add(Subject(person, subject.course, subject.registration))
        return found

    def _reviewed(self, change: Change) -> set[Subject]:
        statement_id = self.db.scalars(
            select(Review.statement_id).where(
                Review.tenant_id == self.tenant, Review.number == change.number
            )
        ).one()
        row = self.log.find(statement_id)
        if row is None or row.seq > change.position:
            return set()
        self._know_courses([row])
        return set(self._subjects(row, change.number))

    def _of_course(self, change: Change) -> set[Subject]:
        """Everybody with a statement about the course or one of its activities."""
        if change.course_key is None:
            return set()
        course = self._course(change.course_key)
        if course is None:
            return set()
        keys = [key_of(iri) for iri in course.activities_at(change.number)]
        pairs: set[tuple[uuid.UUID, uuid.UUID | None]] = set()
        for part in chunks(sorted(keys)):
            pairs |= {
                (actor, registration)
                for actor, registration in self.db.execute(
                    select(Statement.actor_key, Statement.registration)
                    .join(
                        Reference,
                        (Reference.tenant_id == Statement.tenant_id)
                        & (Reference.seq == Statement.seq),
                    )
                    .where(
                        Reference.tenant_id == self.tenant,
                        Reference.ref_key.in_(part),
                        Reference.usage.in_(ABOUT),
                        Statement.verb_key.in_(self.log.verb_keys),
                        Statement.seq <= change.position,
                        Statement.actor_key.is_not(None),
                    )
                    .distinct()
                )
                if actor is not None
            }
        return {
            Subject(
                self._person(actor, change.number),
                course.key,
                registration or NO_REGISTRATION,
            )
            for actor, registration in pairs
        }

    # what is known

    def _know_courses(self, rows: Iterable[LogRow]) -> None:
        """Load at once the courses that these rows may be about."""
        activities = {
            key
            for row in rows
            if row.observation is not None
            for key in _activity_keys(row.observation)
        } - self.owners.keys()
        owners = courses_of_activities(self.db, tenant=self.tenant, keys=activities)
        for key in activities:
            self.owners[key] = owners.get(key, set())
        missing = {
            course for key in activities for course in (key, *self.owners[key])
        } - self.courses.keys()
        loaded = load_courses(self.db, tenant=self.tenant, keys=missing)
        for key in missing:
            self.courses[key] = loaded.get(key)

    def _course_keys(self, one: Observation) -> set[uuid.UUID]:
        about = {key_of(one.activity), *(key_of(iri) for iri in one.context)}
        return about | self.owners.get(key_of(one.activity), set())

    def _course(self, key: uuid.UUID) -> CourseRows | None:
        if key not in self.courses:
            loaded = load_courses(self.db, tenant=self.tenant, keys=[key])
            self.courses[key] = loaded.get(key)
        return self.courses[key]

    def _person(self, actor_key: uuid.UUID, number: int) -> uuid.UUID:
        known = self.persons.get((actor_key, number))
        if known is None:
            known = self.persons[actor_key, number] = person_of_key(
                self.db, tenant=self.tenant, actor_key=actor_key, number=number
            )
        return known

    def _clocks_at(self, number: int) -> dict[uuid.UUID, str]:
        """By which clock reviewed statements count, after a change."""
        if self.clocks is None:
            self.clocks = _reviews(self.db, self.tenant)
        return {one: clock for at, one, clock in self.clocks if at <= number}

    # the decision and the ledger

    def _decide(self, subject: Subject, cause: Cause) -> None:
        course = self._course(subject.course)
        if course is None:
            return
        seen = self._seen(subject, course, cause)
        key = (self.tenant, subject.person, subject.course, subject.registration)
        standing = self.db.get(Standing, key)
        if not seen and standing is None:
            return
        offers = course.offers_at(cause.change)
        decision, content = None, None
        if seen:
            facts = fold(
                seen,
                shape=lambda revision: course.shape(revision, cause.change),
                clocks=self._clocks_at(cause.change),
            )
            rules = self.book.rules(offers, zone=DEFAULT_ZONE)
            decision = decide(rules, facts)
            if offers and decision.outcome == COMPLETE:
                content = completion_content(
                    course, subject, seen, decision, facts.revision
                )
        self._settle_completion(subject, standing, content, cause)
        products = {one for one in (standing and standing.product,) if one}
        if decision is None:
            self.db.delete(standing)
        else:
            standing = standing or self._new_standing(subject, course)
            span = decision.span
            standing.outcome = decision.outcome
            standing.product = span.offer.product if span and offers else None
            standing.award = None if content is None else award_id(content)
            standing.decision = as_json(decision)
            standing.cause_seq, standing.cause_change = cause.seq, cause.change
            products |= {standing.product} if standing.product else set()
        self.db.flush()
        for product in sorted(products):
            self._settle_credit(subject.person, product, cause)

    def _seen(
        self, subject: Subject, course: CourseRows, cause: Cause
    ) -> list[Observation]:
        """What stood right after the cause about the person in the course."""
        actor_keys = self._actor_keys(subject, cause)
        activities = course.activities_at(cause.change)
        registration = subject.registration
        return [
            one.observation
            for actor_key in sorted(actor_keys)
            for one in self.log.observed(
                actor_key, None if registration == NO_REGISTRATION else registration
            )
            if one.stands(cause.seq) and owns(activities, course.iri, one.observation)
        ]

    def _actor_keys(self, subject: Subject, cause: Cause) -> frozenset[uuid.UUID]:
        """All identifiers of the person; one never linked was looked up before."""
        known = self.members.get((subject.person, cause.change))
        if known is None:
            alone = [
                key
                for (key, number), person in self.persons.items()
                if person == subject.person and number == cause.change
            ]
            known = actor_keys_of(
                self.db,
                tenant=self.tenant,
                person=subject.person,
                number=cause.change,
            ) | frozenset(alone)
            self.members[subject.person, cause.change] = known
        return known

    def _new_standing(self, subject: Subject, course: CourseRows) -> Standing:
        standing = Standing(
            tenant_id=self.tenant,
            person=subject.person,
            course_key=subject.course,
            registration=subject.registration,
            course_iri=course.iri,
        )
        self.db.add(standing)
        return standing

    def _ledger(self, person: uuid.UUID) -> list[Award]:
        if person not in self.entries:
            self.entries[person] = list(
                self.db.scalars(
                    select(Award)
                    .where(Award.tenant_id == self.tenant, Award.person == person)
                    .order_by(Award.number)
                )
            )
        return self.entries[person]

    def _settle_completion(
        self,
        subject: Subject,
        standing: Standing | None,
        content: dict[str, Any] | None,
        cause: Cause,
    ) -> None:
        before = None if standing is None else standing.award
        after = None if content is None else award_id(content)
        if before == after:
            return
        if before is not None:
            old = next(
                one
                for one in self._ledger(subject.person)
                if one.award == before and one.entry == AWARD
            )
            self._write(old.award, REVERSAL, subject.person, contents(old), cause)
        if after is not None and content is not None:
            self._write(after, AWARD, subject.person, content, cause)

    def _settle_credit(self, person: uuid.UUID, product: str, cause: Cause) -> None:
        """Credit once per product and period: to the earliest completion."""
        standings = {
            one.award: one
            for one in self.db.scalars(
                select(Standing).where(
                    Standing.tenant_id == self.tenant,
                    Standing.person == person,
                    Standing.product == product,
                    Standing.award.is_not(None),
                )
            )
            if one.award is not None and one.decision["credit"] is not None
        }
        held = {
            award: entry
            for (award, _), entry in net(self._ledger(person)).items()
            if entry.product == product
        }
        firsts = first_of_each(
            (product, held[award].period, held[award].at, award) for award in standings
        )
        wanted: dict[uuid.UUID, dict[str, Any]] = {}
        for completion in firsts.values():
            content = credit_content(held[completion], standings[completion].decision)
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
        known = self._ledger(person)
        ordinal = sum(1 for one in known if one.award == award)
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
        known.append(row)
        if self.tells and content["kind"] == COMPLETION:
            enqueue(
                self.db,
                "completion.derived" if entry == AWARD else "completion.reversed",
                {"tenant": self.tenant, "award": str(award), "person": str(person)},
                run_at=self.now,
            )


def _activity_keys(one: Observation) -> set[uuid.UUID]:
    return {key_of(one.activity), *(key_of(iri) for iri in one.context)}


# columns of an award that a reversal repeats
CONTENT = (
    "kind",
    "ifi",
    "course_key",
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
    "completion",
)


def contents(entry: Award) -> dict[str, Any]:
    """The columns of an entry that say what was awarded."""
    return {name: getattr(entry, name) for name in CONTENT}


def completion_content(
    course: CourseRows,
    subject: Subject,
    seen: Collection[Observation],
    decision: Decision,
    revision: str,
) -> dict[str, Any]:
    """What a completion says; the decision is complete."""
    span = decision.span
    if span is None:
        message = "a complete course has rules"
        raise ValueError(message)
    first = next(
        one
        for one in sorted(seen, key=lambda one: one.evidence)
        if one.evidence.id in decision.evidence
    )
    return {
        "kind": COMPLETION,
        "ifi": first.ifi,
        "course_key": course.key,
        "course_iri": course.iri,
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
    """What the credit of a completion says."""
    credit = decision["credit"]
    return contents(completion) | {
        "kind": CREDIT,
        "cycle": credit["cycle"],
        "credit": Decimal(credit["value"]),
        "flags": list(credit["flags"]),
        "completion": completion.award,
    }


def as_json(decision: Decision) -> dict[str, Any]:
    """The decision as kept in `Standing.decision`."""
    credit = decision.credit
    span = decision.span
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
