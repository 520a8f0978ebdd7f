"""The server: several processes that answer, one that works, and their end.

`rollcall serve` starts granian, whose processes answer for the portal and for the
content hosts alike, and one process for jobs and followers. Each is started again
when it dies. TERM lets requests in hand finish; when the first process is killed
the others see that they are orphans and end by themselves.

There are more threads than database connections, and only a part of them may wait for
bodies at a time: clients that send slowly keep neither pages nor probes waiting.
Granian has no time limit for bodies, and an answer given while another thread still
reads holds up the whole process (measured with 2.8), so the limit is the proxy's to
set (docs/operators.md).

When a client breaks off in the middle of a body, granian hands out what came as if it
were all (measured with 2.8). So the length is checked here, and a body that comes in
chunks without one is refused, as HTTP allows (RFC 9112, 6.3): of its end nothing could
be said.
"""

import argparse
import functools
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from lrs import doctor, metrics
from lrs.config import Config
from lrs.db import make_engine
from lrs.logs import (
    begin_request,
    configure_logs,
    log_settings,
    spare_what_is_not_shown,
)
from lrs.migrate import is_current, migrate
from lrs.parts import Parts
from lrs.storage import make_storage
from lrs.worker import Work, work
from statements.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from flask import Flask

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = Sequence[tuple[str, str]]
Create = Callable[[Parts], Wsgi]

THREADS = 64
READING = 48
WAITING = 512
END_SECONDS = 30
# requests leave little behind that only the collector finds
COLLECT_AFTER = (20_000, 20, 20)
RESPAWN_PAUSE_SECONDS = 1.0
ORPHAN_CHECK_SECONDS = 1.0
# answers up to this size go out in one piece
WHOLE_BYTES = 1 << 18
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
QUIET = frozenset({"operations.live", "operations.ready", "operations.scrape"})

log = logging.getLogger("rollcall.server")
request_log = logging.getLogger("rollcall.requests")

ROUTE: ContextVar[str] = ContextVar("route", default="")


class TooManyBodies(Unavailable):
    """Too many requests are being sent at this moment; try again."""


class BodyBroken(Invalid):
    """The request broke off before its end."""


# What happens around every request


def prepare(app: "Flask") -> None:
    """Count and log the requests of an application, and give each an id."""
    added = getattr(app, "headers_before_flask", None)
    app.wsgi_app = Observed(  # type: ignore[method-assign]
        app.wsgi_app, site=app.name, headers=added
    )
    app.url_value_preprocessor(_note_route)


def _note_route(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    ROUTE.set(endpoint or "")


class Observed:
    """A WSGI application whose requests are counted, logged and given an id."""

    def __init__(
        self,
        app: Wsgi,
        *,
        site: str,
        headers: Callable[[dict[str, Any]], Headers] | None = None,
    ) -> None:
        """Wrap `app`; `site` tells its requests from those of others.

        `headers` gives those that every answer of the application has, for what is
        refused before it.
        """
        self.app = app
        self.site = site
        self.headers = headers

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer as `app` does, with `X-Request-ID`."""
        began = time.perf_counter()
        name = begin_request(environ.get("HTTP_X_REQUEST_ID"))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = environ["wsgi.input"] = Body(environ.get("wsgi.input"), length)
        ROUTE.set("")
        answer: dict[str, Any] = {"status": 500, "length": None}

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Any:
            answer["status"] = int(status.partition(" ")[0])
            for header, value in headers:
                if header.lower() == "content-length":
                    answer["length"] = int(value)
            added = [("X-Request-ID", name)]
            if answer["status"] >= 400 and sent.is_unread() and not _ends(headers):
                # the server hangs up on whoever still sends, and does not always say so
                added.append(("Connection", "close"))
            return start_response(status, [*headers, *added], exc_info)

        def done() -> None:
            sent.leave()
            self._note(environ, answer["status"], time.perf_counter() - began)

        try:
            if "HTTP_TRANSFER_ENCODING" in environ:
                body = refuse_chunks(
                    start, self.headers(environ) if self.headers else ()
                )
            else:
                body = self.app(environ, start)
        except BaseException:
            done()
            raise
        # what streams out has read its body; should it come back, it waits again
        sent.leave()
        if answer["length"] is not None and answer["length"] <= WHOLE_BYTES:
            try:
                return [b"".join(body)]
            finally:
                _close(body)
                done()
        return _Streamed(body, done)

    def _note(self, environ: dict[str, Any], status: int, seconds: float) -> None:
        method, route = environ["REQUEST_METHOD"], ROUTE.get()
        metrics.requests().note(
            site=self.site,
            route=route or "none",
            method=method if method in METHODS else "other",
            status=status,
            seconds=seconds,
        )
        path = environ.get("PATH_INFO", "")
        request_log.log(
            logging.DEBUG if route in QUIET else logging.INFO,
            "%s %s %s",
            method,
            path,
            status,
            extra={
                "site": self.site,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "from": environ.get("REMOTE_ADDR", ""),
            },
        )


def _ends(headers: list[tuple[str, str]]) -> bool:
    """Whether the answer says already that the connection ends."""
    return any(name.lower() == "connection" for name, _ in headers)


def refuse_chunks(start_response: Callable[..., Any], more: Headers) -> Iterable[bytes]:
    """The answer to a body that does not say how long it is."""
    problem = {
        "type": "about:blank",
        "title": "Length Required",
        "status": 411,
        "code": "length_required",
        "detail": "Send Content-Length; a body in chunks is not taken.",
    }
    body = orjson.dumps(problem)
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        *more,
    ]
    start_response("411 Length Required", headers)
    return [body]


class Body:
    """The body of a request, which ends where it was announced to, or raises.

    No more than READING threads wait for bodies.
    """

    places = threading.BoundedSemaphore(READING)

    def __init__(self, stream: Any, length: int) -> None:
        """Read `length` bytes from `stream`."""
        self._stream = stream
        self._left = length
        self._inside = False

    def is_unread(self) -> bool:
        """Whether something was announced that nobody has read."""
        return self._left > 0

    def _enter(self) -> None:
        if not self._inside:
            if not self.places.acquire(blocking=False):
                raise TooManyBodies
            self._inside = True

    def leave(self) -> None:
        """Give the place to another; nothing is waited for any more."""
        if self._inside:
            self._inside = False
            self.places.release()

    def _take(self, data: bytes, *, at_end: bool) -> bytes:
        self._left -= len(data)
        if at_end and self._left > 0:
            raise BodyBroken
        if self._left <= 0:
            # what follows may take its time without keeping others from sending
            self.leave()
        return data

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, or all that are left."""
        if self._left <= 0:
            return b""
        self._enter()
        size = -1 if size is None else size
        # the server's reader takes no negative size
        data: bytes = self._stream.read() if size < 0 else self._stream.read(size)
        return self._take(data, at_end=size < 0 or (not data and size > 0))

    def readline(self, size: int | None = -1) -> bytes:
        """The next line, or as much of it as `size`."""
        if self._left <= 0:
            return b""
        self._enter()
        line: bytes = self._stream.readline(-1 if size is None else size)
        return self._take(line, at_end=not line and size != 0)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """All lines that are left, or about `hint` bytes of them."""
        lines, size = [], 0
        for line in self:
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """Line by line."""
        return iter(self.readline, b"")


class _Streamed:
    """A body that tells when it has been sent."""

    def __init__(self, body: Iterable[bytes], done: Callable[[], None]) -> None:
        self._body = body
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            _close(self._body)
        finally:
            self._done()


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


# The processes


def make_parts(config: Config) -> Parts:
    """Database and storage as the settings say."""
    return Parts(config, make_engine(config.database_url), make_storage(config))


def begin_process() -> None:
    """Make the present process end when the one that started it is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_CHECK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(END_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()


def work_process(config: Config, todo: Work) -> None:
    """Work until TERM or INT; what is in hand is finished first."""
    configure_logs()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        work(make_parts(config), todo, stop)
    except Exception:
        log.exception("the worker stopped")
        sys.exit(1)


def _child(config: Config, todo: Work) -> None:
    begin_process()
    work_process(config, todo)


class Keeper:
    """Keeps one worker process running until told to stop."""

    def __init__(self, config: Config, todo: Work) -> None:
        """Take what the process is handed."""
        self.arguments = (config, todo)
        self.stopping = threading.Event()
        self.process: BaseProcess | None = None
        self.thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Start the process and watch it."""
        self._spawn()
        self.thread.start()

    def _spawn(self) -> None:
        self.process = multiprocessing.get_context().Process(
            target=_child, args=self.arguments, name="worker"
        )
        self.process.start()

    def _keep(self) -> None:
        while self.process is not None:
            self.process.join()
            if self.stopping.wait(RESPAWN_PAUSE_SECONDS):
                return
            log.error("the worker ended unexpectedly; starting another")
            self._spawn()

    def stop(self) -> None:
        """Ask the process to end, and end it if it does not."""
        self.stopping.set()
        if self.process is None:
            return
        self.process.terminate()
        self.process.join(END_SECONDS)
        if self.process.is_alive():
            self.process.kill()


def _load(config: Config, create: Create) -> Wsgi:
    begin_process()
    spare_what_is_not_shown()
    app = create(make_parts(config))
    # what is there now stays for ever: the collector need not look at it again
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    return app


def serve(config: Config, create: Create, todo: Work | None) -> int:
    """Serve until TERM or INT; `todo` is what the worker inside does, if any."""
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    check_schema(config)
    check_port(config)
    # what cannot even be built is told once, here, not by every process
    create(make_parts(config))
    counters = config.data.resolve() / "metrics"
    shutil.rmtree(counters, ignore_errors=True)
    counters.mkdir(parents=True)
    os.environ[metrics.FOLDER_VARIABLE] = str(counters)
    keeper = Keeper(config, todo) if todo is not None else None
    terminal = sys.stderr.isatty()
    server = Server(
        "rollcall",
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        address=config.host,
        port=config.port,
        workers=config.workers,
        blocking_threads=THREADS,
        backpressure=WAITING,
        respawn_failed_workers=True,
        workers_kill_timeout=END_SECONDS,
        log_level=LogLevels.error if terminal else LogLevels.info,
        log_dictconfig=log_settings(json=not terminal),
    )
    if keeper is not None:
        keeper.start()
    sys.stdout.write(f"{where_told(config)}\n")
    sys.stdout.flush()
    try:
        server.serve(
            target_loader=functools.partial(_load, config, create), wrap_loader=False
        )
    finally:
        if keeper is not None:
            keeper.stop()
    return 0


def where_told(config: Config) -> str:
    """The public address, and the one listened at where the first does not show it."""
    said = f"Rollcall serves at {config.portal_url}"
    host = f"[{config.host}]" if ":" in config.host else config.host
    address = urlsplit(config.portal_url)
    own = {"localhost", config.host}
    if address.port == config.port and address.hostname in own:
        return said
    return f"{said} and listens at {host}:{config.port}"


def check_schema(config: Config) -> None:
    """Bring an embedded database to the present schema; refuse another that is not."""
    engine = make_engine(config.database_url)
    try:
        if is_current(engine):
            return
        if engine.dialect.name != "sqlite":
            raise Unavailable(
                "The database is not at the present schema; run rollcall migrate."
            )
        migrate(engine)
    finally:
        engine.dispose()


def check_port(config: Config) -> None:
    """Refuse, in words, an address that cannot be listened at."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise Unavailable(
                f"Cannot listen at {config.host}:{config.port}: {error.strerror}. "
                "Set ROLLCALL_PORT, and with it ROLLCALL_PORTAL_URL and "
                "ROLLCALL_CONTENT_URL where they are set."
            ) from error


# The commands


def add_commands(commands: Any, create: Create, todo: Work) -> None:
    """Add `serve`, `worker` and `doctor`.

    `create` makes the application that answers, `todo` is what a worker does.
    """
    command = commands.add_parser("serve", help="answer requests, and work")
    command.add_argument(
        "--no-worker", action="store_true", help="leave jobs to rollcall worker"
    )
    command.set_defaults(run=_serve, create=create, todo=todo)
    command = commands.add_parser("worker", help="do jobs and follow the log")
    command.set_defaults(run=_worker, todo=todo)
    command = commands.add_parser("doctor", help="check the installation")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_doctor, looks=True)


def _serve(arguments: argparse.Namespace, config: Config) -> int:
    todo = None if arguments.no_worker else arguments.todo
    return serve(config, arguments.create, todo)


def _worker(arguments: argparse.Namespace, config: Config) -> int:
    check_schema(config)
    work_process(config, arguments.todo)
    return 0


def _doctor(arguments: argparse.Namespace, config: Config) -> int:
    parts = make_parts(config)
    try:
        checks = list(doctor.examine(parts, datetime.now(UTC)))
    finally:
        parts.engine.dispose()
    if arguments.json:
        body = {"checks": [vars(check) for check in checks]}
        sys.stdout.write(orjson.dumps(body).decode() + "\n")
    else:
        for check in checks:
            sys.stdout.write(f"{check.state:<8} {check.name:<10} {check.detail}\n")
    return 1 if any(check.state == "failed" for check in checks) else 0
