"""What became of launches: who, when, which unit, how it ended; and their logs.

For authors, support and other systems. A unit that may be a pre-test, or holds one,
tells neither result nor what its content wrote, to anyone who may not see behind the
pre-test wall.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from lrs.query import Filter, Found, find_statements
from lrs.rules.wall import Wall, pretest_wall
from lrs.tables import MAIN_TENANT
from packages.courses import get_package, manifest_of
from packages.manifest import Manifest, Unit
from player import calls, urls
from player.activities import Activity, tree_of
from player.calls import Call, Step
from player.cmi5.tables import Cmi5Session
from player.outcomes import Around
from player.runtimes import runtime_of
from player.sittings import get_launch
from player.tables import Attempt, Entry, Launch, SideEntry
from statements.errors import Conflict, NotFound

HIDDEN = "(hidden)"
MOST_STATEMENTS = 100
# at a time from the database, whose rows may be large
CHUNK = 200

STATES: Mapping[str, str] = {
    "open": "Open",
    "waiting": "Opened, not begun",
    "unused": "Never begun",
    "finished": "Ended by the unit",
    "suspended": "Ended without a word; suspended",
    "ended": "Ended",
}
# of a unit behind the wall, what may be shown: it says nothing of results
_PLAIN = re.compile(
    r".*\._(children|count|version)"
    r"|cmi\.(core\.)?(entry|exit|credit|mode|lesson_mode|session_time|total_time)"
    r"|cmi\.(core\.)?(student|learner)_(id|name)"
)
_WITHOUT_DATA = frozenset(
    {"LMSInitialize", "LMSFinish", "LMSCommit", "LMSGetLastError", "LMSGetErrorString"}
    | {"Initialize", "Terminate", "Commit", "GetLastError", "GetErrorString"}
    | set(calls.MARKS.values())
)


class NoReplay(Conflict):
    """This launch cannot be played again: its unit keeps no run-time model here."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A launch in a list.

    `state` is one of STATES. What the attempt amounts to now is not told where
    `is_hidden`, what its content wrote and read not where `is_log_hidden`: it may have
    read there what a pre-test came to. `entries` and `findings` count what was logged and what was refused in
    it; `aside` what came too late to count.
    """

    launch: Launch
    title: str
    state: str
    completion: str
    success: str
    scaled: Decimal | None
    seconds: Decimal
    is_hidden: bool
    is_log_hidden: bool
    entries: int
    findings: int
    aside: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which launches; None and empty mean any. `people` are IFIs."""

    registration: UUID | None = None
    package: UUID | None = None
    course: str | None = None
    people: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which calls: parts of the names of function and element, errors alone."""

    function: str = ""
    element: str = ""
    errors: bool = False

    def takes(self, call: Call) -> bool:
        """Whether the call is one of them."""
        return (
            self.function.lower() in call.function.lower()
            and self.element.lower() in call.element.lower()
            and (not self.errors or call.error != 0)
        )


def find_launches(
    db: Session,
    *,
    wanted: Wanted,
    limit: int,
    tenant: int = MAIN_TENANT,
    sees_pretests: bool = False,
) -> list[Line]:
    """Launches, the newest first; `wanted.after` is where the page before ended."""
    query = select(Launch).where(Launch.tenant_id == tenant)
    for column, value in (
        (Launch.registration, wanted.registration),
        (Launch.package_id, wanted.package),
        (Launch.course_iri, wanted.course),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.people is not None:
        query = query.where(Launch.actor_ifi.in_(wanted.people))
    if wanted.since is not None:
        query = query.where(Launch.opened_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Launch.opened_at < wanted.until)
    if wanted.after is not None:
        at, key = wanted.after
        same = and_(Launch.opened_at == at, Launch.id < key)
        query = query.where(or_(Launch.opened_at < at, same))
    newest = query.order_by(Launch.opened_at.desc(), Launch.id.desc()).limit(limit)
    return _lines(db, db.scalars(newest).all(), sees_pretests=sees_pretests)


def get_line(
    db: Session,
    *,
    launch_id: UUID,
    tenant: int = MAIN_TENANT,
    sees_pretests: bool = False,
) -> Line:
    """One launch; raises NotFound."""
    launch = get_launch(db, launch_id=launch_id)
    if launch.tenant_id != tenant:
        raise NotFound("There is no such launch.")
    [line] = _lines(db, [launch], sees_pretests=sees_pretests)
    return line


def _lines(
    db: Session, launches: Iterable[Launch], *, sees_pretests: bool
) -> list[Line]:
    found = list(launches)
    ids = [launch.id for launch in found]
    heard = _heard(db, ids)
    late = db.execute(
        select(SideEntry.launch_id, func.count())
        .where(SideEntry.launch_id.in_(ids))
        .group_by(SideEntry.launch_id)
    )
    aside = {row[0]: row[1] for row in late}
    attempts = {
        row.id: row
        for row in db.scalars(
            select(Attempt).where(Attempt.id.in_({one.attempt_id for one in found}))
        )
    }
    sessions = {
        row.launch_id: row
        for row in db.scalars(select(Cmi5Session).where(Cmi5Session.launch_id.in_(ids)))
    }
    manifests: dict[UUID, Manifest] = {}
    wall = (
        None
        if sees_pretests or not found
        else pretest_wall(db, tenant=found[0].tenant_id)
    )
    lines = []
    for launch in found:
        if launch.package_id not in manifests:
            package = get_package(db, package_id=launch.package_id)
            manifests[launch.package_id] = manifest_of(package)
        unit = manifests[launch.package_id].units[launch.unit]
        attempt, said = attempts[launch.attempt_id], heard.get(launch.id, _Heard())
        hidden = wall is not None and _is_behind(wall, launch, unit)
        lines.append(
            Line(
                launch=launch,
                title=unit.title,
                state=_state(launch, said, sessions.get(launch.id)),
                completion=attempt.completion,
                success="unknown" if hidden else attempt.success,
                scaled=None if hidden else attempt.scaled,
                seconds=attempt.seconds,
                is_hidden=hidden,
                is_log_hidden=hidden
                or (
                    wall is not None
                    and _hears_of_it(wall, launch, manifests[launch.package_id])
                ),
                entries=said.entries,
                findings=said.findings,
                aside=aside.get(launch.id, 0),
            )
        )
    return lines


def _is_behind(wall: Wall, launch: Launch, unit: Unit) -> bool:
    """Whether the unit, or a part of it, may be a pre-test."""
    iri = urls.unit_iri(launch.course_iri, unit.slug)
    inside = (
        name(iri, part)
        for part in unit.parts
        for name in (urls.objective_iri, urls.interaction_iri)
    )
    return wall.hides_score_of(iri) or any(wall.hides_activity(one) for one in inside)


def _hears_of_it(wall: Wall, launch: Launch, manifest: Manifest) -> bool:
    """Whether the unit shares an objective or a store with one behind the wall."""
    nodes = tree_of(manifest).by_unit
    own = _shared_by(nodes.get(launch.unit))
    return any(
        own & _shared_by(nodes.get(unit.index)) and _is_behind(wall, launch, unit)
        for unit in (manifest.units if own else ())
    )


def _shared_by(activity: Activity | None) -> set[tuple[str, str]]:
    """What an activity of SCORM 2004 reads or writes for others, by its ids."""
    around = Around() if activity is None else Around(activity.node)
    stores = {("data", str(one["targetID"])) for one in around.stores}
    return stores | {
        ("objective", str(one["targetObjectiveID"]))
        for objective in around.objectives
        for kind in ("mapInfo", "dataMapInfo")
        for one in objective.get(kind, [])
    }


@dataclass(frozen=True)
class _Heard:
    """What the entries of a launch amount to."""

    entries: int = 0
    findings: int = 0
    begun: int = 0
    ended: int = 0


def _heard(db: Session, ids: Collection[UUID]) -> dict[UUID, _Heard]:
    """By launch; `begun` and `ended` are the numbers of the last such entries."""

    def last(kind: str) -> Any:
        return func.max(case((Entry.kind == kind, Entry.seq), else_=0))

    # "[]" is all that an entry without findings has
    refused = case((func.length(cast(Entry.findings, Text)) > 2, 1), else_=0)
    rows = db.execute(
        select(
            Entry.launch_id,
            func.count(),
            func.sum(refused),
            last("initialize"),
            last("terminate"),
        )
        .where(Entry.launch_id.in_(ids))
        .group_by(Entry.launch_id)
    )
    return {row[0]: _Heard(*map(int, row[1:])) for row in rows}


def _state(launch: Launch, heard: _Heard, session: Cmi5Session | None) -> str:
    over = launch.ended_at is not None
    if session is not None and session.terminated_at is not None:
        return "finished"
    if session is not None and session.initialized_at is None:
        return "unused" if over else "waiting"
    if launch.live:
        return "open"
    if heard.begun or heard.ended:
        return "finished" if heard.ended > heard.begun else "suspended"
    if runtime_of(launch.standard).elements is None:
        return "ended" if over else "open"
    return "unused" if over else "waiting"


def entries_of(db: Session, launch_id: UUID) -> Iterator[Entry]:
    """The entries of a launch as they happened, few in memory at a time."""
    query = select(Entry).where(Entry.launch_id == launch_id)
    query = query.order_by(Entry.event_at, Entry.seq).limit(CHUNK)
    found = db.scalars(query).all()
    while found:
        yield from found
        last = found[-1]
        for entry in found:
            db.expunge(entry)
        same = and_(Entry.event_at == last.event_at, Entry.seq > last.seq)
        found = db.scalars(query.where(or_(Entry.event_at > last.event_at, same))).all()


def log_of(db: Session, line: Line, *, sought: Sought) -> Iterator[Call]:
    """The calls of a launch that are sought, in order."""
    for call in calls.log_of(entries_of(db, line.launch.id)):
        if sought.takes(call):
            yield _without_results(call) if line.is_log_hidden else call


def _without_results(call: Call) -> Call:
    """The call without what it wrote or read."""
    name = call.element
    if call.function in _WITHOUT_DATA or (name and _PLAIN.fullmatch(name)):
        return call
    kept = call.arguments[:1] if name else ()
    rest = tuple(HIDDEN for _ in call.arguments[len(kept) :])
    result = call.result if call.result in {"", "true", "false"} else HIDDEN
    return replace(call, arguments=kept + rest, result=result)


def steps_of(db: Session, line: Line) -> Iterator[Step]:
    """Every call made again on the server's model; raises NoReplay.

    Nothing of a unit behind the wall is played again.
    """
    launch = line.launch
    manifest = manifest_of(get_package(db, package_id=launch.package_id))
    table = runtime_of(launch.standard, manifest.edition).elements
    if table is None:
        raise NoReplay
    if line.is_log_hidden:
        raise NoReplay(
            "This unit may be a pre-test, or read what one came to: "
            "what it reported is not shown."
        )
    return calls.replay(table, entries_of(db, launch.id))


def side_entries(db: Session, *, launch_id: UUID, limit: int) -> list[SideEntry]:
    """What came too late or under a taken number, as it was received."""
    return list(
        db.scalars(
            select(SideEntry)
            .where(SideEntry.launch_id == launch_id)
            .order_by(SideEntry.received_at, SideEntry.seq)
            .limit(limit)
        )
    )


def statements_of(db: Session, line: Line) -> list[Found]:
    """What was recorded of the registration while the launch lasted, oldest first.

    This is the log of units that report to the record store by themselves. Nothing
    behind the pre-test wall is in it.
    """
    launch = line.launch
    page = find_statements(
        db,
        tenant=launch.tenant_id,
        filter=Filter(
            registration=launch.registration,
            since=launch.opened_at,
            until=launch.ended_at,
        ),
        limit=MOST_STATEMENTS,
        ascending=True,
    )
    return page.found
