"""What a statement refers to: actors, activities, attachments, another statement.

xAPI 1.0.3 Communication 2.1.3; xAPI 2.0 4.1.6.1. A pure walk; the store writes one
index row per pair, the query and the rules read them. Members of a Group are
referred to with the Group's own usage: the `agent` filter matches them too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from statements import actors
from statements.vocabulary import VOIDED

CONTEXT_ACTIVITIES = ("parent", "grouping", "category", "other")
# usages that the plain `agent` and `activity` filters look at
DIRECT_ACTORS = frozenset({"actor", "object"})
DIRECT_ACTIVITIES = frozenset({"object"})


@dataclass(frozen=True)
class References:
    """Pairs of usage and identifier; usages inside a sub-statement start `sub_`.

    `definitions` holds IRI and definition of every activity that brings one,
    `attachments` the hash of every attachment, in lower case.
    """

    actors: frozenset[tuple[str, str]]
    activities: frozenset[tuple[str, str]]
    definitions: tuple[tuple[str, dict[str, Any]], ...]
    attachments: frozenset[str]
    target: UUID | None
    voids: UUID | None


def has_score(statement: dict[str, Any]) -> bool:
    """Whether a valid statement, or the one inside it, carries a score."""
    parts = (statement, statement["object"])
    return any("score" in part.get("result", {}) for part in parts)


def references(statement: dict[str, Any]) -> References:
    """All references of a valid statement."""
    found_actors: set[tuple[str, str]] = set()
    found_activities: set[tuple[str, str]] = set()
    _walk(statement, "", found_actors, found_activities)
    definitions = list(_definitions(statement))
    target = statement["object"]
    kind = target.get("objectType")
    if kind == "SubStatement":
        _walk(target, "sub_", found_actors, found_activities)
        definitions += _definitions(target)
    target_id = UUID(target["id"]) if kind == "StatementRef" else None
    return References(
        actors=frozenset(found_actors),
        activities=frozenset(found_activities),
        definitions=tuple(definitions),
        attachments=frozenset(
            one["sha2"].lower()
            for part in (statement, target)
            for one in part.get("attachments", ())
        ),
        target=target_id,
        voids=target_id if statement["verb"]["id"] == VOIDED else None,
    )


def actor_of(statement: dict[str, Any]) -> str | None:
    """The IFI of the statement's actor."""
    return actors.ifi(statement["actor"])


def activity_of(statement: dict[str, Any]) -> str | None:
    """The IRI of the statement's object, if that is an activity."""
    target = statement["object"]
    is_activity = target.get("objectType", "Activity") == "Activity"
    return target["id"] if is_activity else None


def _walk(
    part: dict[str, Any],
    prefix: str,
    found_actors: set[tuple[str, str]],
    found_activities: set[tuple[str, str]],
) -> None:
    found_actors.update((prefix + "actor", one) for one in actors.ifis(part["actor"]))
    target = part["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        found_activities.add((prefix + "object", target["id"]))
    elif kind in {"Agent", "Group"}:
        found_actors.update((prefix + "object", one) for one in actors.ifis(target))
    if (authority := part.get("authority")) is not None:
        found_actors.update((prefix + "authority", i) for i in actors.ifis(authority))
    if (context := part.get("context")) is not None:
        found_actors.update(_context_actors(context, prefix))
        found_activities.update(_context_activities(context, prefix))


def _definitions(part: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    listed = part.get("context", {}).get("contextActivities") or {}
    for value in ([part["object"]], *listed.values()):
        for one in (value,) if isinstance(value, dict) else value:
            if one.get("objectType", "Activity") == "Activity" and one.get(
                "definition"
            ):
                yield one["id"], one["definition"]


def _context_actors(context: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for usage in ("instructor", "team"):
        if usage in context:
            for one in actors.ifis(context[usage]):
                yield prefix + usage, one
    for name, usage in (("contextAgents", "agent"), ("contextGroups", "group")):
        for item in context.get(name, ()):
            for one in actors.ifis(item[usage]):
                yield f"{prefix}context_{usage}", one


def _context_activities(
    context: dict[str, Any], prefix: str
) -> Iterator[tuple[str, str]]:
    listed = context.get("contextActivities")
    if listed is None:
        return
    for usage in CONTEXT_ACTIVITIES:
        value = listed.get(usage, ())
        for one in (value,) if isinstance(value, dict) else value:
            yield prefix + usage, one["id"]
