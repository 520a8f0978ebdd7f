"""Why a person has, or has not yet, earned a course: in words for that person.

The words stand in one table, `WORDS`; a score is shown exactly, never rounded up to
the threshold that it missed.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.persons import actor_keys_of, person_of
from lrs.rules.catalogue import CourseRows, get_course_rows, owns
from lrs.rules.decide import (
    COMPLETE,
    INCOMPLETE,
    Decision,
    Facts,
    Reason,
    decide,
)
from lrs.rules.facts import Observation, fold, relevant_verbs
from lrs.rules.known import DEFAULT_ZONE, read_reviews
from lrs.rules.log import LogReader
from lrs.rules.policy import Rules, policy_book
from lrs.rules.tables import NO_REGISTRATION, Standing
from lrs.tables import Reference, key_of
from statements.errors import NotFound

NOW_AND_EVER = 2**62

ROLE_NAMES = {"posttest": "post-test", "course": "course", "unit": "unit"}
OUTCOMES = {
    "complete": "You have completed this course.",
    "awaiting_attestation": "You have finished the course; one step is left.",
    "incomplete": "You have not completed this course yet.",
    "held": "Your completion is being checked by a person.",
    "not_offered": "This course is not offered at present.",
}
PROBLEMS = {
    "no_max": "the course reported points but not how many were possible",
    "no_range": "the lowest and the highest possible number of points are the same",
    "outside_range": "the points lie outside what the course says is possible",
    "not_computable": "the number cannot be read",
}
WORDS: Mapping[str, str] = {
    "unit_missing": "{unit} is not finished yet.",
    "not_passed": "{unit} is not passed yet.",
    "score_below": (
        "Your {role} score was {scaled}. This course needs {at_least} or more."
        " You can take the {role} again."
    ),
    "score_below_best": (
        "Your best {role} score was {scaled}. This course needs {at_least} or more."
        " You can take the {role} again."
    ),
    "score_missing": "There is no {role} score yet. This course needs {at_least} or more.",
    "score_unusable": (
        "Your {role} score cannot be used: {problem}. Please tell the help desk."
    ),
    "role_missing": (
        "This course needs a {role}, and nobody has said yet which part of it that is."
        " Please tell the help desk."
    ),
    "attestation_missing": (
        "Please confirm the Honor Code. There is no deadline, but your certificate"
        " waits for it."
    ),
    "attestation_early": (
        "You confirmed the Honor Code before you had finished the course. Please"
        " confirm it again."
    ),
    "statement_missing": "It has not been recorded yet that you {verb} this course.",
    "gate_closed": (
        "Your agency has not published its own part of this course yet. Please ask"
        " your training manager."
    ),
    "held": (
        "Something you did on {timestamp} reached us only on {stored}. A person checks"
        " to which session it belongs."
    ),
    "after_term": (
        "You finished after the {term} session ended on {last_day}. Enroll in the"
        " present session to earn its certificate."
    ),
    "term_ended": (
        "The {term} session ended on {last_day}. Enroll in the present session to earn"
        " its certificate."
    ),
    "before_offer": (
        "You did this before the course was offered on {from}, so it does not count."
    ),
    "not_offered": "Nobody offers this course for credit or a certificate.",
    "nothing_required": "This course has nothing that could be completed.",
    "no_activity": "You have not started this course.",
    "needs_roster": (
        "Credit for this course needs training held by your agency and its roster."
    ),
    "not_in_audience": "Credit for this course is for {audience} only.",
}
AUDIENCES = {
    "sworn": "sworn officers",
    "dispatcher": "dispatchers",
    "npo": "non-peace officers",
    "community": "members of the community",
}
VERBS = {"attested": "attested to finishing", "attended": "attended"}
PERCENT_VALUES = ("scaled", "at_least")


class CourseUnknown(NotFound):
    """Nothing is recorded about that course: give the IRI that its statements name."""


class ActorUnknown(NotFound):
    """No statement names that actor: give an identifier as in mbox::mailto:a@b.example."""


@dataclass(frozen=True)
class Told:
    """One reason: a stable code, its values, and the words for the learner."""

    code: str
    text: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Explanation:
    """What was decided and why, for pages, the API and the command line."""

    outcome: str
    headline: str
    reasons: tuple[Told, ...]
    decision: Decision
    units_done: int
    units_all: int

    @property
    def is_complete(self) -> bool:
        """Whether the completion is earned."""
        return self.outcome == COMPLETE


def explain(
    db: Session,
    *,
    tenant: int,
    course_iri: str,
    registration: uuid.UUID | None,
    ifi: str | None = None,
    person: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Explanation:
    """The decision as of the newest statement, in words.

    Give `ifi`, or a `person` whose identifiers are linked. With `now` a session that
    has ended meanwhile is named as a reason.
    """
    course = get_course_rows(db, tenant=tenant, course_iri=course_iri)
    seen = _observations(
        db,
        tenant=tenant,
        course=course,
        registration=registration,
        ifi=ifi,
        person=person,
    )
    rules = policy_book().rules(course.offers_at(NOW_AND_EVER), zone=DEFAULT_ZONE)
    facts = fold(
        seen,
        shape=lambda revision: course.shape(revision, NOW_AND_EVER),
        clocks={one: clock for _, one, clock in read_reviews(db, tenant=tenant)},
    )
    return tell(rules, facts, decide(rules, facts), now=now)


def require_known(db: Session, *, tenant: int, ifi: str, course_iri: str) -> None:
    """Pass when there is something to tell of; else raise CourseUnknown, ActorUnknown.

    Known is a course that was offered or described, or in which somebody stands, and
    an actor whom a statement names by any identifier of the person.
    """
    course = get_course_rows(db, tenant=tenant, course_iri=course_iri)
    standing = select(Standing.course_key).where(
        Standing.tenant_id == tenant, Standing.course_key == course.key
    )
    recorded = course.offers or course.structures or course.roles
    if not recorded and db.scalar(standing.limit(1)) is None:
        raise CourseUnknown
    keys = actor_keys_of(
        db,
        tenant=tenant,
        person=person_of(db, tenant=tenant, ifi=ifi),
        actor_key=key_of(ifi),
    )
    named = select(Reference.seq).where(
        Reference.tenant_id == tenant, Reference.ref_key.in_(keys)
    )
    if db.scalar(named.limit(1)) is None:
        raise ActorUnknown


def registrations_of(
    db: Session, *, tenant: int, ifi: str, course_iri: str
) -> list[uuid.UUID | None]:
    """The registrations in which the rules know the person in the course.

    None stands for statements without one; it is also the answer when there is none.
    """
    found = db.scalars(
        select(Standing.registration)
        .where(
            Standing.tenant_id == tenant,
            Standing.person == person_of(db, tenant=tenant, ifi=ifi),
            Standing.course_key == key_of(course_iri),
        )
        .order_by(Standing.registration)
    ).all()
    return [None if one == NO_REGISTRATION else one for one in found] or [None]


def _observations(
    db: Session,
    *,
    tenant: int,
    course: CourseRows,
    registration: uuid.UUID | None,
    ifi: str | None,
    person: uuid.UUID | None,
) -> list[Observation]:
    if person is None:
        if ifi is None:
            message = "explain needs an identifier or a person"
            raise ValueError(message)
        person = person_of(db, tenant=tenant, ifi=ifi)
    actor_key = None if ifi is None else key_of(ifi)
    keys = actor_keys_of(db, tenant=tenant, person=person, actor_key=actor_key)
    log = LogReader(db, tenant=tenant, verbs=relevant_verbs(policy_book().verbs))
    log.last_seq = NOW_AND_EVER
    activities = course.activities_at(NOW_AND_EVER)
    return [
        one.observation
        for key in sorted(keys)
        for one in log.observed(key, registration)
        if one.voided_seq is None and owns(activities, course.iri, one.observation)
    ]


def tell(
    rules: Rules, facts: Facts, decision: Decision, *, now: datetime | None = None
) -> Explanation:
    """The decision in words."""
    reasons = list(decision.reasons)
    term = decision.term
    if decision.outcome == INCOMPLETE:
        if facts.latest is None:
            reasons = [Reason("no_activity")]
        codes = {one.code for one in reasons}
        if now is not None and term is not None and "after_term" not in codes:
            binds = decision.span is not None and any(
                one.kind == "within_term" for one in decision.span.version.require
            )
            if binds and term.end_at <= now:
                values = {"term": term.id, "last_day": term.last_day.isoformat()}
                reasons.insert(0, Reason("term_ended", values))
    done = sum(1 for unit in facts.units if unit.completed or unit.passed)
    return Explanation(
        outcome=decision.outcome,
        headline=OUTCOMES[decision.outcome],
        reasons=tuple(_told(one, rules.zone) for one in reasons),
        decision=decision,
        units_done=done,
        units_all=len(facts.units),
    )


def percent(scaled: Decimal) -> str:
    """A scaled score as people write it, exactly: 0.7999 is 79.99%."""
    return f"{(scaled * 100).normalize():f}%"


def _told(reason: Reason, zone: str) -> Told:
    values = dict(reason.values)
    code = reason.code
    if code == "score_below" and values.get("scores", "1") != "1":
        code = "score_below_best"
    if code == "attestation_missing" and values.get("early", "0") != "0":
        code = "attestation_early"
    shown = {name: _shown(name, value, zone) for name, value in values.items()}
    return Told(reason.code, WORDS[code].format(**shown), values)


def _shown(name: str, value: str, zone: str) -> str:
    """One value as people read it."""
    if name in PERCENT_VALUES:
        return percent(Decimal(value))
    if name in {"timestamp", "stored", "from"}:
        return _day(datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).date())
    if name == "last_day":
        return _day(date.fromisoformat(value))
    if name == "role":
        return ROLE_NAMES.get(value, value)
    if name == "problem":
        return PROBLEMS[value]
    if name == "verb":
        return VERBS.get(value, value)
    if name == "audience":
        names = [AUDIENCES.get(one, one) for one in value.split(",")]
        return " and ".join(names)
    return value


def _day(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
