"""Launches: opening, starting, standing, ending."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from packages.manifest import Unit
from player import cmi, launches, scorm_12, tokens
from player.sittings import RegistrationTaken, Superseded
from player.tables import Attempt, Launch
from statements.errors import Conflict, Invalid, LaunchClosed, NotFound
from tests.player.sample import COURSE, LEARNER, OTHER, Player, add_package, make_unit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from lrs.parts import Parts


@pytest.fixture
def player(db: Session, config: Config, now: datetime) -> Player:
    return Player(db, config, add_package(db, now=now), now)


def course(db: Session, config: Config, now: datetime, *units: Unit) -> Player:
    return Player(db, config, add_package(db, *units, now=now), now)


def test_the_first_start(player: Player, config: Config) -> None:
    payload = player.open(learner_name="Learner, Sample").start()
    values = payload["values"]
    assert payload["standard"] == "scorm_12"
    assert payload["elements"] == cmi.elements_of("scorm_12").source
    assert payload["committed_seq"] == 0
    assert payload["entry"] == "lesson%200/index.html?a=1"
    assert payload["content"].startswith("http://")
    assert payload["content"].endswith(".content.localhost:8000")
    assert (payload["mode"], payload["kind"], payload["title"]) == (
        "Normal",
        "sco",
        "Lesson 1",
    )
    assert values["cmi.core.entry"] == "ab-initio"
    assert values["cmi.core.credit"] == "credit"
    assert values["cmi.core.lesson_mode"] == "normal"
    assert values["cmi.core.student_id"] == "5d2f4c1e-0000-4000-8000-000000000001"
    assert values["cmi.core.student_name"] == "Learner, Sample"
    assert len(payload["journal_key"]) == 44
    assert player.verbs() == []


def test_all_values_of_a_start_have_their_types(player: Player) -> None:
    table = cmi.elements_of("scorm_12")
    # what SCORM itself writes though content may not, and what nobody has set
    said = {"cmi.core.lesson_status": "not attempted"}
    unset = {"cmi.core.session_time", "cmi.student_data.max_time_allowed"}
    values = player.open(learner_name="n" * 300).start()["values"]
    assert values["cmi.core.student_name"] == "n" * 255
    for name, value in values.items():
        if value != said.get(name) and not (name in unset and value == ""):
            assert cmi.can_hold(table, name, value), name


def test_a_learner_without_an_account_gets_an_id_that_says_nothing(
    player: Player,
) -> None:
    values = player.open(actor=OTHER | {"name": "Other, A."}).start()["values"]
    assert re.fullmatch("[0-9a-f]{32}", values["cmi.core.student_id"])
    assert values["cmi.core.student_name"] == "Other, A."
    assert player.again(actor=OTHER).start()["values"]["cmi.core.student_name"] == (
        "Learner"
    )


WRONG = {
    "mastery_score": Decimal(150),
    "max_time": "PT1H",
    "time_limit_action": "explode",
    "data_from_lms": "x" * 5000,
}


@pytest.mark.parametrize("fact", WRONG)
def test_facts_that_are_not_of_their_type_are_left_out(fact: str) -> None:
    unit = make_unit(0, **{fact: WRONG[fact]})
    expected = scorm_12.given(make_unit(0), threshold=None)
    assert scorm_12.given(unit, threshold=None) == expected


def test_the_units_own_facts_reach_the_content(
    db: Session, config: Config, now: datetime
) -> None:
    unit = make_unit(
        0,
        mastery_score=Decimal("70.5"),
        max_time="0001:00:00",
        time_limit_action="exit,no message",
        data_from_lms="level=2",
    )
    values = course(db, config, now, unit).open().start()["values"]
    assert values["cmi.student_data.mastery_score"] == "70.5"
    assert values["cmi.student_data.max_time_allowed"] == "0001:00:00"
    assert values["cmi.student_data.time_limit_action"] == "exit,no message"
    assert values["cmi.launch_data"] == "level=2"


def test_a_policys_threshold_replaces_the_manifests_for_new_attempts_only(
    db: Session, config: Config, now: datetime
) -> None:
    player = course(db, config, now, make_unit(0, mastery_score=Decimal(70)))
    values = player.open(mastery={0: Decimal("0.80")}).start()["values"]
    assert values["cmi.student_data.mastery_score"] == "80"
    values = player.again(mastery={0: Decimal("0.90")}).start()["values"]
    assert values["cmi.student_data.mastery_score"] == "80"


@pytest.mark.parametrize("mode", ["Browse", "Review"])
def test_without_credit_the_content_is_told_so(player: Player, mode: Any) -> None:
    values = player.open(mode=mode).start()["values"]
    assert values["cmi.core.credit"] == "no-credit"
    assert values["cmi.core.lesson_mode"] == mode.lower()


def test_browsing_changes_and_records_nothing(player: Player) -> None:
    player.open().sit(lesson_status="incomplete", lesson_location="3")
    before = player.told()
    browsing = player.again(mode="Browse")
    assert browsing.start()["values"]["cmi.core.lesson_location"] == ""
    browsing.sit(lesson_status="passed", raw="100", lesson_location="9")
    assert player.told() == before
    (state,) = launches.registration_state(player.db, registration=player.registration)
    assert (state.status, state.scaled) == ("incomplete", None)
    assert browsing.again().start()["values"]["cmi.core.lesson_location"] == "3"


def test_reviewing_shows_what_counts_and_changes_nothing(player: Player) -> None:
    player.open().sit(lesson_status="passed", raw="90", lesson_location="5")
    before = player.told()
    review = player.again(mode="Review")
    values = review.start()["values"]
    assert values["cmi.core.lesson_status"] == "passed"
    assert values["cmi.core.lesson_location"] == "5"
    review.sit(lesson_status="failed", raw="10", lesson_location="1")
    assert player.told() == before
    values = review.again().start()["values"]
    assert (values["cmi.core.lesson_status"], values["cmi.core.score.raw"]) == (
        "passed",
        "90",
    )


def test_what_cannot_be_launched(db: Session, config: Config, now: datetime) -> None:
    player = course(db, config, now)
    for unit in (-1, 1):
        with pytest.raises(launches.NotPlayable):
            player.open(unit)
    with pytest.raises(Invalid):
        player.open(actor={"objectType": "Group", "member": [OTHER]})
    with pytest.raises(Invalid):
        player.open(mode="Exam")  # type: ignore[arg-type]
    other = Player(db, config, add_package(db, now=now, standard=None), now)
    with pytest.raises(launches.NotPlayable):
        other.open()
    with pytest.raises(NotFound):
        launches.get_launch(db, launch_id=uuid.uuid4())


def test_a_registration_belongs_to_one_learner(player: Player) -> None:
    player.open()
    with pytest.raises(RegistrationTaken):
        player.again(actor=OTHER)


def test_a_newer_launch_takes_over_when_it_starts(player: Player) -> None:
    player.open().start()
    player.do("initialize")
    newer = player.again()
    assert player.do("set", lesson_location="2").problem is None
    values = newer.start()["values"]
    assert values["cmi.core.lesson_location"] == "2"
    assert values["cmi.core.entry"] == "resume"
    late = player.do("set", lesson_location="3")
    assert isinstance(late.problem, Superseded)
    with pytest.raises(LaunchClosed):
        player.start()
    assert player.verbs() == ["initialized", "suspended"]


def test_an_older_launch_that_starts_late_is_fenced(player: Player) -> None:
    player.open()
    player.again().start()
    with pytest.raises(Superseded):
        player.start()


def test_starting_twice_is_harmless(player: Player) -> None:
    player.open().start()
    player.sit(lesson_location="4")
    told = player.told()
    assert player.start() == player.start()
    assert player.told() == told


def test_the_menu_tells_how_a_confirmed_posttest_went_and_no_other(
    db: Session, config: Config, now: datetime
) -> None:
    player = course(db, config, now, make_unit(0), make_unit(1))
    player.open(mastery={1: Decimal("0.8")}).start()
    player.sit(score__raw="20", lesson_status="failed")
    posttest = player.again(1, mastery={1: Decimal("0.8")})
    posttest.start()
    posttest.sit(score__raw="79", lesson_status="failed")
    assert [
        (one["completion"], one["success"]) for one in posttest.start()["units"]
    ] == [("completed", "unknown"), ("completed", "failed")]


def test_another_unit_of_the_same_registration(
    db: Session, config: Config, now: datetime
) -> None:
    player = course(db, config, now, make_unit(0), make_unit(1))
    player.open(mastery={1: Decimal("0.8")}, learner_name="A B").start()
    player.sit(lesson_status="completed")
    opened = launches.open_unit(
        db, config=config, launch_id=player.launch_id, unit=1, now=now
    )
    payload = launches.start(db, config=config, launch_id=opened.launch_id, now=now)
    assert payload["values"]["cmi.student_data.mastery_score"] == "80"
    assert payload["values"]["cmi.core.student_name"] == "A B"
    assert [
        (one["index"], one["completion"], one["current"]) for one in payload["units"]
    ] == [(0, "completed", False), (1, "unknown", True)]
    assert {one.get("success", "unknown") for one in payload["units"]} == {"unknown"}
    assert not any("scaled" in one for one in payload["units"])
    with pytest.raises(LaunchClosed):
        launches.open_unit(
            db, config=config, launch_id=player.launch_id, unit=1, now=now
        )


def test_the_menu_tells_how_only_of_a_confirmed_post_test(
    db: Session, config: Config, now: datetime
) -> None:
    player = course(db, config, now, make_unit(0), make_unit(1))
    mastery = {1: Decimal("0.8")}
    for unit in (0, 1):
        player = player.again(unit, mastery=mastery)
        player.sit(lesson_status="failed", raw="10")
    payload = player.again(0, mastery=mastery).start()
    assert [(one["completion"], one["success"]) for one in payload["units"]] == [
        ("completed", "unknown"),
        ("completed", "failed"),
    ]


def test_the_courses_own_title_is_told(player: Player) -> None:
    player.open(course_title="Interviewing witnesses").do("initialize")
    assert player.start()["course_title"] == "Interviewing witnesses"
    grouping = player.told()[0]["context"]["contextActivities"]["grouping"]
    assert grouping[0]["definition"]["name"] == {"und": "Interviewing witnesses"}


def test_the_standing_of_a_registration(
    db: Session, config: Config, now: datetime
) -> None:
    player = course(
        db, config, now, make_unit(0), make_unit(1), make_unit(2, visible=False)
    )
    assert launches.registration_state(db, registration=player.registration) == []
    player.open().sit(lesson_status="failed", raw="79.5", session_time="00:10:00.5")
    first, second = launches.registration_state(db, registration=player.registration)
    assert (first.unit, first.status, first.completion, first.success) == (
        0,
        "failed",
        "completed",
        "failed",
    )
    assert first.scaled == Decimal("0.795")
    assert first.total_seconds == Decimal("600.5")
    assert (first.suspended, first.saved_at) == (False, player.now)
    assert (second.unit, second.status, second.saved_at) == (1, "not attempted", None)
    elsewhere = launches.registration_state(
        db, registration=player.registration, tenant=2
    )
    assert elsewhere == []


def test_the_whole_course_is_completed_once(
    db: Session, config: Config, now: datetime
) -> None:
    units = (make_unit(0), make_unit(1), make_unit(2, visible=False))
    player = course(db, config, now, *units)
    first = player.open()
    first.sit(lesson_status="passed", raw="90", session_time="00:10:00")
    assert launches.completed_at(db, registration=player.registration) is None
    second = first.again(1)
    second.sit(lesson_status="completed", session_time="00:05:00")
    assert launches.completed_at(db, registration=player.registration) == second.now
    second.again(1).sit(lesson_status="completed")
    about_course = [
        one for one in player.told() if one["object"]["id"].endswith("/course")
    ]
    (told,) = about_course
    assert told["verb"]["id"].endswith("/completed")
    assert told["result"] == {"completion": True, "duration": "PT15M"}
    assert told["object"]["definition"]["type"].endswith("/course")


def test_an_asset_is_complete_once_shown(
    db: Session, config: Config, now: datetime
) -> None:
    player = course(db, config, now, make_unit(0, kind="asset"))
    assert player.open().start()["kind"] == "asset"
    player.do("initialize")
    assert player.verbs() == ["initialized", "completed", "completed"]
    player.do("terminate")
    assert player.verbs()[-1] == "terminated"


def test_content_is_found_by_label_while_a_launch_is_open(
    player: Player, config: Config
) -> None:
    db, now = player.db, player.now
    player.open()
    label = player.start()["content"].removeprefix("http://").partition(".")[0]
    found = launches.find_content(db, label=label, now=now)
    assert found is not None
    assert (found.launch_id, found.package_id) == (
        player.launch_id,
        player.package.id,
    )
    assert launches.find_content(db, label="0" * 32, now=now) is None
    late = now + tokens.LIFETIME
    assert launches.find_content(db, label=label, now=late) is None
    until = late + tokens.LIFETIME
    launches.renew(db, config=config, launch_id=player.launch_id, until=until)
    assert launches.find_content(db, label=label, now=late) is not None
    launches.end(db, config=config, launch_id=player.launch_id, now=late)
    assert launches.find_content(db, label=label, now=late) is None
    with pytest.raises(LaunchClosed):
        launches.renew(db, config=config, launch_id=player.launch_id, until=until)


def test_dropping_ends_every_launch_of_the_registration(
    player: Player, config: Config
) -> None:
    player.open().do("initialize")
    newer, bystander = player.again(), player.again()
    bystander.registration = uuid.uuid4()
    bystander.open()
    launches.end_registration(
        player.db, config=config, registration=player.registration, now=player.now
    )
    assert player.verbs() == ["initialized", "suspended"]
    for page in (player, newer):
        with pytest.raises(LaunchClosed):
            page.start()
        with pytest.raises(LaunchClosed):
            launches.open_unit(
                player.db,
                config=config,
                launch_id=page.launch_id,
                unit=0,
                now=player.now,
            )
    assert bystander.start()["mode"] == "Normal"
    # enrolled again: the same registration is taken up again
    assert player.again().start()["values"]["cmi.core.entry"] == "resume"


def test_a_closed_account_ends_every_launch_of_the_person(
    player: Player, config: Config
) -> None:
    player.open().do("initialize")
    second = player.again()
    second.registration = uuid.uuid4()
    second.open().do("initialize")
    stranger = player.again()
    stranger.registration = uuid.uuid4()
    stranger.open(actor=OTHER)
    launches.end_person(player.db, config=config, actor=LEARNER, now=second.now)
    for page in (player, second):
        assert page.verbs() == ["initialized", "suspended"]
        assert page.do("set", raw="1").problem is not None
        with pytest.raises(LaunchClosed):
            page.start()
    assert stranger.start()["mode"] == "Normal"


def test_after_the_end_content_is_served_a_little_longer(player: Player) -> None:
    player.open().sit(lesson_status="completed")
    label = launches.get_launch(player.db, launch_id=player.launch_id).label

    def is_served(after: timedelta) -> bool:
        at = player.now + after
        return launches.find_content(player.db, label=label, now=at) is not None

    assert is_served(timedelta(minutes=29))
    assert not is_served(timedelta(minutes=31))


def test_ending_suspends_what_is_live_and_forgets_the_name(
    player: Player, config: Config
) -> None:
    player.open(learner_name="A B")
    player.do("initialize")
    for _ in range(2):
        launches.end(
            player.db, config=config, launch_id=player.launch_id, now=player.now
        )
    assert player.verbs() == ["initialized", "suspended"]
    launch = player.db.get_one(Launch, player.launch_id)
    assert (launch.learner_name, launch.live) == ("", False)
    assert player.again().start()["values"]["cmi.core.entry"] == "resume"


def test_a_session_that_speaks_up_meanwhile_is_not_suspended(player: Player) -> None:
    player.open().do("initialize")
    launch = launches.get_launch(player.db, launch_id=player.launch_id)
    for silence, live in [(timedelta(0), True), (timedelta(hours=3), False)]:
        launches.suspend_if_silent(
            player.db,
            config=player.config,
            launch_id=launch.id,
            now=player.now + silence,
        )
        assert launch.live is live
    assert player.verbs() == ["initialized", "suspended"]


def test_silent_sessions_are_suspended(parts: Parts, now: datetime) -> None:
    from lrs.db import reading, writing

    with writing(parts.engine) as db:
        player = Player(db, parts.config, add_package(db, now=now), now)
        player.open()
        time = ("cmi.core.session_time", "00:01:40")
        begun, reported = (
            player.entry("initialize"),
            player.entry("set", time, after=90),
        )
        player.send(begun, reported, player.entry())
    at = player.now
    for hours, expected in [(1.9, 1), (2.1, 2), (9, 2)]:
        launches.suspend_stale(parts, at + timedelta(hours=hours))
        with reading(parts.engine) as db:
            player.db = db
            assert len(player.verbs()) == expected
            if expected == 2:
                last = player.told()[-1]
                assert last["verb"]["id"].endswith("suspended")
                assert last["result"]["duration"] == "PT1M40S"
                assert last["timestamp"].startswith("2026-03-02T17:01:50")
    with writing(parts.engine) as db:
        player.db, player.now = db, at + timedelta(hours=3)
        late = player.do("set", lesson_status="passed", session_time="03:00:00")
        assert late.problem is None
        assert player.do("terminate").problem is None
        unit_and_course = ["completed", "completed"]
        expected_verbs = ["resumed", "passed", *unit_and_course, "terminated"]
        assert player.verbs()[2:] == expected_verbs
        attempt = db.get_one(Attempt, db.get_one(Launch, player.launch_id).attempt_id)
        assert attempt.seconds == Decimal(10800)
        assert attempt.values["cmi.core.total_time"] == "0003:00:00.00"
        assert player.told()[-2]["timestamp"] <= player.told()[-1]["timestamp"]


def test_a_session_that_cannot_be_suspended_holds_up_no_other(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrs.db import reading, writing

    with writing(parts.engine) as db:
        package = add_package(db, now=now)
        players = [
            Player(db, parts.config, package, now + timedelta(minutes=n)).open()
            for n in range(2)
        ]
        for player in players:
            player.do("initialize")
    suspend = launches.suspend_if_silent

    def stumble(db: Session, *, launch_id: uuid.UUID, **more: Any) -> None:
        if launch_id == players[0].launch_id:
            raise Conflict("It cannot be.")
        suspend(db, launch_id=launch_id, **more)

    monkeypatch.setattr(launches, "suspend_if_silent", stumble)
    with pytest.raises(Conflict):
        launches.suspend_stale(parts, now + timedelta(hours=3))
    with reading(parts.engine) as db:
        live = [db.get_one(Launch, player.launch_id).live for player in players]
    assert live == [True, False]


def test_prerequisites_close_units_and_the_menu_says_why(
    db: Session, config: Config, now: datetime
) -> None:
    units = (make_unit(0), make_unit(1, prerequisites="ITEM-0"), make_unit(2))
    player = course(db, config, now, *units)
    with pytest.raises(launches.Locked, match="Finish “Lesson 1” first"):
        player.open(1)
    payload = player.open().start()
    assert [(one["open"], one["reason"]) for one in payload["units"]] == [
        (True, ""),
        (False, "Finish “Lesson 1” first."),
        (True, ""),
    ]
    assert (payload["previous"], payload["next"]) == (None, None)
    assert payload["hides"] == []
    with pytest.raises(launches.Locked):
        launches.open_unit(
            db, config=config, launch_id=player.launch_id, unit=1, now=player.now
        )
    # to look at it nothing has to be done before
    assert player.again(1, mode="Browse").start()["title"] == "Lesson 2"
    player = player.again()
    player.start()
    player.sit(lesson_status="passed")
    payload = player.again(1).start()
    assert [one["open"] for one in payload["units"]] == [True, True, True]
    assert (payload["previous"], payload["next"]) == (0, 2)


def test_the_first_open_unit_is_opened(
    db: Session, config: Config, now: datetime
) -> None:
    units = (make_unit(0, prerequisites="ITEM-1"), make_unit(1))
    player = course(db, config, now, *units)

    def opened(*places: int) -> int:
        launch = launches.open_first(
            db,
            units=places,
            config=config,
            package=player.package,
            course_iri=COURSE,
            revision="1",
            actor=LEARNER,
            registration=player.registration,
            mode="Normal",
            mastery={},
            return_url="",
            now=now,
        )
        return launches.get_launch(db, launch_id=launch.launch_id).unit

    assert opened(0, 1) == 1
    with pytest.raises(launches.Locked, match="Finish “Lesson 2” first"):
        opened(0)
    with pytest.raises(launches.NotPlayable):
        opened()
