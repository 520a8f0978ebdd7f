"""The planted score of a pre-test, and who must not see the statement it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select

from lrs.rules import catalogue
from lrs.rules.wall import pretest_wall
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, Reference, Statement
from statements.prepare import prepare
from tests.lrs.rules.builders import (
    AUTHORITY,
    COURSE,
    LESSON,
    POSTTEST,
    PRETEST,
    at,
    said,
    store,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

START = at("2026-02-01T10:00:00")
SCORE = {"scaled": 0.137}
INTERACTION = f"{PRETEST}/interactions/q1"
PART = f"{LESSON}/objectives/warm-up"


def role(db: Session, now: datetime, activity: str, what: str, **rest: Any) -> None:
    catalogue.set_role(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        activity_iri=activity,
        role=what,
        now=now,
        **rest,
    )


def statements() -> dict[str, dict[str, Any]]:
    """Statements by a word for what they are."""
    inside = {"contextActivities": {"parent": [{"id": PRETEST}]}}

    def quoting(activity: str) -> dict[str, Any]:
        whole = said("passed", activity, START, score=SCORE)
        sub = {key: whole[key] for key in ("actor", "verb", "object", "result")}
        found = said("commented", LESSON, START, revision=None)
        return found | {"object": {"objectType": "SubStatement", **sub}}

    found = {
        "pretest": said("scored", PRETEST, START, score=SCORE),
        "pretest began": said("initialized", PRETEST, START),
        "pretest closed": said("terminated", PRETEST, START, score=SCORE),
        "pretest question": said("responded", INTERACTION, START),
        "pretest in a sub-statement": quoting(PRETEST),
        "course score in a sub-statement": quoting(COURSE),
        "course score": said("scored", COURSE, START, score=SCORE),
        "course": said("completed", COURSE, START),
        "lesson": said("completed", LESSON, START),
        "lesson score": said("completed", LESSON, START, score=SCORE),
        "part": said("scored", PART, START, score=SCORE),
        "post-test": said("passed", POSTTEST, START, score={"scaled": 0.9}),
        "registered": said("registered", COURSE, START),
    }
    found["pretest question"]["context"] |= inside
    return found


def seen(db: Session, now: datetime) -> set[str]:
    """What an ordinary reader sees, by the query and by each statement itself."""
    named = statements()
    names = {one["id"]: name for name, one in named.items()}
    store(db, *named.values(), now=now)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    rows = db.scalars(select(Statement.payload).where(~wall.condition(db)))
    by_query = {names[orjson.loads(row)["id"]] for row in rows}
    by_statement = {name for name, one in named.items() if not wall.is_hidden(one)}
    assert by_query == by_statement
    return by_query


ALL = set(statements())
COURSE_SCORES = {"course score", "course score in a sub-statement"}
ABOUT_THE_PRETEST = {
    "pretest",
    "pretest began",
    "pretest closed",
    "pretest question",
    "pretest in a sub-statement",
}


def test_without_roles_everything_is_seen(db: Session, now: datetime) -> None:
    assert seen(db, now) == ALL


@pytest.mark.parametrize("proposed", [True, False])
def test_a_pretest_is_hidden_whole_confirmed_or_not(
    db: Session, now: datetime, *, proposed: bool
) -> None:
    role(db, now, PRETEST, "pretest", proposed=proposed)
    role(db, now, POSTTEST, "posttest")
    assert seen(db, now) == ALL - ABOUT_THE_PRETEST - COURSE_SCORES
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    assert wall.hides_activity(PRETEST)
    assert not wall.hides_activity(POSTTEST)


def test_an_unconfirmed_post_test_counts_as_a_pretest(
    db: Session, now: datetime
) -> None:
    role(db, now, POSTTEST, "posttest", proposed=True)
    assert seen(db, now) == ALL - COURSE_SCORES - {"post-test"}


@pytest.mark.parametrize("what", ["posttest", "unit"])
def test_a_late_confirmation_works_backwards(
    db: Session, now: datetime, what: str
) -> None:
    role(db, now, PRETEST, "pretest", proposed=True)
    role(db, now, PRETEST, what)
    assert seen(db, now) == ALL


def test_a_late_confirmation_as_pretest_hides_what_was_seen(
    db: Session, now: datetime
) -> None:
    role(db, now, PRETEST, "posttest", proposed=False)
    role(db, now, PRETEST, "pretest", proposed=False)
    assert seen(db, now) == ALL - ABOUT_THE_PRETEST - COURSE_SCORES


def test_a_score_of_the_unit_around_a_pretest_would_tell_it(
    db: Session, now: datetime
) -> None:
    role(db, now, PART, "pretest", unit_iri=LESSON)
    assert seen(db, now) == ALL - COURSE_SCORES - {"part", "lesson score"}


def test_a_confirmed_post_test_around_a_pretest_is_shown(
    db: Session, now: datetime
) -> None:
    role(db, now, PART, "pretest", unit_iri=LESSON)
    role(db, now, LESSON, "posttest")
    assert seen(db, now) == ALL - COURSE_SCORES - {"part"}


def test_a_new_revision_does_not_hide_the_confirmed_post_test(
    db: Session, now: datetime
) -> None:
    role(db, now, POSTTEST, "posttest", revision="1")
    role(db, now, POSTTEST, "posttest", revision="2", proposed=True)
    assert seen(db, now) == ALL
    # but what may be a pre-test in the new one is hidden
    role(db, now, LESSON, "unit", revision="1")
    role(db, now, LESSON, "pretest", revision="2", proposed=True)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    assert wall.hides_activity(LESSON)


def test_the_wall_of_one_tenant_hides_nothing_of_another(
    db: Session, now: datetime
) -> None:
    role(db, now, PRETEST, "pretest")
    assert not pretest_wall(db, tenant=2).hides_activity(PRETEST)


def test_what_is_asked_about_documents_and_scores(db: Session, now: datetime) -> None:
    role(db, now, PART, "pretest", unit_iri=LESSON)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    assert wall.hides_activity(PART)
    assert not wall.hides_activity(LESSON)
    assert [wall.hides_score_of(one) for one in (PART, LESSON, COURSE, POSTTEST)] == [
        True,
        True,
        True,
        False,
    ]


def test_the_condition_holds_inside_a_query_over_references(
    db: Session, now: datetime
) -> None:
    role(db, now, PRETEST, "pretest")
    named = statements()
    store(db, *named.values(), now=now)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    rows = db.scalars(
        select(Statement.payload)
        .join(
            Reference,
            (Reference.tenant_id == Statement.tenant_id)
            & (Reference.seq == Statement.seq),
        )
        .where(Reference.usage == "actor", ~wall.condition(db))
    )
    shown = {orjson.loads(row)["id"] for row in rows}
    assert shown == {one["id"] for one in named.values() if not wall.is_hidden(one)}


def test_a_score_is_found_however_it_is_spelled(db: Session, now: datetime) -> None:
    role(db, now, PRETEST, "pretest")
    named = statements()
    for name in COURSE_SCORES:
        raw = orjson.dumps(named[name]).replace(b'"score"', b'"scor\\u0065"')
        assert b'"score"' not in raw
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(named[name], raw, now=now)],
            authority=AUTHORITY,
            now=now,
        )
    store(db, named["course"], now=now)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    rows = db.scalars(select(Statement.payload).where(~wall.condition(db)))
    assert [orjson.loads(row)["id"] for row in rows] == [named["course"]["id"]]


def test_only_a_score_hides_and_no_other_member_of_that_name(
    db: Session, now: datetime
) -> None:
    role(db, now, PRETEST, "pretest")
    one = said("completed", COURSE, START, result={"response": '"score"'})
    store(db, one, now=now)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    rows = db.scalars(select(Statement.payload).where(~wall.condition(db)))
    assert len(rows.all()) == 1
    assert not wall.is_hidden(one)


@pytest.mark.parametrize("is_reference_first", [False, True])
@pytest.mark.parametrize("steps", [1, 2])
def test_a_score_that_refers_to_a_hidden_one_is_hidden(
    db: Session, now: datetime, steps: int, *, is_reference_first: bool
) -> None:
    """Whichever came first; only what is behind the wall, and only a score."""

    def referring(target: dict[str, Any], **result: Any) -> dict[str, Any]:
        found = said("commented", LESSON, START, revision=None, **result)
        return found | {"object": {"objectType": "StatementRef", "id": target["id"]}}

    role(db, now, PRETEST, "pretest")
    named = statements()
    told, shown = [], []
    for name in ("pretest began", "course", "course score in a sub-statement"):
        target = named[name]
        for _ in range(steps - 1):
            target = referring(target)
            shown.append(target)
        told.append(referring(target, score=SCORE))
        shown.append(referring(target))
    shown += [referring(named[name], score=SCORE) for name in ("lesson", "post-test")]
    targets = list(named.values())
    batches = [told + shown, targets]
    for batch in batches if is_reference_first else reversed(batches):
        store(db, *batch, now=now)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    rows = db.scalars(select(Statement.payload).where(~wall.condition(db)))
    found = {orjson.loads(row)["id"] for row in rows}
    assert not found & {one["id"] for one in told}
    assert found >= {one["id"] for one in shown}


def test_a_score_in_a_sub_statement_that_refers_to_another_is_hidden(
    db: Session, now: datetime
) -> None:
    """What it refers to is not looked at; a score on what refers to it goes with it."""
    role(db, now, PRETEST, "pretest")
    pretest = statements()["pretest"]

    def quoting(**more: Any) -> dict[str, Any]:
        whole = said("passed", LESSON, START, **more)
        members = whole.keys() & {"actor", "verb", "result"}
        sub = {key: whole[key] for key in members} | referring(pretest)
        found = said("commented", LESSON, START, revision=None)
        return found | {"object": {"objectType": "SubStatement"} | sub}

    def referring(target: dict[str, Any]) -> dict[str, Any]:
        return {"object": {"objectType": "StatementRef", "id": target["id"]}}

    told, shown = quoting(score=SCORE), quoting()
    about = said("scored", LESSON, START, revision=None, score=SCORE)
    about |= referring(told)
    store(db, told, shown, about, pretest, now=now)
    wall = pretest_wall(db, tenant=MAIN_TENANT)
    rows = db.scalars(select(Statement.payload).where(~wall.condition(db)))
    assert [orjson.loads(row)["id"] for row in rows] == [shown["id"]]
    assert [wall.is_hidden(one) for one in (told, shown)] == [True, False]
