"""The schema as data: every kind that is named is there, and values are what they say."""

from decimal import Decimal

import pytest

from packages.cmi5_structure import name_of, rows, share
from packages.safexml import read_xml


def test_every_kind_that_is_named_is_there() -> None:
    kinds = rows()
    named = {
        kind
        for row in kinds.values()
        for place in row.get("children", [])
        for kind in place["of"].values()
    }
    assert named | {"courseStructure"} == set(kinds)
    assert all(row["rule"].startswith("13.1") for row in kinds.values())


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("0", Decimal(0)),
        ("1.000", Decimal(1)),
        ("+.5", Decimal("0.5")),
        ("1.", Decimal(1)),
        ("-0.0", Decimal(0)),
        ("1.0001", None),
        ("-0.0001", None),
        ("", None),
        (".", None),
        ("1e-1", None),
        ("0x1", None),
        ("٠", None),
        ("0." + "0" * 41, None),
    ],
)
def test_shares(said: str, value: Decimal | None) -> None:
    assert share(said) == value


def test_names() -> None:
    root = read_xml(b'<a xmlns="urn:x"><b xmlns=""/></a>', path="x").root
    assert name_of(root) == ("urn:x", "a")
    assert name_of(root[0]) == ("", "b")
