"""The worker: an edge that reads the clock and lets jobs and followers run."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from lrs.jobs import Follow, Handler, Periodic, follow, run_next
from lrs.parts import Parts
from statements.errors import Unavailable

log = logging.getLogger("rollcall.worker")

PAUSE_SECONDS = 0.2
FIRST_REST = timedelta(seconds=1)
LONGEST_REST = timedelta(minutes=5)


@dataclass(frozen=True)
class Work:
    """What there is to do; wsgi.py, which alone sees every floor, lists it."""

    handlers: Mapping[str, tuple[Handler, ...]]
    followers: Mapping[str, Follow]
    periodic: Mapping[str, tuple[timedelta, Periodic]]


@dataclass
class Turn:
    """When periodic work is due next, and until when a failing part rests."""

    due: dict[str, datetime] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    rests_until: dict[str, datetime] = field(default_factory=dict)

    def attempt(self, name: str, act: Callable[[], int], now: datetime) -> int:
        """What `act` returns; 0 when it rests or fails, which stops nothing else."""
        if self.rests_until.get(name, now) > now:
            return 0
        try:
            done = act()
        except Unavailable:
            log.warning("the database is busy; trying again", extra={"part": name})
        except Exception:
            count = self.failures[name] = self.failures.get(name, 0) + 1
            pause = min(FIRST_REST * 2 ** min(count - 1, 10), LONGEST_REST)
            self.rests_until[name] = now + pause
            log.exception("a part of the worker failed", extra={"part": name})
        else:
            self.failures.pop(name, None)
            return done
        return 0


def work(parts: Parts, todo: Work, stop: threading.Event) -> None:
    """Work until `stop` is set; several workers may run beside each other."""
    turn = Turn()
    while not stop.is_set():
        if not work_once(parts, todo, turn):
            stop.wait(PAUSE_SECONDS)


def work_once(parts: Parts, todo: Work, turn: Turn) -> int:
    """Do what is due, one job at the most; how many jobs and statements that was.

    Followers read between jobs, so a long import delays no completion that another
    worker could derive, and none longer than itself.
    """
    now = clock()
    for name, (every, act) in todo.periodic.items():
        if turn.due.get(name, now) <= now:
            turn.due[name] = now + every
            turn.attempt(name, partial(_periodic, act, parts, now), now)
    done = 0
    for name, read in todo.followers.items():
        done += turn.attempt(name, partial(follow, parts, {name: read}, now), now)
    return done + turn.attempt(
        "jobs", partial(run_next, parts, todo.handlers, clock), now
    )


def _periodic(act: Periodic, parts: Parts, now: datetime) -> int:
    act(parts, now)
    return 0


def clock() -> datetime:
    """The present."""
    return datetime.now(UTC)
