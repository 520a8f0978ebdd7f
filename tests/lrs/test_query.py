"""Finding statements, against a plain model that looks at every statement in turn."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from lrs.db import reading, writing
from lrs.query import (
    Filter,
    definitions,
    find_statements,
    get_statement,
    last_seq,
)
from lrs.rules.catalogue import set_role
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT, key_of
from lrs.tenants import create_tenant
from statements.errors import NotFound
from statements.prepare import Prepared, prepare
from statements.vocabulary import VOIDED

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

PEOPLE = [{"mbox": f"mailto:officer{n}@example.org"} for n in range(3)]
IFIS = [f"mbox::mailto:officer{n}@example.org" for n in range(3)]
VERBS = [f"http://example.org/verbs/{n}" for n in range(3)]
ACTIVITIES = [f"http://example.org/activities/{n}" for n in range(4)]
REGISTRATIONS = [uuid.UUID(int=n + 1) for n in range(2)]
HOME = "http://lrs.example"
AUTHORITIES = [
    {"objectType": "Agent", "account": {"homePage": HOME, "name": name}}
    for name in ("one", "two")
]


def authority_key(authority: dict[str, Any]) -> uuid.UUID:
    return key_of(orjson.dumps(authority, option=orjson.OPT_SORT_KEYS).decode())


@dataclass
class Row:
    seq: int
    stored: datetime
    prepared: Prepared
    authority: dict[str, Any]

    @property
    def statement(self) -> dict[str, Any]:
        return self.prepared.statement


class Model:
    """The meaning of the filters, written down as plainly as can be."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.by_id = {row.prepared.id: row for row in rows}

    def is_voided(self, row: Row) -> bool:
        return row.prepared.references.voids is None and any(
            other.prepared.references.voids == row.prepared.id
            and other.authority == row.authority
            for other in self.rows
        )

    def matches(self, row: Row, wanted: Filter) -> bool:
        """By itself, or by what it refers to, as far as the reader may know it."""
        seen: set[uuid.UUID] = set()
        now: Row | None = row
        while now is not None and now.prepared.id not in seen:
            if wanted.authority not in {None, authority_key(now.authority)}:
                return False
            if self.matches_itself(now, wanted):
                return True
            seen.add(now.prepared.id)
            target = now.prepared.references.target
            now = None if target is None else self.by_id.get(target)
        return False

    def matches_itself(self, row: Row, wanted: Filter) -> bool:
        found, statement = row.prepared.references, row.statement
        registration = statement.get("context", {}).get("registration")
        actors = {
            ifi
            for usage, ifi in found.actors
            if wanted.related_agents or usage in {"actor", "whom"}
        }
        if wanted.related_agents:
            actors.add(f"account::{HOME}|{row.authority['account']['name']}")
        activities = {
            iri
            for usage, iri in found.activities
            if wanted.related_activities or usage == "object"
        }
        return (
            (wanted.agent is None or wanted.agent in actors)
            and (wanted.activity is None or wanted.activity in activities)
            and (wanted.verb is None or statement["verb"]["id"] == wanted.verb)
            and (
                wanted.registration is None or registration == str(wanted.registration)
            )
        )

    def find(self, wanted: Filter, *, ascending: bool) -> list[uuid.UUID]:
        found = [
            row.prepared.id
            for row in self.rows
            if self.matches(row, wanted)
            and not self.is_voided(row)
            and (wanted.since is None or row.stored > wanted.since)
            and (wanted.until is None or row.stored <= wanted.until)
            and (
                wanted.authority is None
                or authority_key(row.authority) == wanted.authority
            )
        ]
        return found if ascending else found[::-1]


def some_object(chance: random.Random, known: list[uuid.UUID]) -> dict[str, Any]:
    kind = chance.choice(["activity"] * 4 + ["agent", "sub", "reference"])
    if kind == "agent":
        return {"objectType": "Agent"} | chance.choice(PEOPLE)
    if kind == "reference" and known:
        return {"objectType": "StatementRef", "id": str(chance.choice(known))}
    activity = {"id": chance.choice(ACTIVITIES)}
    if kind == "sub":
        return {
            "objectType": "SubStatement",
            "actor": chance.choice(PEOPLE),
            "verb": {"id": chance.choice(VERBS)},
            "object": activity,
        }
    return activity


def some_statement(chance: random.Random, known: list[uuid.UUID]) -> dict[str, Any]:
    actor: dict[str, Any] = chance.choice(PEOPLE)
    if chance.random() < 0.2:
        actor = {"objectType": "Group", "member": chance.sample(PEOPLE, 2)}
    made: dict[str, Any] = {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "actor": actor,
        "verb": {"id": chance.choice(VERBS)},
        "object": some_object(chance, known),
    }
    if chance.random() < 0.5:
        made["context"] = {
            "registration": str(chance.choice(REGISTRATIONS)),
            "contextActivities": {"parent": [{"id": chance.choice(ACTIVITIES)}]},
        }
    if chance.random() < 0.2:
        made.setdefault("context", {})["instructor"] = chance.choice(PEOPLE)
    if chance.random() < 0.12:
        target = chance.choice([*known, uuid.uuid4()])
        made["verb"] = {"id": VOIDED}
        made["object"] = {"objectType": "StatementRef", "id": str(target)}
    return made


@pytest.fixture
def model(engine: Engine, now: datetime) -> Model:
    """A log in which everything occurs, also references to what comes later."""
    chance = random.Random(7)  # noqa: S311 - a repeatable choice
    rows: list[Row] = []
    ids = [uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(110)]
    with writing(engine) as db:
        for number, statement_id in enumerate(ids):
            near = ids[max(0, number - 12) : number + 3]
            statement = some_statement(chance, near) | {"id": str(statement_id)}
            prepared = prepare(statement, now=now)
            target = prepared.references.target
            authority = chance.choice(AUTHORITIES)
            if prepared.references.voids and (
                known := [row for row in rows if row.prepared.id == target]
            ):
                authority = known[0].authority
            stored = now + timedelta(seconds=number)
            store_statements(
                db,
                tenant=MAIN_TENANT,
                statements=[prepared],
                authority=authority,
                now=stored,
            )
            rows.append(Row(number + 1, stored, prepared, authority))
    return Model(rows)


def some_filter(chance: random.Random, now: datetime) -> Filter:
    def maybe(values: list[Any], share: float) -> Any:
        return chance.choice(values) if chance.random() < share else None

    return Filter(
        agent=maybe([*IFIS, f"account::{HOME}|one"], 0.4),
        verb=maybe([*VERBS, VOIDED], 0.3),
        activity=maybe(ACTIVITIES, 0.4),
        registration=maybe(REGISTRATIONS, 0.3),
        related_agents=chance.random() < 0.5,
        related_activities=chance.random() < 0.5,
        since=maybe([now + timedelta(seconds=n) for n in (-5, 0, 40, 55.5)], 0.3),
        until=maybe([now + timedelta(seconds=n) for n in (-5, 60, 80.5, 500)], 0.3),
        authority=maybe([authority_key(one) for one in AUTHORITIES], 0.2),
    )


def test_every_filter_means_what_the_model_says(
    engine: Engine, model: Model, now: datetime
) -> None:
    chance = random.Random(11)  # noqa: S311 - a repeatable choice
    sizes = []
    with reading(engine) as db:
        for _ in range(80):
            wanted, ascending = some_filter(chance, now), chance.random() < 0.5
            expected = model.find(wanted, ascending=ascending)
            page = find_statements(
                db, tenant=MAIN_TENANT, filter=wanted, limit=500, ascending=ascending
            )
            found = [uuid.UUID(orjson.loads(one.payload)["id"]) for one in page.found]
            assert found == expected, wanted
            assert not page.has_more
            sizes.append(len(found))
    # a test of filters that all find nothing would show nothing
    assert sum(size > 0 for size in sizes) > 30
    assert any(model.is_voided(row) for row in model.rows)


def test_pages_put_together_are_the_whole(
    engine: Engine, model: Model, now: datetime
) -> None:
    chance = random.Random(13)  # noqa: S311 - a repeatable choice
    with reading(engine) as db:
        newest = last_seq(db, tenant=MAIN_TENANT)
        for _ in range(12):
            wanted, ascending = some_filter(chance, now), chance.random() < 0.5
            limit, after, found = chance.randint(2, 9), None, []
            while True:
                page = find_statements(
                    db,
                    tenant=MAIN_TENANT,
                    filter=wanted,
                    limit=limit,
                    ascending=ascending,
                    after=after,
                    newest=newest,
                )
                found += [
                    uuid.UUID(orjson.loads(one.payload)["id"]) for one in page.found
                ]
                assert len(page.found) == limit or not page.has_more
                if not page.has_more:
                    break
                after = page.found[-1].seq
            assert found == model.find(wanted, ascending=ascending)


def test_a_page_of_large_statements_ends_early_and_nothing_is_left_out(
    engine: Engine, model: Model, now: datetime
) -> None:
    chance = random.Random(17)  # noqa: S311 - a repeatable choice
    ended, most = 0, 1500
    with reading(engine) as db:
        for _ in range(40):
            wanted, ascending = some_filter(chance, now), chance.random() < 0.5
            after, found = None, []
            while True:
                page = find_statements(
                    db,
                    tenant=MAIN_TENANT,
                    filter=wanted,
                    limit=100,
                    ascending=ascending,
                    after=after,
                    most_bytes=most,
                )
                sizes = [len(one.payload) for one in page.found]
                # what is found by itself and what refers are each bounded
                assert sum(sizes) <= 2 * (most + max(sizes, default=0))
                found += [
                    uuid.UUID(orjson.loads(one.payload)["id"]) for one in page.found
                ]
                if not page.has_more:
                    break
                ended += 1
                after = page.found[-1].seq
            assert found == model.find(wanted, ascending=ascending), wanted
    assert ended > 30


def test_a_reading_does_not_reach_what_came_after_it_began(
    engine: Engine, model: Model
) -> None:
    wanted = Filter()
    with reading(engine) as db:
        page = find_statements(
            db, tenant=MAIN_TENANT, filter=wanted, limit=500, ascending=True, newest=90
        )
    assert {one.seq for one in page.found} <= set(range(1, 91))
    assert len(page.found) > 50
    del model


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_reference_does_not_tell_what_is_behind_the_wall(
    engine: Engine, now: datetime, steps: int
) -> None:
    pretest, registration = ACTIVITIES[3], REGISTRATIONS[0]
    context = {"registration": str(registration)}
    hidden = {
        "id": str(uuid.uuid4()),
        "actor": PEOPLE[0],
        "verb": {"id": VERBS[0]},
        "object": {"id": pretest},
        "context": context,
    }
    log = [hidden]
    for _ in range(steps):
        log.append(
            {
                "id": str(uuid.uuid4()),
                "actor": PEOPLE[1],
                "verb": {"id": VERBS[1]},
                "object": {"objectType": "StatementRef", "id": log[-1]["id"]},
            }
        )
    with writing(engine) as db:
        set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=ACTIVITIES[0],
            activity_iri=pretest,
            role="pretest",
            now=now,
        )
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(one, now=now) for one in log],
            authority=AUTHORITIES[0],
            now=now,
        )
    asked = [
        {"verb": VERBS[0]},
        {"registration": registration},
        {"agent": IFIS[0]},
        {"activity": pretest},
        {"activity": pretest, "related_activities": True},
        {"verb": VERBS[0], "since": now - timedelta(days=1)},
    ]
    with reading(engine) as db:
        for values in asked:
            for behind, count in ((False, 0), (True, steps + 1)):
                page = find_statements(
                    db,
                    tenant=MAIN_TENANT,
                    filter=Filter(**values, behind_wall=behind),
                    limit=100,
                )
                assert len(page.found) == count, values
        page = find_statements(
            db, tenant=MAIN_TENANT, filter=Filter(verb=VERBS[1]), limit=100
        )
        assert len(page.found) == steps


def test_by_id(engine: Engine, model: Model) -> None:
    with reading(engine) as db:
        for row in model.rows:
            voided = model.is_voided(row)
            found = get_statement(
                db, tenant=MAIN_TENANT, statement_id=row.prepared.id, is_voided=voided
            )
            assert found.seq == row.seq
            assert found.stored == row.stored
            assert orjson.loads(found.payload)["authority"] == row.authority
            with pytest.raises(NotFound):
                get_statement(
                    db,
                    tenant=MAIN_TENANT,
                    statement_id=row.prepared.id,
                    is_voided=not voided,
                )
        with pytest.raises(NotFound):
            get_statement(db, tenant=MAIN_TENANT, statement_id=uuid.uuid4())


def test_tenants_do_not_see_each_other(
    engine: Engine, model: Model, now: datetime
) -> None:
    with writing(engine) as db:
        other = create_tenant(db, name="other").id
        store_statements(
            db,
            tenant=other,
            statements=[prepare(model.rows[0].statement, now=now)],
            authority=AUTHORITIES[0],
            now=now,
        )
    with reading(engine) as db:
        for wanted in (Filter(), Filter(agent=IFIS[0]), Filter(verb=VERBS[0])):
            page = find_statements(db, tenant=other, filter=wanted, limit=500)
            assert len(page.found) <= 1
        assert last_seq(db, tenant=other) == 1
        with pytest.raises(NotFound):
            get_statement(db, tenant=other, statement_id=model.rows[1].prepared.id)


LIKE_AN_ACTOR = IFIS[0]
LIKE_A_VERB = VERBS[0]
SPELLED_ALIKE: dict[str, dict[str, Any]] = {
    "by the actor": {},
    "to the actor": {"actor": PEOPLE[1], "object": {"objectType": "Agent"} | PEOPLE[0]},
    "taught by the actor": {"actor": PEOPLE[1], "context": {"instructor": PEOPLE[0]}},
    "of the activity": {"actor": PEOPLE[1], "object": {"id": LIKE_AN_ACTOR}},
    "inside the activity": {
        "actor": PEOPLE[1],
        "context": {"contextActivities": {"parent": [{"id": LIKE_AN_ACTOR}]}},
    },
    "with the verb": {"actor": PEOPLE[1], "verb": {"id": LIKE_A_VERB}},
    "inside the verb": {
        "actor": PEOPLE[1],
        "context": {"contextActivities": {"parent": [{"id": LIKE_A_VERB}]}},
    },
}
ALIKE = {
    "agent": (Filter(agent=IFIS[0]), {"by the actor", "to the actor"}),
    "related agents": (
        Filter(agent=IFIS[0], related_agents=True),
        {"by the actor", "to the actor", "taught by the actor"},
    ),
    "activity": (Filter(activity=LIKE_AN_ACTOR), {"of the activity"}),
    "related activities": (
        Filter(activity=LIKE_AN_ACTOR, related_activities=True),
        {"of the activity", "inside the activity"},
    ),
    "verb": (Filter(verb=LIKE_A_VERB), {"with the verb"}),
    "activity like a verb": (
        Filter(activity=LIKE_A_VERB, related_activities=True),
        {"inside the verb"},
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_spelled_alike_is_told_by_what_it_is(
    engine: Engine, now: datetime, name: str
) -> None:
    """Also where a statement refers to it."""
    names: dict[uuid.UUID, str] = {}
    log = []
    for number, (what, special) in enumerate(SPELLED_ALIKE.items()):
        one, other = uuid.UUID(int=2 * number + 1), uuid.UUID(int=2 * number + 2)
        usual = {
            "actor": PEOPLE[0],
            "verb": {"id": VERBS[1]},
            "object": {"id": ACTIVITIES[0]},
        }
        refers = {
            "actor": PEOPLE[2],
            "verb": {"id": VERBS[2]},
            "object": {"objectType": "StatementRef", "id": str(one)},
        }
        names |= {one: what, other: f"refers to {what}"}
        log += [usual | special | {"id": str(one)}, refers | {"id": str(other)}]
    with writing(engine) as db:
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(one, now=now) for one in log],
            authority=AUTHORITIES[0],
            now=now,
        )
    wanted, expected = ALIKE[name]
    with reading(engine) as db:
        page = find_statements(db, tenant=MAIN_TENANT, filter=wanted, limit=100)
    found = {names[uuid.UUID(orjson.loads(one.payload)["id"])] for one in page.found}
    assert found == expected | {f"refers to {what}" for what in expected}


def test_definitions_of_activities(engine: Engine, now: datetime) -> None:
    definition = {"name": {"en-US": "Evidence"}}
    statement = {
        "actor": PEOPLE[0],
        "verb": {"id": VERBS[0]},
        "object": {"id": ACTIVITIES[0], "definition": definition},
        "context": {"contextActivities": {"parent": [{"id": ACTIVITIES[1]}]}},
    }
    with writing(engine) as db:
        store_statements(
            db,
            tenant=MAIN_TENANT,
            statements=[prepare(statement, now=now)],
            authority=AUTHORITIES[0],
            now=now,
        )
    with reading(engine) as db:
        assert definitions(db, tenant=MAIN_TENANT, iris=ACTIVITIES) == {
            ACTIVITIES[0]: definition
        }
        assert definitions(db, tenant=MAIN_TENANT, iris=[]) == {}
