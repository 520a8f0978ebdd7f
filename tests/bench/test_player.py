from __future__ import annotations

import json
import socket
import threading

import pytest

from tests.bench.player import Learner, work

ANSWER = b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(params=[b"200 OK", b"409 Conflict"])
def server(request):
    """Give a server that answers always the same, and what it was sent."""
    received: list[list[bytes]] = []

    def answer(connection: socket.socket, mine: list[bytes]) -> None:
        with connection:
            while part := connection.recv(1 << 20):
                mine.append(part)
                # a body ends with the time of sending
                if part.endswith(b'Z"}'):
                    connection.sendall(ANSWER % request.param)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            received.append([])
            threading.Thread(
                target=answer, args=(connection, received[-1]), daemon=True
            ).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield request.param[:3], listener.getsockname()[1], received
        listener.shutdown(socket.SHUT_RDWR)


def test_each_learner_sends_every_entry_in_order_and_refusals_are_named(server):
    status, port, received = server
    learners = [Learner(f"launch-{n}", f"token-{n}", "localhost") for n in range(3)]
    found = work(learners, port, 2.0)
    assert found["count"] == sum(one.seq - 1 for one in learners)
    assert found["count"] >= 3
    assert len(found["took_ms"]) == found["count"]
    sent = sum(one.seq for one in learners)
    assert found["refused"] == ({} if status == b"200" else {"409": sent})
    assert len(received) == len(learners)
    for mine in received:
        bodies = [
            json.loads(one[one.index(b"{") :])["entries"]
            for one in b"".join(mine).split(b"POST ")[1:]
        ]
        numbers = [entry["seq"] for entries in bodies for entry in entries]
        assert numbers == list(range(1, len(numbers) + 1))
