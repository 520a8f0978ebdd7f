from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portal import words

LA = "America/Los_Angeles"


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (None, ""),
        ("0", "0 hours"),
        ("0.25", "15 minutes"),
        ("1", "1 hour"),
        ("1.50", "1.5 hours"),
        ("24", "24 hours"),
    ],
)
def test_hours(hours, text) -> None:
    assert words.hours_text(None if hours is None else Decimal(hours)) == text


@pytest.mark.parametrize(
    ("credit", "text"),
    [
        (None, "No CPT credit"),
        ("0", "0 CPT credits"),
        ("1", "1 CPT credit"),
        ("4.0", "4 CPT credits"),
    ],
)
def test_credit(credit, text) -> None:
    assert words.credit_text(None if credit is None else Decimal(credit)) == text


@pytest.mark.parametrize(
    ("scaled", "text"),
    [
        (None, ""),
        ("0.8", "80%"),
        ("0.7999", "79.9%"),
        ("0.79999999", "79.9%"),
        ("1", "100%"),
        ("0", "0%"),
    ],
)
def test_scores_are_cut_never_rounded_up(scaled, text) -> None:
    assert words.percent_text(None if scaled is None else Decimal(scaled)) == text


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 1, 1, 8, 0, tzinfo=UTC), "January 1, 2026, 12:00 a.m. PST"),
        (datetime(2026, 7, 1, 19, 5, tzinfo=UTC), "July 1, 2026, 12:05 p.m. PDT"),
        (datetime(2027, 1, 1, 7, 59, tzinfo=UTC), "December 31, 2026, 11:59 p.m. PST"),
    ],
)
def test_instants_in_a_zone(instant, text) -> None:
    assert words.instant_in(instant, LA) == text
    assert words.day_in(instant, LA) == ", ".join(text.split(", ")[:2])


def test_moments_are_short() -> None:
    instant = datetime(2026, 3, 2, 17, 0, 5, tzinfo=UTC)
    assert words.moment_in(instant, LA) == "Mar 2, 2026, 9:00:05 a.m. PST"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "none"),
        (59, "under a minute"),
        (60, "1 min"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
    ],
)
def test_durations(seconds, text) -> None:
    assert words.duration_text(Decimal(seconds)) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (156_300, "156 kB"),
        (2_500_000_000, "2,500 MB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert words.size_text(size) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 units"), (1, "1 unit"), (1000, "1,000 units")]
)
def test_counts(number: int, text: str) -> None:
    assert words.count_text(number, "unit") == text
