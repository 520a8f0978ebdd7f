"""Statements that were refused stay with their launch, with the reason."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from lrs.db import reading
from player import history, refused
from tests.player.cmi5.unit import Lms

if TYPE_CHECKING:
    from lrs.parts import Parts
    from player.tables import SideEntry
    from tests.player.cmi5.unit import Unit


@pytest.fixture
def lms(parts: Parts) -> Lms:
    return Lms(parts)


def kept(unit: Unit) -> list[SideEntry]:
    with reading(unit.lms.parts.engine) as db:
        return history.side_entries(db, launch_id=unit.launch_id, limit=200)


def told(one: SideEntry) -> dict[str, Any]:
    return dict(one.changes)


def test_it_is_kept_once_with_the_reason(lms: Lms) -> None:
    unit = lms.launch(0).begin()
    early = unit.statement("passed")
    for _ in range(2):
        assert unit.send(early).status_code == 403
    [one] = kept(unit)
    assert (str(one.uuid), one.kind, one.reason) == (
        early["id"],
        "statement",
        "illegal_request",
    )
    assert told(one)["requirement"] == "9.3.0.0-4"
    assert told(one)["detail"].startswith("The first statement")
    assert early["id"] in told(one)["statement"]


def test_the_same_refused_many_times_at_once_is_refused_each_time(lms: Lms) -> None:
    unit = lms.launch(0).begin()
    early = unit.statement("passed")
    together = threading.Barrier(6)

    def send() -> int:
        together.wait(60)
        return unit.send(early).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(send) for _ in range(6)]
    assert {one.result() for one in answers} == {403}
    assert len(kept(unit)) == 1


def test_of_a_list_it_is_the_one_to_blame(lms: Lms) -> None:
    unit = lms.launch(0).begin()
    wrong = unit.statement("terminated", result={})
    assert unit.send(unit.statement("initialized"), wrong).status_code == 403
    [one] = kept(unit)
    assert str(one.uuid) == wrong["id"]


def test_what_is_taken_is_not_kept_aside(lms: Lms) -> None:
    assert kept(lms.launch(0).begin().say("initialized", "terminated")) == []


def test_no_more_than_enough(lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "MOST", 2)
    unit = lms.launch(0).begin()
    for _ in range(4):
        assert unit.send(unit.statement("passed")).status_code == 403
    assert [one.seq for one in kept(unit)] == [1, 2]
