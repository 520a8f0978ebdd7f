"""How much the packages of a tenant may hold in storage.

What counts: unpacked files of imported packages, files waiting for their import, and
the announced length of uploads. The setting ROLLCALL_PACKAGE_QUOTA_MB is for every
tenant that has no quota of its own; 0 sets no bound. Room is given under a lock on the
tenant's row, so that two uploads at once do not both take the last of it.
"""

from sqlalchemy import BigInteger, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from lrs.config import Config
from lrs.db import Base
from lrs.tables import Tenant
from packages.courses import Package
from packages.uploads import Upload
from statements.errors import Invalid, TooLarge

MEGABYTE = 1_000_000
MAXIMUM_MB = 1_000_000_000


class QuotaExceeded(TooLarge):
    """There is no room left for packages; delete some, or ask for more."""


class PackageQuota(Base):
    """A tenant's own quota in bytes; 0 sets no bound."""

    __tablename__ = "package_quota"

    tenant_id: Mapped[int] = mapped_column(
        ForeignKey("tenant.id"), primary_key=True, autoincrement=False
    )
    bound: Mapped[int] = mapped_column(BigInteger)


def quota_of(db: Session, *, config: Config, tenant: int) -> int | None:
    """The bytes that packages of the tenant may take; None for no bound."""
    own = db.get(PackageQuota, tenant)
    bound = config.package_quota_mb * MEGABYTE if own is None else own.bound
    return bound or None


def set_quota(db: Session, *, tenant: int, megabytes: int | None) -> None:
    """Give the tenant a quota of its own (0 for no bound), or None to take it away."""
    if megabytes is not None and not 0 <= megabytes <= MAXIMUM_MB:
        raise Invalid(f"A quota is a number of megabytes from 0 to {MAXIMUM_MB:,}.")
    own = db.get(PackageQuota, tenant)
    if own is not None:
        db.delete(own)
        db.flush()
    if megabytes is not None:
        db.add(PackageQuota(tenant_id=tenant, bound=megabytes * MEGABYTE))
        db.flush()


def used_bytes(db: Session, *, tenant: int) -> int:
    """The bytes that count towards the quota."""
    stored = select(func.coalesce(func.sum(Package.stored), 0))
    coming = select(func.coalesce(func.sum(Upload.length), 0))
    return int(db.scalar(stored.where(Package.tenant_id == tenant)) or 0) + int(
        db.scalar(
            coming.where(Upload.tenant_id == tenant, Upload.is_accepted.is_(False))
        )
        or 0
    )


def require_room(db: Session, *, config: Config, tenant: int, size: int) -> None:
    """Nothing, or QuotaExceeded when `size` more bytes would pass the quota."""
    bound = quota_of(db, config=config, tenant=tenant)
    if bound is None:
        return
    # not for update: rows that name the tenant go on being written
    db.execute(
        select(Tenant.id).where(Tenant.id == tenant).with_for_update(key_share=True)
    )
    left = bound - used_bytes(db, tenant=tenant)
    if size > left:
        raise QuotaExceeded(
            f"Packages may take {_mb(bound)} here, of which {_mb(max(left, 0))} are "
            f"left; this takes {_mb(size)}. Delete packages that are not needed, or ask "
            "your operator for more room.",
            quota=bound,
            left=max(left, 0),
        )


def _mb(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"
