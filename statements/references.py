"""What a statement refers to: actors, activities, attachments, another statement.

xAPI 1.0.3 Communication 2.1.3; xAPI 2.0 4.1.6.1. A pure walk; the store writes one
index row per pair, the query and the rules read them. Members of a Group are
referred to with the Group's own usage: the `agent` filter matches them too.
"""

from typing import Any, NamedTuple
from uuid import UUID

from statements import actors
from statements.vocabulary import VOIDED

# usages that the plain `agent` filter looks at
DIRECT_ACTORS = frozenset({"actor", "object"})


class References(NamedTuple):
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
    inside = statement["object"].get("result", ())
    return "score" in statement.get("result", ()) or "score" in inside


def references(statement: dict[str, Any]) -> References:
    """All references of a valid statement."""
    walk = _Walk()
    walk.part(statement, "")
    target = statement["object"]
    kind = target.get("objectType")
    if kind == "SubStatement":
        walk.part(target, "sub_")
    target_id = UUID(target["id"]) if kind == "StatementRef" else None
    return References(
        actors=frozenset(walk.actors),
        activities=frozenset(walk.activities),
        definitions=tuple(walk.definitions),
        attachments=frozenset(walk.attachments),
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


class _Walk:
    """What was met so far on the way through a statement."""

    def __init__(self) -> None:
        self.actors: list[tuple[str, str]] = []
        self.activities: list[tuple[str, str]] = []
        self.definitions: list[tuple[str, dict[str, Any]]] = []
        self.attachments: list[str] = []

    def part(self, part: dict[str, Any], prefix: str) -> None:
        """Walk through a statement or sub-statement."""
        self.actor(part["actor"], prefix + "actor")
        target = part["object"]
        kind = target.get("objectType", "Activity")
        if kind == "Activity":
            self.activity(target, prefix + "object")
        elif kind in {"Agent", "Group"}:
            self.actor(target, prefix + "object")
        if "authority" in part:
            self.actor(part["authority"], prefix + "authority")
        if "context" in part:
            self.context(part["context"], prefix)
        if "attachments" in part:
            self.attachments += [one["sha2"].lower() for one in part["attachments"]]

    def context(self, context: dict[str, Any], prefix: str) -> None:
        """Walk through the context of a part."""
        for usage in ("instructor", "team"):
            if usage in context:
                self.actor(context[usage], prefix + usage)
        for name, usage in (("contextAgents", "agent"), ("contextGroups", "group")):
            for item in context.get(name, ()):
                self.actor(item[usage], f"{prefix}context_{usage}")
        for usage, listed in context.get("contextActivities", {}).items():
            for one in [listed] if type(listed) is dict else listed:
                self.activity(one, prefix + usage)

    def actor(self, actor: dict[str, Any], usage: str) -> None:
        """An actor, and a Group's members."""
        own = actors.ifi(actor)
        if own is not None:
            self.actors.append((usage, own))
        for member in actor.get("member", ()):
            self.actor(member, usage)

    def activity(self, activity: dict[str, Any], usage: str) -> None:
        """An activity, with its definition."""
        iri = activity["id"]
        self.activities.append((usage, iri))
        if definition := activity.get("definition"):
            self.definitions.append((iri, definition))
