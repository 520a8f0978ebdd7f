"""Tenants: record stores of their own inside one installation."""

from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from lrs.tables import Clock, Tenant
from statements.errors import Conflict, Invalid, NotFound

MAX_NAME = 200
# before anything can have been stored
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


class TenantExists(Conflict):
    """There is already a tenant of this name."""


def create_tenant(db: Session, *, name: str) -> Tenant:
    """A new, empty record store; raises Invalid, TenantExists."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"A tenant needs a name of at most {MAX_NAME} characters.")
    if db.scalar(select(Tenant.id).where(Tenant.name == name)) is not None:
        raise TenantExists(f"There is already a tenant {name!r}.")
    newest = db.scalar(select(func.max(Tenant.id))) or 0
    tenant = Tenant(id=newest + 1, name=name, revision=0)
    db.add(tenant)
    db.flush()
    db.add(Clock(tenant_id=tenant.id, seq=0, stored=BEGINNING, referring=0, largest=0))
    db.flush()
    return tenant


def find_tenant(db: Session, *, name: str) -> Tenant:
    """The tenant of this name; raises NotFound."""
    found = db.scalar(select(Tenant).where(Tenant.name == name))
    if found is None:
        raise NotFound(f"There is no tenant {name!r}.")
    return found


def find_tenants(db: Session) -> list[Tenant]:
    """All of them, the portal's own first."""
    return list(db.scalars(select(Tenant).order_by(Tenant.id)))


def touch(db: Session, *, tenant: int) -> None:
    """Let no process rely on what it remembers of the tenant (lrs/remembered.py).

    Called in the transaction that changes a credential, a token or an activity's role.
    Where the clock row is locked as well, lock that first.
    """
    db.execute(
        update(Tenant)
        .where(Tenant.id == tenant)
        .values(revision=Tenant.revision + 1)
        .execution_options(synchronize_session=False)
    )
