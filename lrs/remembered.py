"""What a process remembers of a tenant between requests: its callers and its wall.

Looking up a credential and the pre-test wall costs more than most requests
themselves. Each tenant has a revision, which every request reads anyway, together
with the log's end (lrs/clock.py); whoever changes a credential, a token or an
activity's role calls `tenants.touch` in the same transaction. What was remembered under
another revision is asked for again, so that a revoked credential is refused at once,
in every process. Secrets are not kept, only the digest of the header they came in.
"""

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from lrs.clock import Glance, glance
from lrs.credentials import Caller, admit
from lrs.db import reading
from lrs.direct import Direct, Driver
from lrs.query import has_references
from lrs.rules.wall import Wall, pretest_wall
from lrs.tables import Tenant

MAX_CALLERS = 1000


class Remembered:
    """The memory of one process, good for as long as revisions stand."""

    def __init__(self, engine: Engine, direct: Direct) -> None:
        """Remember what is read from this database."""
        self._engine = engine
        self._direct = direct
        self._lock = threading.Lock()
        self._callers: OrderedDict[bytes, tuple[Caller, int]] = OrderedDict()
        self._walls: dict[int, tuple[Wall, int]] = {}
        self._refers: set[int] = set()
        self._largest: dict[int, int] = {}

    def caller(self, authorization: str, *, now: datetime) -> tuple[Caller, Glance]:
        """Whom the header stands for, and how things stand with the tenant.

        Raises Unauthenticated.
        """
        digest = _digest(authorization)
        known = self._callers.get(digest)
        if known is not None:
            caller, revision = known
            seen = self.glance(caller.tenant_id)
            is_over = caller.expires_at is not None and caller.expires_at <= now
            if seen.revision == revision and not is_over:
                return caller, seen
        with reading(self._engine) as db:
            caller = admit(db, authorization=authorization, now=now)
            revision = _revision(db, caller.tenant_id)
        with self._lock:
            self._callers[digest] = caller, revision
            self._callers.move_to_end(digest)
            while len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)
        return caller, self.glance(caller.tenant_id)

    def presumed(
        self, authorization: str, *, now: datetime
    ) -> tuple[Caller, int] | None:
        """Whom the header stood for, and the revision under which that was true."""
        known = self._callers.get(_digest(authorization))
        if known is None:
            return None
        expires_at = known[0].expires_at
        return None if expires_at is not None and expires_at <= now else known

    def glance(self, tenant: int) -> Glance:
        """How things stand with a tenant now."""
        with self._direct.driver() as driver:
            return self.note(glance(driver, tenant=tenant))

    def note(self, seen: Glance) -> Glance:
        """The glance; how large statements are is kept of it."""
        self._largest[seen.tenant] = seen.largest
        return seen

    def largest(self, tenant: int) -> int:
        """About how many bytes the largest statement had when it was last looked at.

        Tenants whose callers are known have been looked at.
        """
        return self._largest[tenant]

    def wall(self, seen: Glance) -> Wall:
        """The pre-test wall as it stood at this glance, or later."""
        wall = self.presumed_wall(seen.tenant, seen.revision)
        if wall is not None:
            return wall
        with reading(self._engine) as db:
            wall = pretest_wall(db, tenant=seen.tenant)
            self._walls[seen.tenant] = wall, _revision(db, seen.tenant)
        return wall

    def presumed_wall(self, tenant: int, revision: int) -> Wall | None:
        """The wall under a revision, where it is remembered."""
        known = self._walls.get(tenant)
        return known[0] if known is not None and known[1] == revision else None

    def refers(self, driver: Driver, tenant: int) -> bool:
        """Whether any statement of the tenant refers to another."""
        if tenant not in self._refers and has_references(driver, tenant=tenant):
            self._refers.add(tenant)
        return tenant in self._refers


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("utf-8", "replace")).digest()


def _revision(db: Session, tenant: int) -> int:
    return db.scalars(select(Tenant.revision).where(Tenant.id == tenant)).one()
