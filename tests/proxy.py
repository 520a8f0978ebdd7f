"""A bad network between a client and the server: a proxy that spoils what it is told to.

It passes on HTTP/1.1 requests, each over a connection of its own to the server. What
`choose` names for a request happens to it; nothing named, it goes through unharmed.
Bodies are read by their announced length, which is what browsers and our clients send.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
PAUSE = 0.3
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection: *[^\r]*", re.IGNORECASE)

# What somebody on the way answers in the server's place; the request never arrives.
ANSWERS = {
    "sign-in page of a network": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    b"Content-Length: 16\r\n\r\n<h1>Sign in</h1>",
    "JSON that is not ours": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b'Content-Length: 12\r\n\r\n{"ok": true}',
    "empty 200": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: /sign-in\r\nContent-Length: 0\r\n\r\n",
    "400 of a proxy": b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n"
    b"Content-Length: 3\r\n\r\nbad",
    "403 of a firewall": b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n"
    b"Content-Length: 7\r\n\r\nblocked",
    "404 of a proxy": b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"
    b"Content-Length: 4\r\n\r\nnone",
    "429 with Retry-After": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}",
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 5\r\n\r\nfault",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "503 with Retry-After": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Content-Type: application/problem+json\r\nContent-Length: 2\r\n\r\n{}",
    "504": b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n",
    "not HTTP": b"\x15\x03\x01\x00\x02\x02\x28",
    "cut head": b"HTTP/1.1 200 OK\r\nContent-Ty",
}
# What happens to the request or its answer on the way.
HAPPENS = (
    "closed before the request",
    "reset before the request",
    "half the request",
    "closed before the answer",
    "reset before the answer",
    "half the answer",
    "slow answer",
    "late request",
    "no answer",
    "sent twice",
    "sent twice at once",
    "arrives after those that follow",
)
FAULTS = (*ANSWERS, *HAPPENS)


@dataclass
class Request:
    """A request as it came."""

    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        """The target of the request line, without a query."""
        return self.head.split(b" ", 2)[1].partition(b"?")[0].decode()

    @property
    def whole(self) -> bytes:
        """The request as it is passed on: the connection ends with the answer."""
        head = _CONNECTION.sub(b"", self.head)
        return head[:-2] + b"Connection: close\r\n\r\n" + self.body


@dataclass
class Proxy:
    """Listens on `port`; `upstream` is the server's, to be set before the first request.

    `choose` is asked for every request and names a fault or nothing. `done` counts what
    happened, `passed` what went through.
    """

    upstream: int = 0
    choose: Callable[[Request], str | None] = lambda _: None
    done: Counter[str] = field(default_factory=Counter)
    passed: int = 0
    _late: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(init=False)
    _is_over: bool = False

    def __enter__(self) -> Self:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; what is under way ends with its connections."""
        self._is_over = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        found: int = self._listener.getsockname()[1]
        return found

    def _accept(self) -> None:
        while not self._is_over:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        with client, contextlib.suppress(OSError):
            while (request := _read(client)) is not None:
                fault = self.choose(request)
                if fault is None:
                    with self._lock:
                        self.passed += 1
                        late, self._late = self._late, []
                    client.sendall(self.ask(request.whole))
                    for one in late:
                        self.ask(one.whole)
                else:
                    with self._lock:
                        self.done[fault] += 1
                    self._spoil(client, request, fault)
                # one request a connection: a client finds out at once what was cut
                return

    def ask(self, whole: bytes) -> bytes:
        """Give what the server answers to the bytes of a request."""
        with socket.create_connection(("127.0.0.1", self.upstream), PATIENCE) as server:
            server.sendall(whole)
            parts = []
            while part := server.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def _repeat(self, whole: bytes) -> None:
        """Ask, and let the answer go wherever it goes."""
        with contextlib.suppress(OSError):
            self.ask(whole)

    def _spoil(self, client: socket.socket, request: Request, fault: str) -> None:
        if fault in ANSWERS:
            client.sendall(ANSWERS[fault])
            return
        whole = request.whole
        match fault:
            case "closed before the request":
                pass
            case "reset before the request":
                _reset(client)
            case "half the request":
                server = socket.create_connection(("127.0.0.1", self.upstream))
                with server:
                    server.sendall(whole[: len(whole) - len(request.body) // 2 - 1])
            case "closed before the answer":
                self.ask(whole)
            case "reset before the answer":
                self.ask(whole)
                _reset(client)
            case "half the answer":
                answer = self.ask(whole)
                client.sendall(answer[: len(answer) - 5])
            case "slow answer":
                answer = self.ask(whole)
                for start in range(0, len(answer), 64):
                    client.sendall(answer[start : start + 64])
                    time.sleep(PAUSE / 20)
            case "late request":
                time.sleep(PAUSE)
                client.sendall(self.ask(whole))
            case "no answer":
                self.ask(whole)
                # until the client has had enough
                client.recv(1)
            case "sent twice":
                self.ask(whole)
                client.sendall(self.ask(whole))
            case "sent twice at once":
                other = threading.Thread(
                    target=self._repeat, args=(whole,), daemon=True
                )
                other.start()
                answer = self.ask(whole)
                other.join()
                client.sendall(answer)
            case "arrives after those that follow":
                with self._lock:
                    self._late.append(request)
            case _:
                raise ValueError(fault)


def _read(client: socket.socket) -> Request | None:
    """Give the next request of a connection; None at its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    missing = (int(found[1]) if found else 0) - len(body)
    while missing > 0:
        part = client.recv(min(missing, 1 << 20))
        if not part:
            return None
        body += part
        missing -= len(part)
    return Request(head + b"\r\n\r\n", body)


def _reset(client: socket.socket) -> None:
    """Let the connection end by a reset, as when a device on the way forgets it."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
