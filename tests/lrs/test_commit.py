"""Writes that wait go in together; each is all or nothing, and fails alone."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import select, update

import lrs.commit
from lrs.db import reading, writing
from lrs.process import make_process
from lrs.query import Filter, find_statements
from lrs.store import Write, authority_text, store_write
from lrs.tables import MAIN_TENANT, Activity, Clock, Statement, key_of
from lrs.tenants import create_tenant
from statements.errors import Forbidden, Invalid, StatementConflict, Unavailable
from statements.prepare import prepare
from statements.vocabulary import VOIDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from lrs.commit import Commits

AUTHORITY = {"account": {"homePage": "https://lrs.example", "name": "one"}}
OTHER = {"account": {"homePage": "https://lrs.example", "name": "other"}}
QUIZ = "https://lrs.example/activities/quiz"


def make(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"mbox": "mailto:learner@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
        "object": {"id": QUIZ},
    } | changes


def write(
    now: datetime,
    *statements: dict[str, Any],
    authority: dict[str, Any] = AUTHORITY,
    tenant: int = MAIN_TENANT,
    may_define: bool = True,
) -> Write:
    return Write(
        tenant=tenant,
        statements=[prepare(one, now=now) for one in statements],
        authority=authority_text(authority),
        now=now,
        may_define=may_define,
    )


def void(target: dict[str, Any]) -> dict[str, Any]:
    return make(
        verb={"id": VOIDED},
        object={"objectType": "StatementRef", "id": target["id"]},
    )


@pytest.fixture
def commits(engine: Engine) -> Iterator[Commits]:
    process = make_process(engine)
    yield process.commits
    process.direct.close()


def stored(engine: Engine, tenant: int = MAIN_TENANT) -> list[tuple[int, str]]:
    with reading(engine) as db:
        rows = db.execute(
            select(Statement.seq, Statement.statement_id)
            .where(Statement.tenant_id == tenant)
            .order_by(Statement.seq)
        )
        return [(seq, str(id)) for seq, id in rows]


class Together:
    """Writes that are all waiting before the first of them goes in."""

    def __init__(
        self, engine: Engine, commits: Commits, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.engine = engine
        self.commits = commits
        self.groups: list[int] = []
        self.told: dict[int, BaseException | None] = {}
        insert = lrs.commit.insert

        def noted(driver: Any, rows: Any, **more: Any) -> Any:
            self.groups.append(len(rows))
            return insert(driver, rows, **more)

        monkeypatch.setattr(lrs.commit, "insert", noted)

    def store(self, *writes: Write) -> None:
        """Let the first wait for the clock, and the others for the first."""
        threads = [
            threading.Thread(target=self._one, args=(number, one))
            for number, one in enumerate(writes)
        ]
        with writing(self.engine) as db:
            db.execute(
                update(Clock)
                .where(Clock.tenant_id == MAIN_TENANT)
                .values(seq=Clock.seq + 0)
            )
            threads[0].start()
            self._wait(lambda: self.commits._is_led and not self.commits._queue)
            for number, thread in enumerate(threads[1:], 1):
                thread.start()
                self._wait(lambda wanted=number: len(self.commits._queue) == wanted)
        for thread in threads:
            thread.join()

    def _one(self, number: int, one: Write) -> None:
        try:
            self.commits.store(one)
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.told[number] = error
        else:
            self.told[number] = None

    @staticmethod
    def _wait(holds: Any) -> None:
        end = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.002)


@pytest.fixture
def together(
    engine: Engine, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> Together:
    return Together(engine, commits, monkeypatch)


def test_what_waits_goes_in_together(
    engine: Engine, together: Together, now: datetime
) -> None:
    made = [make() for _ in range(6)]
    together.store(*(write(now, one) for one in made))
    assert together.told == dict.fromkeys(range(6))
    assert together.groups == [1, 5]
    assert stored(engine) == list(enumerate((one["id"] for one in made), 1))


def test_who_breaks_a_rule_fails_alone(
    engine: Engine, together: Together, commits: Commits, now: datetime
) -> None:
    known, foreign = make(), make()
    commits.store(write(now, known))
    commits.store(write(now, foreign, authority=OTHER))
    together.groups.clear()
    good, batch = make(), [make(), make()]
    together.store(
        write(now, make()),
        write(now, known),
        write(now, make(), known | {"actor": {"mbox": "mailto:b@example.org"}}),
        write(now, void(foreign)),
        write(now, void(known)),
        write(now, good),
        write(now, good),
        write(now, good | {"result": {"success": False}}),
        write(now, *batch),
    )
    kinds = {n: type(error) for n, error in together.told.items() if error}
    assert kinds == {2: StatementConflict, 3: Forbidden, 7: StatementConflict}
    ids = [id for _, id in stored(engine)]
    assert len(ids) == 2 + 1 + 1 + 1 + 2
    assert len(set(ids)) == len(ids)
    assert {one["id"] for one in (known, foreign, good, *batch)} < set(ids)
    assert [seq for seq, _ in stored(engine)] == list(range(1, 8))


def test_tenants_do_not_go_together(
    engine: Engine, together: Together, now: datetime
) -> None:
    with writing(engine) as db:
        other = create_tenant(db, name="other").id
    made = [make() for _ in range(4)]
    tenants = (MAIN_TENANT, MAIN_TENANT, other, MAIN_TENANT)
    together.store(
        *(write(now, one, tenant=t) for one, t in zip(made, tenants, strict=True))
    )
    assert together.told == dict.fromkeys(range(4))
    assert stored(engine, other) == [(1, made[2]["id"])]
    assert len(stored(engine)) == 3


def test_a_group_has_an_end(
    engine: Engine, together: Together, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lrs.commit, "MAX_STATEMENTS", 3)
    together.store(*(write(now, make(), make()) for _ in range(4)))
    assert together.groups == [1, 1, 1, 1]
    assert len(stored(engine)) == 8


def test_what_the_database_refuses_of_one_is_not_the_others_failure(
    engine: Engine, together: Together, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = make()
    insert = lrs.commit.insert

    def refuse(driver: Any, rows: Any, **more: Any) -> Any:
        ids = {row[0] for one in rows for row in one.statements}
        if uuid.UUID(bad["id"]).bytes in ids:
            raise ValueError("not this one")
        return insert(driver, rows, **more)

    monkeypatch.setattr(lrs.commit, "insert", refuse)
    monkeypatch.setattr("lrs.store.insert", refuse)
    together.store(write(now, make()), write(now, bad), write(now, make()))
    assert {n for n, error in together.told.items() if error} == {1}
    assert isinstance(together.told[1], ValueError)
    assert len(stored(engine)) == 2


def test_a_busy_database_is_told_to_everybody_and_nobody_waits_on(
    engine: Engine, together: Together, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = lrs.commit.insert

    def busy(driver: Any, rows: Any) -> Any:
        if len(rows) > 1:
            raise Unavailable("busy")
        return insert(driver, rows)

    monkeypatch.setattr(lrs.commit, "insert", busy)
    together.store(*(write(now, make()) for _ in range(3)))
    assert [type(together.told[n]) for n in range(3)] == [
        type(None),
        Unavailable,
        Unavailable,
    ]
    together.commits.store(write(now, make()))
    assert len(stored(engine)) == 2


def test_the_same_id_twice_in_a_list_is_refused(
    commits: Commits, now: datetime
) -> None:
    one = make()
    with pytest.raises(Invalid, match=one["id"]):
        commits.store(write(now, one, one))
    commits.store(write(now))


def test_who_may_not_define_changes_no_definition(
    engine: Engine, commits: Commits, now: datetime
) -> None:
    def named(name: str) -> dict[str, Any]:
        return make(object={"id": QUIZ, "definition": {"name": {"en": name}}})

    for name, may in (("a", False), ("b", True), ("c", False)):
        commits.store(write(now, named(name), may_define=may))
        with reading(engine) as db:
            known = db.get_one(Activity, (MAIN_TENANT, key_of(QUIZ))).definition
        assert known == (None if name == "a" else {"name": {"en": "b"}})


def refer(target: dict[str, Any]) -> dict[str, Any]:
    return make(
        verb={"id": "http://example.org/verbs/commented"},
        object={"objectType": "StatementRef", "id": target["id"]},
    )


def found(engine: Engine, verb: str) -> list[uuid.UUID]:
    with reading(engine) as db:
        page = find_statements(
            db, tenant=MAIN_TENANT, filter=Filter(verb=verb), limit=100, ascending=True
        )
    return [uuid.UUID(orjson.loads(one.payload)["id"]) for one in page.found]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_refers_is_found_whichever_came_first(
    engine: Engine, commits: Commits, now: datetime, order: tuple[int, ...]
) -> None:
    verb = "http://example.org/verbs/watched"
    chain = [make(verb={"id": verb})]
    chain.append(refer(chain[0]))
    chain.append(refer(chain[1]))
    for number in order:
        commits.store(write(now, chain[number]))
    assert found(engine, verb) == [uuid.UUID(chain[n]["id"]) for n in order]


def test_what_refers_is_found_when_its_target_waited_for_it(
    postgresql_engine: Engine, now: datetime
) -> None:
    """The target looked for what refers to it before that was committed."""
    engine = postgresql_engine
    process = make_process(engine)
    verb = "http://example.org/verbs/watched"
    target = make(verb={"id": verb})
    refers = refer(target)
    waiting = threading.Thread(target=process.commits.store, args=(write(now, target),))
    with writing(engine) as db:
        store_write(db, write(now, refers))
        waiting.start()
        wait_for_lock(engine)
    waiting.join()
    ids = [uuid.UUID(one["id"]) for one in (refers, target)]
    assert found(engine, verb) == ids
    process.direct.close()


def wait_for_lock(engine: Engine) -> None:
    end = time.monotonic() + 120
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        waits = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while not connection.exec_driver_sql(waits).scalar():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_the_same_target_voided_and_commented_is_one_find(
    engine: Engine, commits: Commits, now: datetime
) -> None:
    """A group of referrers and targets: each statement once, in order."""
    verb = "http://example.org/verbs/watched"
    targets = [make(verb={"id": verb}) for _ in range(3)]
    commits.store(write(now, *targets, *(refer(one) for one in targets)))
    commits.store(write(now, void(targets[0])))
    ids = found(engine, verb)
    assert len(ids) == len(set(ids)) == 2 + 3 + 1
