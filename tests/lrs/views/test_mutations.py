"""Over HTTP and through the database: 4xx with a reason, or read back equal."""

from __future__ import annotations

import random
import uuid

import orjson

from statements.compare import same_statement
from tests.lrs.views.conftest import Lrs
from tests.statements.mutations import mutated

COUNT = 250


def test_never_a_fault_of_the_server(lrs: Lrs) -> None:
    chance = random.Random("over HTTP")  # noqa: S311 - a repeatable choice
    stored = 0
    for number in range(COUNT):
        sent = mutated(chance)
        if isinstance(sent, dict) and "id" in sent and chance.random() < 0.9:
            sent["id"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        client = lrs.speaking("2.0.0") if number % 2 else lrs
        answer = client.post(orjson.dumps(sent))
        if answer.status_code != 200:
            assert answer.status_code in {400, 403, 409}, answer.text
            assert answer.get_json()["detail"]
            continue
        ids = answer.get_json()
        if not ids:
            assert sent == []
            continue
        (statement_id,) = ids
        read = client.get(statementId=statement_id)
        if read.status_code == 404:
            read = client.get(voidedStatementId=statement_id)
        assert same_statement(read.get_json(), sent)
        stored += 1
    assert stored > COUNT * 0.05
    assert len(lrs.found(limit="500")) <= stored
