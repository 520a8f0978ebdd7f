"""Sessions of cmi5: opened with a launch, authorized once, abandoned when broken off.

cmi5 8.2 (the fetch URL), 9.3.1 (launched), 9.3.6 (abandoned), 10.1 (before a launch).
Every function works within the caller's transaction, the registration's row locked
before, and gives the statements to be stored last.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.sessions import issue_key
from packages.manifest import Manifest, Unit
from player import tokens, urls
from player.cmi5 import documents, statements
from player.cmi5.launch_url import launch_url, parameters_of, plain_url
from player.cmi5.statements import Course, Statement
from player.cmi5.tables import Cmi5Session
from player.tables import Launch

KIND = "cmi5"


@dataclass(frozen=True)
class FetchError:
    """Why there is no authorization (8.2.3.2)."""

    code: str
    text: str


USED = FetchError("1", "The authorization token was given out, or the session is over.")
UNKNOWN = FetchError("2", "This address is not one that a launch was given.")
FAILED = FetchError("3", "The authorization token cannot be given out now; try again.")


def course_of(config: Config, launch: Launch, manifest: Manifest) -> Course:
    """What all statements of the launch's registration share."""
    return Course(
        actor=launch.actor,
        registration=launch.registration,
        key=tokens.registration_key(config, registration=launch.registration),
        revision=launch.revision,
        iri=launch.course_iri,
        title=launch.course_title,
        manifest=manifest,
    )


def get_session(db: Session, *, launch_id: UUID) -> Cmi5Session:
    """The session of a launch, as it is in the database now."""
    return db.get_one(Cmi5Session, launch_id, populate_existing=True)


def open_session(
    db: Session,
    *,
    config: Config,
    launch: Launch,
    manifest: Manifest,
    mastery: Decimal | None,
    now: datetime,
) -> list[Statement]:
    """Make ready what a unit finds when it is launched; the statement `launched`."""
    unit = manifest.units[launch.unit]
    course = course_of(config, launch, manifest)
    session_id, activity = str(launch.id), urls.unit_iri(launch.course_iri, unit.slug)
    data = documents.launch_data(
        course,
        unit,
        session_id=session_id,
        mode=launch.mode,
        mastery=mastery,
        return_url=f"{config.portal_url}/cmi5/return/{launch.id}",
    )
    documents.write_launch_data(
        db,
        tenant=launch.tenant_id,
        course=course,
        activity=activity,
        data=data,
        now=now,
    )
    documents.ensure_preferences(
        db, tenant=launch.tenant_id, actor=launch.actor, now=now
    )
    db.add(
        Cmi5Session(
            launch_id=launch.id,
            tenant_id=launch.tenant_id,
            registration=launch.registration,
            activity=activity,
            launch_data=data,
            launched_at=now,
        )
    )
    db.flush()
    said = statements.launched(
        course,
        unit,
        iri=activity,
        session_id=session_id,
        launch_data=data,
        url=plain_url(urls.content_origin(config, launch.label), unit),
        at=now,
    )
    return [said]


def address_of(config: Config, launch: Launch, unit: Unit) -> str:
    """The launch URL (8.1)."""
    given = parameters_of(
        portal_url=config.portal_url,
        fetch_token=tokens.fetch_token(config, launch_id=launch.id),
        actor=launch.actor,
        registration=str(launch.registration),
        activity=urls.unit_iri(launch.course_iri, unit.slug),
    )
    origin = urls.content_origin(config, launch.label)
    return launch_url(plain_url(origin, unit), given)


def fetch(
    db: Session, *, config: Config, token: str, now: datetime
) -> dict[str, str] | FetchError:
    """The authorization of a session, to the first who asks; an error to all others.

    The key and its secret, as HTTP's Basic scheme writes them.
    """
    launch_id = tokens.read_fetch_token(config, token)
    if launch_id is None:
        return UNKNOWN
    issued = issue_key(KIND)
    is_open = (
        select(Launch.id)
        .where(
            Launch.id == launch_id, Launch.ended_at.is_(None), Launch.expires_at > now
        )
        .exists()
    )
    taken = update(Cmi5Session).where(
        Cmi5Session.launch_id == launch_id,
        Cmi5Session.fetched_at.is_(None),
        Cmi5Session.terminated_at.is_(None),
        Cmi5Session.abandoned_at.is_(None),
        is_open,
    )
    done = db.execute(
        taken.values(fetched_at=now, key=issued.key, secret_sha256=issued.sha256),
        execution_options={"synchronize_session": False, "preserve_rowcount": True},
    )
    if cast("CursorResult[Any]", done).rowcount != 1:
        return USED
    return {"auth-token": issued.token}


def abandon(
    db: Session,
    *,
    config: Config,
    launch: Launch,
    manifest: Manifest,
    now: datetime,
) -> tuple[list[Statement], Decimal]:
    """End a session that did not end itself: `abandoned`, once, and its seconds.

    Nothing for a session that has ended, however it did.
    """
    session = get_session(db, launch_id=launch.id)
    if not session.is_open:
        return [], Decimal(0)
    session.abandoned_at = now
    seconds = spent(session, now=now)
    said = statements.abandoned(
        course_of(config, launch, manifest),
        manifest.units[launch.unit],
        iri=session.activity,
        session_id=session.session_id,
        seconds=seconds,
        at=now,
    )
    return [said], seconds


def spent(session: Cmi5Session, *, now: datetime) -> Decimal:
    """Seconds from the launch to the unit's last statement (9.5.4.2), none beyond now."""
    last = min(session.last_at or session.launched_at, now)
    span = max(last - session.launched_at, timedelta(0))
    return Decimal(span // timedelta(milliseconds=1)).scaleb(-3)
