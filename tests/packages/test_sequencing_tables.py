"""Values of sequencing: what is understood, and what is not."""

import pytest

from packages.sequencing_tables import KNOWN, PLAIN, boolean, decimal, identifier


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("obj%201", "obj 1"),
        (" %20obj%20%201%20 ", "obj 1"),
        ("o", "o"),
        ("", None),
        ("%20", None),
    ],
)
def test_identifiers_are_compared_with_escapes_resolved(
    said: str, meant: str | None
) -> None:
    assert identifier(said) == meant


def test_single_values() -> None:
    assert [boolean(one) for one in ("true", "FALSE", "1", "0", "yes")] == [
        True,
        False,
        True,
        False,
        None,
    ]
    measure = decimal(-1, 1)
    said = ("0.50", "+1", "-1.0", ".5", "1.1", "1e0", "NaN", "", "9" * 99)
    assert [measure(one) for one in said] == ["0.50", "1", "-1.0", "0.5"] + [None] * 5


def test_every_plain_element_is_known_in_any_case() -> None:
    assert set(PLAIN) < set(KNOWN.values())
    assert all(name.lower() == key for key, name in KNOWN.items())
    assert PLAIN["limitConditions"]["attemptLimit"]("007") == 7
    for table in PLAIN.values():
        for read in table.values():
            assert read("") is None
