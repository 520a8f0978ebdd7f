"""F15: whatever is sent as a statement is refused with a reason or read back equal.

Made from the shapes of both versions by a seed, over HTTP, to a server of two workers.
"""

from __future__ import annotations

import os
import random
from copy import deepcopy
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from sqlalchemy import func, select

from lrs.db import reading
from lrs.tables import Statement
from statements.scalars import parse_timestamp
from statements.vocabulary import VOIDED
from tests.faults.callers import VERSIONS, at_once
from tests.faults.shaped import broken, mangled, shaped
from tests.statements.cases import FULL, change

if TYPE_CHECKING:
    from tests.faults.callers import Answer, Caller, Running

COUNT = int(os.environ.get("ROLLCALLTEST_F15_COUNT", "10000"))
SEED = os.environ.get("ROLLCALLTEST_F15_SEED", "Rollcall")
THREADS = 4
REFUSED = {400, 403, 409, 413}
SET_BY_SERVER = ("authority", "stored")


def as_read(statement: dict[str, Any], version: str) -> dict[str, Any]:
    """Give a received statement as a reader of `version` must get it."""
    made = deepcopy(statement)
    for part in (made, made["object"]):
        for name, item in part.get("context", {}).get("contextActivities", {}).items():
            if isinstance(item, dict):
                part["context"]["contextActivities"][name] = [item]
        if isinstance(part.get("timestamp"), str) and version == "2.0.0":
            part["timestamp"] = parse_timestamp(part["timestamp"])
    return {name: made[name] for name in made if name not in SET_BY_SERVER}


def is_the_same(sent: Any, read: dict[str, Any], version: str) -> bool:
    """Whether all that was sent is there, and nothing but what a server adds."""
    wanted, got = as_read(sent, version), as_read(read, version)
    added = {"id", "timestamp", "version"} - wanted.keys()
    return wanted == {name: got[name] for name in got if name not in added}


@dataclass
class Sender:
    """One connection's share of the statements, with what became of them."""

    caller: Caller
    chance: random.Random
    taken: dict[str, Any] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)

    def send(self) -> None:
        """Make a statement, or a list with one that may be broken; send, look."""
        version = self.chance.choice(VERSIONS)
        kind = self.chance.random()
        if kind < 0.02 and self.taken:
            made: Any = self.voiding()
        elif kind < 0.2:
            made = shaped(self.chance, version)
        elif kind < 0.25:
            made = [shaped(self.chance, version) for _ in range(3)]
            made.insert(self.chance.randrange(4), broken(self.chance, version))
        else:
            made = broken(self.chance, version)
        body = orjson.dumps(made)
        if kind > 0.85:
            body = mangled(self.chance, body)
        if kind > 0.8 and isinstance(made, dict) and isinstance(made.get("id"), str):
            query = {"statementId": made["id"]}
            answer = self.caller.call("PUT", body=body, version=version, **query)
            self.check(answer, body, [made["id"]])
        else:
            self.check(self.caller.post(body, version), body, None)

    def voiding(self) -> dict[str, Any]:
        """Give a statement that voids one that was taken, or a voiding one, in vain."""
        target = {
            "objectType": "StatementRef",
            "id": self.chance.choice(list(self.taken)),
        }
        made = shaped(self.chance, "1.0.3") | {"verb": {"id": VOIDED}, "object": target}
        made.pop("context", None)
        return made

    def check(self, answer: Answer, body: bytes, ids: list[str] | None) -> None:
        """Fail with what was sent where the answer is neither of the two."""
        shown = (answer.status, answer.body[:500], body)
        if answer.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            assert answer.status in REFUSED, shown
            assert answer.headers["Content-Type"] == "application/problem+json", shown
            assert answer.json["detail"], shown
            self.refused[answer.status] = self.refused.get(answer.status, 0) + 1
            return
        sent = orjson.loads(body)
        listed = sent if isinstance(sent, list) else [sent]
        ids = answer.json if ids is None else ids
        assert len(ids) == len(listed), shown
        for one, statement_id in zip(listed, ids, strict=True):
            # under a known id only the same is taken: the first one is kept
            self.taken.setdefault(statement_id.lower(), one)


def read_all_back(caller: Caller, taken: dict[str, Any], version: str) -> int:
    """Compare each statement with what was sent; how many of them are voided."""
    found = {one["id"].lower(): one for one in caller.walk(limit="500")}
    assert found.keys() <= taken.keys()
    for statement_id, sent in taken.items():
        read = found.get(statement_id)
        if read is None:
            answer = caller.get(voidedStatementId=statement_id)
            assert answer.status == HTTPStatus.OK, (answer.body, sent)
            read = answer.json
        assert is_the_same(sent, read, version), (sent, read)
    return len(taken) - len(found)


CHANGES: list[tuple[str, Any]] = [
    ("actor.name", "another"),
    ("actor.mbox", "mailto:Officer@example.org"),
    ("verb.display", {}),
    ("object.definition.choices.1.description.en-US", "Hurry"),
    ("object.definition.extensions", {}),
    ("result.score.raw", 8.000001),
    ("result.extensions", {"http://example.org/x": {"deep": [1]}}),
    ("context.contextActivities.grouping.id", "http://example.org/h"),
    ("context.team.member", [{"mbox": "mailto:officer@example.org"}]),
    ("timestamp", "2026-03-02T17:00:00.000001Z"),
    ("attachments.0.length", 1),
    ("version", "1.0.0"),
    ("extra", 1),
]


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=[path for path, _ in CHANGES])
def test_f15_control_a_change_is_seen(path: str, value: Any) -> None:
    """The comparison of this figure tells any change of what was sent."""
    for version in VERSIONS:
        assert is_the_same(FULL, deepcopy(FULL), version)
        assert not is_the_same(FULL, change(FULL, path, value), version)


@pytest.mark.timeout(3600)
def test_f15_mutated_statements_are_refused_or_read_back_equal(
    running: Running,
) -> None:
    """No fault of the server, nothing changed, nothing half stored."""
    tenant = running.tenant()
    caller = running.caller(tenant)
    senders = [
        Sender(caller.again(), random.Random(f"{SEED} {number}"))  # noqa: S311
        for number in range(THREADS)
    ]

    def run(number: int) -> None:
        for _ in range(COUNT // THREADS):
            senders[number].send()

    at_once(THREADS, run)
    taken: dict[str, Any] = {}
    for sender in senders:
        sender.caller.close()
        taken = sender.taken | taken
    # both outcomes must have been tried
    assert COUNT * 0.1 < len(taken) < COUNT * 0.6
    with reading(running.parts.engine) as db:
        held = db.scalar(
            select(func.count())
            .select_from(Statement)
            .where(Statement.tenant_id == tenant)
        )
    assert held == len(taken)
    for version in VERSIONS:
        reader = caller.again(version)
        voided = read_all_back(reader, taken, version)
        assert voided > COUNT * 0.001
        for form in ("ids", "canonical"):
            assert len(reader.walk(format=form, limit="500")) == held - voided
        reader.close()
    refused = {
        status: sum(sender.refused.get(status, 0) for sender in senders)
        for status in sorted(REFUSED)
    }
    print(  # noqa: T201 - the figure
        f"F15 {running.kind}: {COUNT} requests of seed {SEED}, {len(taken)} "
        f"taken and read back equal, {voided} of them voided, refused {refused}, 0 × 5xx"
    )
