"""What became of launches, and their logs; nothing of a pre-test is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import writing
from lrs.tables import MAIN_TENANT
from player import history, launches
from player.history import HIDDEN, Line, NoReplay, Sought, Wanted
from player.tables import Launch
from statements.errors import NotFound
from tests.player.cmi5.unit import Lms
from tests.player.sample import COURSE, OTHER, Player, add_package, make_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from lrs.config import Config
    from lrs.parts import Parts


@pytest.fixture
def player(db: Session, config: Config, now: datetime) -> Player:
    units = (make_unit(0, title="Lesson"), make_unit(1, slug="quiz", title="Quiz"))
    return Player(db, config, add_package(db, *units, now=now), now).open()


def line_of(player: Player, **words: Any) -> Line:
    return history.get_line(player.db, launch_id=player.launch_id, **words)


def begin(player: Player) -> None:
    player.start()
    player.do("initialize")


def finish(player: Player) -> None:
    player.start()
    player.sit(lesson_status="passed", raw="90")


def go_away(player: Player) -> None:
    begin(player)
    launches.end(
        player.db, config=player.config, launch_id=player.launch_id, now=player.now
    )


def never_begin(player: Player) -> None:
    launches.end(
        player.db, config=player.config, launch_id=player.launch_id, now=player.now
    )


def come_back(player: Player) -> None:
    finish(player)
    player.do("initialize")
    launches.end(
        player.db, config=player.config, launch_id=player.launch_id, now=player.now
    )


@pytest.mark.parametrize(
    ("done", "state"),
    [
        pytest.param(lambda _: None, "waiting", id="opened"),
        pytest.param(begin, "open", id="begun"),
        pytest.param(finish, "finished", id="terminated"),
        pytest.param(go_away, "suspended", id="left-without-a-word"),
        pytest.param(come_back, "suspended", id="begun-again-and-left"),
        pytest.param(never_begin, "unused", id="never-begun"),
    ],
)
def test_how_a_launch_ended(
    player: Player, done: Callable[[Player], None], state: str
) -> None:
    done(player)
    assert line_of(player).state == state
    assert state in history.STATES


@pytest.mark.parametrize(
    ("hours", "state"), [(None, "open"), (1, "ended")], ids=["open", "over"]
)
def test_a_unit_without_a_model_is_open_or_not(
    player: Player, hours: int | None, state: str
) -> None:
    launch = player.db.get_one(Launch, player.launch_id)
    launch.standard = "xapi"
    launch.ended_at = player.now + timedelta(hours=hours) if hours else None
    player.db.flush()
    assert line_of(player).state == state
    with pytest.raises(NoReplay):
        next(history.steps_of(player.db, line_of(player)))


@pytest.mark.parametrize(
    ("verbs", "states"),
    [
        ((), ["waiting", "unused"]),
        (("initialized",), ["open", "ended"]),
        (("initialized", "terminated"), ["finished", "finished"]),
    ],
)
def test_how_a_launch_of_cmi5_ended(
    parts: Parts, verbs: tuple[str, ...], states: list[str]
) -> None:
    lms = Lms(parts)
    opened = lms.launch(0)
    if verbs:
        opened.begin().say(*verbs)
    key, now = opened.launch_id, datetime.now(UTC)
    with writing(parts.engine) as db:
        found = [history.get_line(db, launch_id=key).state]
        launches.end(db, config=parts.config, launch_id=key, now=now)
        found.append(history.get_line(db, launch_id=key).state)
    assert found == states


def test_a_line_tells_what_came_of_it(player: Player) -> None:
    player.start()
    player.send(
        player.entry("initialize"),
        player.entry("set", ("cmi.core.score.raw", "90"), ("cmi.core.score.raw", "x")),
    )
    player.again().start()
    player.send(player.entry("set", ("cmi.core.lesson_location", "late")))
    line = line_of(player)
    assert (line.title, line.entries, line.findings, line.aside) == ("Lesson", 2, 1, 1)
    assert line.scaled is not None
    assert float(line.scaled) == 0.9
    [aside] = history.side_entries(player.db, launch_id=player.launch_id, limit=9)
    assert (aside.seq, aside.reason) == (3, "superseded")


def test_launches_are_found_newest_first_by_what_is_wanted(player: Player) -> None:
    later = player.again(1)
    other = replace(player, registration=later.launch_id, now=later.now).open(
        actor=OTHER
    )
    ids = [other.launch_id, later.launch_id, player.launch_id]
    theirs = player.db.get_one(Launch, other.launch_id)

    def found(limit: int = 9, **wanted: Any) -> list[Any]:
        lines = history.find_launches(
            player.db, wanted=Wanted(**wanted), limit=limit, tenant=MAIN_TENANT
        )
        return [line.launch.id for line in lines]

    assert sorted(found()[:2]) == sorted(ids[:2])
    assert found()[2] == player.launch_id
    assert found(registration=player.registration) == ids[1:]
    assert found(people={theirs.actor_ifi}) == ids[:1]
    assert found(people=()) == []
    assert found(package=player.launch_id) == []
    assert sorted(found(course=COURSE)) == sorted(ids)
    assert found(until=later.now) == ids[2:]
    assert ids[2] not in found(since=later.now)
    first = found(limit=1)
    newest = player.db.get_one(Launch, first[0])
    assert found(after=(newest.opened_at, newest.id)) == found()[1:]


def test_a_launch_of_another_tenant_is_not_there(player: Player) -> None:
    with pytest.raises(NotFound):
        line_of(player, tenant=MAIN_TENANT + 1)


CALLS = [
    [1, "LMSInitialize", [""], "true", 0, 1],
    [2, "LMSGetValue", ["cmi.core.lesson_mode"], "normal", 0, 1],
    [3, "LMSSetValue", ["cmi.core.score.raw", "40"], "true", 0, 1],
    [4, "LMSGetValue", ["cmi.core.score.raw"], "40", 0, 4],
    [5, "LMSSetValue", ["cmi.core.score.raw", "no"], "false", 405, 1],
    [6, "PutParam", ["[core]\nscore=40"], "0", 0, 1],
]


def play(player: Player, unit: int) -> Player:
    page = player.again(unit)
    page.start()
    page.send(page.entry("initialize"))
    last = page.entry("terminate", ("cmi.core.score.raw", "40"))
    page.send({**last, "calls": CALLS})
    return page


def log(player: Player, **sought: Any) -> list[tuple[str, str, str, int]]:
    line = line_of(player)
    return [
        (call.function, " ".join(call.arguments), call.result, call.times)
        for call in history.log_of(player.db, line, sought=Sought(**sought))
    ]


def test_a_log_is_read_in_order_and_sought_through(player: Player) -> None:
    page = play(player, 0)
    assert [row[0] for row in log(page)] == [
        "(session begins)",
        *(str(row[1]) for row in CALLS),
        "(session ends)",
    ]
    assert log(page, function="getvalue", element="SCORE") == [
        ("LMSGetValue", "cmi.core.score.raw", "40", 4)
    ]
    assert [row[1] for row in log(page, errors=True)] == ["cmi.core.score.raw no"]


def test_the_calls_are_made_again(player: Player) -> None:
    page = play(player, 0)
    steps = list(history.steps_of(page.db, line_of(page)))
    assert steps[3].changed == {"cmi.core.score.raw": "40"}
    assert not any(step.differs for step in steps)


def test_nothing_of_a_pretest_is_told(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = play(player, 1)

    class Behind:
        def hides_score_of(self, iri: str) -> bool:
            return iri.endswith("/units/quiz")

        def hides_activity(self, iri: str) -> bool:
            return False

    monkeypatch.setattr(history, "pretest_wall", lambda *_, **__: Behind())
    line = line_of(page)
    assert line.is_hidden
    assert (line.success, line.scaled) == ("unknown", None)
    told = log(page)
    assert not any("40" in part for row in told for part in map(str, row[:3]))
    assert ("LMSGetValue", "cmi.core.lesson_mode", "normal", 1) in told
    assert ("LMSGetValue", "cmi.core.score.raw", HIDDEN, 4) in told
    assert ("PutParam", HIDDEN, HIDDEN, 1) in told
    with pytest.raises(NoReplay):
        history.steps_of(page.db, line)
    # who may see it
    assert line_of(page, sees_pretests=True).scaled is not None
    # the lesson is not concerned
    assert not line_of(player).is_hidden


def test_statements_of_the_time_of_a_launch(player: Player) -> None:
    finish(player)
    launch = player.db.get_one(Launch, player.launch_id)
    launch.ended_at = player.now + timedelta(hours=1)
    player.db.flush()
    found = history.statements_of(player.db, line_of(player))
    assert len(found) == len(player.told())
    assert list(player.db.scalars(select(Launch.id))) == [player.launch_id]


def test_a_long_log_is_read_in_pieces(
    player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "CHUNK", 2)
    player.start()
    sent = [player.entry("initialize")]
    for number in range(5):
        change = ("cmi.core.lesson_location", str(number))
        sent.append(player.entry("set", change, after=number % 2))
    player.send(*sent)
    found = [one.seq for one in history.entries_of(player.db, player.launch_id)]
    assert found == [1, 2, 3, 4, 5, 6]
