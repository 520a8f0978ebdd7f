"""The control of F1: a server that answers before it commits.

The real application, but a POST of statements is answered at once and carried out
by a thread a little later, as a server with a queue in memory would.
"""

from __future__ import annotations

import io
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import wsgi
from lrs.config import Config
from lrs.server import make_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

real = wsgi.create_application(make_parts(Config.from_env(os.environ)))


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Answer early; everything but statements goes the real way."""
    if environ["PATH_INFO"] != "/xapi/statements":
        return real(environ, start_response)
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))

    def later() -> None:
        time.sleep(0.1)
        copy = {**environ, "wsgi.input": io.BytesIO(body)}
        for _ in real(copy, lambda *_: None):
            pass

    threading.Thread(target=later).start()
    ids = json.dumps([one["id"] for one in json.loads(body)]).encode()
    start_response("200 OK", [("Content-Length", str(len(ids)))])
    return [ids]


if __name__ == "__main__":
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tests.faults.early:application",
        address="127.0.0.1",
        port=int(os.environ["ROLLCALL_PORT"]),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=8,
    ).serve()
