"""What a unit of cmi5 says, and the session in which it says it."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from player.cmi5.rules import SessionState
from statements import vocabulary
from statements.prepare import prepare
from statements.scalars import format_timestamp
from tests.player.cmi5.sample import ACTOR, COURSE, PUBLISHER

if TYPE_CHECKING:
    from statements.prepare import Prepared

Statement = dict[str, Any]
Change = Callable[[Statement], object]

REGISTRATION = uuid.UUID("7a1a3c4e-6f0b-4a55-9a8e-0a1b2c3d4e5f")
ELSEWHERE = "ccaf384c-f8d4-4e7a-8304-49af58f0b176"
SESSION_ID = "5b6c7d8e-0000-4000-8000-000000000001"
ACTIVITY = f"{COURSE}/units/au-0"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REVISION = vocabulary.extension("revision")
SESSION = vocabulary.extension("cmi5_session")
MASTERY = vocabulary.extension("cmi5_mastery_score")
CMI5 = {"id": vocabulary.activity("cmi5")}
MOVE_ON = {"id": vocabulary.activity("cmi5_move_on")}
TEMPLATE: dict[str, Any] = {
    "contextActivities": {"grouping": [{"id": PUBLISHER}, {"id": COURSE}]},
    "extensions": {SESSION: SESSION_ID, REVISION: "3"},
}
SCORE = {"scaled": 0.9, "raw": 90, "min": 0, "max": 100}
RESULTS: dict[str, dict[str, Any]] = {
    "initialized": {},
    "completed": {"completion": True, "duration": "PT1S"},
    "passed": {"success": True, "duration": "PT1S", "score": SCORE},
    "failed": {
        "success": False,
        "duration": "PT1S",
        "score": SCORE | {"scaled": 0.2, "raw": 20},
    },
    "terminated": {"duration": "PT9S"},
}
ALLOWED = "https://verbs.example/read"


def session(
    said: str = "initialized", *, before: str = "", mode: str = "Normal", **given: Any
) -> SessionState:
    """A session in which these verbs were said, and in earlier ones those."""
    verbs = frozenset(said.split())
    start = NOW if "initialized" in verbs else None
    facts: dict[str, Any] = {
        "actor": ACTOR,
        "registration": REGISTRATION,
        "activity": ACTIVITY,
        "session_id": SESSION_ID,
        "launch_data": {
            "contextTemplate": TEMPLATE,
            "launchMode": mode,
            "masteryScore": 0.8,
        },
        "knows_preferences": True,
        "said": verbs,
        "said_before": verbs | frozenset(before.split()),
        "initialized_at": start,
        "last_at": start,
    }
    return SessionState(**facts | given)


def says(verb: str, *, at: datetime | None = None) -> Statement:
    """A legal statement that cmi5 defines, or one that it allows."""
    context = copy.deepcopy(TEMPLATE) | {"registration": str(REGISTRATION)}
    result = copy.deepcopy(RESULTS.get(verb, {}))
    if verb in RESULTS:
        is_judged = not result.keys().isdisjoint({"success", "completion"})
        category = [CMI5, MOVE_ON] if is_judged else [CMI5]
        context["contextActivities"]["category"] = copy.deepcopy(category)
    if "score" in result:
        context["extensions"][MASTERY] = 0.8
    said: Statement = {
        "id": str(uuid.uuid4()),
        "timestamp": format_timestamp(at or NOW + timedelta(seconds=1)),
        "actor": copy.deepcopy(ACTOR),
        "verb": {"id": vocabulary.VERBS.get(verb, verb)},
        "object": {"id": ACTIVITY},
        "context": context,
    }
    return said | ({"result": result} if result else {})


def changed(verb: str, change: Change) -> Statement:
    """The same with a change."""
    said = says(verb)
    change(said)
    return said


def put(value: object, *path: str) -> Change:
    """Sets a member, deep inside."""

    def change(statement: Statement) -> None:
        inside: Any = statement
        for name in path[:-1]:
            inside = inside.setdefault(name, {})
        inside[path[-1]] = value

    return change


def drop(*path: str) -> Change:
    """Takes a member away."""

    def change(statement: Statement) -> None:
        inside: Any = statement
        for name in path[:-1]:
            inside = inside[name]
        del inside[path[-1]]

    return change


def category(*activities: dict[str, str], usage: str = "category") -> Change:
    return put(list(activities), "context", "contextActivities", usage)


def ready(*statements: Statement) -> list[Prepared]:
    """The statements as the record store hands them over."""
    return [prepare(one, now=NOW) for one in statements]
