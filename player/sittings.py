"""Communication sessions of a launch: begin, end, time, and what they record.

A session runs from initialize to terminate. One that never terminates is ended as
suspended: by the next initialize, by a newer launch, or after a silence. Time is added
up here, once per session: the last `session_time` the SCO reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from lrs.config import Config
from lrs.db import insert_new, new_id
from lrs.store import store_statements
from lrs.tables import key_of
from packages.manifest import Manifest, Unit
from packages.manifests import manifest_at
from player import rollup, tokens, translate, urls
from player.activities import Tree, tree_of
from player.cmi import Model
from player.duties import duties_of
from player.inheritance import inherited
from player.navigation import navigation
from player.outcomes import Around, Completion, Outcome, Success, as_mode
from player.runtimes import Runtime, runtime_of
from player.tables import Attempt, Launch, Registration
from player.translate import Moment, Statement
from player.works import ask_of
from statements.build import agent
from statements.errors import Conflict, NotFound
from statements.prepare import prepare

# where a course is complete once it is satisfied, which is said elsewhere
SATISFIED = frozenset({"cmi5"})
GRACE_AFTER_TERMINATE = timedelta(minutes=30)


class RegistrationTaken(Conflict):
    """The registration belongs to another learner or another course."""


class Superseded(Conflict):
    """A newer launch has taken over; what this one still held is kept aside."""


@dataclass
class Sitting:
    """A launch at work, with its rows locked; `statements` gathers what to record."""

    config: Config
    registration: Registration
    launch: Launch
    attempt: Attempt
    unit: Unit
    subject: translate.Subject
    manifest: Manifest
    runtime: Runtime
    statements: list[Statement]

    @cached_property
    def tree(self) -> Tree:
        """The activity tree of SCORM 2004; empty for other standards."""
        return tree_of(self.manifest)

    @property
    def around(self) -> Around:
        """What stands around the unit, and what units leave for each other."""
        activity = self.tree.by_unit.get(self.launch.unit)
        return Around(
            activity={} if activity is None else activity.node,
            shared=self.registration.shared,
        )

    def say(self, *statements: Statement) -> None:
        """Gather statements; browsing and reviewing leave none."""
        if self.launch.mode == "Normal":
            self.statements.extend(statements)


def get_launch(db: Session, *, launch_id: UUID) -> Launch:
    """The launch; raises NotFound."""
    launch = db.get(Launch, launch_id)
    if launch is None:
        raise NotFound("There is no such launch.")
    return launch


def lock_registration(
    db: Session, *, tenant: int, registration: UUID, actor_ifi: str
) -> Registration:
    """The row of a registration, made where there is none, locked to the end.

    Raises RegistrationTaken when it is another learner's.
    """
    insert_new(
        db,
        Registration,
        tenant_id=tenant,
        registration=registration,
        actor_ifi=actor_ifi,
    )
    row = db.get_one(
        Registration,
        (tenant, registration),
        with_for_update=True,
        populate_existing=True,
    )
    if row.actor_ifi != actor_ifi:
        raise RegistrationTaken
    return row


ANEW = {"populate_existing": True}
_LOCK = (
    select(Registration)
    .join(
        Launch,
        (Launch.tenant_id == Registration.tenant_id)
        & (Launch.registration == Registration.registration),
    )
    .where(Launch.id == bindparam("launch"))
    .with_for_update(of=Registration)
)
_AT_WORK = (
    select(Launch, Attempt)
    .join(Attempt, Attempt.id == Launch.attempt_id)
    .where(Launch.id == bindparam("launch"))
)


def sit_down(db: Session, *, config: Config, launch_id: UUID) -> Sitting:
    """The launch with everything it works on, its registration locked."""
    waiting = db.scalars(_LOCK, {"launch": launch_id}, execution_options=ANEW)
    row = waiting.one_or_none()
    if row is None:
        raise NotFound("There is no such launch.")
    # after the lock: what another transaction wrote while this one waited for it
    found = db.execute(_AT_WORK, {"launch": launch_id}, execution_options=ANEW)
    launch, attempt = found.one()
    manifest = manifest_at(db, package_id=launch.package_id)
    unit = manifest.units[launch.unit]
    unit_iri = urls.unit_iri(launch.course_iri, unit.slug)
    subject = translate.Subject(
        actor=launch.actor,
        registration=launch.registration,
        key=tokens.statement_key(config, launch_id=launch.id),
        revision=launch.revision,
        course_iri=launch.course_iri,
        course_title=launch.course_title,
        unit_iri=unit_iri,
        unit_title=unit.title,
        attempt_iri=urls.attempt_iri(unit_iri, attempt.id),
    )
    return Sitting(
        config=config,
        registration=row,
        launch=launch,
        attempt=attempt,
        unit=unit,
        subject=subject,
        manifest=manifest,
        runtime=runtime_of(manifest.standard, manifest.edition),
        statements=[],
    )


def take_over(db: Session, sitting: Sitting, *, now: datetime) -> None:
    """Make this launch the one that writes, ending the one that did.

    Until then the older one's leftovers are still applied: after a crash they come
    when the next launch has been opened and before it has started. Raises Superseded
    for a launch that has ended, or that is older than the one that writes.
    """
    launch, row = sitting.launch, sitting.registration
    if launch.ended_at is not None:
        raise Superseded
    if row.launch_id == launch.id:
        return
    if row.launch_id is not None:
        older = sit_down(db, config=sitting.config, launch_id=row.launch_id)
        if older.launch.opened_at > launch.opened_at:
            raise Superseded
        end_launch(db, older, now=now)
        sitting.statements.extend(older.statements)
    row.launch_id = launch.id


def end_launch(db: Session, sitting: Sitting, *, now: datetime) -> None:
    """End a launch for good; a session still live counts as suspended."""
    launch = sitting.launch
    if launch.live:
        close(sitting, Moment(seq=launch.place, at=launch.event_at))
    if launch.ended_at is None:
        duties = duties_of(launch.standard)
        if duties is not None:
            duties.end(db, sitting, now)
        launch.ended_at = now
        launch.learner_name = ""


def new_attempt(
    db: Session, launch: Launch, manifest: Manifest, *, at: datetime
) -> Attempt:
    """An attempt on the launch's unit that nothing is known of yet."""
    runtime = runtime_of(manifest.standard, manifest.edition)
    threshold = launch.mastery.get(str(launch.unit))
    values = runtime.first_values(
        manifest.units[launch.unit],
        threshold=None if threshold is None else Decimal(threshold),
    )
    attempt = Attempt(
        id=new_id(),
        tenant_id=launch.tenant_id,
        registration=launch.registration,
        package_id=launch.package_id,
        unit=launch.unit,
        mode=launch.mode,
        started=False,
        suspended=False,
        seconds=Decimal(0),
        opened_at=at,
    )
    save_values(runtime, attempt, values, at=at)
    attempt.saved_at = None
    db.add(attempt)
    db.flush()
    return attempt


def renew_attempt(db: Session, sitting: Sitting, *, at: datetime) -> None:
    """Another attempt where the last one is over (SCORM 2004: ended, not suspended)."""
    launch, last = sitting.launch, sitting.attempt
    is_over = last.started and not last.suspended
    if not (sitting.runtime.starts_anew and launch.mode == "Normal" and is_over):
        return
    attempt = new_attempt(db, launch, sitting.manifest, at=at)
    launch.attempt_id = attempt.id
    sitting.attempt = attempt
    iri = urls.attempt_iri(sitting.subject.unit_iri, attempt.id)
    sitting.subject = replace(sitting.subject, attempt_iri=iri)


def inherit(db: Session, row: Registration, launch: Launch, manifest: Manifest) -> None:
    """Begin with what the learner's other registrations have left (SCORM 2004)."""
    is_begun = row.launch_id is not None or bool(row.shared)
    if launch.mode == "Normal" and not is_begun:
        row.shared = inherited(db, launch, tree_of(manifest))


def open_session(sitting: Sitting, moment: Moment) -> None:
    """LMSInitialize: values for a new session; one still live counts as suspended."""
    launch, attempt, runtime = sitting.launch, sitting.attempt, sitting.runtime
    if launch.live:
        close(sitting, replace(moment, is_before=True))
    values = runtime.begin(
        attempt.values,
        mode=as_mode(launch.mode),
        started=attempt.started,
        suspended=attempt.suspended,
        around=sitting.around,
    )
    launch.counted = launch.counted_seat = Decimal(0)
    launch.elapsed = 0
    _go_live(sitting, moment, is_resumed=runtime.is_resumed(values))
    if sitting.unit.kind == "asset":
        values = runtime.view_asset(values)
    progress(sitting, moment, values)


def go_on(sitting: Sitting, moment: Moment) -> None:
    """A session that was ended for its silence was not over: it is resumed.

    Its values and counted time stay, because the SCO has not started again.
    """
    _go_live(sitting, moment, is_resumed=True)


def _go_live(sitting: Sitting, moment: Moment, *, is_resumed: bool) -> None:
    launch, attempt = sitting.launch, sitting.attempt
    launch.live = attempt.started = attempt.suspended = True
    sitting.say(translate.opening(sitting.subject, moment, is_resumed=is_resumed))


def progress(
    sitting: Sitting,
    moment: Moment,
    values: Model,
    changed: Sequence[tuple[str, str]] = (),
) -> None:
    """Keep new values of a session that goes on, and say what is new in them."""
    before = sitting.attempt.values
    save_values(sitting.runtime, sitting.attempt, values, at=moment.at)
    _share(sitting, values)
    sitting.say(
        *translate.progress(
            sitting.subject,
            moment,
            runtime=sitting.runtime,
            before=before,
            after=values,
            changed=changed,
        )
    )


def _share(sitting: Sitting, values: Model) -> None:
    """Keep what the unit leaves for others; browsing and reviewing leave nothing."""
    row, launch = sitting.registration, sitting.launch
    if not sitting.runtime.starts_anew or launch.mode != "Normal":
        return
    shared = sitting.runtime.share(values, sitting.around, ended=not launch.live)
    if shared != row.shared:
        row.shared = dict(shared)


def close(
    sitting: Sitting,
    moment: Moment,
    *,
    values: Mapping[str, str] | None = None,
    changed: Sequence[tuple[str, str]] = (),
    terminated: bool = False,
) -> None:
    """End the session: time added, status decided, everything said.

    `values` and `changed`: what the closing entry itself brought.
    """
    launch, attempt, runtime = sitting.launch, sitting.attempt, sitting.runtime
    latest = dict(attempt.values if values is None else values)
    reported, seat = _session_time(launch, runtime.session_seconds(latest))
    finished = runtime.finish(
        latest,
        terminated=terminated,
        seconds=reported - launch.counted,
        around=sitting.around,
    )
    spent = seat - launch.counted_seat
    attempt.seconds += spent
    launch.counted, launch.counted_seat = reported, seat
    launch.live = False
    attempt.suspended = not terminated or runtime.is_suspended(finished)
    progress(sitting, moment, finished, changed)
    sitting.say(
        translate.closing(
            sitting.subject,
            moment,
            verb="suspended" if attempt.suspended else "terminated",
            known=runtime.outcome(finished),
            seconds=spent,
        )
    )


def next_of(db: Session, sitting: Sitting) -> dict[str, Any] | None:
    """Where the unit that has ended leads; None where the learner may choose."""
    launch = sitting.launch
    if launch.live or not sitting.tree.activities:
        return None
    request = sitting.runtime.request(sitting.attempt.values)
    shared = sitting.registration.shared
    ask = ask_of(db, launch, sitting.manifest, sitting.tree, shared)
    move = navigation(sitting.tree, launch.unit, request, ask)
    if move is None:
        return None
    return {"exit": True} if move.unit is None else {"unit": move.unit}


def _session_time(launch: Launch, reported: Decimal | None) -> tuple[Decimal, Decimal]:
    """Seconds of this session as reported, and as spent; neither ever goes back."""
    spent = Decimal(launch.elapsed).scaleb(-3) if reported is None else reported
    return (
        max(reported or Decimal(0), launch.counted),
        max(spent, launch.counted_seat),
    )


def save_values(
    runtime: Runtime, attempt: Attempt, values: Model, *, at: datetime
) -> None:
    """Keep the model and what it amounts to."""
    known = runtime.outcome(values)
    attempt.values = values
    attempt.status = runtime.status(values)
    attempt.completion = known.completion
    attempt.success = known.success
    attempt.scaled = known.scaled
    attempt.saved_at = at


def record_outcome(
    sitting: Sitting,
    *,
    completion: Completion | None = None,
    success: Success | None = None,
    scaled: Decimal | None = None,
    seconds: Decimal = Decimal(0),
    at: datetime,
) -> None:
    """Keep what a unit without a model has reported of its attempt.

    What is None stays as it was; `seconds` are added to the time spent. Whether the
    whole course is complete by it is for `complete_course` or the standard to say.
    """
    attempt = sitting.attempt
    attempt.completion = completion or attempt.completion
    attempt.success = success or attempt.success
    attempt.scaled = attempt.scaled if scaled is None else scaled
    attempt.status = Outcome(
        completion=cast("Completion", attempt.completion),
        success=cast("Success", attempt.success),
    ).status
    attempt.seconds += seconds
    attempt.started = True
    attempt.saved_at = at


def stay_open(launch: Launch, *, now: datetime, until: datetime) -> None:
    """Serve content while its token lives, or a little after the end."""
    launch.expires_at = (
        until if launch.live else min(launch.expires_at, now + GRACE_AFTER_TERMINATE)
    )


def settle(db: Session, sitting: Sitting, *, moment: Moment, now: datetime) -> None:
    """Say when the whole course is complete, then store all statements.

    This is the last step of a transaction.
    """
    if sitting.statements:
        complete_course(db, sitting, moment)
        store_statements(
            db,
            tenant=sitting.launch.tenant_id,
            statements=[prepare(one, now=now) for one in sitting.statements],
            authority=authority(sitting.config),
            now=now,
        )


def complete_course(db: Session, sitting: Sitting, moment: Moment) -> None:
    """Say that the whole course is complete, once, when all units that count are."""
    row, launch = sitting.registration, sitting.launch
    db.flush()
    if row.completed_at is not None or launch.mode != "Normal":
        return
    if launch.standard in SATISFIED:
        return
    attempts = db.execute(
        select(Attempt.unit, Attempt.completion, Attempt.seconds).where(
            Attempt.tenant_id == launch.tenant_id,
            Attempt.registration == launch.registration,
            Attempt.package_id == launch.package_id,
            Attempt.mode == "Normal",
            Attempt.started,
        )
    ).all()
    completions: dict[int, list[str]] = {}
    for one in attempts:
        completions.setdefault(one.unit, []).append(one.completion)
    if rollup.is_complete(sitting.manifest, completions):
        row.completed_at = moment.at
        seconds = sum((one.seconds for one in attempts), Decimal(0))
        sitting.say(
            translate.course_completed(sitting.subject, moment, seconds=seconds)
        )
        db.flush()


def completion_of_unit(db: Session, sitting: Sitting) -> str:
    """How far the unit has come: what an earlier attempt has completed stays so."""
    attempt, launch = sitting.attempt, sitting.launch
    is_only = not sitting.runtime.starts_anew or launch.mode != "Normal"
    if is_only or attempt.completion == "completed":
        return attempt.completion
    db.flush()
    earlier = select(Attempt.id).where(
        Attempt.tenant_id == launch.tenant_id,
        Attempt.registration == launch.registration,
        Attempt.package_id == launch.package_id,
        Attempt.unit == launch.unit,
        Attempt.mode == "Normal",
        Attempt.completion == "completed",
    )
    found = db.scalar(earlier.limit(1))
    return attempt.completion if found is None else "completed"


def authority(config: Config) -> dict[str, Any]:
    """Who vouches for what the player records."""
    return agent(config.portal_url, "player")


def portal_key(config: Config) -> UUID:
    """The key of the authority under which the portal records enrolling."""
    body = agent(config.portal_url, "portal")
    return key_of(orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode())
