"""A control: a server that says entries are committed before they are.

The real application, but entries are answered at once and applied a little later by
one thread, in order, as a server with a queue in memory would.
"""

from __future__ import annotations

import io
import json
import os
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import wsgi
from lrs.config import Config
from lrs.server import make_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

real = wsgi.create_application(make_parts(Config.from_env(os.environ)))
waiting: queue.Queue[dict[str, Any]] = queue.Queue()


def work() -> None:
    """Apply what waits, a little late."""
    while True:
        environ = waiting.get()
        time.sleep(0.02)
        for _ in real(environ, lambda *_: None):
            pass


threading.Thread(target=work, daemon=True).start()


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Answer early; everything but entries goes the real way."""
    if not environ["PATH_INFO"].endswith("/entries"):
        return real(environ, start_response)
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    waiting.put({**environ, "wsgi.input": io.BytesIO(body)})
    last = json.loads(body)["entries"][-1]["seq"]
    answer = json.dumps({"committed_seq": last}).encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


if __name__ == "__main__":
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tests.faults.early_entries:application",
        address="127.0.0.1",
        port=int(os.environ["ROLLCALL_PORT"]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=8,
    ).serve()
