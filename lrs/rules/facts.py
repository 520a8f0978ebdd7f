"""Statements become facts. Pure, and blind to the order in which they come.

`read_observation` takes from one stored statement what any rule could need; `fold`
turns the observations of a person in a course and registration into `Facts`. A score
is read as a decimal from the stored text. What never counts as a result: the score of
`progressed` (progress), `satisfied` and `waived` (an LMS's or administrator's word).

Whose word it is matters. Who enrolled, attested or attended, from which position and
through which gate, only this installation says. Another system's results count, but
not in a registration of this portal: there only what our player saw does.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

from lrs.rules.decide import Evidence, Facts, Part, Score
from statements import actors, scalars
from statements.vocabulary import ACTIVITIES, EXTENSIONS, VERBS

SEVEN_PLACES = Decimal("0.0000001")
# SCORM's real(10,7) has seven decimals; fifty digits keep any quotient exact to them
EXACT = Context(prec=50, rounding=ROUND_HALF_UP)

# the year 1 has no day in zones west of Greenwich
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LONGEST_WORD = 100
# verbs whose statement may carry a result: completion, success, score
RESULTS = frozenset(
    {"completed", "passed", "failed", "scored", "responded", "terminated", "suspended"}
)
ACTS = frozenset({"registered", "withdrew", "attested", "attended"})
GATES = ("customization",)
SHORT_NAMES = {iri: name for name, iri in VERBS.items()}
TEST_ROLES = frozenset({"pretest", "posttest"})


@dataclass(frozen=True, slots=True)
class Observation:
    """What one statement shows, as far as a rule could ask."""

    seq: int
    evidence: Evidence
    timestamp: datetime
    verb: str
    ifi: str
    activity: str
    context: frozenset[str]
    registration: UUID | None
    revision: str
    completion: bool
    success: bool
    score: Score | None
    position: str
    gates: frozenset[str]
    # recorded by this installation itself, not sent by another system
    own: bool
    vouched: bool


@dataclass(frozen=True, slots=True)
class UnitTerms:
    """A unit of a course revision as recorded in the catalogue."""

    iri: str
    title: str
    required: bool = True
    move_on: str = "Completed"


@dataclass(frozen=True, slots=True)
class RoleTerms:
    """What an activity is, once confirmed or only proposed."""

    iri: str
    role: str
    title: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """The units and roles of a revision of a course."""

    iri: str
    title: str = ""
    units: tuple[UnitTerms, ...] = ()
    roles: tuple[RoleTerms, ...] = ()


def quantise(number: Decimal) -> Decimal:
    """The number as SCORM's real(10,7): 0.79999999999 becomes 0.8000000."""
    return number.quantize(SEVEN_PLACES, context=EXACT)


def relevant_verbs(named: Collection[str]) -> frozenset[str]:
    """The IRIs of verbs that can matter, with those that policies name."""
    return frozenset(VERBS[name] for name in RESULTS | ACTS | set(named))


def read_observation(
    statement: Mapping[str, Any],
    raw: bytes,
    stored: datetime,
    seq: int,
    *,
    verbs: Collection[str],
    own: bool,
    vouched: bool | None = None,
) -> Observation | None:
    """What the statement shows; None where no rule could use it.

    `verbs` are the IRIs of `relevant_verbs`; `own` tells a statement that this
    installation recorded from one that another system sent. It vouches for its own,
    and for what a unit said within its launch: its results count alike. A Group as actor, and an
    object other than an activity, show nothing about a person in a course; nor do the
    launch modes Browse and Review (cmi5 10.2.2), and what a unit of cmi5 says beside
    that which cmi5 defines (cmi5 7.1.3).
    """
    target = statement["object"]
    verb = SHORT_NAMES.get(statement["verb"]["id"])
    actor = statement["actor"]
    if (
        verb is None
        or statement["verb"]["id"] not in verbs
        or not (own or verb in RESULTS)
        or target.get("objectType", "Activity") != "Activity"
        or actors.is_group(actor)
        or (ifi := actors.ifi(actor)) is None
    ):
        return None
    context: Mapping[str, Any] = statement.get("context") or {}
    timestamp = scalars.parse_timestamp(statement["timestamp"]).astimezone(UTC)
    counted = max(min(timestamp, stored), EARLIEST)
    evidence = Evidence(counted, UUID(statement["id"]), stored)
    extensions: Mapping[str, Any] = context.get("extensions") or {}
    if extensions.get(EXTENSIONS["cmi5_launch_mode"], "Normal") != "Normal":
        return None
    if _is_beside_cmi5(context):
        return None
    result: Mapping[str, Any] = statement.get("result") or {}
    counts = verb in RESULTS
    registration = context.get("registration")
    vouched = own if vouched is None else vouched
    is_unit = vouched and not own
    return Observation(
        seq=seq,
        evidence=evidence,
        timestamp=timestamp,
        verb=verb,
        ifi=ifi,
        activity=target["id"],
        context=_context_activities(context),
        registration=None if registration is None else UUID(registration),
        revision=_word(
            # what a unit names there is its publisher's revision, not the course's
            (not is_unit and context.get("revision"))
            or extensions.get(EXTENSIONS["revision"])
        ),
        # an explicit false contradicts the verb, and the doubt counts
        completion=counts and result.get("completion", verb == "completed") is True,
        success=counts and result.get("success", verb == "passed") is True,
        score=read_score(raw, evidence) if counts and "score" in result else None,
        position=_word(extensions.get(EXTENSIONS["position"])) if own else "",
        gates=frozenset(
            name for name in GATES if own and EXTENSIONS[name] in extensions
        ),
        own=own,
        vouched=vouched,
    )


def _is_beside_cmi5(context: Mapping[str, Any]) -> bool:
    """Whether it was said in a session of cmi5 without the category of cmi5."""
    if EXTENSIONS["cmi5_session"] not in (context.get("extensions") or {}):
        return False
    listed = (context.get("contextActivities") or {}).get("category") or ()
    categories = [listed] if isinstance(listed, Mapping) else listed
    return all(one["id"] != ACTIVITIES["cmi5"] for one in categories)


def _word(value: object) -> str:
    """A short text that any database can keep; "" for anything else."""
    if isinstance(value, str) and len(value) <= LONGEST_WORD and value.isprintable():
        return value
    return ""


def _context_activities(context: Mapping[str, Any]) -> frozenset[str]:
    """Parents and groupings; version 1.0 allows one activity without a list."""
    listed: Mapping[str, Any] = context.get("contextActivities") or {}
    found: set[str] = set()
    for usage in ("parent", "grouping"):
        value = listed.get(usage, ())
        for one in (value,) if isinstance(value, dict) else value:
            found.add(one["id"])
    return frozenset(found)


def read_score(raw: bytes, evidence: Evidence) -> Score | None:
    """The score of a statement's text: `scaled`, or else raw between min and max."""
    try:
        text = json.loads(raw, parse_float=Decimal, parse_int=Decimal)
        return _scaled(text["result"]["score"], evidence)
    except (ArithmeticError, RecursionError):
        return Score(evidence, None, "not_computable")


def _scaled(score: Mapping[str, Decimal], evidence: Evidence) -> Score | None:
    if "scaled" in score:
        return Score(evidence, quantise(score["scaled"]))
    if "raw" not in score:
        return None
    if "max" not in score:
        return Score(evidence, None, "no_max")
    lowest, highest = score.get("min", Decimal(0)), score["max"]
    if not lowest < highest:
        return Score(evidence, None, "no_range")
    if not lowest <= score["raw"] <= highest:
        return Score(evidence, None, "outside_range")
    share = EXACT.divide(
        EXACT.subtract(score["raw"], lowest), EXACT.subtract(highest, lowest)
    )
    return Score(evidence, quantise(share))


def revision_of(observations: Iterable[Observation]) -> str:
    """The revision that the attempt began on, and so stays on; "" if none is named."""
    named = [(one.evidence, one.revision) for one in observations if one.revision]
    return min(named)[1] if named else ""


def fold(
    observations: Sequence[Observation],
    *,
    shape: Callable[[str], Shape],
    clocks: Mapping[UUID, str],
) -> Facts:
    """The facts of one person in one course and registration.

    Voided statements are left out by the caller. `shape` gives the units and roles of
    a revision; `clocks` says of reviewed statements by which clock they count.
    """
    seen = sorted(
        (_settled(one, clocks) for one in _vouched(observations)),
        key=lambda one: one.evidence,
    )
    course = shape(revision := revision_of(seen))
    about: dict[str, list[Observation]] = {}
    for one in seen:
        about.setdefault(one.activity, []).append(one)
    registered = [one.evidence for one in seen if one.verb == "registered"]
    starts = registered or [one.evidence for one in seen]
    return Facts(
        course=_part(Part(course.iri, course.title, "course"), about),
        revision=revision,
        units=tuple(
            _part(Part(unit.iri, unit.title, "unit", unit.move_on), about)
            for unit in course.units
            if unit.required
        ),
        tests=tuple(
            _part(Part(role.iri, role.title, role.role), about)
            for role in course.roles
            if role.confirmed and role.role in TEST_ROLES
        ),
        said=_said(about.get(course.iri, ())),
        gates={
            name: tuple(one.evidence for one in seen if name in one.gates)
            for name in GATES
        },
        positions=tuple((one.evidence, one.position) for one in seen if one.position),
        started=starts[0] if starts else None,
        latest=seen[-1].evidence.at if seen else None,
    )


def _vouched(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Without other systems' words where the registration is one of this portal."""
    if not any(one.own and one.verb == "registered" for one in observations):
        return observations
    return [one for one in observations if one.vouched]


def _settled(one: Observation, clocks: Mapping[UUID, str]) -> Observation:
    """The observation, by the clock that a reviewer chose if one did."""
    clock = clocks.get(one.evidence.id)
    if clock is None:
        return one
    at = one.evidence.stored if clock == "stored" else one.evidence.at
    evidence = replace(one.evidence, at=at, settled=True)
    score = None if one.score is None else replace(one.score, evidence=evidence)
    return replace(one, evidence=evidence, score=score)


def _part(part: Part, about: Mapping[str, Sequence[Observation]]) -> Part:
    seen = about.get(part.iri, ())
    return replace(
        part,
        completed=tuple(one.evidence for one in seen if one.completion),
        passed=tuple(one.evidence for one in seen if one.success),
        scores=tuple(one.score for one in seen if one.score is not None),
    )


def _said(seen: Iterable[Observation]) -> dict[str, tuple[Evidence, ...]]:
    """Statements about the course itself, by the short name of their verb."""
    said: dict[str, list[Evidence]] = {}
    for one in seen:
        said.setdefault(one.verb, []).append(one.evidence)
    return {verb: tuple(evidence) for verb, evidence in said.items()}
