"""Any order, repetition, voiding and batching of the same statements: one net state.

And replay gives the same rows, byte for byte. The controls are rules that depend on
the order, or on the batches; the same properties must catch them.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.orm import Session

from lrs.persons import link, unlink
from lrs.rules import catalogue, derive
from lrs.rules.log import Seen
from lrs.tables import MAIN_TENANT, Statement
from tests.conftest import NOW
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER,
    LEARNER_IFI,
    LESSON,
    POSTTEST,
    PRETEST,
    UNITS,
    at,
    offer_course,
    record_offer,
    said,
    store,
    voiding,
    whole_way,
)
from tests.lrs.rules.runs import follow, net, replayed, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

OFFICER_2 = {"objectType": "Agent", "mbox": "mailto:second@agency.example"}
ACTORS = (LEARNER, LEARNER, LEARNER, OFFICER_2)
REVISIONS = ("1", "1", None, "2")
CHANGES = ("link", "unlink", "credit", "fewer units", "review", "posttest of 2")
REGISTRATIONS = (uuid.UUID(int=1), uuid.UUID(int=1), uuid.UUID(int=2))
# both sides of new year, of 72 hours before NOW, and one instant twice
TIMES = (
    "2025-12-30T12:00:00",
    "2026-01-01T07:59:59.999999",
    "2026-01-01T08:00:00",
    "2026-02-01T12:00:00",
    "2026-02-01T12:00:00",
    "2026-02-03T12:00:00",
    "2026-03-01T12:00:00",
    "2026-04-01T12:00:00",
)
RESULTS: tuple[dict[str, Any], ...] = (
    {"score": {"scaled": 0.79}},
    {"score": {"scaled": 0.8}},
    {"score": {"raw": 41, "min": 0, "max": 50}},
    {"score": {"raw": 90}},
    {"completion": True},
    {"completion": True, "success": True, "score": {"scaled": 1}},
    {},
)
SHOWN = (
    ("registered", COURSE),
    ("completed", PRETEST),
    ("completed", LESSON),
    ("completed", POSTTEST),
    ("passed", POSTTEST),
    ("passed", POSTTEST),
    ("failed", POSTTEST),
    ("suspended", POSTTEST),
    ("terminated", POSTTEST),
    ("progressed", POSTTEST),
    ("attested", COURSE),
)


@dataclass
class Story:
    """Statements, changes of the catalogue, and an order to store them in."""

    statements: list[dict[str, Any]]
    changes: list[str]
    seed: int

    def shuffled(self) -> list[dict[str, Any]]:
        mixed = list(self.statements)
        random.Random(self.seed).shuffle(mixed)  # noqa: S311 - an order, no secret
        return mixed


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Mostly one learner's way, finished or nearly so, with more beside it."""
    statements = []
    if draw(st.integers(0, 4)):
        statements = whole_way(
            at("2026-02-01T12:00:00"),
            scaled=draw(st.sampled_from(["0.8", "0.9", "0.79"])),
        )
        for one in statements:
            one["id"] = str(draw(st.uuids(version=4)))
            one["context"]["registration"] = str(REGISTRATIONS[0])
    for name, activity in draw(st.lists(st.sampled_from(SHOWN), max_size=8)):
        result = {}
        if name not in {"registered", "attested"}:
            result = draw(st.sampled_from(RESULTS))
        statements.append(
            said(
                name,
                activity,
                at(draw(st.sampled_from(TIMES))),
                id=draw(st.uuids(version=4)),
                result=result,
                registration=draw(st.sampled_from(REGISTRATIONS)),
                actor=draw(st.sampled_from(ACTORS)),
                revision=draw(st.sampled_from(REVISIONS)),
                extensions={"position": "sworn"} if name == "registered" else None,
            )
        )
    if draw(st.booleans()) and statements:
        voided = draw(st.sets(st.integers(0, len(statements) - 1), max_size=2))
        for index in sorted(voided):
            void = voiding(statements[index], at("2026-02-10T12:00:00"))
            void["id"] = str(draw(st.uuids(version=4)))
            statements.append(void)
    changes = draw(st.lists(st.sampled_from(CHANGES), max_size=3))
    return Story(statements, changes, draw(st.integers(0, 2**32)))


def change(db: Session, what: str, statements: Sequence[dict[str, Any]]) -> None:
    """Make one change of the catalogue."""
    second = "mbox::mailto:second@agency.example"
    here: dict[str, Any] = {"tenant": MAIN_TENANT, "now": NOW}
    if what == "link":
        link(db, ifi=second, to=LEARNER_IFI, why="POST-ID", **here)
    elif what == "unlink":
        unlink(db, ifi=LEARNER_IFI, why="a mistake", **here)
    elif what == "credit":
        later = at("2026-02-02T00:00:00")
        record_offer(db, now=NOW, credit=Decimal(1), effective_from=later)
    elif what == "fewer units":
        catalogue.record_structure(
            db, course_iri=COURSE, revision="2", units=UNITS[2:], **here
        )
    elif what == "review":
        catalogue.record_review(
            db,
            statement_id=uuid.UUID(min(one["id"] for one in statements)),
            clock="stored",
            reason="",
            by="operator",
            **here,
        )
    else:
        catalogue.set_role(
            db,
            course_iri=COURSE,
            activity_iri=POSTTEST,
            role="posttest",
            revision="2",
            **here,
        )


def write(db: Session, statements: Sequence[dict[str, Any]], *, repeat: bool) -> None:
    """Store statements; each with the same `stored` in whatever order they come."""
    store(db, *statements, now=NOW)
    for one in statements:
        id = uuid.UUID(one["id"])
        db.execute(
            update(Statement)
            .where(Statement.statement_id == id)
            .values(stored=NOW + timedelta(microseconds=id.int % 10**9))
        )
    if repeat:
        # an honest retry of all that was sent
        store(db, *statements, now=NOW)


def run(
    db: Session,
    statements: Sequence[dict[str, Any]],
    changes: Sequence[str],
    *,
    seed: int,
    repeat: bool,
) -> tuple[set[Any], list[Any], list[Any]]:
    """The net state, the rows and the replayed rows, after storing in this order.

    Changes keep their own order, but come anywhere between the statements.
    """
    to_make = list(changes) if statements else []
    choose = random.Random(seed)  # noqa: S311
    before = db.begin_nested()
    offer_course(db, now=NOW)
    follow(db, NOW)
    waiting: list[dict[str, Any]] = []
    for one in statements:
        waiting.append(one)
        if to_make and choose.random() < 0.2:
            change(db, to_make.pop(0), statements)
        if choose.random() < 0.4:
            write(db, waiting, repeat=repeat)
            waiting = []
            if choose.random() < 0.6:
                follow(db, NOW)
    if waiting:
        write(db, waiting, repeat=repeat)
    for what in to_make:
        change(db, what, statements)
    follow(db, NOW)
    found = net(db)
    first = rows(db)
    again = replayed(db, NOW)
    before.rollback()
    db.expunge_all()
    return found, first, again


def check_story(db: Session, story: Story) -> bool:
    """Whether the story earned something; fails where the order made a difference."""
    straight, first, again = run(
        db, story.statements, story.changes, seed=story.seed, repeat=False
    )
    assert first == again
    mixed, first, again = run(
        db, story.shuffled(), story.changes, seed=story.seed + 1, repeat=True
    )
    assert first == again
    assert straight == mixed
    return bool(straight)


def search(
    db: Session, *, examples: int, phases: Sequence[Phase] = tuple(Phase)
) -> int:
    """Let hypothesis look for a story that breaks the rule; how many awarded."""
    awarded = 0

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(stories())
    def check(story: Story) -> None:
        nonlocal awarded
        awarded += check_story(db, story)

    check()
    return awarded


def test_every_order_gives_one_net_state(db: Session) -> None:
    # stories that never earn anything would prove little
    on_sqlite = db.get_bind().dialect.name == "sqlite"
    assert search(db, examples=50 if on_sqlite else 20) >= (10 if on_sqlite else 3)


def caught(engine: Engine) -> None:
    """The search fails, as it must for a rule that depends on the order."""
    with Session(engine) as db, db.begin(), pytest.raises(AssertionError):
        search(db, examples=80, phases=[Phase.generate])


def test_rules_that_look_at_the_newest_result_only_are_caught(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = derive.fold

    def newest_result(observations: Sequence[Any], **rest: Any) -> Any:
        scored = [one.seq for one in observations if one.score is not None]
        kept = [
            one if one.seq == max(scored, default=0) else replace(one, score=None)
            for one in observations
        ]
        return real(kept, **rest)

    monkeypatch.setattr(derive, "fold", newest_result)
    caught(sqlite_engine)


def test_ties_broken_by_arrival_are_caught(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = derive.fold

    def by_arrival(observations: Sequence[Any], **rest: Any) -> Any:
        delayed = [
            replace(
                one,
                evidence=replace(
                    one.evidence,
                    at=one.evidence.at + timedelta(microseconds=one.seq),
                ),
            )
            for one in observations
        ]
        return real(delayed, **rest)

    monkeypatch.setattr(derive, "fold", by_arrival)
    caught(sqlite_engine)


def test_rules_that_see_the_whole_batch_are_caught(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # then the ledger depends on how the log was cut into pieces
    monkeypatch.setattr(Seen, "stands", lambda one, _seq: one.voided_seq is None)
    caught(sqlite_engine)
