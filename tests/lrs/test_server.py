from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from lrs import metrics, server
from lrs.config import Config
from lrs.logs import REQUEST_ID
from lrs.worker import Work
from statements.errors import Unavailable
from tests.conftest import sqlite_url
from tests.served import ROOT, Served
from tests.servers import Servers, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SMALL = Path(__file__).with_name("small.py")


def eventually(claim: Callable[[], Any], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)
    return found


# Around one request


class Closing:
    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.parts)

    def close(self) -> None:
        self.closed += 1


def call(
    body: Iterable[bytes] | Exception,
    *headers: tuple[str, str],
    route: str = "",
    **environ: str,
) -> tuple[list[tuple[str, str]], Iterable[bytes]]:
    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if isinstance(body, Exception):
            raise body
        server.ROUTE.set(route)
        start("201 Created", list(headers))
        return body

    sent: list[tuple[str, str]] = []

    def start_response(status: str, given: list[Any], _exc_info: Any = None) -> None:
        assert status == "201 Created"
        sent.extend(given)

    observed = server.Observed(app, site="test")
    whole = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", **environ}
    return sent, observed(whole, start_response)


def counted(**labels: str) -> float:
    wanted = {"site": "test", "method": "GET", "status": "201", **labels}
    text = ",".join(f'{name}="{wanted[name]}"' for name in sorted(wanted))
    for line in metrics.requests().text().decode().splitlines():
        if line.startswith(f"rollcall_requests_total{{{text}}}"):
            return float(line.rsplit(" ", 1)[1])
    return 0


def test_the_answer_carries_the_id_of_the_request() -> None:
    headers, _ = call([b""], ("A", "b"), HTTP_X_REQUEST_ID="from-outside")
    assert headers == [("A", "b"), ("X-Request-ID", "from-outside")]
    assert REQUEST_ID.get() == "from-outside"


def test_a_short_answer_goes_out_whole_and_is_closed() -> None:
    body = Closing(b"ab", b"c")
    _, answer = call(body, ("Content-Length", "3"))
    assert answer == [b"abc"]
    assert body.closed == 1


@pytest.mark.parametrize("length", [None, server.WHOLE_BYTES + 1])
def test_a_long_answer_is_streamed_and_counted_at_its_end(length: int | None) -> None:
    before = counted(route="long")
    body = Closing(b"ab", b"c")
    given = [] if length is None else [("Content-Length", str(length))]
    _, answer = call(body, *given, route="long")
    assert list(answer) == [b"ab", b"c"]
    assert (body.closed, counted(route="long")) == (0, before)
    answer.close()  # type: ignore[attr-defined]
    assert (body.closed, counted(route="long")) == (1, before + 1)


def test_what_escapes_the_application_is_counted_as_500() -> None:
    before = counted(route="none", status="500")
    with pytest.raises(ZeroDivisionError):
        call(ZeroDivisionError())
    assert counted(route="none", status="500") == before + 1


def test_an_invented_method_makes_no_new_counter() -> None:
    before = counted(route="none", method="other")
    call([b""], ("Content-Length", "0"), REQUEST_METHOD="HACK1")
    call([b""], ("Content-Length", "0"), REQUEST_METHOD="HACK2")
    assert counted(route="none", method="other") == before + 2


def test_the_log_has_the_path_and_never_the_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "rollcall.requests")
    call([b""], ("Content-Length", "0"), QUERY_STRING="agent=secret", PATH_INFO="/xapi")
    [record] = caplog.records
    assert record.getMessage() == "GET /xapi 201"
    assert "secret" not in str(vars(record))


def test_probes_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "rollcall.requests")
    call([b""], ("Content-Length", "0"), route="operations.live")
    assert caplog.records == []


def body(data: bytes, length: int | None = None) -> server.Body:
    return server.Body(io.BytesIO(data), len(data) if length is None else length)


LINES = b"one\ntwo\nthree"


@pytest.mark.parametrize(
    "take",
    [
        lambda b: b.read(),
        lambda b: b.read(None),
        lambda b: b.read(-1),
        lambda b: b"".join(iter(lambda: b.read(2), b"")),
        lambda b: b"".join(iter(b.readline, b"")),
        lambda b: b"".join(iter(lambda: b.readline(3), b"")),
        b"".join,
        lambda b: b"".join(b.readlines()),
        lambda b: b"".join(b.readlines(5)) + b.read(),
        lambda b: b.read(0) + b.readline(0) + b.readline() + b.read(),
    ],
)
def test_a_body_is_read_whole_or_not_at_all(take: Callable[[Any], bytes]) -> None:
    whole, broken = body(LINES), body(LINES, len(LINES) + 1)
    assert take(whole) == LINES
    with pytest.raises(server.BodyBroken):
        take(broken)
    whole.leave()
    broken.leave()


def test_only_some_threads_wait_for_bodies() -> None:
    waiting = [body(b"xy") for _ in range(server.READING)]
    for one in waiting:
        one.read(1)
    late = body(b"x")
    with pytest.raises(server.TooManyBodies):
        late.read()
    waiting.pop().leave()
    assert late.read() == b"x"
    for one in [late, *waiting]:
        one.leave()
        one.leave()
    call([b""], ("Content-Length", "0"))
    assert body(b"x").read() == b"x"


def test_a_body_that_has_come_keeps_no_place() -> None:
    come = [body(b"xy") for _ in range(server.READING + 1)]
    for one in come:
        assert one.read(1) + one.read() + one.read() + one.readline() == b"xy"


# Before it starts


def test_a_port_in_use_is_told(config: Config) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = replace(config, port=taken.getsockname()[1])
        with pytest.raises(Unavailable, match="ROLLCALL_PORT"):
            server.check_port(config)
    server.check_port(replace(config, port=free_ports(1)[0]))


TOLD = [
    ({"port": 8799}, "Rollcall serves at http://localhost:8799"),
    (
        {"port": 8799, "portal_url": "http://localhost:8000"},
        "Rollcall serves at http://localhost:8000 and listens at 127.0.0.1:8799",
    ),
    (
        {
            "host": "::1",
            "portal_url": "https://train.example.org",
            "content_url": "https://train-content.example",
        },
        "Rollcall serves at https://train.example.org and listens at [::1]:8000",
    ),
]


@pytest.mark.parametrize(("values", "told"), TOLD)
def test_the_start_tells_the_real_address(values: dict[str, Any], told: str) -> None:
    assert server.where_told(Config(**values)) == told


@pytest.mark.parametrize("current", [True, False])
def test_only_an_embedded_database_is_migrated_unasked(
    parts: Any, monkeypatch: pytest.MonkeyPatch, *, current: bool
) -> None:
    migrated = []
    monkeypatch.setattr(server, "is_current", lambda _engine: current)
    monkeypatch.setattr(server, "migrate", migrated.append)
    embedded = parts.engine.dialect.name == "sqlite"
    if not current and not embedded:
        with pytest.raises(Unavailable, match="rollcall migrate"):
            server.check_schema(parts.config)
    else:
        server.check_schema(parts.config)
    assert len(migrated) == (not current and embedded)


def test_an_application_that_cannot_be_built_stops_the_start(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "check_schema", lambda _config: None)

    def create(_parts: object) -> server.Wsgi:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        server.serve(replace(config, port=free_ports(1)[0]), create, None)


def test_doctor_tells_by_its_exit_code(
    parts: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    todo = Work(handlers={}, followers={}, periodic={})
    server.add_commands(commands, lambda _parts: lambda _environ, _start: [], todo)
    for current in (True, False):
        monkeypatch.setattr("lrs.doctor.is_current", lambda _e, c=current: c)
        arguments = commands.choices["doctor"].parse_args(["--json"])
        assert arguments.run(arguments, parts.config) == (0 if current else 1)
        found = json.loads(capsys.readouterr().out)["checks"]
        assert {"name", "state", "detail"} == set(found[0])
    arguments = commands.choices["doctor"].parse_args([])
    assert arguments.run(arguments, parts.config) == 1
    assert "failed   database" in capsys.readouterr().out


# The processes


@pytest.fixture
def small(servers: Servers, tmp_path: Path) -> Iterator[Served]:
    url = sqlite_url(servers, tmp_path)
    settings = {"DATA": str(tmp_path), "DATABASE_URL": url, "WORKERS": "2"}
    served = Served(settings, tmp_path / "log")
    served.command = [sys.executable, str(SMALL)]
    served.environ["PYTHONPATH"] = str(ROOT)
    served.start()
    yield served
    served.stop()


def get(served: Served, path: str, body: bytes | None = None) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    try:
        connection.request("GET" if body is None else "POST", path, body)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def working(served: Served) -> int:
    """Give the id of the process that works, when it has lately."""
    path = Path(served.environ["ROLLCALL_DATA"]) / "worker"
    if not path.exists() or time.time() - path.stat().st_mtime > 1:
        return 0
    pid = path.read_text().partition(" ")[0]
    return int(pid or 0)


def processes(served: Served) -> list[psutil.Process]:
    assert served.process is not None
    first = psutil.Process(served.process.pid)
    return [first, *first.children(recursive=True)]


def test_what_dies_is_started_again(small: Served) -> None:
    worker = eventually(lambda: working(small))
    answering = {int(get(small, "/pid")) for _ in range(40)}
    assert worker not in answering
    os.kill(worker, signal.SIGKILL)
    os.kill(min(answering), signal.SIGKILL)
    eventually(lambda: working(small) not in {0, worker})

    def replaced() -> bool:
        try:
            return int(get(small, "/pid")) not in answering
        except (OSError, ValueError, http.client.HTTPException):
            return False

    eventually(replaced)


def test_no_process_outlives_the_first(small: Served) -> None:
    worker = eventually(lambda: working(small))
    all_of_them = processes(small)
    assert worker in {process.pid for process in all_of_them}
    assert len(all_of_them) >= 4
    os.kill(all_of_them[0].pid, signal.SIGKILL)
    assert small.process is not None
    small.process.wait()
    _, alive = psutil.wait_procs(all_of_them[1:], timeout=120)
    assert alive == []


def test_term_lets_a_request_finish(small: Served) -> None:
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(get(small, "/slow")))
    asking.start()
    eventually((Path(small.environ["ROLLCALL_DATA"]) / "slow").exists)
    all_of_them = processes(small)
    assert small.process is not None
    small.process.send_signal(signal.SIGTERM)
    asking.join(120)
    assert answers == ["slow"]
    assert small.process.wait(120) == 0
    _, alive = psutil.wait_procs(all_of_them, timeout=120)
    assert alive == []


def half_sent(served: Served) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", served.port), timeout=5)
    connection.sendall(
        b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
    )
    return connection


def test_slow_bodies_do_not_keep_others_waiting(small: Served) -> None:
    slow = [half_sent(small) for _ in range(4 * server.THREADS)]
    # who had to wait for these would wait until they are closed below
    for _ in range(10):
        assert get(small, "/pid").isdecimal()
    for connection in slow:
        connection.close()
    eventually(lambda: get(small, "/read", b"12345") == "5")


def test_half_a_body_is_not_taken_for_a_whole(small: Served) -> None:
    half_sent(small).close()
    assert get(small, "/read", b"whole") == "5"
    time.sleep(0.5)
    kept = Path(small.environ["ROLLCALL_DATA"]) / "kept"
    assert kept.read_bytes() == b"whole\n"


def test_a_body_in_chunks_is_refused(small: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=30)
    connection.request("POST", "/read", iter([b"a", b"b"]), encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 411
    assert json.loads(answer.read())["code"] == "length_required"
    connection.close()


@pytest.mark.parametrize(
    ("status", "reads", "own", "ends"),
    [
        ("403 Forbidden", False, [], True),
        ("403 Forbidden", True, [], False),
        ("200 OK", False, [], False),
        ("403 Forbidden", False, [("Connection", "close")], False),
    ],
)
def test_a_refusal_that_leaves_a_body_unread_ends_the_connection(
    *, status: str, reads: bool, own: list[tuple[str, str]], ends: bool
) -> None:
    told: list[tuple[str, str]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if reads:
            environ["wsgi.input"].read()
        start_response(status, [("Content-Length", "0"), *own])
        return [b""]

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": "4",
        "wsgi.input": io.BytesIO(b"body"),
    }
    observed = server.Observed(app, site="test")
    list(observed(environ, lambda _status, headers, _info=None: told.extend(headers)))
    added = [one for one in told if one not in own and one[0] == "Connection"]
    assert bool(added) is ends
