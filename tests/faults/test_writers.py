"""Many writers at once: posting again (F8), voiding (F10), sharing activities."""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from copy import deepcopy
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from lrs.db import reading
from lrs.tables import Activity, Statement
from statements.vocabulary import VOIDED
from tests.faults.callers import at_once, share_out
from tests.faults.shaped import shaped, uuid_of
from tests.lrs.views.conftest import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.callers import Running

COUNT = int(os.environ.get("ROLLCALLTEST_F8_COUNT", "10000"))
ALTERED = int(os.environ.get("ROLLCALLTEST_F8_ALTERED", "1000"))
VOIDS = int(os.environ.get("ROLLCALLTEST_F10_COUNT", "500"))
CLIENTS = 16
CLIENT_BATCHES = int(os.environ.get("ROLLCALLTEST_SHARING_BATCHES", "15"))


def respelled(chance: random.Random, given: dict[str, Any]) -> dict[str, Any]:
    """Give the same statement as another client would spell it.

    xAPI 1.0.3 Data 2.3.1: order of members, instants in another zone, what a server
    sets, definitions and displays make no other statement of it.
    """
    made = deepcopy(given)
    made["id"] = chance.choice([made["id"], made["id"].upper()])
    if chance.random() < 0.5:
        made["timestamp"] = made["timestamp"].replace("17:00:00Z", "09:00:00-08:00")
    if chance.random() < 0.3:
        made["verb"]["display"] = {"en": uuid_of(chance)}
    if chance.random() < 0.3:
        made["object"]["definition"] = {"name": {"en": uuid_of(chance)}}
    if chance.random() < 0.3:
        made["stored"] = "2020-01-01T00:00:00Z"
    if chance.random() < 0.3:
        made["result"]["score"]["raw"] = float(made["result"]["score"]["raw"])
    members = list(made.items())
    chance.shuffle(members)
    return dict(members)


ALTERATIONS: list[Callable[[dict[str, Any]], Any]] = [
    lambda one: one["actor"].update(mbox="mailto:other@example.org"),
    lambda one: one["actor"].update(name="Another"),
    lambda one: one["verb"].update(id="http://example.org/other"),
    lambda one: one["object"].update(id="http://example.org/other"),
    lambda one: one["result"]["score"].update(raw=one["result"]["score"]["raw"] + 1),
    lambda one: one["result"].update(success=False),
    lambda one: one.pop("result"),
    lambda one: one.update(timestamp="2026-03-02T17:00:00.001Z"),
    lambda one: one.update(context={"registration": one["id"]}),
    lambda one: one.update(
        object={"objectType": "Agent", "mbox": "mailto:a@example.org"}
    ),
]


def original(number: int, chance: random.Random) -> dict[str, Any]:
    """Give one of the statements that are posted again and again."""
    return {
        "id": uuid_of(chance),
        "actor": {"mbox": f"mailto:officer{number % 100}@example.org"},
        "verb": {"id": f"http://example.org/verbs/{number % 7}"},
        "object": {"id": f"http://example.org/activities/{number % 50}"},
        "result": {"success": True, "score": {"raw": number}},
        "timestamp": "2026-03-02T17:00:00Z",
    }


def in_lists(chance: random.Random, made: list[Any]) -> Iterator[list[Any]]:
    """Cut into lists of 1 to 25, in random order."""
    order = chance.sample(made, len(made))
    while order:
        size = chance.randint(1, 25)
        yield order[:size]
        order = order[size:]


@pytest.mark.timeout(3600)
def test_f8_posting_again_stores_nothing_and_another_content_is_a_conflict(
    running: Running,
) -> None:
    """Each statement comes three times from eight threads in random order."""
    chance = random.Random(8)  # noqa: S311 - repeatable
    tenant = running.tenant()
    caller = running.caller(tenant)
    made = [original(number, chance) for number in range(COUNT)]
    lists = [
        [respelled(chance, one) for one in part]
        for _ in range(3)
        for part in in_lists(chance, made)
    ]
    chance.shuffle(lists)
    answers = share_out(caller, 8, lists)
    assert Counter(answer.status for answer in answers) == {200: len(lists)}
    for answer, part in zip(answers, lists, strict=True):
        assert answer.json == [one["id"].lower() for one in part]
    with reading(running.parts.engine) as db:
        rows = db.execute(
            select(Statement.seq, Statement.statement_id, Statement.stored)
            .where(Statement.tenant_id == tenant)
            .order_by(Statement.seq)
        ).all()
    assert {str(row.statement_id) for row in rows} == {one["id"] for one in made}
    assert [row.seq for row in rows] == list(range(1, COUNT + 1))
    assert [row.stored for row in rows] == sorted({row.stored for row in rows})
    altered = []
    for number, one in enumerate(made[:ALTERED]):
        other = respelled(chance, one)
        ALTERATIONS[number % len(ALTERATIONS)](other)
        # beside an altered copy nothing new of its list is stored
        altered.append([statement(), other] if number % 10 == 0 else other)
    refused = Counter(answer.status for answer in share_out(caller, 8, altered))
    assert refused == {409: ALTERED}
    assert len(caller.walk(limit="500")) == COUNT
    caller.close()
    print(  # noqa: T201 - the figure
        f"F8 {running.kind}: {COUNT} statements × 3 in {len(lists)} requests of "
        f"8 threads, {COUNT} stored, {ALTERED} altered copies all 409"
    )


def test_f8_of_different_statements_with_one_id_one_wins(running: Running) -> None:
    """Sent at once, one is stored, the others are told of the conflict."""
    caller = running.caller(running.tenant())
    for round in range(25):
        statement_id = str(uuid.uuid4())
        bodies = [
            statement(id=statement_id, result={"score": {"raw": number}})
            for number in range(8)
        ]
        answers = share_out(caller, 8, bodies)
        statuses = Counter(answer.status for answer in answers)
        assert statuses == {200: 1, 409: 7}, round
        winner = next(n for n, answer in enumerate(answers) if answer.status == 200)
        read = caller.get(statementId=statement_id).json
        assert read["result"]["score"]["raw"] == winner
    caller.close()


def voiding(target: str) -> dict[str, Any]:
    """Give a statement that voids another."""
    return statement(
        verb={"id": VOIDED}, object={"objectType": "StatementRef", "id": target}
    )


@pytest.mark.timeout(3600)
def test_f10_voids_are_right_in_either_order_and_at_once(running: Running) -> None:
    """A third each: the target first, the void first, both at once and two voids."""
    chance = random.Random(10)  # noqa: S311 - repeatable
    caller = running.caller(running.tenant())
    stranger = running.caller(running.tenant())
    targets = [statement() for _ in range(VOIDS)]
    kept = [statement() for _ in range(VOIDS // 10)]
    voids = [voiding(one["id"]) for one in targets]
    # a void may not be voided, and does not count as one
    voids_of_voids = [voiding(one["id"]) for one in voids[::10]]
    third = VOIDS // 3
    assert {a.status for a in share_out(caller, 2, [targets[:third], kept])} == {200}
    first = voids[third : 2 * third]
    assert {a.status for a in share_out(caller, 2, list(in_lists(chance, first)))} == {
        200
    }
    rest: list[Any] = [*voids[:third], *targets[third : 2 * third]]
    rest += [*voids_of_voids, *(voiding(one["id"]) for one in targets[::5])]
    together: list[Any] = []
    for number in range(2 * third, VOIDS):
        # next to each other, so that two of the threads send them at once
        together += chance.sample([targets[number], voids[number]], 2)
    answers = share_out(caller, 8, [*together, *in_lists(chance, rest)])
    assert Counter(answer.status for answer in answers) == {200: len(answers)}
    found = {one["id"] for one in caller.walk(limit="500")}
    assert found.isdisjoint(one["id"] for one in targets)
    others = {one["id"] for one in [*kept, *voids, *rest]}
    assert found == others - {one["id"] for one in targets}
    for one in chance.sample(targets, 30):
        assert caller.get(statementId=one["id"]).status == HTTPStatus.NOT_FOUND
        assert caller.get(voidedStatementId=one["id"]).status == HTTPStatus.OK
    for one in chance.sample([*kept, *voids], 30):
        assert caller.get(statementId=one["id"]).status == HTTPStatus.OK
        assert caller.get(voidedStatementId=one["id"]).status == HTTPStatus.NOT_FOUND
    assert stranger.walk() == []
    caller.close()
    stranger.close()
    print(  # noqa: T201 - the figure
        f"F10 {running.kind}: {VOIDS} voids in three orders, all of them right"
    )


def test_f10_a_void_of_another_authority_counts_in_neither_order(
    running: Running,
) -> None:
    """It is refused where its target is here, and void of effect where it was first."""
    tenant = running.tenant()
    owner, other = running.caller(tenant), running.caller(tenant)
    admin = running.caller(tenant, ["all", "statements/void"])
    early, late = statement(), statement()
    assert other.post(voiding(early["id"])).status == HTTPStatus.OK
    assert owner.post([early, late]).status == HTTPStatus.OK
    refused = other.post([statement(), voiding(late["id"])])
    assert refused.status == HTTPStatus.FORBIDDEN
    assert len(owner.walk()) == 3
    for one in (early, late):
        assert owner.get(statementId=one["id"]).status == HTTPStatus.OK
    assert admin.post([voiding(one["id"]) for one in (early, late)]).status == 200
    for one in (early, late):
        assert owner.get(voidedStatementId=one["id"]).status == HTTPStatus.OK
    for caller in (owner, other, admin):
        caller.close()


def sharing(chance: random.Random, client: int) -> list[dict[str, Any]]:
    """Give 1 to 30 statements on the activities that all clients share."""
    made = []
    for _ in range(chance.randint(1, 30)):
        one = shaped(chance, "2.0.0")
        one["actor"] = {"mbox": f"mailto:officer{chance.randrange(20)}@example.org"}
        one["object"] = {
            "id": f"http://example.org/shared/{chance.randrange(12)}",
            "definition": {
                "name": {f"en-x-c{client}": str(client)},
                "extensions": {f"http://example.org/client/{client}": client},
            },
        }
        made.append(one)
    return made


def test_sixteen_clients_that_share_activities_never_deadlock_or_fail(
    running: Running,
) -> None:
    """All lists are stored, and no client's words in a definition are lost."""
    tenant = running.tenant()
    callers = [running.caller(tenant) for _ in range(CLIENTS)]

    def run(client: int) -> tuple[Counter[int], list[str]]:
        chance = random.Random(client)  # noqa: S311 - repeatable
        statuses: Counter[int] = Counter()
        ids: list[str] = []
        for _ in range(CLIENT_BATCHES):
            made = sharing(chance, client)
            answer = callers[client].post(made, "2.0.0")
            statuses[answer.status] += 1
            ids += answer.json if answer.status == HTTPStatus.OK else [answer.json]
        callers[client].close()
        return statuses, ids

    done = at_once(CLIENTS, run)
    assert sum((statuses for statuses, _ in done), Counter()) == {
        200: CLIENTS * CLIENT_BATCHES
    }
    sent = [one for _, ids in done for one in ids]
    with reading(running.parts.engine) as db:
        held = list(
            db.scalars(
                select(Statement.statement_id)
                .where(Statement.tenant_id == tenant)
                .order_by(Statement.seq)
            )
        )
        definitions: list[Any] = list(
            db.scalars(
                select(Activity.definition).where(
                    Activity.tenant_id == tenant,
                    Activity.iri.startswith("http://example.org/shared/"),
                )
            )
        )
    assert sorted(map(str, held)) == sorted(sent)
    assert len(definitions) == 12
    # every client named nearly every activity: what it said is there
    named = [len(one["name"]) for one in definitions if one]
    assert named == [len(one["extensions"]) for one in definitions if one]
    assert min(named) > CLIENTS // 2
    print(  # noqa: T201 - the figure
        f"sharing {running.kind}: {CLIENTS} clients, {len(sent)} statements in "
        f"{CLIENTS * CLIENT_BATCHES} lists, 0 failed"
    )
