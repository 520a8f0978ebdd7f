"""The running application, as views reach it."""

import threading
from typing import cast

from flask import current_app

from lrs.parts import Parts
from lrs.process import Process, make_process

_LOCK = threading.Lock()


def parts() -> Parts:
    """The parts of the running application."""
    return cast("Parts", current_app.extensions["rollcall"])


def process() -> Process:
    """What the running application keeps in this process."""
    found: Process | None = current_app.extensions.get("rollcall_process")
    if found is None:
        with _LOCK:
            found = current_app.extensions.setdefault(
                "rollcall_process", make_process(parts().engine)
            )
    return found
