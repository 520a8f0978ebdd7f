"""What had happened in the demo before it was opened: some learners' past weeks.

Enrolment and attestation go through the portal's own operations; the units' results
are statements as the player records them. The rules judge them like all others.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT
from packages.courses import get_package, manifest_of
from packages.manifest import Manifest
from player.sittings import authority
from player.urls import course_iri, unit_iri
from portal import honor
from portal.catalogue import Listing, get_listing
from portal.enrolments import Enrolment, enrol
from portal.users import User, actor_of
from statements.build import activity, build_statement, score
from statements.prepare import prepare
from statements.vocabulary import activity as known_activity
from statements.vocabulary import activity_type

SITTING = timedelta(minutes=17)


@dataclass(frozen=True)
class Past:
    """A learner took a course: how many parts, with which post-test score."""

    email: str
    name: str
    agency: str
    position: str
    sample: str
    days_ago: int
    parts: int = 99
    scaled: str = "0.90"
    attested: bool = True


def replay_past(
    db: Session,
    *,
    config: Config,
    past: Past,
    user: User,
    course_id: uuid.UUID,
    now: datetime,
) -> None:
    """Enrol, work and attest as of `now`, which is the day it happened."""
    listing = get_listing(db, config=config, course_id=course_id, now=now)
    enrolment = enrol(db, config=config, user=user, listing=listing, now=now)
    manifest = manifest_of(get_package(db, package_id=listing.package_id))
    done = min(past.parts, len(manifest.units))
    for place in range(done):
        is_last = place == len(manifest.units) - 1
        _unit(
            db,
            config=config,
            enrolment=enrolment,
            manifest=manifest,
            index=place,
            scaled=Decimal(past.scaled) if is_last else None,
            now=now + (place + 1) * SITTING,
        )
    is_passed = done == len(manifest.units) and Decimal(past.scaled) >= Decimal("0.8")
    if is_passed and past.attested and _asks_honor_code(listing):
        at = now + (done + 1) * SITTING
        text = honor.text_at(at, zone=config.timezone)
        honor.attest(
            db,
            config=config,
            enrolment=enrolment,
            version=text.version,
            answer="yes",
            now=at,
        )


def _asks_honor_code(listing: Listing) -> bool:
    return listing.policy == "cops.certificate"


def _unit(
    db: Session,
    *,
    config: Config,
    enrolment: Enrolment,
    manifest: Manifest,
    index: int,
    scaled: Decimal | None,
    now: datetime,
) -> None:
    """One sitting in one unit: opened, judged where it is a test, closed."""
    unit = manifest.units[index]
    course = course_iri(config, enrolment.course_id)
    result: dict[str, Any] = {"completion": True}
    verb = "completed"
    if scaled is not None:
        passed = scaled >= Decimal("0.8")
        verb = "passed" if passed else "failed"
        result |= {
            "success": passed,
            "score": score(
                scaled=scaled, raw=scaled * 100, min=Decimal(0), max=Decimal(100)
            ),
        }
    target = activity(
        unit_iri(course, unit.slug), type=activity_type("lesson"), name=unit.title
    )
    context = {
        "registration": str(enrolment.registration),
        "revision": enrolment.revision,
        "platform": "Rollcall",
        "contextActivities": {
            "grouping": [{"id": course}],
            "category": [{"id": known_activity("scorm")}],
        },
    }
    closing = {**result, "duration": "PT15M"}
    acts: tuple[tuple[str, Mapping[str, Any] | None, timedelta], ...] = (
        ("initialized", None, timedelta()),
        (verb, result, timedelta(minutes=14)),
        ("terminated", closing, timedelta(minutes=15)),
    )
    statements = [
        prepare(
            build_statement(
                id=uuid.uuid4(),
                actor=actor_of(enrolment.user_id, portal_url=config.portal_url),
                verb=name,
                object=target,
                timestamp=now + after,
                result=dict(outcome) if outcome else None,
                context=dict(context),
            ),
            now=now + after,
        )
        for name, outcome, after in acts
    ]
    store_statements(
        db,
        tenant=MAIN_TENANT,
        statements=statements,
        authority=authority(config),
        now=now + timedelta(minutes=15),
    )
