from __future__ import annotations

import socket
import threading

import pytest

from tests.bench.load import ask, request

ANSWERS = {
    "length": b"HTTP/1.1 %b\r\nContent-Length: 9\r\n\r\n123456789",
    "chunks": (
        b"HTTP/1.1 %b\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n"
    ),
}


def serve(listener: socket.socket, answer_bytes: bytes) -> None:
    """Answer every request, cut in three, until the other side leaves."""

    def answer(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65536):
                whole = answer_bytes
                for piece in (whole[:12], whole[12:50], whole[50:]):
                    connection.sendall(piece)

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


@pytest.fixture(
    params=[
        (b"200 OK", "length"),
        (b"204 No Content", "length"),
        (b"409 Conflict", "length"),
        (b"200 OK", "chunks"),
        (b"409 Conflict", "chunks"),
    ]
)
def answered(request):
    status, form = request.param
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=serve, args=(listener, ANSWERS[form] % status), daemon=True
        ).start()
        yield status, listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_answers_are_counted_whole_and_refusals_named(answered):
    status, port = answered
    found = ask([request("GET", "/x", headers={"Host": "x"})], port, 0.3)
    assert found["count"] > 20
    assert found["rate"] == pytest.approx(found["count"] / found["seconds"])
    assert 0 < found["median_ms"] <= found["p95_ms"] <= found["p99_ms"]
    is_refusal = status.startswith(b"409")
    assert sum(found["refused"].values()) == (found["count"] if is_refusal else 0)
    assert all(text.startswith("409") for text in found["refused"])
