from __future__ import annotations

import threading
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading, writing
from lrs.jobs import Job
from lrs.persons import link, unlink
from lrs.rules import catalogue, derive, ledger
from lrs.rules.catalogue import note_change
from lrs.rules.derive import catch_up, handle_changed
from lrs.rules.explain import explain
from lrs.rules.tables import Award, RulesCursor, Standing
from lrs.tables import MAIN_TENANT, key_of
from statements.vocabulary import extension
from tests.lrs.rules.builders import (
    COURSE,
    LEARNER_IFI,
    LESSON,
    POSTTEST,
    REGISTRATION,
    UNITS,
    at,
    offer_course,
    record_offer,
    said,
    store,
    voiding,
    whole_way,
)
from tests.lrs.rules.runs import check_replay, follow, kinds, net

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.parts import Parts


def test_the_whole_way_earns_completion_and_credit(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    completion, credit = db.scalars(select(Award).order_by(Award.number)).all()
    assert (completion.kind, credit.kind) == ("completion", "credit")
    assert completion.at == at("2026-02-01T13:00:00")
    assert completion.ready_at == at("2026-02-01T14:00:00")
    assert completion.scaled == Decimal("0.9")
    assert completion.ifi == LEARNER_IFI
    assert (credit.credit, credit.cycle, credit.period) == (
        Decimal(4),
        "cpt-2025",
        "2026",
    )
    assert credit.completion == completion.award
    jobs = db.scalars(select(Job).where(Job.kind == "completion.derived")).all()
    assert [job.payload["award"] for job in jobs] == [str(completion.award)]
    check_replay(db, now)
    # a replay tells nobody
    assert len(db.scalars(select(Job).where(Job.kind.like("completion.%"))).all()) == 1


def test_a_voided_result_takes_the_award_back(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    way = whole_way(at("2026-02-01T10:00:00"))
    store(db, *way, now=now)
    follow(db, now)
    store(db, voiding(way[4], now), now=now)
    follow(db, now)
    assert kinds(db) == [
        "completion award",
        "credit award",
        "completion reversal",
        "credit reversal",
    ]
    assert net(db) == set()
    told = explain(
        db,
        tenant=MAIN_TENANT,
        ifi=LEARNER_IFI,
        course_iri=COURSE,
        registration=REGISTRATION,
    )
    assert [one.code for one in told.reasons] == ["score_missing"]
    # a retake earns it again, under another id
    retake = said("passed", POSTTEST, at("2026-02-05T10:00:00"), score={"scaled": 1})
    attested = said("attested", COURSE, at("2026-02-05T11:00:00"))
    store(db, retake, attested, now=now)
    follow(db, now)
    assert len(net(db)) == 2
    assert len({one.award for one in db.scalars(select(Award))}) == 4
    jobs = db.scalars(select(Job.kind).where(Job.kind.like("completion.%"))).all()
    assert sorted(jobs) == [
        "completion.derived",
        "completion.derived",
        "completion.reversed",
    ]
    check_replay(db, now)


def test_another_authority_voids_nothing(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    way = whole_way(at("2026-02-01T10:00:00"))
    foreign = {"account": {"homePage": "https://other.example", "name": "x"}}
    # it comes first, so the write path cannot refuse it
    store(db, voiding(way[4], now), now=now, authority=foreign)
    store(db, *way, now=now)
    follow(db, now)
    assert len(net(db)) == 2
    check_replay(db, now)


FOREIGN = {"account": {"homePage": "https://other.example", "name": "0f" * 16}}


@pytest.mark.parametrize("enrols", ["before", "after", "never"])
def test_another_system_cannot_complete_for_a_learner(
    db: Session, now: datetime, enrols: str
) -> None:
    offer_course(db, now=now, audience=["sworn"])
    start = at("2026-02-01T10:00:00")
    enrolled = said("registered", COURSE, start, extensions={"position": "sworn"})
    if enrols == "before":
        store(db, enrolled, now=now)
    store(db, *whole_way(start), now=now, authority=FOREIGN)
    follow(db, now)
    if enrols == "after":
        store(db, enrolled, now=now)
    follow(db, now)
    assert kinds(db) == []
    told = explain(
        db,
        tenant=MAIN_TENANT,
        ifi=LEARNER_IFI,
        course_iri=COURSE,
        registration=REGISTRATION,
    )
    codes = {one.code for one in told.reasons}
    assert ("attestation_missing" if enrols == "never" else "score_missing") in codes
    check_replay(db, now)


def test_results_of_another_system_count_where_they_are_its_own(
    db: Session, now: datetime
) -> None:
    offer_course(db, now=now, policy="post.credit")
    elsewhere = uuid.uuid4()
    start = at("2026-02-01T10:00:00")
    done = [
        said("completed", unit.iri, start, registration=elsewhere) for unit in UNITS
    ]
    store(db, *done, now=now, authority=FOREIGN)
    follow(db, now)
    assert kinds(db)[:1] == ["completion award"]
    check_replay(db, now)


def test_two_first_runs_at_once_share_one_cursor(
    parts: Parts, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, both = parts.engine, threading.Barrier(2)
    failures: list[Exception] = []
    found = derive.insert_new

    def insert(*given: Any, **values: Any) -> bool:
        if engine.dialect.name == "postgresql":
            both.wait(30)
        return found(*given, **values)

    def run() -> None:
        try:
            with writing(engine) as db:
                catch_up(db, tenant=MAIN_TENANT, now=now)
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    monkeypatch.setattr(derive, "insert_new", insert)
    runs = [threading.Thread(target=run) for _ in range(2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert failures == []
    with reading(engine) as db:
        assert len(db.scalars(select(RulesCursor)).all()) == 1


def test_a_void_that_comes_first_holds(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    way = whole_way(at("2026-02-01T10:00:00"))
    store(db, voiding(way[4], now), now=now)
    follow(db, now)
    store(db, *way, now=now)
    follow(db, now)
    assert kinds(db) == []


def test_79_percent_earns_nothing_and_is_told_why(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    store(db, *whole_way(at("2026-02-01T10:00:00"), scaled="0.79"), now=now)
    follow(db, now)
    assert net(db) == set()
    told = explain(
        db,
        tenant=MAIN_TENANT,
        ifi=LEARNER_IFI,
        course_iri=COURSE,
        registration=REGISTRATION,
    )
    assert told.outcome == "incomplete"
    (reason,) = told.reasons
    assert reason.text == (
        "Your post-test score was 79%. This course needs 80% or more."
        " You can take the post-test again."
    )


def test_credit_is_given_once_for_two_deliveries_of_a_product(
    db: Session, now: datetime
) -> None:
    # the self-paced course, and the one an agency facilitates (***): 4, not 8
    offer_course(db, now=now, policy="post.credit", product="evidence")
    classroom = f"{COURSE}-facilitated"
    record_offer(
        db,
        now=now,
        course_iri=classroom,
        policy="post.facilitated",
        product="evidence",
    )
    roster = said(
        "attended",
        classroom,
        at("2026-01-15T10:00:00"),
        registration=None,
        course=classroom,
    )
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    assert sum(one.credit or 0 for one in ledger.find_awards(db, tenant=1)) == 4
    store(db, roster, now=now)
    follow(db, now)
    found = ledger.find_awards(db, tenant=MAIN_TENANT, kind="credit")
    # the earlier completion has it now
    assert [(one.course_iri, one.credit) for one in found] == [(classroom, Decimal(4))]
    assert len(ledger.find_awards(db, tenant=MAIN_TENANT, kind="completion")) == 2
    check_replay(db, now)


@pytest.mark.parametrize(
    ("period", "credits"),
    [("calendar-year", ["2025", "2026"]), ("cycle", ["cpt-2025"])],
)
def test_credit_once_in_the_own_period_of_the_product(
    db: Session, now: datetime, period: str, credits: list[str]
) -> None:
    # the yearly pursuit course counts in both years of one cycle, others once
    offer_course(db, now=now, policy="post.credit", period=period)
    for number, start in ((1, "2025-05-01T10:00:00"), (2, "2026-02-01T10:00:00")):
        way = whole_way(at(start))
        for one in way:
            one["context"]["registration"] = str(uuid.UUID(int=number))
        # each stored the day after it happened
        store(db, *way, now=at(start).replace(day=2))
        follow(db, now)
    found = ledger.find_awards(db, tenant=MAIN_TENANT, kind="credit")
    assert [one.period for one in found] == credits
    assert {one.cycle for one in found} == {"cpt-2025"}
    check_replay(db, now)


def test_the_value_in_force_at_completion_counts(db: Session, now: datetime) -> None:
    offer_course(db, now=now, credit=Decimal(2))
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    record_offer(db, now=now, credit=Decimal(0), effective_from=at("2026-02-15T00:00"))
    follow(db, now)
    way = whole_way(at("2026-02-20T10:00:00"))
    other = {"account": {"homePage": "https://portal.example", "name": "another"}}
    for one in way:
        one["actor"] = other
    store(db, *way, now=now)
    follow(db, now)
    found = ledger.find_awards(db, tenant=MAIN_TENANT, kind="credit")
    assert [one.credit for one in found] == [Decimal(2), Decimal(0)]
    check_replay(db, now)


def test_a_late_confirmation_of_the_post_test_decides_anew(
    db: Session, now: datetime
) -> None:
    catalogue.record_structure(
        db, tenant=MAIN_TENANT, course_iri=COURSE, revision="1", units=UNITS, now=now
    )
    catalogue.set_role(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        activity_iri=POSTTEST,
        role="posttest",
        proposed=True,
        now=now,
    )
    record_offer(db, now=now)
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    (standing,) = db.scalars(select(Standing)).all()
    assert [one["code"] for one in standing.decision["reasons"]] == ["role_missing"]
    catalogue.set_role(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        activity_iri=POSTTEST,
        role="posttest",
        by="author",
        now=now,
    )
    # no statement follows: the change alone is enough
    follow(db, now)
    assert len(net(db)) == 2
    check_replay(db, now)


def test_an_offer_recorded_after_the_fact_finds_the_statements(
    db: Session, now: datetime
) -> None:
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    assert db.scalars(select(Standing)).all() == []
    offer_course(db, now=now)
    follow(db, now)
    assert len(net(db)) == 2
    check_replay(db, now)


def test_linking_joins_the_work_of_two_identifiers(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    mail = {"mbox": "mailto:officer@agency.example"}
    way = whole_way(at("2026-02-01T10:00:00"))
    for one in way[3:5]:
        one["actor"] = mail
    store(db, *way, now=now)
    follow(db, now)
    assert net(db) == set()
    ifi = "mbox::mailto:officer@agency.example"
    link(db, tenant=MAIN_TENANT, ifi=ifi, to=LEARNER_IFI, why="POST-ID", now=now)
    follow(db, now)
    assert len(net(db)) == 2
    unlink(db, tenant=MAIN_TENANT, ifi=ifi, why="a mistake", now=now)
    follow(db, now)
    assert net(db) == set()
    assert len(kinds(db)) == 4
    check_replay(db, now)


def test_a_merge_moves_the_award_under_the_same_id(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    before = {one.award: one.person for one in ledger.find_awards(db, tenant=1)}
    ifi = "mbox::mailto:officer@agency.example"
    person = link(db, tenant=MAIN_TENANT, ifi=LEARNER_IFI, to=ifi, why="merge", now=now)
    follow(db, now)
    after = {one.award: one.person for one in ledger.find_awards(db, tenant=1)}
    assert before.keys() == after.keys()
    assert set(after.values()) == {person}
    assert person not in before.values()
    check_replay(db, now)


def test_a_held_statement_waits_for_a_person(db: Session, now: datetime) -> None:
    # done in December, arrived in March: another session
    offer_course(db, now=now)
    way = whole_way(at("2025-12-10T10:00:00"))
    store(db, *way[:4], now=at("2025-12-11T10:00:00"))
    store(db, *way[4:], now=now)
    follow(db, now)
    (standing,) = db.scalars(select(Standing)).all()
    assert standing.outcome == "held"
    catalogue.record_review(
        db,
        tenant=MAIN_TENANT,
        statement_id=uuid.UUID(way[4]["id"]),
        clock="timestamp",
        reason="the agency was offline",
        by="operator",
        now=now,
    )
    follow(db, now)
    found = ledger.find_awards(db, tenant=MAIN_TENANT, kind="completion")
    assert [one.term for one in found] == ["2025"]
    check_replay(db, now)


def test_without_an_offer_nothing_is_awarded(db: Session, now: datetime) -> None:
    catalogue.record_structure(
        db, tenant=MAIN_TENANT, course_iri=COURSE, revision="1", units=UNITS, now=now
    )
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    (standing,) = db.scalars(select(Standing)).all()
    assert (standing.outcome, standing.award) == ("complete", None)
    assert kinds(db) == []


def test_the_job_applies_changes_without_waiting_for_a_statement(
    parts: Parts, now: datetime
) -> None:
    with writing(parts.engine) as db:
        store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    with writing(parts.engine) as db:
        follow(db, now)
        offer_course(db, now=now)
    handle_changed(parts, {"tenant": MAIN_TENANT}, now)
    # at least once means twice
    handle_changed(parts, {"tenant": MAIN_TENANT}, now)
    with reading(parts.engine) as db:
        assert len(net(db)) == 2
        assert len(kinds(db)) == 2


def test_changes_wait_for_the_statements_before_them(
    db: Session, now: datetime
) -> None:
    # the log is not read yet: a change made after it must not overtake it
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    offer_course(db, now=now)
    catch_up(db, tenant=MAIN_TENANT, now=now)
    assert db.get_one(RulesCursor, MAIN_TENANT).change == 0
    follow(db, now)
    assert len(net(db)) == 2
    check_replay(db, now)


def test_what_voids_or_reviews_nothing_known_does_nothing(
    db: Session, now: datetime
) -> None:
    offer_course(db, now=now)
    began = said("initialized", LESSON, now)
    unknown = {"id": str(uuid.uuid4())}
    store(db, began, voiding(began, now), voiding(unknown, now), now=now)
    later = whole_way(at("2026-02-01T10:00:00"))
    for statement_id in (uuid.uuid4(), uuid.UUID(later[4]["id"])):
        catalogue.record_review(
            db,
            tenant=MAIN_TENANT,
            statement_id=statement_id,
            clock="stored",
            reason="",
            by="operator",
            now=now,
        )
    follow(db, now)
    assert db.scalars(select(Standing)).all() == []
    # a review may come before its statement
    store(db, *later, now=now)
    follow(db, now)
    (standing,) = db.scalars(select(Standing)).all()
    assert standing.outcome == "awaiting_attestation"
    check_replay(db, now)


def test_what_comes_after_completion_changes_nothing(
    db: Session, now: datetime
) -> None:
    offer_course(db, now=now)
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    follow(db, now)
    (before,) = db.scalars(select(Standing.cause_seq)).all()
    more = [
        said("terminated", POSTTEST, at("2026-02-02T10:00:00"), score={"scaled": 0}),
        said("attested", COURSE, at("2026-02-02T10:00:00")),
    ]
    store(db, *more, now=now)
    follow(db, now)
    assert db.scalars(select(Standing.cause_seq)).all() == [before]
    assert len(kinds(db)) == 2


@pytest.mark.parametrize(
    ("late", "moves"),
    [
        # earlier evidence, though it came later, is the first attempt
        (
            said("passed", POSTTEST, at("2026-02-01T12:30:00"), score={"scaled": 1}),
            True,
        ),
        (
            said("passed", POSTTEST, at("2026-02-01T13:30:00"), score={"scaled": 1}),
            False,
        ),
        (said("attested", COURSE, at("2026-02-01T13:30:00")), True),
        # the registration says when the term began
        (said("registered", COURSE, at("2026-02-05T13:30:00")), False),
        # nothing named a revision before: this one has other units
        (said("completed", LESSON, at("2026-02-05T13:30:00"), revision="2"), True),
    ],
)
def test_what_is_late_but_earlier_is_decided_anew(
    db: Session, now: datetime, late: dict[str, Any], *, moves: bool
) -> None:
    offer_course(db, now=now)
    catalogue.record_structure(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        revision="2",
        units=UNITS[1:],
        now=now,
    )
    catalogue.set_role(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        activity_iri=POSTTEST,
        role="posttest",
        revision="2",
        now=now,
    )
    way = whole_way(at("2026-02-01T10:00:00"))
    if late["context"]["revision"] == "2":
        for one in way:
            del one["context"]["revision"]
    store(db, *way, now=now)
    follow(db, now)
    before = net(db)
    assert len(before) == 2
    store(db, late, now=now)
    follow(db, now)
    assert (net(db) != before) == moves
    check_replay(db, now)


def test_registering_late_can_move_the_term(db: Session, now: datetime) -> None:
    # begun in December without registering, finished in January: no one session
    offer_course(db, now=now)
    way = whole_way(at("2025-12-31T23:00:00"))[1:]
    way += [
        said("completed", LESSON, at("2026-01-10T10:00:00")),
        said("attested", COURSE, at("2026-01-10T11:00:00")),
    ]
    for one in way:
        store(db, one, now=at(one["timestamp"]))
    follow(db, now)
    assert net(db) != set()
    before = {one.term for one in ledger.find_awards(db, tenant=MAIN_TENANT)}
    registered = said("registered", COURSE, at("2026-01-11T10:00:00"))
    store(db, registered, now=at("2026-01-11T10:00:00"))
    follow(db, now)
    after = {one.term for one in ledger.find_awards(db, tenant=MAIN_TENANT)}
    assert (before, after) == ({"2025"}, {"2026"})
    check_replay(db, now)


def test_what_shows_nothing_about_a_person_is_passed_over(
    db: Session, now: datetime
) -> None:
    offer_course(db, now=now)
    team = {"objectType": "Group", "mbox": "mailto:team@agency.example"}
    nobody = {"objectType": "Group", "member": [{"mbox": "mailto:a@agency.example"}]}
    inside = f"{LESSON}/interactions/q1"
    shown = [
        said("completed", LESSON, at("2026-02-01T10:00:00"), actor=team),
        said("completed", LESSON, at("2026-02-01T10:00:00"), actor=nobody),
        said("completed", "https://elsewhere.example/x", at("2026-02-01T10:00:00")),
        # an answer inside a lesson is not about any unit or test
        said("responded", inside, at("2026-02-01T10:00:00"), score={"scaled": 1}),
    ]
    shown[2]["context"]["contextActivities"] = {}
    store(db, *shown, now=now)
    follow(db, now)
    assert db.scalars(select(Standing)).all() == []
    record_offer(db, now=now, credit=Decimal(1))
    follow(db, now)
    assert db.scalars(select(Standing)).all() == []
    # but where the person is at work is told anywhere inside the course
    told = said(
        "responded",
        inside,
        at("2026-02-01T10:00:00"),
        extensions={"position": "dispatcher"},
    )
    store(db, told, now=now)
    follow(db, now)
    assert len(db.scalars(select(Standing)).all()) == 1


def test_a_change_of_a_course_without_rows_touches_nobody(
    db: Session, now: datetime
) -> None:
    store(db, *whole_way(at("2026-02-01T10:00:00")), now=now)
    note_change(
        db, tenant=MAIN_TENANT, kind="offer", course_key=key_of(COURSE), now=now
    )
    follow(db, now)
    assert db.get_one(RulesCursor, MAIN_TENANT).change == 1
    assert db.scalars(select(Standing)).all() == []


def test_publishing_a_revision_leaves_those_on_another_alone(
    db: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_course(db, now=now)
    way = whole_way(at("2026-02-01T10:00:00"))
    store(db, *way, now=now)
    follow(db, now)
    decided: list[str] = []
    real = derive.fold

    def counting(seen: Any, **rest: Any) -> Any:
        facts = real(seen, **rest)
        decided.append(facts.revision)
        return facts

    monkeypatch.setattr(derive, "fold", counting)
    catalogue.record_structure(
        db, tenant=MAIN_TENANT, course_iri=COURSE, revision="2", units=UNITS, now=now
    )
    for unit in UNITS:
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            activity_iri=unit.iri,
            role="unit",
            revision="2",
            now=now,
        )
    follow(db, now)
    # once: the lesson had no role before, and now is one more activity of the course
    assert len(decided) <= 1
    decided.clear()
    catalogue.set_role(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        activity_iri=POSTTEST,
        role="unit",
        revision="1",
        now=now,
    )
    follow(db, now)
    assert decided == ["1"]
    assert net(db) == set()
    check_replay(db, now)


def test_no_statement_stops_the_log(db: Session, now: datetime) -> None:
    offer_course(db, now=now)
    way = whole_way(at("2026-02-01T10:00:00"))
    for one in way:
        one["context"]["revision"] = "r" * 150
    way[0]["context"]["extensions"] = {extension("position"): "s" * 5000}
    store(db, *way, now=now)
    follow(db, now)
    # an unknown revision is judged by the newest
    assert len(net(db)) == 2
