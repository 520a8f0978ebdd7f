from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from lrs.rules.terms import CreditCycle, Span, cycle_of, in_force, start_of_day, term_of

MICROSECOND = timedelta(microseconds=1)
ZONES = (
    "America/Los_Angeles",
    "America/New_York",
    "UTC",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Australia/Lord_Howe",
)


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        # an ordinary day, winter and summer
        ("America/Los_Angeles", date(2026, 1, 1), "2026-01-01T08:00:00"),
        ("America/Los_Angeles", date(2026, 7, 1), "2026-07-01T07:00:00"),
        ("Asia/Kathmandu", date(2026, 1, 1), "2025-12-31T18:15:00"),
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00:00"),
        # clocks change later in that day
        ("America/Los_Angeles", date(2026, 3, 8), "2026-03-08T08:00:00"),
        # midnight is skipped: the day begins at 01:00
        ("America/Havana", date(2026, 3, 8), "2026-03-08T05:00:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00"),
        # midnight comes twice: the first one counts
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00:00"),
        # clocks jumped from 23:30 to 00:30
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30:00"),
        # a day that never was begins where the next one does
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: date, first: str) -> None:
    expected = datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert start_of_day(day, zone) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_the_end_of_a_term_is_exclusive(zone: str) -> None:
    new_year = start_of_day(date(2026, 1, 1), zone)
    before = term_of("calendar-year", new_year - MICROSECOND, zone)
    after = term_of("calendar-year", new_year, zone)
    assert (before.id, after.id) == ("2025", "2026")
    assert before.end_at == after.start_at == new_year
    assert before.holds(new_year - MICROSECOND)
    assert not before.holds(new_year)
    assert after.holds(new_year)
    assert before.last_day == date(2025, 12, 31)


def test_an_unknown_kind_of_term_is_an_error() -> None:
    with pytest.raises(ValueError, match="fiscal"):
        term_of("fiscal-year", datetime(2026, 1, 1, tzinfo=UTC), "UTC")


CYCLES = (
    CreditCycle("cpt-2023", date(2023, 1, 1), date(2025, 1, 1)),
    CreditCycle("cpt-2025", date(2025, 1, 1), date(2027, 1, 1)),
)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("day", "before", "after"),
    [
        (date(2023, 1, 1), None, "cpt-2023"),
        (date(2025, 1, 1), "cpt-2023", "cpt-2025"),
        (date(2026, 1, 1), "cpt-2025", "cpt-2025"),
        (date(2027, 1, 1), "cpt-2025", None),
    ],
)
def test_a_cycle_holds_its_days_and_no_others(
    zone: str, day: date, before: str | None, after: str | None
) -> None:
    first = start_of_day(day, zone)
    found = [cycle_of(CYCLES, one, zone) for one in (first - MICROSECOND, first)]
    assert [one and one.id for one in found] == [before, after]
    for one, instant in zip(found, (first - MICROSECOND, first), strict=True):
        assert one is None or one.holds(instant)


def test_one_instant_can_lie_in_two_cycles_of_two_zones() -> None:
    instant = datetime(2025, 1, 1, 3, 0, tzinfo=UTC)
    found = {
        zone: cycle_of(CYCLES, instant, zone) for zone in ("UTC", "America/Los_Angeles")
    }
    assert {zone: one and one.id for zone, one in found.items()} == {
        "UTC": "cpt-2025",
        "America/Los_Angeles": "cpt-2023",
    }


class Entry:
    def __init__(self, name: str, day: int) -> None:
        self.name = name
        self.effective_from = datetime(2026, 1, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "expected"),
    [(1, None), (2, "first"), (3, "first"), (4, "corrected"), (30, "corrected")],
)
def test_the_newest_entry_in_force_counts(day: int, expected: str | None) -> None:
    entries = [Entry("first", 2), Entry("wrong", 4), Entry("corrected", 4)]
    found = in_force(entries, datetime(2026, 1, day, tzinfo=UTC))
    assert (found and found.name) == expected


def test_a_span_says_its_last_day() -> None:
    span = Span("x", date(2026, 1, 1), date(2026, 3, 1), "UTC")
    assert span.last_day == date(2026, 2, 28)
