"""From the log to the ledger: a follower, and a replay that gives the same rows.

Statements and changes of the catalogue have one order (`Change.position`). For each
of them in turn the people it touches are decided anew, seeing the log and the
catalogue as they were right after it. So it makes no difference in how large pieces
the log is read, and a replay writes what the first run wrote, byte for byte. The net
state depends on the set of statements alone: `fold` and `decide` are blind to order.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lrs.db import insert_new, writing
from lrs.parts import Parts
from lrs.rules.awards import Books, Cause, Subject, completion_content
from lrs.rules.catalogue import chunks, owns
from lrs.rules.decide import COMPLETE, decide
from lrs.rules.facts import Observation, fold, relevant_verbs
from lrs.rules.known import Course, Known
from lrs.rules.ledger import find_awards
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
Progress = Callable[[int, int], None]
Key = tuple[uuid.UUID, uuid.UUID]
ABOUT = ("object", "parent", "grouping")


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
    book: PolicyBook | None = None,
    progress: Progress = lambda _read, _all: None,
) -> int:
    """Empty the derived rows and derive them again; the number of ledger entries.

    Tells nobody: what followed from the rows has already followed. `book` holds other
    policies than our own; `progress` hears how many statements of how many are read.
    """
    cursor = _Run(db, tenant=tenant, now=now).cursor
    last = cursor.seq
    db.execute(delete(Award).where(Award.tenant_id == tenant))
    db.execute(delete(Standing).where(Standing.tenant_id == tenant))
    cursor.seq = cursor.change = cursor.entries = 0
    db.flush()
    db.expunge_all()
    for end in [*range(PIECE, last, PIECE), last]:
        _Run(db, tenant=tenant, now=now, tells=False, book=book).advance(end)
        progress(end, last)
    entries = select(func.count()).where(Award.tenant_id == tenant)
    return db.scalar(entries) or 0


@dataclass(frozen=True)
class Difference:
    """Who would gain and who would lose under other policies."""

    gained: tuple[Award, ...]
    lost: tuple[Award, ...]


def dry_run(
    db: Session,
    *,
    tenant: int,
    book: PolicyBook,
    now: datetime,
    progress: Progress = lambda _read, _all: None,
) -> Difference:
    """What a replay under other policies would award and take back; changes nothing.

    Equal to what the replay itself does later. Keeps other writers waiting meanwhile.
    """
    catch_up(db, tenant=tenant, now=now)
    before = {(one.award, one.person): one for one in find_awards(db, tenant=tenant)}
    for one in before.values():
        db.expunge(one)
    tried = db.begin_nested()
    replay(db, tenant=tenant, now=now, book=book, progress=progress)
    after = {(one.award, one.person): one for one in find_awards(db, tenant=tenant)}
    db.expunge_all()
    tried.rollback()

    def only(some: dict[Key, Award], others: dict[Key, Award]) -> tuple[Award, ...]:
        found = (one for key, one in some.items() if key not in others)
        return tuple(sorted(found, key=lambda one: (one.ifi, one.at, one.kind)))

    return Difference(gained=only(after, before), lost=only(before, after))


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


class _Run:
    """One stretch of the merged order of statements and changes."""

    def __init__(
        self,
        db: Session,
        *,
        tenant: int,
        now: datetime,
        tells: bool = True,
        book: PolicyBook | None = None,
    ) -> None:
        self.db, self.tenant = db, tenant
        book = book or policy_book()
        self.cursor = self._lock_cursor()
        verbs = relevant_verbs(book.verbs)
        self.log = LogReader(db, tenant=tenant, verbs=verbs)
        self.known = Known(db, tenant=tenant, book=book)
        self.books = Books(db, cursor=self.cursor, now=now, tells=tells)
        # identifiers of persons nobody ever linked: they are in no table
        self.at_hand: dict[uuid.UUID, set[uuid.UUID]] = {}

    def _lock_cursor(self) -> RulesCursor:
        insert_new(
            self.db, RulesCursor, tenant_id=self.tenant, seq=0, change=0, entries=0
        )
        return self.db.get_one(
            RulesCursor, self.tenant, with_for_update=True, populate_existing=True
        )

    def advance(self, last_seq: int) -> None:
        """Read on to statement `last_seq` and the changes that came right after it."""
        self.log.last_seq = max(last_seq, self.cursor.seq)
        changes = list(
            self.db.scalars(
                select(Change)
                .where(
                    Change.tenant_id == self.tenant,
                    Change.number > self.cursor.change,
                    Change.position <= self.log.last_seq,
                )
                .order_by(Change.number)
            )
        )
        rows = self.log.rows(self.cursor.seq + 1)
        self._prepare(rows)
        with self.db.no_autoflush:
            for row in rows:
                while changes and changes[0].position < row.seq:
                    self._apply_change(changes.pop(0))
                self._apply_statement(row)
            for change in changes:
                self._apply_change(change)
        self.cursor.seq = self.log.last_seq
        self.db.flush()

    def _prepare(self, rows: list[LogRow]) -> None:
        """Read in bulk what these rows will ask for."""
        self.known.prepare(rows)
        number = self.cursor.change
        touched = [row for row in rows if row.observation is not None]
        about = [
            row
            for row in touched
            if row.observation is not None
            and self.known.courses_of(row.observation, number)
        ]
        self.log.prefetch({row.registration for row in about if row.registration})
        self.books.prepare(
            {self.known.person(row.actor_key, number) for row in about if row.actor_key}
        )

    # who is touched

    def _apply_statement(self, row: LogRow) -> None:
        cause = Cause(row.seq, self.cursor.change, row.stored)
        target: LogRow | None = row
        if row.voids_id is not None:
            target = self.log.find(row.voids_id)
            if target is None or target.seq > row.seq:
                return
            self.known.prepare([target])
        elif self._changes_nothing(row, cause.change):
            return
        for subject, course in self._subjects(target, cause.change):
            self._decide(subject, course, cause)

    def _changes_nothing(self, row: LogRow, number: int) -> bool:
        """Whether everything it is about is complete, by what happened before it.

        The first evidence counts: what comes after it can neither add nor take away,
        unless it says when the term began or which revision is taken.
        """
        one = row.observation
        if one is None:
            return True
        for subject, _ in self._subjects(row, number):
            standing = self.books.standing(subject)
            if standing is None or standing.outcome != COMPLETE:
                return False
            kept = standing.decision
            if (
                one.evidence.at <= datetime.fromisoformat(kept["ready_at"])
                or one.verb == "registered"
                or one.revision not in {"", kept["revision"]}
            ):
                return False
        return True

    def _apply_change(self, change: Change) -> None:
        self.cursor.change = change.number
        cause = Cause(change.position, change.number, change.recorded_at)
        if change.kind == "link":
            subjects = self._moved(change)
        elif change.kind == "review":
            subjects = self._reviewed(change)
        else:
            subjects = self._of_course(change)
        for subject in sorted(subjects):
            self._decide(subject, subjects[subject], cause)

    def _subjects(
        self, row: LogRow | None, number: int
    ) -> list[tuple[Subject, Course]]:
        """Person, course and registration of each known course a row is about."""
        if row is None or row.observation is None or row.actor_key is None:
            return []
        person = self._person(row.actor_key, number)
        registration = row.registration or NO_REGISTRATION
        return [
            (Subject(person, course.key, registration), course)
            for course in self.known.courses_of(row.observation, number)
            if owns(course.activities, course.iri, row.observation)
        ]

    def _person(self, actor_key: uuid.UUID, number: int) -> uuid.UUID:
        person = self.known.person(actor_key, number)
        self.at_hand.setdefault(person, set()).add(actor_key)
        return person

    def _moved(self, change: Change) -> dict[Subject, Course]:
        links = self.db.scalars(
            select(PersonLink).where(
                PersonLink.tenant_id == self.tenant, PersonLink.number == change.number
            )
        ).all()
        found: dict[Subject, Course] = {}
        for one in links:
            rows = self.log.rows(
                1, Statement.actor_key == one.actor_key, last=change.position
            )
            self.known.prepare(rows)
            for row in rows:
                for subject, course in self._subjects(row, change.number):
                    for person in (one.previous, one.person):
                        found[replace(subject, person=person)] = course
        return found

    def _reviewed(self, change: Change) -> dict[Subject, Course]:
        statement_id = self.db.scalars(
            select(Review.statement_id).where(
                Review.tenant_id == self.tenant, Review.number == change.number
            )
        ).one()
        row = self.log.find(statement_id)
        if row is None or row.seq > change.position:
            return {}
        self.known.prepare([row])
        return dict(self._subjects(row, change.number))

    def _of_course(self, change: Change) -> dict[Subject, Course]:
        """Everybody with a statement about the course or one of its activities."""
        key = change.course_key
        course = None if key is None else self.known.course(key, change.number)
        if course is None:
            return {}
        pairs = self._taking(course, change)
        people = {
            Subject(
                self._person(actor, change.number),
                course.key,
                registration or NO_REGISTRATION,
            )
            for actor, registration in pairs
        }
        self.books.prepare({one.person for one in people})
        before = self.known.course(course.key, change.number - 1)
        touched = {
            one: course for one in people if not self._judged_alike(one, before, course)
        }
        self.log.prefetch(
            {one.registration for one in touched if one.registration != NO_REGISTRATION}
        )
        return touched

    def _judged_alike(
        self, subject: Subject, before: Course | None, after: Course
    ) -> bool:
        """Whether a change of the course cannot touch a person's attempt.

        Publishing a revision is many changes; those who take another one stay there.
        """
        standing = self.books.standing(subject)
        if standing is None or before is None:
            return False
        revision = standing.decision["revision"]
        return (
            before.activities == after.activities
            and before.rules == after.rules
            and before.shape(revision) == after.shape(revision)
        )

    def _taking(
        self, course: Course, change: Change
    ) -> set[tuple[uuid.UUID, uuid.UUID | None]]:
        """Identifiers and registrations that the log has about a course."""
        pairs: set[tuple[uuid.UUID, uuid.UUID | None]] = set()
        for part in chunks(sorted(key_of(iri) for iri in course.activities)):
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
        return pairs

    # what is decided

    def _decide(self, subject: Subject, course: Course, cause: Cause) -> None:
        seen = self._seen(subject, course, cause)
        if not seen:
            self.books.forget(subject, cause)
            return
        facts = fold(seen, shape=course.shape, clocks=self.known.clocks(cause.change))
        decision = decide(course.rules, facts)
        content = None
        if course.is_offered and decision.outcome == COMPLETE:
            content = completion_content(
                subject,
                course_iri=course.iri,
                seen=seen,
                decision=decision,
                revision=facts.revision,
            )
        self.books.record(
            subject,
            course_iri=course.iri,
            decision=decision,
            revision=facts.revision,
            content=content,
            cause=cause,
        )

    def _seen(
        self, subject: Subject, course: Course, cause: Cause
    ) -> list[Observation]:
        """What stood right after the cause about the person in the course."""
        registration = (
            None if subject.registration == NO_REGISTRATION else subject.registration
        )
        identifiers = self.known.identifiers(
            subject.person,
            cause.change,
            at_hand=self.at_hand.get(subject.person, ()),
        )
        return [
            one.observation
            for actor_key in identifiers
            for one in self.log.observed(actor_key, registration)
            if one.stands(cause.seq)
            and owns(course.activities, course.iri, one.observation)
        ]
