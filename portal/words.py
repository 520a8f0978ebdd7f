"""How values read in pages and certificates: hours, days, instants, states."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lrs.rules.terms import day_of

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def plain(number: Decimal) -> str:
    """A decimal without trailing zeros: 4, 0, 1.5."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def hours_text(hours: Decimal | None) -> str:
    """`4 hours`, `1 hour`, `15 minutes`; empty where nothing is said."""
    if hours is None:
        return ""
    if 0 < hours < 1:
        minutes = hours * 60
        return f"{plain(minutes)} minute" + ("" if minutes == 1 else "s")
    return f"{plain(hours)} hour" + ("" if hours == 1 else "s")


def credit_text(credit: Decimal | None) -> str:
    """Credit in words; 0 is a value and is never shown as missing."""
    if credit is None:
        return "No CPT credit"
    return f"{plain(credit)} CPT credit" + ("" if credit == 1 else "s")


def day_text(day: date) -> str:
    """`March 2, 2026`."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def day_in(instant: datetime, zone: str) -> str:
    """The day of an instant as the clocks of the zone show it."""
    return day_text(day_of(instant, zone))


def instant_in(instant: datetime, zone: str) -> str:
    """`March 2, 2026, 9:00 a.m. PST`."""
    local = instant.astimezone(ZoneInfo(zone))
    half = "a.m." if local.hour < 12 else "p.m."
    return (
        f"{day_text(local.date())}, {local.hour % 12 or 12}:{local.minute:02d} {half} "
        f"{local.tzname()}"
    )


def moment_in(instant: datetime, zone: str) -> str:
    """Short, for tables: `Mar 2, 2026, 9:00:05 a.m. PST`."""
    local = instant.astimezone(ZoneInfo(zone))
    half = "a.m." if local.hour < 12 else "p.m."
    return (
        f"{MONTHS[local.month - 1][:3]} {local.day}, {local.year}, "
        f"{local.hour % 12 or 12}:{local:%M:%S} {half} {local.tzname()}"
    )


def percent_text(scaled: Decimal | None) -> str:
    """A scaled score as people say it, cut and never rounded up: 0.7999 is 79.9%."""
    if scaled is None:
        return ""
    tenths = int(scaled * 1000)
    return f"{plain(Decimal(tenths) / 10)}%"


def duration_text(seconds: Decimal | float) -> str:
    """Time spent: `1 h 5 min`, `under a minute`, `none`."""
    minutes = int(seconds // 60)
    if seconds <= 0:
        return "none"
    if minutes < 1:
        return "under a minute"
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part
        for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "")
        if part
    )


def size_text(size: int) -> str:
    """A number of bytes as people say it."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000 or unit == "MB":
            break
        size = round(size / 1000)
    return "1 byte" if (size, unit) == (1, "bytes") else f"{size:,} {unit}"


def count_text(number: int, noun: str) -> str:
    """`1 unit`, `2 units`, `1,000 units`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
