"""Waiving a unit of cmi5, with what that satisfies (9.3.7, 9.3.9)."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from lrs.config import Config
from packages.manifest import Manifest
from player import urls
from player.cmi5 import satisfaction, sessions, statements
from player.cmi5.satisfaction import Scope
from player.cmi5.statements import Statement
from player.tables import Launch, Registration


def waive(
    db: Session,
    *,
    config: Config,
    launch: Launch,
    manifest: Manifest,
    row: Registration,
    unit: int,
    id: UUID,
    reason: str,
    now: datetime,
) -> list[Statement]:
    """`waived`, and what is satisfied by it, under a session id of their own.

    `launch` is the latest of the registration, whose row is locked.
    """
    course = sessions.course_of(config, launch, manifest)
    waived = manifest.units[unit]
    session_id = str(uuid4())
    said = statements.waived(
        course,
        waived,
        id=id,
        iri=urls.unit_iri(launch.course_iri, waived.slug),
        session_id=session_id,
        reason=reason,
        at=now,
    )
    following = satisfaction.newly_satisfied(
        db,
        Scope(tenant=launch.tenant_id, package_id=launch.package_id, course=course),
        row=row,
        session_id=session_id,
        now=now,
        also_waived=unit,
    )
    return [said, *following]
