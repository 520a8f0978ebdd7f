"""What a person has earned in a course and registration: a pure function.

`decide` sees facts and rules, no database and no clock, so the same facts give the
same decision on any day. The completion instant is the one at which the last
requirement was met, those marked `after_completion` (the attestation, which has no
deadline) left out; the rules in force at that instant are the ones that decide, so a
rule that changes on a date never re-judges what was finished before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from lrs.rules.policy import PolicyVersion, Requirement, Rules, RuleSpan
from lrs.rules.terms import CALENDAR_YEAR, Span, cycle_of, term_of

LATE = timedelta(hours=72)

COMPLETE = "complete"
AWAITING = "awaiting_attestation"
INCOMPLETE = "incomplete"
HELD = "held"
NOT_OFFERED = "not_offered"


@dataclass(frozen=True, slots=True, order=True)
class Evidence:
    """A statement that shows something: the instant that counts, and its id.

    `at` is its timestamp, or `stored` where the timestamp is later. `settled` says
    that a person decided by which clock it counts.
    """

    at: datetime
    id: UUID
    stored: datetime = field(compare=False)
    settled: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Score:
    """A result on a test; `scaled` is None where `problem` says why not."""

    evidence: Evidence
    scaled: Decimal | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A unit, the whole course, or an activity with a role, and what shows for it.

    Every list of evidence is in the order of time, ties by id.
    """

    iri: str
    title: str = ""
    role: str = "unit"
    move_on: str = "Completed"
    completed: tuple[Evidence, ...] = ()
    passed: tuple[Evidence, ...] = ()
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about a person in a course and registration."""

    course: Part
    revision: str = ""
    units: tuple[Part, ...] = ()
    tests: tuple[Part, ...] = ()
    said: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    gates: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    positions: tuple[tuple[Evidence, str], ...] = ()
    started: Evidence | None = None
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not yet: a stable code, and the values that its words need."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Credit:
    """Credit earned by a completion, before "once per product and period"."""

    value: Decimal
    cycle: str | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, with what it rests on.

    `at` is the completion instant, also while the attestation is awaited; `ready_at`
    the instant of the last thing needed. `reasons` say why not yet; of a complete
    course they say why no credit.
    """

    outcome: str
    reasons: tuple[Reason, ...] = ()
    evidence: tuple[UUID, ...] = ()
    at: datetime | None = None
    ready_at: datetime | None = None
    span: RuleSpan | None = None
    term: Span | None = None
    period: str = ""
    scaled: Decimal | None = None
    credit: Credit | None = None

    @property
    def policy_from(self) -> date | None:
        """The date of the policy's version that decided."""
        return None if self.span is None else self.span.version.start


@dataclass(frozen=True, slots=True)
class _Need:
    """One thing to be shown: when it was, what is held back, why it is missing."""

    evidence: tuple[Evidence, ...]
    held: tuple[Evidence, ...]
    missing: Reason


def decide(policy: Rules, facts: Facts) -> Decision:
    """What the facts earn under the rules of the course."""
    for span in policy.spans:
        needs = _needs(policy, span, facts)
        moment = _moment(needs, *_window(span, facts))
        if moment is not None:
            return _completed(policy, span, facts, needs, moment)
    return _not_yet(policy, facts)


def first_of_each(
    completions: Iterable[tuple[str, str, datetime, UUID]],
) -> dict[tuple[str, str], UUID]:
    """The completion that earns the credit of each product and period.

    Takes (product, period, completion instant, award); credit is given once, to the
    earliest completion, ties by id.
    """
    found: dict[tuple[str, str], tuple[datetime, UUID]] = {}
    for product, period, at, award in completions:
        known = found.get((product, period))
        if known is None or (at, award) < known:
            found[product, period] = (at, award)
    return {key: award for key, (_, award) in found.items()}


def is_late(policy: Rules, evidence: Evidence) -> bool:
    """Whether a person must look before this counts.

    Only where it came more than 72 hours after it happened *and* the two clocks put
    it into different terms, cycles or rule periods.
    """
    if evidence.settled or evidence.stored - evidence.at <= LATE:
        return False
    return _periods(policy, evidence.at) != _periods(policy, evidence.stored)


def _periods(policy: Rules, instant: datetime) -> tuple[object, ...]:
    span = policy.span_at(instant)
    if span is None:
        return (None,)
    version, zone = span.version, span.offer.zone
    found: list[object] = [version.id, version.start]
    period = span.offer.period or version.period
    if version.term is not None or period == CALENDAR_YEAR:
        found.append(term_of(version.term or CALENDAR_YEAR, instant, zone).id)
    if "credit" in version.grants:
        cycle = cycle_of(policy.cycles, instant, zone)
        found.append(None if cycle is None else cycle.id)
    return tuple(found)


def _term(span: RuleSpan, instant: datetime) -> Span | None:
    kind = span.version.term
    return None if kind is None else term_of(kind, instant, span.offer.zone)


def _window(span: RuleSpan, facts: Facts) -> tuple[datetime, datetime]:
    """Where the completion instant may lie: the span, and the term if one binds."""
    start, end = span.start, span.end
    binds = any(one.kind == "within_term" for one in span.version.require)
    term = None if facts.started is None else _term(span, facts.started.at)
    if binds and term is not None:
        start, end = max(start, term.start_at), min(end, term.end_at)
    return start, end


def _moment(needs: Sequence[_Need], start: datetime, end: datetime) -> datetime | None:
    """The first instant in the window at which evidence came and all needs were met."""
    if not needs or any(not need.evidence for need in needs):
        return None
    moment = max(need.evidence[0].at for need in needs)
    if moment < start:
        # all was there before: what comes next inside the window completes it
        later = [one.at for need in needs for one in need.evidence if one.at >= start]
        if not later:
            return None
        moment = min(later)
    return moment if moment < end else None


def _needs(policy: Rules, span: RuleSpan, facts: Facts) -> list[_Need]:
    found: list[_Need] = []
    for requirement in span.version.require:
        if not requirement.after_completion and requirement.kind in _SHOWN_BY:
            for evidence, missing in _SHOWN_BY[requirement.kind](requirement, facts):
                late = {one.id for one in evidence if is_late(policy, one)}
                found.append(
                    _Need(
                        tuple(one for one in evidence if one.id not in late),
                        tuple(one for one in evidence if one.id in late),
                        missing,
                    )
                )
    return found


Shown = Iterable[tuple[tuple[Evidence, ...], Reason]]


def _units_completed(requirement: Requirement, facts: Facts) -> Shown:
    del requirement
    parts = [unit for unit in facts.units if unit.move_on != "NotApplicable"]
    for part in parts or (() if facts.units else (facts.course,)):
        values = {"unit": part.title or part.iri}
        missing = Reason("unit_missing", values)
        if part.move_on in {"Completed", "CompletedAndPassed"}:
            yield part.completed, missing
        if part.move_on in {"Passed", "CompletedAndPassed"}:
            yield part.passed, Reason("not_passed", values)
        if part.move_on == "CompletedOrPassed":
            yield tuple(sorted({*part.completed, *part.passed})), missing


def _passed(requirement: Requirement, facts: Facts) -> Shown:
    for part in _parts(requirement, facts):
        missing = Reason("not_passed", {"unit": part.title or part.iri})
        yield part.passed, missing


def _min_scaled(requirement: Requirement, facts: Facts) -> Shown:
    parts = _parts(requirement, facts)
    if not parts:
        yield (), Reason("role_missing", {"role": requirement.role})
    for part in parts:
        enough = tuple(
            score.evidence
            for score in part.scores
            if score.scaled is not None and score.scaled >= requirement.at_least
        )
        yield enough, _why_not_enough(requirement, part)


def _why_not_enough(requirement: Requirement, part: Part) -> Reason:
    values = {
        "role": requirement.role,
        "test": part.title or part.iri,
        "at_least": str(requirement.at_least),
    }
    usable = [score.scaled for score in part.scores if score.scaled is not None]
    if usable:
        # several statements tell of one try, so only scores that differ are tries
        values |= {"scaled": str(max(usable)), "scores": str(len(set(usable)))}
        return Reason("score_below", values)
    if part.scores:
        return Reason("score_unusable", values | {"problem": part.scores[-1].problem})
    return Reason("score_missing", values)


def _parts(requirement: Requirement, facts: Facts) -> tuple[Part, ...]:
    if requirement.role == "course":
        return (facts.course,)
    if requirement.role == "unit":
        return facts.units
    return tuple(part for part in facts.tests if part.role == requirement.role)


def _statement_present(requirement: Requirement, facts: Facts) -> Shown:
    missing = Reason("statement_missing", {"verb": requirement.verb})
    yield facts.said.get(requirement.verb, ()), missing


def _gate_open(requirement: Requirement, facts: Facts) -> Shown:
    missing = Reason("gate_closed", {"gate": requirement.gate})
    yield facts.gates.get(requirement.gate, ()), missing


# `within_term` bounds the window, `audience` the credit: neither is shown by evidence
_SHOWN_BY: Mapping[str, Callable[[Requirement, Facts], Shown]] = {
    "units_completed": _units_completed,
    "passed": _passed,
    "min_scaled": _min_scaled,
    "statement_present": _statement_present,
    "gate_open": _gate_open,
}


def _completed(
    policy: Rules,
    span: RuleSpan,
    facts: Facts,
    needs: Sequence[_Need],
    moment: datetime,
) -> Decision:
    """The decision once all is met but, perhaps, what comes after completion."""
    used = {need.evidence[0] for need in needs}
    if max(one.at for one in used) < moment:
        used |= {one for need in needs for one in need.evidence if one.at == moment}
    ready_at, reasons = moment, []
    for requirement in span.version.require:
        if requirement.after_completion:
            said = facts.said.get(requirement.verb, ())
            after = [one for one in said if one.at >= moment]
            if after:
                used.add(after[0])
                ready_at = max(ready_at, after[0].at)
            else:
                values = {"verb": requirement.verb, "early": str(len(said))}
                reasons.append(Reason("attestation_missing", values))
    period = _period(policy, span, moment)
    credit, no_credit = _credit(policy, span, facts, moment)
    return Decision(
        outcome=AWAITING if reasons else COMPLETE,
        reasons=tuple(reasons or no_credit),
        evidence=tuple(one.id for one in sorted(used)),
        at=moment,
        ready_at=None if reasons else ready_at,
        span=span,
        term=_term(span, moment),
        period=period,
        scaled=_scaled(span.version, facts, used),
        credit=None if reasons else credit,
    )


def _period(policy: Rules, span: RuleSpan, moment: datetime) -> str:
    """The name of the product's own period that the instant falls into."""
    kind = span.offer.period or span.version.period
    if kind == "once":
        return "once"
    if kind == "cycle":
        cycle = cycle_of(policy.cycles, moment, span.offer.zone)
        return "no cycle" if cycle is None else cycle.id
    return term_of(span.version.term or CALENDAR_YEAR, moment, span.offer.zone).id


def _credit(
    policy: Rules, span: RuleSpan, facts: Facts, moment: datetime
) -> tuple[Credit | None, list[Reason]]:
    """The credit of a completion at the instant, or why there is none."""
    version, offer = span.version, span.offer
    if "credit" not in version.grants or offer.credit is None:
        return None, []
    transfer = policy.transfers.get(offer.transfer)
    if transfer is not None and not transfer.credits:
        return None, [Reason("needs_roster")]
    audience = any(one.kind == "audience" for one in version.require_for_credit)
    if audience and offer.audience:
        known = [what for one, what in facts.positions if one.at <= moment]
        position = known[-1] if known else ""
        if position not in offer.audience:
            values = {
                "position": position,
                "audience": ",".join(sorted(offer.audience)),
            }
            return None, [Reason("not_in_audience", values)]
    value, flags = offer.credit, []
    if version.credit_cap and offer.hours is not None and value > offer.hours:
        value, flags = offer.hours, ["capped"]
    cycle = cycle_of(policy.cycles, moment, offer.zone)
    return Credit(value, None if cycle is None else cycle.id, tuple(flags)), []


def _scaled(
    version: PolicyVersion, facts: Facts, used: set[Evidence]
) -> Decimal | None:
    """The post-test score that the completion rests on; the lowest of several tests.

    Of a test the first score that was enough: an earlier attempt may be evidence that
    the part is finished, and says nothing about the result.
    """
    found = (
        next(
            (
                score.scaled
                for score in part.scores
                if score.scaled is not None
                and score.scaled >= one.at_least
                and score.evidence in used
            ),
            None,
        )
        for one in version.require
        if one.kind == "min_scaled" and one.role == "posttest"
        for part in _parts(one, facts)
    )
    return min((one for one in found if one is not None), default=None)


def _not_yet(policy: Rules, facts: Facts) -> Decision:
    """The decision before everything is met, with every reason."""
    if not policy.spans:
        return Decision(NOT_OFFERED, (Reason("not_offered"),))
    span = policy.spans[-1]
    if facts.latest is not None:
        span = policy.span_at(facts.latest) or policy.spans[0]
    needs = _needs(policy, span, facts)
    reasons = [need.missing for need in needs if not need.evidence and not need.held]
    held = [need.held[0] for need in needs if not need.evidence and need.held]
    reasons += [
        Reason(
            "held",
            {
                "statement": str(one.id),
                "timestamp": one.at.isoformat(),
                "stored": one.stored.isoformat(),
            },
        )
        for one in sorted(set(held))
    ]
    term = None if facts.started is None else _term(span, facts.started.at)
    if not reasons:
        reasons.append(_why_outside(span, term, needs))
    outcome = (
        HELD if reasons and all(one.code == "held" for one in reasons) else INCOMPLETE
    )
    return Decision(outcome, tuple(reasons), span=span, term=term)


def _why_outside(span: RuleSpan, term: Span | None, needs: Sequence[_Need]) -> Reason:
    """Everything was shown, but at no instant at which it could count."""
    if not needs:
        return Reason("nothing_required")
    moment = max(need.evidence[0].at for need in needs)
    if term is not None and moment >= term.end_at:
        values = {"term": term.id, "last_day": term.last_day.isoformat()}
        return Reason("after_term", values)
    return Reason("before_offer", {"from": span.start.isoformat()})
