"""The worker: an edge that reads the clock and lets jobs and followers run."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lrs.jobs import Follow, Handler, Periodic, follow, run_due
from lrs.parts import Parts
from statements.errors import Unavailable

log = logging.getLogger("rollcall.worker")

PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """What there is to do; wsgi.py, which alone sees every floor, lists it."""

    handlers: Mapping[str, tuple[Handler, ...]]
    followers: Mapping[str, Follow]
    periodic: Mapping[str, tuple[timedelta, Periodic]]


def work(parts: Parts, todo: Work, stop: threading.Event) -> None:
    """Work until `stop` is set; several workers may run beside each other."""
    due = dict.fromkeys(todo.periodic, datetime.min.replace(tzinfo=UTC))
    while not stop.is_set():
        try:
            done = work_once(parts, todo, due)
        except Unavailable:
            log.warning("the database is busy; trying again")
            done = 0
        if not done:
            stop.wait(PAUSE_SECONDS)


def work_once(parts: Parts, todo: Work, due: dict[str, datetime]) -> int:
    """Do what is due now; how many jobs were tried and statements read."""
    now = datetime.now(UTC)
    for name, (every, function) in todo.periodic.items():
        if due[name] <= now:
            due[name] = now + every
            function(parts, now)
    return follow(parts, todo.followers, now) + run_due(parts, todo.handlers, now)
