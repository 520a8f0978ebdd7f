"""A unit at the record store: who comes in, and what its statements bring about."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.tables import Statement
from player import launches
from player.cmi5.tables import Cmi5Session
from player.sittings import get_launch
from player.tables import Attempt, Registration
from statements.scalars import parse_duration
from tests.player.cmi5.opened import SESSION
from tests.player.cmi5.unit import Lms, Unit
from tests.player.sample import SHORT_NAMES

if TYPE_CHECKING:
    import uuid

    from lrs.parts import Parts


@pytest.fixture
def lms(parts: Parts) -> Lms:
    return Lms(parts)


def told(lms: Lms, registration: uuid.UUID) -> list[dict[str, Any]]:
    """All statements of a registration, in order."""
    with reading(lms.parts.engine) as db:
        rows = db.scalars(
            select(Statement.payload)
            .where(Statement.registration == registration)
            .order_by(Statement.seq)
        )
        return [orjson.loads(row) for row in rows]


def verbs(lms: Lms, registration: uuid.UUID) -> list[str]:
    return [SHORT_NAMES[one["verb"]["id"]] for one in told(lms, registration)]


def attempt_of(lms: Lms, unit: Unit) -> Attempt:
    with reading(lms.parts.engine) as db:
        launch = get_launch(db, launch_id=unit.launch_id)
        found = db.get_one(Attempt, launch.attempt_id)
        db.expunge(found)
        return found


def test_a_session_from_launch_to_satisfied(lms: Lms) -> None:
    unit = lms.launch(0).begin().say("initialized", "passed", "terminated")
    assert verbs(lms, unit.registration) == [
        "launched",
        "initialized",
        "passed",
        "satisfied",
        "terminated",
    ]
    satisfied = told(lms, unit.registration)[3]
    assert satisfied["context"]["extensions"][SESSION] == str(unit.launch_id)
    # what the unit says is its own word, what is satisfied is ours
    accounts = [
        one["authority"]["account"]["name"] for one in told(lms, unit.registration)
    ]
    assert accounts == ["player", "unit", "unit", "player", "unit"]


def test_the_whole_course(lms: Lms) -> None:
    unit = lms.launch(0).begin().say("initialized", "passed", "terminated")
    unit = unit.again(1).begin().say("initialized", "completed", "terminated")
    unit = unit.again(2).begin().say("initialized", "completed", "passed")
    said = told(lms, unit.registration)
    names = [
        one["object"]["definition"]["name"]["en-US"]
        for one in said
        if SHORT_NAMES[one["verb"]["id"]] == "satisfied"
    ]
    assert names == ["Block 1", "Block 0", "A course"]
    with reading(lms.parts.engine) as db:
        row = db.get_one(Registration, (1, unit.registration))
        assert row.completed_at is not None


def test_a_list_brings_about_what_its_statements_do(lms: Lms) -> None:
    unit = lms.launch(0).begin()
    verbs_sent = ("initialized", "passed", "completed", "terminated")
    assert unit.send(*map(unit.statement, verbs_sent)).status_code == 200
    assert verbs(lms, unit.registration) == ["launched", *verbs_sent, "satisfied"]


def test_what_is_refused_brings_about_nothing(lms: Lms) -> None:
    unit = lms.launch(0).begin()
    wrong = unit.statement("passed", result={"success": True})
    answer = unit.send(unit.statement("initialized"), wrong)
    assert answer.status_code == 403
    assert verbs(lms, unit.registration) == ["launched"]
    assert attempt_of(lms, unit).saved_at is None
    assert unit.say("initialized", "passed").launch_id == unit.launch_id


@pytest.mark.parametrize(
    ("sent", "completion", "success", "status"),
    [
        ((), "unknown", "unknown", "not attempted"),
        (("initialized",), "incomplete", "unknown", "incomplete"),
        (("initialized", "completed"), "completed", "unknown", "completed"),
        (("initialized", "passed"), "completed", "passed", "passed"),
        (("initialized", "failed"), "incomplete", "failed", "failed"),
    ],
    ids=["nothing", "begun", "completed", "passed", "failed"],
)
def test_what_the_attempt_amounts_to(
    lms: Lms, sent: tuple[str, ...], completion: str, success: str, status: str
) -> None:
    unit = lms.launch(0).begin().say(*sent)
    found = attempt_of(lms, unit)
    assert (found.completion, found.success, found.status) == (
        completion,
        success,
        status,
    )


def test_score_and_time_are_kept(lms: Lms) -> None:
    unit = lms.launch(0).begin().say("initialized")
    passed = unit.statement(
        "passed",
        result={"success": True, "duration": "PT5M", "score": {"scaled": 0.85}},
    )
    passed["context"]["extensions"][
        "https://w3id.org/xapi/cmi5/context/extensions/masteryscore"
    ] = 0.8
    assert unit.send(passed).status_code == 200
    unit.say("terminated")
    found = attempt_of(lms, unit)
    assert (found.scaled, found.seconds) == (Decimal("0.85"), Decimal(60))


def test_a_repeat_counts_once(lms: Lms) -> None:
    unit = lms.launch(0).begin().say("initialized")
    passed, end = unit.statement("passed"), unit.statement("terminated")
    for one in (passed, passed, end, end):
        assert unit.send(one).status_code == 200
    assert verbs(lms, unit.registration).count("satisfied") == 1
    assert attempt_of(lms, unit).seconds == Decimal(60)


def test_after_its_end_a_session_takes_nothing_more(lms: Lms) -> None:
    unit = lms.launch(0).begin().say("initialized", "terminated")
    assert unit.send(unit.statement("completed")).status_code == 403


@pytest.mark.parametrize("how", ["another launch", "ended", "no key", "wrong secret"])
def test_who_is_not_let_in(lms: Lms, how: str) -> None:
    unit = lms.launch(0).begin().say("initialized")
    if how == "another launch":
        unit.again(1)
    elif how == "ended":
        with writing(lms.parts.engine) as db:
            launches.end(
                db,
                config=lms.parts.config,
                launch_id=unit.launch_id,
                now=datetime.now(UTC),
            )
    elif how == "no key":
        unit.token = "Y21pNS5hYmM6c2VjcmV0"
    else:
        unit.token = unit.token[:-4] + "AAA="
    assert unit.send(unit.statement("terminated")).status_code == 401
    assert unit.state("GET", "LMS.LaunchData").status_code == 401


def test_the_time_up_to_the_last_statement_is_that_of_an_abandoned_session(
    lms: Lms,
) -> None:
    unit = lms.launch(0).begin().say("initialized")
    with reading(lms.parts.engine) as db:
        session = db.get_one(Cmi5Session, unit.launch_id)
        assert session.last_at is not None
        spent = session.last_at - session.launched_at
    unit.again(0)
    [abandoned] = [
        one
        for one in told(lms, unit.registration)
        if SHORT_NAMES[one["verb"]["id"]] == "abandoned"
    ]
    seconds = parse_duration(abandoned["result"]["duration"])
    assert abs(float(seconds) - spent.total_seconds()) < 0.02


@pytest.mark.parametrize("mode", ["Browse", "Review"])
def test_browsing_counts_for_nothing(lms: Lms, mode: Any) -> None:
    unit = lms.launch(0, mode=mode).begin().say("initialized")
    assert unit.send(unit.statement("passed")).status_code == 403
    unit.say("terminated")
    assert verbs(lms, unit.registration) == ["launched", "initialized", "terminated"]
