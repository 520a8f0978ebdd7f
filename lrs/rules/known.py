"""What a run knows: courses, persons and reviews as they stood after a change.

Everything is read once, in bulk for the statements at hand, and asked for "after
change n", so that a replay sees each rule exactly when the first run saw it.
"""

import uuid
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.persons import own_person
from lrs.rules.catalogue import (
    CourseRows,
    chunks,
    courses_of_activities,
    load_courses,
)
from lrs.rules.facts import Observation, Shape
from lrs.rules.log import LogRow
from lrs.rules.policy import PolicyBook, Rules
from lrs.rules.tables import PersonLink, Review
from lrs.tables import key_of

# of a course without an offer, which is judged but awarded nothing
DEFAULT_ZONE = "America/Los_Angeles"


class Course:
    """A course as it stood after a change."""

    def __init__(self, rows: CourseRows, number: int, book: PolicyBook) -> None:
        self.iri, self.key = rows.iri, rows.key
        self.is_known = rows.is_known(number)
        self.activities = rows.activities_at(number)
        offers = rows.offers_at(number)
        self.is_offered = bool(offers)
        self.rules: Rules = book.rules(offers, zone=DEFAULT_ZONE)
        self._rows, self._number = rows, number
        self._shapes: dict[str, Shape] = {}

    def shape(self, revision: str) -> Shape:
        """Units and roles of a revision."""
        if revision not in self._shapes:
            self._shapes[revision] = self._rows.shape(revision, self._number)
        return self._shapes[revision]


class Known:
    """The catalogue and the persons of a tenant, as far as they were asked for."""

    def __init__(self, db: Session, *, tenant: int, book: PolicyBook) -> None:
        self.db, self.tenant, self.book = db, tenant, book
        self._rows: dict[uuid.UUID, CourseRows | None] = {}
        self._owners: dict[uuid.UUID, set[uuid.UUID]] = {}
        self._courses: dict[tuple[uuid.UUID, int], Course] = {}
        self._links: dict[uuid.UUID, list[tuple[int, uuid.UUID]]] = {}
        self._members: dict[uuid.UUID, set[uuid.UUID]] = {}
        self._reviews: list[tuple[int, uuid.UUID, str]] | None = None
        self._clocks: tuple[int, dict[uuid.UUID, str]] = (-1, {})

    def prepare(self, rows: Iterable[LogRow]) -> None:
        """Read at once the courses and the persons that these rows may be about."""
        observed = [row for row in rows if row.observation is not None]
        self._read_links({row.actor_key for row in observed if row.actor_key})
        activities = {
            key
            for row in observed
            if row.observation is not None
            for key in _activity_keys(row.observation)
        } - self._owners.keys()
        owners = courses_of_activities(self.db, tenant=self.tenant, keys=activities)
        for key in activities:
            self._owners[key] = owners.get(key, set())
        self._read_courses(
            {course for key in activities for course in (key, *self._owners[key])}
        )

    def courses_of(self, one: Observation, number: int) -> list[Course]:
        """The courses known by then that an observation may be about, by key."""
        keys = _activity_keys(one) | self._owners.get(key_of(one.activity), set())
        found = (self.course(key, number) for key in sorted(keys))
        return [course for course in found if course is not None and course.is_known]

    def course(self, key: uuid.UUID, number: int) -> Course | None:
        """A course as it stood; None where there is none with this key."""
        if (key, number) not in self._courses:
            self._read_courses({key})
            rows = self._rows[key]
            if rows is None:
                return None
            self._courses[key, number] = Course(rows, number, self.book)
        return self._courses[key, number]

    def person(self, actor_key: uuid.UUID, number: int) -> uuid.UUID:
        """The person that an identifier belonged to."""
        self._read_links({actor_key})
        found = own_person(actor_key)
        for at, person in self._links[actor_key]:
            if at <= number:
                found = person
        return found

    def identifiers(
        self, person: uuid.UUID, number: int, *, at_hand: Collection[uuid.UUID]
    ) -> list[uuid.UUID]:
        """The keys of all identifiers a person had.

        One that was never linked is in no table: `at_hand` are those just read.
        """
        if person not in self._members:
            self._members[person] = set(
                self.db.scalars(
                    select(PersonLink.actor_key).where(
                        PersonLink.tenant_id == self.tenant,
                        (PersonLink.person == person) | (PersonLink.previous == person),
                    )
                )
            )
        candidates = self._members[person] | set(at_hand)
        return sorted(key for key in candidates if self.person(key, number) == person)

    def clocks(self, number: int) -> dict[uuid.UUID, str]:
        """By which clock reviewed statements counted."""
        if self._reviews is None:
            self._reviews = read_reviews(self.db, tenant=self.tenant)
        if self._clocks[0] != number:
            found = {one: clock for at, one, clock in self._reviews if at <= number}
            self._clocks = (number, found)
        return self._clocks[1]

    def _read_courses(self, keys: Collection[uuid.UUID]) -> None:
        missing = {key for key in keys if key not in self._rows}
        if missing:
            loaded = load_courses(self.db, tenant=self.tenant, keys=missing)
            for key in missing:
                self._rows[key] = loaded.get(key)

    def _read_links(self, keys: Collection[uuid.UUID]) -> None:
        missing = {key for key in keys if key not in self._links}
        for key in missing:
            self._links[key] = []
        for part in chunks(sorted(missing)):
            for actor_key, number, person in self.db.execute(
                select(PersonLink.actor_key, PersonLink.number, PersonLink.person)
                .where(
                    PersonLink.tenant_id == self.tenant, PersonLink.actor_key.in_(part)
                )
                .order_by(PersonLink.number)
            ):
                self._links[actor_key].append((number, person))


def read_reviews(db: Session, *, tenant: int) -> list[tuple[int, uuid.UUID, str]]:
    """All reviews: change, statement, the clock by which it counts."""
    return [
        (row.number, row.statement_id, row.clock)
        for row in db.execute(
            select(Review.number, Review.statement_id, Review.clock)
            .where(Review.tenant_id == tenant)
            .order_by(Review.number)
        )
    ]


def _activity_keys(one: Observation) -> set[uuid.UUID]:
    return {key_of(one.activity), *(key_of(iri) for iri in one.context)}
