"""The write path: equal, conflict, all or nothing, one order (reliability 4.1, 4.2)."""

from __future__ import annotations

import random
import threading
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

import lrs.store
from lrs.db import reading, writing
from lrs.rules.catalogue import set_role
from lrs.store import store_statements
from lrs.tables import (
    MAIN_TENANT,
    Activity,
    Actor,
    Clock,
    Indirect,
    Reference,
    Statement,
    key_of,
)
from statements.errors import Forbidden, Invalid, StatementConflict, TooLarge
from statements.prepare import prepare
from statements.vocabulary import VOIDED

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

AUTHORITY = {"account": {"homePage": "https://lrs.example", "name": "one"}}
OTHER = {"account": {"homePage": "https://lrs.example", "name": "other"}}


def make(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:learner@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
        "object": {"id": "https://lrs.example/activities/quiz"},
    } | changes


def store(
    engine: Engine,
    now: datetime,
    *statements: dict[str, Any],
    authority: dict[str, Any] = AUTHORITY,
    may_void_any: bool = False,
) -> list[uuid.UUID]:
    with writing(engine) as db:
        return store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(one, now=now) for one in statements],
            authority=authority,
            now=now,
            may_void_any=may_void_any,
        )


def rows(engine: Engine) -> list[Statement]:
    with reading(engine) as db:
        found = list(db.scalars(select(Statement).order_by(Statement.seq)))
        db.expunge_all()
        return found


def test_a_list_is_stored_in_order_with_one_number_each(
    engine: Engine, now: datetime
) -> None:
    made = [make() for _ in range(3)]
    ids = store(engine, now, *made)
    assert [str(one) for one in ids] == [one["id"] for one in made]
    found = rows(engine)
    assert [row.seq for row in found] == [1, 2, 3]
    assert [row.statement_id for row in found] == ids
    assert [row.stored for row in found] == [
        now + timedelta(microseconds=n) for n in range(3)
    ]


def test_stored_grows_even_when_the_clock_steps_back(
    engine: Engine, now: datetime
) -> None:
    store(engine, now, make(), make())
    store(engine, now - timedelta(hours=1), make())
    store(engine, now + timedelta(hours=1), make())
    stored = [row.stored for row in rows(engine)]
    assert stored == sorted(set(stored))
    assert stored[-1] == now + timedelta(hours=1)
    with reading(engine) as db:
        clock = db.get_one(Clock, MAIN_TENANT)
        assert (clock.seq, clock.stored) == (4, stored[-1])


def test_the_same_statement_again_succeeds_and_stores_nothing(
    engine: Engine, now: datetime
) -> None:
    one = make()
    store(engine, now, one)
    assert store(engine, now + timedelta(hours=1), one) == [uuid.UUID(one["id"])]
    assert len(rows(engine)) == 1


def test_known_and_new_statements_mix(engine: Engine, now: datetime) -> None:
    first, second, third = make(), make(), make()
    store(engine, now, first)
    store(engine, now, second, first, third)
    assert [str(row.statement_id) for row in rows(engine)] == [
        first["id"],
        second["id"],
        third["id"],
    ]
    assert [row.seq for row in rows(engine)] == [1, 2, 3]


def test_another_statement_under_a_known_id_is_a_conflict_and_stores_nothing(
    engine: Engine, now: datetime
) -> None:
    one = make()
    store(engine, now, one)
    changed = {**one, "verb": {"id": "http://adlnet.gov/expapi/verbs/failed"}}
    with pytest.raises(StatementConflict, match=one["id"]):
        store(engine, now, make(), changed, make())
    assert len(rows(engine)) == 1


def test_an_id_twice_in_a_list_is_invalid(engine: Engine, now: datetime) -> None:
    one = make()
    with pytest.raises(Invalid) as caught:
        store(engine, now, make(), one, one)
    assert caught.value.extra["path"] == "$[2].id"
    assert rows(engine) == []


def test_references_actors_and_activities_are_indexed(
    engine: Engine, now: datetime
) -> None:
    parent = {
        "id": "https://lrs.example/activities/course",
        "definition": {"name": {"en": "Course"}},
    }
    one = make(context={"contextActivities": {"parent": [parent]}})
    store(engine, now, one)
    with reading(engine) as db:
        found = {
            (row.ref_key, row.usage) for row in db.scalars(select(Reference)).all()
        }
        names = set(db.scalars(select(Actor.ifi)))
        course = db.get_one(Activity, (MAIN_TENANT, key_of(parent["id"])))
    mbox = "mbox::mailto:learner@example.org"
    authority = "account::https://lrs.example|one"
    assert found == {
        (key_of(mbox), "actor"),
        (key_of(authority), "authority"),
        (key_of(one["object"]["id"]), "object"),
        (key_of(parent["id"]), "parent"),
    }
    assert names == {mbox, authority}
    assert course.definition == {"name": {"en": "Course"}}


def test_definitions_merge(engine: Engine, now: datetime) -> None:
    iri = "https://lrs.example/activities/quiz"
    for definition in (
        {"name": {"en": "Quiz"}, "type": "https://lrs.example/types/quiz"},
        {"name": {"es": "Examen"}},
        {"name": {"en": "The quiz"}},
    ):
        store(engine, now, make(object={"id": iri, "definition": definition}))
    store(engine, now, make(object={"id": iri}))
    with reading(engine) as db:
        activity = db.get_one(Activity, (MAIN_TENANT, key_of(iri)))
    assert activity.definition == {
        "name": {"en": "The quiz", "es": "Examen"},
        "type": "https://lrs.example/types/quiz",
    }


@pytest.mark.parametrize("known", [None, {"name": {"en": "Quiz"}, "type": "urn:t"}])
def test_writers_of_one_definition_lose_no_language(
    engine: Engine, now: datetime, known: dict[str, Any] | None
) -> None:
    """The second looks before the first has committed, and writes after it."""
    iri = "https://lrs.example/activities/quiz"

    def about(**definition: Any) -> dict[str, Any]:
        return make(object={"id": iri, "definition": definition})

    if known:
        store(engine, now, about(**known))
    second = threading.Thread(
        target=store,
        args=(engine, now, about(name={"fr": "Épreuve"}, extensions={"urn:a": 1})),
    )
    first = about(name={"es": "Prueba"}, extensions={"urn:b": 2}, moreInfo="urn:m")
    with writing(engine) as db:
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(first, now=now)],
            authority=AUTHORITY,
            now=now,
        )
        second.start()
        wait_for_lock(engine)
    second.join()
    with reading(engine) as db:
        kept = db.get_one(Activity, (MAIN_TENANT, key_of(iri))).definition
    both = {
        "name": {"es": "Prueba", "fr": "Épreuve"},
        "extensions": {"urn:a": 1, "urn:b": 2},
        "moreInfo": "urn:m",
    }
    if known:
        both |= {"name": both["name"] | known["name"], "type": "urn:t"}  # type: ignore[operator]
    assert kept == both


def wait_for_lock(engine: Engine) -> None:
    """Return when somebody waits for the writer at hand; SQLite cannot tell."""
    end = time.monotonic() + 120
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            if connection.exec_driver_sql(waits).scalar():
                return
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.2)


def void(target: dict[str, Any]) -> dict[str, Any]:
    return make(
        verb={"id": VOIDED},
        object={"objectType": "StatementRef", "id": target["id"]},
    )


def test_voiding_by_another_authority_is_refused(engine: Engine, now: datetime) -> None:
    one = make()
    store(engine, now, one)
    with pytest.raises(Forbidden):
        store(engine, now, make(), void(one), authority=OTHER)
    assert len(rows(engine)) == 1
    store(engine, now, void(one), authority=OTHER, may_void_any=True)
    store(engine, now, void(one))
    assert [(str(row.voids_id), row.voids_any) for row in rows(engine)[1:]] == [
        (one["id"], True),
        (one["id"], False),
    ]


def test_eight_writers_of_the_same_statements_store_each_once(
    engine: Engine, now: datetime
) -> None:
    """F8, small: every writer posts every statement, in an order of its own."""
    made = [make() for _ in range(60)]
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - reproducible
        mine = made.copy()
        chance.shuffle(mine)
        try:
            while mine:
                size = chance.randint(1, 7)
                store(engine, now, *mine[:size])
                mine = mine[size:]
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert [row.seq for row in rows(engine)] == list(range(1, 61))
    with reading(engine) as db:
        assert db.scalar(select(func.count(Statement.statement_id.distinct()))) == 60


def test_guessing_what_is_behind_the_wall_has_one_answer(
    engine: Engine, now: datetime
) -> None:
    quiz = "https://lrs.example/activities/quiz"
    hidden = make(result={"success": False})
    open_ = make(object={"id": "https://lrs.example/activities/open"})
    store(engine, now, hidden, open_)
    # nothing is hidden yet: the same again is a success for anybody
    store(engine, now, hidden, open_, authority=OTHER)
    with writing(engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri="https://lrs.example/activities/course",
            activity_iri=quiz,
            role="pretest",
            now=now,
        )
    answers = set()
    for guess in (hidden, hidden | {"result": {"success": True}}):
        with pytest.raises(StatementConflict) as refused:
            store(engine, now, guess, authority=OTHER)
        answers.add((refused.value.detail, str(refused.value.extra)))
    assert len(answers) == 1
    # whoever stored it may send it again
    store(engine, now, hidden)
    store(engine, now, open_, authority=OTHER)
    assert len(rows(engine)) == 2


def refer(target: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return make(object={"objectType": "StatementRef", "id": target["id"]}, **changes)


@pytest.mark.parametrize("limit", ["MAX_LINKS", "MAX_INDIRECT"])
def test_what_refers_too_much_is_refused_whole(
    engine: Engine, now: datetime, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(lrs.store, limit, 5)
    target = make()
    referring = [refer(target) for _ in range(6)]
    store(engine, now, *referring)
    with pytest.raises(TooLarge):
        store(engine, now, target)
    assert len(rows(engine)) == 6
    monkeypatch.undo()
    store(engine, now, target)
    with reading(engine) as db:
        linked = db.scalar(select(func.count(Indirect.seq.distinct())))
    assert linked == 6


def test_statements_may_refer_to_each_other(engine: Engine, now: datetime) -> None:
    one = make()
    other = refer(one)
    one["object"] = {"objectType": "StatementRef", "id": other["id"]}
    alone = make()
    alone["object"] = {"objectType": "StatementRef", "id": alone["id"]}
    store(engine, now, one)
    store(engine, now, other, alone)
    with reading(engine) as db:
        linked = set(db.scalars(select(Indirect.seq)))
    assert linked == {1, 2, 3}
