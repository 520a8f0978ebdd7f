"""What a registration of SCORM 2004 begins with: what the learner's others have left.

Global objectives and stores of `adl.data` outlive the course unless its organization
says otherwise (CAM 5.1.7 `objectivesGlobalToSystem`, `sharedDataGlobalToSystem`): they
are the learner's, whatever course has set them. Only what this course names is taken.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from player.activities import Tree
from player.tables import Launch, Registration

# a learner takes no more courses at once that speak to each other
MOST_REGISTRATIONS = 200


def inherited(db: Session, launch: Launch, tree: Tree) -> dict[str, Any]:
    """What registrations of the learner have left, the latest going before."""
    if not tree.activities:
        return {}
    root = tree.activities[0].node
    wanted = {
        "objectives": set(_objectives(tree))
        if root.get("objectivesGlobalToSystem", True)
        else set(),
        "data": set(_stores(tree))
        if root.get("sharedDataGlobalToSystem", True)
        else set(),
    }
    if not any(wanted.values()):
        return {}
    found: dict[str, dict[str, Any]] = {}
    for shared in _left(db, launch):
        for kind, names in wanted.items():
            for name in names & shared.get(kind, {}).keys():
                found.setdefault(kind, {})[name] = shared[kind][name]
    return found


def _left(db: Session, launch: Launch) -> list[Mapping[str, Any]]:
    """What the learner's other registrations have left, the oldest first."""
    rows = db.scalars(
        select(Registration.shared)
        .join(Launch, Launch.id == Registration.launch_id)
        .where(
            Launch.tenant_id == launch.tenant_id,
            Launch.actor_ifi == launch.actor_ifi,
            Launch.registration != launch.registration,
            Launch.standard == "scorm_2004",
        )
        .order_by(Launch.opened_at.desc())
        .limit(MOST_REGISTRATIONS)
    )
    return list(rows)[::-1]


def _objectives(tree: Tree) -> Iterator[str]:
    """The targets of all maps."""
    for activity in tree.activities:
        given = activity.part("objectives")
        primary = given.get("primaryObjective")
        for objective in [*([primary] if primary else []), *given.get("objective", [])]:
            for kind in ("mapInfo", "dataMapInfo"):
                for one in objective.get(kind, []):
                    yield one["targetObjectiveID"]


def _stores(tree: Tree) -> Iterator[str]:
    for activity in tree.activities:
        for one in activity.node.get("data", []):
            yield one["targetID"]
