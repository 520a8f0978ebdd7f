"""HACP: what an AICC unit says, in whatever order, is recorded as a player's entries."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import func, select

from lrs.db import writing
from player import hacp, launches, tokens
from player.aicc_log import MOST_ASIDE
from player.aicc_text import read_groups, read_request
from player.tables import Attempt, Entry, Launch, SideEntry
from tests.player.sample import Player, add_package, make_unit, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from lrs.config import Config

AU: dict[str, Any] = {"kind": "au", "data_from_lms": "level=2"}
OUT = "https://units.example/a.asp"


@dataclass
class Unit:
    """An AICC unit at work, by its session."""

    page: Player
    sid: str

    def say(self, command: str, data: str = "", after: float = 10, **more: str) -> str:
        """Say a command so many seconds later; the answer."""
        self.page.now += timedelta(seconds=after)
        form = {"command": command, "session_id": self.sid, "aicc_data": data, **more}
        return hacp.receive(
            self.page.db,
            config=self.page.config,
            request=read_request(urlencode(form).encode()),
            now=self.page.now,
        )

    def put(self, after: float = 10, **core: str) -> str:
        """Put values of the core group."""
        lines = [f"{name}={value}" for name, value in core.items()]
        return self.say("PutParam", "\r\n".join(["[Core]", *lines]), after)

    def get(self, after: float = 10) -> dict[str, str]:
        """Get the core group."""
        return dict(read_groups(self.say("GetParam", after=after)).values["core"])

    @property
    def launch(self) -> Launch:
        return self.page.db.get_one(Launch, self.page.launch_id)

    @property
    def attempt(self) -> Attempt:
        return self.page.db.get_one(Attempt, self.launch.attempt_id)

    @property
    def log(self) -> list[Entry]:
        entries = select(Entry).where(Entry.launch_id == self.launch.id)
        return list(self.page.db.scalars(entries.order_by(Entry.seq)))

    def again(self, unit: int = 0, **more: Any) -> Unit:
        return sit(self.page.again(unit, **more))


def sit(page: Player) -> Unit:
    page.start()
    return Unit(page, tokens.aicc_session(page.config, launch_id=page.launch_id))


@pytest.fixture
def make(db: Session, config: Config, now: datetime) -> Callable[..., Unit]:
    def made(*facts: dict[str, Any], **more: Any) -> Unit:
        units = [make_unit(n, **AU | one) for n, one in enumerate(facts or ({},))]
        package = add_package(db, *units, now=now, standard="aicc", edition="3.0")
        return sit(Player(db, config, package, now).open(**more))

    return made


@pytest.fixture
def unit(make: Callable[..., Unit]) -> Unit:
    return make()


def code(answer: str) -> int:
    first, _, _ = answer.partition("\r\n")
    assert first.startswith("error=")
    return int(first.removeprefix("error="))


def test_a_session_from_first_to_last(unit: Unit) -> None:
    core = unit.get()
    assert core["student_name"] == "Learner"
    assert core["lesson_status"] == "not attempted, ab-initio"
    assert unit.put(lesson_status="I", lesson_location="2", time="00:01:00") == (
        "error=0\r\nerror_text=Successful\r\nversion=4.0\r\n"
    )
    unit.put(lesson_status="P", score="85", time="00:20:00")
    assert code(unit.say("ExitAU")) == 0
    assert (unit.attempt.completion, unit.attempt.success) == ("completed", "passed")
    assert unit.attempt.scaled == Decimal("0.85")
    assert unit.attempt.seconds == 1200
    assert unit.page.verbs() == [
        "initialized",
        "scored",
        "passed",
        "completed",
        "completed",
        "terminated",
    ]
    assert [one.kind for one in unit.log] == [
        "initialize",
        "commit",
        "commit",
        "terminate",
    ]
    assert launches.completed_at(unit.page.db, registration=unit.page.registration)


def test_what_is_kept_is_told_again(unit: Unit) -> None:
    unit.get()
    kept = "a=1\r\n[page 2]\r\n\r\nb"
    data = (
        f"[Core]\r\nlesson_location=7\r\nlesson_status=i, s\r\n[Core_Lesson]\r\n{kept}"
    )
    unit.say("PutParam", data)
    unit.say("ExitAU")
    answer = unit.again().say("GetParam")
    groups = read_groups(answer)
    assert groups.texts["core_lesson"] == kept
    assert groups.texts["core_vendor"] == "level=2"
    assert groups.get("core", "lesson_location") == "7"
    assert groups.get("core", "lesson_status") == "incomplete, resume"
    assert groups.get("student_data", "attempt_number") == "2"
    assert groups.get("evaluation", "course_id") == "COURSE"
    assert unit.page.verbs() == ["initialized", "suspended", "resumed"]


REFUSED: list[tuple[str, dict[str, str], int]] = [
    ("no command", {"command": ""}, 1),
    ("unknown command", {"command": "PutAll"}, 1),
    ("no session", {"session_id": ""}, 3),
    ("no session of ours", {"session_id": "0" * 64}, 3),
    ("a session of nothing", {"session_id": "f" * 64}, 3),
    ("wrong password", {"AU_password": "guess"}, 2),
    ("password in other case", {"AU_password": "SECRET"}, 2),
]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_refusals_are_answers(
    make: Callable[..., Unit], form: dict[str, str], wanted: int
) -> None:
    unit = make({"entitlement_key": "secret"})
    said = {"command": "PutParam", "data": "[core]\nscore=9"} | form
    answer = unit.say(**said)
    if "session_id" in form:
        assert unit.sid != form["session_id"]
    assert code(answer) == wanted
    assert unit.log == []
    assert code(unit.say("GetParam", AU_password="secret")) == 0
    assert code(unit.say("GetParam")) == 0


def test_a_session_is_for_its_own_label_and_standard(
    unit: Unit, db: Session, config: Config, now: datetime
) -> None:
    def ask(sid: str, label: str | None) -> int:
        form = urlencode({"command": "GetParam", "session_id": sid})
        request = read_request(form.encode())
        told = hacp.receive(db, config=config, request=request, now=now, label=label)
        return code(told)

    assert ask(unit.sid, unit.launch.label) == 0
    assert ask(unit.sid.upper(), None) == 0
    assert ask(unit.sid, "0" * 32) == 3
    scorm = Player(db, config, add_package(db, now=now), now).open()
    assert ask(tokens.aicc_session(config, launch_id=scorm.launch_id), None) == 3


def test_a_newer_launch_ends_the_session(unit: Unit) -> None:
    unit.get()
    unit.put(lesson_status="I")
    newer = unit.again()
    late = "[Core]\r\nscore=90\r\nlesson_status=P"
    assert code(unit.say("PutParam", late)) == 3
    assert code(unit.say("PutParam", late)) == 3
    assert code(unit.say("GetParam")) == 3
    aside = unit.page.db.scalars(select(SideEntry)).all()
    assert [(one.kind, one.reason) for one in aside] == [("commit", "superseded")]
    assert ["cmi.core.score.raw", "90"] in aside[0].changes
    assert newer.attempt.completion == "incomplete"


def test_after_the_end_of_its_life(unit: Unit) -> None:
    unit.get()
    unit.page.now += tokens.LIFETIME
    assert code(unit.put(score="1")) == 3
    (aside,) = unit.page.db.scalars(select(SideEntry))
    assert aside.reason == "expired"


def test_what_comes_too_late_is_kept_a_hundred_times(unit: Unit) -> None:
    unit.get()
    unit.page.now += tokens.LIFETIME
    for score in range(MOST_ASIDE + 5):
        assert code(unit.put(score=f"0.{score}")) == 3
    kept = select(func.count()).where(SideEntry.launch_id == unit.launch.id)
    assert unit.page.db.scalars(kept).one() == MOST_ASIDE


def test_a_launch_whose_life_is_over_ends_no_other(unit: Unit) -> None:
    unit.get()
    newer = unit.page.again()
    late = Unit(newer, tokens.aicc_session(newer.config, launch_id=newer.launch_id))
    newer.now += tokens.LIFETIME
    for one in (unit.launch, late.launch):
        one.expires_at = newer.now
    unit.launch.expires_at += timedelta(hours=1)
    assert code(late.put(score="1")) == 3
    assert unit.launch.ended_at is None
    assert unit.launch.live


def test_a_unit_that_never_asks(unit: Unit) -> None:
    assert code(unit.put(lesson_status="C", time="00:05:00")) == 0
    assert unit.page.verbs() == ["initialized", "completed", "completed"]
    assert [(one.kind, one.changes != []) for one in unit.log] == [
        ("initialize", False),
        ("commit", True),
    ]


def test_asking_again_changes_nothing(unit: Unit) -> None:
    unit.get()
    unit.put(lesson_location="4", time="00:05:00")
    assert unit.get()["lesson_location"] == "4"
    unit.put(time="00:06:00")
    unit.say("ExitAU")
    unit.say("ExitAU")
    assert unit.attempt.seconds == 360
    assert unit.page.verbs().count("terminated") == 1


def test_a_unit_loaded_again_begins_a_session_of_its_own(unit: Unit) -> None:
    """Its time begins anew, and what was before is not lost."""
    unit.get()
    unit.put(time="00:05:00", lesson_status="I")
    unit.get()
    unit.put(time="00:00:30")
    unit.put(time="00:01:00")
    unit.say("ExitAU")
    assert unit.attempt.seconds == 360
    assert unit.page.verbs() == ["initialized", "suspended", "resumed", "terminated"]


def test_what_comes_after_the_exit_counts(unit: Unit) -> None:
    """Browsers send both at once when a page is closed."""
    unit.get()
    unit.put(lesson_status="I", time="00:01:00")
    unit.say("ExitAU")
    unit.put(lesson_status="P", score="90", time="00:02:00", after=0)
    unit.put(lesson_status="P", score="90", time="00:02:00", after=0)
    assert (unit.attempt.success, unit.attempt.seconds) == ("passed", 120)
    assert not unit.launch.live
    assert not unit.attempt.suspended
    unit.get()
    assert unit.launch.live


def test_to_leave_is_not_to_complete(unit: Unit) -> None:
    """The status is the unit's to put; it may come after the exit."""
    unit.get()
    unit.say("ExitAU")
    assert unit.attempt.completion == "incomplete"
    assert unit.page.verbs() == ["initialized", "terminated"]
    unit.put(lesson_status="C", after=0)
    assert unit.attempt.completion == "completed"


def test_without_a_time_the_server_counts(unit: Unit) -> None:
    unit.get()
    unit.put(lesson_status="I", after=60)
    # nobody was there for so long
    unit.put(lesson_status="I", after=8 * 3600)
    unit.say("ExitAU", after=30)
    assert unit.attempt.seconds == 60 + 2 * 3600 + 30


def test_silence_suspends_and_is_taken_up_again(unit: Unit) -> None:
    page = unit.page
    unit.get()
    unit.put(time="00:01:00", lesson_status="I")
    page.now += timedelta(hours=3)
    launches.suspend_if_silent(
        page.db, config=page.config, launch_id=page.launch_id, now=page.now
    )
    unit.put(time="00:02:00")
    launches.end(page.db, config=page.config, launch_id=page.launch_id, now=page.now)
    assert unit.attempt.seconds == 120
    assert page.verbs() == ["initialized", "suspended", "resumed", "suspended"]


def test_last_words_come_while_the_launch_ends(unit: Unit) -> None:
    page = unit.page
    unit.get()
    unit.put(time="00:01:00", lesson_status="I")
    launches.end(page.db, config=page.config, launch_id=page.launch_id, now=page.now)
    assert code(unit.put(time="00:02:00", lesson_status="P")) == 0
    assert code(unit.say("ExitAU")) == 0
    assert code(unit.say("GetParam")) == 3
    assert (unit.attempt.success, unit.attempt.seconds) == ("passed", 120)
    assert "terminated" in page.verbs()
    page.now += hacp.GRACE
    assert code(unit.put(lesson_status="F")) == 3
    assert unit.attempt.success == "passed"


def test_a_mixed_unit_loses_nothing(unit: Unit) -> None:
    """One that speaks by API and by HACP at once: each has numbers of its own."""
    page = unit.page
    page.do("initialize")
    unit.put(lesson_status="I")
    assert page.do("set", lesson_location="3").problem is None
    unit.put(score="70")
    assert page.do("terminate").problem is None
    assert unit.attempt.values["cmi.core.lesson_location"] == "3"
    assert unit.attempt.values["cmi.core.score.raw"] == "70"
    ids = [one["id"] for one in page.told()]
    assert len(ids) == len(set(ids))


def test_mastery_decides(make: Callable[..., Unit]) -> None:
    unit = make({"mastery_score": Decimal(80)})
    answer = read_groups(unit.say("GetParam"))
    assert answer.get("student_data", "mastery_score") == "80"
    unit.put(lesson_status="C", score="7,10,0")
    unit.say("ExitAU")
    assert (unit.attempt.success, unit.attempt.scaled) == ("failed", Decimal("0.7"))


@pytest.mark.parametrize(("mode", "told"), [("Browse", "Browse"), ("Review", "Review")])
def test_browsing_leaves_no_record(
    make: Callable[..., Unit], mode: str, told: str
) -> None:
    unit = make(mode=mode)
    core = unit.get()
    assert (core["lesson_mode"], core["credit"]) == (told, "N")
    unit.put(lesson_status="P", score="100")
    unit.say("ExitAU")
    assert unit.page.told() == []


def test_interactions_comments_and_objectives(unit: Unit) -> None:
    unit.get()
    table = (
        "interaction_id,type_interaction,correct_response,student_response,result\r\n"
        'q1,C,"a","b",W\r\n'
    )
    for _ in range(2):
        unit.say("PutInteractions", table)
        unit.say("PutObjectives", "objective_id,status,score\r\no1,P,90\r\n")
        unit.say("PutComments", "comment\r\nWell done.\r\n")
        unit.say("PutPath", "element_location,why_left\r\np1,S\r\n")
        unit.say("PutPerformance", "anything\r\n")
    assert unit.page.verbs() == [
        "initialized",
        "responded",
        "scored",
        "passed",
        "commented",
    ]
    paths = [one for one in unit.log if one.calls and one.calls[0][1] == "PutPath"]
    assert paths[0].calls is not None
    assert paths[0].calls[0][2] == ["element_location,why_left\r\np1,S\r\n"]


ADDRESSES: list[tuple[str, dict[str, Any], str, str]] = [
    ("inside", {}, "/lesson%200/index.html", "/__player/hacp"),
    (
        "a fragment",
        {"parameters": "?a=1#p"},
        "/lesson%200/index.html",
        "/__player/hacp",
    ),
    ("outside", {"launch": OUT}, OUT, "/hacp"),
]


@pytest.mark.parametrize(
    ("facts", "where", "path"),
    [case[1:] for case in ADDRESSES],
    ids=[case[0] for case in ADDRESSES],
)
def test_addresses(
    make: Callable[..., Unit], facts: dict[str, Any], where: str, path: str
) -> None:
    unit = make(facts)
    payload = unit.page.start()
    entry = urlsplit(payload["entry"])
    query = parse_qs(entry.query)
    assert query["a"] == ["1"]
    assert query["aicc_sid"] == [unit.sid]
    asked = urlsplit(query["aicc_url"][0])
    assert asked.path == path
    assert payload["entry"].startswith(where) or entry.path == where
    if path == "/hacp":
        assert query["aicc_url"][0].startswith(unit.page.config.portal_url)
    else:
        assert asked.netloc == entry.netloc
        assert asked.netloc.startswith(unit.launch.label)


def test_many_at_once_are_taken_one_after_the_other(
    engine: Engine, config: Config
) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    with writing(engine) as db:
        package = add_package(
            db, make_unit(0, **AU), now=now, standard="aicc", edition="3.0"
        )
        page = Player(db, config, package, now).open()
        page.start()
    sid = tokens.aicc_session(config, launch_id=page.launch_id)
    answers = []

    def put(number: int) -> None:
        data = f"[Objectives_Status]\nJ_ID.1=o{number}\nJ_Score.1={number}"
        form = {"command": "PutParam", "session_id": sid, "aicc_data": data}
        request = read_request(urlencode(form).encode())
        with writing(engine) as own:
            told = hacp.receive(own, config=config, request=request, now=now)
        answers.append(code(told))

    threads = [threading.Thread(target=put, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [0] * 12
    with writing(engine) as db:
        launch = db.get_one(Launch, page.launch_id)
        values = db.get_one(Attempt, launch.attempt_id).values
        assert values["cmi.objectives._count"] == "12"
        assert launch.commands == 13


def test_uuid_and_names_of_others_are_no_sessions(config: Config) -> None:
    launch_id = uuid.uuid4()
    sid = tokens.aicc_session(config, launch_id=launch_id)
    assert tokens.read_aicc_session(config, sid) == launch_id
    other = tokens.aicc_session(config, launch_id=uuid.uuid4())
    assert tokens.read_aicc_session(config, sid[:32] + other[32:]) is None
    assert tokens.read_aicc_session(config, sid + "0") is None
    assert named({}) == []
