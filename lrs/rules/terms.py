"""Days, terms, credit cycles and dated look-ups, in a named time zone. Pure.

A day begins at its first instant in the zone and ends where the next one begins, so
every span is half open: a completion at 23:59:59.999999 on 31 December is inside the
year, one at midnight is not. Zones change their offset, some of them at midnight,
some even leave a whole day out; `start_of_day` is right for these too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
CALENDAR_YEAR = "calendar-year"


@dataclass(frozen=True, slots=True)
class Span:
    """A named stretch of days: `start` and the exclusive `end`, in `zone`."""

    id: str
    start: date
    end: date
    zone: str

    @property
    def start_at(self) -> datetime:
        """The first instant inside, in UTC."""
        return start_of_day(self.start, self.zone)

    @property
    def end_at(self) -> datetime:
        """The first instant after, in UTC."""
        return start_of_day(self.end, self.zone)

    @property
    def last_day(self) -> date:
        """The last day inside, as people name it."""
        return self.end - ONE_DAY

    def holds(self, instant: datetime) -> bool:
        """Whether the instant lies inside."""
        return self.start_at <= instant < self.end_at


@lru_cache(maxsize=4096)
def start_of_day(day: date, zone: str) -> datetime:
    """The first instant, in UTC, at which the clocks of `zone` show `day` or later."""
    info = ZoneInfo(zone)
    midnight = datetime.combine(day, time())
    first = midnight.replace(tzinfo=info).astimezone(UTC)
    if first.astimezone(info).replace(tzinfo=None) == midnight:
        return first
    # midnight was skipped: the day begins where the clocks jumped over it
    before = midnight.replace(tzinfo=info, fold=1).astimezone(UTC)
    while first - before > SECOND:
        middle = before + ((first - before) // 2)
        middle = middle.replace(microsecond=0)
        if middle.astimezone(info).date() >= day:
            first = middle
        else:
            before = middle
    return first


def day_of(instant: datetime, zone: str) -> date:
    """The day that the clocks of `zone` show at the instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def term_of(kind: str, instant: datetime, zone: str) -> Span:
    """The term of a kind that holds the instant; `calendar-year` is the one kind."""
    if kind != CALENDAR_YEAR:
        message = f"there is no term of the kind {kind}"
        raise ValueError(message)
    year = day_of(instant, zone).year
    return Span(str(year), date(year, 1, 1), date(year + 1, 1, 1), zone)


@dataclass(frozen=True, slots=True)
class CreditCycle:
    """A credit cycle as dated data; it becomes a span in the zone of a course."""

    id: str
    start: date
    end: date

    def span(self, zone: str) -> Span:
        """The cycle in a zone."""
        return Span(self.id, self.start, self.end, zone)


def cycle_of(
    cycles: Iterable[CreditCycle], instant: datetime, zone: str
) -> Span | None:
    """The one cycle that holds the instant, or None where none is laid down."""
    day = day_of(instant, zone)
    for cycle in cycles:
        if cycle.start <= day < cycle.end:
            return cycle.span(zone)
    return None


class Dated(Protocol):
    """Something that holds from an instant on, until the next one does."""

    @property
    def effective_from(self) -> datetime:
        """The first instant at which it holds."""


D = TypeVar("D", bound=Dated)


def in_force(entries: Sequence[D], instant: datetime) -> D | None:
    """The entry in force; of two from the same instant the later in the list."""
    found: D | None = None
    for entry in entries:
        if entry.effective_from <= instant and (
            found is None or entry.effective_from >= found.effective_from
        ):
            found = entry
    return found
