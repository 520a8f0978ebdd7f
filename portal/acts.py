"""A person's own acts in the portal, recorded as statements.

Enrolling, dropping and attesting are facts that rules need, so they are statements
like everything else; the audience facts of the moment stand in their context.
"""

import uuid
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT
from player.urls import course_iri
from portal.users import actor_of, get_user
from statements.build import activity, agent, build_statement
from statements.prepare import prepare
from statements.vocabulary import activity_type, extension


class Registered(Protocol):
    """What an act concerns: a person, a course, a registration, a term."""

    @property
    def user_id(self) -> uuid.UUID: ...
    @property
    def course_id(self) -> uuid.UUID: ...
    @property
    def registration(self) -> uuid.UUID: ...
    @property
    def term(self) -> str: ...
    @property
    def course_title(self) -> str: ...
    @property
    def revision(self) -> str: ...


def portal_authority(config: Config) -> dict[str, Any]:
    """The authority of what the portal itself records."""
    return agent(config.portal_url, "portal")


def record_own_act(
    db: Session,
    *,
    config: Config,
    enrolment: Registered,
    verb: str,
    result: dict[str, Any] | None = None,
    now: datetime,
) -> uuid.UUID:
    """Store the statement of an act; the id of it. Last step of the transaction."""
    user = get_user(db, user_id=enrolment.user_id)
    extensions: dict[str, Any] = {
        extension("position"): user.position,
        extension("term"): enrolment.term,
    }
    if user.agency_id is not None:
        extensions[extension("agency")] = str(user.agency_id)
    statement = build_statement(
        id=uuid.uuid4(),
        actor=actor_of(user.id, portal_url=config.portal_url),
        verb=verb,
        object=activity(
            course_iri(config, enrolment.course_id),
            type=activity_type("course"),
            name=enrolment.course_title,
        ),
        timestamp=now,
        result=result,
        context={
            "registration": str(enrolment.registration),
            "revision": enrolment.revision,
            "platform": "Rollcall",
            "extensions": extensions,
        },
    )
    [stored] = store_statements(
        db,
        tenant=MAIN_TENANT,
        statements=[prepare(statement, now=now)],
        authority=portal_authority(config),
        now=now,
    )
    return stored
