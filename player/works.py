"""What learners have done in the units of a course of SCORM 2004, for its rules."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from packages.manifest import Manifest
from player.activities import Tree
from player.outcomes import Around, texts_under
from player.runtimes import Runtime, runtime_of
from player.tables import Attempt, Launch
from player.tracking import Ask, Work, asking, nothing


def ask_of(
    db: Session,
    launch: Launch,
    manifest: Manifest,
    tree: Tree,
    shared: Mapping[str, Any],
) -> Ask:
    """What answers the rules of a registration; a course without rules asks nothing."""
    if not tree.has_rules:
        return nothing
    db.flush()
    runtime = runtime_of(manifest.standard, manifest.edition)
    left = _as_left(db, launch, tree, runtime, shared)
    return asking(_works(db, launch, runtime), left)


def _as_left(
    db: Session,
    launch: Launch,
    tree: Tree,
    runtime: Runtime,
    shared: Mapping[str, Any],
) -> Mapping[str, Any]:
    """What is shared once the unit at work is left, as going to another leaves it.

    Content that goes on with `exit` suspend, or without Terminate, has told its
    objectives by then; a menu that did not count them would never open the next unit.
    """
    at_work = db.execute(
        select(Launch.unit, Attempt.values)
        .join(Attempt, Attempt.id == Launch.attempt_id)
        .where(
            Launch.tenant_id == launch.tenant_id,
            Launch.registration == launch.registration,
            Launch.package_id == launch.package_id,
            Launch.mode == "Normal",
            Launch.live,
        )
        .limit(1)
    ).first()
    activity = None if at_work is None else tree.by_unit.get(at_work.unit)
    if at_work is None or activity is None:
        return shared
    around = Around(activity=activity.node, shared=shared)
    return runtime.share(at_work.values, around, ended=True)


def _works(db: Session, launch: Launch, runtime: Runtime) -> dict[int, Work]:
    """The newest attempt on each unit that was begun."""
    rows = db.execute(
        select(Attempt.unit, Attempt.values, Attempt.suspended)
        .where(
            Attempt.tenant_id == launch.tenant_id,
            Attempt.registration == launch.registration,
            Attempt.package_id == launch.package_id,
            Attempt.mode == "Normal",
            Attempt.started,
        )
        .order_by(Attempt.opened_at, Attempt.id)
    )
    found: dict[int, Work] = {}
    for unit, values, suspended in rows:
        earlier = found.get(unit)
        ids = texts_under(values, "cmi.objectives.")
        found[unit] = Work(
            outcome=runtime.outcome(values),
            objectives={
                name: runtime.objective(values, place.removesuffix(".id"))
                for place, name in ids.items()
                if place.endswith(".id")
            },
            attempts=1 if earlier is None else earlier.attempts + 1,
            ended=not suspended,
        )
    return found
