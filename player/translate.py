"""SCORM changes as xAPI statements, by the xAPI SCORM Profile.

https://w3id.org/xapi/scorm, "Supporting the SCORM Temporal Model" and "Mapping the
SCORM Data Model to xAPI Statements". Pure: two states of the model in, statements out.

Each statement has the SCO as object (or an objective or interaction with the SCO as
parent), the course and the attempt as grouping, the profile as category. Its id is
made from launch, sequence number and kind, so the same entry gives the same statements,
under a key, so that nobody can ask for a statement by working out its id.
Every closing statement carries completion, success, score and duration: content that
always suspends must earn credit too.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from player import urls
from player.cmi import Model
from player.outcomes import Interaction, Outcome
from player.runtimes import Runtime
from statements import vocabulary
from statements.build import activity, build_statement, score
from statements.scalars import format_duration

Statement = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """What all statements of one launch share; `key` is the secret of their ids.

    `profile` is the short name of the xAPI profile that they follow, if any.
    """

    actor: dict[str, Any]
    registration: UUID
    key: bytes
    revision: str
    course_iri: str
    course_title: str
    unit_iri: str
    unit_title: str
    attempt_iri: str
    profile: str = "scorm"


@dataclass(frozen=True)
class Moment:
    """Which entry of a launch, and when the learner did it.

    `is_before`: what is said ends what the entry found still open, before its own.
    """

    seq: int
    at: datetime
    is_before: bool = False


def opening(subject: Subject, moment: Moment, *, is_resumed: bool) -> Statement:
    """The attempt begins (`initialized`) or goes on (`resumed`)."""
    verb = "resumed" if is_resumed else "initialized"
    return _about_unit(subject, moment, verb)


def closing(
    subject: Subject,
    moment: Moment,
    *,
    verb: str,
    known: Outcome,
    seconds: Decimal,
) -> Statement:
    """The session ends: `suspended` or `terminated`, with everything known by then."""
    result = _result(known) | {"duration": format_duration(seconds)}
    return _about_unit(subject, moment, verb, result)


def progress(
    subject: Subject,
    moment: Moment,
    *,
    runtime: Runtime,
    before: Mapping[str, str],
    after: Model,
    changed: Sequence[tuple[str, str]],
) -> Iterator[Statement]:
    """What happened between opening and closing, in the order of the element table.

    `changed` holds the accepted changes that led from one state to the other.
    """
    for place, text in runtime.comments(after, changed).items():
        yield _about_unit(subject, moment, "commented", {"response": text}, part=place)
    touched = dict.fromkeys(name for name, _ in changed)
    for place in _places(touched, "cmi.interactions."):
        answered = runtime.interaction(after, place)
        if answered is not None:
            yield _responded(subject, moment, place, answered)
    yield from _objectives(subject, moment, runtime, before, after, touched)
    was, now = runtime.outcome(before), runtime.outcome(after)
    yield from _status(subject, moment, was=was, now=now)


def course_completed(
    subject: Subject, moment: Moment, *, seconds: Decimal
) -> Statement:
    """All units of the course are complete: `completed`, with the course as object."""
    return build_statement(
        id=_id(subject, moment, "course"),
        actor=subject.actor,
        verb="completed",
        object=_course(subject),
        timestamp=moment.at,
        result={"completion": True, "duration": format_duration(seconds)},
        context=_context(subject, grouping=[_attempt(subject)]),
    )


def _status(
    subject: Subject, moment: Moment, *, was: Outcome, now: Outcome
) -> Iterator[Statement]:
    """`progressed`, `scored`, `passed` or `failed`, and `completed`, for what is new."""
    if now.progress is not None and now.progress != was.progress:
        gone = {"score": score(scaled=now.progress)}
        yield _about_unit(subject, moment, "progressed", gone)
    if _score(now) and _score(now) != _score(was):
        yield _about_unit(subject, moment, "scored", {"score": _score(now)})
    if now.success not in {"unknown", was.success}:
        yield _about_unit(subject, moment, now.success, _result(now))
    if now.completion == "completed" and was.completion != "completed":
        yield _about_unit(subject, moment, "completed", _result(now))


def _responded(
    subject: Subject, moment: Moment, place: str, answered: Interaction
) -> Statement:
    definition: dict[str, Any] = {
        "type": vocabulary.activity_type("interaction"),
        "interactionType": answered.kind or "other",
    }
    if answered.description:
        definition["description"] = {answered.language: answered.description}
    if answered.patterns:
        definition["correctResponsesPattern"] = list(answered.patterns)
    result: dict[str, Any] = {}
    if answered.response is not None:
        result["response"] = answered.response
    if answered.success is not None:
        result["success"] = answered.success
    if answered.score is not None:
        result["score"] = score(raw=answered.score)
    if answered.seconds is not None:
        result["duration"] = format_duration(answered.seconds)
    return build_statement(
        id=_id(subject, moment, f"interaction {place}"),
        actor=subject.actor,
        verb="responded",
        object={
            "objectType": "Activity",
            "id": urls.interaction_iri(subject.unit_iri, answered.identifier),
            "definition": definition,
        },
        timestamp=moment.at,
        result=result,
        context=_context(subject, grouping=_grouping(subject), parent=_unit(subject)),
    )


def _objectives(
    subject: Subject,
    moment: Moment,
    runtime: Runtime,
    before: Mapping[str, str],
    after: Model,
    touched: Mapping[str, None],
) -> Iterator[Statement]:
    """For each objective touched what `_status` gives for the SCO."""
    for place in _places(touched, "cmi.objectives."):
        prefix = f"cmi.objectives.{place}."
        identifier = after.get(f"{prefix}id")
        if not identifier:
            continue
        # under another id than before it is another objective
        is_same = before.get(f"{prefix}id") == identifier
        was = runtime.objective(before, place) if is_same else Outcome()
        news = _objective_news(was, runtime.objective(after, place))
        for verb, result in news:
            yield build_statement(
                id=_id(subject, moment, f"objective {place} {verb}"),
                actor=subject.actor,
                verb=verb,
                object=activity(
                    urls.objective_iri(subject.unit_iri, identifier),
                    type=vocabulary.activity_type("objective"),
                ),
                timestamp=moment.at,
                result=result,
                context=_context(
                    subject, grouping=_grouping(subject), parent=_unit(subject)
                ),
            )


def _objective_news(was: Outcome, now: Outcome) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is new of an objective: pairs of verb and result."""
    with_score = {"score": _score(now)} if _score(now) else {}
    if with_score and _score(now) != _score(was):
        yield "scored", with_score
    if (now.success, now.completion) == (was.success, was.completion):
        return
    if now.success != "unknown":
        yield now.success, _result(now)
    elif now.completion == "completed":
        yield "completed", {"completion": True} | with_score


def _places(touched: Mapping[str, None], prefix: str) -> list[str]:
    """The indexes right after `prefix` in the names touched, in order."""
    found = {
        name[len(prefix) :].partition(".")[0]
        for name in touched
        if name.startswith(prefix)
    }
    return sorted(found, key=int)


def _result(known: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if known.completion != "unknown":
        result["completion"] = known.completion == "completed"
    if known.success != "unknown":
        result["success"] = known.success == "passed"
    if scored := _score(known):
        result["score"] = scored
    return result


def _score(known: Outcome) -> dict[str, Any]:
    """The score as xAPI allows it; empty without `raw` and `scaled`.

    A min and max between which `raw` does not lie are left out: xAPI refuses them,
    and the score itself must not be lost for it.
    """
    low, high, raw = known.minimum, known.maximum, known.raw
    if raw is None:
        return score(scaled=known.scaled)
    is_range = low is None or high is None or low < high
    return score(
        scaled=known.scaled,
        raw=raw,
        min=low if is_range and low is not None and low <= raw else None,
        max=high if is_range and high is not None and high >= raw else None,
    )


def _about_unit(
    subject: Subject,
    moment: Moment,
    verb: str,
    result: dict[str, Any] | None = None,
    *,
    part: str = "",
) -> Statement:
    return build_statement(
        id=_id(subject, moment, f"{verb} {part}" if part else verb),
        actor=subject.actor,
        verb=verb,
        object=_unit(subject),
        timestamp=moment.at,
        result=result or None,
        context=_context(subject, grouping=_grouping(subject)),
    )


def _id(subject: Subject, moment: Moment, kind: str) -> UUID:
    place = f"before {moment.seq}" if moment.is_before else f"{moment.seq}"
    digest = hmac.digest(subject.key, f"{place} {kind}".encode(), hashlib.sha256)
    return UUID(bytes=digest[:16], version=4)


def _context(
    subject: Subject,
    *,
    grouping: list[dict[str, Any]],
    parent: dict[str, Any] | None = None,
) -> dict[str, Any]:
    related = {"grouping": grouping}
    if subject.profile:
        profile = _activity(vocabulary.activity(subject.profile), "profile")
        related["category"] = [profile]
    if parent is not None:
        related["parent"] = [parent]
    return {
        "registration": str(subject.registration),
        "revision": subject.revision,
        "contextActivities": related,
    }


def _grouping(subject: Subject) -> list[dict[str, Any]]:
    return [_course(subject), _attempt(subject)]


def _course(subject: Subject) -> dict[str, Any]:
    return _activity(subject.course_iri, "course", subject.course_title)


def _unit(subject: Subject) -> dict[str, Any]:
    return _activity(subject.unit_iri, "lesson", subject.unit_title)


def _attempt(subject: Subject) -> dict[str, Any]:
    return _activity(subject.attempt_iri, "attempt")


def _activity(iri: str, kind: str, title: str = "") -> dict[str, Any]:
    """An activity; no package says what language its titles are in."""
    return activity(
        iri, type=vocabulary.activity_type(kind), name=title or None, language="und"
    )
