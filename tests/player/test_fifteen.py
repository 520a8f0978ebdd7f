"""The failures that users of players report most (fifteen.toml): each has its tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("fifteen.toml")
FAILURES: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["failure"]


def test_there_are_fifteen_and_more() -> None:
    assert len(FAILURES) >= 15


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure["name"])
def test_each_has_a_test(failure: dict[str, Any]) -> None:
    assert failure["tests"]
    for named in failure["tests"]:
        path, _, name = named.partition("::")
        text = (TESTS / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), named
