"""Launches: opening one, what it starts with, where a learner stands, its end.

A registration has one launch that writes at a time. `open_launch` makes a launch,
`start` makes it the one that writes and ends the older (cmi5 10.2.1 has the same rule;
SCORM leaves it open). An attempt on a unit goes on across launches with its saved
values; browsing and reviewing work on attempts of their own, so they can change
nothing that counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.db import new_id, reading, writing
from lrs.parts import Parts
from lrs.tables import MAIN_TENANT, Statement, key_of
from packages.courses import Package, get_package, manifest_of
from packages.manifest import Manifest, Unit
from player import sittings, tokens, urls
from player.activities import tree_of
from player.cmi5.actors import account_of
from player.duties import duties_of, opening_of
from player.locks import Stand, locks
from player.navigation import flow, navigation, valid_requests
from player.outcomes import Mode, as_mode
from player.runtimes import runtime_of
from player.sittings import RegistrationTaken, Sitting, get_launch
from player.tables import Attempt, Launch, Preview, Registration
from player.tracking import Ask
from player.translate import Moment
from player.windows import stands_apart
from player.works import ask_of
from statements import vocabulary
from statements.actors import ifi
from statements.errors import Conflict, DomainError, Invalid, LaunchClosed
from statements.scalars import format_timestamp

__all__ = ["Launch", "get_launch"]

STALE_AFTER = timedelta(hours=2)
STALE_BATCH = 200
UNNAMED = "Learner"
# what learners can take; packages of other standards are imported and looked at
PLAYABLE = frozenset({"scorm_12", "scorm_2004", "aicc", "xapi", "cmi5"})


class NotPlayable(Conflict):
    """The unit cannot be played."""


class Locked(Conflict):
    """The unit is not open yet."""


@dataclass(frozen=True)
class Opened:
    """A launch just opened."""

    launch_id: UUID
    token: str
    url: str


@dataclass(frozen=True)
class UnitState:
    """Where a learner stands in one unit; `unit` is its index in the manifest.

    `scaled` may be a pre-test's: it is for rules, and not to be shown.
    """

    unit: int
    status: str
    completion: str
    success: str
    scaled: Decimal | None
    total_seconds: Decimal
    suspended: bool
    saved_at: datetime | None


@dataclass(frozen=True)
class ContentGrant:
    """What a content label opens at present; without a launch, it is a preview."""

    launch_id: UUID | None
    package_id: UUID
    tenant_id: int


def open_launch(
    db: Session,
    *,
    config: Config,
    package: Package,
    unit: int,
    course_iri: str,
    revision: str,
    actor: dict[str, Any],
    registration: UUID,
    mode: Mode,
    mastery: Mapping[int, Decimal],
    return_url: str,
    now: datetime,
    learner_name: str = "",
    course_title: str = "",
    until: datetime | None = None,
    is_led: bool = False,
) -> Opened:
    """A new launch of a unit; it takes over from the present one when it starts.

    `mastery` holds the thresholds (scaled) that the policy sets for confirmed
    post-tests; they replace the manifest's in attempts that begin now.
    `learner_name` is what the content may call the learner; `course_title` what the
    course is called, the package's own title by default. Its life ends at `until`,
    twelve hours from now by default. `is_led`: the course itself leads there, so the
    unit need not be open to choice. Raises NotPlayable, Locked, RegistrationTaken.
    """
    until = until or now + tokens.LIFETIME
    manifest = manifest_of(package)
    _check_playable(manifest, unit)
    if manifest.standard == "cmi5":
        actor = account_of(config, actor)
    actor_ifi = ifi(actor)
    if actor_ifi is None:
        raise Invalid("An anonymous group cannot be launched.")
    row = sittings.lock_registration(
        db, tenant=package.tenant_id, registration=registration, actor_ifi=actor_ifi
    )
    _check_course(
        db,
        config=config,
        tenant=package.tenant_id,
        registration=registration,
        course_iri=course_iri,
    )
    launch = Launch(
        id=new_id(),
        tenant_id=package.tenant_id,
        registration=registration,
        package_id=package.id,
        unit=unit,
        standard=manifest.standard or "",
        mode=as_mode(mode),
        actor=actor,
        actor_ifi=actor_ifi,
        learner_name=learner_name or actor.get("name", ""),
        course_iri=course_iri,
        course_title=course_title or manifest.title,
        revision=revision,
        mastery={str(place): str(score) for place, score in mastery.items()},
        return_url=return_url,
        label=tokens.content_label(config, actor=actor_ifi, package_id=package.id),
        opened_at=now,
        expires_at=until,
        received_at=now,
        event_at=now,
        live=False,
        last_seq=0,
        last_hash="",
        commands=0,
        elapsed=0,
        counted=Decimal(0),
        counted_seat=Decimal(0),
    )
    if not is_led and mode == "Normal":
        sittings.inherit(db, row, launch, manifest)
        _check_open(db, manifest, launch, row)
    launch.attempt_id = _attempt_for(db, launch, manifest).id
    db.add(launch)
    db.flush()
    opening = opening_of(launch.standard)
    if opening is not None:
        opening(db, sittings.sit_down(db, config=config, launch_id=launch.id), now)
    token = tokens.make_token(config, launch_id=launch.id, expires=until)
    url = urls.player_url(config, launch_id=launch.id, token=token)
    return Opened(launch_id=launch.id, token=token, url=url)


def open_first(db: Session, *, units: Sequence[int], **facts: Any) -> Opened:
    """A launch of the first of these units that is open.

    `facts` are those of `open_launch`. Raises as it does, Locked for the first unit when
    none is open.
    """
    refused: Locked | None = None
    for unit in units:
        try:
            return open_launch(db, unit=unit, **facts)
        except Locked as locked:
            refused = refused or locked
    raise refused or NotPlayable("The package has no units.")


def _check_course(
    db: Session, *, config: Config, tenant: int, registration: UUID, course_iri: str
) -> None:
    """Raise RegistrationTaken when the registration is for another course.

    The portal may have given it out without anything having been launched yet.
    """
    launched = select(Launch.id).where(
        Launch.tenant_id == tenant,
        Launch.registration == registration,
        Launch.course_iri != course_iri,
    )
    enrolled = select(Statement.seq).where(
        Statement.tenant_id == tenant,
        Statement.registration == registration,
        Statement.verb_key == key_of(vocabulary.verb("registered")),
        Statement.activity_key != key_of(course_iri),
        Statement.authority_key == sittings.portal_key(config),
    )
    for query in (launched, enrolled):
        if db.execute(query.limit(1)).first() is not None:
            raise RegistrationTaken


def _check_open(
    db: Session, manifest: Manifest, launch: Launch, row: Registration
) -> None:
    ask = ask_of(db, launch, manifest, tree_of(manifest), row.shared)
    closed = locks(manifest, _stands(unit_states(db, launch)), ask)
    if launch.unit in closed:
        raise Locked(closed[launch.unit])


def _stands(states: Mapping[int, "UnitState"]) -> dict[int, Stand]:
    """What decides whether a unit is open: the units that were worked in."""
    return {
        unit: Stand(completion=state.completion, success=state.success)
        for unit, state in states.items()
        if state.saved_at is not None
    }


def _check_playable(manifest: Manifest, unit: int) -> None:
    if manifest.standard not in PLAYABLE:
        raise NotPlayable(f"Packages of {manifest.standard} cannot be played yet.")
    if not 0 <= unit < len(manifest.units):
        raise NotPlayable(f"The package has no unit {unit}.")


def _attempt_for(db: Session, launch: Launch, manifest: Manifest) -> Attempt:
    """The attempt that goes on, or a new one; browsing always begins anew.

    A review begins with a copy of what counts and leaves the original alone.
    """
    present = _present_attempt(db, launch)
    if launch.mode == "Normal" and present is not None:
        return present
    attempt = sittings.new_attempt(db, launch, manifest, at=launch.opened_at)
    if launch.mode == "Review" and present is not None:
        runtime = runtime_of(manifest.standard, manifest.edition)
        values = dict(present.values)
        sittings.save_values(runtime, attempt, values, at=launch.opened_at)
        attempt.started, attempt.suspended = present.started, present.suspended
        attempt.saved_at = None
        db.flush()
    return attempt


def _present_attempt(db: Session, launch: Launch) -> Attempt | None:
    """The newest attempt that counts; to look back at, the newest that was worked in."""
    return db.scalars(
        select(Attempt)
        .where(
            Attempt.tenant_id == launch.tenant_id,
            Attempt.registration == launch.registration,
            Attempt.package_id == launch.package_id,
            Attempt.unit == launch.unit,
            Attempt.mode == "Normal",
            Attempt.started if launch.mode == "Review" else true(),
        )
        .order_by(Attempt.opened_at.desc(), Attempt.id)
        .limit(1)
    ).first()


def start(
    db: Session,
    *,
    config: Config,
    launch_id: UUID,
    now: datetime,
    until: datetime | None = None,
) -> dict[str, Any]:
    """Make the launch the one that writes; what its player page needs to begin.

    Content is served up to `until`, when the caller's token expires. Raises LaunchClosed when it has ended or expired, Superseded when a newer one has
    started.
    """
    sitting = sittings.sit_down(db, config=config, launch_id=launch_id)
    launch = sitting.launch
    if launch.ended_at is not None or launch.expires_at <= now:
        raise LaunchClosed("This launch is over; open the unit again.")
    sittings.take_over(db, sitting, now=now)
    sittings.renew_attempt(db, sitting, at=now)
    attempt = sitting.attempt
    launch.expires_at = until or now + tokens.LIFETIME
    runtime = sitting.runtime
    values = runtime.begin(
        attempt.values,
        mode=as_mode(launch.mode),
        started=attempt.started,
        suspended=attempt.suspended,
        around=sitting.around,
    )
    states = unit_states(db, launch)
    tree, shared = sitting.tree, sitting.registration.shared
    ask = ask_of(db, launch, sitting.manifest, tree, shared)
    closed = _closed(sitting, states, ask)
    valid = valid_requests(tree, launch.unit, ask)
    payload = {
        "launch": str(launch.id),
        "registration": str(launch.registration),
        "standard": launch.standard,
        "elements": runtime.source,
        "values": {**values, **valid} | runtime.learner(*learner_of(launch)),
        "committed_seq": launch.last_seq,
        "prev": launch.last_hash,
        "content": urls.content_origin(config, launch.label),
        "entry": sitting.unit.address,
        "kind": sitting.unit.kind,
        "mode": launch.mode,
        "title": sitting.unit.title,
        "course_title": sitting.subject.course_title,
        "unit": launch.unit,
        "units": [
            _menu_line(
                unit,
                states.get(unit.index),
                headings=sitting.manifest.headings(unit),
                current=launch.unit,
                tested=str(unit.index) in launch.mastery,
                reason=closed.get(unit.index, ""),
            )
            for unit in sitting.manifest.units
            if unit.visible
        ],
        **_neighbours(sitting, closed, ask),
        "hides": list(sitting.unit.hides),
        "seconds": float(sum(one.total_seconds for one in states.values())),
        "return_url": launch.return_url,
        "journal_key": tokens.journal_key(config, actor=launch.actor_ifi),
        "expires": format_timestamp(launch.expires_at),
    }
    duties = duties_of(launch.standard)
    if duties is not None:
        payload |= duties.start(db, sitting, now)
    payload["own_window"] = payload.get("own_window", False) or stands_apart(
        db,
        config=config,
        package=get_package(db, package_id=launch.package_id),
        unit=sitting.unit,
    )
    # the older launch ended as of its own last event
    moment = Moment(seq=launch.place, at=launch.event_at)
    sittings.settle(db, sitting, moment=moment, now=now)
    return payload


def learner_of(launch: Launch) -> tuple[str, str, str]:
    """Account, IFI and name of who is launched, as the content may be told."""
    account = launch.actor.get("account", {}).get("name", "")
    name = (launch.learner_name or UNNAMED)[:255].replace("\x00", "")
    return account, launch.actor_ifi, name


def _menu_line(
    unit: Unit,
    state: UnitState | None,
    *,
    headings: list[str],
    current: int,
    tested: bool,
    reason: str,
) -> dict[str, Any]:
    """Whether a unit is finished; how, of a confirmed post-test only.

    `reason` tells why a unit that is not `open` cannot be chosen.
    """
    return {
        "index": unit.index,
        "title": unit.title,
        "parents": headings,
        "completion": "unknown" if state is None else state.completion,
        "success": state.success if state is not None and tested else "unknown",
        "current": unit.index == current,
        "open": not reason,
        "reason": reason,
    }


def _closed(
    sitting: Sitting, states: Mapping[int, UnitState], ask: Ask
) -> dict[int, str]:
    """The units that cannot be chosen, with the reason; only work for credit waits."""
    if sitting.launch.mode != "Normal":
        return {}
    return locks(sitting.manifest, _stands(states), ask)


def _neighbours(
    sitting: Sitting, closed: Mapping[int, str], ask: Ask
) -> dict[str, int | None]:
    """The units that the buttons lead to: by flow, or the menu's open neighbours."""
    tree, present = sitting.tree, sitting.launch.unit
    current = tree.by_unit.get(present)
    if current is not None:
        found = {
            "previous": flow(tree, current, forward=False, ask=ask),
            "next": flow(tree, current, forward=True, ask=ask),
        }
        return {name: None if one is None else one.unit for name, one in found.items()}
    units = sitting.manifest.units
    order = [one.index for one in units if one.visible or one.index == present]
    place = order.index(present)
    around = {"previous": order[:place][-1:], "next": order[place + 1 :][:1]}
    return {
        name: one[0] if one and one[0] not in closed else None
        for name, one in around.items()
    }


def open_unit(
    db: Session,
    *,
    config: Config,
    launch_id: UUID,
    unit: int,
    now: datetime,
    until: datetime | None = None,
) -> Opened:
    """A launch of another unit for the same learner and registration.

    It lives no longer than `until`. Raises LaunchClosed when the present one has ended.
    """
    launch = _open_still(db, launch_id)
    package = get_package(db, package_id=launch.package_id)
    return open_launch(
        db,
        config=config,
        package=package,
        unit=unit,
        is_led=_leads_to(db, launch, manifest_of(package), unit),
        course_iri=launch.course_iri,
        revision=launch.revision,
        actor=launch.actor,
        registration=launch.registration,
        mode=as_mode(launch.mode),
        mastery={int(place): Decimal(score) for place, score in launch.mastery.items()},
        return_url=launch.return_url,
        learner_name=launch.learner_name,
        course_title=launch.course_title,
        until=until,
        now=now,
    )


def _leads_to(db: Session, launch: Launch, manifest: Manifest, unit: int) -> bool:
    """Whether flow, or what the present unit asked for when it ended, leads there."""
    tree = tree_of(manifest)
    current = tree.by_unit.get(launch.unit)
    if current is None:
        return False
    attempt = db.get_one(Attempt, launch.attempt_id)
    row = db.get_one(Registration, (launch.tenant_id, launch.registration))
    ask = ask_of(db, launch, manifest, tree, row.shared)
    request = runtime_of(manifest.standard, manifest.edition).request(attempt.values)
    move = navigation(tree, launch.unit, request, ask)
    ways = (flow(tree, current, forward=way, ask=ask) for way in (False, True))
    led = {launch.unit, *(one.unit for one in ways if one is not None)}
    return unit in led or (move is not None and move.unit == unit)


def _open_still(db: Session, launch_id: UUID) -> Launch:
    """The launch, its registration locked; raises LaunchClosed when it has ended."""
    launch = get_launch(db, launch_id=launch_id)
    sittings.lock_registration(
        db,
        tenant=launch.tenant_id,
        registration=launch.registration,
        actor_ifi=launch.actor_ifi,
    )
    # what another transaction wrote while this one waited for the lock
    db.refresh(launch)
    if launch.ended_at is not None:
        raise LaunchClosed("This launch is over; open the unit again.")
    return launch


def end(db: Session, *, config: Config, launch_id: UUID, now: datetime) -> None:
    """End a launch for good, suspending what is live; ending it again is harmless."""
    sitting = sittings.sit_down(db, config=config, launch_id=launch_id)
    sittings.end_launch(db, sitting, now=now)
    launch = sitting.launch
    moment = Moment(seq=launch.place, at=launch.event_at)
    sittings.settle(db, sitting, moment=moment, now=now)


def end_registration(
    db: Session,
    *,
    config: Config,
    registration: UUID,
    now: datetime,
    tenant: int = MAIN_TENANT,
) -> None:
    """End all launches of a registration: the learner has dropped the course."""
    _end_all(
        db,
        Launch.tenant_id == tenant,
        Launch.registration == registration,
        config=config,
        now=now,
    )


def end_person(
    db: Session,
    *,
    config: Config,
    actor: dict[str, Any],
    now: datetime,
    tenant: int = MAIN_TENANT,
) -> None:
    """End all launches of a person that a token could still use: the account closes."""
    _end_all(
        db,
        Launch.tenant_id == tenant,
        Launch.actor_ifi == ifi(actor),
        Launch.expires_at > now - tokens.LIFETIME,
        config=config,
        now=now,
    )


def _end_all(
    db: Session, *which: ColumnElement[bool], config: Config, now: datetime
) -> None:
    found = db.scalars(
        select(Launch.id)
        .where(*which, Launch.ended_at.is_(None))
        .order_by(Launch.registration, Launch.opened_at)
    ).all()
    # all locks are taken before the first statement is stored, always in this order
    ending = [sittings.sit_down(db, config=config, launch_id=one) for one in found]
    for sitting in ending:
        sittings.end_launch(db, sitting, now=now)
    for sitting in ending:
        launch = sitting.launch
        moment = Moment(seq=launch.place, at=launch.event_at)
        sittings.settle(db, sitting, moment=moment, now=now)


def renew(
    db: Session, *, config: Config, launch_id: UUID, until: datetime
) -> tuple[str, datetime]:
    """A token good up to `until`, and that; raises LaunchClosed when it has ended."""
    launch = _open_still(db, launch_id)
    launch.expires_at = until
    return tokens.make_token(config, launch_id=launch.id, expires=until), until


def find_content(db: Session, *, label: str, now: datetime) -> ContentGrant | None:
    """What a content label opens now; None unless a launch or preview of it is open."""
    launch = db.scalars(
        select(Launch)
        .where(
            Launch.label == label, Launch.ended_at.is_(None), Launch.expires_at > now
        )
        .order_by(Launch.opened_at.desc())
        .limit(1)
    ).first()
    if launch is None:
        return _find_preview(db, label=label, now=now)
    return ContentGrant(
        launch_id=launch.id,
        package_id=launch.package_id,
        tenant_id=launch.tenant_id,
    )


def _find_preview(db: Session, *, label: str, now: datetime) -> ContentGrant | None:
    preview = db.get(Preview, label)
    if preview is None or preview.expires_at <= now:
        return None
    return ContentGrant(
        launch_id=None, package_id=preview.package_id, tenant_id=preview.tenant_id
    )


def is_label(db: Session, *, label: str) -> bool:
    """Whether any launch, even one that has ended, was given this content label."""
    found = select(Launch.id).where(Launch.label == label).limit(1)
    return db.scalar(found) is not None


def latest_launch(
    db: Session, *, registration: UUID, tenant: int = MAIN_TENANT
) -> Launch | None:
    """The newest launch of a registration that counts; browsing and reviewing do not."""
    return db.scalars(
        select(Launch)
        .where(
            Launch.tenant_id == tenant,
            Launch.registration == registration,
            Launch.mode == "Normal",
        )
        .order_by(Launch.opened_at.desc())
        .limit(1)
    ).first()


def registration_state(
    db: Session, *, registration: UUID, tenant: int = MAIN_TENANT
) -> list[UnitState]:
    """Where the learner stands in each visible unit, in order; [] before any launch.

    Units not begun are in it as `not attempted`. The package is that of the latest
    launch.
    """
    launch = latest_launch(db, registration=registration, tenant=tenant)
    if launch is None:
        return []
    begun = unit_states(db, launch)
    manifest = manifest_of(get_package(db, package_id=launch.package_id))
    return [
        begun.get(unit.index)
        or UnitState(
            unit=unit.index,
            status="not attempted",
            completion="unknown",
            success="unknown",
            scaled=None,
            total_seconds=Decimal(0),
            suspended=False,
            saved_at=None,
        )
        for unit in manifest.units
        if unit.visible or unit.index in begun
    ]


def unit_states(db: Session, launch: Launch) -> dict[int, UnitState]:
    """The units begun in the launch's registration and package."""
    rows = db.execute(
        select(
            Attempt.unit,
            Attempt.status,
            Attempt.completion,
            Attempt.success,
            Attempt.scaled,
            Attempt.seconds,
            Attempt.suspended,
            Attempt.saved_at,
        )
        .where(
            Attempt.tenant_id == launch.tenant_id,
            Attempt.registration == launch.registration,
            Attempt.package_id == launch.package_id,
            Attempt.mode == "Normal",
        )
        .order_by(Attempt.opened_at)
    )
    states: dict[int, UnitState] = {}
    for row in rows:
        latest = UnitState(*row)
        earlier = states.get(row.unit)
        states[row.unit] = latest if earlier is None else _joined(earlier, latest)
    return states


def _joined(earlier: UnitState, latest: UnitState) -> UnitState:
    """Two attempts on a unit: the later one's word, as far as it has one.

    What was completed once stays completed, for the learner and for the course.
    """
    is_silent = latest.completion == latest.success == "unknown"
    is_judged = latest.success != "unknown" or latest.scaled is not None
    judged = latest if is_judged else earlier
    is_done = "completed" in {earlier.completion, latest.completion}
    known = earlier if is_silent else latest
    return UnitState(
        unit=latest.unit,
        status=known.status,
        completion="completed" if is_done else known.completion,
        success=judged.success,
        scaled=judged.scaled,
        total_seconds=earlier.total_seconds + latest.total_seconds,
        suspended=latest.suspended,
        saved_at=latest.saved_at or earlier.saved_at,
    )


def completed_at(
    db: Session, *, registration: UUID, tenant: int = MAIN_TENANT
) -> datetime | None:
    """When all units were complete; None while they are not."""
    row = db.get(Registration, (tenant, registration))
    return None if row is None else row.completed_at


def suspend_stale(parts: Parts, now: datetime) -> None:
    """Periodic: sessions silent for two hours count as suspended.

    The launch stays open: what it still sends is applied, as a session resumed. One
    that cannot be suspended holds up no other; its error is raised at the end.
    """
    silent = (
        select(Launch.id)
        .where(Launch.live, Launch.received_at < now - STALE_AFTER)
        .order_by(Launch.received_at)
        .limit(STALE_BATCH)
    )
    with reading(parts.engine) as db:
        found = db.scalars(silent).all()
    refused: DomainError | None = None
    for launch_id in found:
        try:
            with writing(parts.engine) as db:
                suspend_if_silent(db, config=parts.config, launch_id=launch_id, now=now)
        except DomainError as error:
            refused = error
    if refused is not None:
        raise refused


def suspend_if_silent(
    db: Session, *, config: Config, launch_id: UUID, now: datetime
) -> None:
    """Suspend the launch's session unless it has ended or spoken up meanwhile."""
    sitting = sittings.sit_down(db, config=config, launch_id=launch_id)
    launch = sitting.launch
    if not launch.live or launch.received_at >= now - STALE_AFTER:
        return
    moment = Moment(seq=launch.place, at=launch.event_at)
    sittings.close(sitting, moment)
    sittings.settle(db, sitting, moment=moment, now=now)
