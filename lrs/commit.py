"""Group commit: one transaction for all the writes that wait in a process.

A commit waits for the disk while it holds the tenant's clock row, so writers of one
tenant can only commit one after the other. Whoever comes while another commits waits,
and what then waits is written together: the more writers, the larger the groups, and
a lone writer waits for nobody. Each write is still all or nothing, and fails alone:
one with a known id, or that voids, is taken out and goes through the ordinary path.
"""

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from psycopg.errors import UniqueViolation
from sqlalchemy import Engine

from lrs.db import writing
from lrs.direct import Direct, Driver
from lrs.store import (
    LOOKS,
    Inserted,
    Rows,
    Stale,
    Write,
    insert,
    refers,
    refuse_repeats,
    store_write,
)
from statements.errors import Unavailable

# what one transaction takes at most, unless one write alone is larger
MAX_STATEMENTS = 500


class _Waiting:
    """A write and the thread that waits for it."""

    __slots__ = ("error", "is_done", "rows", "stored", "turn")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.error: BaseException | None = None
        self.is_done = False
        self.stored: datetime | None = None
        # held until this one is done, or is the next to lead
        self.turn = threading.Lock()
        self.turn.acquire()


class Commits:
    """The writers of a process; whoever finds nobody at work leads."""

    def __init__(self, engine: Engine, direct: Direct) -> None:
        """Write to this database."""
        self._engine = engine
        self._direct = direct
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._is_led = False

    def store(self, write: Write) -> datetime | None:
        """Store what is new of a write, and return once it is committed.

        The instant up to which a reader now misses nothing, if it is known.

        Raises StatementConflict for a known id with other content, Invalid for an id
        twice in the list, Forbidden for voiding what the authority may not void,
        Unavailable; and Stale where the revision is not the one that was presumed. Then
        nothing of the list is stored.
        """
        refuse_repeats(write.statements)
        if not write.statements:
            return None
        own = _Waiting(Rows(write))
        with self._lock:
            self._queue.append(own)
            leads, self._is_led = not self._is_led, True
        if not leads:
            own.turn.acquire()
        while not own.is_done:
            self._lead()
        if own.error is not None:
            raise own.error
        return own.stored

    def _lead(self) -> None:
        """Write what waits; then let the next who waits lead."""
        group = self._next_group()
        try:
            self._write(group)
        except BaseException as error:
            for one in group:
                one.error = one.error or _told(error)
            if not isinstance(error, Exception):
                raise
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._is_led = following is not None
            for one in group:
                one.is_done = True
                one.turn.release()
            if following is not None:
                following.turn.release()

    def _next_group(self) -> list[_Waiting]:
        """What goes together: writes to one tenant as it was presumed, in order."""
        with self._lock:
            group = [self._queue.popleft()]
            count = len(group[0].rows.statements)
            while self._queue:
                one = self._queue[0].rows
                count += len(one.statements)
                first = group[0].rows.write
                is_alike = (one.write.tenant, one.write.revision) == (
                    first.tenant,
                    first.revision,
                )
                if count > MAX_STATEMENTS or not is_alike:
                    break
                group.append(self._queue.popleft())
        return group

    def _write(self, group: Sequence[_Waiting]) -> None:
        """Together, but those that need a closer look; these one by one."""
        # to void may be refused, and what refers is linked to what it refers to
        apart = [one for one in group if refers(one.rows)]
        together = [one for one in group if one not in apart]
        seen: set[bytes] = set()
        for one in list(together):
            ids = {row[0] for row in one.rows.statements}
            if ids & seen:
                # the same statement twice at once: the second finds the first
                together.remove(one)
                apart.append(one)
            seen |= ids
        looks = 0
        while together:
            looks += 1
            try:
                with self._direct.driver() as driver:
                    done = _insert(driver, together)
            except UniqueViolation:
                # committed by another process since this one looked
                if looks < LOOKS:
                    continue
                apart += together
                break
            except (Unavailable, Stale):
                raise
            except Exception as error:  # noqa: BLE001 - told to the one who waits
                if len(together) == 1:
                    together[0].error = error
                    break
                # what the database refuses of one is not the others' failure
                apart += together
                break
            if not done.met:
                for one in together:
                    one.stored = done.stored
                break
            known = {id.bytes for id in done.met}
            met = [
                one
                for one in together
                if any(row[0] in known for row in one.rows.statements)
            ]
            together = [one for one in together if one not in met]
            apart += met
        for one in apart:
            try:
                with writing(self._engine) as db:
                    stored = store_write(db, one.rows.write)
                one.stored = stored
            except Exception as error:  # noqa: BLE001 - told to the one who waits
                one.error = error


def _insert(driver: Driver, group: Sequence[_Waiting]) -> Inserted:
    rows = [one.rows for one in group]
    if driver.dialect == "postgresql":
        return insert(driver, rows)
    driver.rows("BEGIN IMMEDIATE")
    try:
        done = insert(driver, rows)
        driver.rows("COMMIT")
    except BaseException:
        if driver.connection.in_transaction:
            driver.rows("ROLLBACK")
        raise
    return done


def _told(error: BaseException) -> BaseException:
    """What the others of a group are told: each is a failure of its own."""
    if isinstance(error, Unavailable):
        return Unavailable(error.detail)
    return Stale() if isinstance(error, Stale) else error
