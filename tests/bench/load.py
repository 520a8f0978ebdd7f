"""The load generator: a process of its own that asks over kept-alive connections.

    python -m tests.bench.load FILE PORT SECONDS

FILE holds the requests, bytes made beforehand; only the ids of statements are new
each time and written over their places. One thread serves all connections: what it
costs by itself is told with the answer, in microseconds of processor time a request.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import select
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONNECTIONS = 8
PATIENCE = 20.0
# one for all: what is read is counted and dropped
BUFFER = memoryview(bytearray(1 << 18))
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
# what `Line.left` says while the head comes, and while chunks do
_HEAD, _CHUNKS = -1, -2


@dataclass(frozen=True)
class Request:
    """The bytes of a request and where in them the ids of statements stand."""

    data: bytes
    ids: tuple[int, ...]


def request(
    method: str,
    path: str,
    *,
    headers: dict[str, str],
    body: bytes = b"",
    ids: tuple[str, ...] = (),
) -> Request:
    """Give the request; `ids` are the ids in its body that are new each time."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    if method != "GET":
        lines += [f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, "", ""]).encode()
    places = tuple(len(head) + body.index(b'"id":"' + one.encode()) + 6 for one in ids)
    return Request(head + body, places)


def renewed(wanted: Request) -> bytes | bytearray:
    """Give the bytes of the request with new ids: eight digits of each are random."""
    if not wanted.ids:
        return wanted.data
    data = bytearray(wanted.data)
    digits = os.urandom(4 * len(wanted.ids)).hex().encode()
    for start, place in enumerate(wanted.ids):
        data[place : place + 8] = digits[8 * start : 8 * start + 8]
    return data


class Line:
    """A connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.left = 0
        self.status = b""
        self.head = b""
        self.tail = b""

    def send(self, wanted: Request) -> None:
        """Send the request, with new ids."""
        data = renewed(wanted)
        self.head = b""
        self.left = _HEAD
        self.tail = b""
        self.began = time.perf_counter()
        self.socket.sendall(data)

    def take(self) -> bool:
        """Read what has come; whether the answer is complete."""
        count = self.socket.recv_into(BUFFER)
        if not count:
            message = "the server closed a connection"
            raise ConnectionError(message)
        if self.left >= 0:
            self.left -= count
            return self.left == 0
        if self.left == _CHUNKS:
            return self._is_last(BUFFER[:count])
        self.head += BUFFER[:count]
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return False
        length = _LENGTH.search(self.head, 0, end + 2)
        if length is None and _CHUNKED.search(self.head, 0, end + 2):
            self.status = self.head[9:12]
            self.left = _CHUNKS
            return self._is_last(self.head[end + 4 :])
        if length is None:
            message = f"an answer without a length: {self.head[:end]!r}"
            raise ConnectionError(message)
        self.status = self.head[9:12]
        self.left = int(length[1]) + end + 4 - len(self.head)
        return self.left == 0

    def _is_last(self, data: bytes | memoryview) -> bool:
        """Whether the answer's last chunk has come with this."""
        size = len(_LAST_CHUNK)
        self.tail = (self.tail + bytes(data[-size:]))[-size:]
        return self.tail == _LAST_CHUNK


def ask(requests: list[Request], port: int, seconds: float) -> dict[str, Any]:
    """Ask in turn on all connections for some seconds; the counts and times."""
    lines = [Line(port) for _ in range(CONNECTIONS)]
    by_number = {line.socket.fileno(): line for line in lines}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    # statements under way at once have bodies of their own
    turn, total = os.getpid() % len(requests), len(requests)
    took: list[float] = []
    refused: dict[str, int] = {}
    processor = time.process_time()
    began = time.perf_counter()
    end = began + seconds
    for line in lines:
        turn = (turn + 1) % total
        line.send(requests[turn])
    waiting = len(lines)
    last = began
    while waiting:
        ready = poll.poll(PATIENCE)
        if not ready:
            message = f"no answer for {PATIENCE} seconds"
            raise TimeoutError(message)
        for number, _ in ready:
            line = by_number[number]
            if not line.take():
                continue
            last = time.perf_counter()
            took.append(last - line.began)
            if line.status not in {b"200", b"204"}:
                text = f"{line.status.decode()} {line.head[-600:].decode(errors='replace')}"
                refused[text] = refused.get(text, 0) + 1
            if last < end:
                turn = (turn + 1) % total
                line.send(requests[turn])
            else:
                waiting -= 1
    processor = time.process_time() - processor
    for line in lines:
        line.socket.close()
    took.sort()
    return {
        "count": len(took),
        "seconds": last - began,
        "rate": len(took) / (last - began),
        "median_ms": took[len(took) // 2] * 1000,
        "p95_ms": took[int(len(took) * 0.95)] * 1000,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
        "own_us": processor / len(took) * 1e6,
        "refused": refused,
    }


def main() -> None:
    """Ask as the command line says; the result as JSON on standard output."""
    path, port, seconds = sys.argv[1:4]
    requests: list[Request] = pickle.loads(Path(path).read_bytes())  # noqa: S301
    sys.stdout.write(json.dumps(ask(requests, int(port), float(seconds))))


if __name__ == "__main__":
    main()
