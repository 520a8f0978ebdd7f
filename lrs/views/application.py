"""The running application, as views reach it."""

from typing import cast

from flask import current_app

from lrs.parts import Parts


def parts() -> Parts:
    """The parts of the running application."""
    return cast("Parts", current_app.extensions["rollcall"])
