"""A public client library, over a real socket: what it sends is taken, and it
understands what comes back."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING

import pytest
from tincan import RemoteLRS, Statement
from werkzeug.serving import make_server

from tests.lrs.views.conftest import Lrs, statement

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(lrs: Lrs) -> Iterator[RemoteLRS]:
    server = make_server("127.0.0.1", 0, lrs.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield RemoteLRS(
        endpoint=f"http://127.0.0.1:{server.server_port}/xapi/",
        username=lrs.issued.key,
        password=lrs.issued.secret,
        version="1.0.3",
    )
    server.shutdown()
    thread.join()
    server.server_close()


def test_statements_go_there_and_back(client: RemoteLRS) -> None:
    sent = Statement(statement(id=str(uuid.uuid4())))
    assert client.save_statement(sent).success
    got = client.retrieve_statement(str(sent.id))
    assert got.success
    assert got.content.verb.id == sent.verb.id
    assert got.content.authority.account.name
    assert got.content.stored is not None
    again = client.save_statement(sent)
    assert again.success
    many = [Statement(statement()) for _ in range(5)]
    for one in many:
        one.id = None
    saved = client.save_statements(many)
    assert saved.success
    assert all(one.id for one in saved.content)


def test_queries_and_more(client: RemoteLRS) -> None:
    many = [Statement(statement(id=str(uuid.uuid4()))) for _ in range(7)]
    assert client.save_statements(many).success
    answer = client.query_statements(
        {"limit": 3, "ascending": "true", "agent": many[0].actor, "verb": many[0].verb}
    )
    found = []
    while True:
        assert answer.success, answer.data
        found += [str(one.id) for one in answer.content.statements]
        if not answer.content.more:
            break
        answer = client.more_statements(answer.content)
    assert found == [str(one.id) for one in many]


def test_a_refusal_is_understood(client: RemoteLRS) -> None:
    unknown = client.retrieve_statement(str(uuid.uuid4()))
    assert not unknown.success
    assert unknown.response.status == 404
    client.auth = "Basic d3Jvbmc6d3Jvbmc="
    refused = client.save_statement(Statement(statement(id=str(uuid.uuid4()))))
    assert not refused.success
    assert refused.response.status == 401
