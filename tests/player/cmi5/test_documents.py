"""Launch data and preferences: what is there, what stays, what is replaced."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from lrs import documents as stored
from lrs.documents import AGENT_PROFILE, Content, Context
from lrs.preconditions import Precondition
from lrs.tables import MAIN_TENANT
from player.cmi5 import documents
from statements.actors import ifi
from tests.player.cmi5.opened import Course
from tests.player.cmi5.sample import ACTOR, au, course_with, nested

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from lrs.config import Config


def data_of(mastery: str | None, policy: str | None, **facts: Any) -> dict[str, Any]:
    score = None if mastery is None else Decimal(mastery)
    return documents.launch_data(
        course_with(nested()),
        au(0, mastery_score=score, **facts),
        session_id="s",
        mode="Normal",
        mastery=None if policy is None else Decimal(policy),
        return_url="https://p.org/back",
    )


@pytest.mark.parametrize(
    ("mastery", "policy", "found"),
    [
        (None, None, None),
        ("0.8", None, 0.8),
        ("0.8", "0.7", 0.7),
        (None, "0.7", 0.7),
        ("1", None, 1),
        ("0", None, 0),
        ("0.33333333", None, 0.3333),
    ],
    ids=["none", "course", "policy", "policy alone", "one", "zero", "places"],
)
def test_the_mastery_score(
    mastery: str | None, policy: str | None, found: float | None
) -> None:
    assert data_of(mastery, policy).get("masteryScore") == found


def test_a_launch_writes_its_own_launch_data(
    db: Session, config: Config, now: datetime
) -> None:
    course = Course(db, config, now)
    course.launch(0)
    first = course.document("LMS.LaunchData", 0)
    course.launch(0, mode="Review")
    second = course.document("LMS.LaunchData", 0)
    assert (first["launchMode"], second["launchMode"]) == ("Normal", "Review")
    assert first["contextTemplate"] != second["contextTemplate"]


def test_preferences_of_the_learner_stay(
    db: Session, config: Config, now: datetime
) -> None:
    own = {"languagePreference": "fr-FR", "audioPreference": "off"}
    stored.put_document(
        db,
        context=Context(tenant=MAIN_TENANT, kind=AGENT_PROFILE, ifi=ifi(ACTOR)),
        document_id=documents.PREFERENCES,
        content=Content(orjson.dumps(own), "application/json"),
        precondition=Precondition(),
        bare="replace",
        now=now,
    )
    course = Course(db, config, now)
    course.launch(0)
    assert course.document(documents.PREFERENCES) == own
