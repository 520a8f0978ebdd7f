"""What a statement refers to: actors, activities, attachments, another statement.

xAPI 1.0.3 Communication 2.1.3; xAPI 2.0 4.1.6.1. A pure walk; the store writes one
index row per pair, the query and the rules read them. Members of a Group are
referred to with the Group's own usage: the `agent` filter matches them too.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple
from uuid import UUID

from statements import actors
from statements.vocabulary import VOIDED


def _inside_too(*usages: str) -> frozenset[str]:
    """The usages, and the same of a sub-statement."""
    return frozenset(usages) | {f"sub_{usage}" for usage in usages}


# usages that the plain `agent` filter looks at
DIRECT_ACTORS = frozenset({"actor", "whom"})
# all of them: an activity's IRI may be spelled like an actor's identifier, so that only
# the usage tells what a name is of
ACTORS = _inside_too(
    *DIRECT_ACTORS, "authority", "instructor", "team", "context_agent", "context_group"
)
ACTIVITIES = _inside_too("object", "parent", "grouping", "category", "other")
# the unit that said it in a launch: no filter looks at it, the pre-test wall does
LAUNCH = "launch"


class References(NamedTuple):
    """Pairs of usage and identifier; usages inside a sub-statement start `sub_`.

    The object's usage is `object` where it is an activity, else `whom`.

    `target` is what the statement refers to, `sub_target` what the one inside it does;
    `definitions` holds IRI and definition of every activity that brings one,
    `attachments` the hash of every attachment, in lower case.
    """

    actors: AbstractSet[tuple[str, str]]
    activities: AbstractSet[tuple[str, str]]
    definitions: Sequence[tuple[str, dict[str, Any]]]
    attachments: AbstractSet[str]
    target: UUID | None
    voids: UUID | None
    sub_target: UUID | None = None


def has_score(statement: dict[str, Any]) -> bool:
    """Whether a valid statement, or the one inside it, carries a score."""
    inside = statement["object"].get("result", ())
    return "score" in statement.get("result", ()) or "score" in inside


def references(statement: dict[str, Any]) -> References:
    """All references of a valid statement."""
    walk = _Walk(set(), set(), [], set())
    _walk(statement, "", walk)
    target = statement["object"]
    kind = target.get("objectType")
    if kind == "SubStatement":
        _walk(target, "sub_", walk)
    target_id = _referred(target)
    voids = target_id if statement["verb"]["id"] == VOIDED else None
    sub_target = _referred(target["object"]) if kind == "SubStatement" else None
    return References(*walk, target_id, voids, sub_target)


def _referred(target: dict[str, Any]) -> UUID | None:
    """The id in a StatementRef."""
    return UUID(target["id"]) if target.get("objectType") == "StatementRef" else None


def actor_of(statement: dict[str, Any]) -> str | None:
    """The IFI of the statement's actor."""
    return actors.ifi(statement["actor"])


def activity_of(statement: dict[str, Any]) -> str | None:
    """The IRI of the statement's object, if that is an activity."""
    target = statement["object"]
    is_activity = target.get("objectType", "Activity") == "Activity"
    return target["id"] if is_activity else None


class _Walk(NamedTuple):
    """What was met so far; the fields are those of References."""

    actors: set[tuple[str, str]]
    activities: set[tuple[str, str]]
    definitions: list[tuple[str, dict[str, Any]]]
    attachments: set[str]


def _walk(part: dict[str, Any], prefix: str, found: _Walk) -> None:
    _add_actor(part["actor"], prefix + "actor", found)
    target = part["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        _add_activity(target, prefix + "object", found)
    elif kind in {"Agent", "Group"}:
        _add_actor(target, prefix + "whom", found)
    if "authority" in part:
        _add_actor(part["authority"], prefix + "authority", found)
    if "context" in part:
        _walk_context(part["context"], prefix, found)
    if "attachments" in part:
        found.attachments.update(one["sha2"].lower() for one in part["attachments"])


def _walk_context(context: dict[str, Any], prefix: str, found: _Walk) -> None:
    if "contextActivities" in context:
        for usage, listed in context["contextActivities"].items():
            for one in listed if type(listed) is list else [listed]:
                _add_activity(one, prefix + usage, found)
    for usage in ("instructor", "team"):
        if usage in context:
            _add_actor(context[usage], prefix + usage, found)
    for name, usage in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in context:
            for item in context[name]:
                _add_actor(item[usage], f"{prefix}context_{usage}", found)


def _add_actor(actor: dict[str, Any], usage: str, found: _Walk) -> None:
    """An actor, and a Group's members."""
    own = actors.ifi(actor)
    if own is not None:
        found.actors.add((usage, own))
    if "member" in actor:
        for member in actor["member"]:
            _add_actor(member, usage, found)


def _add_activity(activity: dict[str, Any], usage: str, found: _Walk) -> None:
    iri = activity["id"]
    found.activities.add((usage, iri))
    if definition := activity.get("definition"):
        found.definitions.append((iri, definition))
