"""A session of cmi5 as rules see it, and the questions they put to a statement.

Statements are as they were sent, checked by xAPI's own rules before. Pure.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from statements import actors, vocabulary
from statements.errors import Forbidden

Statement = Mapping[str, Any]

DEFINED = vocabulary.activity("cmi5")
MOVE_ON = vocabulary.activity("cmi5_move_on")
SESSION = vocabulary.extension("cmi5_session")
MASTERY = vocabulary.extension("cmi5_mastery_score")
VERBS = {
    vocabulary.verb(name): name
    for name in ("initialized", "completed", "passed", "failed", "terminated")
}
# those that say something of satisfaction: in mode Normal alone (10.2.2)
JUDGING = frozenset({"completed", "passed", "failed"})
MODES = {"Browse": "10.2.2.0-2", "Review": "10.2.2.0-3"}
DURATIONS = {
    "terminated": "9.5.4.1-1",
    "completed": "9.5.4.1-2",
    "passed": "9.5.4.1-3",
    "failed": "9.5.4.1-4",
}
_UTC = re.compile(r".*(?:Z|[+]00(?::?00)?)", re.DOTALL)


class IllegalRequest(Forbidden):
    """A unit of cmi5 may not send this."""


def refused(requirement: str, detail: str, **extra: Any) -> IllegalRequest:
    """The refusal, with the requirement's number and its section."""
    section = ".".join(requirement.partition("-")[0].split(".")[:3]).removesuffix(".0")
    section = section.removesuffix(".0")
    return IllegalRequest(
        detail, requirement=requirement, section=f"cmi5 {section}", **extra
    )


@dataclass(frozen=True)
class SessionState:
    """A session as it stands before a request.

    `said` are the verbs of its own cmi5 defined statements, `said_before` those of all
    sessions of the unit in the registration, this one included. `initialized_at` and
    `last_at` are timestamps that statements brought.
    """

    actor: Mapping[str, Any]
    registration: UUID
    activity: str
    session_id: str
    launch_data: Mapping[str, Any]
    knows_preferences: bool
    said: frozenset[str]
    said_before: frozenset[str]
    initialized_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def mode(self) -> str:
        """Normal, Browse or Review."""
        return str(self.launch_data.get("launchMode", "Normal"))

    @property
    def mastery(self) -> Decimal | None:
        """The score from which a unit is passed, if there is one."""
        found = self.launch_data.get("masteryScore")
        return None if found is None else Decimal(str(found))

    @property
    def template(self) -> Mapping[str, Any]:
        """What the context of every statement holds (10.2.1)."""
        found: Mapping[str, Any] = self.launch_data.get("contextTemplate") or {}
        return found


def over() -> IllegalRequest:
    """The refusal of everything after the end."""
    return refused("9.3.0.0-5", "The session has ended with `terminated`.")


def check_query(state: SessionState) -> None:
    """Nothing, or IllegalRequest once the session has ended (8.1.2)."""
    if "terminated" in state.said:
        raise over()


def is_cmi5_defined(statement: Statement) -> bool:
    """Whether it is one of those that cmi5 defines, by its category (7.1.3)."""
    return DEFINED in ids_of(lists_of(statement).get("category"))


def lists_of(statement: Statement) -> Mapping[str, Any]:
    """Its context activities by usage."""
    found: Mapping[str, Any] = context_of(statement).get("contextActivities") or {}
    return found


def context_of(statement: Statement) -> Mapping[str, Any]:
    """Its context; empty where it has none."""
    found: Mapping[str, Any] = statement.get("context") or {}
    return found


def result_of(statement: Statement) -> Mapping[str, Any]:
    """Its result; empty where it has none."""
    found: Mapping[str, Any] = statement.get("result") or {}
    return found


def score_of(statement: Statement) -> Mapping[str, Any]:
    """Its score; empty where it has none."""
    found: Mapping[str, Any] = result_of(statement).get("score") or {}
    return found


def ids_of(activities: Any) -> set[str]:
    """The IRIs of a list of activities; version 1.0 allows one without a list."""
    if isinstance(activities, Mapping):
        activities = [activities]
    return {str(one["id"]) for one in activities or ()}


def verb_of(statement: Statement) -> str:
    """The short name of a verb that units use, else its IRI."""
    iri = str(statement["verb"]["id"])
    return VERBS.get(iri, iri)


def extension_of(statement: Statement, iri: str) -> Any:
    """The value of an extension of its context; None where it is missing."""
    return (context_of(statement).get("extensions") or {}).get(iri)


def is_not_utc(_: SessionState, statement: Statement) -> bool:
    """Whether its timestamp, if it has one, is written in another zone (9.7)."""
    given = statement.get("timestamp")
    return isinstance(given, str) and _UTC.fullmatch(given) is None


def is_other_actor(state: SessionState, statement: Statement) -> bool:
    """Whether it is about somebody else (8.1.3)."""
    return actors.ifi(statement["actor"]) != actors.ifi(dict(state.actor))


def is_other_registration(state: SessionState, statement: Statement) -> bool:
    """Whether its registration is missing or another one (9.6.1)."""
    given = context_of(statement).get("registration")
    return given is None or UUID(given) != state.registration


def lacks_template(state: SessionState, statement: Statement) -> bool:
    """Whether a member of the template is missing, activities aside (10.2.1)."""
    context = context_of(statement)
    return any(
        not _has(context, name, value)
        for name, value in state.template.items()
        if name != "contextActivities"
    )


def _has(context: Mapping[str, Any], name: str, value: Any) -> bool:
    if name not in context:
        return False
    given = context[name]
    if isinstance(value, Mapping) and isinstance(given, Mapping):
        return value.keys() <= given.keys()
    return True


def overwrites_template(state: SessionState, statement: Statement) -> bool:
    """Whether a member of the template has another value, activities aside."""
    context = context_of(statement)
    return any(
        not _is_kept(context[name], value)
        for name, value in state.template.items()
        if name != "contextActivities" and name in context
    )


def _is_kept(given: Any, value: Any) -> bool:
    if isinstance(value, Mapping):
        return isinstance(given, Mapping) and all(
            given.get(name) == one for name, one in value.items() if name in given
        )
    return bool(given == value)


def lacks_activities(state: SessionState, statement: Statement) -> bool:
    """Whether an activity of the template is missing (9.6.2)."""
    given = lists_of(statement)
    wanted: Mapping[str, Any] = state.template.get("contextActivities") or {}
    return any(
        not ids_of(activities) <= ids_of(given.get(usage))
        for usage, activities in wanted.items()
    )


def is_for_move_on(statement: Statement) -> bool:
    """Whether any list of its context activities has the category (9.6.2.2)."""
    return any(
        MOVE_ON in ids_of(activities) for activities in lists_of(statement).values()
    )


def scaled_of(statement: Statement) -> Decimal | None:
    """Its scaled score; None where it has none."""
    found = score_of(statement).get("scaled")
    return None if found is None else Decimal(str(found))


def is_wrong_mastery(state: SessionState, statement: Statement) -> bool:
    """Whether the extension is missing beside a score, or is not the launch's."""
    if verb_of(statement) not in {"passed", "failed"} or state.mastery is None:
        return False
    given = extension_of(statement, MASTERY)
    if given is None:
        return bool(score_of(statement))
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    return not is_number or Decimal(str(given)) != state.mastery


def is_below(state: SessionState, statement: Statement) -> bool | None:
    """Whether the score is below the mastery score; None where one is missing."""
    scaled = scaled_of(statement)
    if scaled is None or state.mastery is None:
        return None
    return scaled < state.mastery


def verb_without(member: str, verbs: Collection[str]) -> Callable[..., bool]:
    """Whether a result has a member that only other verbs may have."""
    return lambda _, one: member in result_of(one) and verb_of(one) not in verbs


def verb_unless(verb: str, member: str, value: object) -> Callable[..., bool]:
    """Whether a result of a verb has another value than the one it must have."""
    return lambda _, one: (
        verb_of(one) == verb and result_of(one).get(member) is not value
    )


def judges_in(mode: str) -> Callable[..., bool]:
    """Whether something is judged in a mode in which nothing is (10.2.2)."""
    return lambda state, one: state.mode == mode and verb_of(one) in JUDGING


def lacks_duration(verb: str) -> Callable[..., bool]:
    """Whether a statement of a verb has no duration (9.5.4.1)."""
    return lambda _, one: verb_of(one) == verb and "duration" not in result_of(one)
