"""Statements of a learner in a course, and the catalogue of that course."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from lrs.rules import catalogue
from lrs.rules.decide import decide
from lrs.rules.explain import tell
from lrs.rules.facts import (
    RoleTerms,
    Shape,
    UnitTerms,
    fold,
    read_observation,
    relevant_verbs,
)
from lrs.rules.policy import OfferTerms, policy_book
from lrs.store import store_statements
from lrs.tables import MAIN_TENANT
from statements.actors import ifi
from statements.prepare import prepare
from statements.vocabulary import extension, verb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from lrs.rules.decide import Decision, Facts
    from lrs.rules.explain import Explanation
    from lrs.rules.policy import Rules

PORTAL = "https://portal.example"
COURSE = f"{PORTAL}/activities/1d0b0c0e-0000-4000-8000-000000000001"
PRETEST = f"{COURSE}/units/pre-test"
LESSON = f"{COURSE}/units/lesson"
POSTTEST = f"{COURSE}/units/post-test"
UNITS = (
    UnitTerms(PRETEST, "Pre-test"),
    UnitTerms(LESSON, "Lesson 1"),
    UnitTerms(POSTTEST, "Post-test"),
)
SHAPE = Shape(
    COURSE,
    "Foot pursuits",
    UNITS,
    (
        RoleTerms(PRETEST, "pretest", "Pre-test", confirmed=True),
        RoleTerms(POSTTEST, "posttest", "Post-test", confirmed=True),
    ),
)
LEARNER = {
    "objectType": "Agent",
    "account": {"homePage": PORTAL, "name": "a-sworn-officer"},
}
LEARNER_IFI = ifi(LEARNER) or ""
REGISTRATION = uuid.UUID("00000000-0000-4000-8000-00000000000a")
ZONE = "America/Los_Angeles"
LONG_AGO = datetime(2011, 1, 1, tzinfo=UTC)
AUTHORITY = {"objectType": "Agent", "account": {"homePage": PORTAL, "name": "portal"}}
VERBS = relevant_verbs(policy_book().verbs)
OFFER = OfferTerms(
    LONG_AGO,
    policy="cops.certificate",
    product=COURSE,
    zone=ZONE,
    hours=Decimal(4),
    credit=Decimal(4),
    transfer="credit",
)


def at(text: str) -> datetime:
    """An instant; UTC where no offset is written."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def said(
    name: str,
    activity: str,
    when: datetime,
    *,
    id: uuid.UUID | None = None,
    score: Mapping[str, Any] | None = None,
    result: Mapping[str, Any] | None = None,
    extensions: Mapping[str, Any] | None = None,
    registration: uuid.UUID | None = REGISTRATION,
    revision: str | None = "1",
    actor: Mapping[str, Any] = LEARNER,
    course: str = COURSE,
) -> dict[str, Any]:
    """A statement of the learner about the course or one of its activities."""
    context: dict[str, Any] = {}
    if registration is not None:
        context["registration"] = str(registration)
    if revision is not None:
        context["revision"] = revision
    if activity != course:
        context["contextActivities"] = {"grouping": [{"id": course}]}
    if extensions:
        context["extensions"] = {extension(key): one for key, one in extensions.items()}
    statement: dict[str, Any] = {
        "id": str(id or uuid.uuid4()),
        "actor": dict(actor),
        "verb": {"id": verb(name)},
        "object": {"objectType": "Activity", "id": activity},
        "timestamp": when.isoformat(),
        "context": context,
    }
    whole = dict(result or {})
    if score is not None:
        whole["score"] = dict(score)
    if whole:
        statement["result"] = whole
    return statement


def voiding(target: dict[str, Any], when: datetime) -> dict[str, Any]:
    """A statement that voids another."""
    return {
        "id": str(uuid.uuid4()),
        "actor": AUTHORITY,
        "verb": {"id": verb("voided")},
        "object": {"objectType": "StatementRef", "id": target["id"]},
        "timestamp": when.isoformat(),
    }


def whole_way(
    start: datetime, *, scaled: str = "0.9", attested: datetime | None = None
) -> list[dict[str, Any]]:
    """Registered, all units, the post-test, the Honor Code: an hour between each."""
    hour = timedelta(hours=1)
    return [
        said("registered", COURSE, start, extensions={"position": "sworn"}),
        said("completed", PRETEST, start + hour, score={"scaled": 0.1}),
        said("completed", LESSON, start + 2 * hour),
        said("completed", POSTTEST, start + 3 * hour),
        said("passed", POSTTEST, start + 3 * hour, score={"scaled": float(scaled)}),
        said("attested", COURSE, attested or start + 4 * hour),
    ]


def rules(*offers: OfferTerms, **changed: Any) -> Rules:
    """The rules of the course: the usual offer with changes, or these offers."""
    return policy_book().rules(offers or (replace(OFFER, **changed),), zone=ZONE)


def facts_of(
    statements: Sequence[dict[str, Any]],
    *,
    raws: Mapping[str, bytes] | None = None,
    stored: Mapping[str, datetime] | None = None,
    shape: Shape = SHAPE,
    clocks: Mapping[uuid.UUID, str] | None = None,
    foreign: Sequence[dict[str, Any]] = (),
) -> Facts:
    """The facts of statements, each stored when it happened unless told.

    `foreign` are statements that another system sent.
    """
    observations = []
    for seq, one in enumerate([*statements, *foreign], start=1):
        own = one not in foreign
        raw = (raws or {}).get(one["id"]) or orjson.dumps(one)
        when = (stored or {}).get(one["id"]) or at(one["timestamp"])
        found = read_observation(one, raw, when, seq, verbs=VERBS, own=own)
        if found is not None:
            observations.append(found)
    return fold(observations, shape=lambda _: shape, clocks=clocks or {})


def decided(
    statements: Sequence[dict[str, Any]], policy: Rules | None = None, **facts: Any
) -> Decision:
    """What statements earn under the usual rules."""
    return decide(policy or rules(), facts_of(statements, **facts))


def told(
    statements: Sequence[dict[str, Any]],
    policy: Rules | None = None,
    *,
    now: datetime | None = None,
    **facts: Any,
) -> Explanation:
    """The same in words."""
    found = facts_of(statements, **facts)
    policy = policy or rules()
    return tell(policy, found, decide(policy, found), now=now)


def store(
    db: Session,
    *statements: dict[str, Any],
    now: datetime,
    authority: dict[str, Any] = AUTHORITY,
    **options: Any,
) -> None:
    """Store statements as the write path does."""
    store_statements(
        db,
        tenant=MAIN_TENANT,
        statements=[prepare(one, now=now) for one in statements],
        authority=authority,
        now=now,
        **options,
    )


def offer_course(db: Session, *, now: datetime, **changed: Any) -> None:
    """Record the structure, the confirmed tests and the offer of the course."""
    catalogue.record_structure(
        db,
        tenant=MAIN_TENANT,
        course_iri=COURSE,
        revision="1",
        units=UNITS,
        title="Foot pursuits",
        now=now,
    )
    for iri, role in ((PRETEST, "pretest"), (POSTTEST, "posttest")):
        catalogue.set_role(
            db,
            tenant=MAIN_TENANT,
            course_iri=COURSE,
            activity_iri=iri,
            role=role,
            revision="1",
            now=now,
        )
    record_offer(db, now=now, **changed)


def record_offer(db: Session, *, now: datetime, **changed: Any) -> None:
    """Offer the course."""
    values: dict[str, Any] = {
        "course_iri": COURSE,
        "policy": "cops.certificate",
        "effective_from": LONG_AGO,
        "zone": ZONE,
        "hours": Decimal(4),
        "credit": Decimal(4),
        "transfer": "credit",
    }
    catalogue.record_offer(db, tenant=MAIN_TENANT, now=now, **values | changed)
