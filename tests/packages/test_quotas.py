"""Room for packages: per tenant, taken once, given back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lrs.tables import MAIN_TENANT
from lrs.tenants import create_tenant
from packages.courses import Package
from packages.quotas import (
    QuotaExceeded,
    quota_of,
    require_room,
    set_quota,
    used_bytes,
)
from packages.uploads import accept_upload, new_upload
from statements.errors import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


def test_a_tenant_has_its_own_quota_or_the_common_one(
    db: Session, config: Config
) -> None:
    other = create_tenant(db, name="other").id
    common = replace(config, package_quota_mb=7)

    def quotas() -> list[int | None]:
        return [
            quota_of(db, config=settings, tenant=tenant)
            for settings in (config, common)
            for tenant in (MAIN_TENANT, other)
        ]

    assert quotas() == [None, None, 7_000_000, 7_000_000]
    set_quota(db, tenant=other, megabytes=3)
    assert quotas() == [None, 3_000_000, 7_000_000, 3_000_000]
    set_quota(db, tenant=other, megabytes=0)
    assert quotas() == [None, None, 7_000_000, None]
    set_quota(db, tenant=other, megabytes=None)
    assert quotas() == [None, None, 7_000_000, 7_000_000]
    with pytest.raises(Invalid):
        set_quota(db, tenant=other, megabytes=-1)


def test_what_counts(db: Session, config: Config, now: datetime) -> None:
    """Announced bytes once, then those of the package; nothing of another tenant."""
    other = create_tenant(db, name="other").id
    set_quota(db, tenant=MAIN_TENANT, megabytes=1)
    for tenant in (MAIN_TENANT, other):
        upload = new_upload(
            tenant=tenant, owner="a", filename="a.zip", length=600_000, now=now
        )
        upload.sha256 = "0" * 64
        db.add(upload)
        db.flush()
        assert used_bytes(db, tenant=tenant) == 600_000
        package = accept_upload(db, upload=upload, now=now)
        assert used_bytes(db, tenant=tenant) == 600_000
    require_room(db, config=config, tenant=other, size=10**12)
    require_room(db, config=config, tenant=MAIN_TENANT, size=400_000)
    with pytest.raises(QuotaExceeded, match=r"0\.4 MB are left; this takes 0\.4 MB"):
        require_room(db, config=config, tenant=MAIN_TENANT, size=400_001)
    package = db.query(Package).filter_by(tenant_id=MAIN_TENANT).one()
    package.stored = 0
    db.flush()
    require_room(db, config=config, tenant=MAIN_TENANT, size=1_000_000)
