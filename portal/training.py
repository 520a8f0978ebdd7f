"""Training credit by cycle: what was awarded, against what the cycle asks."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.persons import person_of
from lrs.rules.ledger import in_force
from lrs.rules.policy import policy_book
from lrs.rules.tables import Award
from lrs.rules.terms import CreditCycle, cycle_of, day_of
from lrs.tables import MAIN_TENANT
from portal import words
from portal.users import actor_of
from statements.actors import ifi

TICK_HOURS = 4


@dataclass(frozen=True, kw_only=True)
class CreditEntry:
    """One award of credit that stands."""

    award: uuid.UUID
    course_iri: str
    registration: uuid.UUID
    at: datetime
    zone: str
    policy: str
    policy_from: date
    credit: Decimal
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CycleCredit:
    """A cycle with the credit earned in it."""

    cycle: CreditCycle
    required: Decimal
    entries: tuple[CreditEntry, ...]

    @property
    def total(self) -> Decimal:
        """The sum of the credit."""
        return sum((entry.credit for entry in self.entries), Decimal(0))

    @property
    def is_met(self) -> bool:
        """Whether the cycle's requirement is reached."""
        return self.total >= self.required

    @property
    def left(self) -> Decimal:
        """What is still to be earned."""
        return max(self.required - self.total, Decimal(0))


def cycles() -> Sequence[CreditCycle]:
    """All credit cycles, oldest first."""
    return policy_book().cycles


def standing_awards(
    db: Session, *, portal_url: str, user_ids: Sequence[uuid.UUID], kind: str
) -> dict[uuid.UUID, list[Award]]:
    """Per user, the awards of a kind that are in force, by completion."""
    persons = {user_id: _person(db, portal_url, user_id) for user_id in user_ids}
    found: dict[uuid.UUID, list[Award]] = {user_id: [] for user_id in user_ids}
    owners: dict[uuid.UUID, list[uuid.UUID]] = {}
    for user_id, person in persons.items():
        owners.setdefault(person, []).append(user_id)
    for award in db.scalars(
        select(Award)
        .where(
            Award.tenant_id == MAIN_TENANT,
            Award.kind == kind,
            Award.person.in_(owners.keys()),
            in_force(),
        )
        .order_by(Award.at, Award.award)
    ):
        for user_id in owners[award.person]:
            found[user_id].append(award)
    return found


def _person(db: Session, portal_url: str, user_id: uuid.UUID) -> uuid.UUID:
    identifier = ifi(actor_of(user_id, portal_url=portal_url)) or ""
    return person_of(db, tenant=MAIN_TENANT, ifi=identifier)


def credit_of(
    db: Session, *, config: Config, user_ids: Sequence[uuid.UUID], now: datetime
) -> dict[uuid.UUID, list[CycleCredit]]:
    """Per user, the present cycle first, then every other one that holds credit."""
    awards = standing_awards(
        db, portal_url=config.portal_url, user_ids=user_ids, kind="credit"
    )
    return {
        user_id: _by_cycle(awards[user_id], zone=config.timezone, now=now)
        for user_id in user_ids
    }


def _by_cycle(
    awards: Sequence[Award], *, zone: str, now: datetime
) -> list[CycleCredit]:
    book = policy_book()
    today = day_of(now, zone)
    grouped: dict[str, list[CreditEntry]] = {}
    for award in awards:
        cycle = cycle_of(book.cycles, award.at, award.zone)
        if cycle is None or award.credit is None:
            continue
        grouped.setdefault(cycle.id, []).append(_entry(award))
    return [
        CycleCredit(
            cycle=cycle,
            required=book.cycle_hours[cycle.id],
            entries=tuple(grouped.get(cycle.id, ())),
        )
        for cycle in reversed(book.cycles)
        if cycle.id in grouped or cycle.start <= today < cycle.end
    ]


def _entry(award: Award) -> CreditEntry:
    return CreditEntry(
        award=award.award,
        course_iri=award.course_iri,
        registration=award.registration,
        at=award.at,
        zone=award.zone,
        policy=award.policy,
        policy_from=award.policy_from,
        credit=award.credit or Decimal(0),
        flags=tuple(award.flags),
    )


@dataclass(frozen=True)
class Tick:
    """A mark on the scale of the chart; `at` is its share of the width."""

    at: float
    label: str
    anchor: str


@dataclass(frozen=True)
class CreditChart:
    """A cycle's credit as a bar: shares of the width, and every word of it."""

    credit: CycleCredit

    @property
    def key(self) -> str:
        """A name for the page's own references."""
        return self.credit.cycle.id

    @property
    def label(self) -> str:
        """`January 1, 2025 to December 31, 2026`."""
        last = self.credit.cycle.span("UTC").last_day
        return f"{words.day_text(self.credit.cycle.start)} to {words.day_text(last)}"

    @property
    def span(self) -> Decimal:
        """The hours that the width stands for."""
        most = max(self.credit.total, self.credit.required, Decimal(TICK_HOURS))
        steps = -(-most // TICK_HOURS)
        return steps * TICK_HOURS

    @property
    def share(self) -> float:
        """The earned part of the width."""
        return float(self.credit.total / self.span)

    @property
    def goal(self) -> float:
        """Where the requirement stands."""
        return float(self.credit.required / self.span)

    @property
    def ticks(self) -> list[Tick]:
        """At most nine marks, each a whole number of hours."""
        count = int(self.span) // TICK_HOURS
        every = -(-count // 8)
        places = range(0, count + 1, every)
        return [
            Tick(
                at=place / count,
                label=str(place * TICK_HOURS),
                anchor="start" if place == 0 else "end" if place == count else "middle",
            )
            for place in places
        ]

    @property
    def required(self) -> Decimal:
        """The hours asked."""
        return self.credit.required

    @property
    def required_text(self) -> str:
        """The hours asked, as a number."""
        return words.plain(self.credit.required)

    @property
    def total_text(self) -> str:
        """The hours earned, as a number; 0 is shown."""
        return words.plain(self.credit.total)

    @property
    def left_text(self) -> str:
        """The hours to go."""
        return words.hours_text(self.credit.left)

    @property
    def is_met(self) -> bool:
        """Whether the requirement is reached."""
        return self.credit.is_met

    @property
    def sentence(self) -> str:
        """What the chart shows, for those who do not see it."""
        return (
            f"{self.total_text} of {self.required_text} hours earned from {self.label}."
        )
