"""What a unit of cmi5 finds before it is launched: launch data and preferences.

cmi5 10 (`LMS.LaunchData`, a state document) and 11 (`cmi5LearnerPreferences`, a document
of the agent's profile).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy.orm import Session

from lrs import documents
from lrs.documents import AGENT_PROFILE, JSON, STATE, Content, Context
from lrs.preconditions import Precondition
from packages.manifest import Unit
from player.cmi5 import statements
from player.cmi5.statements import Course
from statements import vocabulary
from statements.actors import ifi

LAUNCH_DATA = "LMS.LaunchData"
PREFERENCES = "cmi5LearnerPreferences"
# 10.2.4: up to four decimal places
PLACES = Decimal("0.0001")
DEFAULT_PREFERENCES = {"languagePreference": "en-US,en", "audioPreference": "on"}


def launch_data(
    course: Course,
    unit: Unit,
    *,
    session_id: str,
    mode: str,
    mastery: Decimal | None,
    return_url: str,
) -> dict[str, Any]:
    """The document's properties (10.2); a policy's mastery stands for the course's."""
    template = statements.template(course, unit, session_id=session_id)
    if mode != "Normal":
        # whatever else the unit says then counts for nothing either
        template["extensions"][vocabulary.extension("cmi5_launch_mode")] = mode
    threshold = unit.mastery_score if mastery is None else mastery
    optional = {
        "launchParameters": unit.launch_parameters or None,
        "masteryScore": None if threshold is None else _number(threshold),
        "entitlementKey": (
            {"courseStructure": unit.entitlement_key} if unit.entitlement_key else None
        ),
    }
    return {
        "contextTemplate": template,
        "launchMode": mode,
        "moveOn": unit.move_on or "NotApplicable",
        "returnURL": return_url,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _number(score: Decimal) -> int | float:
    rounded = score.quantize(PLACES)
    return int(rounded) if rounded == int(rounded) else float(rounded)


def write_launch_data(
    db: Session,
    *,
    tenant: int,
    course: Course,
    activity: str,
    data: dict[str, Any],
    now: datetime,
) -> None:
    """Create the document, or replace that of the launch before (10.1)."""
    documents.put_document(
        db,
        context=Context(
            tenant=tenant,
            kind=STATE,
            ifi=ifi(course.actor),
            activity=activity,
            registration=course.registration,
        ),
        document_id=LAUNCH_DATA,
        content=Content(orjson.dumps(data), JSON),
        precondition=Precondition(),
        bare="replace",
        now=now,
    )


def ensure_preferences(
    db: Session, *, tenant: int, actor: dict[str, Any], now: datetime
) -> None:
    """See that the learner has preferences to read; those there are stay (11)."""
    context = Context(tenant=tenant, kind=AGENT_PROFILE, ifi=ifi(actor))
    known = documents.find_documents(db, context=context)
    if any(one.document_id == PREFERENCES for one in known):
        return
    documents.put_document(
        db,
        context=context,
        document_id=PREFERENCES,
        content=Content(orjson.dumps(DEFAULT_PREFERENCES), JSON),
        precondition=Precondition(),
        bare="replace",
        now=now,
    )
