"""Where a learner stands in an enrolment, in the words and the one next step of a page.

The decision is the rules' alone (`lrs.rules.explain`); here it becomes a status, a
next step and, per unit, what may be shown: never a score of what is, or may be, a
pre-test.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules.catalogue import get_course_rows
from lrs.rules.decide import AWAITING, COMPLETE, HELD
from lrs.rules.explain import NOW_AND_EVER, Explanation, explain
from lrs.tables import MAIN_TENANT
from packages.courses import get_package, get_version, manifest_of
from player.launches import UnitState, registration_state
from player.urls import course_iri, unit_iri
from portal import words
from portal.catalogue import RULES
from portal.certificates import Certificate, find_certificates
from portal.enrolments import Enrolment, current_term
from portal.users import actor_of
from statements.actors import ifi

# How long a certificate may take before the page stops looking for it.
PATIENCE = timedelta(minutes=2)
STATUSES = {
    "not attempted": "Not started",
    "browsed": "Looked at",
    "incomplete": "In progress",
    "completed": "Finished",
    "passed": "Passed",
    "failed": "Not passed",
}


@dataclass(frozen=True, kw_only=True)
class UnitLine:
    """A part of the course as the learner may see it."""

    index: int
    title: str
    status: str
    score: str
    time: str
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class ReasonLine:
    """One thing that is shown, or still missing."""

    title: str
    text: str = ""
    met: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An enrolment with its status and next step; `action` names the step."""

    id: uuid.UUID
    course_id: uuid.UUID
    title: str
    term: str
    tone: str
    mark: str
    status: str
    next: str
    action: str
    action_label: str = ""
    certificate_id: uuid.UUID | None = None
    is_done: bool = False
    is_waiting: bool = False
    may_launch: bool = False
    may_review: bool = False
    may_drop: bool = False
    reasons: tuple[ReasonLine, ...] = ()
    units: tuple[UnitLine, ...] = ()

    @property
    def has_scores(self) -> bool:
        """Whether any part has a score to show."""
        return any(unit.score for unit in self.units)


def standings_of(
    db: Session, *, config: Config, enrolments: Sequence[Enrolment], now: datetime
) -> list[Standing]:
    """The standings of these enrolments, in their order."""
    certificates = {
        row.enrolment_id: row
        for row in reversed(
            find_certificates(db, enrolment_ids=[row.id for row in enrolments])
        )
    }
    return [
        standing_of(
            db,
            config=config,
            enrolment=enrolment,
            certificate=certificates.get(enrolment.id),
            now=now,
        )
        for enrolment in enrolments
    ]


def standing_of(
    db: Session,
    *,
    config: Config,
    enrolment: Enrolment,
    certificate: Certificate | None,
    now: datetime,
) -> Standing:
    """Where the learner stands, as of the newest statement."""
    actor = actor_of(enrolment.user_id, portal_url=config.portal_url)
    told = explain(
        db,
        tenant=MAIN_TENANT,
        course_iri=course_iri(config, enrolment.course_id),
        registration=enrolment.registration,
        ifi=ifi(actor),
        now=now,
    )
    units = unit_lines(db, config=config, enrolment=enrolment)
    is_current = enrolment.term == current_term(config, now).id
    return _standing(
        enrolment, certificate, told, units, is_current=is_current, now=now
    )


def _standing(
    enrolment: Enrolment,
    certificate: Certificate | None,
    told: Explanation,
    units: Sequence[UnitLine],
    *,
    is_current: bool,
    now: datetime,
) -> Standing:
    is_done = told.outcome == COMPLETE
    begun = told.units_done > 0 or any(
        unit.status != STATUSES["not attempted"] for unit in units
    )
    is_open = is_current and enrolment.dropped_at is None
    common = {
        "id": enrolment.id,
        "course_id": enrolment.course_id,
        "title": enrolment.course_title,
        "term": enrolment.term,
        "certificate_id": certificate.id if certificate else None,
        "may_launch": is_open and told.outcome != AWAITING and not is_done,
        "may_review": told.outcome in {COMPLETE, AWAITING},
        "may_drop": is_open and not is_done,
        "units": tuple(units),
        "reasons": _reasons(told, units, is_done=is_done),
    }
    if is_done:
        ready_at = told.decision.ready_at or now
        waiting = certificate is None and now - ready_at < PATIENCE
        return Standing(
            tone="done",
            mark="check",
            status="Completed",
            next=_completed_text(told, certificate, waiting=waiting),
            action="certificate" if certificate else "",
            is_done=True,
            is_waiting=waiting,
            **common,  # type: ignore[arg-type]
        )
    if told.outcome == AWAITING:
        text = next((reason.text for reason in told.reasons), told.headline)
        return Standing(
            tone="ask",
            mark="alert",
            status="One step left",
            next=text,
            action="attest",
            **common,  # type: ignore[arg-type]
        )
    if told.outcome == HELD:
        return Standing(
            tone="ask",
            mark="clock",
            status="Being checked",
            next=told.headline,
            action="launch" if is_open else "",
            action_label="Open",
            **common,  # type: ignore[arg-type]
        )
    return _incomplete(told, common, units, begun=begun, is_open=is_open)


def _incomplete(
    told: Explanation,
    common: Mapping[str, object],
    units: Sequence[UnitLine],
    *,
    begun: bool,
    is_open: bool,
) -> Standing:
    codes = [reason.code for reason in told.reasons]
    text = told.reasons[0].text if told.reasons else told.headline
    for code in ("term_ended", "after_term", "score_below", "score_unusable"):
        if code in codes:
            text = told.reasons[codes.index(code)].text
            break
    else:
        if not begun:
            text = "Start when you have enough time and a suitable place."
        elif len(units) > 1:
            done = max(sum(unit.is_done for unit in units), told.units_done)
            text = f"{done} of {len(units)} parts finished."
    below = "score_below" in codes
    return Standing(
        tone="bad" if below else "open",
        mark="cross" if below else "clock",
        status=(
            "Session over"
            if not is_open
            else "Below the pass mark"
            if below
            else "In progress"
            if begun
            else "Not started"
        ),
        next=text,
        action="launch" if is_open else "",
        action_label="Try again" if below else "Resume" if begun else "Start",
        **common,  # type: ignore[arg-type]
    )


def _completed_text(
    told: Explanation, certificate: Certificate | None, *, waiting: bool
) -> str:
    at, span = told.decision.at, told.decision.span
    day = words.day_in(at, span.offer.zone) if at and span else ""
    text = f"You completed it on {day}." if day else told.headline
    if certificate is not None:
        return text
    if waiting:
        return f"{text} Your certificate is being made; this page shows it in a moment."
    return f"{text} Your certificate is not there yet; it is made by itself."


def _reasons(
    told: Explanation, units: Sequence[UnitLine], *, is_done: bool
) -> tuple[ReasonLine, ...]:
    """What is left, or, of a complete course, what it rests on."""
    if not is_done:
        return tuple(ReasonLine(title=reason.text) for reason in told.reasons)
    span = told.decision.span
    lines = [ReasonLine(title="Every part is finished", met=True)] if units else []
    if told.decision.scaled is not None:
        score = words.percent_text(told.decision.scaled)
        lines.append(
            ReasonLine(title="The post-test is passed", text=f"With {score}.", met=True)
        )
    if span is not None and any(one.verb == "attested" for one in span.version.require):
        lines.append(ReasonLine(title="The Honor Code is attested", met=True))
    if span is not None:
        version = span.version
        text = f"{RULES.get(version.id, version.id)}, from {words.day_text(version.start)}."
        lines.append(ReasonLine(title="The rule that decided", text=text, met=True))
    lines += [ReasonLine(title=reason.text) for reason in told.reasons]
    return tuple(lines)


def unit_lines(
    db: Session, *, config: Config, enrolment: Enrolment
) -> tuple[UnitLine, ...]:
    """The parts of the enrolment's version, each with what may be shown of it."""
    version = get_version(db, version_id=enrolment.course_version_id)
    manifest = manifest_of(get_package(db, package_id=version.package_id))
    states = {
        state.unit: state
        for state in registration_state(db, registration=enrolment.registration)
    }
    course = course_iri(config, enrolment.course_id)
    shown = _scores_shown(db, course=course, revision=enrolment.revision)
    return tuple(
        _unit_line(
            unit.index,
            unit.title,
            states.get(unit.index),
            with_score=unit_iri(course, unit.slug) in shown,
        )
        for unit in manifest.units
        if unit.visible or unit.index in states
    )


def _scores_shown(db: Session, *, course: str, revision: str) -> frozenset[str]:
    """IRIs of the confirmed post-tests: the only scores that pages show."""
    rows = get_course_rows(db, tenant=MAIN_TENANT, course_iri=course)
    roles = rows.shape(revision, NOW_AND_EVER).roles
    return frozenset(
        role.iri for role in roles if role.confirmed and role.role == "posttest"
    )


def _unit_line(
    index: int, title: str, state: UnitState | None, *, with_score: bool
) -> UnitLine:
    if state is None:
        return UnitLine(
            index=index,
            title=title,
            status=STATUSES["not attempted"],
            score="",
            time="",
            is_done=False,
        )
    status = state.status
    if not with_score and status in {"passed", "failed"}:
        # of a part whose score is not shown, nor is whether it was enough
        status = "completed"
    seconds = state.total_seconds
    return UnitLine(
        index=index,
        title=title,
        status=STATUSES.get(status, status),
        score=words.percent_text(state.scaled) if with_score else "",
        time=words.duration_text(Decimal(seconds)) if seconds else "",
        is_done=state.status in {"completed", "passed"}
        or (not with_score and state.status == "failed"),
    )
