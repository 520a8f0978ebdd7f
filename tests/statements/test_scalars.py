from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from statements import scalars
from statements.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD: dict[str, list[str]] = {
    "is_iri": [
        "http://example.org",
        "http://example.org/a?b=c#d",
        "HTTPS://example.org:8080/%7Ea/",
        "http://[2001:db8::1]:8000/x",
        "urn:uuid:ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "tag:rollcall.example,2026:verbs/attested",
        "mailto:officer@example.org",
        "http://例え.example/道?クエリ#断片",
        "http://example.org/'a'(b)!$&*+,;=@",
    ],
    "is_uuid": [
        "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "EC531277-B57B-4C15-8D91-D292C5B2B8F7",
        "00000000-0000-0000-0000-000000000000",
    ],
    "is_mbox": [
        "mailto:officer@example.org",
        "MAILTO:first.last+tag@sub.example.org",
        "mailto:o'neil@example.org",
        "mailto:münchen@例え.example",
    ],
    "is_sha1": ["ebd31e95054c018b10727ccffd2ef2ec3a016ee9", "A" * 40],
    "is_sha2": ["a" * 56, "b" * 64, "C" * 96, "d" * 128],
    "is_media_type": [
        "text/plain",
        "application/octet-stream",
        "text/html; charset=utf-8",
        'multipart/mixed; boundary="a b"',
        "application/vnd.api+json",
    ],
    "is_version": ["1.0", "1.0.0", "1.0.3", "1.0.32", "2.0.0", "2.0.1"],
    "is_language": [
        "en",
        "en-US",
        "EN-us",
        "tlh",
        "zh-Hant-TW",
        "es-419",
        "sl-rozaj-biske-1994",
        "de-CH-1901",
        "ar-arb",
        "zh-cmn-Hans-CN",
        "en-a-bbb-x-a-ccc",
        "x-whatever",
        "i-klingon",
        "und",
    ],
    "is_duration": [
        "PT0S",
        "P3Y1M29DT4H35M59.14S",
        "PT16559.14S",
        "PT16559,14S",
        "P3Y",
        "P4W",
        "P0.5W",
        "P1DT12H",
        "PT1.5H",
    ],
    "is_timestamp": [
        "2026-03-02T17:00:00Z",
        "2026-03-02T17:00:00.123456789Z",
        "2026-03-02T17:00:00,5+01:00",
        "2026-03-02T17:00:00-0800",
        "2026-03-02T17:00:00-08",
        "2026-03-02T17:00:00+00:00",
        "2026-03-02T17:00Z",
        "2026-03-02T17:00:00",
        "20260302T170000Z",
        "2016-12-31T23:59:60Z",
        "2024-02-29T00:00:00Z",
    ],
    "is_rfc3339": [
        "2026-03-02T17:00:00Z",
        "2026-03-02t17:00:00z",
        "2026-03-02T17:00:00.601+00:00",
        "2016-12-31T23:59:60Z",
    ],
}
BAD: dict[str, list[str]] = {
    "is_iri": [
        "",
        "example.org",
        "//example.org/a",
        "http:",
        "ab=c://example.org",
        "1http://example.org",
        "http://exa mple.org",
        "http://example.org/<a>",
        "http://example.org/%zz",
        "http://example.org/a#b#c",
        "http://example.org/[a]",
        "http://e%xample.org/",
        "http://[::1]80/",
        'http://example.org/"a"',
        "http://example.org/a\\b",
        "http://example.org/a|b",
        "http://example.org/\n",
        "http://example.org/\x00",
        "should fail",
        "http://example.org/" + "a" * 8000,
    ],
    "is_uuid": [
        "",
        "AA97B177-9383-4934-8543-0F91A7A028368",
        "MA97B177-9383-4934-8543-0F91A7A02836",
        "ec531277b57b4c158d91d292c5b2b8f7",
        "{ec531277-b57b-4c15-8d91-d292c5b2b8f7}",
        "urn:uuid:ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "ec531277-b57b-4c15-8d91-d292c5b2b8f7\n",
    ],
    "is_mbox": [
        "",
        "officer@example.org",
        "mailto:example.org",
        "mailto:@example.org",
        "mailto:officer@",
        "mailto:a@b@example.org",
        "mailto:a b@example.org",
        "mailto:a@example.org,b@example.org",
        "mailto:a@example.org?subject=x",
        "http://example.org",
        "mailto:a@example.org\n",
    ],
    "is_sha1": ["", "a" * 39, "a" * 41, "g" * 40],
    "is_sha2": ["", "a" * 40, "a" * 63, "g" * 64],
    "is_media_type": ["", "text", "text/", "/plain", "text/pl ain", "text/plain, x/y"],
    "is_version": ["", "1", "0.9.9", "1.1.0", "2.1.0", "1.0.3.1", "1.0.", "3.0.0"],
    "is_language": [
        "",
        "a",
        "a12345678",
        "en_US",
        "en-",
        "en--US",
        "abcdefghi",
        "en-US-",
        "x",
        "en-a",
        "日本",
    ],
    "is_duration": [
        "",
        "P",
        "PT",
        "P1DT",
        "1H",
        "PA1H0M0S",
        "P4W1D",
        "P1.5YT1H",
        "PT1.5H3M",
        "PT1H ",
        "-PT1H",
        "PT1S\n",
        "P0003-06-04T12:30:05",
        "PT1M1H",
    ],
    "is_timestamp": [
        "",
        "should fail",
        "01/011/2015",
        "2026-03-02",
        "2026-03-02 17:00:00Z",
        "2026-13-02T17:00:00Z",
        "2026-02-30T17:00:00Z",
        "2026-03-02T25:00:00Z",
        "2026-03-02T17:61:00Z",
        "2026-03-02T17:00:00-00:00",
        "2026-03-02T17:00:00-0000",
        "2026-03-02T17:00:00-00",
        "2026-03-02T17:00:00+25:00",
        "2026-03-02T17:00:00Zulu",
        "2025-02-29T00:00:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "2026-03-02T17:00:00Z\n",
        "٢٠٢٦-03-02T17:00:00Z",
    ],
    "is_rfc3339": [
        "2026-03-02T17:00Z",
        "2026-03-02T17:00:00",
        "2026-03-02T17:00:00+0100",
        "2026-03-02T17:00:00-00:00",
        "20260302T170000Z",
        "2026-02-30T17:00:00Z",
    ],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), cases(GOOD))
def test_accepted(name: str, text: str) -> None:
    assert getattr(scalars, name)(text) is True


@pytest.mark.parametrize(("name", "text"), cases(BAD))
def test_refused(name: str, text: str) -> None:
    assert getattr(scalars, name)(text) is False


@pytest.mark.parametrize("name", sorted(GOOD))
def test_the_time_grows_with_the_length_only(name: str) -> None:
    """A hostile value ten times as long may not take much more than ten times."""
    check: Callable[[str], bool] = getattr(scalars, name)

    def seconds(text: str) -> float:
        best = 1.0
        for _ in range(3):
            began = time.thread_time()
            check(text)
            best = min(best, time.thread_time() - began)
        return best

    for start in ("", "a:", "http://", "mailto:", "P", "en-", "2026-03-02T17:00:00."):
        for unit in ("a", "a!", "1", "a-", "%41", "a@", "[", "1Y", "?"):
            assert seconds(start + unit * 100_000 + "\n") < 0.25, (start, unit)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T17:00:00Z", datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("2026-03-02T09:00:00-08:00", datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("2026-03-02T17:00:00", datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("2026-03-02T17:00:00.1234567Z", datetime(2026, 3, 2, 17, 0, 0, 123456, UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("20161231T235960Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2026-03-02t17:00:00z", datetime(2026, 3, 2, 17, tzinfo=UTC)),
    ],
)
def test_instants(text: str, expected: datetime) -> None:
    found = scalars.parse_timestamp(text)
    assert found == expected
    assert found.utcoffset() == timedelta(0)


def test_identifiers_are_parsed() -> None:
    text = "EC531277-b57b-4c15-8d91-d292c5b2b8f7"
    assert str(scalars.parse_uuid(text)) == text.lower()


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 2, 17, 0, 0, 5, UTC), "2026-03-02T17:00:00.000005Z"),
        (datetime(2026, 3, 2, 17, tzinfo=UTC), "2026-03-02T17:00:00.000000Z"),
        (datetime(1, 1, 1, 0, 0, 0, 500_000, UTC), "0001-01-01T00:00:00.500000Z"),
        (
            datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("America/Los_Angeles")),
            "2026-03-02T17:00:00.000000Z",
        ),
        (
            datetime(2026, 3, 2, 18, 30, 0, 1, timezone(timedelta(minutes=90))),
            "2026-03-02T17:00:00.000001Z",
        ),
    ],
)
def test_an_instant_is_written_and_read_back(instant: datetime, text: str) -> None:
    assert scalars.format_timestamp(instant) == text
    assert scalars.parse_timestamp(text) == instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1H2M3.5S", "3723.5"),
        ("PT3,25S", "3.25"),
        ("P1DT12H", "129600"),
        ("P2W", "1209600"),
        ("P1Y1M", "34128000"),
        ("PT0S", "0"),
    ],
)
def test_durations(text: str, seconds: str) -> None:
    assert scalars.parse_duration(text) == Decimal(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ("0", "PT0S"),
        ("-1", "PT0S"),
        ("59.999", "PT59.99S"),
        ("60", "PT1M"),
        ("3600", "PT1H"),
        ("3723.5", "PT1H2M3.5S"),
        ("360000.01", "PT100H0.01S"),
    ],
)
def test_durations_are_written(seconds: str, text: str) -> None:
    assert scalars.format_duration(Decimal(seconds)) == text
    assert scalars.is_duration(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (scalars.parse_uuid, "no"),
        (scalars.parse_timestamp, "no"),
        (scalars.parse_timestamp, "2026-02-30T00:00:00Z"),
        (scalars.parse_duration, "no"),
        (scalars.parse_duration, "PT1.5H3M"),
    ],
)
def test_what_cannot_be_read_is_invalid(
    parse: Callable[[str], object], text: str
) -> None:
    with pytest.raises(Invalid):
        parse(text)
