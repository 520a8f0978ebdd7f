"""Entries: applied once, in order, whatever is lost, repeated, late or forged."""

from __future__ import annotations

import random
import threading
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from lrs.db import reading, writing
from lrs.tables import Statement
from player import entries, launches
from player.entries import EntryConflict, Gap, InvalidEntries
from player.sittings import Superseded
from player.tables import Attempt, Entry, Launch, SideEntry
from statements.errors import NotFound, TooLarge
from tests.player.sample import Player, add_package, make_unit

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from lrs.config import Config


@pytest.fixture
def player(db: Session, config: Config, now: datetime) -> Player:
    return Player(db, config, add_package(db, now=now), now).open()


def logged(player: Player) -> int:
    return player.db.scalar(select(func.count()).select_from(Entry)) or 0


def aside(player: Player) -> list[tuple[int, str]]:
    rows = player.db.execute(
        select(SideEntry.seq, SideEntry.reason).order_by(SideEntry.seq)
    )
    return [(row.seq, row.reason) for row in rows]


def attempt_of(player: Player) -> Attempt:
    launch = player.db.get_one(Launch, player.launch_id)
    return player.db.get_one(Attempt, launch.attempt_id)


def test_a_session_from_first_to_last(player: Player) -> None:
    receipt = player.sit(
        lesson_status="passed",
        raw="85",
        lesson_location="9",
        suspend_data="state",
        session_time="00:20:00",
    )
    assert receipt.problem is None
    assert receipt.answer == {
        "committed_seq": 3,
        "completion": "completed",
        "success": "passed",
        "findings": [],
        "next": None,
    }
    assert player.verbs() == [
        *("initialized", "scored", "passed", "completed"),
        *("terminated", "completed"),
    ]
    terminated = player.told()[4]
    assert terminated["result"] == {
        "completion": True,
        "success": True,
        "score": {"scaled": 0.85, "raw": 85},
        "duration": "PT20M",
    }
    attempt = attempt_of(player)
    assert attempt.scaled == Decimal("0.85")
    assert attempt.values["cmi.core.total_time"] == "0000:20:00.00"
    assert attempt.values["cmi.suspend_data"] == "state"
    assert logged(player) == 3


@pytest.mark.parametrize(
    ("exit_", "closing", "entry"),
    [
        ("suspend", "suspended", "resume"),
        ("", "terminated", ""),
        ("logout", "terminated", ""),
        ("time-out", "terminated", ""),
        (None, "terminated", ""),
    ],
)
def test_place_and_data_are_kept_whatever_exit_says(
    player: Player, exit_: str | None, closing: str, entry: str
) -> None:
    more = {} if exit_ is None else {"exit": exit_}
    player.sit(
        lesson_status="incomplete", lesson_location="3", suspend_data="s", **more
    )
    assert player.verbs() == ["initialized", closing]
    values = player.again().start()["values"]
    assert values["cmi.core.entry"] == entry
    assert values["cmi.core.lesson_location"] == "3"
    assert values["cmi.suspend_data"] == "s"
    assert values["cmi.core.exit"] == ""


def test_without_terminate_the_next_launch_resumes(player: Player) -> None:
    player.do("initialize")
    player.do("set", lesson_location="3", session_time="00:01:00")
    newer = player.again()
    assert newer.start()["values"]["cmi.core.entry"] == "resume"
    newer.do("initialize")
    assert player.verbs() == ["initialized", "suspended", "resumed"]
    assert player.told()[1]["result"]["duration"] == "PT1M"
    assert attempt_of(player).values["cmi.core.total_time"] == "0000:01:00.00"


def test_a_page_loaded_again_begins_a_new_session_of_the_same_launch(
    player: Player,
) -> None:
    player.do("initialize")
    player.do("set", session_time="00:01:00", lesson_location="2")
    assert player.start()["values"]["cmi.core.entry"] == "resume"
    player.do("initialize")
    player.do("set", session_time="00:02:00")
    player.do("terminate")
    assert player.verbs() == [
        *("initialized", "suspended", "resumed"),
        *("completed", "terminated", "completed"),
    ]
    attempt = attempt_of(player)
    assert attempt.seconds == Decimal(180)
    assert attempt.values["cmi.core.total_time"] == "0000:03:00.00"


def test_a_page_loaded_again_and_left_at_once_can_be_opened_again(
    player: Player,
) -> None:
    player.do("initialize")
    player.do("set", session_time="00:01:00")
    player.start()
    player.do("initialize")
    newer = player.again()
    newer.start()
    newer.do("initialize")
    told = newer.told()
    assert newer.verbs() == ["initialized", *("suspended", "resumed") * 2]
    assert [told[n]["result"]["duration"] for n in (1, 3)] == ["PT1M", "PT0S"]


def test_content_that_was_silent_for_hours_can_still_end(player: Player) -> None:
    player.do("initialize")
    for hours in (3, 6):
        player.now += timedelta(hours=hours)
        launches.suspend_if_silent(
            player.db, config=player.config, launch_id=player.launch_id, now=player.now
        )
    player.send(player.entry("log"), player.entry("terminate"))
    ended = ["resumed", "completed", "terminated", "completed"]
    assert player.verbs() == ["initialized", "suspended", *ended]
    player.send(player.entry("log"), player.entry("terminate"))
    assert player.verbs()[2:] == ended
    assert attempt_of(player).completion == "completed"


def test_after_terminate_the_content_may_begin_again(player: Player) -> None:
    player.sit(lesson_status="incomplete", session_time="00:01:00")
    player.sit(lesson_status="completed", session_time="00:01:00")
    assert player.verbs() == [
        *("initialized", "terminated", "initialized", "completed"),
        *("terminated", "completed"),
    ]
    assert attempt_of(player).seconds == Decimal(120)


def test_time_is_counted_once_per_session(player: Player) -> None:
    player.do("initialize")
    for minutes in (1, 2, 5, 4):
        player.do("commit", session_time=f"00:0{minutes}:00")
    player.do("terminate")
    player.do("terminate")
    attempt = attempt_of(player)
    assert attempt.values["cmi.core.total_time"] == "0000:04:00.00"
    assert attempt.seconds == Decimal(240)


def test_without_a_reported_time_the_monotonic_clock_counts(player: Player) -> None:
    player.send(
        player.entry("initialize"),
        player.entry("set", after=61.5),
        player.entry("terminate", after=0.25),
    )
    assert attempt_of(player).seconds == Decimal("61.75")
    assert attempt_of(player).values["cmi.core.total_time"] == "0000:00:00.00"
    assert player.told()[-2]["result"]["duration"] == "PT1M1.75S"


def test_a_clock_that_starts_again_takes_no_time_away(player: Player) -> None:
    player.do("initialize")
    player.do("set")
    player.mono = 0
    player.do("set")
    player.do("terminate")
    assert attempt_of(player).seconds == Decimal(20)


def test_the_score_of_a_post_test_is_set_by_the_mastery_score(
    db: Session, config: Config, now: datetime
) -> None:
    player = Player(db, config, add_package(db, make_unit(0), now=now), now)
    player.open(mastery={0: Decimal("0.80")})
    player.sit(lesson_status="completed", raw="79")
    assert player.verbs() == [
        *("initialized", "scored", "completed", "failed"),
        *("terminated", "completed"),
    ]
    assert attempt_of(player).success == "failed"
    again = player.again(mastery={0: Decimal("0.80")})
    again.sit(lesson_status="completed", raw="80")
    assert attempt_of(again).success == "passed"


# --- repeats, gaps, conflicts, fences ---------------------------------------------------


def test_repeats_are_harmless(player: Player) -> None:
    player.sit(lesson_status="passed", raw="90", comments="hello")
    told, count = player.told(), logged(player)
    values = dict(attempt_of(player).values)
    for _ in range(2):
        assert player.send(*player.log).problem is None
        assert player.send(player.log[1]).answer["committed_seq"] == 3
    assert (player.told(), logged(player)) == (told, count)
    assert attempt_of(player).values == values
    assert aside(player) == []


def test_a_gap_is_refused_with_the_number_expected(player: Player) -> None:
    first, second, third, fourth = (
        player.entry("initialize"),
        player.entry("set", ("cmi.core.lesson_location", "2")),
        player.entry("set", ("cmi.core.lesson_location", "3")),
        player.entry("set", ("cmi.core.lesson_location", "4")),
    )
    receipt = player.send(third)
    assert isinstance(receipt.problem, Gap)
    assert receipt.problem.extra == {"expected_seq": 1}
    receipt = player.send(first, second, fourth)
    assert isinstance(receipt.problem, Gap)
    assert receipt.problem.extra == {"expected_seq": 3}
    assert receipt.answer["committed_seq"] == 2
    assert attempt_of(player).values["cmi.core.lesson_location"] == "2"
    assert player.send(third, fourth).problem is None
    assert attempt_of(player).values["cmi.core.lesson_location"] == "4"


def test_another_entry_under_a_taken_number_is_kept_aside(player: Player) -> None:
    player.do("initialize")
    entry = player.entry("set", ("cmi.core.lesson_location", "2"))
    player.send(entry)
    other = entry | {
        "uuid": str(uuid.uuid4()),
        "changes": [["cmi.core.lesson_location", "9\x00"]],
    }
    for _ in range(2):
        receipt = player.send(other)
        assert isinstance(receipt.problem, EntryConflict)
        assert receipt.problem.extra == {"expected_seq": 3, "seq": 2}
    assert aside(player) == [(2, "entry_conflict")]
    assert attempt_of(player).values["cmi.core.lesson_location"] == "2"


def test_what_follows_a_taken_number_is_kept_aside_with_it(player: Player) -> None:
    player.do("initialize")
    applied = player.entry("set", ("cmi.core.lesson_location", "2"))
    player.send(applied)
    other = applied | {"uuid": str(uuid.uuid4())}
    tail = [player.entry("set", ("cmi.core.lesson_location", text)) for text in "345"]
    for _ in range(2):
        assert isinstance(player.send(other, *tail).problem, EntryConflict)
    assert aside(player) == [(seq, "entry_conflict") for seq in (2, 3, 4, 5)]
    assert attempt_of(player).values["cmi.core.lesson_location"] == "2"


@pytest.mark.parametrize("size", [0, 700], ids=["many", "large"])
def test_of_a_launch_so_much_is_kept_aside_and_no_more(
    player: Player, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(entries, "MOST_ASIDE", 10_000)
    player.do("initialize")
    player.again().start()
    late = [
        player.entry("set", ("cmi.core.lesson_location", "x" * size)) for _ in range(20)
    ]
    for one in late:
        assert isinstance(player.send(one).problem, Superseded)
    kept = aside(player)
    assert kept == [(seq, "superseded") for seq in range(2, len(kept) + 2)]
    assert len(kept) == (5 if size else 9)


def test_what_a_day_without_the_network_leaves_is_kept_aside(player: Player) -> None:
    player.do("initialize")
    player.again().start()
    state = "x" * 4000
    late = [player.entry("set", ("cmi.suspend_data", state)) for _ in range(600)]
    for start in range(0, len(late), 150):
        player.send(*late[start : start + 150])
    assert len(aside(player)) == len(late)
    day = 8 * 60 * 60 // 30
    assert day * (64_000 + entries.EACH_ASIDE) < entries.MOST_ASIDE


def test_the_tail_of_a_fenced_launch_is_kept_aside_and_never_told(
    player: Player,
) -> None:
    player.do("initialize")
    newer = player.again()
    newer.start()
    newer.do("initialize")
    told = player.told()
    late = [
        player.entry("set", ("cmi.core.lesson_status", "passed")),
        player.entry("terminate"),
    ]
    for _ in range(2):
        receipt = player.send(player.log[0], *late)
        assert isinstance(receipt.problem, Superseded)
        assert receipt.answer["committed_seq"] == 1
    assert player.told() == told
    assert aside(player) == [(2, "superseded"), (3, "superseded")]
    assert attempt_of(newer).completion == "unknown"


def test_leftovers_of_a_crash_come_before_the_next_launch_starts(
    player: Player,
) -> None:
    player.do("initialize")
    lost = [
        player.entry("set", ("cmi.core.lesson_location", "8")),
        player.entry("set", ("cmi.core.score.raw", "90")),
    ]
    newer = player.again()
    assert player.send(*lost).problem is None
    values = newer.start()["values"]
    assert values["cmi.core.lesson_location"] == "8"
    assert values["cmi.core.score.raw"] == "90"
    assert aside(player) == []
    assert player.verbs() == ["initialized", "scored", "suspended"]


def test_two_tabs_taking_turns_lose_no_entry(
    db: Session, config: Config, now: datetime
) -> None:
    shuffled = random.Random(7)  # noqa: S311 - a shuffle, no secret
    first = Player(db, config, add_package(db, now=now), now).open()
    pages, sent = [first], 0
    for _ in range(40):
        if shuffled.random() < 0.15:
            pages.append(pages[-1].again())
            if shuffled.random() < 0.7:
                pages[-1].start()
        page = shuffled.choice(pages[-2:])
        page.do("set", lesson_location=str(sent))
        sent += 1
    applied = {row for (row,) in db.execute(select(Entry.uuid))}
    kept = {row for (row,) in db.execute(select(SideEntry.uuid))}
    everything = {uuid.UUID(one["uuid"]) for page in pages for one in page.log}
    assert applied | kept == everything
    assert len(everything) == sent
    assert not applied & kept
    assert applied
    assert kept


# --- what is refused --------------------------------------------------------------------


def test_every_change_is_checked_again(player: Player) -> None:
    receipt = player.send(
        player.entry("initialize"),
        player.entry(
            "set",
            ("cmi.core.lesson_location", "5"),
            ("cmi.core.student_id", "somebody"),
            ("cmi.core.score.raw", "400"),
            ("cmi.core.credit", "credit"),
            ("cmi.nothing\x00" + "x" * 400, "1"),
            ("cmi.interactions.7.id", "q"),
            ("cmi.core._children", "x"),
            ("cmi.suspend_data", "still saved"),
        ),
    )
    assert receipt.problem is None
    found = [(one["seq"], one["code"]) for one in receipt.answer["findings"]]
    assert found == [(2, 403), (2, 405), (2, 403), (2, 401), (2, 201), (2, 402)]
    values = attempt_of(player).values
    assert values["cmi.core.lesson_location"] == "5"
    assert values["cmi.suspend_data"] == "still saved"
    assert values["cmi.core.student_id"] == ""
    entry = player.db.get_one(Entry, (player.launch_id, 2))
    assert entry.changes == [
        ["cmi.core.lesson_location", "5"],
        ["cmi.suspend_data", "still saved"],
    ]
    assert len(entry.findings) == 6


GOOD: dict[str, Any] = {
    "uuid": "5d2f4c1e-0000-4000-8000-000000000001",
    "seq": 1,
    "kind": "initialize",
    "changes": [],
    "at": "2026-03-02T17:00:00Z",
    "mono": 5,
    "prev": "",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"uuid": "1"},
        {"uuid": None},
        {"seq": 0},
        {"seq": 1.0},
        {"seq": True},
        {"seq": "1"},
        {"seq": 2**60},
        {"kind": "explode"},
        {"kind": None},
        {"changes": None},
        {"changes": {"a": "b"}},
        {"changes": [["cmi.core.exit"]]},
        {"changes": [["cmi.core.exit", 1]]},
        {"changes": [["cmi.core.exit", "", ""]]},
        {"changes": ["ab"]},
        {"changes": [["a", "b"]] * 20_001},
        {"at": "yesterday"},
        {"at": "2026-03-02T17:00:00"},
        {"at": 5},
        {"mono": -1},
        {"mono": 0.5},
        {"prev": None},
        {"prev": "x" * 65},
    ],
    ids=lambda row: ascii(row)[:50],
)
def test_entries_of_another_shape_are_refused_as_a_whole(wrong: Any) -> None:
    good = GOOD | {"seq": 2, "uuid": str(uuid.uuid4())}
    with pytest.raises(InvalidEntries) as caught:
        entries.parse_entries({"entries": [good, GOOD | wrong]})
    assert [one["entry"] for one in caught.value.extra["findings"]] == [1]


@pytest.mark.parametrize(
    "body",
    [None, [], "x", {}, {"entries": None}, {"entries": [1]}, {"entries": [[]]}],
    ids=str,
)
def test_bodies_of_another_shape_are_refused(body: object) -> None:
    with pytest.raises(InvalidEntries):
        entries.parse_entries(body)
    assert entries.parse_entries({"entries": []}) == (None, [])


def test_too_many_entries_at_once_are_refused() -> None:
    with pytest.raises(TooLarge):
        entries.parse_entries({"entries": [GOOD] * 201})
    with pytest.raises(InvalidEntries):
        entries.parse_entries({"entries": [], "sent": "now"})


# --- time -------------------------------------------------------------------------------

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
YEARS = timedelta(days=5 * 365)
EARLIEST = NOON - timedelta(hours=1)


@pytest.mark.parametrize(
    ("at", "sent", "expected"),
    [
        (NOON - timedelta(minutes=3), NOON, NOON - timedelta(minutes=3)),
        # a clock years off, and one that was set back between event and sending
        (
            NOON - YEARS - timedelta(minutes=3),
            NOON - YEARS,
            NOON - timedelta(minutes=3),
        ),
        (
            NOON + YEARS - timedelta(minutes=3),
            NOON + YEARS,
            NOON - timedelta(minutes=3),
        ),
        (NOON, NOON - timedelta(hours=1), NOON),
        # never before what came before, however long ago it claims to be
        (NOON - timedelta(hours=3), NOON, EARLIEST),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), EARLIEST),
        # without the time of sending
        (NOON - timedelta(minutes=3), None, NOON - timedelta(minutes=3)),
        (NOON + YEARS, None, NOON),
        (NOON - YEARS, None, EARLIEST),
    ],
)
def test_when_it_happened(
    at: datetime, sent: datetime | None, expected: datetime
) -> None:
    found = entries.moment_of(at, sent_at=sent, now=NOON, earliest=EARLIEST)
    assert found == expected


def test_statements_bear_the_time_of_the_event_not_of_the_delivery(
    player: Player,
) -> None:
    offline = [player.entry("initialize"), player.entry("set", after=60)]
    done = player.entry("terminate", after=60)
    player.now += timedelta(hours=5)
    player.send(*offline, done)
    times = [one["timestamp"][11:19] for one in player.told()]
    assert times[0] == "17:00:10"
    assert times[-1] == "17:02:10"


def test_nothing_sent_is_nothing_received(player: Player) -> None:
    before = player.db.get_one(Launch, player.launch_id).received_at
    player.now += timedelta(minutes=5)
    assert player.send().answer["committed_seq"] == 0
    assert player.db.get_one(Launch, player.launch_id).received_at == before


def test_the_chain_of_hashes_is_noted(player: Player) -> None:
    player.send(player.entry("initialize"), player.entry())
    player.prev = "0" * 64
    player.send(player.entry())
    player.send(player.entry())
    chained = player.db.scalars(select(Entry.is_chained).order_by(Entry.seq)).all()
    assert list(chained) == [True, True, False, True]


# --- the content host's door ------------------------------------------------------------


def test_a_tail_by_label(player: Player) -> None:
    launch = player.db.get_one(Launch, player.launch_id)
    body = {"launch": str(launch.id), "entries": [player.entry("initialize")]}

    def commit(label: str, body: object) -> entries.Receipt:
        return entries.commit_tail(
            player.db, config=player.config, label=label, body=body, now=player.now
        )

    for other in ("", "0" * 32):
        with pytest.raises(NotFound):
            commit(other, body)
    for wrong in (None, {}, {"launch": 1}, {"launch": "x", "entries": []}):
        with pytest.raises(InvalidEntries):
            commit(launch.label, wrong)
    assert commit(launch.label, body).answer["committed_seq"] == 1
    assert commit(launch.label, body).answer["committed_seq"] == 1


# --- at the same time -------------------------------------------------------------------


def test_the_same_journal_from_many_threads_is_applied_once(
    engine: Engine, config: Config, now: datetime
) -> None:
    with writing(engine) as db:
        player = Player(db, config, add_package(db, now=now), now).open()
    journal = [player.entry("initialize")]
    journal.extend(
        player.entry("set", ("cmi.comments", f"{number},"), after=1)
        for number in range(30)
    )
    journal.append(player.entry("terminate", ("cmi.core.lesson_status", "passed")))
    problems: list[object] = []

    def send(seed: int) -> None:
        order = random.Random(seed)  # noqa: S311 - a shuffle, no secret
        at = 0
        while at < len(journal):
            at = max(0, at - order.randrange(3))
            piece = journal[at : at + order.randrange(1, 6)]
            with writing(engine) as db:
                receipt = entries.receive(
                    db,
                    config=config,
                    launch_id=player.launch_id,
                    body={"entries": piece},
                    now=player.now,
                )
            if receipt.problem is not None:
                problems.append(receipt.problem)
            at = receipt.answer["committed_seq"]

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with reading(engine) as db:
        player.db = db
        launch = db.get_one(Launch, player.launch_id)
        values = db.get_one(Attempt, launch.attempt_id).values
        assert values["cmi.comments"] == "".join(f"{number}," for number in range(30))
        assert player.verbs().count("commented") == 30
        assert logged(player) == len(journal)
        ids = db.scalars(select(Statement.statement_id)).all()
        assert len(ids) == len(set(ids)) == 30 + 5


def test_of_many_launches_at_once_the_newest_writes(
    engine: Engine, config: Config, now: datetime
) -> None:
    with writing(engine) as db:
        first = Player(db, config, add_package(db, now=now), now)
    pages: list[Player] = []
    for number in range(4):
        with writing(engine) as db:
            first.db, first.now = db, now + timedelta(minutes=number)
            pages.append(first.again())

    def start(page: Player) -> None:
        try:
            with writing(engine) as db:
                launches.start(
                    db, config=config, launch_id=page.launch_id, now=page.now
                )
        except (Superseded, launches.LaunchClosed):
            pass

    threads = [threading.Thread(target=start, args=(page,)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = []
    for page in pages:
        with writing(engine) as db:
            page.db = db
            accepted.append(page.do("initialize").problem is None)
    assert accepted == [False, False, False, True]


def test_calls_are_kept_beside_the_entry_and_change_nothing(player: Player) -> None:
    row = [5, "LMSGetValue", ["cmi.core.student_name"], "Officer, Sworn", 0, 2]
    first = player.entry("initialize")
    player.send({**first, "calls": [row, "no call"]})
    # the beacon brought it without them: the same entry all the same
    assert player.send(first).problem is None
    [kept] = player.db.scalars(select(Entry))
    assert kept.calls == [[*row[:3], "(not kept)", 0, 2]]
    assert kept.opening is not None
    assert kept.opening["cmi.core.entry"] == "ab-initio"


def test_a_log_after_the_end_resumes_nothing(player: Player) -> None:
    player.sit(lesson_status="completed")
    told, seconds = player.verbs(), attempt_of(player).seconds
    late = player.entry("log", after=600)
    receipt = player.send({**late, "calls": [[1, "LMSGetLastError", [], "0", 0, 1]]})
    assert receipt.answer["committed_seq"] == 4
    assert player.verbs() == told
    assert attempt_of(player).seconds == seconds
    assert not player.db.get_one(Launch, player.launch_id).live
    with pytest.raises(InvalidEntries):
        player.send(player.entry("log", ("cmi.core.score.raw", "100")))
