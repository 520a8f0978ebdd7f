"""What cmi5 satisfies when a learner is registered, before anything is launched (9.6.1)."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from lrs.config import Config
from packages.courses import Package, manifest_of
from player import sittings, tokens
from player.cmi5 import satisfaction
from player.cmi5.actors import account_of
from player.cmi5.satisfaction import Scope
from player.cmi5.statements import Course
from statements.actors import ifi
from statements.prepare import Prepared, prepare


def satisfied_at_registration(
    db: Session,
    *,
    config: Config,
    package: Package,
    course_iri: str,
    course_title: str,
    revision: str,
    actor: dict[str, Any],
    registration: UUID,
    now: datetime,
) -> list[Prepared]:
    """The statements to be stored last, under the player's authority.

    None for a package of another standard. The registration's row is locked.
    """
    if package.standard != "cmi5":
        return []
    learner = account_of(config, actor)
    row = sittings.lock_registration(
        db,
        tenant=package.tenant_id,
        registration=registration,
        actor_ifi=ifi(learner) or "",
    )
    course = Course(
        actor=learner,
        registration=registration,
        key=tokens.registration_key(config, registration=registration),
        revision=revision,
        iri=course_iri,
        title=course_title,
        manifest=manifest_of(package),
    )
    scope = Scope(tenant=package.tenant_id, package_id=package.id, course=course)
    said = satisfaction.newly_satisfied(
        db, scope, row=row, session_id=str(uuid4()), now=now
    )
    db.flush()
    return [prepare(one, now=now) for one in said]
