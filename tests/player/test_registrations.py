"""Where a registration stands, per unit and as a whole; waivers."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from lrs.rules.catalogue import set_role
from lrs.tables import MAIN_TENANT
from player import registrations, urls
from statements.errors import Invalid, NotFound
from tests.player.sample import COURSE, Player, add_package, make_unit
from tests.player.trees import cluster, course, leaf

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from player.registrations import Standing


@pytest.fixture
def player(db: Session, config: Config, now: datetime) -> Player:
    units = [make_unit(index) for index in range(3)]
    return Player(db, config, add_package(db, *units, now=now), now)


def standing(player: Player, *, sees_pretests: bool = False) -> Standing:
    return registrations.get_standing(
        player.db,
        tenant=MAIN_TENANT,
        registration=player.registration,
        sees_pretests=sees_pretests,
    )


def lacks(found: Standing) -> list[tuple[int, str]]:
    return [(one.unit, one.code) for one in found.reasons]


def test_a_verdict_is_a_report_though_completion_is_not_told(
    db: Session, config: Config, now: datetime
) -> None:
    manifest = course(cluster("ROOT", leaf(0)))
    facts = {"standard": "scorm_2004", "edition": "4th"}
    package = add_package(
        db, *manifest.units, now=now, activities=manifest.activities, **facts
    )
    player = Player(db, config, package, now).open()
    player.do("initialize")
    assert lacks(standing(player)) == [(0, "not_reported")]
    player.send(
        player.entry("set", ("cmi.success_status", "passed"), ("cmi.exit", "suspend")),
        player.entry("terminate"),
    )
    assert lacks(standing(player)) == [(0, "not_finished")]


def test_what_was_never_launched_is_not_found(player: Player) -> None:
    with pytest.raises(NotFound):
        standing(player)
    player.open()
    with pytest.raises(NotFound):
        registrations.get_standing(
            player.db, tenant=2, registration=player.registration
        )


def test_from_nothing_to_complete(player: Player) -> None:
    player.open()
    found = standing(player)
    assert (found.completion, found.success, found.scaled) == (
        "unknown",
        "unknown",
        None,
    )
    assert lacks(found) == [(0, "not_started"), (1, "not_started"), (2, "not_started")]
    player.do("initialize")
    found = standing(player)
    assert found.completion == "incomplete"
    assert lacks(found)[0] == (0, "not_reported")
    assert found.reasons[0].text == (
        "Lesson 1 was opened, but has not reported anything yet."
    )
    player.do("set", lesson_status="incomplete", exit="suspend")
    player.do("terminate")
    found = standing(player)
    assert lacks(found)[0] == (0, "not_finished")
    assert (found.units[0].suspended, found.suspended) == (True, True)
    for unit in range(3):
        player = player.again(unit)
        player.sit(lesson_status="completed", session_time="00:01:00")
    found = standing(player)
    assert (found.completion, found.reasons) == ("completed", ())
    assert found.completed_at == player.now
    assert found.total_seconds >= 180


@pytest.mark.parametrize(
    ("statuses", "success"),
    [
        (["passed", "completed", "completed"], "passed"),
        (["passed", "failed", "completed"], "failed"),
        (["completed", "completed", "completed"], "unknown"),
    ],
)
def test_success_of_the_whole(
    player: Player, statuses: list[str], success: str
) -> None:
    for unit, status in enumerate(statuses):
        player = player.again(unit)
        player.sit(lesson_status=status)
    assert standing(player).success == success


def test_the_score_of_the_whole_is_that_of_its_only_scored_unit(
    player: Player,
) -> None:
    player.open(2).sit(lesson_status="passed", raw="85")
    assert standing(player).scaled == Decimal("0.85")
    again = player.again(1)
    again.sit(lesson_status="passed", raw="90")
    assert standing(again).scaled is None
    assert [unit.scaled for unit in standing(again).units] == [
        None,
        Decimal("0.9"),
        Decimal("0.85"),
    ]


@pytest.mark.parametrize("proposed", [True, False])
def test_a_pretest_shows_that_it_is_finished_and_never_how(
    player: Player,
    proposed: bool,  # noqa: FBT001
) -> None:
    unit = urls.unit_iri(COURSE, "ITEM-0")
    set_role(
        player.db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        activity_iri=unit,
        role="pretest",
        proposed=proposed,
        now=player.now,
    )
    player.open().sit(lesson_status="failed", raw="31")
    last = player.again(2)
    last.sit(lesson_status="passed", raw="85")
    found = standing(last)
    hidden = found.units[0]
    assert (hidden.completion, hidden.success, hidden.scaled, hidden.is_hidden) == (
        "completed",
        "unknown",
        None,
        True,
    )
    assert (found.success, found.scaled) == ("passed", Decimal("0.85"))
    assert "0.31" not in repr(found)
    seen = standing(last, sees_pretests=True)
    assert seen.units[0].scaled == Decimal("0.31")
    assert (seen.success, seen.scaled) == ("failed", None)


def test_a_waiver_is_recorded_once_and_shows_as_progress(
    player: Player, config: Config
) -> None:
    player.open()

    def waive(unit: int) -> uuid.UUID:
        return registrations.waive(
            player.db,
            config=config,
            tenant=MAIN_TENANT,
            registration=player.registration,
            unit=unit,
            reason="Tested out",
            now=player.now,
        )

    assert waive(1) == waive(1)
    assert waive(1) != waive(2)
    with pytest.raises(Invalid):
        waive(3)
    found = standing(player)
    assert [unit.waived for unit in found.units] == [False, True, True]
    assert lacks(found) == [(0, "not_started")]
    assert found.completion == "unknown"
    assert player.verbs() == ["waived", "waived"]
    told = player.told()[0]
    assert told["object"]["id"] == f"{COURSE}/units/ITEM-1"
    assert told["result"]["extensions"] == {
        "https://w3id.org/xapi/cmi5/result/extensions/reason": "Tested out"
    }
    assert "score" not in told["result"]


def test_waivers_alone_complete_nothing_and_the_standing_says_so(
    player: Player, config: Config
) -> None:
    player.open().sit(lesson_status="completed")
    for unit in (1, 2):
        registrations.waive(
            player.db,
            config=config,
            tenant=MAIN_TENANT,
            registration=player.registration,
            unit=unit,
            reason="Tested out",
            now=player.now,
        )
    found = standing(player)
    assert found.completion == "incomplete"
    assert lacks(found) == [(1, "waived"), (2, "waived")]
