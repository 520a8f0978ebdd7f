"""How a course is offered, from an instant on.

Offers are rows that are only ever added: the one in force at a learner's completion
decides, and a later one changes nothing that was earned before.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules import catalogue
from lrs.rules.policy import PolicyVersion, policy_book
from lrs.rules.tables import Offer
from lrs.rules.terms import day_of
from lrs.tables import MAIN_TENANT
from packages.courses import (
    Course,
    current_version,
    get_package,
    lock_course,
    manifest_of,
)
from player.urls import course_iri as course_iri_of
from portal.assessments import confirmed_posttests, known_roles
from portal.audit import record_act
from statements.errors import Invalid


class NoPostTest(Invalid):
    """The rule asks for a post-test score: say which part is the post-test."""


def require_posttest(found: Iterable[tuple[str, bool]], *, field: str) -> None:
    """Pass when a score can come from a post-test; else raise NoPostTest.

    `found` are the titles of post-tests, each with whether a score can come from it.
    """
    tests = list(found)
    if not any(scores for _, scores in tests):
        raise NoPostTest(silent_text([title for title, _ in tests]), field=field)


def silent_text(titles: Sequence[str]) -> str:
    """Why post-tests that report nothing are not enough; empty when there are none."""
    if not titles:
        return ""
    shown = f"“{titles[0][:100]}”" if len(titles) == 1 else "the parts named as it"
    one = len(titles) == 1
    return (
        f"The rule asks for a post-test score, and {shown} cannot give one: "
        f"{'it is a page that reports' if one else 'they are pages that report'} "
        "nothing. Name a part that reports a score, or choose a rule that asks for "
        "none."
    )


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an author says of an offer; an empty audience is everyone."""

    policy: str
    effective_from: datetime
    hours: Decimal | None = None
    credit: Decimal | None = None
    transfer: str = "none"
    audience: Sequence[str] = ()
    mandates: Sequence[str] = ()
    approvals: Sequence[Mapping[str, str]] = ()


def policy_at(policy: str, instant: datetime, *, zone: str) -> PolicyVersion | None:
    """The version of a policy in force at an instant."""
    day = day_of(instant, zone)
    for version in policy_book().versions.get(policy, ()):
        if version.start <= day < version.end:
            return version
    return None


def threshold_at(policy: str, instant: datetime, *, zone: str) -> Decimal | None:
    """The post-test score (scaled) that a policy asks at an instant, if it does."""
    version = policy_at(policy, instant, zone=zone)
    if version is None:
        return None
    asked = [
        one.at_least
        for one in version.require
        if one.kind == "min_scaled" and one.role == "posttest"
    ]
    return max(asked, default=None)


def mandate_choices() -> dict[str, str]:
    """Every mandate, and every category of one, that an offer may count for."""
    found = {}
    for mandate in policy_book().mandates:
        if mandate.categories:
            for category in mandate.categories:
                shown = category.replace("-", " ").replace("_", " ")
                found[f"{mandate.id}:{category}"] = f"{mandate.title}: {shown}"
        else:
            found[mandate.id] = mandate.title
    return found


def find_offers(
    db: Session, *, config: Config, course_id: uuid.UUID
) -> Sequence[Offer]:
    """All offers of a course, the latest recorded first."""
    rows = catalogue.get_course_rows(
        db, tenant=MAIN_TENANT, course_iri=course_iri_of(config, course_id)
    )
    return list(rows.offers)[::-1]


def make_offer(
    db: Session,
    *,
    config: Config,
    course: Course,
    terms: Terms,
    by: uuid.UUID,
    now: datetime,
) -> Offer:
    """A further offer of the course; call it late in a transaction.

    Raises Invalid, and NoPostTest where the rule asks for a post-test that the
    published version does not have, or that reports nothing: nobody could fulfil it. What a version is not
    published without, an offer of a published one says too.
    """
    lock_course(db, course_id=course.id)
    version = current_version(db, course_id=course.id)
    if version is not None and terms.credit and terms.hours is None:
        message = "Estimated hours: Say them; the course gives credit."
        raise Invalid(message, field="hours")
    if version is not None and threshold_of(config, terms, now) is not None:
        known = known_roles(
            db, config=config, course_id=course.id, revision=str(version.number)
        )
        manifest = manifest_of(get_package(db, package_id=version.package_id))
        iri = course_iri_of(config, course.id)
        require_posttest(confirmed_posttests(known, manifest, iri), field="policy")
    record_act(
        db,
        user_id=by,
        action="course.offered",
        subject="course",
        subject_id=course.id,
        detail={
            "policy": terms.policy,
            "effective_from": terms.effective_from.isoformat(),
        },
        now=now,
    )
    db.flush()
    return record_terms(db, config=config, course_id=course.id, terms=terms, now=now)


def threshold_of(config: Config, terms: Terms, now: datetime) -> Decimal | None:
    """What the first learner would have to reach: nobody begins before now."""
    first = max(terms.effective_from, now)
    return threshold_at(terms.policy, first, zone=config.timezone)


def record_terms(
    db: Session,
    *,
    config: Config,
    course_id: uuid.UUID,
    terms: Terms,
    now: datetime,
) -> Offer:
    """The row that the rules read; the clock stays locked from here on."""
    return catalogue.record_offer(
        db,
        tenant=MAIN_TENANT,
        course_iri=course_iri_of(config, course_id),
        policy=terms.policy,
        effective_from=terms.effective_from,
        now=now,
        zone=config.timezone,
        hours=terms.hours,
        credit=terms.credit,
        transfer=terms.transfer,
        audience=terms.audience,
        mandates=terms.mandates,
        approvals=terms.approvals,
    )
