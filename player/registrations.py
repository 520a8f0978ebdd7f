"""Where a registration stands, for the systems that launched it, and waivers.

What may be a pre-test shows whether it is finished, never how: neither status nor
success nor score, and it takes no part in those of the whole (the pre-test wall).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.rules.wall import Wall, pretest_wall
from lrs.store import store_statements
from packages.courses import get_package, manifest_of
from packages.manifest import Manifest, Unit
from player import launches, sittings, urls
from player.cmi5 import moveon, satisfaction, waiving
from player.launches import UnitState
from player.rollup import is_satisfied, required_units
from player.tables import Attempt, Launch, Registration
from player.waivers import waived_units, waiver_id
from statements import vocabulary
from statements.build import activity, build_statement
from statements.errors import Invalid, NotFound
from statements.prepare import prepare


@dataclass(frozen=True)
class UnitStanding:
    """One unit; `scaled` is None too where it may be a pre-test's (`is_hidden`)."""

    unit: int
    identifier: str
    title: str
    completion: str
    success: str
    scaled: Decimal | None
    total_seconds: Decimal
    suspended: bool
    waived: bool
    is_hidden: bool
    saved_at: datetime | None


@dataclass(frozen=True)
class Missing:
    """Why the whole is not complete yet: a stable code, the unit, and words."""

    code: Literal["not_started", "not_finished", "not_reported", "waived"]
    unit: int
    text: str


@dataclass(frozen=True)
class Standing:
    """A registration, per unit and as a whole.

    `scaled` of the whole is that of its only scored unit; SCORM 1.2 has no rule for
    several, so then there is none.
    """

    registration: UUID
    package_id: UUID
    completion: str
    success: str
    scaled: Decimal | None
    total_seconds: Decimal
    suspended: bool
    completed_at: datetime | None
    units: tuple[UnitStanding, ...]
    reasons: tuple[Missing, ...]


def get_standing(
    db: Session,
    *,
    tenant: int,
    registration: UUID,
    sees_pretests: bool = False,
) -> Standing:
    """Where the registration stands; raises NotFound when it was never launched."""
    launch = _latest_launch(db, tenant=tenant, registration=registration)
    wall = None if sees_pretests else pretest_wall(db, tenant=tenant)
    states = launches.registration_state(db, registration=registration, tenant=tenant)
    by_index = {state.unit: state for state in states}
    manifest = manifest_of(get_package(db, package_id=launch.package_id))
    shown = [unit for unit in manifest.units if unit.index in by_index]
    waived = waived_units(
        db,
        tenant=tenant,
        registration=registration,
        package_id=launch.package_id,
        units=shown,
    )
    lines = tuple(
        _line(by_index[unit.index], unit, launch, wall, waived=unit.index in waived)
        for unit in shown
    )
    row = db.get_one(Registration, (tenant, registration))
    begun = any(line.saved_at for line in lines)
    started = _started(db, launch)
    completion = "incomplete" if begun else "unknown"
    return Standing(
        registration=registration,
        package_id=launch.package_id,
        completion=completion if row.completed_at is None else "completed",
        success=_whole_success(manifest, lines),
        scaled=_only_score(lines),
        total_seconds=sum((line.total_seconds for line in lines), Decimal(0)),
        suspended=any(line.suspended for line in lines),
        completed_at=row.completed_at,
        units=lines,
        reasons=(
            ()
            if row.completed_at
            else _reasons(lines, started, _done(db, launch, manifest, lines))
        ),
    )


def _latest_launch(db: Session, *, tenant: int, registration: UUID) -> Launch:
    launch = launches.latest_launch(db, registration=registration, tenant=tenant)
    if launch is None:
        raise NotFound("This registration has never been launched.")
    return launch


def _started(db: Session, launch: Launch) -> set[int]:
    """The units whose content has ever called initialize."""
    return set(
        db.scalars(
            select(Attempt.unit).where(
                Attempt.tenant_id == launch.tenant_id,
                Attempt.registration == launch.registration,
                Attempt.package_id == launch.package_id,
                Attempt.mode == "Normal",
                Attempt.started,
            )
        )
    )


def _line(
    state: UnitState, unit: Unit, launch: Launch, wall: Wall | None, *, waived: bool
) -> UnitStanding:
    iri = urls.unit_iri(launch.course_iri, unit.slug)
    hidden = wall is not None and wall.hides_score_of(iri)
    return UnitStanding(
        unit=unit.index,
        identifier=unit.identifier,
        title=unit.title,
        completion=state.completion,
        success="unknown" if hidden else state.success,
        scaled=None if hidden else state.scaled,
        total_seconds=state.total_seconds,
        suspended=state.suspended,
        waived=waived,
        is_hidden=hidden,
        saved_at=state.saved_at,
    )


def _whole_success(manifest: Manifest, lines: Sequence[UnitStanding]) -> str:
    """`failed` by any unit, `passed` by at least one and no failure.

    In SCORM 2004 all units that count have to be satisfied.
    """
    verdicts = {line.success for line in lines}
    if "failed" in verdicts:
        return "failed"
    if "passed" not in verdicts:
        return "unknown"
    if manifest.activities is None:
        return "passed"
    known = {line.unit: (line.completion, line.success) for line in lines}
    begun = {line.unit for line in lines if line.saved_at is not None}
    return "passed" if is_satisfied(manifest, known, begun) else "unknown"


def _only_score(lines: Sequence[UnitStanding]) -> Decimal | None:
    scores = [line.scaled for line in lines if line.scaled is not None]
    return scores[0] if len(scores) == 1 else None


def _done(
    db: Session, launch: Launch, manifest: Manifest, lines: Sequence[UnitStanding]
) -> set[int]:
    """The units of which nothing is left to do: by cmi5 those that met `moveOn`."""
    if manifest.standard != "cmi5":
        begun = {line.unit for line in lines if line.saved_at is not None}
        required = required_units(manifest, begun)
        return {
            line.unit
            for line in lines
            if line.completion == "completed" or line.unit not in required
        }
    known = satisfaction.known_verbs(
        db,
        tenant=launch.tenant_id,
        registration=launch.registration,
        package_id=launch.package_id,
        course_iri=launch.course_iri,
        manifest=manifest,
    )
    return moveon.met_units(manifest, known)


def _reasons(
    lines: Sequence[UnitStanding], started: set[int], done: set[int]
) -> tuple[Missing, ...]:
    """What is left to do; when there is nothing, the waivers, which complete nothing."""
    open_ones = [line for line in lines if line.unit not in done]
    return tuple(
        _missing(line, is_started=line.unit in started)
        for line in open_ones
        if not line.waived
    ) or tuple(
        Missing(
            "waived",
            line.unit,
            f"{line.title} was waived, which completes nothing by itself.",
        )
        for line in open_ones
    )


def _missing(line: UnitStanding, *, is_started: bool) -> Missing:
    if line.saved_at is None:
        text = f"{line.title} has not been started."
        return Missing("not_started", line.unit, text)
    if is_started and (line.completion, line.success) == ("unknown", "unknown"):
        text = f"{line.title} was opened, but has not reported anything yet."
        return Missing("not_reported", line.unit, text)
    return Missing("not_finished", line.unit, f"{line.title} is not finished yet.")


def waive(
    db: Session,
    *,
    config: Config,
    tenant: int,
    registration: UUID,
    unit: int,
    reason: str,
    now: datetime,
) -> UUID:
    """Record that a unit need not be done; the statement's id, the same each time.

    It shows as progress and gives neither score nor credit by itself. Raises NotFound,
    Invalid.
    """
    launch = _latest_launch(db, tenant=tenant, registration=registration)
    row = sittings.lock_registration(
        db, tenant=tenant, registration=registration, actor_ifi=launch.actor_ifi
    )
    manifest = manifest_of(get_package(db, package_id=launch.package_id))
    if not 0 <= unit < len(manifest.units):
        raise Invalid(f"The package has no unit {unit}.")
    waived = manifest.units[unit]
    statement_id = waiver_id(registration, launch.package_id, unit)
    if waived_units(
        db,
        tenant=tenant,
        registration=registration,
        package_id=launch.package_id,
        units=[waived],
    ):
        return statement_id
    if manifest.standard == "cmi5":
        said = waiving.waive(
            db,
            config=config,
            launch=launch,
            manifest=manifest,
            row=row,
            unit=unit,
            id=statement_id,
            reason=reason,
            now=now,
        )
        db.flush()
    else:
        said = [_waiver(launch, manifest, waived, statement_id, reason, now)]
    store_statements(
        db,
        tenant=tenant,
        statements=[prepare(one, now=now) for one in said],
        authority=sittings.authority(config),
        now=now,
    )
    return statement_id


def _waiver(
    launch: Launch,
    manifest: Manifest,
    waived: Unit,
    statement_id: UUID,
    reason: str,
    now: datetime,
) -> dict[str, Any]:
    """The statement that a unit of another standard is waived."""
    return build_statement(
        id=statement_id,
        actor=launch.actor,
        verb="waived",
        object=activity(
            urls.unit_iri(launch.course_iri, waived.slug),
            type=vocabulary.activity_type("lesson"),
            name=waived.title,
            language="und",
        ),
        timestamp=now,
        result={
            "completion": True,
            "success": True,
            "extensions": {vocabulary.extension("cmi5_reason"): reason},
        },
        context={
            "registration": str(launch.registration),
            "revision": launch.revision,
            "contextActivities": {
                "grouping": [
                    activity(
                        launch.course_iri,
                        type=vocabulary.activity_type("course"),
                        name=manifest.title,
                        language="und",
                    )
                ]
            },
        },
    )
