"""The running application, as views reach it."""

import threading
from typing import cast

from flask import Flask, current_app

from lrs.parts import Parts
from lrs.process import Process, make_process
from lrs.sessions import Known

_LOCK = threading.Lock()


def parts() -> Parts:
    """The parts of the running application."""
    return cast("Parts", current_app.extensions["rollcall"])


def sessions() -> Known:
    """Who launches units, by kind; nobody where the record store runs alone."""
    return cast("Known", current_app.extensions.get("rollcall_sessions", {}))


def process() -> Process:
    """What the running application keeps in this process."""
    return process_of(current_app)


def process_of(app: Flask) -> Process:
    """What an application keeps in this process."""
    found: Process | None = app.extensions.get("rollcall_process")
    if found is None:
        engine = cast("Parts", app.extensions["rollcall"]).engine
        with _LOCK:
            found = app.extensions.setdefault("rollcall_process", make_process(engine))
    return found
