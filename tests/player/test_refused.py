"""Statements that were refused stay with their launch, with the reason."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import event

from lrs.db import reading, writing
from lrs.resource import prepare_body
from player import history, refused
from statements.errors import Forbidden
from tests.player.cmi5.unit import Lms

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

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


def test_the_same_refused_twice_at_once_is_kept_once(lms: Lms) -> None:
    unit = lms.launch(0).begin()
    body, now = orjson.dumps(unit.statement("passed")), datetime.now(UTC)
    early = prepare_body(body, version="1.0.3", now=now)
    engine, inserts = lms.parts.engine, threading.Event()

    def keep(db: Session) -> None:
        refused.keep_refused(
            db,
            launch_id=unit.launch_id,
            statements=early,
            refusal=Forbidden("Not now."),
            now=now,
        )

    def keep_too() -> None:
        with writing(engine) as db:
            keep(db)

    def look(*arguments: Any) -> None:
        if "INSERT INTO side_entry" in arguments[2]:
            inserts.set()

    with ThreadPoolExecutor(1) as pool:
        with writing(engine) as db:
            keep(db)
            event.listen(engine, "before_cursor_execute", look)
            other = pool.submit(keep_too)
            # in SQLite the other has not begun before this one is done
            assert engine.dialect.name == "sqlite" or inserts.wait(120)
        other.result()
    event.remove(engine, "before_cursor_execute", look)
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
