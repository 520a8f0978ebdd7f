"""What a standard asks of the player beyond a model, when a launch starts and ends.

`MODULES` names the module of each such standard. It is loaded at first use, because it
works on sittings, which call it.
"""

from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from player.sittings import Sitting

MODULES: dict[str, str] = {
    "aicc": "player.hacp",
    "cmi5": "player.cmi5.duties",
    "xapi": "player.xapi_launch",
}


class Duties(Protocol):
    """The functions of such a module, called within the transaction, rows locked."""

    def start(self, db: Session, sitting: "Sitting", now: datetime) -> dict[str, Any]:
        """What the player page is told beside the rest (`entry` is where to go)."""

    def end(self, db: Session, sitting: "Sitting", now: datetime) -> None:
        """The launch ends for good, or another takes over: called once."""


class Opening(Protocol):
    """The function `opened` of a module that has one: the last of the transaction."""

    def __call__(self, db: Session, sitting: "Sitting", now: datetime) -> None: ...


@cache
def duties_of(standard: str) -> Duties | None:
    """The duties of a standard; None where a model is all there is."""
    name = MODULES.get(standard)
    return None if name is None else cast("Duties", import_module(name))


@cache
def opening_of(standard: str) -> Opening | None:
    """What is done when a launch is opened; None where all waits for its start."""
    return cast("Opening | None", getattr(duties_of(standard), "opened", None))
