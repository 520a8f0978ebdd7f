"""Keys of names: the same for ever, and remembered for usual names alone."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from lrs import tables


@pytest.mark.parametrize("length", [1, 250, 251, 100_000])
def test_a_key_is_the_beginning_of_the_digest(length: int) -> None:
    name = "é" * length
    digest = hashlib.sha256(name.encode()).digest()
    assert tables.key_bytes(name) == digest[:16]
    assert tables.key_of(name) == uuid.UUID(bytes=digest[:16])


def test_long_names_are_not_kept_in_memory() -> None:
    asked = tables._remembered.cache_info()
    for number in range(20):
        tables.key_bytes(f"account::https://a.example|{number}{'n' * 10_000}")
    now = tables._remembered.cache_info()
    assert (now.misses, now.currsize) == (asked.misses, asked.currsize)
