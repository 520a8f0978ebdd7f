"""A served record store and callers of it, for tests that ask hard things of it."""

from __future__ import annotations

import base64
import http.client
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from lrs.db import writing
from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from tests.lrs.views.conftest import issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lrs.parts import Parts
    from tests.served import Served

STATEMENTS = "/xapi/statements"
VERSIONS = ("1.0.3", "2.0.0")


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return orjson.loads(self.body)


@dataclass
class Caller:
    """One caller, with a connection that is kept; not for two threads at once."""

    port: int
    key: str
    secret: str
    version: str = "1.0.3"
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        """Make the connection; it opens with the first request."""
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        self.headers = {
            "Authorization": f"Basic {pair}",
            "Host": f"localhost:{self.port}",
        }

    def again(self, version: str = "") -> Caller:
        """The same caller with another connection, or another version too."""
        return Caller(self.port, self.key, self.secret, version or self.version)

    def call(
        self,
        method: str,
        path: str = STATEMENTS,
        *,
        body: Any = None,
        headers: Any = None,
        version: str = "",
        **query: str,
    ) -> Answer:
        """Send one request; anything but bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        sent = {**self.headers, "X-Experience-API-Version": version or self.version}
        if raw is not None:
            sent["Content-Type"] = "application/json"
        address = f"{path}?{urlencode(query)}" if query else path
        for is_last in (False, True):
            try:
                self.connection.request(method, address, raw, sent | (headers or {}))
                answer = self.connection.getresponse()
                return Answer(answer.status, answer.headers, answer.read())
            except (BrokenPipeError, ConnectionResetError):
                # a server may refuse and hang up before it has read the body
                self.connection.close()
                if is_last:
                    raise
        raise AssertionError

    def post(self, body: Any, version: str = "") -> Answer:
        """POST statements."""
        return self.call("POST", body=body, version=version)

    def get(self, version: str = "", **query: str) -> Answer:
        """GET statements."""
        return self.call("GET", STATEMENTS, version=version, **query)

    def walk(self, **query: str) -> list[dict[str, Any]]:
        """Every statement that matches, through all pages."""
        answer = self.get(**query)
        found: list[dict[str, Any]] = []
        while True:
            assert answer.status == http.HTTPStatus.OK, answer.body
            found += answer.json["statements"]
            if not answer.json["more"]:
                return found
            answer = self.call("GET", answer.json["more"])

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


@dataclass(frozen=True)
class Running:
    """A served record store on one kind of database, with its parts at hand."""

    served: Served
    parts: Parts

    @property
    def kind(self) -> str:
        """The kind of database."""
        return self.parts.engine.dialect.name

    def tenant(self) -> int:
        """Give a new, empty record store."""
        with writing(self.parts.engine) as db:
            return create_tenant(db, name=uuid.uuid4().hex).id

    def caller(
        self, tenant: int = MAIN_TENANT, scopes: Iterable[str] = ("all",)
    ) -> Caller:
        """Give a caller with a new credential."""
        made = issue(self.parts, scopes, tenant)
        return Caller(self.served.port, made.key, made.secret)


def at_once(threads: int, act: Callable[[int], Any]) -> list[Any]:
    """Run `act` in some threads that start together; what each gave, in order."""
    barrier = threading.Barrier(threads)

    def run(number: int) -> Any:
        barrier.wait(timeout=60)
        return act(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def share_out(caller: Caller, threads: int, work: Sequence[Any]) -> list[Answer]:
    """Let `threads` connections of a caller POST all of `work`; answers in its order."""
    answers: list[Answer | None] = [None] * len(work)
    waiting = iter(range(len(work)))
    lock = threading.Lock()

    def run(_: int) -> None:
        mine = caller.again()
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                mine.close()
                return
            answers[number] = mine.post(work[number])

    at_once(threads, run)
    return [answer for answer in answers if answer is not None]
