"""Waivers: which units of a registration need not be done."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.tables import Statement
from packages.manifest import Unit


def waiver_id(registration: UUID, package_id: UUID, unit: int) -> UUID:
    """The id of the one statement that waives a unit within a registration."""
    return uuid5(registration, f"{package_id} {unit} waived")


def waived_units(
    db: Session,
    *,
    tenant: int,
    registration: UUID,
    package_id: UUID,
    units: Sequence[Unit],
) -> set[int]:
    """Those of the units that were waived, by index."""
    ids = {
        waiver_id(registration, package_id, unit.index): unit.index for unit in units
    }
    found = db.scalars(
        select(Statement.statement_id).where(
            Statement.tenant_id == tenant,
            Statement.statement_id.in_(list(ids)),
        )
    )
    return {ids[statement_id] for statement_id in found}
