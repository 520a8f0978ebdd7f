"""Small bytes kept in memory, the last used of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from player.kept import Kept, taken

if TYPE_CHECKING:
    from collections.abc import Callable


def loader(data: bytes, log: list[bytes]) -> Callable[[], bytes]:
    def load() -> bytes:
        log.append(data)
        return data

    return load


def test_what_is_kept_is_loaded_once() -> None:
    log: list[bytes] = []
    kept = Kept(total=1000, largest=10)
    for _ in range(3):
        assert kept.get("a", loader(b"12345", log)) == b"12345"
    assert len(log) == 1
    assert kept.size == taken("a", b"12345")


def test_what_is_larger_is_not_kept() -> None:
    log: list[bytes] = []
    kept = Kept(total=100, largest=4)
    for _ in range(2):
        assert kept.get("a", loader(b"12345", log)) == b"12345"
    assert len(log) == 2
    assert kept.size == 0


def test_the_last_used_stay() -> None:
    log: list[bytes] = []
    two = 2 * taken("a", b"aaaaa")
    kept = Kept(total=two, largest=10)
    for key in ("a", "b", "a", "c", "a"):
        kept.get(key, loader(key.encode() * 5, log))
    assert log == [b"aaaaa", b"bbbbb", b"ccccc"]
    assert kept.size == two
    kept.get("b", loader(b"bbbbb", log))
    assert len(log) == 4


def test_what_cannot_be_loaded_is_asked_for_again() -> None:
    log: list[bytes] = []
    kept = Kept(total=1000, largest=10)

    def fail() -> bytes:
        raise OSError

    with pytest.raises(OSError):
        kept.get("a", fail)
    assert kept.get("a", loader(b"1", log)) == b"1"


def test_many_at_once_never_keep_too_much() -> None:
    kept = Kept(total=2000, largest=10)

    def ask(first: int) -> None:
        for number in range(300):
            key = str((first + number) % 20).encode()
            assert kept.get(key.decode(), loader(key * 5, [])) == key * 5

    threads = [threading.Thread(target=ask, args=(7 * one,)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < len(kept._bytes) < 20
    assert kept.size <= 2000
    assert kept.size == sum(taken(*one) for one in kept._bytes.items())


def test_empty_files_take_room_too() -> None:
    kept = Kept(total=10_000, largest=10)
    for number in range(1000):
        kept.get(str(number), lambda: b"")
    assert 0 < len(kept._bytes) < 100
    assert kept.size <= 10_000
