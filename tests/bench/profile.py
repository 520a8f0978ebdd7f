"""Where the time of a request goes: the application in this process, without a server.

Times are processor time of the thread, larger than they are without a profiler;
shares are about right, and waiting does not count. Beside it stands what a request
takes unprofiled, one after the other.
"""

from __future__ import annotations

import cProfile
import io
import pickle
import pstats
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lrs.config import Config
from lrs.server import make_parts
from tests.bench.load import renewed
from tests.bench.report import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.load import Request

WARM = 50
SHOWN = 45


class Application:
    """The product as one WSGI callable on a database, called in this thread."""

    def __init__(self, url: str, data: Path, portal: str, content: str) -> None:
        """Build it as `serve` does."""
        import wsgi

        config = Config(
            data=data,
            database_url=url,
            portal_url=portal,
            content_url=content,
            secret_key="bench",
        )
        self.parts = make_parts(config)
        self.call = wsgi.create_application(self.parts)

    def ask(self, wanted: Request) -> tuple[str, bytes]:
        """Give status and body of the answer."""
        head, _, body = bytes(renewed(wanted)).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for line in lines:
            name, _, value = line.partition(": ")
            name = name.upper().replace("-", "_")
            plain = name in {"CONTENT_TYPE", "CONTENT_LENGTH"}
            environ[name if plain else f"HTTP_{name}"] = value
        told: list[str] = []

        def start(status: str, _headers: Any, _exc_info: Any = None) -> Any:
            told.append(status)

        answer = self.call(environ, start)
        try:
            text = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return told[0], text

    def close(self) -> None:
        """Let go of the database."""
        self.parts.engine.dispose()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the requests' log from the terminal."""
    import logging

    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def show(application: Application, path: Path, seconds: float) -> None:
    """Ask what the file holds, without and with the profiler, and show the shares."""
    requests: list[Request] = pickle.loads(path.read_bytes())  # noqa: S301
    with quiet():
        for place in range(WARM):
            status, body = application.ask(requests[place % len(requests)])
            if not status.startswith("20"):
                message = f"{status}: {body[:600]!r}"
                raise RuntimeError(message)
        taken = _time(lambda n: application.ask(requests[n % len(requests)]), seconds)
        profiler = cProfile.Profile(time.thread_time)
        profiler.enable()
        _time(lambda n: application.ask(requests[n % len(requests)]), seconds)
        profiler.disable()
    say(
        f"one after the other, unprofiled: {taken[0]:.0f} us, of that CPU {taken[1]:.0f}"
    )
    text = io.StringIO()
    statistics = pstats.Stats(profiler, stream=text).strip_dirs()
    for order in ("cumulative", "tottime"):
        statistics.sort_stats(order).print_stats(SHOWN)
    say(text.getvalue())


def _time(act: Callable[[int], object], seconds: float) -> tuple[float, float]:
    """Act for some seconds; microseconds of time and of processor time for each."""
    count, began, processor = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < began + seconds:
        act(count)
        count += 1
    return (
        (time.perf_counter() - began) / count * 1e6,
        (time.process_time() - processor) / count * 1e6,
    )
