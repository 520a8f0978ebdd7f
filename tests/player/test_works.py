"""A course of SCORM 2004 on the server, from unit to unit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from packages.courses import manifest_of
from player import history, launches
from player.activities import tree_of
from player.outcomes import Outcome
from player.sequencing_rules import PRIMARY
from player.tables import Attempt, Launch, Registration
from player.tracking import nothing
from player.works import ask_of
from tests.player.sample import OTHER, Player, add_package, make_unit
from tests.player.trees import FLOW, FLOW_ONLY, cluster, course, leaf, rule

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


class World:
    """Courses of SCORM 2004 and their players."""

    def __init__(self, db: Session, config: Config, now: datetime) -> None:
        self.db, self.config, self.now = db, config, now

    def player(self, *children: dict[str, Any], **sequencing: Any) -> Player:
        manifest = course(cluster("ROOT", *children, **sequencing))
        package = add_package(
            self.db,
            *(make_unit(n, identifier=f"A{n}") for n in range(len(manifest.units))),
            now=self.now,
            standard="scorm_2004",
            edition="4th",
            activities=manifest.activities,
        )
        return Player(self.db, self.config, package, self.now)


@pytest.fixture
def world(db: Session, config: Config, now: datetime) -> World:
    return World(db, config, now)


def sit(player: Player, *changes: tuple[str, str]) -> dict[str, Any]:
    """One whole session; the answer."""
    receipt = player.send(
        player.entry("initialize"),
        player.entry("set", *changes),
        player.entry("terminate"),
    )
    assert receipt.problem is None
    assert receipt.answer["findings"] == []
    return receipt.answer


SUSPEND = ("cmi.exit", "suspend")
PASSED = ("cmi.success_status", "passed")
COMPLETED = ("cmi.completion_status", "completed")
CONTINUE = ("adl.nav.request", "continue")


def test_the_payload_of_a_start(world: World) -> None:
    player = world.player(leaf(0), leaf(1), **FLOW)
    payload = player.open(learner_name="Learner, Sample").start()
    assert payload["standard"] == "scorm_2004"
    assert payload["elements"]["api"]["object"] == "API_1484_11"
    values = payload["values"]
    assert values["cmi.entry"] == "ab-initio"
    assert values["cmi.learner_name"] == "Learner, Sample"
    assert values["adl.nav.request_valid.continue"] == "true"
    assert values["adl.nav.request_valid.previous"] == "false"
    assert values["adl.nav.request_valid.choice.{target=A1}"] == "true"
    assert (payload["previous"], payload["next"]) == (None, 1)
    assert [one["open"] for one in payload["units"]] == [True, True]


def test_suspended_it_is_resumed_and_ended_another_attempt_begins(
    world: World,
) -> None:
    player = world.player(leaf(0)).open()
    player.start()
    sit(player, ("cmi.suspend_data", "page 3"), ("cmi.session_time", "PT30S"), SUSPEND)
    resumed = player.again()
    values = resumed.start()["values"]
    assert values["cmi.entry"] == "resume"
    assert values["cmi.suspend_data"] == "page 3"
    assert values["cmi.total_time"] == "PT30S"
    sit(resumed, COMPLETED, PASSED, ("cmi.score.scaled", "0.9"))
    anew = resumed.again()
    values = anew.start()["values"]
    assert values["cmi.entry"] == "ab-initio"
    assert "cmi.suspend_data" not in values
    assert values["cmi.completion_status"] == "unknown"
    sit(anew, ("cmi.completion_status", "incomplete"), ("cmi.score.scaled", "0.2"))
    attempts = player.db.scalars(select(Attempt).order_by(Attempt.opened_at)).all()
    assert [one.completion for one in attempts] == ["completed", "incomplete"]
    [state] = launches.registration_state(player.db, registration=player.registration)
    # what was completed once stays completed; the verdict is the newest one's
    assert (state.completion, state.success) == ("completed", "unknown")
    assert state.scaled == Decimal("0.2")
    parents = {
        one["context"]["contextActivities"]["grouping"][-1]["id"]
        for one in player.told()
        if one["verb"]["id"].endswith(("initialized", "resumed"))
    }
    assert len(parents) == 2
    assert player.verbs() == [
        *("initialized", "suspended", "resumed", "scored", "passed", "completed"),
        *("terminated", "completed", "initialized", "scored", "terminated"),
    ]


def test_a_page_loaded_again_after_the_end_begins_another_attempt(
    world: World,
) -> None:
    player = world.player(leaf(0)).open()
    player.start()
    sit(player, COMPLETED)
    assert player.start()["values"]["cmi.entry"] == "ab-initio"
    player.do("initialize")
    launch = player.db.get_one(Launch, player.launch_id)
    assert player.db.get_one(Attempt, launch.attempt_id).completion == "unknown"


def test_browsing_and_reviewing_leave_no_trace(world: World) -> None:
    player = world.player(leaf(0), leaf(1), **FLOW_ONLY).open()
    player.start()
    sit(player, COMPLETED, ("cmi.location", "3"))
    said = len(player.told())
    # opened and not worked in, another attempt does not hide the one before
    player.again().start()
    review = player.again(mode="Review")
    values = review.start()["values"]
    assert (values["cmi.mode"], values["cmi.entry"]) == ("review", "")
    assert values["cmi.location"] == "3"
    browse = review.again(1, mode="Browse")
    payload = browse.start()
    assert all(one["open"] for one in payload["units"])
    sit(browse, COMPLETED)
    assert len(player.told()) == said


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ((), None),
        ((CONTINUE,), {"unit": 1}),
        ((("adl.nav.request", "previous"),), None),
        ((("adl.nav.request", "{target=A2}choice"),), {"unit": 2}),
        ((("adl.nav.request", "{target=A2}jump"),), {"unit": 2}),
        ((("adl.nav.request", "exitAll"),), {"exit": True}),
        ((("adl.nav.request", "suspendAll"),), {"exit": True}),
        ((("cmi.exit", "time-out"),), {"exit": True}),
    ],
)
def test_the_answer_to_an_end_leads_on(
    world: World, asked: tuple[tuple[str, str], ...], leads: dict[str, Any] | None
) -> None:
    player = world.player(leaf(0), leaf(1), leaf(2), **FLOW).open()
    player.start()
    assert sit(player, *asked)["next"] == leads
    # a repeat, because the answer was lost, says the same
    assert player.send(player.log[-1]).answer["next"] == leads


def test_a_course_without_choice_leads_from_unit_to_unit(world: World) -> None:
    player = world.player(leaf(0), leaf(1), leaf(2), **FLOW_ONLY)
    with pytest.raises(launches.Locked, match="Finish “Lesson 1” first"):
        player.open(1)
    payload = player.open().start()
    assert [one["reason"] for one in payload["units"]] == [
        "",
        "Finish “Lesson 1” first.",
        "Finish “Lesson 2” first.",
    ]

    def go(unit: int) -> None:
        launches.open_unit(
            player.db,
            config=player.config,
            launch_id=player.launch_id,
            unit=unit,
            now=player.now,
        )

    with pytest.raises(launches.Locked):
        go(2)
    # the button goes where flow leads, before the unit is finished too
    go(1)
    sit(player, COMPLETED)
    player = player.again(1)
    sit(player, COMPLETED, ("adl.nav.request", "{target=A0}jump"))
    go(0)


def test_a_jump_opens_what_choice_does_not(world: World) -> None:
    player = world.player(leaf(0), leaf(1), leaf(2), **FLOW_ONLY).open()
    player.start()
    answer = sit(player, ("adl.nav.request", "{target=A2}jump"))
    assert answer["next"] == {"unit": 2}
    opened = launches.open_unit(
        player.db,
        config=player.config,
        launch_id=player.launch_id,
        unit=2,
        now=player.now,
    )
    assert opened.launch_id


def test_the_course_is_complete_when_what_counts_is(world: World) -> None:
    untracked = leaf(1, deliveryControls={"tracked": False})
    player = world.player(leaf(0), untracked).open()
    player.start()
    sit(player, ("cmi.completion_status", "incomplete"))
    row = player.db.get_one(Registration, (1, player.registration))
    assert row.completed_at is None
    again = player.again()
    again.start()
    sit(again)
    assert row.completed_at is not None
    assert player.verbs().count("completed") == 2


MAP = {"targetObjectiveID": "G", "writeSatisfiedStatus": True}
WRITES = {"objectives": {"primaryObjective": {"objectiveID": "P", "mapInfo": [MAP]}}}
READS = {
    "objectives": {
        "primaryObjective": {},
        "objective": [{"objectiveID": "O", "mapInfo": [{"targetObjectiveID": "G"}]}],
    }
}
STORE = {"data": [{"targetID": "D"}]}


def test_a_unit_that_was_only_opened_is_not_tried(world: World) -> None:
    considered = {"requiredForCompleted": "ifAttempted"}
    player = world.player(leaf(0), leaf(1, rollupConsiderations=considered)).open(1)
    player.start()
    first_unit = player.again(0)
    first_unit.start()
    sit(first_unit, COMPLETED)
    assert first_unit.verbs()[-2:] == ["terminated", "completed"]


def test_a_completed_unit_opened_again_is_still_told_as_completed(world: World) -> None:
    player = world.player(leaf(0), leaf(1)).open()
    player.start()
    assert sit(player, COMPLETED)["completion"] == "completed"
    newer = player.again()
    newer.start()
    answer = sit(newer, ("cmi.completion_status", "incomplete"))
    assert answer["completion"] == "completed"
    browsing = newer.again(mode="Browse")
    browsing.start()
    answer = sit(browsing, ("cmi.completion_status", "incomplete"))
    assert answer["completion"] == "incomplete"


def test_units_and_registrations_share_objectives_and_stores(world: World) -> None:
    player = world.player(leaf(0, **WRITES) | STORE, leaf(1, **READS) | STORE).open()
    player.start()
    player.do("initialize")
    player.send(player.entry("set", ("adl.data.0.store", "from one"), PASSED))
    row = player.db.get_one(Registration, (1, player.registration))
    assert row.shared == {"data": {"D": "from one"}}
    player.do("terminate")
    values = player.again(1).start()["values"]
    assert values["adl.data.0.store"] == "from one"
    assert values["cmi.objectives.0.id"] == "O"
    assert values["cmi.objectives.0.success_status"] == "passed"

    def next_time(**facts: Any) -> dict[str, str]:
        again = Player(player.db, player.config, player.package, player.now)
        found: dict[str, str] = again.open(1, **facts).start()["values"]
        return found

    assert next_time()["cmi.objectives.0.success_status"] == "passed"
    assert next_time()["adl.data.0.store"] == "from one"
    # another learner finds nothing of it
    assert "cmi.objectives.0.success_status" not in next_time(actor=OTHER)
    assert "adl.data.0.store" not in next_time(actor=OTHER)


def test_what_a_pretest_left_for_another_unit_is_in_no_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = {"targetObjectiveID": "G", "writeNormalizedMeasure": True}
    primary = {"objectiveID": "P", "mapInfo": [measure]}
    writes = {"objectives": {"primaryObjective": primary}}
    pretest = world.player(leaf(0, **writes), leaf(1, **READS), leaf(2)).open()
    pretest.start()
    sit(pretest, ("cmi.score.scaled", "0.37"))
    reader = pretest.again(1)
    assert reader.start()["values"]["cmi.objectives.0.score.scaled"] == "0.37"
    name = "cmi.objectives.0.score.scaled"
    read = [1, "GetValue", [name], "0.37", 0, 1]
    reader.send(reader.entry("initialize") | {"calls": [read]})
    other = reader.again(2)
    other.start()
    manifest = manifest_of(pretest.package)

    class Behind:
        def hides_score_of(self, iri: str) -> bool:
            return iri.endswith(f"/units/{manifest.units[0].slug}")

        def hides_activity(self, iri: str) -> bool:
            return False

    monkeypatch.setattr(history, "pretest_wall", lambda *_, **__: Behind())
    db = reader.db
    line = history.get_line(db, launch_id=reader.launch_id)
    assert (line.is_hidden, line.is_log_hidden) == (False, True)
    told = list(history.log_of(db, line, sought=history.Sought()))
    assert name in {call.element for call in told}
    assert not any("0.37" in str(call) for call in told)
    with pytest.raises(history.NoReplay):
        history.steps_of(db, line)
    assert not history.get_line(db, launch_id=other.launch_id).is_log_hidden
    seeing = history.get_line(db, launch_id=reader.launch_id, sees_pretests=True)
    assert not seeing.is_log_hidden


def test_an_organization_may_keep_it_to_one_registration(world: World) -> None:
    player = world.player(leaf(0, **WRITES) | STORE, **FLOW)
    manifest = dict(player.package.manifest or {})
    manifest["activities"] |= {
        "objectivesGlobalToSystem": False,
        "sharedDataGlobalToSystem": False,
    }
    player.package.manifest = manifest
    player.open().start()
    sit(player, ("adl.data.0.store", "from one"), PASSED)
    again = Player(player.db, player.config, player.package, player.now).open()
    assert "adl.data.0.store" not in again.start()["values"]
    assert player.db.get_one(Registration, (1, again.registration)).shared == {}


def test_rules_hear_of_the_newest_attempt(world: World) -> None:
    ruled = leaf(1, **rule("preConditionRule", "always", "skip"))
    player = world.player(leaf(0), ruled, **FLOW).open()
    player.start()
    sit(player, PASSED, ("cmi.objectives.0.id", "O"))
    again = player.again()
    again.start()
    sit(
        again,
        ("cmi.objectives.0.id", "O"),
        ("cmi.objectives.0.success_status", "failed"),
        ("cmi.score.scaled", "0.5"),
        SUSPEND,
    )
    launch = player.db.get_one(Launch, again.launch_id)
    manifest = course(cluster("ROOT", leaf(0), ruled, **FLOW))
    tree = tree_of(manifest)
    known = ask_of(player.db, launch, manifest, tree, {})(tree.by_identifier["A0"])
    assert known.attempts == 2
    assert known.objective("O").satisfied is False
    assert known.objective(PRIMARY).satisfied is None
    assert known.objective(PRIMARY).measure == Decimal("0.5")
    plain = course(cluster("ROOT", leaf(0)))
    assert ask_of(player.db, launch, plain, tree_of(plain), {}) is nothing
    assert Outcome().status == "not attempted"


def test_a_unit_at_work_counts_for_the_next_as_it_would_be_left(world: World) -> None:
    conditions = [
        {"condition": "satisfied", "operator": "not", "referencedObjective": "O"},
        {
            "condition": "objectiveStatusKnown",
            "operator": "not",
            "referencedObjective": "O",
        },
    ]
    rules = [
        {
            "conditionCombination": "any",
            "conditions": conditions,
            "action": "disabled",
        }
    ]
    closed = READS | {"sequencingRules": {"preConditionRule": rules}}
    player = world.player(leaf(0, **WRITES), leaf(1, **closed), **FLOW).open()
    assert [one["open"] for one in player.start()["units"]] == [True, False]
    player.do("initialize")

    def go() -> launches.Opened:
        return launches.open_unit(
            player.db,
            config=player.config,
            launch_id=player.launch_id,
            unit=1,
            now=player.now,
        )

    with pytest.raises(launches.Locked):
        go()
    player.send(player.entry("commit", PASSED))
    row = player.db.get_one(Registration, (1, player.registration))
    assert row.shared == {}
    assert go().launch_id != player.launch_id
